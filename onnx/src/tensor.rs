//! Arrays as tract's tensors and back.

use std::borrow::Cow;

use tract_onnx::prelude::{Datum, DatumType, Tensor, TractResult};

use crate::array::{Array, Element, Values};
use crate::error::{Error, Result};

/// The element type, where it is one of ours.
pub(crate) fn element(datum: DatumType) -> Option<Element> {
    Some(match datum {
        DatumType::F32 => Element::F32,
        DatumType::F64 => Element::F64,
        DatumType::I8 => Element::I8,
        DatumType::I16 => Element::I16,
        DatumType::I32 => Element::I32,
        // Sizes are computed with symbols; their values are integers.
        DatumType::I64 | DatumType::TDim => Element::I64,
        DatumType::U8 => Element::U8,
        DatumType::U16 => Element::U16,
        DatumType::U32 => Element::U32,
        DatumType::U64 => Element::U64,
        DatumType::Bool => Element::Bool,
        _ => return None,
    })
}

macro_rules! each {
    ($value:expr, $values:ident => $body:expr) => {
        match $value {
            Values::F32($values) => $body,
            Values::F64($values) => $body,
            Values::I8($values) => $body,
            Values::I16($values) => $body,
            Values::I32($values) => $body,
            Values::I64($values) => $body,
            Values::U8($values) => $body,
            Values::U16($values) => $body,
            Values::U32($values) => $body,
            Values::U64($values) => $body,
            Values::Bool($values) => $body,
        }
    };
}

/// The array as a tensor.
pub(crate) fn from_array(array: &Array) -> TractResult<Tensor> {
    each!(&array.values, values => Tensor::from_shape(&array.shape, values))
}

/// The tensor as an array.
pub(crate) fn to_array(tensor: &Tensor) -> TractResult<Array> {
    fn values<T: Datum + Copy>(tensor: &Tensor) -> TractResult<Values>
    where
        Values: From<Vec<T>>,
    {
        Ok(tensor.try_as_plain_ram()?.as_slice::<T>()?.to_vec().into())
    }
    let integers: Cow<'_, Tensor> = match tensor.datum_type() {
        DatumType::TDim => tensor.cast_to::<i64>()?,
        _ => Cow::Borrowed(tensor),
    };
    let tensor = &*integers;
    let values = match element(tensor.datum_type()) {
        Some(Element::F32) => values::<f32>(tensor)?,
        Some(Element::F64) => values::<f64>(tensor)?,
        Some(Element::I8) => values::<i8>(tensor)?,
        Some(Element::I16) => values::<i16>(tensor)?,
        Some(Element::I32) => values::<i32>(tensor)?,
        Some(Element::I64) => values::<i64>(tensor)?,
        Some(Element::U8) => values::<u8>(tensor)?,
        Some(Element::U16) => values::<u16>(tensor)?,
        Some(Element::U32) => values::<u32>(tensor)?,
        Some(Element::U64) => values::<u64>(tensor)?,
        Some(Element::Bool) => values::<bool>(tensor)?,
        None => Err(Error::graph(format!("an output has elements of type {:?}", tensor.datum_type())))?,
    };
    Ok(Array { shape: tensor.shape().to_vec(), values })
}

/// The array with elements of another type: integers of another width that has each of them, `float64` rounded to the
/// nearest `float32` if it is in its range, `float32` as `float64`.
pub(crate) fn converted(name: &str, array: Array, to: Element) -> Result<Array> {
    let from = array.values.element();
    if from == to {
        return Ok(array);
    }
    let fail = || Error::input(name, format!("the elements are {from}, expected {to}"));
    let values = match (&array.values, to) {
        (Values::F64(values), Element::F32) => each_as(name, values, |value| {
            let narrow = value as f32;
            (narrow.is_finite() || !value.is_finite()).then_some(narrow)
        })?,
        (Values::F32(values), Element::F64) => each_as(name, values, |value| Some(f64::from(value)))?,
        (values, to) => integers(name, values, to)?.ok_or_else(fail)?,
    };
    Ok(Array { values, ..array })
}

/// Integers of another width, or `None` if either side is none.
fn integers(name: &str, values: &Values, to: Element) -> Result<Option<Values>> {
    let wide: Vec<i128> = match values {
        Values::I8(values) => values.iter().map(|value| i128::from(*value)).collect(),
        Values::I16(values) => values.iter().map(|value| i128::from(*value)).collect(),
        Values::I32(values) => values.iter().map(|value| i128::from(*value)).collect(),
        Values::I64(values) => values.iter().map(|value| i128::from(*value)).collect(),
        Values::U8(values) => values.iter().map(|value| i128::from(*value)).collect(),
        Values::U16(values) => values.iter().map(|value| i128::from(*value)).collect(),
        Values::U32(values) => values.iter().map(|value| i128::from(*value)).collect(),
        Values::U64(values) => values.iter().map(|value| i128::from(*value)).collect(),
        _ => return Ok(None),
    };
    Ok(Some(match to {
        Element::I8 => each_as(name, &wide, |value| i8::try_from(value).ok())?,
        Element::I16 => each_as(name, &wide, |value| i16::try_from(value).ok())?,
        Element::I32 => each_as(name, &wide, |value| i32::try_from(value).ok())?,
        Element::I64 => each_as(name, &wide, |value| i64::try_from(value).ok())?,
        Element::U8 => each_as(name, &wide, |value| u8::try_from(value).ok())?,
        Element::U16 => each_as(name, &wide, |value| u16::try_from(value).ok())?,
        Element::U32 => each_as(name, &wide, |value| u32::try_from(value).ok())?,
        Element::U64 => each_as(name, &wide, |value| u64::try_from(value).ok())?,
        _ => return Ok(None),
    }))
}

fn each_as<A, B>(name: &str, values: &[A], convert: impl Fn(A) -> Option<B>) -> Result<Values>
where
    A: Copy + std::fmt::Display,
    B: 'static,
    Values: From<Vec<B>>,
{
    let mut converted = Vec::with_capacity(values.len());
    for (index, value) in values.iter().enumerate() {
        match convert(*value) {
            Some(value) => converted.push(value),
            None => {
                let target = std::any::type_name::<B>();
                return Err(Error::input(name, format!("the value {value} at index {index} is no {target}")));
            }
        }
    }
    Ok(converted.into())
}
