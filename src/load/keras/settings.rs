//! A layer's configuration: every key is read or known to be harmless, or refused by name.

use serde_json::{Map, Value};

use crate::error::{Error, Result};

/// Keys that change nothing, whatever they hold; `dtype` is checked apart.
const HARMLESS: [&str; 8] =
    ["name", "trainable", "dtype", "batch_input_shape", "batch_shape", "seed", "build_config", "autocast"];

/// Ends of keys that matter only before or during training.
const TRAINING: [&str; 3] = ["_initializer", "_regularizer", "_constraint"];

/// Number types whose weights are read exactly.
const POLICIES: [&str; 6] = ["float32", "float16", "bfloat16", "float64", "mixed_float16", "mixed_bfloat16"];

/// What a file says of one layer.
#[derive(Clone)]
pub(super) struct Layer<'a> {
    /// What the model's author, or Keras, called it.
    pub name: &'a str,
    /// Its Keras class.
    pub class: &'a str,
    /// Where a `.keras` file has its tensors: the class in small letters, and a number from the second on.
    pub group: String,
    /// Whether a mask reaches it.
    pub masked: bool,
    entry: &'a Map<String, Value>,
    config: &'a Map<String, Value>,
}

impl<'a> Layer<'a> {
    /// Takes an object with `class_name` and `config`.
    pub fn of(value: &'a Value) -> Result<Self> {
        let unread = |what: &str| Error::Model { message: format!("a layer of the configuration has no {what}") };
        let entry = value.as_object().ok_or_else(|| unread("entries: expected an object"))?;
        let class = entry.get("class_name").and_then(Value::as_str).ok_or_else(|| unread("class_name"))?;
        let config = entry.get("config").and_then(Value::as_object).ok_or_else(|| unread("config"))?;
        let name = entry.get("name").or(config.get("name")).and_then(Value::as_str).unwrap_or_default();
        let layer = Layer { name, class, group: String::new(), masked: false, entry, config };
        match entry.get("registered_name").and_then(Value::as_str) {
            Some(own) if own != class => layer.refuse(&format!("is a class of its author's own, {own}")),
            _ => Ok(layer),
        }
    }

    /// An error about this layer.
    pub fn refuse<T>(&self, message: &str) -> Result<T> {
        Err(Error::Model { message: format!("{} {message}", self.title()) })
    }

    /// How errors call it.
    pub fn title(&self) -> String {
        match self.name {
            "" => format!("layer of class {}", self.class),
            name => format!("layer {name} ({})", self.class),
        }
    }

    /// A value beside the configuration, such as `inbound_nodes`.
    pub fn beside(&self, key: &str) -> Option<&'a Value> {
        self.entry.get(key)
    }

    /// A value of the configuration; `None` for null.
    pub fn get(&self, key: &str) -> Option<&'a Value> {
        self.config.get(key).filter(|value| !value.is_null())
    }

    /// Refuses number types that are not exact, and every key that is neither `known` nor harmless, unless it is switched
    /// off.
    pub fn only(&self, known: &[&str]) -> Result<()> {
        self.check_policy()?;
        for (key, value) in self.config {
            let is_known = known.contains(&key.as_str()) || HARMLESS.contains(&key.as_str());
            if is_known || TRAINING.iter().any(|end| key.ends_with(end)) || is_off(value) {
                continue;
            }
            let message = format!("has {key} = {}, which is not supported: save the model without it", shown(value));
            return self.refuse(&message);
        }
        Ok(())
    }

    fn check_policy(&self) -> Result<()> {
        let Some(dtype) = self.get("dtype") else { return Ok(()) };
        let name = dtype.as_str().or_else(|| dtype.get("config")?.get("name")?.as_str());
        match name {
            Some(name) if POLICIES.contains(&name) => Ok(()),
            _ => {
                let message = format!("has the dtype {}: expected one of {}", shown(dtype), POLICIES.join(", "));
                self.refuse(&message)
            }
        }
    }

    /// A yes or no; no where nothing is said.
    pub fn flag(&self, key: &str) -> Result<bool> {
        match self.get(key) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(other) => self.unexpected(key, "true or false", other),
        }
    }

    /// A size of at least one.
    pub fn count(&self, key: &str) -> Result<usize> {
        match self.get(key) {
            Some(value) => match value.as_u64().map(usize::try_from) {
                Some(Ok(count)) if count > 0 => Ok(count),
                _ => self.unexpected(key, "a whole number of at least one", value),
            },
            None => self.refuse(&format!("does not say its {key}")),
        }
    }

    /// A number that is finite in f32, if one is there.
    pub fn number(&self, key: &str) -> Result<Option<f32>> {
        let Some(value) = self.get(key) else { return Ok(None) };
        match value.as_f64().map(|number| number as f32) {
            Some(number) if number.is_finite() => Ok(Some(number)),
            _ => self.unexpected(key, "a number", value),
        }
    }

    /// An error about the value of a key.
    pub fn unexpected<T>(&self, key: &str, expected: &str, found: &Value) -> Result<T> {
        self.refuse(&format!("has {key} = {}: expected {expected}", shown(found)))
    }
}

/// Whether a value switches its key off.
fn is_off(value: &Value) -> bool {
    matches!(value, Value::Null | Value::Bool(false))
}

/// A value, not too long for a message.
pub(super) fn shown(value: &Value) -> String {
    let text = match value {
        Value::Array(values) => format!("a list of {}", values.len()),
        Value::Object(map) => match map.get("class_name").and_then(Value::as_str) {
            Some(class) => format!("an object of class {class}"),
            None => format!("an object of {} entries", map.len()),
        },
        plain => plain.to_string(),
    };
    match text.char_indices().nth(80) {
        None => text,
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}
