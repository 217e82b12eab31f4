//! The loss of classes: each row of outputs has one that is right.

use super::exponential::exponential;
use super::{Loss, Rows, check_row, refused};
use crate::error::{Error, Result};

/// The cross-entropy of probabilities softmax(z), from their logits z: the mean over all counted rows of
/// `ln Σ e^z − z[label]` (PyTorch's `CrossEntropyLoss`). In `gradient`, `(softmax(z) − [1 at the label])/n`, and 0 in
/// rows that do not count. A row is right if the label's output is the highest, the first of equals.
///
/// A row does not count if its label is below 0 (as PyTorch's `ignore_index`, −100) or [`Rows::counted`] says so; its
/// label is then not looked at.
///
/// # Shapes
/// `labels`: one a row, from 0 to width − 1. `gradient`: as the outputs, rows × width.
///
/// # Accuracy
/// The gradient's values within 2e-7 of f64's, the mean within 1e-7 and a millionth of itself (tests/train_parts).
///
/// # Errors
/// [`Error::Length`] and [`Error::Size`] for what does not fit; [`Error::Training`] if no row counts, for a
/// label that is no class, or for a counted output that is NaN or infinite.
pub fn cross_entropy(rows: Rows<'_>, labels: &[i64], gradient: &mut [f32]) -> Result<Loss> {
    let count = rows.check(gradient)?;
    Error::check_length("labels", labels.len(), "rows", &[count])?;
    let mut counted = 0;
    for row in 0..count {
        counted += usize::from(class(&rows, labels, row)?.is_some());
    }
    if counted == 0 {
        return Err(refused("no row counts: expected at least one whose label is 0 or more".to_owned()));
    }
    let mut loss = Loss { counted, ..Loss::default() };
    for ((row, outputs), gradient) in rows.each().zip(gradient.chunks_exact_mut(rows.width)) {
        match class(&rows, labels, row)? {
            None => gradient.fill(0.0),
            Some(class) => {
                check_row(row, outputs)?;
                loss.add(one_row(outputs, class, counted, gradient));
            }
        }
    }
    Ok(Loss { counted, ..loss })
}

/// The class of a row; none if it does not count.
fn class(rows: &Rows<'_>, labels: &[i64], row: usize) -> Result<Option<usize>> {
    let label = labels.get(row).copied().filter(|label| *label >= 0 && rows.counts(row));
    let Some(label) = label else { return Ok(None) };
    let class = usize::try_from(label).ok().filter(|class| *class < rows.width);
    let message = || format!("label {label} of row {row}: expected a class from 0 to {}", rows.width - 1);
    class.map(Some).ok_or_else(|| refused(message()))
}

fn one_row(outputs: &[f32], class: usize, counted: usize, gradient: &mut [f32]) -> Loss {
    let highest = outputs.iter().copied().fold(f32::MIN, f32::max);
    for (exponential_of, output) in gradient.iter_mut().zip(outputs) {
        *exponential_of = exponential(output - highest);
    }
    let sum = sum(gradient);
    let scale = (1.0 / (sum * counted as f64)) as f32;
    gradient.iter_mut().for_each(|exponential| *exponential *= scale);
    let (Some(output), Some(gradient)) = (outputs.get(class), gradient.get_mut(class)) else { return Loss::default() };
    *gradient -= (1.0 / counted as f64) as f32;
    let right = outputs.iter().position(|output| *output == highest) == Some(class);
    let total = libm::log(sum) + (f64::from(highest) - f64::from(*output));
    Loss { total, counted: 0, right: usize::from(right) }
}

/// Eight sums side by side, which stand in registers; the same on every machine.
fn sum(values: &[f32]) -> f64 {
    let (whole, rest) = values.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for values in whole {
        sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += f64::from(*value));
    }
    sums.iter().sum::<f64>() + rest.iter().map(|value| f64::from(*value)).sum::<f64>()
}
