//! Arrays beside what `npyz` writes and reads, files that lie, and writers that are interrupted.

use std::fs;
use std::io::{Cursor, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use half::f16;
use npyz::WriterBuilder;
use npyz::npz::NpzArchive;
use tempfile::TempDir;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::{Arrays, NpyReader, NpyWriter, Tensor, Values, write_tensors};

/// The bytes of a `.npy` file whose header says what it likes, as Python would write it.
fn npy([descr, fortran, shape]: [&str; 3], data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}\n");
    npy_of(&header, data)
}

fn npy_of(header: &str, data: &[u8]) -> Vec<u8> {
    [b"\x93NUMPY\x02\x00", &(header.len() as u32).to_le_bytes()[..], header.as_bytes(), data].concat()
}

fn npz(method: CompressionMethod, entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        archive.start_file(format!("{name}.npy"), SimpleFileOptions::default().compression_method(method)).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// A folder with one file.
struct Place(TempDir);

impl Place {
    fn with(bytes: &[u8]) -> Self {
        let place = Place(TempDir::new().unwrap());
        fs::write(place.path(), bytes).unwrap();
        place
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("file")
    }

    fn names(&self) -> Vec<String> {
        fs::read_dir(self.0.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

fn read_any(npz: &[u8]) -> anyhow::Result<Tensor> {
    let place = Place::with(npz);
    Ok(Arrays::open(&place.path())?.read_any("x")?.expect("an array x"))
}

/// Refused in words, within a moment: a tenth of a second on a free machine.
#[track_caller]
fn refused(what: &str, npz: &[u8], says: &str) {
    let start = Instant::now();
    let message = format!("{:#}", read_any(npz).map(|tensor| tensor.shape).expect_err(what));
    assert!(start.elapsed() < Duration::from_secs(5), "{what}: {:?}", start.elapsed());
    assert!(message.contains(says), "{what}: {message:?} does not say {says:?}");
}

#[test]
fn every_element_type_is_read_in_both_byte_orders() {
    let values = [0i32, 1, 5, 127];
    let little =
        |width: usize| values.iter().flat_map(|v| v.to_le_bytes()[..width.min(4)].to_vec()).collect::<Vec<u8>>();
    let wide = values.iter().flat_map(|v| i64::from(*v).to_le_bytes()).collect::<Vec<u8>>();
    let half = values.iter().flat_map(|v| f16::from_f32(*v as f32).to_le_bytes()).collect::<Vec<u8>>();
    let single = values.iter().flat_map(|v| (*v as f32).to_le_bytes()).collect::<Vec<u8>>();
    let double = values.iter().flat_map(|v| f64::from(*v).to_le_bytes()).collect::<Vec<u8>>();
    let whole = Values::I64(vec![0, 1, 5, 127]);
    let float = Values::F32(vec![0.0, 1.0, 5.0, 127.0]);
    for (kind, width, little, expected) in [
        ("i1", 1, little(1), &whole),
        ("i2", 2, little(2), &whole),
        ("i4", 4, little(4), &whole),
        ("i8", 8, wide.clone(), &whole),
        ("u1", 1, little(1), &whole),
        ("u2", 2, little(2), &whole),
        ("u4", 4, little(4), &whole),
        ("u8", 8, wide, &whole),
        ("f2", 2, half, &float),
        ("f4", 4, single, &float),
        ("f8", 8, double, &Values::F64(vec![0.0, 1.0, 5.0, 127.0])),
        ("b1", 1, little(1), &Values::Bool(vec![false, true, true, true])),
    ] {
        let big: Vec<u8> = little.chunks(width).flat_map(|bytes| bytes.iter().rev().copied()).collect();
        for (order, bytes) in [("<", &little), (">", &big)] {
            let file = npy([&format!("'{order}{kind}'"), "False", "(2, 2)"], bytes);
            let tensor = read_any(&npz(CompressionMethod::Deflated, &[("x", &file)])).unwrap();
            assert_eq!(tensor, Tensor { shape: vec![2, 2], values: expected.clone() }, "{order}{kind}");
        }
    }
    let negative = npy(["'>i2'", "False", "(2,)"], &[0xff, 0xfe, 0x80, 0x00]);
    let tensor = read_any(&npz(CompressionMethod::Stored, &[("x", &negative)])).unwrap();
    assert_eq!(tensor.values, Values::I64(vec![-2, -32768]));
}

#[test]
fn fortran_order_and_headers_of_other_writers_are_read() {
    let bytes: Vec<u8> = [1f32, 4.0, 2.0, 5.0, 3.0, 6.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    let expected = Tensor { shape: vec![2, 3], values: Values::F32(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]) };
    for header in [
        "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }\n",
        "{'shape': (2L, 3L), 'fortran_order': True, 'descr': '<f4'}",
        "  {\"shape\":(2,3,),\"descr\":\"<f4\",\n\"fortran_order\":True}  ",
    ] {
        let tensor = read_any(&npz(CompressionMethod::Stored, &[("x", &npy_of(header, &bytes))])).unwrap();
        assert_eq!(tensor, expected, "{header}");
    }
}

#[test]
fn what_is_written_is_read_by_others_and_by_us() {
    let place = Place::with(b"old");
    let tensors = [
        (
            "single".to_owned(),
            Tensor { shape: vec![2, 3], values: Values::F32((0..6).map(|n| n as f32 / 3.0).collect()) },
        ),
        ("double".to_owned(), Tensor { shape: vec![3], values: Values::F64(vec![0.1, -0.0, f64::INFINITY]) }),
        ("whole".to_owned(), Tensor { shape: vec![], values: Values::I64(vec![i64::MIN]) }),
        ("truth".to_owned(), Tensor { shape: vec![1, 0], values: Values::Bool(vec![]) }),
    ];
    write_tensors(&place.path(), &tensors).unwrap();
    assert_eq!(place.names(), ["file"]);
    let mut others = NpzArchive::open(place.path()).unwrap();
    let single = others.by_name("single").unwrap().unwrap();
    assert_eq!(single.shape(), [2, 3]);
    assert_eq!(single.into_vec::<f32>().unwrap(), (0..6).map(|n| n as f32 / 3.0).collect::<Vec<_>>());
    assert_eq!(others.by_name("double").unwrap().unwrap().into_vec::<f64>().unwrap(), [0.1, 0.0, f64::INFINITY]);
    assert_eq!(others.by_name("whole").unwrap().unwrap().into_vec::<i64>().unwrap(), [i64::MIN]);
    assert_eq!(others.by_name("truth").unwrap().unwrap().shape(), [1, 0]);
    let mut ours = Arrays::open(&place.path()).unwrap();
    for (name, tensor) in &tensors {
        assert_eq!(ours.read_any(name).unwrap().as_ref(), Some(tensor), "{name}");
    }
    let wrong = [("x".to_owned(), Tensor { shape: vec![2], values: Values::F32(vec![0.0]) })];
    let before = fs::read(place.path()).unwrap();
    assert!(format!("{:#}", write_tensors(&place.path(), &wrong).unwrap_err()).contains("shape [2], but 1 values"));
    assert_eq!((place.names(), fs::read(place.path()).unwrap()), (vec!["file".to_owned()], before));
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
            "expected a length",
        ),
        ("nested dictionaries", "{'descr': {".repeat(100), "header"),
        ("a list at the top", nested.clone(), "header cannot be read"),
        ("no dictionary", String::new(), "header cannot be read"),
        ("a text without end", "{'descr".to_owned(), "header cannot be read"),
        ("no shape", "{'descr': '<f4', 'fortran_order': False}".to_owned(), "is missing"),
        ("another key", "{'descr': '<f4', 'fortran_order': False, 'shape': (4,), 'a': 1}".to_owned(), "unknown key"),
        ("a key twice", "{'shape': (4,), 'shape': (4,)}".to_owned(), "twice"),
        ("more behind", "{'descr': '<f4', 'fortran_order': False, 'shape': (4,)} ()".to_owned(), "more stands behind"),
        ("a negative axis", "{'descr': '<f4', 'fortran_order': False, 'shape': (-4,)}".to_owned(), "expected a length"),
        ("100 axes", format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {many}}}"), "more than 64 axes"),
        (
            "an endless axis",
            format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({half}{half},)}}"),
            "a length of",
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
        ("'x'", "is not read"),
        ("''", "is not read"),
        ("'é4'", "is not read"),
    ] {
        refused(descr, &npz(CompressionMethod::Stored, &[("x", &npy([descr, "False", "(4,)"], &[0; 16]))]), says);
    }
    let huge = npy(["'<u8'", "False", "(2,)"], &[&[0; 8][..], &[255; 8]].concat());
    refused("more than int64", &npz(CompressionMethod::Stored, &[("x", &huge)]), "18446744073709551615 at index 1");
    let lengths = [&b"\x93NUMPY\x02\x00"[..], &u32::MAX.to_le_bytes(), &[b' '; 100]].concat();
    refused("a header of 4 GiB", &npz(CompressionMethod::Stored, &[("x", &lengths)]), "expected at most 65536");
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

#[test]
fn a_npy_file_is_read_in_blocks_of_any_size() {
    let place = Place::with(b"");
    let values: Vec<f64> = (0..7 * 6).map(|n| f64::from(n) / 7.0).collect();
    let narrow: Vec<f32> = values.iter().map(|value| *value as f32).collect();
    let mut bytes = Vec::new();
    let mut writer = npyz::WriteOptions::new().default_dtype().shape(&[7, 2, 3]).writer(&mut bytes).begin_nd().unwrap();
    writer.extend(values).unwrap();
    writer.finish().unwrap();
    fs::write(place.path(), &bytes).unwrap();
    for count in 1..9 {
        let mut reader = NpyReader::open(&place.path()).unwrap();
        assert_eq!(reader.shape(), [7, 2, 3]);
        let mut found = Vec::new();
        for first in (0..7).step_by(count) {
            let rows = reader.read_rows(count).unwrap();
            assert_eq!(rows.len(), count.min(7 - first) * 6);
            found.extend(rows);
        }
        assert_eq!(found, narrow, "{count} rows at a time");
        assert_eq!(reader.read_rows(count).unwrap(), [0f32; 0]);
    }
    let open = |bytes: &[u8]| {
        fs::write(place.path(), bytes).unwrap();
        format!("{:#}", NpyReader::open(&place.path()).map(|_| ()).expect_err("must be refused"))
    };
    assert!(open(&bytes[..bytes.len() - 1]).contains("its header speaks of"));
    assert!(open(&npy(["'<f4'", "True", "(2, 2)"], &[0; 16])).contains("Fortran order"));
    assert!(open(&npy(["'<f4'", "False", "()"], &[0; 4])).contains("no axes"));
    assert!(open(b"\x93NUMPY").contains("header"));
}

#[test]
fn a_npy_writer_leaves_a_whole_file_or_nothing() {
    let place = Place::with(b"old");
    let target = place.path();
    let values: Vec<f32> = (0..24).map(|n| n as f32 / 5.0).collect();
    let mut writer = NpyWriter::create(&target, &[4, 6]).unwrap();
    for rows in values.chunks(6) {
        writer.write(rows).unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"old");
    }
    writer.finish().unwrap();
    assert_eq!(place.names(), ["file"]);
    let file = npyz::NpyFile::new(fs::File::open(&target).unwrap()).unwrap();
    assert_eq!(file.shape(), [4, 6]);
    assert_eq!(file.into_vec::<f32>().unwrap(), values);

    let whole = fs::read(&target).unwrap();
    let mut dropped = NpyWriter::create(&target, &[4, 6]).unwrap();
    dropped.write(&values[..6]).unwrap();
    drop(dropped);
    let mut short = NpyWriter::create(&target, &[4, 6]).unwrap();
    short.write(&values[..6]).unwrap();
    assert!(short.finish().unwrap_err().to_string().contains("18 values too few"));
    let mut long = NpyWriter::create(&target, &[1]).unwrap();
    assert!(long.write(&values[..3]).unwrap_err().to_string().contains("2 values too many"));
    drop(long);
    assert_eq!((place.names(), fs::read(&target).unwrap()), (vec!["file".to_owned()], whole));
    assert!(NpyWriter::create(&target.join("x"), &[1]).is_err());
    assert!(NpyWriter::create(&target, &[usize::MAX, 2]).is_err());
}
