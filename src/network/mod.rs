//! Whole sequential models: what a file describes ([`Blueprint`](blueprint::Blueprint)), packed and run.

pub mod blueprint;
mod flow;

pub use flow::{Flow, Rows};
