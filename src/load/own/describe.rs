//! A blueprint as a header and tensors.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::fields::{function, number};
use super::words::{LAYOUTS, word};
use super::{FORMAT, VERSION, describe_recurrent};
use crate::error::{Error, Result};
use crate::network::blueprint::{Blueprint, Layer, Operation};

/// A file before it is written.
pub(super) struct Draft<'a> {
    header: Vec<u8>,
    tensors: Vec<&'a [f32]>,
}

/// The tensors of a model in the order of the layers, and the header's lines for them.
#[derive(Default)]
pub(super) struct Tensors<'a> {
    lines: Map<String, Value>,
    values: Vec<&'a [f32]>,
    bytes: usize,
}

impl<'a> Tensors<'a> {
    /// Adds one, and gives its role back as the description says it.
    pub fn add(&mut self, place: &str, role: &str, shape: &[usize], values: &'a [f32]) -> Value {
        let end = self.bytes + size_of_val(values);
        let line = json!({ "dtype": "F32", "shape": shape, "data_offsets": [self.bytes, end] });
        self.lines.insert(format!("{place}.{role}"), line);
        self.values.push(values);
        self.bytes = end;
        json!(role)
    }
}

impl<'a> Draft<'a> {
    /// Checks a model and describes it.
    ///
    /// # Errors
    /// What [`Blueprint::flow`] refuses, and a sample rate that is no number.
    pub fn of(blueprint: &'a Blueprint) -> Result<Self> {
        blueprint.flow()?;
        let mut tensors = Tensors::default();
        let layers = blueprint.layers.iter().enumerate();
        let layers: Vec<Value> = layers.map(|(index, layer)| describe(index, layer, &mut tensors)).collect();
        let mut model = json!({
            "name": blueprint.name,
            "layout": word(LAYOUTS, blueprint.layout),
            "layers": layers,
        });
        if let (Some(rate), Some(model)) = (blueprint.sample_rate, model.as_object_mut()) {
            if !rate.is_finite() {
                return Err(Error::Model { message: format!("the sample rate is {rate}: expected a number") });
            }
            model.insert("sample_rate".to_owned(), json!(rate));
        }
        let mut header = Map::new();
        let about = json!({ "format": FORMAT, "version": VERSION, "model": model.to_string() });
        header.insert("__metadata__".to_owned(), about);
        header.extend(tensors.lines);
        let mut header = Value::Object(header).to_string().into_bytes();
        // The values begin at a multiple of their width.
        header.resize(header.len().next_multiple_of(8), b' ');
        Ok(Draft { header, tensors: tensors.values })
    }

    /// Writes the file's bytes.
    pub fn write(&self, file: &mut impl Write) -> io::Result<()> {
        file.write_all(&(self.header.len() as u64).to_le_bytes())?;
        file.write_all(&self.header)?;
        for values in &self.tensors {
            if cfg!(target_endian = "little") {
                file.write_all(bytemuck::cast_slice(values))?;
            } else {
                values.iter().try_for_each(|value| file.write_all(&value.to_le_bytes()))?;
            }
        }
        Ok(())
    }
}

fn describe<'a>(index: usize, layer: &'a Layer, tensors: &mut Tensors<'a>) -> Value {
    let (name, place) = (&layer.name, format!("layers.{index}"));
    match &layer.operation {
        Operation::Embedding(embedding) => json!({
            "kind": "embedding",
            "name": name,
            "mask_zero": embedding.mask_zero,
            "tensors": [tensors.add(&place, "weight", &[embedding.rows, embedding.width], &embedding.weight)],
        }),
        Operation::OneHot { classes } => json!({ "kind": "one_hot", "name": name, "classes": classes }),
        Operation::Masking { value } => json!({ "kind": "masking", "name": name, "value": number(*value) }),
        Operation::Recurrent(layer) => describe_recurrent::recurrent(name, &place, layer, tensors),
        Operation::Dense(dense) => {
            let mut roles = vec![tensors.add(&place, "weight", &[dense.output, dense.input], &dense.weight)];
            if !dense.bias.is_empty() {
                roles.push(tensors.add(&place, "bias", &[dense.output], &dense.bias));
            }
            json!({ "kind": "dense", "name": name, "finish": function(dense.finish), "tensors": roles })
        }
        Operation::Activation(finish) => json!({ "kind": "activation", "name": name, "finish": function(*finish) }),
        Operation::AddInput { features } => json!({ "kind": "add_input", "name": name, "features": features }),
    }
}
