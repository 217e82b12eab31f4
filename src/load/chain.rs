//! Several modules of a PyTorch file as one model, by an [`Outline`]: the file has the weights, the outline the order.

use super::outline::{CellName, Kind, Outline, OutlineLayer, RecurrentOutline};
use super::safetensors::SafetensorsFile;
use super::torch::Cell;
use crate::activation::{Activation, Finish};
use crate::error::{Error, Result};
use crate::network::blueprint::{Blueprint, Dense, Embedding, Layer, Operation, Output, Passes, Recurrent};
use crate::weights::{Values, Weights};

/// The model that `outline` describes, its tensors from `file`: an embedding's or linear layer's behind `NAME.weight` and
/// `NAME.bias`, a recurrent module's as [`SafetensorsFile::module`] finds them.
///
/// # Errors
/// [`Error::Tensor`] for a tensor that is not there, [`Error::Shape`] for one of another shape, [`Error::Model`] for an option
/// that the file contradicts; what [`SafetensorsFile::module`] refuses.
pub fn read(file: &SafetensorsFile, outline: &Outline) -> Result<Blueprint> {
    let mut layers = Vec::new();
    for described in &outline.layers {
        let name = described.name.clone().unwrap_or_default();
        let operation = match &described.kind {
            Kind::Recurrent(recurrent) => {
                layers.extend(module(file, described.name.as_deref(), recurrent)?);
                continue;
            }
            Kind::Embedding { mask_zero } => {
                let ([rows, width], weight) = matrix(file, described, "embedding")?;
                Operation::Embedding(Embedding { rows, width, weight, mask_zero: *mask_zero })
            }
            Kind::Dense(finish) => Operation::Dense(dense(file, described, *finish)?),
            Kind::OneHot { classes } => Operation::OneHot { classes: *classes },
            Kind::Masking { value } => Operation::Masking { value: *value },
            Kind::Activation(finish) => Operation::Activation(*finish),
            Kind::AddInput { features } => Operation::AddInput { features: *features },
        };
        layers.push(Layer::new(name, operation));
    }
    Ok(Blueprint { layers, ..Blueprint::default() })
}

/// The weight of a layer, which must have a name and two axes.
fn matrix(file: &SafetensorsFile, described: &OutlineLayer, kind: &str) -> Result<([usize; 2], Vec<f32>)> {
    let Some(name) = &described.name else {
        let message = format!("{kind}: say which tensors of the file are meant, such as {kind}:NAME for NAME.weight");
        return Err(Error::Model { message });
    };
    let name = format!("{name}.weight");
    let (shape, values) = file.tensor(&name)?;
    match shape[..] {
        [rows, columns] => Ok(([rows, columns], values)),
        _ => Err(Error::Shape { name, expected: "two axes".to_owned(), found: shape }),
    }
}

fn dense(file: &SafetensorsFile, described: &OutlineLayer, finish: Finish) -> Result<Dense> {
    let ([output, input], weight) = matrix(file, described, "dense")?;
    let name = format!("{}.bias", described.name.as_deref().unwrap_or_default());
    if !file.tensors().iter().any(|tensor| tensor.name == name) {
        return Ok(Dense { input, output, weight, bias: Vec::new(), finish });
    }
    let (shape, bias) = file.tensor(&name)?;
    if shape != [output] {
        return Err(Error::Shape { name, expected: format!("[{output}]"), found: shape });
    }
    Ok(Dense { input, output, weight, bias, finish })
}

/// The layers of a recurrent module, with what the outline says of them.
fn module(file: &SafetensorsFile, name: Option<&str>, outline: &RecurrentOutline) -> Result<Vec<Layer>> {
    if outline.cell == CellName::Rnn && outline.recurrent_activation.is_some() {
        let message = "rnn has no gates: expected no recurrent_activation".to_owned();
        return Err(Error::Model { message });
    }
    let cell = match outline.cell {
        CellName::Lstm => Cell::Lstm,
        CellName::Gru => Cell::Gru,
        CellName::Rnn => Cell::Rnn(outline.activation.unwrap_or(Activation::Tanh)),
    };
    let mut layers = file.module(name, cell)?.layers_of(name.unwrap_or_default(), Values::Finite)?;
    let last = layers.len() - 1;
    for (index, layer) in layers.iter_mut().enumerate() {
        let Operation::Recurrent(recurrent) = &mut layer.operation else { continue };
        set_merge(recurrent, outline, &layer.name)?;
        for weights in recurrent.passes.each_mut() {
            set_options(weights, outline);
        }
        recurrent.go_backwards = outline.go_backwards;
        if index == last {
            recurrent.output = outline.output;
        }
    }
    if outline.go_backwards && last > 0 && outline.output == Output::Every {
        let message = "backwards: a module of several layers would turn the order at each of them".to_owned();
        return Err(Error::Model { message });
    }
    Ok(layers)
}

fn set_merge(recurrent: &mut Recurrent, outline: &RecurrentOutline, name: &str) -> Result<()> {
    match (&mut recurrent.passes, outline.merge) {
        (Passes::Both { merge, .. }, Some(asked)) => *merge = asked,
        (_, Some(_)) => {
            let message = format!("{name}: bidirectional, but the file has no reverse direction of it");
            return Err(Error::Model { message });
        }
        (_, None) => {}
    }
    Ok(())
}

fn set_options(weights: &mut Weights, outline: &RecurrentOutline) {
    let (activation, gate) = (outline.activation, outline.recurrent_activation);
    match weights {
        Weights::Lstm(weights) => {
            let options = weights.options_mut();
            options.input = activation.unwrap_or(options.input);
            options.output = activation.unwrap_or(options.output);
            options.gate = gate.unwrap_or(options.gate);
        }
        Weights::Gru(weights) => {
            let options = weights.options_mut();
            options.candidate = activation.unwrap_or(options.candidate);
            options.gate = gate.unwrap_or(options.gate);
            options.reset = outline.reset;
        }
        // Its one activation is the cell's; the others are no outline's.
        Weights::Rnn(_) | Weights::Clockwork(_) | Weights::Mutant(_) | Weights::DepthGated(_) => {}
    }
}
