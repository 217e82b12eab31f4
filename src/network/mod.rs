//! Whole sequential models: what a file describes ([`Blueprint`](blueprint::Blueprint)), packed and run.

pub mod blueprint;
mod flow;
mod input;
mod mask;
mod packed;
mod rowwise;
mod session;

pub use flow::{Flow, Rows};
pub use input::Input;
pub use packed::{Network, PassInfo};
pub use session::NetworkSession;
