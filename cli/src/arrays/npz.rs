//! `.npz` files, which are zip archives of `.npy` arrays; hostile ones cost an error.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use npyz::{AutoSerialize, WriteOptions, WriterBuilder};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::element;
use super::header::Header;
use super::tensor::{Tensor, Values};
use super::{Array, Integers};
use crate::files::write_whole;

/// What an array may unpack to whatever its compressed size, in bytes; an integer of one byte takes eight when it is read.
const UNSUSPICIOUS: u64 = 5_000_000;

/// How many times its compressed size a larger one may unpack to. Deflate reaches about 1000 on zeros.
const RATIO: u64 = 100;

/// Bytes that are read or written at once: an archive's checksum costs more for each time than for each byte.
const BUFFER: usize = 1 << 16;

/// An open `.npz` file.
pub struct Arrays {
    archive: ZipArchive<BufReader<File>>,
    file_bytes: u64,
    names: Vec<String>,
}

impl Arrays {
    /// Opens a file and reads its table of contents. Errors name the array; the caller adds the file.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path)?;
        let file_bytes = file.metadata()?.len();
        let archive = ZipArchive::new(BufReader::new(file)).context("not a readable npz file")?;
        let names = archive.file_names().filter_map(|name| name.strip_suffix(".npy")).map(str::to_owned).collect();
        Ok(Arrays { archive, file_bytes, names })
    }

    /// The names of the arrays.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Reads an array of any element type; `None` if the file has none of that name.
    pub fn read_any(&mut self, name: &str) -> Result<Option<Tensor>> {
        self.read_as(name, Ok)
    }

    /// Reads an array of floats; `None` if the file has none of that name.
    pub fn read(&mut self, name: &str) -> Result<Option<Array>> {
        self.read_as(name, |Tensor { shape, values }| {
            ensure!(values.is_float(), "it holds {}, expected float32 or float64", values.kind());
            Ok(Array { shape, values: values.into_f64()? })
        })
    }

    /// Reads an array of integers; `None` if the file has none of that name.
    pub fn read_integers(&mut self, name: &str) -> Result<Option<Integers>> {
        self.read_as(name, |Tensor { shape, values }| match values {
            Values::I64(values) => Ok(Integers { shape, values }),
            other => bail!("it holds {}, expected integers", other.kind()),
        })
    }

    fn read_as<T>(&mut self, name: &str, convert: impl FnOnce(Tensor) -> Result<T>) -> Result<Option<T>> {
        if !self.names.iter().any(|known| known == name) {
            return Ok(None);
        }
        self.entry(name).and_then(convert).with_context(|| format!("array {name}")).map(Some)
    }

    /// Compares what the archive and the array's header say before anything is taken for them.
    fn entry(&mut self, name: &str) -> Result<Tensor> {
        let entry = self.archive.by_name(&format!("{name}.npy"))?;
        let (packed, unpacked) = (entry.compressed_size(), entry.size());
        ensure!(packed <= self.file_bytes, "the archive speaks of {packed} bytes, more than the file has");
        ensure!(
            unpacked <= UNSUSPICIOUS || unpacked / RATIO <= packed,
            "would unpack {packed} bytes to {unpacked}, more than {RATIO} times as many: save it with np.savez \
             (uncompressed)"
        );
        let mut entry = BufReader::with_capacity(BUFFER, entry);
        let header = Header::read(&mut entry)?;
        header.check_size(unpacked)?;
        element::whole(&mut entry, &header)
    }
}

/// Writes arrays to an uncompressed `.npz` file, whole or not at all.
pub fn write_tensors(path: &Path, tensors: &[(String, Tensor)]) -> Result<()> {
    write_whole(path, |file| {
        let mut archive = ZipWriter::new(file);
        for (name, tensor) in tensors {
            write_entry(&mut archive, name, tensor).with_context(|| format!("array {name}"))?;
        }
        archive.finish()?;
        Ok(())
    })
}

fn write_entry(archive: &mut ZipWriter<&mut BufWriter<File>>, name: &str, tensor: &Tensor) -> Result<()> {
    tensor.check()?;
    // Of eight bytes at most, behind a header of less than 2^16.
    let large = (tensor.values.count() as u64).saturating_mul(8) > u64::from(u32::MAX - (1 << 17));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored).large_file(large);
    archive.start_file(format!("{name}.npy"), options)?;
    match &tensor.values {
        Values::F32(values) => write_values(archive, &tensor.shape, values),
        Values::F64(values) => write_values(archive, &tensor.shape, values),
        Values::I64(values) => write_values(archive, &tensor.shape, values),
        Values::Bool(values) => write_values(archive, &tensor.shape, values),
    }
}

fn write_values<T: AutoSerialize + Copy>(file: &mut impl Write, shape: &[usize], values: &[T]) -> Result<()> {
    let file = BufWriter::with_capacity(BUFFER, file);
    let mut writer = WriteOptions::new().default_dtype().shape(&axes(shape)).writer(file).begin_nd()?;
    writer.extend(values.iter().copied())?;
    Ok(writer.finish()?)
}

/// A shape as npyz takes it.
pub(super) fn axes(shape: &[usize]) -> Vec<u64> {
    shape.iter().map(|axis| *axis as u64).collect()
}
