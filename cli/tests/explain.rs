//! `gatewise explain` as a process: the worked example, PyTorch's numbers step by step, the trace as JSON, and the way back.

#[path = "explain/backward.rs"]
mod backward;
mod common;
#[path = "explain/files.rs"]
mod files;
#[path = "explain/json.rs"]
mod json;
#[path = "explain/table.rs"]
mod table;
#[path = "explain/worked_example.rs"]
mod worked_example;
