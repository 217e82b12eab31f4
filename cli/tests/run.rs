//! `gatewise run` as a process: PyTorch's results on every level and by the reference, and inputs that are refused.

mod common;
#[path = "run/modules.rs"]
mod modules;
#[path = "run/options.rs"]
mod options;
#[path = "run/refused.rs"]
mod refused;
#[path = "run/results.rs"]
mod results;
