//! Weights by their meaning, checked; conversions from other orders live here and nowhere else.

use crate::error::{Error, Result};

/// The tensors of one layer and direction as PyTorch names them, any cell: `weight_ih` (G·H × I), `weight_hh` (G·H × H),
/// and two biases (G·H each) or none.
#[derive(Clone, Debug, PartialEq)]
pub struct TorchTensors {
    /// Features of an input row (I).
    pub input_size: usize,
    /// Hidden units (H).
    pub hidden_size: usize,
    /// Row-major, G·H × I.
    pub weight_ih: Vec<f32>,
    /// Row-major, G·H × H.
    pub weight_hh: Vec<f32>,
    /// `bias_ih` and `bias_hh`, where the layer has a bias.
    pub biases: Option<[Vec<f32>; 2]>,
}

/// The weights of one LSTM layer: rows gate by gate in the order i f g o, biases summed.
#[derive(Clone, Debug, PartialEq)]
pub struct LstmWeights {
    input_size: usize,
    hidden_size: usize,
    weight_ih: Vec<f32>,
    weight_hh: Vec<f32>,
    bias: Vec<f32>,
}

impl LstmWeights {
    /// Takes row-major matrices whose rows go i f g o: `weight_ih` 4·H × I, `weight_hh` 4·H × H, `bias` 4·H.
    ///
    /// # Errors
    /// [`Error::Size`] if a size is 0, [`Error::Length`] if a buffer does not fit, [`Error::NotFinite`] for NaN or ∞.
    pub fn new(
        input_size: usize,
        hidden_size: usize,
        weight_ih: &[f32],
        weight_hh: &[f32],
        bias: &[f32],
    ) -> Result<Self> {
        check_sizes(input_size, hidden_size)?;
        Error::check_length("weight_ih", weight_ih.len(), "4·H·I", &[4, hidden_size, input_size])?;
        Error::check_length("weight_hh", weight_hh.len(), "4·H·H", &[4, hidden_size, hidden_size])?;
        Error::check_length("bias", bias.len(), "4·H", &[4, hidden_size])?;
        for (name, values) in [("weight_ih", weight_ih), ("weight_hh", weight_hh), ("bias", bias)] {
            check_finite(name, values)?;
        }
        Ok(LstmWeights {
            input_size,
            hidden_size,
            weight_ih: weight_ih.to_vec(),
            weight_hh: weight_hh.to_vec(),
            bias: bias.to_vec(),
        })
    }

    /// Takes PyTorch's tensors (`torch.nn.LSTM`, gate order i f g o) and sums the two biases.
    ///
    /// # Errors
    /// As [`LstmWeights::new`].
    pub fn from_torch(tensors: &TorchTensors) -> Result<Self> {
        let bias = match &tensors.biases {
            None => vec![0.0; tensors.hidden_size.saturating_mul(4)],
            Some([ih, hh]) => {
                Error::check_length("bias_hh", hh.len(), "the length of bias_ih", &[ih.len()])?;
                ih.iter().zip(hh).map(|(ih, hh)| ih + hh).collect()
            }
        };
        LstmWeights::new(tensors.input_size, tensors.hidden_size, &tensors.weight_ih, &tensors.weight_hh, &bias)
    }

    /// Features of an input row (I).
    pub fn input_size(&self) -> usize {
        self.input_size
    }

    /// Hidden units (H).
    pub fn hidden_size(&self) -> usize {
        self.hidden_size
    }

    /// Input weights W, row-major, 4·H × I, gates i f g o.
    pub fn weight_ih(&self) -> &[f32] {
        &self.weight_ih
    }

    /// Recurrent weights R, row-major, 4·H × H, gates i f g o.
    pub fn weight_hh(&self) -> &[f32] {
        &self.weight_hh
    }

    /// Biases b, 4·H, gates i f g o.
    pub fn bias(&self) -> &[f32] {
        &self.bias
    }
}

/// Refuses sizes of zero, and such whose packed weights would not fit an address space.
pub(crate) fn check_sizes(input_size: usize, hidden_size: usize) -> Result<()> {
    for (what, value) in [("input_size", input_size), ("hidden_size", hidden_size)] {
        if value == 0 {
            return Err(Error::Size { what, value, reason: "a layer has at least one" });
        }
        // Far above any layer, far below the overflow of 4·(H + 15)·(1 + I + H).
        if value > 1 << 24 {
            return Err(Error::Size { what, value, reason: "more than 2^24 is no layer that could be run" });
        }
    }
    Ok(())
}

/// Refuses NaN and infinities, by tensor and index.
pub(crate) fn check_finite(name: &str, values: &[f32]) -> Result<()> {
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(index) => Err(Error::NotFinite { name: name.to_owned(), index, value: values[index] }),
    }
}
