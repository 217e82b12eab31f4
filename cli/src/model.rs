//! A layer from a weights file, as the reference's cell: the same tensors for the book and for the kernels.

use std::path::Path;

use anyhow::Result;
use clap::ValueEnum;
use gatewise::TorchTensors;
use gatewise::load::safetensors::SafetensorsFile;
use gatewise_reference::{Function, Gru, Lstm, Output, PyTorchWeights, Recorder, Sequence, SimpleRnn, forward};

/// The cell whose weights a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CellKind {
    /// Gates i f g o
    Lstm,
    /// Gates r z n, reset after (PyTorch's)
    Gru,
    /// Simple recurrent layer
    Rnn,
}

/// A simple RNN's activation, which PyTorch's files do not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Nonlinearity {
    /// tanh
    #[default]
    Tanh,
    /// ReLU
    Relu,
}

impl CellKind {
    /// Gates of a unit.
    pub fn gates(self) -> usize {
        match self {
            CellKind::Lstm => 4,
            CellKind::Gru => 3,
            CellKind::Rnn => 1,
        }
    }

    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            CellKind::Lstm => "LSTM",
            CellKind::Gru => "GRU",
            CellKind::Rnn => "simple RNN",
        }
    }
}

/// Reads the tensors of the layer behind `prefix`; errors name the file.
pub fn read(path: &Path, prefix: Option<&str>, cell: CellKind) -> Result<TorchTensors> {
    let file = SafetensorsFile::read(path)?;
    file.layer(prefix, cell.gates()).map_err(|error| anyhow::anyhow!("{}: {error}", path.display()))
}

/// One of the reference's cells, in double precision.
pub enum ReferenceCell {
    /// LSTM
    Lstm(Lstm<f64>),
    /// GRU
    Gru(Gru<f64>),
    /// Simple RNN
    Rnn(SimpleRnn<f64>),
}

impl ReferenceCell {
    /// Takes PyTorch's tensors; every f32 is exact in f64.
    pub fn new(tensors: &TorchTensors, cell: CellKind, nonlinearity: Nonlinearity) -> Result<Self> {
        let wide = |values: &[f32]| values.iter().copied().map(f64::from).collect::<Vec<f64>>();
        let biases = tensors.biases.as_ref();
        let weights = PyTorchWeights {
            inputs: tensors.input_size,
            hidden: tensors.hidden_size,
            weight_ih: &wide(&tensors.weight_ih),
            weight_hh: &wide(&tensors.weight_hh),
            bias_ih: &biases.map(|[ih, _]| wide(ih)).unwrap_or_default(),
            bias_hh: &biases.map(|[_, hh]| wide(hh)).unwrap_or_default(),
        };
        Ok(match cell {
            CellKind::Lstm => ReferenceCell::Lstm(Lstm::from_pytorch(&weights)?),
            CellKind::Gru => ReferenceCell::Gru(Gru::from_pytorch(&weights)?),
            CellKind::Rnn => {
                let activation = match nonlinearity {
                    Nonlinearity::Tanh => Function::Tanh,
                    Nonlinearity::Relu => Function::Relu,
                };
                ReferenceCell::Rnn(SimpleRnn::from_pytorch(&weights, activation)?)
            }
        })
    }

    /// Runs it over a batch of sequences.
    pub fn forward(&self, input: &Sequence<'_, f64>, recorder: &mut impl Recorder<f64>) -> Result<Output<f64>> {
        Ok(match self {
            ReferenceCell::Lstm(cell) => forward(cell, input, recorder)?,
            ReferenceCell::Gru(cell) => forward(cell, input, recorder)?,
            ReferenceCell::Rnn(cell) => forward(cell, input, recorder)?,
        })
    }
}
