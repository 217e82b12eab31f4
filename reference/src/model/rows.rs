//! The layers that work on every row by itself: tables, linear layers, functions of a row.

use super::error::ModelError;
use super::input::Passage;
use super::layer::At;
use crate::direction::{Direction, Place};
use crate::ends::softmax;
use crate::error::{Error, check_length};
use crate::function::Function;
use crate::matrix::Matrix;
use crate::operand::{Operand, Symbol};
use crate::recorder::{Label, Recorder};
use crate::scalar::Scalar;

/// A table with a row for each id.
///
/// Sources: <https://keras.io/api/layers/core_layers/embedding/>,
/// <https://docs.pytorch.org/docs/stable/generated/torch.nn.Embedding.html>.
#[derive(Debug, Clone, PartialEq)]
pub struct Embedding<S> {
    /// ids × features.
    pub weight: Matrix<S>,
    /// Whether the id 0 says "nothing here": its steps are masked (Keras' `mask_zero`).
    pub mask_zero: bool,
}

/// A linear layer and the function after it: `y = f(W·x + b)`.
///
/// Sources: <https://keras.io/api/layers/core_layers/dense/> (its kernel is Wᵀ),
/// <https://docs.pytorch.org/docs/stable/generated/torch.nn.Linear.html>.
///
/// ```
/// use gatewise_reference::{Dense, Function, Matrix, NoTrace, RowFunction};
/// let function = RowFunction::Each(Function::Relu);
/// let dense = Dense { weight: Matrix::from_rows(&[[1.0, 2.0], [-1.0, 0.0]]), bias: vec![0.5, 0.25], function };
/// assert_eq!(dense.row(&[3.0, 4.0], &mut NoTrace), [11.5, 0.0]);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Dense<S> {
    /// W, outputs × inputs.
    pub weight: Matrix<S>,
    /// b, one an output, or none at all.
    pub bias: Vec<S>,
    /// f.
    pub function: RowFunction,
}

/// A function of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowFunction {
    /// Of every number by itself.
    Each(Function),
    /// [`softmax`](crate::softmax) of the row.
    Softmax,
    /// [`log_softmax`] of the row.
    LogSoftmax,
}

/// Computes `s_k − log Σ_j e^s_j`: the logarithms of [`softmax`](crate::softmax)'s probabilities.
///
/// With the largest score m taken off it is `(s_k − m) − log(1 + Σ' e^(s_j − m))`, the sum over all but the largest itself:
/// the same number, and `e` is never raised to a positive power.
///
/// Source: <https://docs.pytorch.org/docs/stable/generated/torch.nn.LogSoftmax.html>.
///
/// ```
/// use gatewise_reference::log_softmax;
/// let logarithms = log_softmax(&[1000.0_f64, 1001.0]);
/// assert!((logarithms[0] + 1.313261687518223).abs() < 1e-15);
/// assert!((logarithms[1] + 0.313261687518223).abs() < 1e-15);
/// assert_eq!(log_softmax(&[7.0]), [0.0]);
/// ```
pub fn log_softmax<S: Scalar>(scores: &[S]) -> Vec<S> {
    let mut largest = 0;
    for k in 0..scores.len() {
        if scores[k] > scores[largest] {
            largest = k;
        }
    }
    let mut others = S::ZERO;
    for k in 0..scores.len() {
        let score = scores[k] - scores[largest];
        // e^0 − 1 = 0 for the largest itself; NaN if it is infinite, as the quotient is then.
        others = others + if k == largest { score.exp_m1() } else { score.exp() };
    }
    scores.iter().map(|&score| score - scores[largest] - others.ln_1p()).collect()
}

impl RowFunction {
    /// Computes the function of a row.
    pub fn apply<S: Scalar>(self, row: &[S]) -> Vec<S> {
        match self {
            RowFunction::Each(function) => row.iter().map(|&x| function.apply(x)).collect(),
            RowFunction::Softmax => softmax(row),
            RowFunction::LogSoftmax => log_softmax(row),
        }
    }
}

impl<S: Scalar> Embedding<S> {
    pub(super) fn look_up(&self, layer: usize, passage: &mut Passage<S>) -> Result<(), ModelError> {
        for &id in &passage.ids {
            if id >= self.weight.rows() {
                let expected = format!("an id below {}", self.weight.rows());
                return Err(ModelError::Place { layer, expected, found: id.to_string() });
            }
            passage.rows.push((0..self.weight.columns()).map(|column| self.weight.get(id, column)).collect());
        }
        if self.mask_zero {
            passage.mask = Some(passage.ids.iter().map(|&id| id != 0).collect());
        }
        Ok(())
    }
}

impl<S: Scalar> Dense<S> {
    /// Computes one row; the sums are recorded as `z`, and what a function of single numbers makes of them as `y`.
    ///
    /// # Panics
    /// If weights, bias and row do not fit each other.
    pub fn row(&self, x: &[S], recorder: &mut impl Recorder<S>) -> Vec<S> {
        let outputs = self.weight.rows();
        let label = |letter, unit, name| Label { symbol: Symbol::of_vector(letter, unit, outputs), unit, name };
        let mut y = Vec::with_capacity(outputs);
        for k in 0..outputs {
            let z = recorder.sum(label("z", k, "linear layer's sum"), |z| {
                for j in 0..x.len() {
                    z.add(&[Operand::of_matrix("W", &self.weight, k, j), Operand::of_vector("x", x, j)]);
                }
                if !self.bias.is_empty() {
                    z.add(&[Operand::of_vector("b", &self.bias, k)]);
                }
            });
            y.push(match self.function {
                RowFunction::Each(function) => recorder.apply(label("y", k, "output"), function, z).value,
                RowFunction::Softmax | RowFunction::LogSoftmax => z.value,
            });
        }
        match self.function {
            RowFunction::Each(_) => y,
            function => function.apply(&y),
        }
    }

    pub(super) fn apply(&self, at: At, rows: &mut [Vec<S>], recorder: &mut impl Recorder<S>) {
        recorder.begin_direction(Place { layer: at.layer, direction: Direction::Forward });
        recorder.begin_sequence("linear layer");
        for (step, row) in rows.iter_mut().enumerate() {
            recorder.begin_step(at.row, step);
            *row = self.row(row, recorder);
        }
    }

    /// Checks that the weights fit each other and what the layer hears.
    pub(super) fn check(&self, features: usize) -> Result<(), Error> {
        if self.weight.columns() != features {
            return Err(Error::Features { expected: features, found: self.weight.columns() });
        }
        if self.bias.is_empty() { Ok(()) } else { check_length("b", self.weight.rows(), self.bias.len()) }
    }
}
