//! A checkpoint from a file, of which nothing is left over.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::{Checkpoint, Description, KEY, Tensor, VERSION, check_slots, moment_name, tensor_name};
use crate::error::{Error, Result};
use crate::load::safetensors::{SafetensorsFile, TensorInfo};
use crate::train::optimizer::Optimizer;

pub(super) fn checkpoint(file: &SafetensorsFile) -> Result<Checkpoint<'static>> {
    let description = describe(file)?;
    let mut left = Left::of(file);
    let mut tensors = Vec::new();
    for name in description.tensors {
        let (shape, values) = left.take(&tensor_name(&name))?;
        tensors.push(Tensor { name, shape, values: Cow::Owned(values) });
    }
    let mut moments = Vec::new();
    for slot in 0..description.slots.len() {
        let roles = description.rule.roles().iter();
        let taken = roles.map(|role| left.take(&moment_name(role, slot)).map(|(_, values)| values));
        moments.push(taken.collect::<Result<Vec<_>>>()?);
    }
    left.end()?;
    check_slots(&tensors, &description.slots)?;
    let optimizer = Optimizer::resume(description.rule, description.slots, description.updates, moments)?;
    let (progress, text) = (description.progress, description.text);
    Ok(Checkpoint { progress, tensors, optimizer: Cow::Owned(optimizer), text })
}

fn describe(file: &SafetensorsFile) -> Result<Description> {
    let Some(text) = file.text(KEY) else {
        return Err(refused(format!("its header has no {KEY}: expected a checkpoint, not a model")));
    };
    /// Read first: of another version, no more is understood.
    #[derive(serde::Deserialize)]
    struct Version {
        version: u32,
    }
    let broken = |error: serde_json::Error| refused(error.to_string());
    let Version { version } = serde_json::from_str(text).map_err(broken)?;
    if version != VERSION {
        return Err(refused(format!("it is of version {version}: expected {VERSION}")));
    }
    serde_json::from_str(text).map_err(broken)
}

/// What nobody has taken yet.
struct Left<'a> {
    file: &'a SafetensorsFile,
    tensors: BTreeMap<String, TensorInfo>,
}

impl<'a> Left<'a> {
    fn of(file: &'a SafetensorsFile) -> Self {
        Left { file, tensors: file.tensors().into_iter().map(|tensor| (tensor.name.clone(), tensor)).collect() }
    }

    fn take(&mut self, name: &str) -> Result<(Vec<usize>, Vec<f32>)> {
        match self.tensors.remove(name) {
            None => Err(Error::Tensor { message: format!("tensor {name} is missing, or named twice") }),
            Some(info) if info.dtype != "F32" => {
                Err(Error::Tensor { message: format!("tensor {name} is {}: expected F32", info.dtype) })
            }
            Some(_) => self.file.tensor(name),
        }
    }

    fn end(self) -> Result<()> {
        match self.tensors.into_keys().next() {
            None => Ok(()),
            Some(name) => Err(refused(format!("tensor {name} belongs to nothing in it"))),
        }
    }
}

fn refused(reason: String) -> Error {
    Error::Format { format: "gatewise checkpoint", reason }
}
