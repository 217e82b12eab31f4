//! Output files that appear whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, ErrorKind, Write};
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
    let written = (|| -> Result<()> {
        let mut unfinished = Unfinished::create(path)?;
        write(unfinished.writer())?;
        Ok(unfinished.finish()?)
    })();
    written.with_context(|| format!("{}: cannot write", path.display()))
}

/// A file beside its target, whose place it takes when it is finished; dropped before, it leaves nothing.
pub struct Unfinished {
    writer: BufWriter<File>,
    beside: Beside,
    target: PathBuf,
}

/// The name of a file that is removed unless it was renamed.
struct Beside(Option<PathBuf>);

impl Drop for Beside {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            // Nothing more can be done if this fails as well; the first error is the one to tell.
            let _ = fs::remove_file(path);
        }
    }
}

impl Unfinished {
    /// Begins a file in the folder of `path`.
    pub fn create(path: &Path) -> io::Result<Self> {
        // A link stays a link: what it points to is replaced.
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let mut attempt = 0;
        let (file, beside) = loop {
            let beside = beside(&target, attempt);
            match File::create_new(&beside) {
                Ok(file) => break (file, beside),
                // Another file of this process, or what a killed one of the same number left.
                Err(error) if error.kind() == ErrorKind::AlreadyExists && attempt < 100 => attempt += 1,
                Err(error) => return Err(error),
            }
        };
        Ok(Unfinished { writer: BufWriter::new(file), beside: Beside(Some(beside)), target })
    }

    /// Where its bytes go.
    pub fn writer(&mut self) -> &mut BufWriter<File> {
        &mut self.writer
    }

    /// Whose place it will take.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Makes sure that all is on the disk, and puts it in its place.
    pub fn finish(self) -> io::Result<()> {
        let Unfinished { mut writer, mut beside, target } = self;
        writer.flush()?;
        writer.into_inner().map_err(|error| error.into_error())?.sync_all()?;
        if let Some(path) = &beside.0 {
            fs::rename(path, target)?;
        }
        beside.0 = None;
        Ok(())
    }
}

fn beside(path: &Path, attempt: u32) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.{attempt}.tmp", std::process::id()));
    path.with_file_name(name)
}
