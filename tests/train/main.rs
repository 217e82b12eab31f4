//! Learning: gradients against PyTorch's, autograd's and the reference's, and what is made of them.

mod agreement;
#[path = "../common/mod.rs"]
mod common;
mod fixtures;
mod heads;
mod runs;
