//! What was measured, kept: a line of JSON a run, and the builds that were saved under a name.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use super::machine::Machine;
use crate::files::write_whole;

/// A run of the suite.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Run {
    /// When it began, RFC 3339.
    pub time: String,
    /// What was saved under this name by it.
    #[serde(default)]
    pub saved: Option<String>,
    /// What it was compared with.
    #[serde(default)]
    pub against: Option<String>,
    /// The commit of the folder in which it ran, with a + where files were changed since.
    pub commit: Option<String>,
    /// Of the command.
    pub version: String,
    pub machine: Machine,
    pub isa: String,
    pub threads: usize,
    /// A loop of multiply-adds, on one thread.
    pub fma_gflops: f64,
    /// Bytes of a working set, and GB/s at which it is read by one thread.
    pub reads_gbps: Vec<(usize, f64)>,
    pub cases: Vec<Measured>,
}

/// A case of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Measured {
    pub case: String,
    /// Of a call, in microseconds.
    pub median_us: f64,
    /// Four standard errors of it, by the launches, as a share.
    pub noise: f64,
    /// Floating-point operations of a call's products, and the bytes that it must read for them.
    pub operations: f64,
    pub traffic: f64,
    pub gflops: f64,
    /// What of the time the limit that binds would need.
    pub share: f64,
    /// Whether that is for reading.
    pub by_reading: bool,
    /// How many times as fast as the reference.
    pub speedup: Option<f64>,
    /// Instructions of a call on AVX2.
    #[serde(default)]
    pub instructions: Option<u64>,
    /// Processor cycles for each unit of a sequence and step.
    #[serde(default)]
    pub cycles_per_cell: Option<f64>,
    #[serde(default)]
    pub change: Option<Change>,
}

/// Beside a saved build.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// How much longer a call takes, as a share.
    pub time: f64,
    /// Four standard errors of it, by the launches.
    pub noise: f64,
    /// Whether it passes the noise.
    pub marked: bool,
    /// How many more instructions, as a share.
    #[serde(default)]
    pub instructions: Option<f64>,
}

/// The folder of the history.
pub struct History {
    folder: PathBuf,
}

impl History {
    /// The folder, which need not be there.
    pub fn new(folder: &Path) -> Self {
        History { folder: folder.to_owned() }
    }

    /// Whether there is one.
    pub fn exists(&self) -> bool {
        self.folder.is_dir()
    }

    fn lines(&self) -> PathBuf {
        self.folder.join("history.jsonl")
    }

    /// The build saved as `name`.
    fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name).join(format!("gatewise{}", std::env::consts::EXE_SUFFIX))
    }

    /// The build to compare with: of this name, or of this path.
    pub fn find(&self, name: &str) -> Result<PathBuf> {
        let (saved, path) = (self.program(name), Path::new(name));
        let found = if saved.is_file() { saved } else { path.to_owned() };
        ensure!(
            found.is_file(),
            "--against {name}: nothing was saved under this name in {}, and there is no such program; {}",
            self.folder.display(),
            self.names()
        );
        // A bare name would be looked for on the PATH when it is started.
        std::path::absolute(&found).with_context(|| found.display().to_string())
    }

    fn names(&self) -> String {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        let mut names: Vec<String> = names.filter(|name| self.program(name).is_file()).collect();
        names.sort();
        if names.is_empty() { "make one by --save NAME".to_owned() } else { format!("there are {}", names.join(", ")) }
    }

    /// Keeps a copy of this build.
    pub fn save(&self, name: &str) -> Result<()> {
        let own = std::env::current_exe().context("this program's own file")?;
        let target = self.program(name);
        let folder = target.parent().unwrap_or(&self.folder);
        fs::create_dir_all(folder).with_context(|| format!("{}: cannot be made", folder.display()))?;
        write_whole(&target, |file| Ok(std::io::copy(&mut fs::File::open(&own)?, file).map(drop)?))?;
        let permissions = fs::metadata(&own)?.permissions();
        fs::set_permissions(&target, permissions).with_context(|| target.display().to_string())
    }

    /// Adds a run.
    pub fn add(&self, run: &Run) -> Result<()> {
        let path = self.lines();
        let mut line = serde_json::to_string(run)?;
        line.push('\n');
        let add = || -> std::io::Result<()> {
            fs::create_dir_all(&self.folder)?;
            // One write: what another run adds at the same time stands before it or behind.
            fs::OpenOptions::new().append(true).create(true).open(&path)?.write_all(line.as_bytes())
        };
        add().with_context(|| format!("{}: cannot add a line", path.display()))
    }

    /// All runs, oldest first.
    pub fn read(&self) -> Result<Vec<Run>> {
        let path = self.lines();
        if !path.exists() {
            return Ok(Vec::new());
        }
        let shown = path.display().to_string();
        let text = fs::read_to_string(&path).with_context(|| format!("{shown}: cannot read"))?;
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let run = |(index, line): (usize, &str)| {
            serde_json::from_str(line).with_context(|| format!("{shown}: line {}", index + 1))
        };
        lines.map(run).collect()
    }
}

/// Refuses a name that is none of a folder.
pub fn name(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_alphanumeric() || "-_.+".contains(c);
    match !text.is_empty() && !text.starts_with('.') && text.chars().all(fits) {
        true => Ok(text.to_owned()),
        false => Err("expected letters, digits and - _ . +, such as v0.1 or before".to_owned()),
    }
}
