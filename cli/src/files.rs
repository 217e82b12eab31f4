//! Output files that appear whole or not at all.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

/// Refuses a target that could not be written, before any work is done for it.
pub fn check_target(path: &Path) -> Result<()> {
    let shown = path.display();
    if let Ok(there) = fs::metadata(path) {
        ensure!(!there.is_dir(), "{shown}: cannot write: it is a folder, expected a file");
        // Renaming over it would put a file in place of a device or a pipe.
        ensure!(there.is_file(), "{shown}: cannot write: it is not a regular file");
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    ensure!(folder.is_dir(), "{shown}: cannot write: there is no folder {}", folder.display());
    Ok(())
}

/// Writes beside `path` and renames when all is written, so that a failure leaves no partial file and an existing one as it
/// was.
pub fn write_whole(path: &Path, write: impl FnOnce(&mut BufWriter<File>) -> Result<()>) -> Result<()> {
    // A link stays a link: what it points to is replaced.
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let beside = beside(path);
    let written = (|| -> Result<()> {
        let mut file = BufWriter::new(File::create(&beside)?);
        write(&mut file)?;
        file.flush()?;
        file.into_inner().map_err(|error| error.into_error())?.sync_all()?;
        fs::rename(&beside, path)?;
        Ok(())
    })();
    if written.is_err() {
        // Nothing more can be done if this fails as well; the first error is the one to tell.
        let _ = fs::remove_file(&beside);
    }
    written.with_context(|| format!("{}: cannot write", path.display()))
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    path.with_file_name(name)
}
