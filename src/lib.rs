#![doc = include_str!("../docs/crate.md")]

pub mod activation;
mod cell;
mod error;
mod kernel;
#[cfg(feature = "safetensors")]
pub mod load;
pub mod measure;
mod sequence;
mod simd;
mod team;
mod weights;

pub use cell::lstm::Lstm;
pub use error::{Error, Result};
pub use sequence::layout::Layout;
pub use sequence::session::Session;
pub use simd::Level;
pub use weights::{LstmWeights, TorchTensors};

/// The pages whose examples are compiled and run with the tests.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../README.md")]
    struct Readme;
    #[doc = include_str!("../docs/walkthrough.md")]
    struct Walkthrough;
}
