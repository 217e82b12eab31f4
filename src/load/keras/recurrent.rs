//! Recurrent layers: from what a configuration or an outline says of a cell, and its tensors, to weights.

use super::activations::pointwise;
use super::layers::Reader;
use super::settings::Layer;
use super::tensors::{CELL, Part, Place, Tensors};
use crate::activation::Activation;
use crate::cell::gru::{GruOptions, Reset};
use crate::cell::lstm::LstmOptions;
use crate::cell::rnn::RnnOptions;
use crate::error::{Error, Result};
use crate::load::hdf5::Stored;
use crate::load::orders::KerasTensors;
use crate::load::outline::CellName;
use crate::model::Merge;
use crate::network::blueprint::{Masked, Output, Passes, Recurrent};
use crate::weights::Weights;

/// Keys of a cell that are read, or that change nothing outside training or beside the speed.
const KNOWN: [&str; 17] = [
    "units",
    "activation",
    "recurrent_activation",
    "use_bias",
    "reset_after",
    "return_sequences",
    "return_state",
    "go_backwards",
    "stateful",
    "unroll",
    "zero_output_for_mask",
    "unit_forget_bias",
    "dropout",
    "recurrent_dropout",
    "implementation",
    "use_cudnn",
    "input_length",
];

/// What is known of a cell before its tensors are read.
#[derive(Clone, Copy)]
pub(super) struct Cell {
    /// Which cell.
    pub name: CellName,
    /// H, where the configuration says it.
    pub units: Option<usize>,
    /// Whether it has a bias, where the configuration says so.
    pub bias: Option<bool>,
    /// Of the candidate, and of an LSTM's cell state on its way to h.
    pub activation: Activation,
    /// Of the gates.
    pub gate: Activation,
    /// Where a GRU's reset stands.
    pub reset: Reset,
}

impl Reader<'_> {
    /// An `LSTM`, a `GRU` or a `SimpleRNN`.
    pub fn recurrent(&self, layer: &Layer<'_>) -> Result<Recurrent> {
        let weights = self.cell(layer)?.read(&self.tensors, &self.tensors.place(layer), Part::Cell)?;
        let masked = if layer.flag("zero_output_for_mask")? { Masked::Zeros } else { Masked::Repeat };
        let go_backwards = layer.flag("go_backwards")?;
        Ok(Recurrent { output: output(layer)?, go_backwards, masked, ..Recurrent::forward(weights) })
    }

    /// A `Bidirectional`.
    pub fn bidirectional(&self, layer: &Layer<'_>) -> Result<Recurrent> {
        layer.only(&["merge_mode", "layer", "backward_layer"])?;
        let merge = merge(layer)?;
        let Some(forward) = layer.get("layer") else { return layer.refuse("has no layer inside") };
        let forward = Layer::of(forward)?;
        if forward.flag("go_backwards")? {
            return layer.refuse("has a forward layer with go_backwards: expected a backward layer with it");
        }
        // Keras 2 writes it only where it is not the forward layer turned round.
        let backward = match layer.get("backward_layer").map(Layer::of).transpose()? {
            Some(own) if !own.flag("go_backwards")? => {
                return layer.refuse("has a backward layer without go_backwards");
            }
            Some(own) => own,
            None => forward.clone(),
        };
        let every = output(&forward)?;
        if output(&backward)? != every {
            return layer.refuse("has return_sequences in one direction only");
        }
        let place = self.tensors.place(layer);
        let read = |cell: &Layer<'_>, part| self.cell(cell)?.read(&self.tensors, &place, part);
        let (forward, reverse) = (read(&forward, Part::Forward)?, read(&backward, Part::Backward)?);
        Ok(both(Passes::Both { forward, reverse, merge }, every))
    }

    fn cell(&self, layer: &Layer<'_>) -> Result<Cell> {
        layer.only(&KNOWN)?;
        let name = match layer.class {
            "LSTM" => CellName::Lstm,
            "GRU" => CellName::Gru,
            "SimpleRNN" => CellName::Rnn,
            _ => return layer.refuse("is no recurrent layer that is supported: expected LSTM, GRU or SimpleRNN"),
        };
        let gate = match name {
            CellName::Rnn => Activation::Identity,
            _ => pointwise(layer, "recurrent_activation", self.keras)?,
        };
        Ok(Cell {
            name,
            units: Some(layer.count("units")?),
            bias: Some(layer.get("use_bias").is_none() || layer.flag("use_bias")?),
            activation: pointwise(layer, "activation", self.keras)?,
            gate,
            // Keras before 2.2 had none, and its GRU the reset before.
            reset: if layer.flag("reset_after")? { Reset::After } else { Reset::Before },
        })
    }
}

