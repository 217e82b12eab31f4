//! PyTorch's recurrent modules from a `.safetensors` file: any prefix, stacked layers, both directions, projections.
//!
//! Weights may be F32, F16 or BF16, which are exact in f32, or F64, which is rounded to the nearest f32 (what is too large
//! for f32 counts as infinite and is refused). What a module's names say beyond what is computed is refused by name, never
//! ignored.

use std::path::Path;

use super::state_dict::read_layers;
use super::torch::{Cell, TorchModule};
use super::values::Contents;
use crate::error::{Error, Result};
use crate::model::{Model, ModelBuilder};
use crate::weights::{LstmWeights, TorchTensors, Values};

/// A safetensors file, its header checked; values are read when they are asked for.
pub struct SafetensorsFile {
    contents: Contents,
}

/// What a file says of one tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorInfo {
    /// Its full name.
    pub name: String,
    /// Its element type as the format names it, such as `F32`.
    pub dtype: String,
    /// Its shape.
    pub shape: Vec<usize>,
}

/// Where a recurrent module's tensors are in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleName {
    /// Before the tensors' own names, such as `encoder.rnn.`; may be empty.
    pub prefix: String,
    /// After the first layer's: `_l0`, or nothing for a cell's file.
    pub suffix: &'static str,
}

/// Reads the only recurrent module of a file, or the one behind `prefix`, with all its layers and directions, and packs it.
///
/// # Errors
/// Everything that [`SafetensorsFile::read`], [`SafetensorsFile::model`] and [`ModelBuilder::build`] refuse; each names the
/// file.
pub fn read_model(path: impl AsRef<Path>, prefix: Option<&str>, cell: Cell) -> Result<Model> {
    let path = path.as_ref();
    let file = SafetensorsFile::read(path)?;
    file.model(prefix, cell).and_then(ModelBuilder::build).map_err(|error| error.of_file(path))
}

/// Reads the weights of the only LSTM of a file, or of the one behind `prefix`: one layer, one direction.
///
/// # Errors
/// Everything that [`SafetensorsFile::read`] and [`SafetensorsFile::layer`] refuse; each names the file.
pub fn read_lstm(path: impl AsRef<Path>, prefix: Option<&str>) -> Result<LstmWeights> {
    let path = path.as_ref();
    let file = SafetensorsFile::read(path)?;
    file.layer(prefix, 4).and_then(|tensors| tensors.lstm(Values::Finite)).map_err(|error| error.of_file(path))
}

