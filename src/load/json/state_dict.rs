//! PyTorch's state dict as nested lists: the same tensors under the same names as in a safetensors file, and read as
//! one.

use ::safetensors::Dtype;
use ::safetensors::tensor::{TensorView, serialize};

use super::field::Field;
use crate::activation::{Activation, Finish};
use crate::cell::gru::Reset;
use crate::error::{Error, Result};
use crate::load::outline::{CellName, Kind, OutlineLayer, RecurrentOutline};
use crate::load::safetensors::SafetensorsFile;
use crate::network::blueprint::Output;

/// Tensors at most; a model of recurrent layers has some tens.
const MOST_TENSORS: usize = 512;

/// The tensors of an object: its values must all be regular lists of numbers.
pub(in crate::load) fn file(object: &Field<'_>) -> Result<SafetensorsFile> {
    let entries: Vec<(&str, Field<'_>)> = object.entries().take(MOST_TENSORS + 1).collect();
    if entries.is_empty() || entries.len() > MOST_TENSORS {
        return Err(object.error(&format!("expected from 1 to {MOST_TENSORS} tensors by their names")));
    }
    let mut tensors = Vec::with_capacity(entries.len());
    for (name, field) in entries {
        let (shape, values) = field.numbers()?;
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        tensors.push((name, shape.to_vec(), bytes));
    }
    let broken = |error: ::safetensors::SafeTensorError| object.error(&error.to_string());
    let views: Vec<(&str, TensorView<'_>)> = tensors
        .iter()
        .map(|(name, shape, bytes)| Ok((*name, TensorView::new(Dtype::F32, shape.clone(), bytes).map_err(broken)?)))
        .collect::<Result<_>>()?;
    SafetensorsFile::from_bytes(serialize(views, None).map_err(broken)?)
}

/// Cuts a tensor's name into its module's and its own.
pub(in crate::load) fn split(name: &str) -> (&str, &str) {
    name.rsplit_once('.').unwrap_or(("", name))
}

/// Whether a tensor's own name is one of a recurrent module's.
pub(in crate::load) fn is_recurrent(own: &str) -> bool {
    ["weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr"].iter().any(|stem| own.starts_with(stem))
}

/// The error that a tensor has no place in the model.
pub(in crate::load) fn stray(name: &str, expected: &str) -> Error {
    Error::Tensor { message: format!("tensor {name} has no place in the model: expected {expected}") }
}

/// A recurrent module as PyTorch runs it.
pub(in crate::load) fn recurrent(module: &str, cell: CellName) -> OutlineLayer {
    let outline = RecurrentOutline {
        cell,
        merge: None,
        output: Output::Every,
        go_backwards: false,
        activation: None,
        recurrent_activation: None,
        reset: Reset::After,
    };
    OutlineLayer { kind: Kind::Recurrent(outline), name: Some(module.to_owned()) }
}

/// A linear module.
pub(in crate::load) fn dense(module: &str) -> OutlineLayer {
    OutlineLayer { kind: Kind::Dense(Finish::Each(Activation::Identity)), name: Some(module.to_owned()) }
}
