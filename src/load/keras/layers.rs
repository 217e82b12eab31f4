//! From the layers of a configuration to those of a blueprint.

use super::activations;
use super::archive::Version;
use super::settings::Layer;
use super::tensors::{DENSE, Part, Place, TABLE, Tensors};
use crate::error::{Error, Result};
use crate::load::hdf5::Stored;
use crate::load::orders::transposed;
use crate::network::blueprint::{self, Dense, Embedding, Finish, Operation};

const SUPPORTED: &str = "expected LSTM, GRU, SimpleRNN, Bidirectional, Embedding, Masking, Dense, TimeDistributed, \
                         Activation, ReLU, LeakyReLU, ELU, Softmax, or what acts only in training, such as Dropout";

/// What reads layers.
pub(super) struct Reader<'a> {
    /// Where their tensors are.
    pub tensors: Tensors<'a>,
    /// Which Keras wrote them.
    pub keras: Version,
}

impl Reader<'_> {
    /// The layers that compute something.
    pub fn layers(&self, layers: &[Layer<'_>]) -> Result<Vec<blueprint::Layer>> {
        let mut found = Vec::new();
        for layer in layers {
            if let Some(operation) = self.operation(layer)? {
                found.push(blueprint::Layer::new(layer.name, operation));
            }
        }
        Ok(found)
    }

    /// What a layer computes; `None` if that is nothing.
    fn operation(&self, layer: &Layer<'_>) -> Result<Option<Operation>> {
        if let Some(finish) = activations::of_layer(layer)? {
            return Ok(Some(Operation::Activation(finish)));
        }
        Ok(Some(match layer.class {
            "InputLayer" => return input(layer).map(|()| None),
            // `l1`, `l2`: of the loss.
            "Dropout"
            | "SpatialDropout1D"
            | "GaussianNoise"
            | "GaussianDropout"
            | "AlphaDropout"
            | "ActivityRegularization" => {
                layer.only(&["rate", "noise_shape", "stddev", "l1", "l2"])?;
                return Ok(None);
            }
            "Embedding" => self.embedding(layer)?,
            "Masking" => {
                layer.only(&["mask_value"])?;
                Operation::Masking { value: layer.number("mask_value")?.unwrap_or(0.0) }
            }
            "Dense" => self.dense(layer, layer, Part::Own)?,
            "TimeDistributed" => self.time_distributed(layer)?,
            "Activation" => {
                layer.only(&["activation"])?;
                Operation::Activation(activations::finish(layer, "activation", self.keras)?)
            }
            "LSTM" | "GRU" | "SimpleRNN" => Operation::Recurrent(Box::new(self.recurrent(layer)?)),
            "Bidirectional" => Operation::Recurrent(Box::new(self.bidirectional(layer)?)),
            "CuDNNLSTM" | "CuDNNGRU" => {
                return layer.refuse("has the weights of cuDNN: load and save the model with a newer Keras");
            }
            _ => return layer.refuse(&format!("is not supported: {SUPPORTED}")),
        }))
    }

    fn embedding(&self, layer: &Layer<'_>) -> Result<Operation> {
        layer.only(&["input_dim", "output_dim", "mask_zero", "input_length"])?;
        let shape = [layer.count("input_dim")?, layer.count("output_dim")?];
        embedding(&self.tensors, &self.tensors.place(layer), Some(shape), layer.flag("mask_zero")?)
    }

    fn time_distributed(&self, layer: &Layer<'_>) -> Result<Operation> {
        layer.only(&["layer"])?;
        match layer.get("layer").map(Layer::of).transpose()? {
            Some(inner) if inner.class == "Dense" => self.dense(layer, &inner, Part::Inner),
            Some(inner) => layer.refuse(&format!("has a {} inside: expected a Dense", inner.class)),
            None => layer.refuse("has no layer inside"),
        }
    }

    /// `inner` says what it computes, `outer` where the tensors are.
    fn dense(&self, outer: &Layer<'_>, inner: &Layer<'_>, part: Part) -> Result<Operation> {
        inner.only(&["units", "activation", "use_bias"])?;
        let wanted = Wanted {
            units: Some(inner.count("units")?),
            bias: Some(inner.get("use_bias").is_none() || inner.flag("use_bias")?),
            finish: activations::finish(inner, "activation", self.keras)?,
        };
        dense(&self.tensors, &self.tensors.place(outer), part, wanted)
    }
}

