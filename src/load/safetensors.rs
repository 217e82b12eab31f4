//! PyTorch weights from a `.safetensors` file: names, prefix, two biases, f32, f16 and bf16.
//!
//! A `torch.nn.LSTM`, `GRU` or `RNN` saves `weight_ih_l0` (G·H × I), `weight_hh_l0` (G·H × H), `bias_ih_l0` and
//! `bias_hh_l0` (G·H), behind the module's own name (`encoder.rnn.`); `LSTMCell` and its like save the same without `_l0`.
//! What the file holds beyond one layer and one direction is refused by name, never ignored.

use std::path::Path;

use ::safetensors::tensor::TensorView;
use ::safetensors::{Dtype, SafeTensors};

use crate::error::{Error, Result};
use crate::weights::{LstmWeights, TorchTensors, check_finite, check_sizes};

/// A safetensors file in memory, its header checked.
pub struct SafetensorsFile {
    bytes: Vec<u8>,
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

/// Where a recurrent layer's tensors are in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerName {
    /// Before the tensor's own name, such as `encoder.rnn.`; may be empty.
    pub prefix: String,
    /// After it: `_l0`, or nothing for a cell's file.
    pub suffix: &'static str,
}

/// Reads the only LSTM layer of a file, or the one behind `prefix`.
///
/// # Errors
/// Everything that [`SafetensorsFile::read`] and [`SafetensorsFile::layer`] refuse; each names the file.
pub fn read_lstm(path: impl AsRef<Path>, prefix: Option<&str>) -> Result<LstmWeights> {
    let path = path.as_ref();
    let file = SafetensorsFile::read(path)?;
    file.layer(prefix, 4).and_then(|tensors| LstmWeights::from_torch(&tensors)).map_err(|error| error.of_file(path))
}