/// The merge of two directions.
fn merge(layer: &Layer<'_>) -> Result<Merge> {
    match layer.get("merge_mode").map(|mode| (mode, mode.as_str())) {
        Some((_, Some("concat"))) => Ok(Merge::Concat),
        Some((_, Some("sum"))) => Ok(Merge::Sum),
        Some((_, Some("mul"))) => Ok(Merge::Mul),
        Some((_, Some("ave"))) => Ok(Merge::Average),
        Some((other, _)) => layer.unexpected("merge_mode", "concat, sum, mul or ave", other),
        None => layer.refuse("has merge_mode = None, two outputs: expected concat, sum, mul or ave"),
    }
}

fn output(layer: &Layer<'_>) -> Result<Output> {
    Ok(if layer.flag("return_sequences")? { Output::Every } else { Output::Last })
}

/// Two directions: Keras sets `zero_output_for_mask` where every step is given, and only there.
pub(super) fn both(passes: Passes, output: Output) -> Recurrent {
    let masked = match output {
        Output::Every => Masked::Zeros,
        Output::Last => Masked::Repeat,
    };
    Recurrent { passes, output, go_backwards: false, masked, initial: Vec::new() }
}

impl Cell {
    fn gates(self) -> usize {
        match self.name {
            CellName::Lstm => 4,
            CellName::Gru => 3,
            CellName::Rnn => 1,
        }
    }

    /// Reads its tensors, all shapes checked before the first value.
    pub fn read(self, tensors: &Tensors<'_>, place: &Place, part: Part) -> Result<Weights> {
        let stored = tensors.open(place, part, &CELL)?;
        let [kernel, recurrent, bias @ ..] = stored.as_slice() else {
            return Err(Error::Tensor { message: format!("{} has no kernels", place.title) });
        };
        let (input, hidden) = self.sizes(kernel, recurrent)?;
        self.check_bias(place, hidden, bias.first())?;
        let own = KerasTensors {
            input,
            hidden,
            kernel: kernel.values()?,
            recurrent: recurrent.values()?,
            bias: bias.first().map_or(Ok(Vec::new()), Stored::values)?,
        };
        let (activation, gate) = (self.activation, self.gate);
        let read = match self.name {
            CellName::Lstm => {
                own.lstm(LstmOptions { gate, input: activation, output: activation, ..LstmOptions::default() })
            }
            CellName::Gru => {
                own.gru(GruOptions { reset: self.reset, gate, candidate: activation, ..GruOptions::default() })
            }
            CellName::Rnn => own.rnn(RnnOptions { activation, clip: None }),
        };
        read.map_err(|error| Error::Model { message: format!("{}: {error}", place.title) })
    }

    /// I and H.
    fn sizes(self, kernel: &Stored<'_>, recurrent: &Stored<'_>) -> Result<(usize, usize)> {
        let gates = self.gates();
        let hidden = match (self.units, recurrent.shape.first()) {
            (Some(units), _) => units,
            (None, Some(rows)) => *rows,
            (None, None) => 0,
        };
        let columns = gates.saturating_mul(hidden);
        let expected = |rows: &str| match gates {
            1 => format!("[{rows}, {hidden}] ({hidden} units)"),
            _ => format!("[{rows}, {columns}] ({gates} gates of {hidden} units)"),
        };
        if recurrent.shape != [hidden, columns] {
            return Err(recurrent.shape_error(expected(&hidden.to_string())));
        }
        match kernel.shape.as_slice() {
            &[input, found] if found == columns => Ok((input, hidden)),
            _ => Err(kernel.shape_error(expected("I"))),
        }
    }

    fn check_bias(self, place: &Place, hidden: usize, bias: Option<&Stored<'_>>) -> Result<()> {
        let refuse = |found: &str| Err(Error::Tensor { message: format!("{} {found}", place.title) });
        let bias = match (bias, self.bias) {
            (None, Some(true)) => return refuse("has no tensor bias, but its configuration says use_bias"),
            (Some(_), Some(false)) => return refuse("has a tensor bias, but its configuration says use_bias = false"),
            (None, _) => return Ok(()),
            (Some(bias), _) => bias,
        };
        let columns = self.gates().saturating_mul(hidden);
        let rows: &[usize] = match (self.name, self.reset) {
            (CellName::Gru, Reset::After) => &[2, columns],
            _ => &[columns],
        };
        if bias.shape == rows {
            return Ok(());
        }
        let reset = match (self.name, self.reset) {
            (CellName::Gru, Reset::After) => " (reset_after)",
            (CellName::Gru, Reset::Before) => " (no reset_after)",
            _ => "",
        };
        Err(bias.shape_error(format!("{rows:?}{reset}")))
    }
}
