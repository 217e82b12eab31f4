//! Losses of values: each output has a target of its own.

use super::{Loss, Rows, check_row, refused};
use crate::error::{Error, Result};

/// The mean squared error: the mean over all counted values of `(y − t)²` (PyTorch's `MSELoss`). In `gradient`,
/// `2·(y − t)/n`, and 0 in rows that do not count.
///
/// # Shapes
/// `targets`, `gradient`: as the outputs, rows × width.
///
/// # Errors
/// [`Error::Length`] and [`Error::Size`] for what does not fit; [`Error::Training`] if no row counts, or for a
/// counted output or target that is NaN or infinite.
pub fn squared_error(rows: Rows<'_>, targets: &[f32], gradient: &mut [f32]) -> Result<Loss> {
    let check = |target: &f32| target.is_finite();
    let squared = |y: f32, t: f32| {
        let away = f64::from(y) - f64::from(t);
        Term { loss: away * away, slope: 2.0 * away, right: false }
    };
    sum(rows, Wanted { targets, check, range: "a number" }, gradient, squared)
}

/// The cross-entropy of probabilities σ(z), from their logits z: the mean over all counted values of
/// `−t·ln σ(z) − (1−t)·ln(1 − σ(z))` (PyTorch's `BCEWithLogitsLoss`). In `gradient`, `(σ(z) − t)/n`, and 0 in rows that
/// do not count. A value is right if z and t are on the same side, z > 0 and t > ½.
///
/// Computed as `max(z, 0) − z·t + ln(1 + e^−|z|)`, which no logit overflows.
///
/// # Shapes
/// `targets`, `gradient`: as the outputs, rows × width.
///
/// # Errors
/// As [`squared_error`]; [`Error::Training`] for a counted target that is not from 0 to 1.
pub fn binary_cross_entropy(rows: Rows<'_>, targets: &[f32], gradient: &mut [f32]) -> Result<Loss> {
    let check = |target: &f32| (0.0..=1.0).contains(target);
    let entropy = |z: f32, t: f32| {
        let right = (z > 0.0) == (t > 0.5);
        let (z, t) = (f64::from(z), f64::from(t));
        let fading = libm::exp(-z.abs());
        let sigmoid = if z > 0.0 { 1.0 / (1.0 + fading) } else { fading / (1.0 + fading) };
        Term { loss: z.max(0.0) - z * t + libm::log1p(fading), slope: sigmoid - t, right }
    };
    sum(rows, Wanted { targets, check, range: "0 to 1" }, gradient, entropy)
}

/// What one value adds.
struct Term {
    loss: f64,
    /// The derivative of the loss by the output.
    slope: f64,
    right: bool,
}

/// The targets, and which are taken.
struct Wanted<'a, C> {
    targets: &'a [f32],
    check: C,
    range: &'static str,
}

fn sum<C: Fn(&f32) -> bool>(
    rows: Rows<'_>,
    wanted: Wanted<'_, C>,
    gradient: &mut [f32],
    term: impl Fn(f32, f32) -> Term,
) -> Result<Loss> {
    let count = rows.check(gradient)?;
    Error::check_length("targets", wanted.targets.len(), "rows·width", &[count, rows.width])?;
    let counted = (0..count).filter(|row| rows.counts(*row)).count() * rows.width;
    if counted == 0 {
        return Err(refused("no row counts: expected at least one".to_owned()));
    }
    let mut loss = Loss { counted, ..Loss::default() };
    let both = wanted.targets.chunks_exact(rows.width).zip(gradient.chunks_exact_mut(rows.width));
    for ((row, outputs), (targets, gradient)) in rows.each().zip(both) {
        if !rows.counts(row) {
            gradient.fill(0.0);
            continue;
        }
        check_row(row, outputs)?;
        if let Some((index, target)) = targets.iter().enumerate().find(|(_, target)| !(wanted.check)(target)) {
            return Err(refused(format!("target {index} of row {row} is {target}: expected {}", wanted.range)));
        }
        for ((y, t), gradient) in outputs.iter().zip(targets).zip(gradient) {
            let term = term(*y, *t);
            loss.total += term.loss;
            loss.right += usize::from(term.right);
            *gradient = (term.slope / counted as f64) as f32;
        }
    }
    Ok(loss)
}
