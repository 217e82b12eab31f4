//! Gradients held within bounds (Pascanu, Mikolov & Bengio 2013).

use crate::error::{Error, Result};

/// Sums side by side, so that they stand in registers; fixed, so that the bits do not depend on the machine.
const LANES: usize = 8;

/// √(Σ g²) over all tensors, summed in f64, where no square of an f32 overflows.
///
/// # Errors
/// [`Error::Training`] that names the first value that is NaN or infinite.
pub fn norm<T: AsRef<[f32]>>(gradients: &[T]) -> Result<f64> {
    let norm = gradients.iter().map(|tensor| square(tensor.as_ref())).sum::<f64>().sqrt();
    if norm.is_finite() { Ok(norm) } else { Err(odd(gradients)) }
}

/// Scales all gradients by one factor, so that their [`norm`] is at most `limit`, and gives back the norm before:
/// `g · min(1, limit / (norm + 1e-6))`, as PyTorch's `clip_grad_norm_`.
///
/// # Errors
/// [`Error::Training`] if `limit` is no positive number, or as [`norm`]; nothing has been changed then.
pub fn by_norm(gradients: &mut [&mut [f32]], limit: f64) -> Result<f64> {
    check_limit("norm", limit)?;
    let norm = norm(gradients)?;
    let factor = limit / (norm + 1e-6);
    if factor < 1.0 {
        let factor = factor as f32;
        gradients.iter_mut().flat_map(|tensor| tensor.iter_mut()).for_each(|value| *value *= factor);
    }
    Ok(norm)
}

/// Brings every value between −`limit` and `limit`.
///
/// # Errors
/// [`Error::Training`] if `limit` is no positive number, or for a value that is NaN or infinite; nothing has
/// been changed then.
pub fn by_value(gradients: &mut [&mut [f32]], limit: f32) -> Result<()> {
    check_limit("value", f64::from(limit))?;
    norm(gradients)?;
    for value in gradients.iter_mut().flat_map(|tensor| tensor.iter_mut()) {
        *value = value.clamp(-limit, limit);
    }
    Ok(())
}

fn square(values: &[f32]) -> f64 {
    let (whole, rest) = values.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    let mut add = |values: &[f32]| {
        for (sum, value) in sums.iter_mut().zip(values) {
            *sum += f64::from(*value) * f64::from(*value);
        }
    };
    whole.iter().for_each(|values| add(values));
    add(rest);
    sums.iter().sum()
}

fn odd<T: AsRef<[f32]>>(gradients: &[T]) -> Error {
    let values = gradients.iter().enumerate();
    let mut values = values.flat_map(|(tensor, values)| values.as_ref().iter().enumerate().map(move |at| (tensor, at)));
    let message = match values.find(|(_, (_, value))| !value.is_finite()) {
        Some((tensor, (index, value))) => {
            format!("the gradient of tensor {tensor} is {value} at index {index}: learning has diverged")
        }
        None => "the gradients' squares sum to more than f64 holds: learning has diverged".to_owned(),
    };
    Error::Training { message }
}

fn check_limit(of: &str, limit: f64) -> Result<()> {
    match limit > 0.0 && limit.is_finite() {
        true => Ok(()),
        false => Err(Error::Training { message: format!("gradient {of} limit {limit}: expected a positive number") }),
    }
}
