//! What a sequential model is fed, what it gives, and what goes from layer to layer between.

use std::fmt;

use super::error::ModelError;
use crate::error::{Error, check_length};
use crate::scalar::Scalar;
use crate::sequence::Layout;

/// A batch of sequences for a [`SequentialModel`](super::SequentialModel).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ModelInput<'a, S> {
    /// The order of the dimensions of the rows.
    pub layout: Layout,
    /// B, the number of sequences.
    pub batch: usize,
    /// T, the number of steps of the longest.
    pub steps: usize,
    /// What every step is.
    pub rows: ModelRows<'a, S>,
    /// How many steps each sequence has, 0 to T; all of them if there are none.
    pub lengths: Option<&'a [usize]>,
}

/// One row for each step of each sequence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ModelRows<'a, S> {
    /// A number that stands for a word, a letter …; B · T of them.
    Ids(&'a [usize]),
    /// `features` numbers a step; B · T · features of them.
    Features {
        /// I.
        features: usize,
        /// The numbers.
        x: &'a [S],
    },
}

/// What a sequential model computes.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelOutput<S> {
    /// The last layer's rows: B · T of them in the layout of the input, 0 past a sequence's length; or one a sequence.
    pub y: Vec<S>,
    /// Which of both, and how many features a row has.
    pub shape: Shape,
    /// The last hidden states of all recurrent layers, from the input up, forward before reverse: `[batch, width]` each. Of a
    /// sequence without a step, or whose steps are all masked, what it began with.
    pub h_n: Vec<S>,
    /// The last cell states, likewise; nothing of a cell that has none.
    pub c_n: Vec<S>,
}

/// What stands before or behind a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One id a step.
    Ids,
    /// So many features a step.
    Steps(usize),
    /// So many features a sequence.
    Sequence(usize),
}

/// Writes `ids`, `5 features a step`, `5 features a sequence`.
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Shape::Ids => write!(f, "ids"),
            Shape::Steps(features) => write!(f, "{features} features a step"),
            Shape::Sequence(features) => write!(f, "{features} features a sequence"),
        }
    }
}

/// One sequence on its way through the layers, without its padding.
#[derive(Debug, Clone)]
pub(super) struct Passage<S> {
    /// One a step; none if the model is fed features.
    pub ids: Vec<usize>,
    /// The model's own input features of every step; none if it is fed ids.
    pub input: Vec<Vec<S>>,
    /// The row of every step, or the only one.
    pub rows: Vec<Vec<S>>,
    /// Whether each step is there; none says that all are.
    pub mask: Option<Vec<bool>>,
}

impl<S: Scalar> ModelInput<'_, S> {
    /// What the first layer hears.
    pub(super) fn shape(&self) -> Shape {
        match self.rows {
            ModelRows::Ids(_) => Shape::Ids,
            ModelRows::Features { features, .. } => Shape::Steps(features),
        }
    }

    pub(super) fn check(&self) -> Result<(), ModelError> {
        let (batch, steps) = (self.batch, self.steps);
        let rows = batch.saturating_mul(steps);
        let fits = match self.rows {
            ModelRows::Ids(ids) => check_length("ids", rows, ids.len()),
            ModelRows::Features { features, x } => check_length("x", rows.saturating_mul(features), x.len()),
        };
        fits.map_err(ModelError::Input)?;
        let Some(lengths) = self.lengths else { return Ok(()) };
        check_length("lengths", batch, lengths.len()).map_err(ModelError::Input)?;
        for row in 0..batch {
            if lengths[row] > steps {
                return Err(ModelError::Input(Error::SequenceLength { row, steps, found: lengths[row] }));
            }
        }
        Ok(())
    }

    fn length(&self, row: usize) -> usize {
        self.lengths.map_or(self.steps, |lengths| lengths[row])
    }

    fn place(&self, row: usize, step: usize) -> usize {
        match self.layout {
            Layout::BatchFirst => row * self.steps + step,
            Layout::TimeMajor => step * self.batch + row,
        }
    }

    /// The steps of one sequence.
    pub(super) fn passage(&self, row: usize) -> Passage<S> {
        let (mut ids, mut input) = (Vec::new(), Vec::new());
        for step in 0..self.length(row) {
            let place = self.place(row, step);
            match self.rows {
                ModelRows::Ids(all) => ids.push(all[place]),
                ModelRows::Features { features, x } => input.push(x[place * features..][..features].to_vec()),
            }
        }
        Passage { ids, rows: input.clone(), input, mask: None }
    }

    /// The rows of all sequences in the layout of the input, zeros past their lengths; or one row a sequence.
    pub(super) fn joined(&self, passages: &[Passage<S>], shape: Shape) -> Vec<S> {
        let width = match shape {
            Shape::Ids => 0,
            Shape::Sequence(_) => return passages.iter().flat_map(|passage| passage.rows.concat()).collect(),
            Shape::Steps(width) => width,
        };
        let mut y = vec![S::ZERO; self.batch * self.steps * width];
        for (row, passage) in passages.iter().enumerate() {
            for (step, values) in passage.rows.iter().enumerate() {
                y[self.place(row, step) * width..][..width].copy_from_slice(values);
            }
        }
        y
    }
}
