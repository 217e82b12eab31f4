//! The header of a `.safetensors` file, checked once, and its values, read when they are asked for and straight into their
//! place.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use ::safetensors::Dtype;
use ::safetensors::tensor::{Metadata, TensorInfo};

use crate::error::{Error, Result};
use crate::weights::check_finite_from;

/// Bytes of a header that are read of any file; of a larger one a sixteenth.
const HEADER_BYTES: u64 = 16 << 20;

/// The format's own limit.
const LONGEST_HEADER: u64 = 100_000_000;

/// Commas and brackets that a header may have in any file: some 100 000 tensors. Each costs the parser some hundred bytes.
const MARKS: u64 = 1 << 20;

/// Bytes of values that are converted at a time; a multiple of every element's width.
const BLOCK: usize = 1 << 16;

/// A file whose header was checked.
pub(super) struct Contents {
    metadata: Metadata,
    /// Where the values begin.
    start: u64,
    data: Data,
}

enum Data {
    Memory(Vec<u8>),
    /// Each reader moves its one place in the file.
    File(Mutex<File>),
}

impl Contents {
    /// Opens a file and reads its header; what is no regular file, such as a pipe, is read whole.
    pub fn open(path: &Path) -> Result<Self> {
        let mut file = File::open(path).map_err(unread)?;
        let about = file.metadata().map_err(unread)?;
        if about.is_file() {
            let (metadata, start) = read_header(&mut file, Some(about.len()))?;
            return Ok(Contents { metadata, start, data: Data::File(Mutex::new(file)) });
        }
        let (metadata, _) = read_header(&mut file, None)?;
        let mut bytes = Vec::new();
        let expected = metadata.data_len() as u64;
        file.take(expected.saturating_add(1)).read_to_end(&mut bytes).map_err(unread)?;
        check_end(bytes.len() as u64, expected)?;
        Ok(Contents { metadata, start: 0, data: Data::Memory(bytes) })
    }

    /// Takes a file's bytes.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self> {
        let (metadata, start) = read_header(&mut &bytes[..], Some(bytes.len() as u64))?;
        Ok(Contents { metadata, start, data: Data::Memory(bytes) })
    }

    /// The tensors' names in order.
    pub fn names(&self) -> Vec<String> {
        let mut names = self.metadata.offset_keys();
        names.sort_unstable();
        names
    }

    /// Type and shape of a tensor.
    pub fn info(&self, name: &str) -> Option<&TensorInfo> {
        self.metadata.info(name)
    }

    /// A text that the header holds beside the tensors.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.metadata.metadata().as_ref()?.get(key).map(String::as_str)
    }

    /// A tensor's values as f32: f16 and bf16 widen exactly, f64 is rounded.
    pub fn values(&self, name: &str, info: &TensorInfo) -> Result<Vec<f32>> {
        let tensor = Tensor { file: self, name, info };
        match info.dtype {
            Dtype::F32 => tensor.singles(),
            Dtype::F16 => tensor.converted(widened),
            Dtype::BF16 => tensor.converted(|bytes| half::bf16::from_le_bytes(bytes).to_f32()),
            Dtype::F64 => tensor.converted(|bytes| f64::from_le_bytes(bytes) as f32),
            other => {
                let message = format!("tensor {name} is {other:?}: expected F32, F16, BF16 or F64");
                Err(Error::Tensor { message })
            }
        }
    }

    /// Fills `target` from a place among the values. The header was compared with the length.
    fn read(&self, place: usize, target: &mut [u8]) -> io::Result<()> {
        let place = self.start.saturating_add(place as u64);
        match &self.data {
            Data::Memory(bytes) => {
                let from = usize::try_from(place).ok().and_then(|place| bytes.get(place..)?.get(..target.len()));
                target.copy_from_slice(from.ok_or(ErrorKind::UnexpectedEof)?);
                Ok(())
            }
            Data::File(file) => {
                // A thread that panicked left at most another place behind, and every reader goes to its own.
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                file.seek(SeekFrom::Start(place))?;
                file.read_exact(target)
            }
        }
    }
}

/// A tensor that is read block by block: each is converted and looked at while the caches hold it.
struct Tensor<'a> {
    file: &'a Contents,
    name: &'a str,
    info: &'a TensorInfo,
}

