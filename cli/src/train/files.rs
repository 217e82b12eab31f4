//! The files of a training, named after the model.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::files::check_target;

/// Where the results go.
pub struct Files {
    /// The weights of the best epoch.
    pub model: PathBuf,
    /// Those that its run began with.
    pub start: PathBuf,
    /// All that is needed to go on.
    pub checkpoint: PathBuf,
    /// Whether each seed has a curve of its own.
    many: bool,
}

impl Files {
    /// Beside the model; refuses what could not be written, before any work is done for it.
    pub fn new(model: PathBuf, seeds: &[u64]) -> Result<Self> {
        let beside = |ending: &str| model.with_extension(ending);
        let (start, checkpoint) = (beside("start.safetensors"), beside("checkpoint.safetensors"));
        let files = Files { start, checkpoint, model, many: seeds.len() > 1 };
        let curves = seeds.iter().flat_map(|seed| [files.curve(*seed), files.plot(*seed)]);
        let all = [&files.model, &files.start, &files.checkpoint].into_iter().cloned().chain(curves);
        all.into_iter().try_for_each(|path: PathBuf| check_target(&path))?;
        Ok(files)
    }

    /// The numbers of each epoch.
    pub fn curve(&self, seed: u64) -> PathBuf {
        self.of_seed(seed, "csv")
    }

    /// Their picture.
    pub fn plot(&self, seed: u64) -> PathBuf {
        self.of_seed(seed, "svg")
    }

    fn of_seed(&self, seed: u64, ending: &str) -> PathBuf {
        let ending = if self.many { format!("seed-{seed}.{ending}") } else { ending.to_owned() };
        self.model.with_extension(ending)
    }
}

/// The model's name where none is given: the configuration's with another ending, in the present folder.
pub fn default_model(config: &Path) -> PathBuf {
    PathBuf::from(config.file_name().unwrap_or_default()).with_extension("safetensors")
}
