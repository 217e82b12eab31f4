//! Ways to run a model: whole sequences of a batch, chunks of them, and one step at a time.

pub(crate) mod layer;
pub mod layout;
pub(crate) mod pass;
pub mod session;
mod stack;
mod stream;
