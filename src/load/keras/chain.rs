//! The layers of a model in the order in which they follow each other: `Sequential`, and `Functional` without branches.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::masks;
use super::settings::{Layer, shown};
use crate::error::{Error, Result};

/// A model whose layers each feed the next.
pub(super) struct Chain<'a> {
    /// What its author, or Keras, called it.
    pub name: &'a str,
    /// From the input up.
    pub layers: Vec<Layer<'a>>,
}

/// Reads a model's configuration.
pub(super) fn read(config: &Value) -> Result<Chain<'_>> {
    let class = config.get("class_name").and_then(Value::as_str);
    let config = config.get("config").ok_or_else(|| refusal("the model's configuration has no config"))?;
    let name = config.get("name").and_then(Value::as_str).unwrap_or_default();
    // Before Keras 2.2.3 a Sequential's configuration was the list itself.
    let layers = config.get("layers").unwrap_or(config).as_array();
    let layers = layers.ok_or_else(|| refusal("the model's configuration has no list of layers"))?;
    let mut layers = layers.iter().map(Layer::of).collect::<Result<Vec<_>>>()?;
    name_groups(&mut layers);
    match class {
        Some("Sequential") => {}
        Some("Functional" | "Model") => layers = Graph::of(layers, config)?.chain()?,
        _ => {
            let found = class.unwrap_or("a model without class_name");
            return Err(refusal(&format!("{found} is not supported: expected a Sequential or a Functional model")));
        }
    }
    masks::mark(&mut layers);
    Ok(Chain { name, layers })
}

fn refusal(message: &str) -> Error {
    Error::Model { message: message.to_owned() }
}

/// Names each layer's group as Keras does: its class in small letters, numbered from the second on.
fn name_groups(layers: &mut [Layer<'_>]) {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for layer in layers {
        let number = seen.entry(layer.class).or_default();
        let stem = match layer.class {
            "SimpleRNN" => "simple_rnn".to_owned(),
            "TimeDistributed" => "time_distributed".to_owned(),
            plain => plain.to_lowercase(),
        };
        layer.group = if *number == 0 { stem } else { format!("{stem}_{number}") };
        *number += 1;
    }
}

/// The layers of a `Functional` model.
pub(super) struct Graph<'a> {
    layers: Vec<Layer<'a>>,
    places: HashMap<&'a str, usize>,
    input: &'a str,
    output: &'a str,
}

/// What feeds a layer.
struct Inbound<'a> {
    source: &'a str,
    arguments: Option<&'a Map<String, Value>>,
}

impl<'a> Graph<'a> {
    fn of(layers: Vec<Layer<'a>>, config: &'a Value) -> Result<Self> {
        let inputs = ends(config, "input_layers")?;
        let outputs = ends(config, "output_layers")?;
        let (&[(input, _)], [(output, 0), states @ ..]) = (inputs.as_slice(), outputs.as_slice()) else {
            return Err(refusal(&format!(
                "the model has {} inputs and {} outputs: expected one input, and one output that is the first of its layer",
                inputs.len(),
                outputs.len()
            )));
        };
        // `return_state` of the last layer: a run has the states in any case.
        if let Some((other, _)) = states.iter().find(|(name, _)| name != output) {
            return Err(refusal(&format!("the model has two outputs, {output} and {other}: expected one")));
        }
        let places = layers.iter().enumerate().map(|(place, layer)| (layer.name, place)).collect();
        Ok(Graph { layers, places, input, output })
    }

