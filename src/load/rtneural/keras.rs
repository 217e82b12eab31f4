//! The form that RTNeural's script writes of a Keras model.

use crate::activation::{Activation, Finish};
use crate::cell::gru::{GruOptions, Reset};
use crate::cell::lstm::LstmOptions;
use crate::error::{Error, Result};
use crate::load::json::{Field, name, sample_rate, shown};
use crate::load::orders::{KerasTensors, transposed};
use crate::network::blueprint::{Blueprint, Dense, Layer, Operation, Recurrent};
use crate::sequence::layout::Layout;
use crate::weights::Weights;

const IDENTITY: Finish = Finish::Each(Activation::Identity);

pub fn blueprint(document: &Field<'_>) -> Result<Blueprint> {
    let input = document.need("in_shape")?.last()?.size()?;
    let found = document.need("layers")?;
    let (mut layers, mut width) = (Vec::new(), input);
    for index in 0..found.len()? {
        let Some(field) = found.at(index) else { break };
        let own = LayerField { units: field.need("shape")?.last()?.size()?, width, field };
        layers.push(own.read()?);
        width = own.units;
    }
    let layers = with_additions(document, layers, input)?;
    let sample_rate = sample_rate(&[Some(document.clone()), document.get("metadata")])?;
    Ok(Blueprint { name: name(document), layout: Layout::TimeMajor, layers, sample_rate })
}

/// What AIDA-X puts before and behind the layers: `y = out_gain·(layers(in_gain·x) + in_skip·in_gain·x)`.
fn with_additions(document: &Field<'_>, mut layers: Vec<Layer>, input: usize) -> Result<Vec<Layer>> {
    let skip = document.get("in_skip").map_or(Ok(0), |field| field.count())?;
    if skip > 1 {
        let message = format!("in_skip is {skip}: expected 0 or 1, as the format knows no other");
        return Err(Error::Model { message });
    }
    if skip == 1 {
        layers.push(Layer::new("in_skip", Operation::AddInput { features: 1 }));
    }
    if let Some(gain) = gain(document, "in_gain")? {
        if skip == 1 || input != 1 {
            let message = "in_gain with in_skip or with several inputs is not computed: expected one or the other";
            return Err(Error::Model { message: message.to_owned() });
        }
        layers.insert(0, gain);
    }
    layers.extend(gain(document, "out_gain")?);
    Ok(layers)
}

/// A layer that scales, where the file asks for it in dB.
fn gain(document: &Field<'_>, key: &str) -> Result<Option<Layer>> {
    let decibels = document.get(key).map_or(Ok(0.0), |field| field.number())?;
    if decibels == 0.0 {
        return Ok(None);
    }
    let alpha = 10f64.powf(decibels / 20.0) as f32;
    if !alpha.is_finite() {
        return Err(Error::Model { message: format!("{key} of {decibels} dB is no gain") });
    }
    let scaled = Finish::Each(Activation::Affine { alpha, beta: 0.0 });
    Ok(Some(Layer::new(key, Operation::Activation(scaled))))
}

/// One of `layers`.
struct LayerField<'a> {
    field: Field<'a>,
    /// Features that stand before it.
    width: usize,
    /// Features that stand behind it.
    units: usize,
}

