//! Ways to run a cell: whole sequences of a batch, and one step at a time.

mod batch;
pub mod layout;
pub mod session;
