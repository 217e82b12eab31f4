//! Keras models: `.keras` files, the older `.h5` files, and `.weights.h5` files with an [`Outline`].
//!
//! Read are `Sequential` models, and `Functional` ones whose layers stand in one row: `LSTM`, `GRU`, `SimpleRNN`, each also
//! in `Bidirectional`, `Embedding`, `Masking`, `Dense`, also in `TimeDistributed`, and activations, written by Keras 2 or 3.
//! What acts only in training (`Dropout`, regularizers, initializers) is left out. Every other layer and every option that
//! would change the numbers is refused by name, never ignored. Weights may be f16, bf16 or f32, which are exact in f32, or
//! f64, which is rounded.

mod activations;
mod archive;
mod chain;
mod layers;
mod masks;
mod outlined;
mod recurrent;
mod settings;
mod tensors;

use std::path::Path;

use self::archive::Archive;
use self::layers::Reader;
use self::tensors::Tensors;
use super::hdf5::apart;
use super::outline::Outline;
use crate::error::{Error, Result};
use crate::network::blueprint::Blueprint;
use crate::sequence::layout::Layout;

/// Reads a model with its weights from a `.keras` or an `.h5` file; what the file holds says which, not its name.
///
/// # Errors
/// [`Error::File`] that names the file, around: [`Error::Io`] if it cannot be read, [`Error::Format`] if it is neither, is
/// cut short or damaged, [`Error::Model`] that names the layer for one that is not supported or does not fit,
/// [`Error::Tensor`], [`Error::Shape`] or [`Error::NotFinite`] for a tensor that is missing, or not as the layer asks for.
pub fn read(path: impl AsRef<Path>) -> Result<Blueprint> {
    let path = path.as_ref();
    apart(|| read_model(path)).map_err(|error| error.of_file(path))
}

/// Reads a model whose layers `outline` describes and whose weights are in a file of weights alone, `.weights.h5` (what
/// `save_weights` writes, in any layout). Sizes follow from the tensors.
///
/// A layer without a name takes the next of its class in the file: `lstm`, `lstm_1` and so on, a bidirectional one the next
/// `bidirectional`. With a name it takes that one: `lstm_1`, or what the model's author called it.
///
/// # Errors
/// As [`read`]; [`Error::Tensor`] if the file has none for a layer of the outline, or has more than the outline uses.
pub fn read_weights(path: impl AsRef<Path>, outline: &Outline) -> Result<Blueprint> {
    let path = path.as_ref();
    apart(|| outlined::read(&Archive::open(path)?, outline)).map_err(|error| error.of_file(path))
}

fn read_model(path: &Path) -> Result<Blueprint> {
    let archive = Archive::open(path)?;
    let config = archive.config()?;
    let chain = chain::read(&config)?;
    let reader = Reader { tensors: Tensors::of(&archive)?, keras: archive.version()? };
    finished(Blueprint {
        name: chain.name.to_owned(),
        layout: Layout::BatchFirst,
        layers: reader.layers(&chain.layers)?,
        sample_rate: None,
    })
}

/// The model, if its layers fit each other.
fn finished(blueprint: Blueprint) -> Result<Blueprint> {
    blueprint.flow()?;
    Ok(blueprint)
}

fn no_keras(reason: impl std::fmt::Display) -> Error {
    Error::Format { format: "Keras", reason: reason.to_string() }
}
