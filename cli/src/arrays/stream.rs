//! `.npy` files larger than memory, read and written some of the first axis at a time.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use npyz::{AutoSerialize, Serialize, TypeWrite, WriteOptions, WriterBuilder};

use super::element;
use super::header::Header;
use super::npz::axes;
use super::tensor::Values;
use crate::files::Unfinished;

/// Values that are kept in their own type until they are float32.
const BLOCK: usize = 1 << 13;

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
        let Header { element, shape, .. } = &self.header;
        let (rows, row) = shape.split_first().map_or((0, 1), |(rows, row)| (*rows, row.iter().product::<usize>()));
        let (first, count) = (self.read, count.min(rows - self.read));
        // The product fits, and so much is there: the header was compared with the file's length.
        let mut found = Vec::with_capacity(count * row);
        while found.len() < count * row {
            let block = BLOCK.min(count * row - found.len());
            let values = element::values(&mut self.file, element, block).and_then(Values::into_f32);
            found.extend(values.with_context(|| {
                format!("{}: rows {first} to {}, from value {} on", self.path.display(), first + count, found.len())
            })?);
        }
        self.read += count;
        Ok(found)
    }
}

/// A `.npy` file of float32 in C order that is written row by row; dropped before [`NpyWriter::finish`], it leaves nothing.
pub struct NpyWriter {
    file: Unfinished,
    values: <f32 as Serialize>::TypeWriter,
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
            let element = f32::default_dtype();
            let values = f32::writer(&element)?;
            let options = WriteOptions::new_header_only().dtype(element).shape(&axes(shape));
            options.writer(file.writer()).write_header_only()?;
            Ok(NpyWriter { file, values, left })
        };
        begin().with_context(|| format!("{}: cannot write", path.display()))
    }

    /// Appends values.
    pub fn write(&mut self, values: &[f32]) -> Result<()> {
        let shown = self.file.target().display().to_string();
        let left = self.left.checked_sub(values.len());
        self.left =
            left.with_context(|| format!("{shown}: {} values too many for its shape", values.len() - self.left))?;
        let (file, mut values) = (self.file.writer(), values.iter());
        values
            .try_for_each(|value| self.values.write_one(&mut *file, value))
            .with_context(|| format!("{shown}: cannot write"))
    }

    /// Puts the file in its place.
    pub fn finish(self) -> Result<()> {
        let shown = self.file.target().display().to_string();
        ensure!(self.left == 0, "{shown}: {} values too few for its shape", self.left);
        self.file.finish().with_context(|| format!("{shown}: cannot write"))
    }
}
