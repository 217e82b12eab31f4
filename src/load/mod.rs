//! Readers of trained weights: one file a format, and what PyTorch's formats have in common.

#[cfg(feature = "safetensors")]
pub mod chain;
#[cfg(feature = "json")]
pub mod guitarml;
#[cfg(feature = "keras")]
mod hdf5;
#[cfg(feature = "json")]
pub mod json;
#[cfg(feature = "keras")]
pub mod keras;
#[cfg(feature = "json")]
pub mod nam;
#[cfg(any(feature = "keras", feature = "json"))]
mod orders;
pub mod outline;
#[cfg(feature = "safetensors")]
pub mod own;
#[cfg(feature = "json")]
pub mod rtneural;
#[cfg(feature = "safetensors")]
pub mod safetensors;
#[cfg(feature = "safetensors")]
mod state_dict;
mod torch;
#[cfg(feature = "safetensors")]
mod values;

pub use torch::{Cell, TorchLayer, TorchModule};
