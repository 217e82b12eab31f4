//! gatewise's own form: a whole model in one `.safetensors` file, its layers described in the header.
//!
//! `docs/formats.md` describes it. What is written reads back with the same bits; what is not understood is refused by name.
//!
//! ```
//! use gatewise::load::own;
//! use gatewise::network::blueprint::{Blueprint, Layer, Operation, Recurrent};
//! use gatewise::GruWeights;
//!
//! let gru = GruWeights::new(2, 1, &[0.5; 6], &[0.25; 3], &[0.0; 3], &[0.1])?;
//! let layers = vec![Layer::new("gru", Operation::Recurrent(Box::new(Recurrent::forward(gru))))];
//! let blueprint = Blueprint { layers, ..Blueprint::default() };
//! assert_eq!(own::from_bytes(own::to_bytes(&blueprint)?)?, blueprint);
//! # Ok::<(), gatewise::Error>(())
//! ```

mod describe;
mod describe_recurrent;
mod fields;
pub(crate) mod place;
mod tensors;
mod understand;
mod understand_recurrent;
mod words;

use std::path::Path;

use super::safetensors::SafetensorsFile;
use crate::error::{Error, Result};
use crate::network::blueprint::Blueprint;

/// What the header's `format` says.
const FORMAT: &str = "gatewise";

/// The one version there is.
const VERSION: &str = "1";

/// Writes a model to a file, whole or not at all: beside `path` first, which keeps what it had if that fails.
///
/// # Errors
/// As [`to_bytes`]; [`Error::Io`] if it cannot be written. Each names the file.
pub fn write(blueprint: &Blueprint, path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    let written = describe::Draft::of(blueprint).and_then(|draft| {
        let io = |error: std::io::Error| Error::Io { reason: format!("cannot write: {error}") };
        place::put(path, |file| draft.write(file)).map_err(io)
    });
    written.map_err(|error| error.of_file(path))
}

/// The bytes of the file that [`write()`] makes; the same for the same model.
///
/// # Errors
/// What [`Blueprint::flow`] refuses: a file holds only what can be run. [`Error::Model`] for a sample rate that is no number.
pub fn to_bytes(blueprint: &Blueprint) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let io = |error: std::io::Error| Error::Io { reason: error.to_string() };
    describe::Draft::of(blueprint)?.write(&mut bytes).map_err(io)?;
    Ok(bytes)
}

/// Reads a file that [`write()`] made.
///
/// # Errors
/// What [`SafetensorsFile::read`] and [`from_file`] refuse; each names the file.
pub fn read(path: impl AsRef<Path>) -> Result<Blueprint> {
    let path = path.as_ref();
    from_file(&SafetensorsFile::read(path)?).map_err(|error| error.of_file(path))
}

/// Reads the bytes that [`to_bytes`] made.
///
/// # Errors
/// What [`SafetensorsFile::from_bytes`] and [`from_file`] refuse.
pub fn from_bytes(bytes: Vec<u8>) -> Result<Blueprint> {
    from_file(&SafetensorsFile::from_bytes(bytes)?)
}

/// Whether a safetensors file says that it is of this form.
pub fn is_own(file: &SafetensorsFile) -> bool {
    file.text("format") == Some(FORMAT)
}

/// Reads the model of an open file.
///
/// # Errors
/// [`Error::Format`] for a file of another form or version, for a description that lacks something or has something that is
/// not known, and for a tensor that the description does not name; [`Error::Tensor`] for one that it names and the file has
/// not; [`Error::Shape`]; [`Error::NotFinite`]; and what [`Blueprint::flow`] refuses.
pub fn from_file(file: &SafetensorsFile) -> Result<Blueprint> {
    understand::model(file)
}

fn refused(reason: String) -> Error {
    Error::Format { format: FORMAT, reason }
}
