//! JSON as it is kept here: lists of numbers as flat f32 values with a shape, everything else as it stands.
//!
//! A file of weights is nearly all numbers: a tree of them would take ten times the file's size, this takes less than
//! it.

use std::cell::Cell;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::bounds;
use crate::error::{Error, Result};

/// Bytes of a file at most.
const LARGEST_FILE: u64 = 1 << 30;
/// Things at most that are no number in a regular list of numbers: a model has some hundreds.
const MOST_NODES: usize = 1 << 18;
/// Bytes of keys and texts that count as one more of them.
const NODE_BYTES: usize = 128;
/// Bytes of a key at most, so that an error can show it.
const LONGEST_KEY: usize = 1 << 10;
/// Axes of a tensor at most.
const MOST_AXES: usize = 8;

/// A value of a file.
#[derive(Debug)]
pub(in crate::load) enum Value {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    /// Lists of lists of numbers, all of the same length on each level; the empty list too.
    Numbers(Numbers),
    List(Vec<Value>),
    /// In the file's order; no key twice.
    Object(Vec<(String, Value)>),
}

/// Row-major.
#[derive(Debug)]
pub(in crate::load) struct Numbers {
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

/// Reads a file whole.
pub(in crate::load) fn open(path: &Path) -> Result<Value> {
    let io = |error: std::io::Error| Error::Io { reason: error.to_string() };
    let file = File::open(path).map_err(io)?;
    let about = file.metadata().map_err(io)?;
    // A device or a pipe may never end.
    if !about.is_file() {
        return Err(Error::Io { reason: "not a regular file".to_owned() });
    }
    // The last byte is never read: it is where the file's end is seen.
    let mut bytes = Vec::with_capacity(about.len().min(LARGEST_FILE) as usize + 1);
    file.take(LARGEST_FILE + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > LARGEST_FILE {
        return refuse(format!("larger than {} MiB", LARGEST_FILE >> 20));
    }
    parse(&bytes)
}

/// Reads a text whole.
pub(in crate::load) fn parse(bytes: &[u8]) -> Result<Value> {
    bounds::check(bytes)?;
    let nodes = Cell::new(MOST_NODES);
    let mut text = serde_json::Deserializer::from_slice(bytes);
    let value = Reader { nodes: &nodes }.deserialize(&mut text);
    value.and_then(|value| text.end().map(|()| value)).or_else(|error| {
        let hint = if is_not_a_number(bytes, &error) { " (NaN and Infinity are no weights)" } else { "" };
        refuse(format!("{error}{hint}"))
    })
}

pub(super) fn refuse<T>(reason: String) -> Result<T> {
    Err(Error::Format { format: "JSON", reason })
}

/// Whether the text was given up at a word for NaN or ∞, which Python writes of a training that went wrong.
fn is_not_a_number(bytes: &[u8], error: &serde_json::Error) -> bool {
    let Some(line) = bytes.split(|byte| *byte == b'\n').nth(error.line().saturating_sub(1)) else { return false };
    let column = error.column();
    let around = line.get(column.saturating_sub(3)..line.len().min(column + 6)).unwrap_or_default();
    ["NaN", "nan", "Inf", "inf"].iter().any(|word| around.windows(3).any(|found| found == word.as_bytes()))
}

/// Reads one value; all readers of a file share what they may still keep.
#[derive(Clone, Copy)]
struct Reader<'a> {
    nodes: &'a Cell<usize>,
}

impl Reader<'_> {
    fn spend<E: serde::de::Error>(self, nodes: usize) -> std::result::Result<(), E> {
        let left = self.nodes.get().checked_sub(nodes).ok_or_else(|| {
            E::custom(format_args!("more than {MOST_NODES} values that are no regular lists of numbers: no model"))
        })?;
        self.nodes.set(left);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, text: D) -> std::result::Result<Value, D::Error> {
        text.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> std::result::Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> std::result::Result<Value, E> {
        Ok(Value::Bool(flag))
    }

    fn visit_u64<E>(self, number: u64) -> std::result::Result<Value, E> {
        Ok(Value::Number(number as f64))
    }

    fn visit_i64<E>(self, number: i64) -> std::result::Result<Value, E> {
        Ok(Value::Number(number as f64))
    }

    fn visit_f64<E>(self, number: f64) -> std::result::Result<Value, E> {
        Ok(Value::Number(number))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> std::result::Result<Value, E> {
        self.spend(text.len() / NODE_BYTES)?;
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> std::result::Result<Value, A::Error> {
        let mut list = List::Empty;
        while let Some(value) = elements.next_element_seed(self)? {
            list = match list.and(value) {
                Ok(list) => list,
                Err((list, value)) => {
                    let mut values = list.apart(self)?;
                    self.spend(1)?;
                    values.push(value);
                    List::Mixed(values)
                }
            };
        }
        Ok(list.finish())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> std::result::Result<Value, A::Error> {
        let mut object = Vec::new();
        while let Some(key) = entries.next_key::<String>()? {
            self.spend(1 + key.len() / NODE_BYTES)?;
            if key.len() > LONGEST_KEY {
                return Err(A::Error::custom(format_args!("a key of {} bytes", key.len())));
            }
            object.push((key, entries.next_value_seed(self)?));
        }
        let mut keys: Vec<&str> = object.iter().map(|(key, _)| key.as_str()).collect();
        keys.sort_unstable();
        if let Some([twice, _]) = keys.windows(2).find(|pair| pair.first() == pair.last()) {
            return Err(A::Error::custom(format_args!("key {twice:?} stands twice in the object that ends")));
        }
        Ok(Value::Object(object))
    }
}

/// A list under construction.
enum List {
    Empty,
    /// Elements of the same shape.
    Regular {
        element: Vec<usize>,
        count: usize,
        values: Vec<f32>,
    },
    Mixed(Vec<Value>),
}

impl List {
    /// The list with one more element, or both as they were where the element is of another kind.
    fn and(self, value: Value) -> std::result::Result<List, (List, Value)> {
        match (self, value) {
            (List::Empty, Value::Number(number)) => {
                Ok(List::Regular { element: Vec::new(), count: 1, values: vec![number as f32] })
            }
            (List::Empty, Value::Numbers(Numbers { shape, values })) if shape.len() < MOST_AXES => {
                Ok(List::Regular { element: shape, count: 1, values })
            }
            (List::Regular { element, count, mut values }, Value::Number(number)) if element.is_empty() => {
                values.push(number as f32);
                Ok(List::Regular { element, count: count + 1, values })
            }
            (List::Regular { element, count, mut values }, Value::Numbers(one)) if one.shape == element => {
                values.extend(one.values);
                Ok(List::Regular { element, count: count + 1, values })
            }
            (list, value) => Err((list, value)),
        }
    }

    /// The elements so far, each for itself.
    fn apart<E: serde::de::Error>(self, reader: Reader<'_>) -> std::result::Result<Vec<Value>, E> {
        match self {
            List::Empty => Ok(Vec::new()),
            List::Mixed(values) => Ok(values),
            List::Regular { element, count, values } => {
                reader.spend(count)?;
                Ok(match element[..] {
                    [] => values.into_iter().map(|value| Value::Number(f64::from(value))).collect(),
                    _ => divided(&element, count, values),
                })
            }
        }
    }

    fn finish(self) -> Value {
        match self {
            List::Empty => Value::Numbers(Numbers { shape: vec![0], values: Vec::new() }),
            List::Mixed(values) => Value::List(values),
            List::Regular { element, count, values } => {
                let shape = std::iter::once(count).chain(element).collect();
                Value::Numbers(Numbers { shape, values })
            }
        }
    }
}

/// Tensors of one shape, from the last to the first so that the memory of those that were copied is given back.
fn divided(shape: &[usize], count: usize, mut values: Vec<f32>) -> Vec<Value> {
    let size: usize = shape.iter().product();
    let mut last = |at: usize| {
        let own = values.split_off((at * size).min(values.len()));
        if values.len() <= values.capacity() / 2 {
            values.shrink_to_fit();
        }
        Value::Numbers(Numbers { shape: shape.to_vec(), values: own })
    };
    let mut list: Vec<Value> = (0..count).rev().map(&mut last).collect();
    list.reverse();
    list
}
