//! Files that are read and written block by block.

use std::fs;

use npyz::WriterBuilder;

use super::{Place, npy};
use crate::arrays::{NpyReader, NpyWriter};

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
