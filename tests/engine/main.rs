//! The engine, every cell and every way to run it: against the reference, against what PyTorch computed, with trained models
//! of others, and each of its promises.

#[path = "../common/mod.rs"]
mod common;

mod activations;
mod agreement;
mod decay;
mod fixtures;
mod models;
mod padding;
mod refused;
mod same_bits;
mod threads;
mod variants;
