//! A recurrent layer of a sequential model: one sequence, one step after the other, with Keras' masks.

use super::error::ModelError;
use super::input::{Passage, Shape};
use super::layer::At;
use crate::any_cell::AnyCell;
use crate::direction::{Direction, Place};
use crate::error::{Error, check_length};
use crate::gate::{Moment, State, Surroundings};
use crate::layer::{Layer, Merge};
use crate::recorder::Recorder;
use crate::scalar::Scalar;
use crate::sequence::Cell;

/// A recurrent layer and what it does beside its cell's equations.
///
/// Sources: <https://keras.io/api/layers/recurrent_layers/rnn/> for masks, `go_backwards` and `return_sequences`,
/// <https://keras.io/api/layers/recurrent_layers/bidirectional/>, <https://onnx.ai/onnx/operators/onnx__LSTM.html> for a
/// reverse direction alone.
#[derive(Debug, Clone, PartialEq)]
pub struct Recurrent<S, C = AnyCell<S>> {
    /// The cells and their directions.
    pub cells: Layer<C>,
    /// Whether every step's hidden state is given, or the last one's.
    pub gives: Gives,
    /// Keras' `go_backwards`, for [`Layer::Forward`] alone: the sequence and its mask are read from the end, and the outputs
    /// stay in the order of reading. The mask that goes on to the next layer keeps its own order.
    pub go_backwards: bool,
    /// What is given at a masked step.
    pub masked: Masked,
    /// The states that every sequence begins with, one a direction; none for zeros.
    pub initial: Vec<State<S>>,
}

/// Which hidden states a recurrent layer gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Gives {
    /// Those of every step (Keras' `return_sequences=True`, PyTorch's `output`).
    #[default]
    EveryStep,
    /// That of the step that is read last (PyTorch's `h_n`), one row a sequence; what it began with if it has no step.
    LastStep,
}

/// What a recurrent layer gives at a masked step; its state stays as it is.
///
/// Keras' backends agree on all this from zero states. From others, a masked step before the first that is there gives zeros
/// with TensorFlow and PyTorch, and here; the state with NumPy and JAX.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Masked {
    /// Zeros (Keras' `zero_output_for_mask`), also where [`Gives::LastStep`] asks for such a step.
    #[default]
    Zeros,
    /// What was given at the step read before; zeros if there is none (Keras' default). Where [`Gives::LastStep`] asks for
    /// such a step, the state: that of the last step that is there, or what the sequence began with.
    Repeat,
}

impl<S, C> Recurrent<S, C> {
    /// A layer that gives every step, from zero states.
    pub fn new(cells: Layer<C>) -> Self {
        Recurrent { cells, gives: Gives::EveryStep, go_backwards: false, masked: Masked::Zeros, initial: Vec::new() }
    }
}

impl<S: Scalar, C: Cell<S>> Recurrent<S, C> {
    /// What it gives if it hears so many features a step.
    pub(super) fn check(&self, layer: usize, features: usize) -> Result<Shape, ModelError> {
        let cells = self.cells.cells();
        for &(direction, cell) in &cells {
            let place = Place { layer, direction };
            let within = |error| ModelError::Stack(Error::Within { place, error: Box::new(error) });
            cell.check().map_err(within)?;
            check_length("c_below", cell.memory_below(), 0).map_err(within)?;
            if cell.input_size() != features {
                return Err(within(Error::Features { expected: features, found: cell.input_size() }));
            }
        }
        let refuse = |expected: &str, found: &str| {
            Err(ModelError::Place { layer, expected: expected.into(), found: found.into() })
        };
        if let Layer::Both { forward, reverse, merge } = &self.cells {
            let (expected, found) = (forward.output_size(), reverse.output_size());
            match merge {
                Merge::Separate => return refuse("a merge of the two directions", "them kept separate"),
                Merge::Concat => {}
                _ if expected == found => {}
                _ => return Err(ModelError::Stack(Error::Merge { layer, expected, found })),
            }
        }
        if self.go_backwards && !matches!(self.cells, Layer::Forward(_)) {
            return refuse("a forward cell to go backwards", "another direction");
        }
        if !self.initial.is_empty() {
            let fit = |error| ModelError::Layer { layer, error };
            check_length("initial states", cells.len(), self.initial.len()).map_err(fit)?;
            for ((_, cell), state) in cells.iter().zip(&self.initial) {
                check_length("h0", cell.output_size(), state.h.len()).map_err(fit)?;
                check_length("c0", cell.memory_size(), state.c.len()).map_err(fit)?;
            }
        }
        let width = self.cells.output_size();
        Ok(if self.gives == Gives::EveryStep { Shape::Steps(width) } else { Shape::Sequence(width) })
    }

