//! A value of a file and where it stands, such as `layers[2].weights[0]`, for errors that say so.

use super::tree::{Numbers, Value};
use crate::error::{Error, Result};
use crate::weights::check_finite;

/// A value and where it stands.
#[derive(Clone)]
pub(in crate::load) struct Field<'a> {
    /// Empty for the file's outermost value.
    pub path: String,
    node: Node<'a>,
}

#[derive(Clone, Copy)]
enum Node<'a> {
    Number(f64),
    Numbers { shape: &'a [usize], values: &'a [f32] },
    Other(&'a Value),
}

impl<'a> Field<'a> {
    pub fn new(path: String, value: &'a Value) -> Self {
        let node = match value {
            Value::Number(number) => Node::Number(*number),
            Value::Numbers(Numbers { shape, values }) => Node::Numbers { shape, values },
            other => Node::Other(other),
        };
        Field { path, node }
    }

    /// Keys and values in the file's order; nothing of what is no object.
    pub fn entries(&self) -> impl Iterator<Item = (&'a str, Field<'a>)> + use<'a> {
        let (object, path): (&[_], _) = match self.node {
            Node::Other(Value::Object(object)) => (object, self.path.clone()),
            _ => (&[], String::new()),
        };
        let dot = if path.is_empty() { "" } else { "." };
        object.iter().map(move |(key, value)| (key.as_str(), Field::new(format!("{path}{dot}{key}"), value)))
    }

    /// What stands behind `key`, if it is there and not null.
    pub fn get(&self, key: &str) -> Option<Field<'a>> {
        let Node::Other(Value::Object(object)) = self.node else { return None };
        let (_, value) = object.iter().find(|(own, _)| own == key)?;
        let dot = if self.path.is_empty() { "" } else { "." };
        (!matches!(value, Value::Null)).then(|| Field::new(format!("{}{dot}{key}", self.path), value))
    }

    /// What stands behind `key`, which must be there.
    pub fn need(&self, key: &str) -> Result<Field<'a>> {
        self.get(key).ok_or_else(|| match self.node {
            Node::Other(Value::Object(_)) => self.error(&format!("has no {key:?}")),
            _ => self.unlike(&format!("an object with {key:?}")),
        })
    }

    /// Refuses keys that are none of `known`, unless they say null or false.
    pub fn only(&self, known: &[&str]) -> Result<()> {
        let off = |field: &Field<'_>| matches!(field.node, Node::Other(Value::Null | Value::Bool(false)));
        match self.entries().find(|(key, field)| !known.contains(key) && !off(field)) {
            None => Ok(()),
            Some((key, _)) => {
                Err(self.error(&format!("has {key:?}, whose effect is not known: expected {}", known.join(", "))))
            }
        }
    }

    /// Elements of a list.
    pub fn len(&self) -> Result<usize> {
        match self.node {
            Node::Numbers { shape: [count, ..], .. } => Ok(*count),
            Node::Other(Value::List(values)) => Ok(values.len()),
            _ => Err(self.unlike("a list")),
        }
    }

    /// An element of a list.
    pub fn at(&self, index: usize) -> Option<Field<'a>> {
        let path = format!("{}[{index}]", self.path);
        let node = match self.node {
            Node::Numbers { shape: [_], values } => Node::Number(f64::from(*values.get(index)?)),
            Node::Numbers { shape: [count, shape @ ..], values } if index < *count => {
                let size: usize = shape.iter().product();
                Node::Numbers { shape, values: values.get(index * size..(index + 1) * size)? }
            }
            Node::Other(Value::List(list)) => return Some(Field::new(path, list.get(index)?)),
            _ => return None,
        };
        Some(Field { path, node })
    }

    /// The last element of a list.
    pub fn last(&self) -> Result<Field<'a>> {
        let last = self.len()?.checked_sub(1).and_then(|last| self.at(last));
        last.ok_or_else(|| self.unlike("a list of one element or more"))
    }

    pub fn text(&self) -> Result<&'a str> {
        match self.node {
            Node::Other(Value::Text(text)) => Ok(text),
            _ => Err(self.unlike("text")),
        }
    }

    pub fn number(&self) -> Result<f64> {
        match self.node {
            Node::Number(number) => Ok(number),
            _ => Err(self.unlike("a number")),
        }
    }

    /// A number or the text of one, as some programs write it.
    pub fn spelled_number(&self) -> Result<f64> {
        match self.node {
            Node::Other(Value::Text(text)) => text.trim().parse().map_err(|_| self.unlike("a number")),
            _ => self.number(),
        }
    }

    /// A size: a whole number from 0 to 2^24.
    pub fn count(&self) -> Result<usize> {
        match self.node {
            Node::Number(number) if number.fract() == 0.0 && (0.0..=16_777_216.0).contains(&number) => {
                Ok(number as usize)
            }
            _ => Err(self.unlike("a whole number up to 2^24")),
        }
    }

    /// A size of at least one.
    pub fn size(&self) -> Result<usize> {
        match self.count()? {
            0 => Err(self.unlike("at least 1")),
            size => Ok(size),
        }
    }

    /// true or false, or a number that is not or is 0.
    pub fn flag(&self) -> Result<bool> {
        match self.node {
            Node::Other(Value::Bool(flag)) => Ok(*flag),
            Node::Number(number) => Ok(number != 0.0),
            _ => Err(self.unlike("true or false")),
        }
    }

    /// Shape and values of regular lists of numbers, not yet looked at for ∞.
    pub fn numbers(&self) -> Result<(&'a [usize], &'a [f32])> {
        match self.node {
            Node::Numbers { shape, values } => Ok((shape, values)),
            Node::Other(Value::List(_)) => Err(self.unlike("numbers, all lists on a level of one length")),
            _ => Err(self.unlike("a list of numbers")),
        }
    }

    /// The values of a tensor of this shape.
    pub fn tensor(&self, expected: &[usize]) -> Result<&'a [f32]> {
        let (shape, values) = self.numbers()?;
        if shape != expected {
            let (name, expected) = (self.path.clone(), format!("{expected:?}"));
            return Err(Error::Shape { name, expected, found: shape.to_vec() });
        }
        check_finite(&self.path, values)?;
        Ok(values)
    }

    /// The error that this is something else.
    fn unlike(&self, expected: &str) -> Error {
        let found = match self.node {
            Node::Number(number) => number.to_string(),
            Node::Numbers { shape, .. } => format!("a list of numbers of shape {shape:?}"),
            Node::Other(Value::Text(text)) => shown(text),
            Node::Other(Value::Bool(flag)) => flag.to_string(),
            Node::Other(Value::List(_)) => "a list of unlike things".to_owned(),
            Node::Other(Value::Object(_)) => "an object".to_owned(),
            Node::Other(_) => "null".to_owned(),
        };
        self.error(&format!("expected {expected}, found {found}"))
    }

    /// The error that `what` is wrong here.
    pub fn error(&self, what: &str) -> Error {
        let place = if self.path.is_empty() { "its outermost value" } else { &self.path };
        Error::Model { message: format!("{place}: {what}") }
    }
}

/// A text of the file in quotes, cut where it is long.
pub(in crate::load) fn shown(text: &str) -> String {
    let cut: String = text.chars().take(40).collect();
    let more = if cut.len() < text.len() { "…" } else { "" };
    format!("{cut:?}{more}")
}
