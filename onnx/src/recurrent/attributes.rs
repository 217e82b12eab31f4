//! The attributes of an ONNX node LSTM, GRU or RNN, read completely: what is not understood is refused by name.

use gatewise::{Activation, Coupling, GruOptions, Layout, LstmOptions, Reset, RnnOptions};
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::{AttributeProto, NodeProto};

use super::{Cell, Direction, Spec, Step};
use crate::error::{Error, Result};

/// Reads the node's attributes.
pub(super) fn read(node: &NodeProto, name: &str, cell: Cell) -> Result<Spec> {
    let attributes = Attributes { node, name };
    attributes.refuse_unknown(cell)?;
    let direction = match attributes.text("direction")? {
        None | Some("forward") => Direction::Forward,
        Some("reverse") => Direction::Reverse,
        Some("bidirectional") => Direction::Both,
        Some(other) => {
            return attributes
                .fail("direction", &format!("expected forward, reverse or bidirectional, found {other:?}"));
        }
    };
    let layout = match attributes.integer("layout")?.unwrap_or(0) {
        0 => Layout::TimeMajor,
        1 => Layout::BatchFirst,
        other => return attributes.fail("layout", &format!("expected 0 or 1, found {other}")),
    };
    let hidden = match attributes.integer("hidden_size")? {
        None => None,
        Some(size) => match usize::try_from(size) {
            Ok(size) if size > 0 => Some(size),
            _ => return attributes.fail("hidden_size", &format!("expected at least 1, found {size}")),
        },
    };
    let options = attributes.steps(cell, direction)?;
    Ok(Spec { node: name.to_owned(), cell, direction, layout, hidden, options })
}

struct Attributes<'a> {
    node: &'a NodeProto,
    name: &'a str,
}

impl<'a> Attributes<'a> {
    fn refuse_unknown(&self, cell: Cell) -> Result<()> {
        let every =
            ["activation_alpha", "activation_beta", "activations", "clip", "direction", "hidden_size", "layout"];
        let own = match cell {
            Cell::Lstm => Some("input_forget"),
            Cell::Gru => Some("linear_before_reset"),
            Cell::Rnn => None,
        };
        for (index, attribute) in self.node.attribute.iter().enumerate() {
            let name = attribute.name.as_str();
            if !every.contains(&name) && own != Some(name) {
                return self.fail(name, "not an attribute of this operator");
            }
            if self.node.attribute.iter().take(index).any(|other| other.name == name) {
                return self.fail(name, "given twice");
            }
            if !attribute.ref_attr_name.is_empty() {
                return self.fail(name, "refers to an attribute of a function, which is not supported");
            }
        }
        Ok(())
    }

    fn fail<T>(&self, attribute: &str, message: &str) -> Result<T> {
        Err(Error::Node {
            node: self.name.to_owned(),
            operator: self.node.op_type.clone(),
            message: format!("attribute {attribute:?}: {message}"),
        })
    }

