//! Arrays beside what `npyz` writes and reads, files that lie, and writers that are interrupted.

mod hostile;
mod streams;
mod types;

use std::fs;
use std::io::{Cursor, Write};
use std::path::PathBuf;

use tempfile::TempDir;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::{Arrays, Tensor};

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
