//! The element types of NumPy that are read, and their bytes as values.

use std::fmt;

use anyhow::{Result, anyhow, bail};
use half::f16;

use super::tensor::Values;

/// What an element of an array is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    Bool,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    F16,
    F32,
    F64,
}

/// Each with NumPy's letter and width, and its name.
const ELEMENTS: [(Element, &str, &str); 12] = [
    (Element::Bool, "b1", "bool"),
    (Element::I8, "i1", "int8"),
    (Element::I16, "i2", "int16"),
    (Element::I32, "i4", "int32"),
    (Element::I64, "i8", "int64"),
    (Element::U8, "u1", "uint8"),
    (Element::U16, "u2", "uint16"),
    (Element::U32, "u4", "uint32"),
    (Element::U64, "u8", "uint64"),
    (Element::F16, "f2", "float16"),
    (Element::F32, "f4", "float32"),
    (Element::F64, "f8", "float64"),
];

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = ELEMENTS.iter().find(|(element, ..)| element == self).map(|(.., name)| *name);
        f.write_str(name.unwrap_or_default())
    }
}

/// An element type and the order of its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoding {
    pub element: Element,
    /// Whether the highest byte comes first.
    pub big_endian: bool,
}

impl Encoding {
    /// Reads NumPy's description, such as `<f4`.
    pub fn parse(descr: &str) -> Result<Self> {
        let refuse = || {
            let reason = if descr.ends_with('O') { " (objects are pickles, which run code)" } else { "" };
            anyhow!(
                "element type {descr} is not read{reason}: expected float32 or float64, float16, integers of up to 64 bits \
                 or bool"
            )
        };
        let (order, kind) = descr.split_at_checked(1).ok_or_else(refuse)?;
        let big_endian = match order {
            "<" | "|" => false,
            ">" => true,
            "=" => cfg!(target_endian = "big"),
            _ => return Err(refuse()),
        };
        let (element, ..) = ELEMENTS.iter().find(|(_, known, _)| *known == kind).ok_or_else(refuse)?;
        Ok(Encoding { element: *element, big_endian })
    }

    /// Bytes of an element.
    pub fn width(self) -> usize {
        match self.element {
            Element::Bool | Element::I8 | Element::U8 => 1,
            Element::I16 | Element::U16 | Element::F16 => 2,
            Element::I32 | Element::U32 | Element::F32 => 4,
            Element::I64 | Element::U64 | Element::F64 => 8,
        }
    }

    /// Appends the values of whole elements.
    pub fn decode(self, bytes: &[u8], values: &mut Values) -> Result<()> {
        match (self.element, values) {
            (Element::F16, Values::F32(values)) => {
                values.extend(self.each(bytes, |bytes| f16::from_le_bytes(bytes).to_f32()));
            }
            (Element::F32, Values::F32(values)) => values.extend(self.each(bytes, f32::from_le_bytes)),
            (Element::F64, Values::F64(values)) => values.extend(self.each(bytes, f64::from_le_bytes)),
            (Element::Bool, Values::Bool(values)) => values.extend(bytes.iter().map(|byte| *byte != 0)),
            (_, Values::I64(values)) => self.decode_integers(bytes, values)?,
            (_, values) => bail!("element type {} is no {}", self.element, values.kind()),
        }
        Ok(())
    }

    /// Appends the values of whole integers, each of which must fit.
    pub fn decode_integers<T: TryFrom<i128>>(self, bytes: &[u8], values: &mut Vec<T>) -> Result<()> {
        match self.element {
            Element::I8 => widen(self.each(bytes, i8::from_le_bytes), values),
            Element::I16 => widen(self.each(bytes, i16::from_le_bytes), values),
            Element::I32 => widen(self.each(bytes, i32::from_le_bytes), values),
            Element::I64 => widen(self.each(bytes, i64::from_le_bytes), values),
            Element::U8 => widen(self.each(bytes, u8::from_le_bytes), values),
            Element::U16 => widen(self.each(bytes, u16::from_le_bytes), values),
            Element::U32 => widen(self.each(bytes, u32::from_le_bytes), values),
            Element::U64 => widen(self.each(bytes, u64::from_le_bytes), values),
            other => bail!("element type {other} is not read: expected integers"),
        }
    }

    fn each<const WIDTH: usize, T>(self, bytes: &[u8], value: fn([u8; WIDTH]) -> T) -> impl Iterator<Item = T> {
        bytes.as_chunks().0.iter().map(move |bytes| {
            let mut bytes: [u8; WIDTH] = *bytes;
            if self.big_endian {
                bytes.reverse();
            }
            value(bytes)
        })
    }
}

fn widen<S: Into<i128>, T: TryFrom<i128>>(source: impl Iterator<Item = S>, values: &mut Vec<T>) -> Result<()> {
    for value in source {
        let value = value.into();
        let fits = T::try_from(value);
        values.push(fits.map_err(|_| anyhow!("{value} at index {}: more than int64 holds", values.len()))?);
    }
    Ok(())
}
