//! The command's readers of arrays and sound, which are no library: taken by their files.

#[path = "../../../cli/src/arrays/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the command uses all of it, the targets what reads")]
pub mod arrays;

#[path = "../../../cli/src/sound/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the command uses all of it, the targets what reads")]
pub mod sound;
