//! Ways to run a model: whole sequences of a batch, chunks of them, and one step at a time.

pub(crate) mod advance;
pub(crate) mod clockwork;
mod distribute;
pub(crate) mod layer;
pub mod layout;
mod pass;
pub mod request;
pub mod session;
pub(crate) mod share;
mod stack;
pub(crate) mod stream;
pub(crate) mod workspace;
