//! A recurrent module from a weights file: the same tensors for the kernels and, as the reference's network, for the book.

use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use clap::ValueEnum;
use gatewise::load::safetensors::{ModuleName, SafetensorsFile, TensorInfo};
use gatewise::load::{Cell, TorchModule};
use gatewise::{Activation, Error, Level, TorchTensors, Weights};
use gatewise_reference::{AnyCell, Function, Gru, Layer, Lstm, Merge, Network, PyTorchWeights, SimpleRnn};
use serde::{Deserialize, Serialize};

/// The cell whose weights a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CellKind {
    /// Gates i f g o
    Lstm,
    /// Gates r z n, reset after (PyTorch's)
    Gru,
    /// Simple recurrent layer
    Rnn,
}

/// A simple RNN's activation, which PyTorch's files do not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Nonlinearity {
    /// tanh
    #[default]
    Tanh,
    /// ReLU
    Relu,
}

impl CellKind {
    /// As the library knows it; an activation that the cell cannot have is refused, not ignored.
    pub fn cell(self, nonlinearity: Nonlinearity) -> Result<Cell> {
        Ok(match (self, nonlinearity) {
            (CellKind::Lstm, Nonlinearity::Tanh) => Cell::Lstm,
            (CellKind::Gru, Nonlinearity::Tanh) => Cell::Gru,
            (CellKind::Rnn, Nonlinearity::Tanh) => Cell::Rnn(Activation::Tanh),
            (CellKind::Rnn, Nonlinearity::Relu) => Cell::Rnn(Activation::Relu),
            (_, Nonlinearity::Relu) => bail!("--nonlinearity relu: expected --cell rnn, found {}", self.option()),
        })
    }

    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            CellKind::Lstm => "LSTM",
            CellKind::Gru => "GRU",
            CellKind::Rnn => "simple RNN",
        }
    }

    /// How `--cell` calls it.
    pub fn option(self) -> &'static str {
        match self {
            CellKind::Lstm => "lstm",
            CellKind::Gru => "gru",
            CellKind::Rnn => "rnn",
        }
    }
}

/// What people call the cell of some weights.
pub fn cell_name(weights: &Weights) -> &'static str {
    match weights.gates() {
        4 => CellKind::Lstm.name(),
        3 => CellKind::Gru.name(),
        _ => CellKind::Rnn.name(),
    }
}

/// A recurrent module and its sizes.
pub struct Module {
    /// The tensors.
    pub tensors: TorchModule,
    /// I
    pub input: usize,
    /// H
    pub hidden: usize,
    /// P: values of h, H where there is no projection.
    pub state: usize,
    /// L
    pub layers: usize,
    /// D: 1, or 2 with a reverse direction.
    pub directions: usize,
}

impl Module {
    /// Takes the tensors of at least one layer.
    pub fn new(tensors: TorchModule) -> Self {
        let first = &tensors.layers[0].forward;
        let (input, hidden) = (first.input_size, first.hidden_size);
        Module {
            input,
            hidden,
            state: first.projection.as_ref().map_or(hidden, |projection| projection.len() / hidden),
            layers: tensors.layers.len(),
            directions: tensors.layers[0].passes().count(),
            tensors,
        }
    }

    /// Layers and directions, whose states there are: N = L·D.
    pub fn passes(&self) -> usize {
        self.layers * self.directions
    }

    /// Values of y in a row: D·P.
    pub fn output(&self) -> usize {
        self.directions * self.state
    }

    /// The reference's network, in double precision.
    pub fn network(&self) -> Result<Network<AnyCell<f64>>> {
        let cell = self.tensors.cell;
        let layers = self.tensors.layers.iter().map(|layer| {
            let forward = reference_cell(&layer.forward, cell)?;
            Ok(match &layer.reverse {
                None => Layer::Forward(forward),
                Some(reverse) => Layer::Both { forward, reverse: reference_cell(reverse, cell)?, merge: Merge::Concat },
            })
        });
        Ok(Network { layers: layers.collect::<Result<_>>()? })
    }
}

/// Reads a module of one layer and one direction; errors name the file.
pub fn read_layer(path: &Path, prefix: Option<&str>, cell: Cell) -> Result<TorchTensors> {
    let file = SafetensorsFile::read(path)?;
    file.layer(prefix, cell.gates()).map_err(|error| anyhow!("{}: {error}", path.display()))
}

/// The instruction set of `--isa`, or of the environment, or the best of this machine; errors name where it came from.
pub fn level(isa: Option<Level>) -> Result<Level> {
    match isa {
        Some(level) if level.is_available() => Ok(level),
        Some(level) => Err(Error::MissingLevel { level }).context("--isa"),
        None => Level::chosen().with_context(|| format!("environment variable {}", Level::VARIABLE)),
    }
}

/// One of the reference's cells with PyTorch's tensors, in double precision; every f32 is exact in f64.
pub fn reference_cell(tensors: &TorchTensors, cell: Cell) -> Result<AnyCell<f64>> {
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
    Ok(match (cell, &tensors.projection) {
        (Cell::Lstm, None) => Lstm::from_pytorch(&weights)?.into(),
        (Cell::Lstm, Some(projection)) => {
            let outputs = projection.len() / tensors.hidden_size;
            Lstm::from_pytorch_projected(&weights, &wide(projection), outputs)?.into()
        }
        (Cell::Gru, _) => Gru::from_pytorch(&weights)?.into(),
        (Cell::Rnn(Activation::Tanh), _) => SimpleRnn::from_pytorch(&weights, Function::Tanh)?.into(),
        (Cell::Rnn(Activation::Relu), _) => SimpleRnn::from_pytorch(&weights, Function::Relu)?.into(),
        (Cell::Rnn(other), _) => bail!("no option asks for a simple RNN with {other:?}"),
    })
}

/// The cell of a module by its shapes: PyTorch stacks the G gates' rows: weight_hh is (G·H, H), or (G·H, P) beside a weight_hr of (P, H).
pub fn guess_cell(tensors: &[TensorInfo], name: &ModuleName) -> Option<CellKind> {
    let shape = |own: &str| {
        let name = format!("{}{own}{}", name.prefix, name.suffix);
        tensors.iter().find(|tensor| tensor.name == name).map(|tensor| &tensor.shape[..])
    };
    let &[rows, state] = shape("weight_hh")? else { return None };
    let hidden = match shape("weight_hr") {
        Some(&[_, hidden]) => hidden,
        _ => state,
    };
    let fits = |gates: usize| hidden > 0 && gates.checked_mul(hidden) == Some(rows);
    [(4, CellKind::Lstm), (3, CellKind::Gru), (1, CellKind::Rnn)]
        .into_iter()
        .find_map(|(gates, cell)| fits(gates).then_some(cell))
}
