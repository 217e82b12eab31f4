//! A recurrent module of PyTorch: a cell, and the tensors of all its layers and directions.

use crate::activation::Activation;
use crate::error::Result;
use crate::model::{Merge, Model, ModelBuilder};
use crate::network::blueprint::{Layer, Operation, Passes, Recurrent};
use crate::weights::{TorchTensors, Values, Weights};

/// Which cell a file's tensors belong to, as only their owner knows: the number of gates tells the three apart, but nothing
/// in a file says with which activation a simple RNN was trained.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell {
    /// `torch.nn.LSTM`: gates i f g o.
    Lstm,
    /// `torch.nn.GRU`: gates r z n, reset after.
    Gru,
    /// `torch.nn.RNN` with this activation, PyTorch's `nonlinearity`.
    Rnn(Activation),
}

impl Cell {
    /// Gates of a unit: 4, 3 or 1.
    pub fn gates(self) -> usize {
        match self {
            Cell::Lstm => 4,
            Cell::Gru => 3,
            Cell::Rnn(_) => 1,
        }
    }

    fn weights(self, tensors: TorchTensors, values: Values) -> Result<Weights> {
        Ok(match self {
            Cell::Lstm => tensors.lstm(values)?.into(),
            Cell::Gru => tensors.gru(values)?.into(),
            Cell::Rnn(activation) => tensors.rnn(activation, values)?.into(),
        })
    }
}

/// A `torch.nn.LSTM`, `GRU` or `RNN` whole: the layers from the input up.
#[derive(Clone, Debug, PartialEq)]
pub struct TorchModule {
    /// Whose tensors they are.
    pub cell: Cell,
    /// At least one; all have the same H, the same P and the same directions.
    pub layers: Vec<TorchLayer>,
}

/// One layer of a [`TorchModule`].
#[derive(Clone, Debug, PartialEq)]
pub struct TorchLayer {
    /// Of the direction that every layer has.
    pub forward: TorchTensors,
    /// Of the reverse direction, PyTorch's `bidirectional=True`.
    pub reverse: Option<TorchTensors>,
}

impl TorchLayer {
    /// Its tensors, forward before reverse.
    pub fn passes(&self) -> impl Iterator<Item = &TorchTensors> {
        [Some(&self.forward), self.reverse.as_ref()].into_iter().flatten()
    }
}

impl TorchModule {
    /// The model to build, both directions' outputs side by side as PyTorch has them; its level is still open.
    ///
    /// # Errors
    /// What [`TorchTensors::into_lstm`] and its like refuse.
    ///
    /// ```
    /// use gatewise::TorchTensors;
    /// use gatewise::load::{Cell, TorchLayer, TorchModule};
    ///
    /// let forward = TorchTensors {
    ///     input_size: 2,
    ///     hidden_size: 3,
    ///     weight_ih: vec![0.1; 3 * 3 * 2],
    ///     weight_hh: vec![0.1; 3 * 3 * 3],
    ///     biases: None,
    ///     projection: None,
    /// };
    /// let module = TorchModule { cell: Cell::Gru, layers: vec![TorchLayer { reverse: Some(forward.clone()), forward }] };
    /// let model = module.builder()?.build()?;
    /// assert_eq!((model.input_size(), model.output_size(), model.passes()), (2, 6, 2));
    /// # Ok::<(), gatewise::Error>(())
    /// ```
    pub fn builder(&self) -> Result<ModelBuilder> {
        self.clone().into_builder()
    }

    /// [`TorchModule::builder`] without a copy of the matrices.
    ///
    /// # Errors
    /// As [`TorchModule::builder`].
    pub fn into_builder(self) -> Result<ModelBuilder> {
        self.builder_of(Values::Unseen)
    }

    pub(super) fn builder_of(self, values: Values) -> Result<ModelBuilder> {
        let mut builder = Model::builder();
        for TorchLayer { forward, reverse } in self.layers {
            let forward = self.cell.weights(forward, values)?;
            builder = match reverse {
                None => builder.layer(forward),
                Some(reverse) => builder.bidirectional(forward, self.cell.weights(reverse, values)?, Merge::Concat),
            };
        }
        Ok(builder)
    }

    /// The layers of a whole model, both directions' outputs side by side, named `NAME.l0`, `NAME.l1`, … behind `name`
    /// (`l0`, `l1`, … without one).
    ///
    /// # Errors
    /// What [`TorchTensors::into_lstm`] and its like refuse.
    pub fn layers(&self, name: &str) -> Result<Vec<Layer>> {
        self.clone().into_layers(name)
    }

    /// [`TorchModule::layers`] without a copy of the matrices.
    ///
    /// # Errors
    /// As [`TorchModule::layers`].
    pub fn into_layers(self, name: &str) -> Result<Vec<Layer>> {
        self.layers_of(name, Values::Unseen)
    }

    pub(super) fn layers_of(self, name: &str, values: Values) -> Result<Vec<Layer>> {
        let dot = if name.is_empty() || name.ends_with('.') { "" } else { "." };
        let layer = |(index, TorchLayer { forward, reverse }): (usize, TorchLayer)| {
            let forward = self.cell.weights(forward, values)?;
            let passes = match reverse {
                None => Passes::Forward(forward),
                Some(reverse) => {
                    Passes::Both { forward, reverse: self.cell.weights(reverse, values)?, merge: Merge::Concat }
                }
            };
            let recurrent = Recurrent::new(passes);
            Ok(Layer::new(format!("{name}{dot}l{index}"), Operation::Recurrent(Box::new(recurrent))))
        };
        self.layers.into_iter().enumerate().map(layer).collect()
    }
}
