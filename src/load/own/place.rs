//! A file that appears whole or not at all.

use std::fs::{self, File};
use std::io::{BufWriter, ErrorKind, Result, Write};
use std::path::{Path, PathBuf};

/// Names that are tried beside the target: other writers of this process have some.
const ATTEMPTS: u32 = 100;

/// Writes a file beside `path`, and renames it when all of it is on the disk; a failure leaves nothing.
pub(crate) fn put(path: &Path, write: impl FnOnce(&mut BufWriter<File>) -> Result<()>) -> Result<()> {
    // A link stays a link: what it points to is replaced.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let (file, beside) = create_beside(&path)?;
    let done = fill(file, write).and_then(|()| fs::rename(&beside, &path));
    if done.is_err() {
        // If this fails too, the first error is still the one to tell.
        let _ = fs::remove_file(&beside);
    }
    done
}

fn create_beside(path: &Path) -> Result<(File, PathBuf)> {
    let name = path.file_name().ok_or(ErrorKind::InvalidFilename)?;
    for attempt in 0..ATTEMPTS {
        let mut name = name.to_owned();
        name.push(format!(".{}-{attempt}.tmp", std::process::id()));
        let beside = path.with_file_name(name);
        match File::create_new(&beside) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            result => return result.map(|file| (file, beside)),
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}

/// The file is closed behind this, which Windows asks for before it is renamed or removed.
fn fill(file: File, write: impl FnOnce(&mut BufWriter<File>) -> Result<()>) -> Result<()> {
    let mut file = BufWriter::new(file);
    write(&mut file)?;
    file.flush()?;
    file.get_ref().sync_all()
}