    /// An attribute and its type; exporters also write empty texts and lists for what they leave out, of any type.
    fn find(&self, name: &str) -> Result<Option<(&'a AttributeProto, AttributeType)>> {
        let Some(attribute) = self.node.attribute.iter().find(|attribute| attribute.name == name) else {
            return Ok(None);
        };
        let Ok(kind) = AttributeType::try_from(attribute.r#type) else {
            return self.fail(name, &format!("unknown attribute type {}", attribute.r#type));
        };
        let empty = match kind {
            AttributeType::String => attribute.s.is_empty(),
            AttributeType::Strings => attribute.strings.iter().all(Vec::is_empty),
            AttributeType::Floats => attribute.floats.is_empty(),
            AttributeType::Ints => attribute.ints.is_empty(),
            _ => false,
        };
        Ok((!empty).then_some((attribute, kind)))
    }

    fn wrong_type<T>(&self, name: &str, expected: &str, found: AttributeType) -> Result<T> {
        self.fail(name, &format!("expected {expected}, found the type {}", found.as_str_name()))
    }

    fn utf8(&self, name: &str, bytes: &'a [u8]) -> Result<&'a str> {
        std::str::from_utf8(bytes).or_else(|_| self.fail(name, "the text is not UTF-8"))
    }

    fn text(&self, name: &str) -> Result<Option<&'a str>> {
        match self.find(name)? {
            None => Ok(None),
            Some((attribute, AttributeType::String)) => self.utf8(name, &attribute.s).map(Some),
            Some((_, kind)) => self.wrong_type(name, "a text", kind),
        }
    }

    fn texts(&self, name: &str) -> Result<Vec<&'a str>> {
        match self.find(name)? {
            None => Ok(Vec::new()),
            Some((attribute, AttributeType::Strings)) => {
                attribute.strings.iter().map(|bytes| self.utf8(name, bytes)).collect()
            }
            Some((_, kind)) => self.wrong_type(name, "a list of texts", kind),
        }
    }

    fn integer(&self, name: &str) -> Result<Option<i64>> {
        match self.find(name)? {
            None => Ok(None),
            Some((attribute, AttributeType::Int)) => Ok(Some(attribute.i)),
            Some((_, kind)) => self.wrong_type(name, "an integer", kind),
        }
    }

    fn flag(&self, name: &str) -> Result<bool> {
        match self.integer(name)?.unwrap_or(0) {
            0 => Ok(false),
            1 => Ok(true),
            other => self.fail(name, &format!("expected 0 or 1, found {other}")),
        }
    }

    fn numbers(&self, name: &str) -> Result<Vec<f32>> {
        match self.find(name)? {
            None => Ok(Vec::new()),
            Some((attribute, AttributeType::Floats)) => {
                match attribute.floats.iter().find(|value| !value.is_finite()) {
                    None => Ok(attribute.floats.clone()),
                    Some(value) => self.fail(name, &format!("expected finite numbers, found {value}")),
                }
            }
            Some((_, kind)) => self.wrong_type(name, "a list of numbers", kind),
        }
    }

    fn clip(&self) -> Result<Option<f32>> {
        match self.find("clip")? {
            None => Ok(None),
            Some((attribute, AttributeType::Float)) if attribute.f > 0.0 && attribute.f.is_finite() => {
                Ok(Some(attribute.f))
            }
            Some((attribute, AttributeType::Float)) => {
                self.fail("clip", &format!("expected a number above 0, found {}", attribute.f))
            }
            Some((_, kind)) => self.wrong_type("clip", "a number", kind),
        }
    }

    /// What a step of each direction computes.
    fn steps(&self, cell: Cell, direction: Direction) -> Result<Vec<Step>> {
        let clip = self.clip()?;
        let each = self.activations(cell, direction)?;
        let coupling = match cell == Cell::Lstm && self.flag("input_forget")? {
            true => Coupling::ForgetFromInput,
            false => Coupling::None,
        };
        let reset = match cell == Cell::Gru && self.flag("linear_before_reset")? {
            true => Reset::After,
            false => Reset::Before,
        };
        let step = |activations: &[Activation]| match (cell, activations) {
            (Cell::Lstm, &[gate, input, output]) => {
                Ok(Step::Lstm(LstmOptions { coupling, gate, input, output, clip, ..LstmOptions::default() }))
            }
            (Cell::Gru, &[gate, candidate]) => Ok(Step::Gru(GruOptions { reset, gate, candidate, clip })),
            (Cell::Rnn, &[activation]) => Ok(Step::Rnn(RnnOptions { activation, clip })),
            _ => self.fail("activations", "their number does not fit the operator"),
        };
        each.chunks(cell.activations().len()).map(step).collect()
    }

    /// The activations of all directions, one after the other. The parameters are taken in order by those activations
    /// that have any, as ONNX Runtime does.
    fn activations(&self, cell: Cell, direction: Direction) -> Result<Vec<Activation>> {
        let defaults = cell.activations();
        let count = direction.count() * defaults.len();
        let mut names = self.texts("activations")?;
        if names.is_empty() {
            names = defaults.iter().copied().cycle().take(count).collect();
        }
        // ONNX gives RNN's default as two names, for either direction; some files spell it out for a single one.
        if cell == Cell::Rnn && count == 1 && matches!(names[..], [first, second] if first == second) {
            names.truncate(1);
        }
        if names.len() != count {
            let found = names.len();
            return self.fail("activations", &format!("expected {count} (every direction's), found {found}"));
        }
        let [mut alpha, mut beta] =
            ["activation_alpha", "activation_beta"].map(|name| Parameters { name, next: 0, values: Vec::new() });
        alpha.values = self.numbers(alpha.name)?;
        beta.values = self.numbers(beta.name)?;
        let mut activations = Vec::with_capacity(count);
        for name in names {
            let takes = parameters(name);
            let given = [if takes > 0 { alpha.take() } else { None }, if takes > 1 { beta.take() } else { None }];
            match Activation::named(name, given[0], given[1]) {
                Ok(activation) => activations.push(activation),
                Err(error) => return self.fail("activations", &error.to_string()),
            }
        }
        for list in [alpha, beta] {
            if list.next < list.values.len() {
                let (given, taken) = (list.values.len(), list.next);
                return self.fail(list.name, &format!("{given} values, but the activations take {taken}"));
            }
        }
        Ok(activations)
    }
}

struct Parameters {
    name: &'static str,
    next: usize,
    values: Vec<f32>,
}

impl Parameters {
    fn take(&mut self) -> Option<f32> {
        let value = self.values.get(self.next).copied();
        self.next += usize::from(value.is_some());
        value
    }
}

/// How many of α and β an activation has.
fn parameters(name: &str) -> usize {
    match name.to_ascii_lowercase().as_str() {
        "affine" | "scaledtanh" | "hardsigmoid" => 2,
        "leakyrelu" | "thresholdedrelu" | "elu" => 1,
        _ => 0,
    }
}
