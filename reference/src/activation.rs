//! The functions that squash a number, one after the other: sigmoid, tanh, ReLU, and those that ONNX has beside them.

use crate::scalar::Scalar;

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

/// Computes `α·x + β`.
///
/// ```
/// use gatewise_reference::affine;
/// assert_eq!([affine(-2.0, 0.5, 3.0), affine(4.0, 0.5, 3.0)], [2.0, 5.0]);
/// ```
pub fn affine<S: Scalar>(x: S, alpha: S, beta: S) -> S {
    alpha * x + beta
}

/// Computes `x` if x ≥ 0, else `α·x`.
///
/// ```
/// use gatewise_reference::leaky_relu;
/// assert_eq!([leaky_relu(-2.0, 0.25), leaky_relu(2.0, 0.25)], [-0.5, 2.0]);
/// ```
pub fn leaky_relu<S: Scalar>(x: S, alpha: S) -> S {
    if x >= S::ZERO { x } else { alpha * x }
}

/// Computes `x` if x ≥ α, else 0; NaN stays NaN.
///
/// At x = α this is what ONNX' RNN, GRU and LSTM say; ONNX Runtime gives 0 there.
///
/// ```
/// use gatewise_reference::thresholded_relu;
/// assert_eq!([0.5, 1.0, 2.0].map(|x| thresholded_relu(x, 1.0)), [0.0, 1.0, 2.0]);
/// ```
pub fn thresholded_relu<S: Scalar>(x: S, alpha: S) -> S {
    if x < alpha { S::ZERO } else { x }
}

/// Computes `α·tanh(β·x)`.
///
/// ```
/// use gatewise_reference::{scaled_tanh, tanh};
/// assert_eq!(scaled_tanh(1.5, 2.0, 0.5), 2.0 * tanh(0.75));
/// ```
pub fn scaled_tanh<S: Scalar>(x: S, alpha: S, beta: S) -> S {
    alpha * tanh(beta * x)
}

/// Computes `max(0, min(1, α·x + β))`; NaN stays NaN.
///
/// Old Keras files and ONNX have α = 0.2, Keras 3 has α = 1/6; β is 0.5 in all of them.
///
/// ```
/// use gatewise_reference::hard_sigmoid;
/// assert_eq!([-9.0, 0.0, 1.0, 9.0].map(|x| hard_sigmoid(x, 0.25, 0.5)), [0.0, 0.5, 0.75, 1.0]);
/// ```
pub fn hard_sigmoid<S: Scalar>(x: S, alpha: S, beta: S) -> S {
    let line = affine(x, alpha, beta);
    if line < S::ZERO {
        S::ZERO
    } else if line > S::ONE {
        S::ONE
    } else {
        line
    }
}

/// Computes `x` if x ≥ 0, else `α·(e^x − 1)`.
///
/// ```
/// use gatewise_reference::elu;
/// assert_eq!(elu(2.0, 3.0), 2.0);
/// assert!((elu(-1.0_f64, 3.0) + 1.896361676485673).abs() < 1e-15);
/// assert_eq!(elu(-1e-20, 1.0), -1e-20);
/// ```
pub fn elu<S: Scalar>(x: S, alpha: S) -> S {
    // exp_m1 keeps the digits that e^x − 1 loses near 0.
    if x >= S::ZERO { x } else { alpha * x.exp_m1() }
}

/// Computes `x / (1 + |x|)`, between −1 and 1.
///
/// ```
/// use gatewise_reference::softsign;
/// assert_eq!([-3.0, 0.0, 1.0].map(softsign), [-0.75, 0.0, 0.5]);
/// ```
pub fn softsign<S: Scalar>(x: S) -> S {
    x / (S::ONE + size(x))
}

/// Computes `log(1 + e^x)`.
///
/// It is written as `max(0, x) + log(1 + e^−|x|)`, the same number: so `e` is never raised to a large positive power, which
/// would overflow.
///
/// ```
/// use gatewise_reference::softplus;
/// assert!((softplus(0.0_f64) - 0.693147180559945).abs() < 1e-15);
/// assert_eq!([-1000.0, 1000.0].map(softplus), [0.0, 1000.0]);
/// ```
pub fn softplus<S: Scalar>(x: S) -> S {
    relu(x) + (-size(x)).exp().ln_1p()
}

/// Computes `max(−bound, min(bound, x))`; NaN stays NaN.
///
/// ```
/// use gatewise_reference::clip;
/// assert_eq!([-2.0, -0.25, 0.5].map(|x| clip(x, 0.5)), [-0.5, -0.25, 0.5]);
/// ```
pub fn clip<S: Scalar>(x: S, bound: S) -> S {
    if x > bound {
        bound
    } else if x < -bound {
        -bound
    } else {
        x
    }
}

/// |x|
fn size<S: Scalar>(x: S) -> S {
    if x < S::ZERO { -x } else { x }
}
