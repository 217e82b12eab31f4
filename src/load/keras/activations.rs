//! Functions as Keras configures them: by name, as an object, or as a layer.

use serde_json::Value;

use super::archive::Version;
use super::settings::{Layer, shown};
use crate::activation::Activation;
use crate::error::{Error, Result};
use crate::load::outline;
use crate::network::blueprint::Finish;

/// The function that `key` names; none at all is the identity.
pub(super) fn finish(layer: &Layer<'_>, key: &str, keras: Version) -> Result<Finish> {
    let Some(value) = layer.get(key) else { return Ok(Finish::Each(Activation::Identity)) };
    named(value, keras).map_err(|error| Error::Model { message: format!("{} has {key}: {error}", layer.title()) })
}

/// [`finish`], where only a function of single values will do.
pub(super) fn pointwise(layer: &Layer<'_>, key: &str, keras: Version) -> Result<Activation> {
    match finish(layer, key, keras)? {
        Finish::Each(activation) => Ok(activation),
        _ => layer.refuse(&format!("has {key} over a whole row: expected a function of single values")),
    }
}

/// The function that a layer such as `LeakyReLU` is; `None` for other layers.
pub(super) fn of_layer(layer: &Layer<'_>) -> Result<Option<Finish>> {
    let each = |activation| Ok(Some(Finish::Each(activation)));
    match layer.class {
        "ReLU" => {
            layer.only(&["negative_slope", "threshold"])?;
            if layer.number("threshold")?.is_some_and(|threshold| threshold != 0.0) {
                return layer.refuse("has a threshold, which is not supported: expected 0");
            }
            match layer.number("negative_slope")? {
                None | Some(0.0) => each(Activation::Relu),
                Some(alpha) => each(Activation::LeakyRelu { alpha }),
            }
        }
        "LeakyReLU" => {
            layer.only(&["negative_slope", "alpha"])?;
            // Keras 3's name of it, and Keras 2's; both have this default.
            let alpha = layer.number("negative_slope")?.or(layer.number("alpha")?).unwrap_or(0.3);
            each(Activation::LeakyRelu { alpha })
        }
        "ELU" => {
            layer.only(&["alpha"])?;
            each(Activation::Elu { alpha: layer.number("alpha")?.unwrap_or(1.0) })
        }
        "Softmax" => {
            layer.only(&["axis"])?;
            match layer.get("axis").map(Value::as_i64) {
                _ if layer.masked => layer.refuse("has a mask before it: expected Activation(\"softmax\")"),
                None | Some(Some(-1)) => Ok(Some(Finish::Softmax)),
                Some(_) => layer.refuse("goes along another axis than the features: expected axis = -1"),
            }
        }
        _ => Ok(None),
    }
}

fn named(value: &Value, keras: Version) -> Result<Finish> {
    if let Some(name) = value.as_str() {
        return by_name(name, keras);
    }
    let refuse = || Err(Error::Model { message: format!("unknown function {}", shown(value)) });
    match value.get("class_name").and_then(Value::as_str) {
        // How Keras 2.13 and later write a function of its own.
        Some("function") => match value.get("config").and_then(Value::as_str) {
            Some(name) => by_name(name, keras),
            None => refuse(),
        },
        Some(_) => of_layer(&Layer::of(value)?)?.map_or_else(refuse, Ok),
        None => refuse(),
    }
}

fn by_name(name: &str, keras: Version) -> Result<Finish> {
    match (name, keras) {
        ("hard_sigmoid", Version::Two) => outline::function("keras2_hard_sigmoid"),
        ("hard_sigmoid", Version::Unknown) => {
            let message =
                "hard_sigmoid is another function in Keras 2 than in Keras 3, and the file has no keras_version";
            Err(Error::Model { message: message.to_owned() })
        }
        _ => outline::function(name),
    }
}
