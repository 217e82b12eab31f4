//! `gatewise train` as a process: the four kinds of tasks, going on after an interruption, several seeds, and what is refused.

mod common;
#[path = "train/data.rs"]
mod data;
#[path = "train/refused.rs"]
mod refused;
#[path = "train/resume.rs"]
mod resume;
#[path = "train/seeds.rs"]
mod seeds;
#[path = "train/tasks.rs"]
mod tasks;
