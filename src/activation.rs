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

/// An activation as ONNX names it, for cells that do not use the standard ones.
///
/// Source: the attribute `activations` of <https://onnx.ai/onnx/operators/onnx__LSTM.html>, with the defaults of
/// `activation_alpha` and `activation_beta` there.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Activation {
    /// `x`.
    Identity,
    /// `1/(1 + e^−x)`.
    Sigmoid,
    /// `tanh(x)`.
    Tanh,
    /// `max(0, x)`.
    Relu,
    /// `α·x + β`.
    Affine {
        /// α.
        alpha: f32,
        /// β.
        beta: f32,
    },
    /// `x` for x ≥ 0, else `α·x`.
    LeakyRelu {
        /// α, 0.01 where ONNX says nothing.
        alpha: f32,
    },
    /// `x` for x ≥ α, else 0.
    ThresholdedRelu {
        /// α, 1 where ONNX says nothing.
        alpha: f32,
    },
    /// `α·tanh(β·x)`.
    ScaledTanh {
        /// α.
        alpha: f32,
        /// β.
        beta: f32,
    },
    /// `α·x + β` between 0 and 1.
    HardSigmoid {
        /// α, 0.2 where ONNX says nothing (and in Keras 2; Keras 3 has 1/6).
        alpha: f32,
        /// β, 0.5 where ONNX says nothing.
        beta: f32,
    },
    /// `x` for x ≥ 0, else `α·(e^x − 1)`.
    Elu {
        /// α, 1 where ONNX says nothing.
        alpha: f32,
    },
    /// `x/(1 + |x|)`.
    Softsign,
    /// `log(1 + e^x)`.
    Softplus,
}

impl Activation {
    /// The activation that ONNX calls `name`, letters of any case; parameters that are not given have ONNX's defaults.
    ///
    /// # Errors
    /// [`Error::UnknownActivation`](crate::Error::UnknownActivation) for a name that is none of ONNX's eleven.
    ///
    /// ```
    /// use gatewise::activation::Activation;
    /// assert_eq!(Activation::named("HardSigmoid", None, None)?, Activation::HardSigmoid { alpha: 0.2, beta: 0.5 });
    /// assert!(Activation::named("Swish", None, None).is_err());
    /// # Ok::<(), gatewise::Error>(())
    /// ```
    pub fn named(name: &str, alpha: Option<f32>, beta: Option<f32>) -> Result<Activation> {
        let or = |given: Option<f32>, default: f32| given.unwrap_or(default);
        Ok(match name.to_ascii_lowercase().as_str() {
            "sigmoid" => Activation::Sigmoid,
            "tanh" => Activation::Tanh,
            "relu" => Activation::Relu,
            "affine" => Activation::Affine { alpha: or(alpha, 1.0), beta: or(beta, 0.0) },
            "leakyrelu" => Activation::LeakyRelu { alpha: or(alpha, 0.01) },
            "thresholdedrelu" => Activation::ThresholdedRelu { alpha: or(alpha, 1.0) },
            "scaledtanh" => Activation::ScaledTanh { alpha: or(alpha, 1.0), beta: or(beta, 1.0) },
            "hardsigmoid" => Activation::HardSigmoid { alpha: or(alpha, 0.2), beta: or(beta, 0.5) },
            "elu" => Activation::Elu { alpha: or(alpha, 1.0) },
            "softsign" => Activation::Softsign,
            "softplus" => Activation::Softplus,
            _ => return Err(crate::Error::UnknownActivation { name: name.to_owned() }),
        })
    }
}

/// A function of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Finish {
    /// Value by value; [`Activation::Identity`] for none.
    Each(Activation),
    /// `e^x_k / Σ e^x_j` over the row.
    Softmax,
    /// The logarithm of the softmax.
    LogSoftmax,
}
