//! What each fuzz target does with a file's bytes: reads them by the public reader and, where that reads a model, runs it.
//!
//! A target never panics, takes no more than a second and allocates no more than 200 MB, whatever the bytes are. Errors of a
//! reader are what is expected of most files and are not looked at.

mod arrays;
mod draft;
mod json;
mod keras;
mod network;
mod on_disk;
mod onnx;
mod outline;
mod safetensors;
mod sound;

pub use arrays::arrays;
pub use json::json;
pub use keras::keras;
pub use onnx::onnx;
pub use outline::outline;
pub use safetensors::safetensors;
pub use sound::sound;

/// A function that takes a file's bytes.
pub type Target = fn(&[u8]);

/// Every target by its name, which its corpus has too.
pub const TARGETS: &[(&str, Target)] = &[
    ("arrays", arrays),
    ("json", json),
    ("keras", keras),
    ("onnx", onnx),
    ("outline", outline),
    ("safetensors", safetensors),
    ("sound", sound),
];

/// Puts a hook in the place of libFuzzer's, which ends the process at any panic: the readers of HDF5 and ONNX turn panics of
/// the crates below them into errors. What none of them catches still ends it.
pub fn let_readers_catch_panics() {
    std::panic::set_hook(Box::new(|panic| eprintln!("{panic}")));
}
