//! Any cell of the book, for networks whose cells are known only when a file is read.

use crate::clockwork::ClockworkRnn;
use crate::depth_gated::DepthGated;
use crate::error::Error;
use crate::gate::{Moment, State, Surroundings};
use crate::gru::Gru;
use crate::lstm::Lstm;
use crate::mutant::Mutant;
use crate::recorder::Recorder;
use crate::rnn::SimpleRnn;
use crate::scalar::Scalar;
use crate::sequence::Cell;

/// Any of the book's cells.
///
/// ```
/// use gatewise_reference::{AnyCell, Cell, example};
/// let cell = AnyCell::from(example::worked_example::<f64>());
/// assert_eq!(cell.name(), "LSTM");
/// ```
#[derive(Debug, Clone, PartialEq)]
pub enum AnyCell<S> {
    /// An LSTM, with or without a projection.
    Lstm(Lstm<S>),
    /// A GRU.
    Gru(Gru<S>),
    /// A simple RNN.
    Rnn(SimpleRnn<S>),
    /// A clockwork RNN.
    Clockwork(ClockworkRnn<S>),
    /// A depth-gated LSTM, above another layer.
    DepthGated(DepthGated<S>),
    /// MUT1, MUT2 or MUT3.
    Mutant(Mutant<S>),
}

/// Calls the same method of whichever cell it is.
macro_rules! whichever {
    ($any:expr, $cell:ident => $call:expr) => {
        match $any {
            AnyCell::Lstm($cell) => $call,
            AnyCell::Gru($cell) => $call,
            AnyCell::Rnn($cell) => $call,
            AnyCell::Clockwork($cell) => $call,
            AnyCell::DepthGated($cell) => $call,
            AnyCell::Mutant($cell) => $call,
        }
    };
}

impl<S: Scalar> Cell<S> for AnyCell<S> {
    fn name(&self) -> &'static str {
        whichever!(self, cell => cell.name())
    }

    fn input_size(&self) -> usize {
        whichever!(self, cell => cell.input_size())
    }

    fn hidden_size(&self) -> usize {
        whichever!(self, cell => cell.hidden_size())
    }

    fn output_size(&self) -> usize {
        whichever!(self, cell => cell.output_size())
    }

    fn has_cell_state(&self) -> bool {
        whichever!(self, cell => cell.has_cell_state())
    }

    fn memory_below(&self) -> usize {
        whichever!(self, cell => cell.memory_below())
    }

    fn check(&self) -> Result<(), Error> {
        whichever!(self, cell => cell.check())
    }

    fn step(&self, now: &Moment<'_, S>, recorder: &mut impl Recorder<S>) -> State<S> {
        whichever!(self, cell => cell.step(now, recorder))
    }

    fn step_in(
        &self,
        now: &Moment<'_, S>,
        surroundings: Surroundings<'_, S>,
        recorder: &mut impl Recorder<S>,
    ) -> State<S> {
        whichever!(self, cell => cell.step_in(now, surroundings, recorder))
    }
}

impl<S> From<Lstm<S>> for AnyCell<S> {
    fn from(cell: Lstm<S>) -> Self {
        AnyCell::Lstm(cell)
    }
}

impl<S> From<Gru<S>> for AnyCell<S> {
    fn from(cell: Gru<S>) -> Self {
        AnyCell::Gru(cell)
    }
}

impl<S> From<SimpleRnn<S>> for AnyCell<S> {
    fn from(cell: SimpleRnn<S>) -> Self {
        AnyCell::Rnn(cell)
    }
}

impl<S> From<ClockworkRnn<S>> for AnyCell<S> {
    fn from(cell: ClockworkRnn<S>) -> Self {
        AnyCell::Clockwork(cell)
    }
}

impl<S> From<DepthGated<S>> for AnyCell<S> {
    fn from(cell: DepthGated<S>) -> Self {
        AnyCell::DepthGated(cell)
    }
}

impl<S> From<Mutant<S>> for AnyCell<S> {
    fn from(cell: Mutant<S>) -> Self {
        AnyCell::Mutant(cell)
    }
}
