//! The two ends of a network: words come in as one-hot vectors, scores go out as probabilities.

use crate::error::Error;
use crate::matrix::Matrix;
use crate::scalar::Scalar;

/// Computes `e^s_k / Σ_j e^s_j`: scores become probabilities, the `Ŷ` of a classifier.
///
/// The largest score is taken off all of them first, which changes nothing in the quotient and keeps `e^s` from overflowing.
///
/// ```
/// use gatewise_reference::softmax;
/// let probabilities = softmax(&[1000.0_f64, 1001.0]);
/// assert!((probabilities[0] - 0.268941421369995).abs() < 1e-15);
/// assert!((probabilities[0] + probabilities[1] - 1.0).abs() < 1e-15);
/// ```
pub fn softmax<S: Scalar>(scores: &[S]) -> Vec<S> {
    let mut probabilities = Vec::with_capacity(scores.len());
    let Some(&first) = scores.first() else {
        return probabilities;
    };
    let mut largest = first;
    for &score in scores {
        if score > largest {
            largest = score;
        }
    }
    let mut total = S::ZERO;
    for &score in scores {
        let e = (score - largest).exp();
        probabilities.push(e);
        total = total + e;
    }
    for probability in &mut probabilities {
        *probability = *probability / total;
    }
    probabilities
}

/// Writes every word as a row with a single 1, in the column of its number.
///
/// # Errors
/// [`Error::Class`] if a number is not below `classes`.
///
/// ```
/// use gatewise_reference::one_hot;
/// let x = one_hot::<f64>(&[4, 7, 8, 4], 10)?;
/// assert_eq!((x.rows(), x.columns()), (4, 10));
/// for (row, class) in [4, 7, 8, 4].into_iter().enumerate() {
///     for column in 0..10 {
///         assert_eq!(x.get(row, column), if column == class { 1.0 } else { 0.0 });
///     }
/// }
/// # Ok::<(), gatewise_reference::Error>(())
/// ```
pub fn one_hot<S: Scalar>(words: &[usize], classes: usize) -> Result<Matrix<S>, Error> {
    let mut rows = Matrix::zeros(words.len(), classes);
    for (row, &class) in words.iter().enumerate() {
        if class >= classes {
            return Err(Error::Class { classes, found: class });
        }
        rows.set(row, class, S::ONE);
    }
    Ok(rows)
}