impl LayerField<'_> {
    fn read(&self) -> Result<Layer> {
        let kind = self.field.need("type")?.text()?;
        let mut known = vec!["type", "activation", "shape", "weights", "name"];
        let operation = match kind {
            "lstm" | "gru" => {
                known.push("recurrent_activation");
                let weights = if kind == "gru" { self.gru()? } else { self.lstm()? };
                Operation::Recurrent(Box::new(Recurrent::forward(weights)))
            }
            "dense" | "time-distributed-dense" => Operation::Dense(self.dense()?),
            "activation" if self.units == self.width => Operation::Activation(self.function("activation", IDENTITY)?),
            "activation" => {
                let found = format!("gives {} features, but {} stand before it", self.units, self.width);
                return Err(self.field.error(&found));
            }
            other => {
                let expected = "expected lstm, gru, dense, time-distributed-dense or activation";
                return Err(self.field.error(&format!("layer {} is not computed: {expected}", shown(other))));
            }
        };
        self.field.only(&known)?;
        let name = self.field.get("name").map_or(Ok(self.field.path.as_str()), |name| name.text())?;
        Ok(Layer::new(name, operation))
    }

    fn dense(&self) -> Result<Dense> {
        let (input, output) = (self.width, self.units);
        let kernel = self.weight(0, &[input, output])?;
        let bias = if self.count(1, 2)? == 2 { self.weight(1, &[output])?.to_vec() } else { Vec::new() };
        let finish = self.function("activation", IDENTITY)?;
        Ok(Dense { input, output, weight: transposed(kernel, input, output), bias, finish })
    }

    fn lstm(&self) -> Result<Weights> {
        let biased = self.count(2, 3)? == 3;
        let mut tensors = self.tensors(4)?;
        if biased {
            tensors.bias = self.weight(2, &[4 * self.units])?.to_vec();
        }
        let mut options = LstmOptions::default();
        options.input = self.activation("activation", options.input)?;
        options.output = self.activation("activation", options.output)?;
        options.gate = self.activation("recurrent_activation", options.gate)?;
        tensors.lstm(options)
    }

    fn gru(&self) -> Result<Weights> {
        let biased = self.count(2, 3)? == 3;
        let mut tensors = self.tensors(3)?;
        let mut options = GruOptions::default();
        options.candidate = self.activation("activation", options.candidate)?;
        options.gate = self.activation("recurrent_activation", options.gate)?;
        if biased {
            let rows = 3 * self.units;
            let bias = match self.weight(2, &[rows]) {
                Ok(one) => {
                    options.reset = Reset::Before;
                    one
                }
                // The recurrent biases are a row of their own where they stay inside the reset.
                Err(_) => self.weight(2, &[2, rows])?,
            };
            tensors.bias = bias.to_vec();
        }
        tensors.gru(options)
    }

    /// Both kernels, without a bias.
    fn tensors(&self, gates: usize) -> Result<KerasTensors> {
        let (input, hidden) = (self.width, self.units);
        let kernel = self.weight(0, &[input, gates * hidden])?.to_vec();
        let recurrent = self.weight(1, &[hidden, gates * hidden])?.to_vec();
        Ok(KerasTensors { input, hidden, kernel, recurrent, bias: Vec::new() })
    }

    fn weights(&self) -> Result<Field<'_>> {
        self.field.need("weights")
    }

    /// How many tensors the layer has: all, or all but the bias.
    fn count(&self, least: usize, most: usize) -> Result<usize> {
        let weights = self.weights()?;
        match weights.len()? {
            count if (least..=most).contains(&count) => Ok(count),
            count => Err(weights.error(&format!("has {count} tensors, expected {least} or with a bias {most}"))),
        }
    }

    fn weight(&self, index: usize, shape: &[usize]) -> Result<&[f32]> {
        let weights = self.weights()?;
        let missing = || weights.error(&format!("has no tensor {index}"));
        weights.at(index).ok_or_else(missing)?.tensor(shape)
    }

    /// The function behind `key`; `unsaid` where there is none or an empty text.
    fn function(&self, key: &str, unsaid: Finish) -> Result<Finish> {
        let Some(field) = self.field.get(key) else { return Ok(unsaid) };
        Ok(Finish::Each(match field.text()? {
            "" => return Ok(unsaid),
            "tanh" => Activation::Tanh,
            "relu" => Activation::Relu,
            "sigmoid" => Activation::Sigmoid,
            "elu" => Activation::Elu { alpha: 1.0 },
            "softmax" => return Ok(Finish::Softmax),
            other => {
                let expected = "expected tanh, relu, sigmoid, softmax, elu or nothing";
                return Err(field.error(&format!("function {} is not known: {expected}", shown(other))));
            }
        }))
    }

    /// The same inside a cell.
    fn activation(&self, key: &str, unsaid: Activation) -> Result<Activation> {
        match self.function(key, Finish::Each(unsaid))? {
            Finish::Each(activation) => Ok(activation),
            _ => Err(self.field.error(&format!("{key} softmax is no function of a cell: it needs the whole row"))),
        }
    }
}
