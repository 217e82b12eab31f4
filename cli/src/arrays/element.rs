//! The element types of NumPy that are read, and their values one by one.

use std::fmt::Display;
use std::io::{ErrorKind, Read, empty};

use anyhow::{Context, Result, anyhow, bail, ensure};
use half::f16;
use npyz::{AutoSerialize, DType, Deserialize, TypeChar, TypeRead};

use super::header::Header;
use super::tensor::{Tensor, Values};

/// What is read, for errors.
pub const EXPECTED: &str = "expected float32 or float64, float16, integers of up to 64 bits or bool";

/// Bytes of an element.
///
/// # Errors
/// The element type is not read.
pub fn width(element: &DType) -> Result<usize> {
    values(&mut empty(), element, 0)?;
    element.num_bytes().with_context(|| format!("element type {} is not read", element.descr()))
}

/// Reads the next `count` values of a buffered file. Memory is taken for what has come, not for what is claimed.
pub fn values(file: &mut impl Read, element: &DType, count: usize) -> Result<Values> {
    let DType::Plain(scalar) = element else { bail!("structured arrays are not read: {EXPECTED}") };
    Ok(match (scalar.type_char(), scalar.size_field()) {
        // As NumPy, any byte but 0 is true; npyz takes only 1.
        (TypeChar::Bool, 1) => Values::Bool(each(file, &u8::default_dtype(), count, |byte: u8| Ok(byte != 0))?),
        (TypeChar::Float, 2) => Values::F32(each(file, element, count, |value: f16| Ok(value.to_f32()))?),
        (TypeChar::Float, 4) => Values::F32(each(file, element, count, Ok)?),
        (TypeChar::Float, 8) => Values::F64(each(file, element, count, Ok)?),
        (TypeChar::Int, 1) => integers::<i8>(file, element, count)?,
        (TypeChar::Int, 2) => integers::<i16>(file, element, count)?,
        (TypeChar::Int, 4) => integers::<i32>(file, element, count)?,
        (TypeChar::Int, 8) => integers::<i64>(file, element, count)?,
        (TypeChar::Uint, 1) => integers::<u8>(file, element, count)?,
        (TypeChar::Uint, 2) => integers::<u16>(file, element, count)?,
        (TypeChar::Uint, 4) => integers::<u32>(file, element, count)?,
        (TypeChar::Uint, 8) => integers::<u64>(file, element, count)?,
        (TypeChar::Object, _) => {
            bail!("element type {scalar} is not read (objects are pickles, which run code): {EXPECTED}")
        }
        _ => bail!("element type {scalar} is not read: {EXPECTED}"),
    })
}

/// Reads all values of an array and goes over the end, where an archive compares the checksum.
pub fn whole(file: &mut impl Read, header: &Header) -> Result<Tensor> {
    let values = values(file, &header.element, header.count()?)?;
    let more = file.read(&mut [0]).context("its end cannot be read")?;
    ensure!(more == 0, "its header speaks of fewer bytes than the file holds");
    let shape = header.shape.clone();
    let values = if header.fortran { values.into_c_order(&shape) } else { values };
    Ok(Tensor { shape, values })
}

fn integers<T: Deserialize + Copy + Display + TryInto<i64>>(
    file: &mut impl Read,
    element: &DType,
    count: usize,
) -> Result<Values> {
    let integer = |value: T| value.try_into().map_err(|_| anyhow!("{value} is more than int64 holds"));
    Ok(Values::I64(each(file, element, count, integer)?))
}

fn each<T: Deserialize, V>(
    file: &mut impl Read,
    element: &DType,
    count: usize,
    convert: impl Fn(T) -> Result<V>,
) -> Result<Vec<V>> {
    let reader = T::reader(element)?;
    let value = |index: usize| {
        let value = reader.read_one(&mut *file).map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => anyhow!("the file ends before the array"),
            _ => anyhow!(error),
        });
        value.and_then(&convert).with_context(|| format!("value {index} of {count}"))
    };
    (0..count).map(value).collect()
}