impl SafetensorsFile {
    /// Opens a file and checks its header. The file stays open, and must not change until its values were read.
    ///
    /// # Errors
    /// [`Error::File`] around [`Error::Io`] if it cannot be read, or around [`Error::Format`] if its header is cut short,
    /// is no JSON, is out of proportion to the file, or names bytes that the file does not hold.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let contents = Contents::open(path).map_err(|error| error.of_file(path))?;
        Ok(SafetensorsFile { contents })
    }

    /// Takes a file's bytes and checks its header.
    ///
    /// # Errors
    /// [`Error::Format`] as [`SafetensorsFile::read`].
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self> {
        Ok(SafetensorsFile { contents: Contents::from_bytes(bytes)? })
    }

    /// A text that the header holds beside the tensors (`__metadata__`).
    pub fn text(&self, key: &str) -> Option<&str> {
        self.contents.text(key)
    }

    /// What the file holds, by name.
    pub fn tensors(&self) -> Vec<TensorInfo> {
        let info = |name: String| {
            let info = self.contents.info(&name)?;
            Some(TensorInfo { dtype: format!("{:?}", info.dtype), shape: info.shape.clone(), name })
        };
        self.contents.names().into_iter().filter_map(info).collect()
    }

    /// One tensor's shape, and its values as f32.
    ///
    /// # Errors
    /// [`Error::Tensor`] if it is not there or its type is not read; [`Error::NotFinite`] for NaN or ∞.
    pub fn tensor(&self, name: &str) -> Result<(Vec<usize>, Vec<f32>)> {
        let missing = || Error::Tensor { message: format!("tensor {name} is missing") };
        let info = self.contents.info(name).ok_or_else(missing)?;
        Ok((info.shape.clone(), self.contents.values(name, info)?))
    }

    /// The recurrent modules that the file holds: every prefix of a `weight_ih_l0` or `weight_ih`.
    pub fn modules(&self) -> Vec<ModuleName> {
        let module = |name: &str| {
            [("weight_ih_l0", "_l0"), ("weight_ih", "")].into_iter().find_map(|(own, suffix)| {
                let prefix = name.strip_suffix(own).filter(|prefix| prefix.is_empty() || prefix.ends_with('.'))?;
                Some(ModuleName { prefix: prefix.to_owned(), suffix })
            })
        };
        self.contents.names().iter().filter_map(|name| module(name)).collect()
    }

    /// Begins a model of the module behind `prefix` (with or without its last dot), or of the only one; both directions'
    /// outputs stand side by side, as in PyTorch.
    ///
    /// # Errors
    /// As [`SafetensorsFile::module`].
    pub fn model(&self, prefix: Option<&str>, cell: Cell) -> Result<ModelBuilder> {
        self.module(prefix, cell)?.builder_of(Values::Finite)
    }

    /// The tensors of all layers and directions of the module behind `prefix`, or of the only one, as f32.
    ///
    /// # Errors
    /// [`Error::Tensor`] if the module or one of its tensors is not there (a layer between two others, a direction of one
    /// layer, one bias of two), if its type is not read, if a name is none that PyTorch gives, or for a projection that the
    /// cell cannot have; [`Error::Shape`] if shapes disagree; [`Error::Size`] for a size of zero; [`Error::NotFinite`] for
    /// NaN or ∞.
    pub fn module(&self, prefix: Option<&str>, cell: Cell) -> Result<TorchModule> {
        Ok(TorchModule { cell, layers: read_layers(&self.contents, &self.find_module(prefix)?, cell.gates())? })
    }

    /// The tensors of a module of one layer and one direction. `gates` is 4 for an LSTM, 3 for a GRU, 1 for a simple RNN.
    ///
    /// # Errors
    /// As [`SafetensorsFile::module`]; [`Error::Tensor`] for a second layer or a reverse direction.
    pub fn layer(&self, prefix: Option<&str>, gates: usize) -> Result<TorchTensors> {
        let module = self.find_module(prefix)?;
        let mut layers = read_layers(&self.contents, &module, gates)?;
        let more = match &layers[..] {
            [only] if only.reverse.is_none() => return Ok(layers.swap_remove(0).forward),
            [_] => "weight_ih_l0_reverse: a reverse direction (bidirectional)",
            _ => "weight_ih_l1: a further stacked layer (num_layers)",
        };
        let message = format!("tensor {}{more}, where one layer of one direction is expected", module.prefix);
        Err(Error::Tensor { message })
    }

    /// The recurrent module behind `prefix` (with or without its last dot), or the only one.
    ///
    /// # Errors
    /// [`Error::Tensor`] if there is none of that name, or several and no name was given.
    pub fn find_module(&self, prefix: Option<&str>) -> Result<ModuleName> {
        let modules = self.modules();
        let name = |module: &ModuleName| match &module.prefix[..] {
            "" => "\"\" (no prefix)".to_owned(),
            prefix => format!("{prefix:?}"),
        };
        let prefixes = || modules.iter().map(name).collect::<Vec<_>>().join(", ");
        let message = match (prefix, &modules[..]) {
            (_, []) => {
                let names = self.contents.names();
                let shown = names.iter().take(6).map(String::as_str).collect::<Vec<_>>().join(", ");
                let more = if names.len() > 6 { format!(" and {} more", names.len() - 6) } else { String::new() };
                format!("no recurrent layer: expected a tensor weight_ih_l0 or weight_ih, found {shown}{more}")
            }
            (None, [only]) => return Ok(only.clone()),
            (None, _) => format!("several recurrent layers: choose one by its prefix, one of {}", prefixes()),
            (Some(asked), _) => {
                let wanted = asked.trim_end_matches('.');
                match modules.iter().find(|module| module.prefix.trim_end_matches('.') == wanted) {
                    Some(module) => return Ok(module.clone()),
                    None => format!("no recurrent layer with prefix {asked:?}: the file has {}", prefixes()),
                }
            }
        };
        Err(Error::Tensor { message })
    }
}
