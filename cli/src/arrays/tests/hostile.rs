//! Archives and headers that lie: an error within a moment.

use std::time::{Duration, Instant};

use zip::CompressionMethod;

use super::{Place, npy, npy_of, npz, read_any};
use crate::arrays::Arrays;

/// Refused in words, within a moment: a tenth of a second on a free machine.
#[track_caller]
fn refused(what: &str, npz: &[u8], says: &str) {
    let start = Instant::now();
    let message = format!("{:#}", read_any(npz).map(|tensor| tensor.shape).expect_err(what));
    assert!(start.elapsed() < Duration::from_secs(5), "{what}: {:?}", start.elapsed());
    assert!(message.contains(says), "{what}: {message:?} does not say {says:?}");
}

#[test]
fn a_zip_bomb_is_refused_and_a_large_array_of_zeros_is_not() {
    let zeros = |bytes: usize| {
        let file = npy(["'<f4'", "False", &format!("({},)", bytes / 4)], &vec![0; bytes]);
        npz(CompressionMethod::Deflated, &[("x", &file)])
    };
    let bomb = zeros(120_000_000);
    refused("a bomb", &bomb, "save it with np.savez (uncompressed)");
    assert_eq!(read_any(&zeros(4_000_000)).unwrap().shape, [1_000_000]);
    // 19 KB, and half a gigabyte as integers.
    let bytes = npy(["'|i1'", "False", "(19000000,)"], &vec![0; 19_000_000]);
    refused("a bomb of small integers", &npz(CompressionMethod::Deflated, &[("x", &bytes)]), "save it with np.savez");
    // The same bomb, whose table of contents claims less: the size stands in the local and in the central header.
    let claimed = (120_000_000 + npy(["'<f4'", "False", "(30000000,)"], &[]).len() as u32).to_le_bytes();
    let mut modest = bomb;
    let places: Vec<usize> = (0..modest.len() - 4).filter(|at| modest[*at..][..4] == claimed).collect();
    assert!(!places.is_empty());
    for at in places {
        modest[at..at + 4].copy_from_slice(&1_000_000u32.to_le_bytes());
    }
    refused("a bomb that claims less", &modest, "array x: its header speaks of");
}

#[test]
fn headers_that_lie_are_refused_before_memory_is_taken() {
    let nested = format!("{}1{}", "[".repeat(100), "]".repeat(100));
    let many = format!("({})", "1, ".repeat(100));
    let half = "9223372036854775808";
    for (what, header, says) in [
        ("nested lists", format!("{{'descr': {nested}, 'fortran_order': False, 'shape': (4,)}}"), "structured"),
        (
            "a nested shape",
            format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({nested},)}}"),
            "lists within lists",
        ),
        ("nested dictionaries", "{'descr': {".repeat(100), "header"),
        ("a list at the top", nested.clone(), "header cannot be read"),
        ("no dictionary", String::new(), "header cannot be read"),
        ("a text without end", "{'descr".to_owned(), "header cannot be read"),
        ("no shape", "{'descr': '<f4', 'fortran_order': False}".to_owned(), "shape is missing"),
        (
            "an order that is a number",
            "{'descr': '<f4', 'fortran_order': 0, 'shape': (4,)}".to_owned(),
            "expected True or False",
        ),
        ("an axis alone", "{'descr': '<f4', 'fortran_order': False, 'shape': 4}".to_owned(), "expected a tuple"),
        (
            "more behind",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (4,)} 1".to_owned(),
            "header cannot be read",
        ),
        (
            "a negative axis",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (-4,)}".to_owned(),
            "axis 0 is no length",
        ),
        ("100 axes", format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {many}}}"), "more than 64 axes"),
        (
            "an endless axis",
            format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({half}{half},)}}"),
            "axis 0 is no length",
        ),
    ] {
        refused(what, &npz(CompressionMethod::Stored, &[("x", &npy_of(&header, &[0; 16]))]), says);
    }
    for (what, shape) in [
        ("10^18 values", "(1000000000000000000,)".to_owned()),
        ("an overflow", format!("({half}, {half})")),
        ("an overflow with a zero", format!("(0, {half}, {half})")),
        ("too few", "(3,)".to_owned()),
        ("too many", "(5,)".to_owned()),
    ] {
        for fortran in ["False", "True"] {
            let file = npy(["'<f4'", fortran, &shape], &[0; 16]);
            refused(what, &npz(CompressionMethod::Stored, &[("x", &file)]), "its header speaks of");
        }
    }
    for (descr, says) in [
        ("'|O'", "objects are pickles"),
        ("'<c8'", "expected float32 or float64"),
        ("'<U4'", "expected float32 or float64"),
        ("'<M8[s]'", "expected float32 or float64"),
        ("[('a', '<f4')]", "structured arrays"),
        ("['<f4']", "structured arrays"),
        ("4", "expected float32 or float64"),
        ("'x'", "expected float32 or float64"),
        ("''", "expected float32 or float64"),
        ("'é4'", "expected float32 or float64"),
        ("'|f4'", "expected float32 or float64"),
        ("'<f16'", "expected float32 or float64"),
    ] {
        refused(descr, &npz(CompressionMethod::Stored, &[("x", &npy([descr, "False", "(4,)"], &[0; 16]))]), says);
    }
    let huge = npy(["'<u8'", "False", "(2,)"], &[&[0; 8][..], &[255; 8]].concat());
    refused(
        "more than int64",
        &npz(CompressionMethod::Stored, &[("x", &huge)]),
        "value 1 of 2: 18446744073709551615 is more than int64 holds",
    );
    let lengths = [&b"\x93NUMPY\x02\x00"[..], &u32::MAX.to_le_bytes(), &[b' '; 100]].concat();
    refused("a header of 4 GiB", &npz(CompressionMethod::Stored, &[("x", &lengths)]), "expected at most 10000");
}

#[test]
fn damaged_archives_are_refused_and_never_a_panic() {
    let file =
        npy(["'<f4'", "False", "(100,)"], &(0..100u16).flat_map(|n| f32::from(n).to_le_bytes()).collect::<Vec<_>>());
    for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
        let bytes = npz(method, &[("x", &file)]);
        let whole = read_any(&bytes).unwrap();
        for length in 0..bytes.len() {
            let place = Place::with(&bytes[..length]);
            assert!(Arrays::open(&place.path()).is_err(), "{method}: cut to {length} of {} bytes", bytes.len());
        }
        for at in 0..bytes.len() {
            let mut broken = bytes.clone();
            broken[at] ^= 0x11;
            let place = Place::with(&broken);
            let Ok(mut arrays) = Arrays::open(&place.path()) else { continue };
            if let Ok(Some(found)) = arrays.read_any("x") {
                assert_eq!(found, whole, "{method}: byte {at} changed, and the checksum says nothing");
            }
        }
    }
}
