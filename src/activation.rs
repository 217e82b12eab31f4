//! Vectorised activations over slices, as exact as the gates inside the cells.

use crate::error::Result;
use crate::kernel::pointwise::{Function, Pointwise};
use crate::simd::{Level, dispatch};

/// Replaces every value by `1/(1 + e^−x)`.
///
/// # Accuracy
/// Within 2 ulp of the correctly rounded result for every `f32`; NaN stays NaN (tests/activations.rs).
///
/// # Errors
/// [`Error::MissingLevel`](crate::Error::MissingLevel) if this machine does not have `level`.
///
/// ```
/// use gatewise::{Level, activation};
/// let mut x = [5.95, f32::NEG_INFINITY, 0.0];
/// activation::sigmoid(Level::best(), &mut x)?;
/// assert!((x[0] - 0.997_400_93).abs() < 1e-7);
/// assert_eq!(x[1..], [0.0, 0.5]);
/// # Ok::<(), gatewise::Error>(())
/// ```
pub fn sigmoid(level: Level, values: &mut [f32]) -> Result<()> {
    apply(level, Function::Sigmoid, values)
}

/// Replaces every value by its hyperbolic tangent.
///
/// # Accuracy
/// Within 2 ulp of the correctly rounded result for every `f32`, odd to the bit; NaN stays NaN (tests/activations.rs).
///
/// # Errors
/// [`Error::MissingLevel`](crate::Error::MissingLevel) if this machine does not have `level`.
pub fn tanh(level: Level, values: &mut [f32]) -> Result<()> {
    apply(level, Function::Tanh, values)
}

fn apply(level: Level, function: Function, values: &mut [f32]) -> Result<()> {
    dispatch(level.token()?, Pointwise { function, values });
    Ok(())
}
