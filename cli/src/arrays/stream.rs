//! `.npy` files larger than memory, read and written some of the first axis at a time.

use std::fs::File;
use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::decode;
use super::header::{self, Header};
use super::npz::write_values;
use super::tensor::Values;
use crate::files::Unfinished;

/// A `.npy` file of numbers in C order, open for reading from its first row to its last.
///
/// A row is all that stands at one index of the first axis.
pub struct NpyReader {
    path: PathBuf,
    file: BufReader<File>,
    header: Header,
    /// Rows that were read.
    read: usize,
}

impl NpyReader {
    /// Opens a file and compares its header with its length. Errors name the file.
    pub fn open(path: &Path) -> Result<Self> {
        NpyReader::open_checked(path).with_context(|| path.display().to_string())
    }

    fn open_checked(path: &Path) -> Result<Self> {
        let mut file = BufReader::new(File::open(path)?);
        let header = Header::read(&mut file)?;
        header.check_size(file.get_ref().metadata()?.len())?;
        ensure!(!header.shape.is_empty(), "the array has no axes: expected at least one");
        // With one axis both orders are the same.
        let ordered = !header.fortran || header.shape.len() == 1;
        ensure!(ordered, "the array is in Fortran order: expected C order, as np.ascontiguousarray gives it");
        Ok(NpyReader { path: path.to_owned(), file, header, read: 0 })
    }

    /// Lengths of the axes.
    pub fn shape(&self) -> &[usize] {
        &self.header.shape
    }

    /// The next `count` rows, or as many as are left. Doubles are rounded to the nearest, integers must be exact.
    pub fn read_rows(&mut self, count: usize) -> Result<Vec<f32>> {
        let Header { encoding, shape, .. } = &self.header;
        let (rows, row) = shape.split_first().map_or((0, 1), |(rows, row)| (*rows, row.iter().product::<usize>()));
        let (first, count) = (self.read, count.min(rows - self.read));
        let mut found = Vec::new();
        let file = &mut self.file;
        // The product fits: the header was compared with the file's length.
        let read = decode::in_blocks(file, (count * row * encoding.width()) as u64, |bytes| {
            let mut values = Values::of(encoding.element);
            encoding.decode(bytes, &mut values)?;
            found.extend(values.into_f32().with_context(|| format!("from value {} on", found.len()))?);
            Ok(())
        });
        read.with_context(|| format!("{}: rows {first} to {}", self.path.display(), first + count))?;
        self.read += count;
        Ok(found)
    }
}

/// A `.npy` file of float32 in C order that is written row by row; dropped before [`NpyWriter::finish`], it leaves nothing.
pub struct NpyWriter {
    file: Unfinished,
    /// Values that are still to come.
    left: usize,
}

impl NpyWriter {
    /// Begins a file beside `path`. Errors name the file.
    pub fn create(path: &Path, shape: &[usize]) -> Result<Self> {
        let begin = || -> Result<Self> {
            let left = shape.iter().try_fold(1usize, |product, axis| product.checked_mul(*axis));
            let left = left.with_context(|| format!("an array of shape {shape:?} is larger than any file"))?;
            let mut file = Unfinished::create(path)?;
            file.writer().write_all(&header::written("<f4", shape)?)?;
            Ok(NpyWriter { file, left })
        };
        begin().with_context(|| format!("{}: cannot write", path.display()))
    }

    /// Appends values.
    pub fn write(&mut self, values: &[f32]) -> Result<()> {
        let shown = self.file.target().display().to_string();
        let left = self.left.checked_sub(values.len());
        self.left =
            left.with_context(|| format!("{shown}: {} values too many for its shape", values.len() - self.left))?;
        write_values(self.file.writer(), values, |value| value.to_le_bytes())
            .with_context(|| format!("{shown}: cannot write"))
    }

    /// Puts the file in its place.
    pub fn finish(self) -> Result<()> {
        let shown = self.file.target().display().to_string();
        ensure!(self.left == 0, "{shown}: {} values too few for its shape", self.left);
        self.file.finish().with_context(|| format!("{shown}: cannot write"))
    }
}
