#![doc = include_str!("../docs/crate.md")]
#![cfg_attr(
    not(feature = "train"),
    allow(dead_code, reason = "the way back through the cells is used by learning only")
)]

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
#[cfg(feature = "train")]
pub mod train;
mod weights;

pub use activation::Activation;
pub use cell::clockwork::ClockworkModule;
pub use cell::gru::{GruOptions, Reset};
pub use cell::lstm::{Coupling, GateUse, LstmOptions};
pub use cell::mutant::Mutation;
pub use cell::rnn::RnnOptions;
pub use error::{Error, Result};
pub use model::{Merge, Model, ModelBuilder};
pub use sequence::layout::Layout;
pub use sequence::request::{Batch, Outputs};
pub use sequence::session::Session;
pub use simd::Level;
pub use weights::{
    ClockworkWeights, DepthGatedWeights, GruWeights, LstmWeights, MutantWeights, RnnWeights, TorchTensors, Weights,
};

/// The pages whose examples are compiled and run with the tests.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../README.md")]
    struct Readme;
    #[doc = include_str!("../docs/walkthrough.md")]
    struct Walkthrough;
}
