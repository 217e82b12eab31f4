//! Readers of trained weights, one file a format.

#[cfg(feature = "safetensors")]
pub mod safetensors;
