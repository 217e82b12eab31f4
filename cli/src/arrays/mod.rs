//! NumPy arrays in and out: `.npz` files, and `.npy` files that are larger than memory.

mod element;
mod header;
mod npz;
mod stream;
mod tensor;
#[cfg(test)]
mod tests;

pub use npz::Arrays;
pub(crate) use npz::write_tensors;
pub use stream::NpyReader;
pub(crate) use stream::NpyWriter;
pub use tensor::{Tensor, Values};

/// An array in C order. Values are kept in double precision, which holds float32 and float64 exactly.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// Lengths of the axes.
    pub shape: Vec<usize>,
    /// The last axis moves fastest.
    pub values: Vec<f64>,
}

/// An array of whole numbers in C order.
#[derive(Debug, Clone, PartialEq)]
pub struct Integers {
    /// Lengths of the axes.
    pub shape: Vec<usize>,
    /// The last axis moves fastest.
    pub values: Vec<i64>,
}
