//! The cells, one small file each: gates, update, options.

pub mod gru;
pub mod lstm;
pub mod rnn;