impl Tensor<'_> {
    fn singles(&self) -> Result<Vec<f32>> {
        let (start, end) = self.info.data_offsets;
        let mut values = vec![0f32; (end - start) / size_of::<f32>()];
        for (index, block) in values.chunks_mut(BLOCK / size_of::<f32>()).enumerate() {
            self.read(start + index * BLOCK, bytemuck::cast_slice_mut(block))?;
            if cfg!(target_endian = "big") {
                block.iter_mut().for_each(|value| *value = f32::from_bits(value.to_bits().swap_bytes()));
            }
            check_finite_from(self.name, index * BLOCK / size_of::<f32>(), block)?;
        }
        Ok(values)
    }

    fn converted<const BYTES: usize>(&self, convert: impl Fn([u8; BYTES]) -> f32) -> Result<Vec<f32>> {
        let (start, end) = self.info.data_offsets;
        let mut values = Vec::with_capacity((end - start) / BYTES);
        let mut block = vec![0; BLOCK.min(end - start)];
        for at in (start..end).step_by(BLOCK) {
            let count = BLOCK.min(end - at);
            let (block, before) = (&mut block[..count], values.len());
            self.read(at, block)?;
            values.extend(block.as_chunks().0.iter().map(|bytes| convert(*bytes)));
            check_finite_from(self.name, before, &values[before..])?;
        }
        Ok(values)
    }

    fn read(&self, place: usize, target: &mut [u8]) -> Result<()> {
        let read = self.file.read(place, target);
        read.map_err(|error| Error::Io { reason: format!("tensor {}: {error}", self.name) })
    }
}

/// What the header says, and where it ends. `length` is the file's, where it is known.
fn read_header(file: &mut impl Read, length: Option<u64>) -> Result<(Metadata, u64)> {
    let mut count = [0; 8];
    file.read_exact(&mut count).map_err(cut_short)?;
    let count = u64::from_le_bytes(count);
    let limit = HEADER_BYTES.max(length.unwrap_or(0) / 16).min(LONGEST_HEADER);
    if length.is_some_and(|length| count > length.saturating_sub(8)) {
        return Err(refused(format!("a header of {count} bytes, more than the file has")));
    }
    if count > limit {
        return Err(refused(format!("a header of {count} bytes, expected at most {limit} in a file of this size")));
    }
    let mut header = Vec::new();
    file.take(count).read_to_end(&mut header).map_err(unread)?;
    if header.len() as u64 != count {
        return Err(cut_short(ErrorKind::UnexpectedEof.into()));
    }
    let marks = header.iter().filter(|byte| matches!(byte, b',' | b'[' | b'{')).count() as u64;
    if marks > MARKS.max(length.unwrap_or(0) / 256) {
        return Err(refused(format!("a header of {marks} parts, too many for a file of this size")));
    }
    let metadata: Metadata =
        serde_json::from_slice(&header).map_err(|error| refused(format!("its header: {error}")))?;
    let start = 8 + count;
    if let Some(length) = length {
        check_end(length - start, metadata.data_len() as u64)?;
    }
    Ok((metadata, start))
}

fn check_end(found: u64, expected: u64) -> Result<()> {
    match found == expected {
        true => Ok(()),
        false => Err(refused(format!("its header speaks of {expected} bytes of values, the file holds {found}"))),
    }
}

fn refused(reason: String) -> Error {
    Error::Format { format: "safetensors", reason }
}

fn cut_short(error: io::Error) -> Error {
    match error.kind() {
        ErrorKind::UnexpectedEof => refused("it ends within its header".to_owned()),
        _ => unread(error),
    }
}

fn unread(error: io::Error) -> Error {
    Error::Io { reason: error.to_string() }
}

/// An f16 as f32, without a way that only some values take: several go through a register at once.
///
/// The exponent is moved by a product, which subnormal numbers need as well; what has the highest one stays ∞ or NaN.
fn widened(bytes: [u8; 2]) -> f32 {
    // 2^112: the exponents' biases are 15 and 127.
    const REBIAS: f32 = f32::from_bits((112 + 127) << 23);
    let bits = u32::from(u16::from_le_bytes(bytes));
    let magnitude = (f32::from_bits((bits & 0x7fff) << 13) * REBIAS).to_bits();
    let special = if bits & 0x7c00 == 0x7c00 { 0x7f80_0000 } else { 0 };
    f32::from_bits(magnitude | special | (bits & 0x8000) << 16)
}

#[cfg(test)]
mod tests {
    use super::widened;

    #[test]
    fn every_half_is_widened_exactly() {
        for bits in 0..=u16::MAX {
            let (found, expected) = (widened(bits.to_le_bytes()), half::f16::from_bits(bits).to_f32());
            let same = found.to_bits() == expected.to_bits() || (found.is_nan() && expected.is_nan());
            assert!(same, "{bits:#06x}: {found:e} for {expected:e}");
        }
    }
}
