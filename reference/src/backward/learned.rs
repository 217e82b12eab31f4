//! What is learned: every weight of a cell, under the letter of the equations.

use crate::any_cell::AnyCell;
use crate::clockwork::ClockworkRnn;
use crate::depth_gated::DepthGated;
use crate::gate::Gate;
use crate::gru::Gru;
use crate::letters::{CANDIDATE, FORGET, GRU_CANDIDATE, INPUT, Letters, MUTANT_CANDIDATE, OUTPUT, RESET, RNN, UPDATE};
use crate::lstm::Lstm;
use crate::matrix::Matrix;
use crate::mutant::Mutant;
use crate::rnn::SimpleRnn;
use crate::scalar::Scalar;
use crate::sequence::Cell;

/// A cell whose weights can be listed, and so learned.
///
/// The gradients of a cell are a cell of the same kind and shape ([`Gradients`](crate::Gradients)), so their lists stand side
/// by side, and one of them moves the other:
///
/// ```
/// use gatewise_reference::{Layout, Learned, LossGradients, NoTrace, Sequence, backward, example, forward};
///
/// let mut cell = example::worked_example::<f64>();
/// let input = Sequence { layout: Layout::BatchFirst, batch: 1, steps: 1, x: &[1.0], h0: None, c0: None };
/// let before = forward(&cell, &input, &mut NoTrace)?.h_n[0];
///
/// // The loss is −h: one small step down, and h has grown.
/// let loss = LossGradients { h_n: Some(&[-1.0]), ..LossGradients::default() };
/// let mut gradients = backward(&cell, &input, &loss, &mut NoTrace)?;
/// for (weight, gradient) in cell.weights().into_iter().zip(gradients.weights.weights()) {
///     for (weight, gradient) in weight.values.iter_mut().zip(gradient.values) {
///         *weight -= 0.1 * *gradient;
///     }
/// }
/// assert!(forward(&cell, &input, &mut NoTrace)?.h_n[0] > before);
/// # Ok::<(), gatewise_reference::Error>(())
/// ```
pub trait Learned<S: Scalar>: Cell<S> + Clone {
    /// Lists every matrix and vector of weights, to be read or changed, also those that the cell's options leave unread.
    fn weights(&mut self) -> Vec<Weight<'_, S>>;

    /// The same cell, with zeros for weights.
    fn with_zeros(&self) -> Self {
        let mut zeros = self.clone();
        for weight in zeros.weights() {
            weight.values.fill(S::ZERO);
        }
        zeros
    }
}

/// A matrix or a vector of weights.
#[derive(Debug, PartialEq)]
pub struct Weight<'a, S> {
    /// What the equations call it: `W_f`, `b_f`.
    pub letter: &'static str,
    /// What it is: `input weight`, `bias` …
    pub name: &'static str,
    /// The number of columns of a matrix; 1 of a vector.
    pub columns: usize,
    /// The numbers, row after row; a row belongs to a unit (of `W_hr` to a value of h).
    pub values: &'a mut [S],
}

fn matrix<'a, S: Scalar>(letter: &'static str, name: &'static str, matrix: &'a mut Matrix<S>) -> Weight<'a, S> {
    Weight { letter, name, columns: matrix.columns(), values: matrix.values_mut() }
}

fn vector<'a, S>(letter: &'static str, name: &'static str, vector: &'a mut [S]) -> Weight<'a, S> {
    Weight { letter, name, columns: 1, values: vector }
}

impl<S: Scalar> Gate<S> {
    fn weights(&mut self, letters: &Letters) -> Vec<Weight<'_, S>> {
        let mut weights = vec![
            matrix(letters.input_weights, "input weight", &mut self.input_weights),
            matrix(letters.recurrent_weights, "recurrent weight", &mut self.recurrent_weights),
            vector(letters.bias, "bias", &mut self.bias),
        ];
        if let Some(peephole) = &mut self.peephole {
            weights.push(vector(letters.peephole, "peephole", peephole));
        }
        weights
    }
}

impl<S: Scalar> Learned<S> for SimpleRnn<S> {
    fn weights(&mut self) -> Vec<Weight<'_, S>> {
        vec![
            matrix(RNN.input_weights, "input weight", &mut self.input_weights),
            matrix(RNN.recurrent_weights, "recurrent weight", &mut self.recurrent_weights),
            vector(RNN.bias, "bias", &mut self.bias),
        ]
    }
}

impl<S: Scalar> Learned<S> for ClockworkRnn<S> {
    fn weights(&mut self) -> Vec<Weight<'_, S>> {
        self.rnn.weights()
    }
}

impl<S: Scalar> Learned<S> for Lstm<S> {
    fn weights(&mut self) -> Vec<Weight<'_, S>> {
        let mut weights = self.forget_gate.weights(&FORGET);
        weights.extend(self.candidate.weights(&CANDIDATE));
        weights.extend(self.input_gate.weights(&INPUT));
        weights.extend(self.output_gate.weights(&OUTPUT));
        if let Some(projection) = &mut self.projection {
            weights.push(matrix("W_hr", "projection", projection));
        }
        weights
    }
}

impl<S: Scalar> Learned<S> for DepthGated<S> {
    fn weights(&mut self) -> Vec<Weight<'_, S>> {
        let mut weights = self.lstm.weights();
        weights.push(matrix("W_d", "input weight", &mut self.depth_weights));
        weights.push(vector("b_d", "bias", &mut self.depth_bias));
        weights.push(vector("w_cd", "peephole", &mut self.previous_peephole));
        weights.push(vector("w_ld", "peephole", &mut self.below_peephole));
        weights
    }
}

impl<S: Scalar> Learned<S> for Gru<S> {
    fn weights(&mut self) -> Vec<Weight<'_, S>> {
        let mut weights = self.reset_gate.weights(&RESET);
        weights.extend(self.update_gate.weights(&UPDATE));
        weights.extend(self.candidate.weights(&GRU_CANDIDATE));
        if let Some(recurrent_bias) = &mut self.recurrent_bias {
            weights.push(vector("b_rn", "recurrent bias", recurrent_bias));
        }
        weights
    }
}

impl<S: Scalar> Learned<S> for Mutant<S> {
    fn weights(&mut self) -> Vec<Weight<'_, S>> {
        let mut weights = self.update_gate.weights(&UPDATE);
        weights.extend(self.reset_gate.weights(&RESET));
        weights.extend(self.candidate.weights(&MUTANT_CANDIDATE));
        weights
    }
}

impl<S: Scalar> Learned<S> for AnyCell<S> {
    fn weights(&mut self) -> Vec<Weight<'_, S>> {
        match self {
            AnyCell::Lstm(cell) => cell.weights(),
            AnyCell::Gru(cell) => cell.weights(),
            AnyCell::Rnn(cell) => cell.weights(),
            AnyCell::Clockwork(cell) => cell.weights(),
            AnyCell::DepthGated(cell) => cell.weights(),
            AnyCell::Mutant(cell) => cell.weights(),
        }
    }
}
