//! The slopes of the functions that squash.

use crate::activation::sigmoid;
use crate::function::Function;
use crate::operand::Operand;
use crate::scalar::Scalar;

impl Function {
    /// Computes the slope (the derivative) at `x`.
    ///
    /// Where a function has a kink it is the slope of the side that PyTorch takes: at 0 that of the negative side for ReLU (0),
    /// LeakyReLU (α) and ELU (α); 0 for ThresholdedRelu at its threshold and for the hard sigmoid at both ends of its line; 1
    /// for clip at both bounds.
    ///
    /// ```
    /// use gatewise_reference::Function;
    /// assert_eq!(Function::Sigmoid.derivative(0.0), 0.25);
    /// assert_eq!(Function::Tanh.derivative(0.0), 1.0);
    /// assert_eq!([-1.0, 0.0, 1.0].map(|x| Function::Relu.derivative(x)), [0.0, 0.0, 1.0]);
    /// assert_eq!([0.5, 0.75].map(|x| Function::Clip { bound: 0.5 }.derivative(x)), [1.0, 0.0]);
    /// ```
    pub fn derivative<S: Scalar>(self, x: S) -> S {
        let number = S::from_f64;
        let one_if = |inside: bool| if inside { S::ONE } else { S::ZERO };
        match self {
            Function::Sigmoid => sigmoid(x) * (S::ONE - sigmoid(x)),
            Function::Tanh => S::ONE - x.tanh() * x.tanh(),
            Function::Relu => one_if(x > S::ZERO),
            Function::Identity => S::ONE,
            Function::Affine { alpha, .. } => number(alpha),
            Function::LeakyRelu { alpha } => {
                if x > S::ZERO {
                    S::ONE
                } else {
                    number(alpha)
                }
            }
            Function::ThresholdedRelu { alpha } => one_if(x > number(alpha)),
            Function::ScaledTanh { alpha, beta } => {
                let tanh = (number(beta) * x).tanh();
                number(alpha) * number(beta) * (S::ONE - tanh * tanh)
            }
            Function::HardSigmoid { alpha, beta } => {
                let line = number(alpha) * x + number(beta);
                number(alpha) * one_if(line > S::ZERO && line < S::ONE)
            }
            Function::Elu { alpha } => {
                if x > S::ZERO {
                    S::ONE
                } else {
                    number(alpha) * x.exp()
                }
            }
            Function::Softsign => {
                let below = S::ONE + if x < S::ZERO { -x } else { x };
                S::ONE / (below * below)
            }
            Function::Softplus => sigmoid(x),
            Function::Clip { bound } => one_if(-number(bound) <= x && x <= number(bound)),
        }
    }

    /// What d of a function's value is multiplied with to give d of its argument, as the textbooks write it: `f·(1−f)` for σ,
    /// `1−g²` for tanh, nothing for the identity, `relu′(z)` for any other.
    pub(super) fn slope<S: Scalar>(self, argument: Operand<S>, value: Operand<S>) -> Vec<Operand<S>> {
        let one_minus = |symbol, square| Operand { symbol, value: S::ONE - square };
        match self {
            Function::Identity => Vec::new(),
            Function::Sigmoid => vec![value, one_minus(value.symbol.one_minus(), value.value)],
            Function::Tanh => vec![one_minus(value.symbol.one_minus_square(), value.value * value.value)],
            _ => vec![Operand { symbol: argument.symbol.slope(self.symbol()), value: self.derivative(argument.value) }],
        }
    }
}
