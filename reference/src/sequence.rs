//! Whole sequences: a cell is called once a step, for every row of the batch.

use crate::direction::Direction;
use crate::error::{Error, check_length};
use crate::gate::{Moment, State, Surroundings};
use crate::recorder::Recorder;
use crate::scalar::Scalar;
use crate::walk::Walk;

/// A recurrent cell: it computes one step from the features and the previous state.
pub trait Cell<S: Scalar> {
    /// What the documents call the cell.
    fn name(&self) -> &'static str;

    /// I, the number of features.
    fn input_size(&self) -> usize;

    /// H, the number of hidden units: the width of the state, not the number of calls.
    fn hidden_size(&self) -> usize;

    /// The width of h: H, or P of an LSTM with a projection.
    fn output_size(&self) -> usize {
        self.hidden_size()
    }

    /// Whether there is a cell state c beside the hidden state h.
    fn has_cell_state(&self) -> bool;

    /// The width of c: H, or 0 of a cell that has none.
    fn memory_size(&self) -> usize {
        if self.has_cell_state() { self.hidden_size() } else { 0 }
    }

    /// The width of c of the layer below that the cell hears; 0 of a cell that does not hear it.
    fn memory_below(&self) -> usize {
        0
    }

    /// Checks that the weights fit each other.
    ///
    /// # Errors
    /// [`Error::Shape`] or [`Error::Length`], naming the first that does not.
    fn check(&self) -> Result<(), Error>;

    /// Computes one step of one row of the batch; a cell that hears its [`Surroundings`] takes it for step 0 above no layer.
    ///
    /// # Panics
    /// If weights, features and state do not fit each other; [`forward`] checks them.
    fn step(&self, now: &Moment<'_, S>, recorder: &mut impl Recorder<S>) -> State<S>;

    /// Computes one step of one row of the batch, anywhere in a network. For most cells that is [`Cell::step`].
    ///
    /// # Panics
    /// As [`Cell::step`].
    fn step_in(
        &self,
        now: &Moment<'_, S>,
        _surroundings: Surroundings<'_, S>,
        recorder: &mut impl Recorder<S>,
    ) -> State<S> {
        self.step(now, recorder)
    }
}

/// The order of a sequence's three dimensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Layout {
    /// `[batch, timesteps, features]`
    #[default]
    BatchFirst,
    /// `[timesteps, batch, features]`
    TimeMajor,
}

/// A batch of sequences and the states that they start from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sequence<'a, S> {
    /// The order of the dimensions of `x`.
    pub layout: Layout,
    /// B, the number of sequences.
    pub batch: usize,
    /// T, the number of steps of each.
    pub steps: usize,
    /// The features, B · T · I numbers in the order of `layout`.
    pub x: &'a [S],
    /// The hidden states to start from, `[batch, width of h]`; zeros if there are none.
    pub h0: Option<&'a [S]>,
    /// The cell states to start from, `[batch, hidden]`; zeros if there are none. Only for a cell that has one.
    pub c0: Option<&'a [S]>,
}

/// What [`forward`] computes.
#[derive(Debug, Clone, PartialEq)]
pub struct Output<S> {
    /// The hidden state of every step, in the layout of `x`.
    pub y: Vec<S>,
    /// The hidden states after the last step, `[batch, width of h]`.
    pub h_n: Vec<S>,
    /// The cell states after the last step, `[batch, hidden]`; empty for a cell that has none.
    pub c_n: Vec<S>,
}

/// Runs a cell over a batch of sequences, step after step, row after row.
///
/// # Errors
/// [`Error::Length`] if `x`, `h0` or `c0` does not fit, or if the cell hears c of a layer below, and the errors of
/// [`Cell::check`].
///
/// ```
/// use gatewise_reference::{Layout, NoTrace, Sequence, example, forward};
///
/// let story = &example::STORIES[0];
/// let input = Sequence { layout: Layout::BatchFirst, batch: 1, steps: 4, x: &story.x, h0: None, c0: None };
/// let output = forward(&example::worked_example::<f64>(), &input, &mut NoTrace)?;
/// assert!((output.h_n[0] - 0.006393158241).abs() < 1e-12);
/// assert_eq!(output.h_n[0], output.y[3]);
/// # Ok::<(), gatewise_reference::Error>(())
/// ```
pub fn forward<S: Scalar, C: Cell<S>>(
    cell: &C,
    input: &Sequence<'_, S>,
    recorder: &mut impl Recorder<S>,
) -> Result<Output<S>, Error> {
    let start = input.start(cell)?;
    recorder.begin_sequence(cell.name());
    let walked = input.walk(&start).run(cell, recorder)?;
    Ok(Output { y: walked.h, h_n: walked.h_n, c_n: walked.c_n })
}

impl<S: Scalar> Sequence<'_, S> {
    /// Checks that the cell fits the sequence; returns the states of the whole batch that it starts from.
    pub(crate) fn start(&self, cell: &impl Cell<S>) -> Result<State<S>, Error> {
        cell.check()?;
        check_length("c_below", cell.memory_below(), 0)?;
        let numbers = self.batch.saturating_mul(self.steps).saturating_mul(cell.input_size());
        check_length("x", numbers, self.x.len())?;
        let h = initial_state("h0", self.batch, cell.output_size(), self.h0)?;
        let c = initial_state("c0", self.batch, cell.memory_size(), self.c0)?;
        Ok(State { h, c })
    }

    /// A cell's way through all steps.
    pub(crate) fn walk<'a>(&'a self, start: &'a State<S>) -> Walk<'a, S> {
        let Sequence { layout, batch, steps, x, .. } = *self;
        let (lengths, direction) = (None, Direction::Forward);
        Walk { layout, batch, steps, lengths, x, direction, h0: &start.h, c0: &start.c, c_below: &[] }
    }
}

/// Takes the states that were given, or zeros.
pub(crate) fn initial_state<S: Scalar>(
    buffer: &'static str,
    batch: usize,
    width: usize,
    given: Option<&[S]>,
) -> Result<Vec<S>, Error> {
    let numbers = batch.saturating_mul(width);
    match given {
        Some(given) => {
            check_length(buffer, numbers, given.len())?;
            Ok(given.to_vec())
        }
        None => zeros(buffer, &[batch, width]),
    }
}

/// Makes a buffer of zeros; sizes beyond memory are an error, since nothing else may have checked them.
pub(crate) fn zeros<S: Scalar>(buffer: &'static str, sizes: &[usize]) -> Result<Vec<S>, Error> {
    let mut numbers = 1_usize;
    for &size in sizes {
        numbers = numbers.saturating_mul(size);
    }
    let mut zeros = Vec::new();
    zeros.try_reserve_exact(numbers).map_err(|_| Error::Memory { buffer, expected: numbers })?;
    zeros.resize(numbers, S::ZERO);
    Ok(zeros)
}
