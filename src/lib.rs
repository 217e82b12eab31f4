#![doc = include_str!("../docs/crate.md")]

pub mod activation;
#[cfg(feature = "ndarray")]
mod arrays;
mod cell;
mod error;
mod kernel;
pub mod load;
pub mod measure;
mod model;
pub mod network;
mod sequence;
mod simd;
mod team;
mod weights;

pub use activation::Activation;
pub use cell::gru::{GruOptions, Reset};
pub use cell::lstm::{Coupling, LstmOptions};
pub use cell::rnn::RnnOptions;
pub use error::{Error, Result};
pub use model::{Merge, Model, ModelBuilder};
pub use sequence::layout::Layout;
pub use sequence::request::{Batch, Outputs};
pub use sequence::session::Session;
pub use simd::Level;
pub use weights::{GruWeights, LstmWeights, RnnWeights, TorchTensors, Weights};

/// The pages whose examples are compiled and run with the tests.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../README.md")]
    struct Readme;
    #[doc = include_str!("../docs/walkthrough.md")]
    struct Walkthrough;
}