    /// Replaces a sequence's rows by what the layer gives; returns the last state of each direction.
    pub(super) fn walk(&self, at: At, passage: &mut Passage<S>, recorder: &mut impl Recorder<S>) -> Vec<State<S>> {
        let (mut outputs, mut states) = (Vec::new(), Vec::new());
        for (number, (direction, cell)) in self.cells.cells().into_iter().enumerate() {
            recorder.begin_direction(Place { layer: at.layer, direction });
            recorder.begin_sequence(cell.name());
            let zeros = State { h: vec![S::ZERO; cell.output_size()], c: vec![S::ZERO; cell.memory_size()] };
            let begin = self.initial.get(number).cloned().unwrap_or(zeros);
            let reading = if self.go_backwards { Direction::Reverse } else { direction };
            let walk = Walk { cell, reading, masked: self.masked, row: at.row };
            let (mut given, last) = walk.run(passage, begin, recorder);
            let at_the_end = match (self.masked, given.last()) {
                (Masked::Zeros, Some(end)) => end.clone(),
                _ => last.h.clone(),
            };
            if direction == Direction::Reverse {
                // Back to the steps that they belong to.
                given.reverse();
            }
            outputs.push(if self.gives == Gives::EveryStep { given } else { vec![at_the_end] });
            states.push(last);
        }
        passage.rows = match (&self.cells, outputs.as_slice()) {
            (Layer::Both { merge, .. }, [ahead, back]) => merged(*merge, ahead, back),
            _ => outputs.swap_remove(0),
        };
        if self.gives == Gives::LastStep {
            passage.mask = None;
        }
        states
    }
}

/// A cell on its way through one sequence.
struct Walk<'a, C> {
    cell: &'a C,
    /// In which order it reads the steps.
    reading: Direction,
    masked: Masked,
    /// Row of the batch.
    row: usize,
}

impl<C> Walk<'_, C> {
    /// What is given at each step, in the order of reading, and the state at the end.
    fn run<S: Scalar>(
        &self,
        passage: &Passage<S>,
        begin: State<S>,
        recorder: &mut impl Recorder<S>,
    ) -> (Vec<Vec<S>>, State<S>)
    where
        C: Cell<S>,
    {
        let length = passage.rows.len();
        let (mut state, mut given) = (begin, Vec::with_capacity(length));
        let nothing = vec![S::ZERO; self.cell.output_size()];
        let mut before = nothing.clone();
        for count in 0..length {
            let step = self.reading.step(count, length);
            let there = passage.mask.as_ref().is_none_or(|mask| mask[step]);
            if there {
                recorder.begin_step(self.row, step);
                let now = Moment { x: &passage.rows[step], h_previous: &state.h, c_previous: &state.c };
                state = self.cell.step_in(&now, Surroundings { step, c_below: &[] }, recorder);
                before = state.h.clone();
            }
            given.push(if there || self.masked == Masked::Repeat { before.clone() } else { nothing.clone() });
        }
        (given, state)
    }
}

/// The rows of two directions, merged one by one.
fn merged<S: Scalar>(merge: Merge, ahead: &[Vec<S>], back: &[Vec<S>]) -> Vec<Vec<S>> {
    let mut rows = Vec::with_capacity(ahead.len());
    for (ahead, back) in ahead.iter().zip(back) {
        rows.push(merge.apply(ahead, back, [ahead.len(), back.len()]));
    }
    rows
}
