//! Readers of trained weights: one file a format, and what PyTorch's formats have in common.

#[cfg(feature = "safetensors")]
pub mod chain;
#[cfg(feature = "keras")]
mod hdf5;
#[cfg(feature = "keras")]
pub mod keras;
#[cfg(any(feature = "keras", feature = "json"))]
mod orders;
pub mod outline;
#[cfg(feature = "safetensors")]
pub mod safetensors;
#[cfg(feature = "safetensors")]
mod state_dict;
mod torch;

pub use torch::{Cell, TorchLayer, TorchModule};
