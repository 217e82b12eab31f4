//! All that a run needs to go on where it was, in one `.safetensors` file.
//!
//! A run that goes on from a file makes the same updates as one that was never interrupted: numbers come back with the
//! same bits, the random generator at the same place, the optimizer with the same moments.

mod read;
mod write;

use std::borrow::Cow;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::early::EarlyStopping;
use super::optimizer::{Optimizer, Rule, Slot};
use super::random::Random;
use super::schedule::Plateau;
use crate::error::{Error, Result};
use crate::load::safetensors::SafetensorsFile;

/// The header's key for the description, which also says what the file is.
const KEY: &str = "gatewise_checkpoint";

/// The one version there is.
const VERSION: u32 = 1;

/// A run between two updates.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint<'a> {
    /// How far it is.
    pub progress: Progress,
    /// The parameters, in the order of the optimizer's slots; others, such as the best so far, may follow.
    pub tensors: Vec<Tensor<'a>>,
    /// With its moments.
    pub optimizer: Cow<'a, Optimizer>,
    /// What the caller wants to find again, such as the run's configuration; at most 512 KiB.
    pub text: String,
}

/// How far a run is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// Epochs that are finished.
    pub epoch: u64,
    /// Batches of the next one that are done.
    pub batch: u64,
    /// Updates that were made.
    pub step: u64,
    /// Of the whole run.
    pub seed: u64,
    /// The generator, where it is.
    pub random: Random,
    /// When it stops, if it does by itself.
    pub early_stopping: Option<EarlyStopping>,
    /// What lowers its rate, if something does.
    pub plateau: Option<Plateau>,
}

/// A tensor with its name.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor<'a> {
    /// Any name, but no two of one.
    pub name: String,
    /// Lengths of the axes.
    pub shape: Vec<usize>,
    /// Row-major.
    pub values: Cow<'a, [f32]>,
}

/// The description in the header.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    version: u32,
    progress: Progress,
    /// Names in order.
    tensors: Vec<String>,
    rule: Rule,
    updates: u64,
    slots: Vec<Slot>,
    text: String,
}

impl Checkpoint<'_> {
    /// Writes the file, whole or not at all: beside `path` first, which keeps what it had if that fails.
    ///
    /// # Errors
    /// As [`Checkpoint::to_bytes`]; [`Error::Io`] if it cannot be written. Each names the file.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        self.to_bytes().and_then(|bytes| write::put(path, &bytes)).map_err(|error| error.of_file(path))
    }

    /// The bytes of the file; the same for the same checkpoint.
    ///
    /// # Errors
    /// What could not be read back: [`Error::NotFinite`] for NaN or ∞ in a tensor, a loss or a parameter of
    /// the run, [`Error::Length`] for a shape that does not fit, [`Error::Training`] for a name that is there twice or
    /// a text that is too long.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        write::bytes(self)
    }

    /// Checks that the parameters have these names and shapes, in this order: those of the model that is to go on.
    ///
    /// # Errors
    /// [`Error::Tensor`] that says which name was expected and which came, [`Error::Shape`].
    pub fn check_parameters<'n>(&self, expected: impl IntoIterator<Item = (&'n str, &'n [usize])>) -> Result<()> {
        let mut tensors = self.tensors.iter().take(self.optimizer.slots().len());
        for (index, (name, shape)) in expected.into_iter().enumerate() {
            let found = tensors.next();
            let Some(tensor) = found.filter(|tensor| tensor.name == name) else {
                let found = found.map_or("none".to_owned(), |tensor| tensor.name.clone());
                let message = format!("tensor {index} of the checkpoint: expected {name}, found {found}");
                return Err(Error::Tensor { message });
            };
            if tensor.shape != shape {
                let (expected, found) = (format!("{shape:?}"), tensor.shape.clone());
                return Err(Error::Shape { name: name.to_owned(), expected, found });
            }
        }
        match tensors.next() {
            None => Ok(()),
            Some(more) => {
                let message = format!("tensor {} of the checkpoint: the model has no such parameter", more.name);
                Err(Error::Tensor { message })
            }
        }
    }
}

impl Checkpoint<'static> {
    /// Reads a file that [`Checkpoint::write`] made.
    ///
    /// # Errors
    /// What [`SafetensorsFile::read`] and [`Checkpoint::from_file`] refuse; each names the file.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Checkpoint::from_file(&SafetensorsFile::read(path)?).map_err(|error| error.of_file(path))
    }

    /// Reads the checkpoint of an open file.
    ///
    /// # Errors
    /// [`Error::Format`] for a file that is no checkpoint or one of another version, whose description lacks
    /// something or has something that is not known, or which has a tensor that belongs to nothing; [`Error::Tensor`]
    /// for one that is missing; [`Error::Length`] for moments that do not fit the parameters; [`Error::NotFinite`].
    pub fn from_file(file: &SafetensorsFile) -> Result<Self> {
        read::checkpoint(file)
    }
}

/// Refuses an optimizer of other parameters.
fn check_slots(tensors: &[Tensor<'_>], slots: &[Slot]) -> Result<()> {
    for (index, slot) in slots.iter().enumerate() {
        let Some(tensor) = tensors.get(index) else {
            let message = format!("the optimizer has {} tensors, the checkpoint {}", slots.len(), tensors.len());
            return Err(Error::Tensor { message });
        };
        Error::check_length(&tensor.name, tensor.values.len(), "values of the optimizer's slot", &[slot.values])?;
    }
    Ok(())
}

/// The name of a tensor in the file.
fn tensor_name(name: &str) -> String {
    format!("tensors.{name}")
}

/// The name of an optimizer's moment in the file.
fn moment_name(role: &str, slot: usize) -> String {
    format!("optimizer.{role}.{slot}")
}
