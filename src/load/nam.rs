//! Neural Amp Modeler's `.nam` files of the architecture `LSTM`.
//!
//! All weights stand in one list: for each layer W and R side by side (4·H × (I + H), row-major, gates i f g o), the
//! bias (4·H), h and c that it begins with (H each); then the head's weight (O × H) and bias (O). The states are
//! what a run begins with.
//!
//! Source: `NAM/lstm.cpp` of <https://github.com/sdatkinson/NeuralAmpModelerCore>, whose file versions 0.5.0 to 0.7.x
//! are read. Its metadata (loudness, gear, …) change nothing that is computed; the name is kept.

use std::path::Path;

use super::json::{Field, name, read_with, sample_rate, shown};
use crate::activation::{Activation, Finish};
use crate::error::Result;
use crate::network::blueprint::{Blueprint, Dense, Layer, Operation, Recurrent, State};
use crate::sequence::layout::Layout;
use crate::weights::{LstmWeights, Matrices, Values, check_finite};

/// Reads a `.nam` file.
///
/// # Errors
/// [`Error::File`](crate::Error::File) around what is wrong: [`Error::Io`](crate::Error::Io),
/// [`Error::Format`](crate::Error::Format) if it is no JSON, [`Error::Model`](crate::Error::Model) for another
/// architecture, a newer version, a setting whose effect is not known, or another number of weights than the sizes ask
/// for, [`Error::NotFinite`](crate::Error::NotFinite) for ∞.
pub fn read(path: impl AsRef<Path>) -> Result<Blueprint> {
    read_with(path.as_ref(), blueprint)
}

pub(super) fn blueprint(document: &Field<'_>) -> Result<Blueprint> {
    check_version(document)?;
    let architecture = document.need("architecture")?;
    let found = architecture.text()?;
    if found != "LSTM" {
        return Err(architecture.error(&format!("{} is not run: gatewise runs the LSTM architecture", shown(found))));
    }
    let sizes = Sizes::of(&document.need("config")?)?;
    let weights = document.need("weights")?;
    let (shape, values) = weights.numbers()?;
    match sizes.total() {
        Some(total) if shape == [total] => check_finite("weights", values)?,
        Some(total) => {
            return Err(weights.error(&format!("has shape {shape:?}, expected [{total}], as {sizes} ask for")));
        }
        None => return Err(weights.error(&format!("{sizes} are larger than any model"))),
    }
    let layers = layers(&sizes, values)?;
    let metadata = document.get("metadata");
    let sample_rate = sample_rate(&[Some(document.clone()), metadata])?;
    Ok(Blueprint { name: name(document), layout: Layout::TimeMajor, layers, sample_rate })
}

/// Refuses versions that may mean something else by the same keys.
fn check_version(document: &Field<'_>) -> Result<()> {
    let Some(field) = document.get("version") else { return Ok(()) };
    let text = field.text()?;
    let mut numbers = text.splitn(3, '.').map(|number| number.parse::<u32>().ok());
    match (numbers.next().flatten(), numbers.next().flatten()) {
        (Some(0), Some(5..=7)) => Ok(()),
        _ => Err(field.error(&format!("version {} is not known: expected 0.5.0 to 0.7", shown(text)))),
    }
}

struct Sizes {
    layers: usize,
    input: usize,
    hidden: usize,
    output: usize,
}

impl std::fmt::Display for Sizes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Sizes { layers, input, hidden, output } = self;
        write!(f, "num_layers {layers}, input_size {input}, hidden_size {hidden} and {output} outputs")
    }
}

impl Sizes {
    fn of(config: &Field<'_>) -> Result<Self> {
        let size = |key: &str| config.need(key)?.size();
        let sizes = Sizes {
            layers: size("num_layers")?,
            input: size("input_size")?,
            hidden: size("hidden_size")?,
            output: config.get("out_channels").map_or(Ok(1), |field| field.size())?,
        };
        config.only(&["num_layers", "input_size", "hidden_size", "in_channels", "out_channels"])?;
        match config.get("in_channels") {
            Some(field) if field.size()? != sizes.input => {
                Err(field.error(&format!("expected input_size, which is {}", sizes.input)))
            }
            _ => Ok(sizes),
        }
    }

    /// Weights of all layers and the head.
    fn total(&self) -> Option<usize> {
        let Sizes { layers, input, hidden, output } = *self;
        let layer = |input: usize| {
            let matrix = hidden.checked_mul(4)?.checked_mul(input.checked_add(hidden)?)?;
            matrix.checked_add(hidden.checked_mul(6)?)
        };
        let further = layer(hidden)?.checked_mul(layers.checked_sub(1)?)?;
        let head = output.checked_mul(hidden.checked_add(1)?)?;
        layer(input)?.checked_add(further)?.checked_add(head)
    }
}

/// The layers; there are as many values as the sizes ask for.
fn layers(sizes: &Sizes, values: &[f32]) -> Result<Vec<Layer>> {
    let Sizes { hidden, output, .. } = *sizes;
    let mut values = values.iter().copied();
    let mut next = |count: usize| -> Vec<f32> { values.by_ref().take(count).collect() };
    let (mut layers, mut input) = (Vec::new(), sizes.input);
    for index in 0..sizes.layers {
        let width = input + hidden;
        let rows = next(4 * hidden * width);
        let side = |own: std::ops::Range<usize>| -> Vec<f32> {
            rows.chunks_exact(width).flat_map(|row| row.get(own.clone()).unwrap_or_default()).copied().collect()
        };
        let (weight_ih, weight_hh) = (side(0..input), side(input..width));
        let matrices = Matrices { weight_ih, weight_hh, bias: next(4 * hidden), values: Values::Finite };
        let weights = LstmWeights::from_parts([input, hidden], matrices, None)?;
        let initial = vec![State { hidden: next(hidden), cell: next(hidden) }];
        let recurrent = Recurrent { initial, ..Recurrent::forward(weights) };
        layers.push(Layer::new(format!("lstm{index}"), Operation::Recurrent(Box::new(recurrent))));
        input = hidden;
    }
    let (weight, bias) = (next(output * hidden), next(output));
    let head = Dense { input: hidden, output, weight, bias, finish: Finish::Each(Activation::Identity) };
    layers.push(Layer::new("head", Operation::Dense(head)));
    Ok(layers)
}