    /// The layer of this name.
    pub fn layer(&self, name: &str) -> Result<&Layer<'a>> {
        let found = self.places.get(name).and_then(|place| self.layers.get(*place));
        found.ok_or_else(|| refusal(&format!("the model has no layer {name}, but another one names it")))
    }

    /// The name of the one layer that feeds `layer`.
    pub fn source(&self, layer: &Layer<'a>) -> Result<&'a str> {
        Ok(inbound(layer)?.source)
    }

    /// From the output back to the input, and then turned round.
    fn chain(self) -> Result<Vec<Layer<'a>>> {
        let mut chain = vec![self.layer(self.output)?];
        while let Some(layer) = chain.last().filter(|layer| layer.name != self.input) {
            chain.push(self.layer(self.source(layer)?)?);
            if chain.len() > self.layers.len() {
                return Err(refusal(&format!("layer {} feeds itself", self.output)));
            }
        }
        chain.reverse();
        let mut mask = None;
        for layer in &chain {
            self.check_arguments(layer, mask)?;
            mask = Some(*layer).filter(|layer| masks::makes_mask(layer)).or(mask);
        }
        let names: HashSet<&str> = chain.iter().map(|layer| layer.name).collect();
        match self.layers.iter().find(|layer| !names.contains(layer.name) && !masks::is_mask(layer)) {
            None => Ok(chain.into_iter().cloned().collect()),
            Some(stray) => stray.refuse("is beside the way from the input to the output: expected layers in one row"),
        }
    }

    /// Refuses arguments of a call that change what it computes; a mask may be given that `maker` makes, the last layer
    /// before this one that makes any.
    fn check_arguments(&self, layer: &Layer<'a>, maker: Option<&Layer<'a>>) -> Result<()> {
        if layer.name == self.input {
            return Ok(());
        }
        for (key, value) in inbound(layer)?.arguments.into_iter().flatten() {
            match value {
                Value::Null | Value::Bool(false) => {}
                mask if key == "mask" => masks::check(self, layer, mask, maker)?,
                other => {
                    let message = format!("is called with {key} = {}, which is not supported", shown(other));
                    return layer.refuse(&message);
                }
            }
        }
        Ok(())
    }
}

/// The names and output numbers of `input_layers` or `output_layers`: one, or a list of them.
fn ends<'a>(config: &'a Value, key: &str) -> Result<Vec<(&'a str, u64)>> {
    let unread = || refusal(&format!("{key} of the model is no list of layers' outputs"));
    let all = config.get(key).and_then(Value::as_array).ok_or_else(unread)?;
    let end = |value: &'a [Value]| match value {
        [Value::String(name), node, tensor] if node.as_u64() == Some(0) => Some((name.as_str(), tensor.as_u64()?)),
        _ => None,
    };
    match all.first() {
        Some(Value::String(_)) => Ok(vec![end(all).ok_or_else(unread)?]),
        _ => all.iter().map(|one| one.as_array().and_then(|one| end(one)).ok_or_else(unread)).collect(),
    }
}

/// What feeds a layer, if that is the first output of one other layer, and the layer is called only once.
fn inbound<'a>(layer: &Layer<'a>) -> Result<Inbound<'a>> {
    let nodes = layer.beside("inbound_nodes").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let [node] = nodes else {
        let times = nodes.len();
        return layer.refuse(&format!("is called {times} times: expected once, as layers in one row are"));
    };
    match of_three(node).or_else(|| of_two(node)) {
        Some(inbound) => Ok(inbound),
        None => layer.refuse("takes something else than the first output of one other layer"),
    }
}

/// As Keras 3 writes it: `{"args": [tensor], "kwargs": {…}}`.
fn of_three(node: &Value) -> Option<Inbound<'_>> {
    let [tensor, others @ ..] = node.get("args")?.as_array()?.as_slice() else { return None };
    let source = tensor_of(tensor).filter(|_| others.iter().all(Value::is_null))?;
    Some(Inbound { source, arguments: node.get("kwargs").and_then(Value::as_object) })
}

/// As Keras 2 writes it: `[["layer", 0, 0, {…}]]`.
fn of_two(node: &Value) -> Option<Inbound<'_>> {
    let [tensor] = node.as_array()?.as_slice() else { return None };
    let [first @ .., arguments] = tensor.as_array()?.as_slice() else { return None };
    let [Value::String(source), zero, first] = first else { return None };
    let is_first = zero.as_u64() == Some(0) && first.as_u64() == Some(0);
    is_first.then_some(Inbound { source, arguments: Some(arguments.as_object()?) })
}

/// The layer whose first output a tensor of Keras 3 is.
pub(super) fn tensor_of(value: &Value) -> Option<&str> {
    let history = value.get("config")?.get("keras_history")?.as_array()?;
    match history.as_slice() {
        [Value::String(name), node, tensor] if node.as_u64() == Some(0) && tensor.as_u64() == Some(0) => Some(name),
        _ => None,
    }
}

/// The second argument of a call of Keras 3, a constant.
pub(super) fn constant_of(layer: &Layer<'_>) -> Option<f64> {
    layer.beside("inbound_nodes")?.get(0)?.get("args")?.get(1)?.as_f64()
}

/// The layer whose first output is the first argument of a call of Keras 3, whatever else it has.
pub(super) fn argument_of<'a>(layer: &Layer<'a>) -> Option<&'a str> {
    tensor_of(layer.beside("inbound_nodes")?.get(0)?.get("args")?.get(0)?)
}
