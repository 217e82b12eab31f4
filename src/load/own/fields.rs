//! Numbers and objects of the description: written so that the same bits come back, read so that nothing is left over.

use std::fmt::Display;

use serde_json::{Map, Value, json};

use super::refused;
use super::words::{FUNCTIONS, Words, parameters, word};
use crate::activation::{Activation, Finish};
use crate::error::{Error, Result};

/// A number, in as few digits as bring its bits back; what JSON has no number for as a text.
pub(super) fn number(value: f32) -> Value {
    // The shortest decimal of an f32, read as f64 and narrowed, is nearly always the f32 again.
    let short = value.to_string().parse().unwrap_or(f64::from(value));
    let exact = if (short as f32).to_bits() == value.to_bits() { short } else { f64::from(value) };
    if value.is_finite() { json!(exact) } else { json!(value.to_string()) }
}

/// A function with its parameters.
pub(super) fn function(finish: Finish) -> Value {
    let mut kind = finish;
    parameters(&mut kind).into_iter().for_each(|(_, value)| *value = 0.0);
    let mut object = Map::new();
    object.insert("function".to_owned(), json!(word(FUNCTIONS, kind)));
    let mut finish = finish;
    object.extend(parameters(&mut finish).into_iter().map(|(name, value)| (name.to_owned(), number(*value))));
    Value::Object(object)
}

/// An object whose keys are taken one by one; [`Fields::end`] refuses what is left.
pub(super) struct Fields {
    /// Where it stands, for errors.
    place: String,
    map: Map<String, Value>,
}

impl Fields {
    pub fn new(place: impl Display, value: Value) -> Result<Self> {
        let place = place.to_string();
        match value {
            Value::Object(map) => Ok(Fields { place, map }),
            _ => Err(refused(format!("{place} is no object"))),
        }
    }

    /// An error about this object.
    pub fn error(&self, message: impl Display) -> Error {
        refused(format!("{}: {message}", self.place))
    }

    pub fn optional(&mut self, key: &str) -> Option<Value> {
        self.map.shift_remove(key)
    }

    fn take(&mut self, key: &str) -> Result<Value> {
        self.optional(key).ok_or_else(|| self.error(format!("{key:?} is missing")))
    }

    fn wrong(&self, key: &str, expected: &str, found: &Value) -> Error {
        let found = found.to_string();
        let shown: String = found.chars().take(40).collect();
        self.error(format!("{key:?} is {shown}, expected {expected}"))
    }

    pub fn text(&mut self, key: &str) -> Result<String> {
        match self.take(key)? {
            Value::String(text) => Ok(text),
            other => Err(self.wrong(key, "a text", &other)),
        }
    }

    pub fn count(&mut self, key: &str) -> Result<usize> {
        let value = self.take(key)?;
        let count = value.as_u64().and_then(|count| usize::try_from(count).ok());
        count.ok_or_else(|| self.wrong(key, "a whole number", &value))
    }

    pub fn truth(&mut self, key: &str) -> Result<bool> {
        let value = self.take(key)?;
        value.as_bool().ok_or_else(|| self.wrong(key, "true or false", &value))
    }

    pub fn number(&mut self, key: &str) -> Result<f32> {
        let value = self.take(key)?;
        self.as_number(key, &value)
    }

    pub fn optional_number(&mut self, key: &str) -> Result<Option<f32>> {
        self.optional(key).map(|value| self.as_number(key, &value)).transpose()
    }

    fn as_number(&self, key: &str, value: &Value) -> Result<f32> {
        let number = match value {
            Value::String(text) => {
                [f32::INFINITY, f32::NEG_INFINITY, f32::NAN].into_iter().find(|v| v.to_string() == *text)
            }
            value => value.as_f64().map(|value| value as f32).filter(|value| value.is_finite()),
        };
        number.ok_or_else(|| self.wrong(key, "a number of f32, \"inf\", \"-inf\" or \"NaN\"", value))
    }

    pub fn word<T: Copy>(&mut self, key: &str, words: &Words<T>) -> Result<T> {
        let found = self.text(key)?;
        let known = words.iter().find(|(word, _)| *word == found);
        known.map(|(_, value)| *value).ok_or_else(|| {
            let expected: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.error(format!("{key:?} is {found:?}, expected one of {}", expected.join(", ")))
        })
    }

    pub fn has(&self, key: &str) -> bool {
        self.map.contains_key(key)
    }

    /// A list of whole numbers.
    pub fn counts(&mut self, key: &str) -> Result<Vec<usize>> {
        let values = self.list(key)?.into_iter().map(|value| {
            let count = value.as_u64().and_then(|count| usize::try_from(count).ok());
            count.ok_or_else(|| self.wrong(key, "whole numbers", &value))
        });
        values.collect()
    }

    pub fn list(&mut self, key: &str) -> Result<Vec<Value>> {
        match self.take(key)? {
            Value::Array(values) => Ok(values),
            other => Err(self.wrong(key, "a list", &other)),
        }
    }

    pub fn function(&mut self, key: &str) -> Result<Finish> {
        let place = format!("{}, {key:?}", self.place);
        let mut fields = Fields::new(place, self.take(key)?)?;
        let mut function = fields.word("function", FUNCTIONS)?;
        for (name, value) in parameters(&mut function) {
            *value = fields.number(name)?;
        }
        fields.end()?;
        Ok(function)
    }

    /// A function of single values.
    pub fn activation(&mut self, key: &str) -> Result<Activation> {
        match self.function(key)? {
            Finish::Each(activation) => Ok(activation),
            _ => Err(self.error(format!("{key:?} is a function of a row, expected one of single values"))),
        }
    }

    /// Refuses keys that nobody asked for.
    pub fn end(self) -> Result<()> {
        match self.map.keys().next() {
            None => Ok(()),
            Some(key) => Err(self.error(format!("unknown key {key:?}"))),
        }
    }
}
