//! `gatewise explain` as a process: the worked example, PyTorch's numbers step by step, and the trace as JSON.

mod common;
#[path = "explain/files.rs"]
mod files;
#[path = "explain/json.rs"]
mod json;
#[path = "explain/table.rs"]
mod table;
#[path = "explain/worked_example.rs"]
mod worked_example;
