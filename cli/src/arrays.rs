//! NumPy arrays in and out: `.npz` files through `npyz`.

use std::fs::File;
use std::io::{BufWriter, Read};
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail, ensure};
use npyz::npz::{NpzArchive, NpzWriter};
use npyz::{DType, Deserialize, NpyFile, NpyHeader, Order, TypeChar, WriterBuilder};

use crate::files::write_whole;

/// An array in C order. Values are kept in double precision, which holds float32 and float64 exactly.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// Lengths of the axes.
    pub shape: Vec<usize>,
    /// The last axis moves fastest.
    pub values: Vec<f64>,
}

/// An array of whole numbers in C order, which for one axis is every order.
#[derive(Debug, Clone, PartialEq)]
pub struct Integers {
    /// Lengths of the axes.
    pub shape: Vec<usize>,
    /// Wide enough for any element type.
    pub values: Vec<i128>,
}

/// Which element type a file is written with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// float32
    Single,
    /// float64
    Double,
}

/// An open `.npz` file.
pub struct Arrays {
    archive: NpzArchive<std::io::BufReader<File>>,
    names: Vec<String>,
}

impl Arrays {
    /// Opens a file and reads its table of contents. Errors name the array; the caller adds the file.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path)?;
        let archive = NpzArchive::new(std::io::BufReader::new(file)).context("not a readable npz file")?;
        let names = archive.array_names().map(str::to_owned).collect();
        Ok(Arrays { archive, names })
    }

    /// The names of the arrays.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Reads an array; `None` if the file has none of that name.
    pub fn read(&mut self, name: &str) -> Result<Option<Array>> {
        if !self.names.iter().any(|known| known == name) {
            return Ok(None);
        }
        self.entry(name).and_then(|bytes| parse(&bytes)).with_context(|| format!("array {name}")).map(Some)
    }

    /// Reads an array of integers; `None` if the file has none of that name.
    pub fn read_integers(&mut self, name: &str) -> Result<Option<Integers>> {
        if !self.names.iter().any(|known| known == name) {
            return Ok(None);
        }
        self.entry(name).and_then(|bytes| parse_integers(&bytes)).with_context(|| format!("array {name}")).map(Some)
    }

    /// The whole entry comes into memory first: only at its end is its checksum compared, and its length is then known.
    fn entry(&mut self, name: &str) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.archive.zip_archive().by_name(&npyz::npz::file_name_from_array_name(name))?.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Reads an array that must be there; `shape` says which one is meant.
    pub fn require(&mut self, name: &str, shape: &str) -> Result<Array> {
        match self.read(name)? {
            Some(array) => Ok(array),
            None if self.names.is_empty() => bail!("no array {name}: expected {shape}, the file holds no arrays"),
            None => bail!("no array {name}: expected {shape}, found {}", self.names.join(", ")),
        }
    }
}

/// Reads an array of floats in the `.npy` format.
fn parse(bytes: &[u8]) -> Result<Array> {
    let (header, data) = checked_header(bytes, "float32 or float64", |kind| matches!(kind, (TypeChar::Float, 4 | 8)))?;
    let (shape, order) = (shape(&header)?, header.order());
    let values: Vec<f64> = match NpyFile::with_header(header, data).try_data::<f32>() {
        Ok(values) => values.map(|value| value.map(f64::from)).collect::<Result<_, _>>()?,
        Err(file) => file.into_vec()?,
    };
    let values = if order == Order::Fortran { to_c_order(&shape, &values) } else { values };
    Ok(Array { shape, values })
}

/// Reads an array of integers of any width in the `.npy` format.
fn parse_integers(bytes: &[u8]) -> Result<Integers> {
    let (header, data) =
        checked_header(bytes, "integers", |kind| matches!(kind, (TypeChar::Int | TypeChar::Uint, 1 | 2 | 4 | 8)))?;
    let shape = shape(&header)?;
    let DType::Plain(kind) = header.dtype() else { bail!("structured arrays are not read: expected integers") };
    let file = NpyFile::with_header(header, data);
    let values = match (kind.type_char(), kind.size_field()) {
        (TypeChar::Int, 1) => widened::<i8>(file),
        (TypeChar::Int, 2) => widened::<i16>(file),
        (TypeChar::Int, 4) => widened::<i32>(file),
        (TypeChar::Int, _) => widened::<i64>(file),
        (_, 1) => widened::<u8>(file),
        (_, 2) => widened::<u16>(file),
        (_, 4) => widened::<u32>(file),
        _ => widened::<u64>(file),
    }?;
    Ok(Integers { shape, values })
}

fn widened<T: Deserialize + Into<i128>>(file: NpyFile<&[u8]>) -> Result<Vec<i128>> {
    Ok(file.data::<T>()?.map(|value| value.map(Into::into)).collect::<Result<_, _>>()?)
}

