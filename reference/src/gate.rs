//! A gate's weights and the sum that every gate starts from: `W x + R h⁻ + p·c + b`.

use crate::error::{Error, check_length};
use crate::function::Function;
use crate::letters::Letters;
use crate::matrix::Matrix;
use crate::operand::{Operand, Symbol};
use crate::recorder::{Label, Recorder};
use crate::scalar::Scalar;

/// The weights of one gate, for all hidden units.
#[derive(Debug, Clone, PartialEq)]
pub struct Gate<S> {
    /// W, units × features.
    pub input_weights: Matrix<S>,
    /// R, units × units: row = the unit that listens, column = the unit of the previous step that it listens to. With a
    /// projection (LSTM only) it has a column for each of the P values of h⁻.
    pub recurrent_weights: Matrix<S>,
    /// b, one a unit.
    pub bias: Vec<S>,
    /// p, one a unit: how much the gate sees of its own unit's cell state (Gers & Schmidhuber 2000). Only for the LSTM's
    /// input, forget and output gate.
    pub peephole: Option<Vec<S>>,
}

/// What a cell computes one step from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moment<'a, S> {
    /// x, the features of this step.
    pub x: &'a [S],
    /// h⁻, the hidden state of the previous step.
    pub h_previous: &'a [S],
    /// c⁻, the cell state of the previous step; empty for a cell that has none.
    pub c_previous: &'a [S],
}

/// What only some cells hear beside the [`Moment`]: which step it is, and what the layer below remembers at it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Surroundings<'a, S> {
    /// t, where the step stands in its own sequence, from 0. The reverse direction counts the same steps, from the last down.
    pub step: usize,
    /// c of the layer below at the same step; empty if there is none.
    pub c_below: &'a [S],
}

/// What a cell computes in one step.
#[derive(Debug, Clone, PartialEq)]
pub struct State<S> {
    /// h, the hidden state.
    pub h: Vec<S>,
    /// c, the cell state; empty for a cell that has none.
    pub c: Vec<S>,
}

/// One hidden unit at one step: what every function of the book computes for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unit<'a, S> {
    /// Which unit, from 0.
    pub index: usize,
    /// What the step is computed from.
    pub now: Moment<'a, S>,
}

/// The sizes that a gate's weights must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sizes {
    /// I, the number of features.
    pub inputs: usize,
    /// H, the number of hidden units.
    pub hidden: usize,
    /// The number of values of h: H, or P with a projection.
    pub outputs: usize,
    /// The length that a peephole may have, 0 where the equations have none.
    pub peephole: usize,
}

impl<S: Scalar> Gate<S> {
    /// Makes a gate whose weights and biases are all zero.
    pub fn zeros(inputs: usize, hidden: usize) -> Self {
        Gate {
            input_weights: Matrix::zeros(hidden, inputs),
            recurrent_weights: Matrix::zeros(hidden, hidden),
            bias: vec![S::ZERO; hidden],
            peephole: None,
        }
    }

    /// z = W x + R h⁻ + p·c + b, for one unit; `seen` is the cell state that the peephole sees.
    pub(crate) fn sum(
        &self,
        letters: &Letters,
        unit: Unit<'_, S>,
        seen: Option<Operand<S>>,
        recorder: &mut impl Recorder<S>,
    ) -> Operand<S> {
        recorder.sum(unit.label(letters.sum, letters.sum_name), |z| {
            for feature in 0..unit.inputs() {
                z.add(&[self.input_weight(letters, unit, feature), unit.feature(feature)]);
            }
            for other in 0..unit.previous_outputs() {
                z.add(&[self.recurrent_weight(letters, unit, other), unit.previous_hidden(other)]);
            }
            if let (Some(peephole), Some(c)) = (&self.peephole, seen) {
                z.add(&[Operand::of_vector(letters.peephole, peephole, unit.index), c]);
            }
            z.add(&[self.bias(letters, unit)]);
        })
    }

