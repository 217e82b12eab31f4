//! The functions of one number that the equations name: what squashes a gate, the candidate, the cell state.

use crate::activation::{
    affine, clip, elu, hard_sigmoid, leaky_relu, relu, scaled_tanh, sigmoid, softplus, softsign, tanh, thresholded_relu,
};
use crate::error::Error;
use crate::scalar::Scalar;

/// A function of one number, as it appears in the equations.
///
/// Parameters are `f64` whatever the cell computes in, and are rounded to its type where they are used. Two functions are
/// equal if they are the same with the same parameters, to the bit.
#[derive(Debug, Clone, Copy, Default)]
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
    /// `α·x + β`.
    Affine {
        /// α
        alpha: f64,
        /// β
        beta: f64,
    },
    /// `x` if x ≥ 0, else `α·x`.
    LeakyRelu {
        /// α
        alpha: f64,
    },
    /// `x` if x ≥ α, else 0.
    ThresholdedRelu {
        /// α
        alpha: f64,
    },
    /// `α·tanh(β·x)`.
    ScaledTanh {
        /// α
        alpha: f64,
        /// β
        beta: f64,
    },
    /// `α·x + β`, held between 0 and 1.
    HardSigmoid {
        /// α
        alpha: f64,
        /// β
        beta: f64,
    },
    /// `x` if x ≥ 0, else `α·(e^x − 1)`.
    Elu {
        /// α
        alpha: f64,
    },
    /// `x / (1 + |x|)`.
    Softsign,
    /// `log(1 + e^x)`.
    Softplus,
    /// `x`, held between −bound and bound: what ONNX' `clip` does to a sum before it is squashed.
    Clip {
        /// The largest size that passes.
        bound: f64,
    },
}

impl Function {
    /// Finds a function by ONNX' name for it. A parameter that is not given is that of ONNX' operator of this name; Affine and
    /// ScaledTanh, which are no operators, change nothing by theirs: α = 1 and β = 0, α = β = 1.
    ///
    /// ONNX Runtime (1.31) takes 0 where Affine, ScaledTanh or ThresholdedRelu have no parameter.
    ///
    /// # Errors
    /// [`Error::Activation`] if ONNX has no activation of this name.
    ///
    /// ```
    /// use gatewise_reference::Function;
    /// assert_eq!(Function::from_onnx("Tanh", None, None)?, Function::Tanh);
    /// assert_eq!(Function::from_onnx("HardSigmoid", None, None)?, Function::HardSigmoid { alpha: 0.2, beta: 0.5 });
    /// assert_eq!(Function::from_onnx("Elu", Some(2.0), None)?, Function::Elu { alpha: 2.0 });
    /// let error = Function::from_onnx("Gelu", None, None).unwrap_err();
    /// assert!(error.to_string().starts_with("activation: expected one of Relu, Tanh, Sigmoid"));
    /// assert!(error.to_string().ends_with("found Gelu"));
    /// # Ok::<(), gatewise_reference::Error>(())
    /// ```
    pub fn from_onnx(name: &str, alpha: Option<f64>, beta: Option<f64>) -> Result<Self, Error> {
        let alpha = |default| alpha.unwrap_or(default);
        let beta = |default| beta.unwrap_or(default);
        Ok(match name {
            "Relu" => Function::Relu,
            "Tanh" => Function::Tanh,
            "Sigmoid" => Function::Sigmoid,
            "Affine" => Function::Affine { alpha: alpha(1.0), beta: beta(0.0) },
            "LeakyRelu" => Function::LeakyRelu { alpha: alpha(0.01) },
            "ThresholdedRelu" => Function::ThresholdedRelu { alpha: alpha(1.0) },
            "ScaledTanh" => Function::ScaledTanh { alpha: alpha(1.0), beta: beta(1.0) },
            "HardSigmoid" => Function::HardSigmoid { alpha: alpha(0.2), beta: beta(0.5) },
            "Elu" => Function::Elu { alpha: alpha(1.0) },
            "Softsign" => Function::Softsign,
            "Softplus" => Function::Softplus,
            _ => return Err(Error::Activation { found: name.to_string() }),
        })
    }

    /// Computes the function of `x`.
    pub fn apply<S: Scalar>(self, x: S) -> S {
        let number = S::from_f64;
        match self {
            Function::Sigmoid => sigmoid(x),
            Function::Tanh => tanh(x),
            Function::Relu => relu(x),
            Function::Identity => x,
            Function::Affine { alpha, beta } => affine(x, number(alpha), number(beta)),
            Function::LeakyRelu { alpha } => leaky_relu(x, number(alpha)),
            Function::ThresholdedRelu { alpha } => thresholded_relu(x, number(alpha)),
            Function::ScaledTanh { alpha, beta } => scaled_tanh(x, number(alpha), number(beta)),
            Function::HardSigmoid { alpha, beta } => hard_sigmoid(x, number(alpha), number(beta)),
            Function::Elu { alpha } => elu(x, number(alpha)),
            Function::Softsign => softsign(x),
            Function::Softplus => softplus(x),
            Function::Clip { bound } => clip(x, number(bound)),
        }
    }

    /// What stands before the bracket in a formula: `σ`, `tanh`, `relu`, `elu`; nothing for the identity.
    pub fn symbol(self) -> &'static str {
        match self {
            Function::Sigmoid => "σ",
            Function::Tanh => "tanh",
            Function::Relu => "relu",
            Function::Identity => "",
            Function::Affine { .. } => "affine",
            Function::LeakyRelu { .. } => "leakyrelu",
            Function::ThresholdedRelu { .. } => "thresholdedrelu",
            Function::ScaledTanh { .. } => "scaledtanh",
            Function::HardSigmoid { .. } => "hardsigmoid",
            Function::Elu { .. } => "elu",
            Function::Softsign => "softsign",
            Function::Softplus => "softplus",
            Function::Clip { .. } => "clip",
        }
    }

    /// The function's name as a word: `sigmoid`, `tanh`, `relu`, `identity`, `hard_sigmoid`.
    pub fn name(self) -> &'static str {
        match self {
            Function::Sigmoid => "sigmoid",
            Function::Identity => "identity",
            Function::LeakyRelu { .. } => "leaky_relu",
            Function::ThresholdedRelu { .. } => "thresholded_relu",
            Function::ScaledTanh { .. } => "scaled_tanh",
            Function::HardSigmoid { .. } => "hard_sigmoid",
            other => other.symbol(),
        }
    }

    /// The function's parameters, α before β; none for most.
    pub fn parameters(self) -> Vec<f64> {
        match self {
            Function::Affine { alpha, beta }
            | Function::ScaledTanh { alpha, beta }
            | Function::HardSigmoid { alpha, beta } => vec![alpha, beta],
            Function::LeakyRelu { alpha } | Function::ThresholdedRelu { alpha } | Function::Elu { alpha } => {
                vec![alpha]
            }
            Function::Clip { bound } => vec![bound],
            _ => Vec::new(),
        }
    }
}

/// By bits, so that a function equals itself even with a NaN for a parameter, as [`Eq`] promises.
impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        let bits = |function: &Self| function.parameters().into_iter().map(f64::to_bits).collect::<Vec<_>>();
        self.name() == other.name() && bits(self) == bits(other)
    }
}

impl Eq for Function {}