impl SafetensorsFile {
    /// Reads a file and checks its header.
    ///
    /// # Errors
    /// [`Error::File`] around [`Error::Io`] if it cannot be read, or around [`Error::Format`] if its header is cut short,
    /// is no JSON, or names bytes that the file does not hold.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|error| Error::Io { reason: error.to_string() }.of_file(path))?;
        SafetensorsFile::from_bytes(bytes).map_err(|error| error.of_file(path))
    }

    /// Takes a file's bytes and checks its header.
    ///
    /// # Errors
    /// [`Error::Format`] as [`SafetensorsFile::read`].
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self> {
        parse(&bytes)?;
        Ok(SafetensorsFile { bytes })
    }

    /// What the file holds, by name.
    pub fn tensors(&self) -> Vec<TensorInfo> {
        let Ok(tensors) = parse(&self.bytes) else {
            return Vec::new();
        };
        let mut infos: Vec<TensorInfo> = tensors
            .tensors()
            .into_iter()
            .map(|(name, view)| TensorInfo { name, dtype: format!("{:?}", view.dtype()), shape: view.shape().to_vec() })
            .collect();
        infos.sort_by(|a, b| a.name.cmp(&b.name));
        infos
    }

    /// The recurrent layers that the file holds: every prefix of a `weight_ih_l0` or `weight_ih`.
    pub fn layers(&self) -> Vec<LayerName> {
        let layer = |name: &str| {
            [("weight_ih_l0", "_l0"), ("weight_ih", "")].into_iter().find_map(|(own, suffix)| {
                let prefix = name.strip_suffix(own).filter(|prefix| prefix.is_empty() || prefix.ends_with('.'))?;
                Some(LayerName { prefix: prefix.to_owned(), suffix })
            })
        };
        self.tensors().iter().filter_map(|tensor| layer(&tensor.name)).collect()
    }

    /// The tensors of the layer behind `prefix` (with or without its last dot), or of the only layer, as f32.
    ///
    /// `gates` is 4 for an LSTM, 3 for a GRU, 1 for a simple RNN.
    ///
    /// # Errors
    /// [`Error::Tensor`] if the layer or one of its tensors is not there, if its type is not read, or if the file holds
    /// what this layer cannot take (a second layer, a reverse direction, a projection); [`Error::Shape`] if shapes
    /// disagree; [`Error::Size`] for a size of zero; [`Error::NotFinite`] for NaN or ∞.
    pub fn layer(&self, prefix: Option<&str>, gates: usize) -> Result<TorchTensors> {
        let LayerName { prefix, suffix } = self.find(prefix)?;
        let tensors = parse(&self.bytes)?;
        self.refuse_more_than_one_layer(&prefix)?;

        let name = |own: &str| format!("{prefix}{own}{suffix}");
        let view = |own: &str| {
            tensors.tensor(&name(own)).map_err(|_| Error::Tensor {
                message: format!(
                    "tensor {} is missing: a layer has weight_ih, weight_hh and two biases or none",
                    name(own)
                ),
            })
        };
        let (ih, hh) = (view("weight_ih")?, view("weight_hh")?);
        let &[rows, hidden] = hh.shape() else {
            return Err(shape_error(&name("weight_hh"), "two axes, (G·H, H)", &hh));
        };
        let &[ih_rows, input] = ih.shape() else {
            return Err(shape_error(&name("weight_ih"), "two axes, (G·H, I)", &ih));
        };
        check_sizes(input, hidden)?;
        if rows != gates * hidden {
            let hint = match rows / hidden {
                count @ (1 | 3 | 4) if rows % hidden == 0 => {
                    format!(" (G = {count} is {})", cell_of(count))
                }
                _ => String::new(),
            };
            let expected = format!("[{}, {hidden}] for {}{hint}", gates * hidden, cell_of(gates));
            return Err(shape_error(&name("weight_hh"), &expected, &hh));
        }
        if ih_rows != rows {
            let expected = format!("[{rows}, I], as many rows as {}", name("weight_hh"));
            return Err(shape_error(&name("weight_ih"), &expected, &ih));
        }

        let biases = if tensors.tensor(&name("bias_ih")).is_err() && tensors.tensor(&name("bias_hh")).is_err() {
            None
        } else {
            let bias = |own: &str| {
                let view = view(own)?;
                match view.shape() {
                    &[length] if length == rows => values(&name(own), &view),
                    _ => Err(shape_error(&name(own), &format!("[{rows}]"), &view)),
                }
            };
            Some([bias("bias_ih")?, bias("bias_hh")?])
        };
        Ok(TorchTensors {
            input_size: input,
            hidden_size: hidden,
            weight_ih: values(&name("weight_ih"), &ih)?,
            weight_hh: values(&name("weight_hh"), &hh)?,
            biases,
            projection: None,
        })
    }

    fn find(&self, prefix: Option<&str>) -> Result<LayerName> {
        let layers = self.layers();
        let name = |layer: &LayerName| match &layer.prefix[..] {
            "" => "\"\" (no prefix)".to_owned(),
            prefix => format!("{prefix:?}"),
        };
        let prefixes = || layers.iter().map(name).collect::<Vec<_>>().join(", ");
        let message = match (prefix, &layers[..]) {
            (_, []) => {
                let names: Vec<String> = self.tensors().into_iter().map(|tensor| tensor.name).collect();
                let shown = names.iter().take(6).map(String::as_str).collect::<Vec<_>>().join(", ");
                let more = if names.len() > 6 { format!(" and {} more", names.len() - 6) } else { String::new() };
                format!("no recurrent layer: expected a tensor weight_ih_l0 or weight_ih, found {shown}{more}")
            }
            (None, [only]) => return Ok(only.clone()),
            (None, _) => format!("several recurrent layers: choose one by its prefix, one of {}", prefixes()),
            (Some(asked), _) => {
                let wanted = asked.trim_end_matches('.');
                match layers.iter().find(|layer| layer.prefix.trim_end_matches('.') == wanted) {
                    Some(layer) => return Ok(layer.clone()),
                    None => format!("no recurrent layer with prefix {asked:?}: the file has {}", prefixes()),
                }
            }
        };
        Err(Error::Tensor { message })
    }

    /// A file's further layers, directions and projections change the result: refuse them until they are computed.
    fn refuse_more_than_one_layer(&self, prefix: &str) -> Result<()> {
        for TensorInfo { name, .. } in self.tensors() {
            let Some(own) = name.strip_prefix(prefix) else {
                continue;
            };
            let what = if own.starts_with("weight_hr") {
                "a projection (proj_size)"
            } else if own.starts_with("weight_ih") && own.ends_with("_reverse") {
                "a reverse direction (bidirectional)"
            } else if own.strip_prefix("weight_ih_l").is_some_and(|layer| layer != "0") {
                "a further stacked layer (num_layers)"
            } else {
                continue;
            };
            return Err(Error::Tensor { message: format!("tensor {name}: {what} is not supported yet") });
        }
        Ok(())
    }
}

fn parse(bytes: &[u8]) -> Result<SafeTensors<'_>> {
    SafeTensors::deserialize(bytes).map_err(|error| Error::Format { format: "safetensors", reason: error.to_string() })
}

fn shape_error(name: &str, expected: &str, view: &TensorView<'_>) -> Error {
    Error::Shape { name: name.to_owned(), expected: expected.to_owned(), found: view.shape().to_vec() }
}

fn cell_of(gates: usize) -> &'static str {
    match gates {
        1 => "a simple RNN",
        3 => "a GRU",
        _ => "an LSTM",
    }
}

/// A tensor's values as f32; f16 and bf16 widen exactly.
fn values(name: &str, view: &TensorView<'_>) -> Result<Vec<f32>> {
    let data = view.data();
    let halves = || data.as_chunks::<2>().0.iter().copied();
    let values: Vec<f32> = match view.dtype() {
        Dtype::F32 => data.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
        Dtype::F16 => halves().map(|bytes| half::f16::from_le_bytes(bytes).to_f32()).collect(),
        Dtype::BF16 => halves().map(|bytes| half::bf16::from_le_bytes(bytes).to_f32()).collect(),
        other => {
            return Err(Error::Tensor { message: format!("tensor {name} is {other:?}: expected F32, F16 or BF16") });
        }
    };
    check_finite(name, &values)?;
    Ok(values)
}
