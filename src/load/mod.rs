//! Readers of trained weights, one file a format.

pub mod safetensors;
