//! The simple recurrent network: one sum and one squashing, `h = φ(W x + R h⁻ + b)`.

use crate::error::{Error, check_length};
use crate::function::Function;
use crate::gate::{Moment, State, Unit};
use crate::letters::RNN;
use crate::matrix::Matrix;
use crate::operand::Operand;
use crate::recorder::Recorder;
use crate::scalar::Scalar;
use crate::sequence::Cell;

/// A simple recurrent network (Elman 1990).
///
/// Some notes write U for W, W for R, and s for h: `s_t = f(U x_t + W s_{t−1})`.
///
/// ```
/// use gatewise_reference::{Function, Matrix, Moment, NoTrace, SimpleRnn};
///
/// let rnn = SimpleRnn {
///     input_weights: Matrix::from_rows(&[[1.0, 2.0]]),
///     recurrent_weights: Matrix::from_rows(&[[0.5]]),
///     bias: vec![-1.0],
///     activation: Function::Relu,
///     clip: None,
/// };
/// let now = Moment { x: &[3.0, 4.0], h_previous: &[2.0], c_previous: &[] };
/// assert_eq!(rnn.hidden_state(now.unit(0), &mut NoTrace).value, 1.0 * 3.0 + 2.0 * 4.0 + 0.5 * 2.0 - 1.0);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct SimpleRnn<S> {
    /// W, units × features.
    pub input_weights: Matrix<S>,
    /// R, units × units: row = the unit that listens, column = the unit of the previous step that it listens to.
    pub recurrent_weights: Matrix<S>,
    /// b, one a unit.
    pub bias: Vec<S>,
    /// φ: tanh (the usual one), ReLU, or any other.
    pub activation: Function,
    /// Holds the sum between −clip and clip before it is squashed (ONNX' `clip`).
    pub clip: Option<f64>,
}

impl<S: Scalar> SimpleRnn<S> {
    /// h = φ(W x + R h⁻ + b), for one unit.
    pub fn hidden_state(&self, unit: Unit<'_, S>, recorder: &mut impl Recorder<S>) -> Operand<S> {
        self.hidden_state_hearing(unit, 0..unit.hidden(), recorder)
    }

    /// h = φ(W x + R h⁻ + b), for one unit that hears only some units of the previous step.
    pub(crate) fn hidden_state_hearing(
        &self,
        unit: Unit<'_, S>,
        heard: impl Iterator<Item = usize>,
        recorder: &mut impl Recorder<S>,
    ) -> Operand<S> {
        let z = recorder.sum(unit.label(RNN.sum, RNN.sum_name), |z| {
            for feature in 0..unit.inputs() {
                z.add(&[
                    Operand::of_matrix(RNN.input_weights, &self.input_weights, unit.index, feature),
                    unit.feature(feature),
                ]);
            }
            for other in heard {
                z.add(&[
                    Operand::of_matrix(RNN.recurrent_weights, &self.recurrent_weights, unit.index, other),
                    unit.previous_hidden(other),
                ]);
            }
            z.add(&[Operand::of_vector(RNN.bias, &self.bias, unit.index)]);
        });
        let z = unit.clip(&RNN, self.clip, z, recorder);
        recorder.apply(unit.label("h", "hidden state"), self.activation, z)
    }
}

impl<S: Scalar> Cell<S> for SimpleRnn<S> {
    fn name(&self) -> &'static str {
        "simple RNN"
    }

    fn input_size(&self) -> usize {
        self.input_weights.columns()
    }

    fn hidden_size(&self) -> usize {
        self.recurrent_weights.rows()
    }

    fn has_cell_state(&self) -> bool {
        false
    }

    fn check(&self) -> Result<(), Error> {
        let (inputs, hidden) = (self.input_size(), self.hidden_size());
        self.input_weights.check_shape(RNN.input_weights, hidden, inputs)?;
        self.recurrent_weights.check_shape(RNN.recurrent_weights, hidden, hidden)?;
        check_length(RNN.bias, hidden, self.bias.len())
    }

    fn step(&self, now: &Moment<'_, S>, recorder: &mut impl Recorder<S>) -> State<S> {
        let mut h = Vec::with_capacity(self.hidden_size());
        for index in 0..self.hidden_size() {
            h.push(self.hidden_state(now.unit(index), recorder).value);
        }
        State { h, c: Vec::new() }
    }
}
