//! How far outputs are from their targets, and the gradient of that: what learning begins with.

mod classes;
mod exponential;
mod values;

pub use classes::cross_entropy;
pub use values::{binary_cross_entropy, squared_error};

use crate::error::{Error, Result};

/// Which loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Objective {
    /// [`squared_error`], of values.
    SquaredError,
    /// [`binary_cross_entropy`], of values from 0 to 1.
    BinaryCrossEntropy,
    /// [`cross_entropy`], of classes.
    CrossEntropy,
}

/// What the outputs should have been.
#[derive(Clone, Copy, Debug)]
pub enum Targets<'a> {
    /// As many as outputs.
    Values(&'a [f32]),
    /// A class for each row; one below 0 leaves its row out.
    Classes(&'a [i64]),
}

/// The outputs that a loss is of.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    /// Row-major, rows × width.
    pub outputs: &'a [f32],
    /// Values of a row.
    pub width: usize,
    /// For each row whether it counts, such as one that is no padding; `None`: all do.
    pub counted: Option<&'a [bool]>,
}

/// A loss over some rows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Loss {
    /// The sum of what each counted value or row lost.
    pub total: f64,
    /// How many counted: values of [`squared_error`] and [`binary_cross_entropy`], rows of [`cross_entropy`].
    pub counted: usize,
    /// How many of these were right; 0 where there is no right and wrong ([`squared_error`]).
    pub right: usize,
}

impl Loss {
    /// The mean over what was counted; 0 of nothing.
    pub fn mean(&self) -> f64 {
        self.total / self.counted.max(1) as f64
    }

    /// The share that was right; 0 of nothing.
    pub fn accuracy(&self) -> f64 {
        self.right as f64 / self.counted.max(1) as f64
    }

    /// Adds other rows' loss: the mean is then over both.
    pub fn add(&mut self, other: Loss) {
        self.total += other.total;
        self.counted += other.counted;
        self.right += other.right;
    }
}

impl Objective {
    /// The loss of `rows`, and in `gradient` the gradient of its mean with respect to the outputs.
    ///
    /// # Errors
    /// Those of the function that it names; [`Error::Training`] for targets of the other kind.
    pub fn measure(self, rows: Rows<'_>, targets: Targets<'_>, gradient: &mut [f32]) -> Result<Loss> {
        match (self, targets) {
            (Objective::SquaredError, Targets::Values(targets)) => squared_error(rows, targets, gradient),
            (Objective::BinaryCrossEntropy, Targets::Values(targets)) => binary_cross_entropy(rows, targets, gradient),
            (Objective::CrossEntropy, Targets::Classes(labels)) => cross_entropy(rows, labels, gradient),
            (Objective::CrossEntropy, Targets::Values(_)) => {
                Err(refused("the targets are values: cross-entropy takes a class a row".to_owned()))
            }
            (_, Targets::Classes(_)) => {
                Err(refused(format!("the targets are classes: {self:?} takes a value an output")))
            }
        }
    }
}

impl<'a> Rows<'a> {
    /// How many rows there are, if all lengths fit.
    fn check(&self, gradient: &[f32]) -> Result<usize> {
        if self.width == 0 {
            return Err(Error::Size { what: "width", value: 0, reason: "a row has at least one output" });
        }
        let rows = self.outputs.len() / self.width;
        Error::check_length("outputs", self.outputs.len(), "rows·width", &[rows, self.width])?;
        Error::check_length("gradient", gradient.len(), "rows·width", &[rows, self.width])?;
        if let Some(counted) = self.counted {
            Error::check_length("counted", counted.len(), "rows", &[rows])?;
        }
        Ok(rows)
    }

    fn counts(&self, row: usize) -> bool {
        self.counted.is_none_or(|counted| counted.get(row) == Some(&true))
    }

    /// A row's outputs, by number.
    fn each(&self) -> impl Iterator<Item = (usize, &'a [f32])> + use<'a> {
        self.outputs.chunks_exact(self.width).enumerate()
    }
}

fn refused(message: String) -> Error {
    Error::Training { message }
}

/// Refuses NaN and infinities in a row of outputs.
fn check_row(row: usize, outputs: &[f32]) -> Result<()> {
    // Without a way out of the loop: only then is it compared in registers.
    if outputs.iter().fold(true, |finite, value| finite & value.is_finite()) {
        return Ok(());
    }
    let odd = outputs.iter().enumerate().find(|(_, value)| !value.is_finite());
    let (index, value) = odd.map_or((0, f32::NAN), |(index, value)| (index, *value));
    Err(refused(format!("the loss exploded: output {index} of row {row} is {value}")))
}
