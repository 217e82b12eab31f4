//! Whole sequential models: what a file describes ([`Blueprint`](blueprint::Blueprint)), packed and run.

pub mod blueprint;
mod flow;
mod greedy;
mod input;
mod mask;
mod packed;
mod rowwise;
mod session;

pub use blueprint::PassInfo;
pub use flow::{Flow, Rows};
pub use greedy::Greedy;
pub use input::Input;
pub use packed::Network;
pub use session::NetworkSession;