/// What is known of a dense layer before its tensors are read.
pub(super) struct Wanted {
    /// Outputs, where the configuration says it.
    pub units: Option<usize>,
    /// Whether it has a bias, where the configuration says so.
    pub bias: Option<bool>,
    /// The function after it.
    pub finish: Finish,
}

/// Reads a table of ids, of this shape if one is known.
pub(super) fn embedding(
    tensors: &Tensors<'_>,
    place: &Place,
    wanted: Option<[usize; 2]>,
    mask_zero: bool,
) -> Result<Operation> {
    let stored = tensors.open(place, Part::Own, &TABLE)?;
    let [table] = stored.as_slice() else {
        return Err(Error::Tensor { message: format!("{} has no table", place.title) });
    };
    match (table.shape.as_slice(), wanted) {
        (&[rows, width], None) => {
            Ok(Operation::Embedding(Embedding { rows, width, weight: table.values()?, mask_zero }))
        }
        (&[rows, width], Some(wanted)) if wanted == [rows, width] => {
            Ok(Operation::Embedding(Embedding { rows, width, weight: table.values()?, mask_zero }))
        }
        (_, Some(wanted)) => Err(table.shape_error(format!("{wanted:?} (input_dim, output_dim)"))),
        (_, None) => Err(table.shape_error("two axes, (ids, width)".to_owned())),
    }
}

/// Reads a dense layer.
pub(super) fn dense(tensors: &Tensors<'_>, place: &Place, part: Part, wanted: Wanted) -> Result<Operation> {
    let stored = tensors.open(place, part, &DENSE)?;
    let [kernel, bias @ ..] = stored.as_slice() else {
        return Err(Error::Tensor { message: format!("{} has no kernel", place.title) });
    };
    let (input, output) = match kernel.shape.as_slice() {
        &[input, output] if wanted.units.is_none_or(|units| units == output) => (input, output),
        _ => {
            let units = wanted.units.map_or("O".to_owned(), |units| units.to_string());
            return Err(kernel.shape_error(format!("[I, {units}]")));
        }
    };
    if wanted.bias.is_some_and(|wanted| wanted == bias.is_empty()) {
        let (has, says) = if bias.is_empty() { ("no", "true") } else { ("a", "false") };
        let message = format!("{} has {has} tensor bias, but its configuration says use_bias = {says}", place.title);
        return Err(Error::Tensor { message });
    }
    if let Some(bias) = bias.first().filter(|bias| bias.shape != [output]) {
        return Err(bias.shape_error(format!("[{output}], one for each column of the kernel")));
    }
    let bias = bias.first().map_or(Ok(Vec::new()), Stored::values)?;
    let weight = transposed(&kernel.values()?, input, output);
    Ok(Operation::Dense(Dense { input, output, weight, bias, finish: wanted.finish }))
}

/// An input of ids or of rows; what a batch and its steps are is left open.
fn input(layer: &Layer<'_>) -> Result<()> {
    // `dtype` is a plain one here, and of ids it is whole numbers.
    for key in ["sparse", "ragged"] {
        if layer.flag(key)? {
            return layer.refuse(&format!("is {key}, which is not supported"));
        }
    }
    let shape = layer.get("batch_shape").or(layer.get("batch_input_shape"));
    match shape.and_then(serde_json::Value::as_array).map(Vec::len) {
        Some(axes) if !(2..=3).contains(&axes) => {
            layer.refuse(&format!("has {axes} axes: expected batch and steps, or batch, steps and features"))
        }
        _ => Ok(()),
    }
}