/// The header and what follows it. What the header claims is compared with the bytes that are there, and `is_read` says which
/// element types are read.
fn checked_header<'a>(
    bytes: &'a [u8],
    expected: &str,
    is_read: impl Fn((TypeChar, u64)) -> bool,
) -> Result<(NpyHeader, &'a [u8])> {
    check_header(bytes)?;
    let mut data = bytes;
    let header = NpyHeader::from_reader(&mut data).map_err(|error| {
        // The parser draws the header over several lines.
        let reason = error.to_string();
        anyhow!("its header cannot be read: {}", reason.lines().next().unwrap_or_default())
    })?;
    let kind = match header.dtype() {
        DType::Plain(kind) => kind,
        _ => bail!("structured arrays are not read: expected {expected}"),
    };
    let width = kind.size_field();
    ensure!(is_read((kind.type_char(), width)), "element type {kind} is not read: expected {expected}");
    let (shape, width) = (shape(&header)?, usize::try_from(width)?);
    let size = shape.iter().try_fold(width, |product, axis| product.checked_mul(*axis));
    ensure!(
        size == Some(data.len()),
        "its header speaks of shape {shape:?} of {width} bytes each, the file holds {} bytes",
        data.len()
    );
    Ok((header, data))
}

fn shape(header: &NpyHeader) -> Result<Vec<usize>> {
    Ok(header.shape().iter().map(|axis| usize::try_from(*axis)).collect::<Result<_, _>>()?)
}

/// Refuses a shape whose product overflows, which npyz multiplies unchecked.
fn check_header(bytes: &[u8]) -> Result<()> {
    let header = String::from_utf8_lossy(&bytes[..bytes.len().min(1 << 16)]);
    let axes = header.split_once("shape").and_then(|(_, rest)| rest.split_once('(')?.1.split_once(')'));
    let Some((axes, _)) = axes else { return Ok(()) };
    let mut numbers = axes.split(',').filter_map(|axis| axis.trim().parse::<u64>().ok());
    // Strides are products of some axes only, so a zero elsewhere does not help.
    let product = numbers.try_fold(1u64, |product, axis| product.checked_mul(axis.max(1)));
    ensure!(product.is_some(), "its header speaks of more values than any file holds: shape ({axes})");
    Ok(())
}

/// Writes arrays to a `.npz` file, whole or not at all.
pub fn write(path: &Path, precision: Precision, arrays: &[(&str, Array)]) -> Result<()> {
    write_whole(path, |file| {
        let mut npz = NpzWriter::new(file);
        for (name, array) in arrays {
            let shape: Vec<u64> = array.shape.iter().map(|axis| *axis as u64).collect();
            match precision {
                Precision::Single => {
                    write_array(&mut npz, name, &shape, array.values.iter().map(|value| *value as f32))?
                }
                Precision::Double => write_array(&mut npz, name, &shape, array.values.iter().copied())?,
            }
        }
        npz.zip_writer().finish()?;
        Ok(())
    })
}

fn write_array<T: npyz::AutoSerialize>(
    npz: &mut NpzWriter<&mut BufWriter<File>>,
    name: &str,
    shape: &[u64],
    values: impl Iterator<Item = T>,
) -> Result<()> {
    let mut writer = npz.array(name, Default::default())?.default_dtype().shape(shape).begin_nd()?;
    writer.extend(values)?;
    Ok(writer.finish()?)
}

/// Fortran order has the first axis fastest.
fn to_c_order(shape: &[usize], values: &[f64]) -> Vec<f64> {
    let mut strides = Vec::with_capacity(shape.len());
    let mut stride = 1;
    for axis in shape {
        strides.push(stride);
        stride *= axis;
    }
    let mut index = vec![0; shape.len()];
    let mut ordered = Vec::with_capacity(values.len());
    for _ in 0..values.len() {
        ordered.push(values[index.iter().zip(&strides).map(|(i, s)| i * s).sum::<usize>()]);
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            if index[axis] < shape[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::to_c_order;

    #[test]
    fn fortran_order_is_turned_into_c_order() {
        // a[i][j][k] = 100 i + 10 j + k, written with i fastest.
        let shape = [2, 3, 4];
        let mut fortran = Vec::new();
        for k in 0..4 {
            for j in 0..3 {
                for i in 0..2 {
                    fortran.push(f64::from(100 * i + 10 * j + k));
                }
            }
        }
        let ordered = to_c_order(&shape, &fortran);
        let mut at = 0;
        for i in 0..2 {
            for j in 0..3 {
                for k in 0..4 {
                    assert_eq!(ordered[at], f64::from(100 * i + 10 * j + k), "at [{i}][{j}][{k}]");
                    at += 1;
                }
            }
        }
    }
}
