//! Arrays of `.npz` files, for the tests of all packages: `npyz` reads an array, `zip` finds it. `npyz`'s own way to it would
//! compile zstd, bzip2 and ciphers, which no test needs.
#![allow(dead_code, reason = "each test uses a part of it")]

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek};
use std::path::Path;

use npyz::NpyFile;
use zip::ZipArchive;
use zip::result::ZipError;

/// An `.npz` file.
pub struct NpzArchive<R>(ZipArchive<R>);

impl NpzArchive<BufReader<File>> {
    /// Opens a file.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        Self::new(BufReader::new(File::open(path)?))
    }
}

impl<R: Read + Seek> NpzArchive<R> {
    /// From the bytes of a file.
    pub fn new(reader: R) -> io::Result<Self> {
        Ok(NpzArchive(ZipArchive::new(reader)?))
    }

    /// The names of the arrays.
    pub fn array_names(&self) -> impl Iterator<Item = &str> {
        self.0.file_names().filter_map(|name| name.strip_suffix(".npy"))
    }

    /// An array; `None` if there is none of that name.
    pub fn by_name(&mut self, name: &str) -> io::Result<Option<NpyFile<Cursor<Vec<u8>>>>> {
        let mut bytes = Vec::new();
        match self.0.by_name(&format!("{name}.npy")) {
            Ok(mut file) => file.read_to_end(&mut bytes)?,
            Err(ZipError::FileNotFound) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        NpyFile::new(Cursor::new(bytes)).map(Some)
    }
}
