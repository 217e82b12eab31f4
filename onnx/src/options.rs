//! How graphs are run, and how our operators hear of it inside tract.

use std::collections::HashMap;
use std::sync::Arc;

use gatewise::Level;
use tract_onnx::prelude::{InferenceModel, Tensor, TractResult, rctensor0};

/// How a graph is run.
///
/// ```
/// use gatewise_onnx::Options;
/// let options = Options::default().threads(2).largest(1 << 30);
/// # assert_ne!(format!("{options:?}"), "");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    pub(crate) threads: usize,
    pub(crate) level: Option<Level>,
    pub(crate) largest: usize,
}

impl Default for Options {
    /// One thread, the fastest instruction set, arrays of up to 4 GiB.
    fn default() -> Self {
        Options { threads: 1, level: None, largest: 1 << 32 }
    }
}

const THREADS: &str = "gatewise.threads";
const LEVEL: &str = "gatewise.level";
const LARGEST: &str = "gatewise.largest";

impl Options {
    /// Lets each recurrent operator use up to this many threads of rayon's current pool (0 counts as 1). The other
    /// operators run on the caller's thread.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }

    /// Packs the recurrent weights for `level` instead of the fastest one of this machine (or the one that
    /// `GATEWISE_ISA` names).
    #[must_use]
    pub fn level(mut self, level: Level) -> Self {
        self.level = Some(level);
        self
    }

    /// Bounds every array that the graph computes to `bytes`: a file can ask for more than a machine has.
    #[must_use]
    pub fn largest(mut self, bytes: usize) -> Self {
        self.largest = bytes;
        self
    }

    /// An empty model that tells our operators these options, for those who call tract themselves:
    /// `onnx.model_for_proto_model_with_model_template(&proto, options.template())`.
    #[must_use]
    pub fn template(self) -> InferenceModel {
        let mut template = InferenceModel::default();
        let mut put = |key: &str, value: usize| {
            template.properties.insert(key.to_owned(), rctensor0(i64::try_from(value).unwrap_or(i64::MAX)));
        };
        put(THREADS, self.threads);
        put(LARGEST, self.largest);
        if let Some(level) = self.level.and_then(|level| Level::ALL.iter().position(|other| *other == level)) {
            put(LEVEL, level);
        }
        template
    }
}

/// What a node's operator needs of the options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Engine {
    pub threads: usize,
    pub level: Option<Level>,
    pub largest: usize,
}

impl Engine {
    /// Reads them from a template's properties.
    pub fn of(properties: &HashMap<String, Arc<Tensor>>) -> TractResult<Engine> {
        let get = |key: &str| -> TractResult<Option<usize>> {
            let value = properties.get(key).map(|value| value.cast_to_scalar::<i64>()).transpose()?;
            Ok(value.and_then(|value| usize::try_from(value).ok()))
        };
        let default = Options::default();
        Ok(Engine {
            threads: get(THREADS)?.unwrap_or(default.threads),
            level: get(LEVEL)?.and_then(|index| Level::ALL.get(index).copied()),
            largest: get(LARGEST)?.unwrap_or(default.largest),
        })
    }
}
