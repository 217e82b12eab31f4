//! Arrays that go into a graph and come out of it.

use std::fmt;

use crate::error::{Error, Result};

/// The type of an array's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Element {
    /// 32-bit floating point: all that the recurrent operators compute with.
    F32,
    /// 64-bit floating point.
    F64,
    /// Signed, 8 bits.
    I8,
    /// Signed, 16 bits.
    I16,
    /// Signed, 32 bits: the lengths of sequences.
    I32,
    /// Signed, 64 bits: ids, shapes.
    I64,
    /// Unsigned, 8 bits.
    U8,
    /// Unsigned, 16 bits.
    U16,
    /// Unsigned, 32 bits.
    U32,
    /// Unsigned, 64 bits.
    U64,
    /// True or false.
    Bool,
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Element::F32 => "float32",
            Element::F64 => "float64",
            Element::I8 => "int8",
            Element::I16 => "int16",
            Element::I32 => "int32",
            Element::I64 => "int64",
            Element::U8 => "uint8",
            Element::U16 => "uint16",
            Element::U32 => "uint32",
            Element::U64 => "uint64",
            Element::Bool => "bool",
        })
    }
}

/// An array: its shape and its values, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// The axes' sizes; empty for a single value.
    pub shape: Vec<usize>,
    /// As many values as the shape's product.
    pub values: Values,
}

impl Array {
    /// An array of `shape`, whose values are row-major.
    ///
    /// # Errors
    /// [`Error::Values`] if there are fewer or more values than the shape says.
    ///
    /// ```
    /// use gatewise_onnx::Array;
    /// assert!(Array::new(&[2, 2], vec![1.0f32, 2.0, 3.0, 4.0]).is_ok());
    /// let error = Array::new(&[2, 3], vec![1i64]).unwrap_err();
    /// assert_eq!(error.to_string(), "an array of int64 has shape [2, 3], but 1 values");
    /// ```
    pub fn new(shape: &[usize], values: impl Into<Values>) -> Result<Array> {
        let array = Array { shape: shape.to_vec(), values: values.into() };
        array.check()?;
        Ok(array)
    }

    /// Refuses fewer or more values than the shape says.
    pub(crate) fn check(&self) -> Result<()> {
        let (element, found) = (self.values.element(), self.values.len());
        match product(&self.shape) {
            Some(volume) if volume == found => Ok(()),
            _ => Err(Error::Values { element, shape: self.shape.clone(), found }),
        }
    }
}

/// The product of the sizes, where it fits.
pub(crate) fn product(sizes: &[usize]) -> Option<usize> {
    if sizes.contains(&0) {
        return Some(0);
    }
    sizes.iter().try_fold(1usize, |product, size| product.checked_mul(*size))
}

macro_rules! values {
    ($($element:ident($type:ty)),*) => {
        /// An array's values.
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum Values {
            $(
                #[doc = concat!("Of type `", stringify!($type), "`.")]
                $element(Vec<$type>),
            )*
        }

        impl Values {
            /// How many there are.
            pub fn len(&self) -> usize {
                match self {
                    $(Values::$element(values) => values.len(),)*
                }
            }

            /// Their type.
            pub fn element(&self) -> Element {
                match self {
                    $(Values::$element(_) => Element::$element,)*
                }
            }
        }

        $(
            impl From<Vec<$type>> for Values {
                fn from(values: Vec<$type>) -> Values {
                    Values::$element(values)
                }
            }
        )*
    };
}

values!(F32(f32), F64(f64), I8(i8), I16(i16), I32(i32), I64(i64), U8(u8), U16(u16), U32(u32), U64(u64), Bool(bool));

impl Values {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The values if they are `float32`.
    pub fn as_f32(&self) -> Option<&[f32]> {
        match self {
            Values::F32(values) => Some(values),
            _ => None,
        }
    }
}
