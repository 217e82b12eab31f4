//! The cells, one small file each: gates, update, options.

pub mod clockwork;
pub mod depth_gated;
pub mod gru;
pub(crate) mod learn;
pub mod lstm;
pub mod mutant;
pub mod rnn;
