//! The tensors of a file, each taken once: what is missing and what is left over is an error.

use std::collections::BTreeMap;

use super::refused;
use crate::error::{Error, Result};
use crate::load::safetensors::{SafetensorsFile, TensorInfo};

/// What nobody has taken yet.
pub(super) struct Tensors<'a> {
    file: &'a SafetensorsFile,
    left: BTreeMap<String, TensorInfo>,
}

impl<'a> Tensors<'a> {
    pub fn of(file: &'a SafetensorsFile) -> Self {
        let left = file.tensors().into_iter().map(|tensor| (tensor.name.clone(), tensor)).collect();
        Tensors { file, left }
    }

    fn info(&self, name: &str) -> Result<&TensorInfo> {
        self.left.get(name).ok_or_else(|| Error::Tensor { message: format!("tensor {name} is missing") })
    }

    /// The lengths of a matrix's axes.
    pub fn matrix(&self, name: &str) -> Result<[usize; 2]> {
        match self.info(name)?.shape[..] {
            [rows, columns] => Ok([rows, columns]),
            ref shape => {
                Err(Error::Shape { name: name.to_owned(), expected: "two axes".to_owned(), found: shape.to_vec() })
            }
        }
    }

    /// The values of a tensor of this shape.
    pub fn take(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let info = self.info(name)?;
        if info.shape != shape {
            let found = info.shape.clone();
            return Err(Error::Shape { name: name.to_owned(), expected: format!("{shape:?}"), found });
        }
        if info.dtype != "F32" {
            return Err(Error::Tensor { message: format!("tensor {name} is {}: expected F32", info.dtype) });
        }
        self.left.remove(name);
        self.file.tensor(name).map(|(_, values)| values)
    }

    /// Refuses tensors that no layer named.
    pub fn end(self) -> Result<()> {
        match self.left.into_keys().next() {
            None => Ok(()),
            Some(name) => Err(refused(format!("tensor {name} belongs to no layer"))),
        }
    }
}
