//! `.npz` files, which are zip archives of `.npy` arrays; hostile ones cost an error.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::header::{self, Header};
use super::tensor::{Tensor, Values};
use super::{Array, Integers, decode};
use crate::files::write_whole;

/// What an array may unpack to whatever its compressed size, in bytes; an integer of one byte takes up to 16 when it is read.
const UNSUSPICIOUS: u64 = 5_000_000;

/// How many times its compressed size a larger one may unpack to. Deflate reaches about 1000 on zeros.
const RATIO: u64 = 100;

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
        self.read_by(name, |file, header| decode::whole(file, header))
    }

    /// Reads an array of floats; `None` if the file has none of that name.
    pub fn read(&mut self, name: &str) -> Result<Option<Array>> {
        self.read_by(name, |file, header| {
            let Tensor { shape, values } = decode::whole(file, header)?;
            ensure!(
                values.is_float(),
                "element type {} is not read: expected float32 or float64",
                header.encoding.element
            );
            Ok(Array { shape, values: values.into_f64()? })
        })
    }

    /// Reads an array of integers; `None` if the file has none of that name.
    pub fn read_integers(&mut self, name: &str) -> Result<Option<Integers>> {
        self.read_by(name, |file, header| {
            ensure!(!header.fortran || header.shape.len() < 2, "its header speaks of Fortran order: expected C order");
            let mut values = Vec::new();
            decode::in_blocks(file, header.data_bytes()?, |bytes| header.encoding.decode_integers(bytes, &mut values))?;
            decode::end(file)?;
            Ok(Integers { shape: header.shape.clone(), values })
        })
    }

    fn read_by<T>(&mut self, name: &str, read: impl FnOnce(&mut dyn Read, &Header) -> Result<T>) -> Result<Option<T>> {
        if !self.names.iter().any(|known| known == name) {
            return Ok(None);
        }
        self.entry(name, read).with_context(|| format!("array {name}")).map(Some)
    }

    /// Compares what the archive and the array's header say before anything is taken for them.
    fn entry<T>(&mut self, name: &str, read: impl FnOnce(&mut dyn Read, &Header) -> Result<T>) -> Result<T> {
        let mut entry = self.archive.by_name(&format!("{name}.npy"))?;
        let (packed, unpacked) = (entry.compressed_size(), entry.size());
        ensure!(packed <= self.file_bytes, "the archive speaks of {packed} bytes, more than the file has");
        ensure!(
            unpacked <= UNSUSPICIOUS || unpacked / RATIO <= packed,
            "would unpack {packed} bytes to {unpacked}, more than {RATIO} times as many: save it with np.savez \
             (uncompressed)"
        );
        let header = Header::read(&mut entry)?;
        header.check_size(unpacked)?;
        read(&mut entry, &header)
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
    let (descr, width) = match tensor.values {
        Values::F32(_) => ("<f4", 4),
        Values::F64(_) => ("<f8", 8),
        Values::I64(_) => ("<i8", 8),
        Values::Bool(_) => ("|b1", 1),
    };
    // Behind a header of less than 2^16 bytes.
    let large = (tensor.values.len() as u64).saturating_mul(width) > u64::from(u32::MAX - (1 << 17));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored).large_file(large);
    archive.start_file(format!("{name}.npy"), options)?;
    archive.write_all(&header::written(descr, &tensor.shape)?)?;
    match &tensor.values {
        Values::F32(values) => write_values(archive, values, |value| value.to_le_bytes()),
        Values::F64(values) => write_values(archive, values, |value| value.to_le_bytes()),
        Values::I64(values) => write_values(archive, values, |value| value.to_le_bytes()),
        Values::Bool(values) => write_values(archive, values, |value| [u8::from(*value)]),
    }
}

/// Writes values in blocks: an archive's checksum costs more for each call than for each byte.
pub(super) fn write_values<T, const WIDTH: usize>(
    file: &mut impl Write,
    values: &[T],
    bytes: impl Fn(&T) -> [u8; WIDTH],
) -> Result<()> {
    let mut block = Vec::new();
    for values in values.chunks(1 << 13) {
        block.clear();
        block.extend(values.iter().flat_map(&bytes));
        file.write_all(&block)?;
    }
    Ok(())
}
