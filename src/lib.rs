#![cfg_attr(doc, doc = include_str!("../docs/crate.md"))]
#![cfg_attr(not(doc), doc = "Recurrent networks on the CPU: fused SIMD kernels beside a scalar reference.")]

pub mod activation;
mod cell;
mod error;
mod kernel;
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
