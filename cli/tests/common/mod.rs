//! What the process tests share: running the command, folders of their own, and model and array files good and bad.
#![allow(dead_code, unused_imports, reason = "each test file uses a part of it")]

mod arrays;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

pub use arrays::*;
use gatewise::Level;
use safetensors::tensor::{Dtype, TensorView, serialize};
use tempfile::TempDir;

/// How a run of the command ended.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// The command, free of the caller's environment.
pub fn gatewise() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gatewise"));
    command.env_remove(Level::VARIABLE);
    command
}

pub fn run(arguments: &[&str]) -> Ran {
    ran(gatewise().args(arguments))
}

pub fn ran(command: &mut Command) -> Ran {
    let Output { status, stdout, stderr } = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = |bytes| String::from_utf8(bytes).expect("the command writes UTF-8");
    Ran { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
}

impl Ran {
    /// It succeeded without a word on stderr; returns stdout.
    #[track_caller]
    pub fn done(self, what: &str) -> String {
        assert_eq!((self.code, self.stderr.as_str()), (Some(0), ""), "{what}: {self:?}");
        self.stdout
    }

    /// It ended with exit code 2 and one line that holds all of `says`.
    #[track_caller]
    pub fn refused(&self, what: &str, says: &[&str]) {
        assert_eq!(self.code, Some(2), "{what}: exit code of {self:?}");
        assert_eq!(self.stdout, "", "{what}: nothing belongs on stdout");
        let line = self.stderr.strip_suffix('\n').unwrap_or_else(|| panic!("{what}: a whole line in {self:?}"));
        assert!(line.starts_with("error: ") && !line.contains('\n'), "{what}: one line of error in {line:?}");
        for part in says {
            assert!(line.contains(part), "{what}: no {part:?} in {line:?}");
        }
    }

    /// clap refused the arguments, in as many lines as it likes.
    #[track_caller]
    pub fn misused(&self, what: &str, says: &[&str]) {
        assert_eq!((self.code, self.stdout.as_str()), (Some(2), ""), "{what}: {self:?}");
        assert!(self.stderr.starts_with("error: "), "{what}: {self:?}");
        for part in says {
            assert!(self.stderr.contains(part), "{what}: no {part:?} in {:?}", self.stderr);
        }
    }
}

/// The levels that this machine has; the others are named, never silently green.
pub fn levels() -> Vec<Level> {
    for level in Level::ALL.into_iter().filter(|level| !level.is_available()) {
        eprintln!("SKIPPED: this machine has no {level}");
    }
    Level::available().collect()
}

/// A file of a golden case.
pub fn fixture(case: &str, file: &str) -> String {
    format!("{}/../tests/fixtures/{case}/{file}", env!("CARGO_MANIFEST_DIR"))
}

/// A file of a trained model that is not part of the project; `None` and a line about it where it is not there.
pub fn trained(model: &str, file: &str) -> Option<String> {
    let beside = || concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/models").to_owned();
    let folder = std::env::var("GATEWISE_MODELS").unwrap_or_else(|_| beside());
    let path = format!("{folder}/{model}/{file}");
    if Path::new(&path).exists() {
        return Some(path);
    }
    eprintln!("SKIPPED: no trained model {path} (GATEWISE_MODELS names the folder)");
    None
}

/// A folder that goes when the test ends.
pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Self {
        Folder(TempDir::new().expect("a temporary folder"))
    }

    pub fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().expect("a temporary path in UTF-8").to_owned()
    }

    /// Writes a file and returns its path.
    pub fn put(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap_or_else(|error| panic!("{path}: {error}"));
        path
    }

    /// The names of all that is in it.
    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).expect("the temporary folder");
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

/// Values that look random and are the same everywhere, from ±`scale`.
pub fn noise(count: usize, scale: f32, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..count)
        .map(|_| {
            // Knuth's MMIX generator; its upper bits are the good ones.
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 40) as f32 / (1u64 << 23) as f32 - 1.0) * scale
        })
        .collect()
}

/// A safetensors file under construction: name → type, shape, bytes.
#[derive(Clone, Default)]
pub struct Model(BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>);

impl Model {
    /// The four tensors of a layer of `gates` gates, as PyTorch saves them.
    pub fn layer(gates: usize, input: usize, hidden: usize) -> Self {
        let rows = gates * hidden;
        Model::default()
            .with("weight_ih_l0", &[rows, input])
            .with("weight_hh_l0", &[rows, hidden])
            .with("bias_ih_l0", &[rows])
            .with("bias_hh_l0", &[rows])
    }

    /// Adds or replaces a tensor of small values.
    pub fn with(self, name: &str, shape: &[usize]) -> Self {
        let count = shape.iter().product();
        let values = noise(count, 0.4, name.bytes().map(u64::from).sum());
        self.with_values(name, shape, &values)
    }

    pub fn with_values(mut self, name: &str, shape: &[usize], values: &[f32]) -> Self {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.0.insert(name.to_owned(), (Dtype::F32, shape.to_vec(), bytes));
        self
    }

    /// Replaces one value of a tensor.
    pub fn with_value(mut self, name: &str, index: usize, value: f32) -> Self {
        let (_, _, bytes) = self.0.get_mut(name).expect("the model has the tensor");
        bytes[index * 4..][..4].copy_from_slice(&value.to_le_bytes());
        self
    }

    /// Gives every tensor another name.
    pub fn renamed(self, rename: impl Fn(&str) -> String) -> Self {
        Model(self.0.into_iter().map(|(name, tensor)| (rename(&name), tensor)).collect())
    }

    pub fn and(mut self, other: Model) -> Self {
        self.0.extend(other.0);
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.0.remove(name).expect("the model has the tensor");
        self
    }

    pub fn bytes(&self) -> Vec<u8> {
        let views = self.0.iter().map(|(name, (dtype, shape, bytes))| {
            (name.clone(), TensorView::new(*dtype, shape.clone(), bytes).expect("a consistent tensor"))
        });
        serialize(views, None).expect("a safetensors file")
    }
}
