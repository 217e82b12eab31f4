//! The order of the axes of input and output.

/// The order of the axes of a batch of sequences.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Layout {
    /// `[timesteps, batch, features]`, PyTorch's default.
    #[default]
    TimeMajor,
    /// `[batch, timesteps, features]`, PyTorch's `batch_first=True` and Keras' only order.
    BatchFirst,
}

impl Layout {
    /// Where row (`step`, `row`) starts, counted in rows.
    pub(crate) fn row(self, step: usize, row: usize, steps: usize, batch: usize) -> usize {
        match self {
            Layout::TimeMajor => step * batch + row,
            Layout::BatchFirst => row * steps + step,
        }
    }

    /// Rows of the array from one batch row of a step to the next.
    pub(crate) fn row_stride(self, steps: usize) -> usize {
        match self {
            Layout::TimeMajor => 1,
            Layout::BatchFirst => steps,
        }
    }
}