    /// z = W x + R v + b, for one unit; `heard` is v, of all units.
    pub(crate) fn sum_hearing(
        &self,
        letters: &Letters,
        unit: Unit<'_, S>,
        heard: &[Operand<S>],
        recorder: &mut impl Recorder<S>,
    ) -> Operand<S> {
        recorder.sum(unit.label(letters.sum, letters.sum_name), |z| {
            for feature in 0..unit.inputs() {
                z.add(&[self.input_weight(letters, unit, feature), unit.feature(feature)]);
            }
            for other in 0..heard.len() {
                z.add(&[self.recurrent_weight(letters, unit, other), heard[other]]);
            }
            z.add(&[self.bias(letters, unit)]);
        })
    }

    pub(crate) fn input_weight(&self, letters: &Letters, unit: Unit<'_, S>, feature: usize) -> Operand<S> {
        Operand::of_matrix(letters.input_weights, &self.input_weights, unit.index, feature)
    }

    pub(crate) fn recurrent_weight(&self, letters: &Letters, unit: Unit<'_, S>, other: usize) -> Operand<S> {
        Operand::of_matrix(letters.recurrent_weights, &self.recurrent_weights, unit.index, other)
    }

    pub(crate) fn bias(&self, letters: &Letters, unit: Unit<'_, S>) -> Operand<S> {
        Operand::of_vector(letters.bias, &self.bias, unit.index)
    }

    /// Checks that all weights fit.
    pub(crate) fn check(&self, letters: &Letters, sizes: Sizes) -> Result<(), Error> {
        let Sizes { inputs, hidden, outputs, peephole } = sizes;
        self.input_weights.check_shape(letters.input_weights, hidden, inputs)?;
        self.recurrent_weights.check_shape(letters.recurrent_weights, hidden, outputs)?;
        check_length(letters.bias, hidden, self.bias.len())?;
        match &self.peephole {
            Some(found) => check_length(letters.peephole, peephole, found.len()),
            None => Ok(()),
        }
    }
}

/// Step 0, and no layer below.
impl<S> Default for Surroundings<'_, S> {
    fn default() -> Self {
        Surroundings { step: 0, c_below: &[] }
    }
}

impl<'a, S: Scalar> Moment<'a, S> {
    /// One unit at this step.
    pub fn unit(&self, index: usize) -> Unit<'a, S> {
        Unit { index, now: *self }
    }
}

impl<S: Scalar> Unit<'_, S> {
    /// I, the number of features.
    pub(crate) fn inputs(&self) -> usize {
        self.now.x.len()
    }

    /// H, the number of hidden units: as many as there are cell states, or hidden states in a cell that has no others.
    pub(crate) fn hidden(&self) -> usize {
        match self.now.c_previous.len() {
            0 => self.now.h_previous.len(),
            hidden => hidden,
        }
    }

    /// The number of values of h⁻: H, or P of an LSTM with a projection.
    pub(crate) fn previous_outputs(&self) -> usize {
        self.now.h_previous.len()
    }

    /// x of one feature.
    pub(crate) fn feature(&self, feature: usize) -> Operand<S> {
        Operand::of_vector("x", self.now.x, feature)
    }

    /// h⁻ of any unit.
    pub(crate) fn previous_hidden(&self, other: usize) -> Operand<S> {
        Operand::of_vector("h⁻", self.now.h_previous, other)
    }

    /// c⁻ of this unit.
    pub(crate) fn previous_cell(&self) -> Operand<S> {
        Operand::of_vector("c⁻", self.now.c_previous, self.index)
    }

    /// Names a quantity of this unit.
    pub(crate) fn label(&self, letter: &'static str, name: &'static str) -> Label {
        let symbol = Symbol::of_vector(letter, self.index, self.hidden());
        Label { symbol, unit: self.index, name }
    }

    /// Names a value of h; with a projection there are fewer of them than units.
    pub(crate) fn output_label(&self, letter: &'static str, name: &'static str) -> Label {
        let symbol = Symbol::of_vector(letter, self.index, self.previous_outputs());
        Label { symbol, unit: self.index, name }
    }

    /// Holds a gate's sum between −bound and bound, if there is a bound.
    pub(crate) fn clip(
        &self,
        letters: &Letters,
        bound: Option<f64>,
        z: Operand<S>,
        recorder: &mut impl Recorder<S>,
    ) -> Operand<S> {
        match bound {
            Some(bound) => {
                recorder.apply(self.label(letters.clipped, letters.clipped_name), Function::Clip { bound }, z)
            }
            None => z,
        }
    }
}
