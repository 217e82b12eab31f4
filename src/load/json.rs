//! Models that are written as JSON: whose it is shows in its keys.
//!
//! | keys | format |
//! |---|---|
//! | `layers` | [RTNeural](super::rtneural) as Keras' weights are exported to it |
//! | `model_data`, `state_dict` | [GuitarML](super::guitarml) |
//! | `architecture` | [Neural Amp Modeler](super::nam) |
//! | a name such as `lstm.weight_ih_l0` | [RTNeural](super::rtneural) as PyTorch's state dict |
//!
//! All weights are read as f32. A key that stands twice, lists of unequal lengths where a tensor is meant, NaN and what
//! is too large for f32 are refused, and so are files of more than 1 GiB, texts and numbers of more than 16 MiB, and more
//! than 2^23 values where they have fewer than eight bytes each.

mod bounds;
mod field;
pub(super) mod state_dict;
mod tree;

use std::path::Path;

pub(super) use field::{Field, shown};

use super::safetensors::SafetensorsFile;
use super::{guitarml, nam, rtneural};
use crate::error::{Error, Result};
use crate::network::blueprint::Blueprint;

/// Reads a model of whichever of the formats.
///
/// # Errors
/// [`Error::File`] around what is wrong: [`Error::Io`], [`Error::Format`] if it is no JSON, [`Error::Model`] if it is
/// none of these formats, or what the format's own reader returns.
pub fn read(path: impl AsRef<Path>) -> Result<Blueprint> {
    read_with(path.as_ref(), blueprint)
}

/// Takes a file's bytes, such as `include_bytes!` has them.
///
/// # Errors
/// As [`read`], without the file's name.
///
/// ```
/// use gatewise::load::json;
/// use gatewise::network::{Network, NetworkSession};
///
/// let text = br#"{"in_shape": [null, null, 1], "layers": [
///     {"type": "gru", "activation": "tanh", "shape": [null, null, 1],
///      "weights": [[[0.5, -0.5, 2.0]], [[0.1, 0.2, 0.3]], [[0.0, 0.0, 0.0], [0.0, 0.0, 0.5]]]},
///     {"type": "dense", "activation": "", "shape": [null, null, 1], "weights": [[[4.0]], [0.25]]}]}"#;
/// let network = Network::new(&json::from_bytes(text)?)?;
/// let y = NetworkSession::new(&network, 1)?.step(&[0.5][..])?[0];
/// // z = σ(0.25), r = σ(−0.25), h = (1 − z)·tanh(1 + 0.5·r), y = 4·h + 0.25
/// assert!((y - 1.719919).abs() < 1e-5, "{y}");
/// # Ok::<(), gatewise::Error>(())
/// ```
pub fn from_bytes(bytes: &[u8]) -> Result<Blueprint> {
    checked(blueprint(&Field::new(String::new(), &tree::parse(bytes)?))?)
}

/// Reads the tensors of PyTorch's state dict that stands in a file alone, or behind the key `state_dict`, for
/// [`chain::read`](super::chain::read).
///
/// # Errors
/// As [`read`]; [`Error::Model`] if a value is no tensor.
pub fn read_state_dict(path: impl AsRef<Path>) -> Result<SafetensorsFile> {
    open(path.as_ref(), |document| state_dict::file(&document.get("state_dict").unwrap_or_else(|| document.clone())))
}

fn blueprint(document: &Field<'_>) -> Result<Blueprint> {
    let has = |key: &str| document.get(key).is_some();
    if has("architecture") {
        nam::blueprint(document)
    } else if has("model_data") || has("state_dict") {
        guitarml::blueprint(document)
    } else if has("layers") || rtneural::is_state_dict(document) {
        rtneural::blueprint(document)
    } else {
        let found: Vec<String> = document.entries().take(6).map(|(key, _)| shown(key)).collect();
        let found = if found.is_empty() { "none".to_owned() } else { found.join(", ") };
        let message = format!(
            "no model that is known: expected the keys \"layers\" (RTNeural), \"model_data\" and \"state_dict\" \
             (GuitarML), \"architecture\" (Neural Amp Modeler) or a tensor's name such as \"lstm.weight_ih_l0\" \
             (PyTorch's state dict); the file's keys: {found}"
        );
        Err(Error::Model { message })
    }
}

/// Reads a file by a format's reader and checks that the layers fit each other.
pub(super) fn read_with(path: &Path, reader: fn(&Field<'_>) -> Result<Blueprint>) -> Result<Blueprint> {
    open(path, |document| checked(reader(document)?))
}

fn checked(blueprint: Blueprint) -> Result<Blueprint> {
    blueprint.flow()?;
    Ok(blueprint)
}

/// Errors name the file.
fn open<T>(path: &Path, reader: impl FnOnce(&Field<'_>) -> Result<T>) -> Result<T> {
    let read = tree::open(path).and_then(|value| reader(&Field::new(String::new(), &value)));
    read.map_err(|error| error.of_file(path))
}

/// Samples a second, where one of these objects says so.
pub(super) fn sample_rate(objects: &[Option<Field<'_>>]) -> Result<Option<f64>> {
    let keys = ["sample_rate", "samplerate"];
    let found = objects.iter().flatten().find_map(|object| keys.iter().find_map(|key| object.get(key)));
    let Some(field) = found else { return Ok(None) };
    let rate = field.spelled_number()?;
    // Some write −1 where nobody knows.
    Ok((rate.is_finite() && rate > 0.0).then_some(rate))
}

/// The name that a file's `metadata` gives to its model.
pub(super) fn name(document: &Field<'_>) -> String {
    let metadata = document.get("metadata");
    let field = metadata.and_then(|metadata| metadata.get("name"));
    field.and_then(|field| field.text().ok()).unwrap_or_default().to_owned()
}
