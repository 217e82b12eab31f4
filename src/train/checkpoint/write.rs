//! A checkpoint as a file.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;

use ::safetensors::{Dtype, View, serialize};

use super::{Checkpoint, Description, KEY, VERSION, check_slots, moment_name, tensor_name};
use crate::error::{Error, Result};
use crate::load::own::place;
use crate::weights::check_finite;

/// Bytes of a caller's text: the header that it becomes part of is bounded when it is read.
const LONGEST_TEXT: usize = 512 << 10;

/// A tensor as the format wants it.
struct Values<'a> {
    shape: Vec<usize>,
    values: &'a [f32],
}

impl View for Values<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        match cfg!(target_endian = "little") {
            true => Cow::Borrowed(bytemuck::cast_slice(self.values)),
            false => self.values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        }
    }

    fn data_len(&self) -> usize {
        size_of_val(self.values)
    }
}

pub(super) fn bytes(checkpoint: &Checkpoint<'_>) -> Result<Vec<u8>> {
    check(checkpoint)?;
    let optimizer = &checkpoint.optimizer;
    let description = Description {
        version: VERSION,
        progress: checkpoint.progress.clone(),
        tensors: checkpoint.tensors.iter().map(|tensor| tensor.name.clone()).collect(),
        rule: *optimizer.rule(),
        updates: optimizer.updates(),
        slots: optimizer.slots().to_vec(),
        text: checkpoint.text.clone(),
    };
    let unwritten = |error: &dyn std::fmt::Display| Error::Training { message: format!("checkpoint: {error}") };
    let description = serde_json::to_string(&description).map_err(|error| unwritten(&error))?;
    let tensors = checkpoint
        .tensors
        .iter()
        .map(|tensor| (tensor_name(&tensor.name), Values { shape: tensor.shape.clone(), values: &tensor.values }));
    let moments = optimizer.moments().iter().enumerate().flat_map(|(slot, moments)| {
        let named = optimizer.rule().roles().iter().zip(moments);
        named.map(move |(role, values)| (moment_name(role, slot), Values { shape: vec![values.len()], values }))
    });
    // One key, because the order of several would be of chance.
    let about = std::iter::once((KEY.to_owned(), description)).collect();
    serialize(tensors.chain(moments), Some(about)).map_err(|error| unwritten(&error))
}

pub(super) fn put(path: &Path, bytes: &[u8]) -> Result<()> {
    let io = |error: std::io::Error| Error::Io { reason: format!("cannot write: {error}") };
    place::put(path, |file| file.write_all(bytes)).map_err(io)
}

/// Refuses what could not be read back: a good file is not replaced by a broken one.
fn check(checkpoint: &Checkpoint<'_>) -> Result<()> {
    let refused = |message: String| Err(Error::Training { message });
    let mut names = BTreeSet::new();
    for tensor in &checkpoint.tensors {
        let name = &tensor.name;
        if !names.insert(name) {
            return refused(format!("checkpoint: two tensors are named {name}"));
        }
        Error::check_length(name, tensor.values.len(), &format!("{:?}", tensor.shape), &tensor.shape)?;
        check_finite(name, &tensor.values)?;
    }
    check_slots(&checkpoint.tensors, checkpoint.optimizer.slots())?;
    for (slot, moments) in checkpoint.optimizer.moments().iter().enumerate() {
        for (role, values) in checkpoint.optimizer.rule().roles().iter().zip(moments) {
            check_finite(&moment_name(role, slot), values)?;
        }
    }
    if checkpoint.text.len() > LONGEST_TEXT {
        return refused(format!("the text has {} bytes: expected at most {LONGEST_TEXT}", checkpoint.text.len()));
    }
    check_numbers(checkpoint)
}

/// JSON has no word for NaN and infinities.
fn check_numbers(checkpoint: &Checkpoint<'_>) -> Result<()> {
    let early = checkpoint.progress.early_stopping.iter().map(|early| ("early stopping's min_delta", early.min_delta));
    let plateau = checkpoint.progress.plateau.iter().flat_map(|plateau| {
        let scales = [("the plateau's factor", plateau.factor), ("the rate's scale", plateau.scale())];
        scales.into_iter().chain([("the plateau's min_delta", plateau.min_delta), ("its floor", plateau.floor)])
    });
    match early.chain(plateau).find(|(_, value)| !value.is_finite()) {
        None => Ok(()),
        Some((name, value)) => Err(Error::Training { message: format!("{name} is {value}: expected a number") }),
    }
}
