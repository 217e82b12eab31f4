//! A file for readers that take a path.

use std::io::Write;
use std::path::Path;

/// Hands `read` a file that holds the bytes, for as long as it reads.
pub fn on_disk<T>(bytes: &[u8], read: impl FnOnce(&Path) -> T) -> T {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(bytes).expect("room for a temporary file");
    read(file.path())
}
