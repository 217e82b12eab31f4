//! The functions that squash a number: sigmoid, tanh, ReLU; and softmax and one-hot for the two ends of a network.

use crate::error::Error;
use crate::matrix::Matrix;
use crate::scalar::Scalar;

/// A function of one number, as it appears in the equations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Function {
    /// `σ(x) = 1 / (1 + e^−x)`, between 0 and 1: how far a gate is open.
    Sigmoid,
    /// `tanh(x)`, between −1 and 1: what is written to the memory, or shown of it.
    #[default]
    Tanh,
    /// `max(0, x)`.
    Relu,
    /// `x` itself: an activation that was left out.
    Identity,
}

impl Function {
    /// Computes the function of `x`.
    pub fn apply<S: Scalar>(self, x: S) -> S {
        match self {
            Function::Sigmoid => sigmoid(x),
            Function::Tanh => tanh(x),
            Function::Relu => relu(x),
            Function::Identity => x,
        }
    }

    /// What stands before the bracket in a formula: `σ`, `tanh`, `relu`; nothing for the identity.
    pub fn symbol(self) -> &'static str {
        match self {
            Function::Sigmoid => "σ",
            Function::Tanh => "tanh",
            Function::Relu => "relu",
            Function::Identity => "",
        }
    }

    /// The function's name as a word: `sigmoid`, `tanh`, `relu`, `identity`.
    pub fn name(self) -> &'static str {
        match self {
            Function::Sigmoid => "sigmoid",
            Function::Tanh => "tanh",
            Function::Relu => "relu",
            Function::Identity => "identity",
        }
    }
}

/// Computes `σ(x) = 1 / (1 + e^−x)`.
///
/// For negative `x` it is written as `e^x / (1 + e^x)`, the same number: so `e` is never raised to a large positive power,
/// which would overflow.
///
/// ```
/// use gatewise_reference::sigmoid;
/// assert_eq!(sigmoid(0.0), 0.5);
/// assert_eq!(sigmoid(-1000.0), 0.0);
/// assert_eq!(sigmoid(1000.0), 1.0);
/// assert!((sigmoid(5.95_f64) - 0.997400932238).abs() < 1e-12);
/// ```
pub fn sigmoid<S: Scalar>(x: S) -> S {
    if x < S::ZERO {
        let e = x.exp();
        e / (S::ONE + e)
    } else {
        S::ONE / (S::ONE + (-x).exp())
    }
}

/// Computes the hyperbolic tangent `(e^x − e^−x) / (e^x + e^−x)`.
///
/// ```
/// use gatewise_reference::tanh;
/// let expected = [0.761594156, 0.964027580, 0.995054754];
/// for (x, expected) in [1.0_f64, 2.0, 3.0].into_iter().zip(expected) {
///     assert!((tanh(x) - expected).abs() < 5e-10, "tanh({x}) = {}", tanh(x));
/// }
/// ```
pub fn tanh<S: Scalar>(x: S) -> S {
    x.tanh()
}

/// Computes `max(0, x)`; NaN stays NaN.
///
/// ```
/// use gatewise_reference::relu;
/// assert_eq!([relu(-2.0), relu(0.0), relu(3.0)], [0.0, 0.0, 3.0]);
/// ```
pub fn relu<S: Scalar>(x: S) -> S {
    if x < S::ZERO { S::ZERO } else { x }
}

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
