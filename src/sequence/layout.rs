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
