//! A blueprint from a header and tensors.

use serde_json::Value;

use super::fields::Fields;
use super::tensors::Tensors;
use super::words::LAYOUTS;
use super::{FORMAT, VERSION, is_own, refused, understand_recurrent};
use crate::error::{Error, Result};
use crate::load::safetensors::SafetensorsFile;
use crate::network::blueprint::{Blueprint, Dense, Embedding, Layer, Operation};

/// The model that a file's header describes.
pub(super) fn model(file: &SafetensorsFile) -> Result<Blueprint> {
    if !is_own(file) {
        let found = file.text("format").map_or("none".to_owned(), |format| format!("{format:?}"));
        return Err(refused(format!("its header names the format {found}, expected {FORMAT:?}")));
    }
    match file.text("version") {
        Some(VERSION) => {}
        Some(other) => return Err(refused(format!("version {other:?} of the form, expected {VERSION:?}"))),
        None => return Err(refused(format!("its header names no version, expected {VERSION:?}"))),
    }
    let text = file.text("model").ok_or_else(|| refused("its header describes no model".to_owned()))?;
    let value: Value = serde_json::from_str(text).map_err(|error| refused(format!("the model: {error}")))?;
    let mut fields = Fields::new("the model", value)?;
    let mut tensors = Tensors::of(file);
    let (name, layout) = (fields.text("name")?, fields.word("layout", LAYOUTS)?);
    let sample_rate = match fields.optional("sample_rate") {
        None => None,
        Some(rate) => Some(rate.as_f64().ok_or_else(|| fields.error("\"sample_rate\" is no number"))?),
    };
    let layers = fields.list("layers")?.into_iter().enumerate();
    let layers = layers.map(|(index, value)| layer(index, value, &mut tensors)).collect::<Result<Vec<_>>>()?;
    fields.end()?;
    tensors.end()?;
    let blueprint = Blueprint { name, layout, layers, sample_rate };
    blueprint.flow()?;
    Ok(blueprint)
}

fn layer(index: usize, value: Value, tensors: &mut Tensors<'_>) -> Result<Layer> {
    let place = format!("layers.{index}");
    let mut fields = Fields::new(&place, value)?;
    let (kind, name) = (fields.text("kind")?, fields.text("name")?);
    let operation = match &kind[..] {
        "embedding" => {
            let [rows, width] = tensors.matrix(&format!("{place}.weight"))?;
            let mask_zero = fields.truth("mask_zero")?;
            let roles = Roles::of(&mut fields, &place, &["weight"], &[])?;
            Operation::Embedding(Embedding {
                rows,
                width,
                weight: roles.take("weight", &[rows, width], tensors)?,
                mask_zero,
            })
        }
        "one_hot" => Operation::OneHot { classes: fields.count("classes")? },
        "masking" => Operation::Masking { value: fields.number("value")? },
        "recurrent" => Operation::Recurrent(Box::new(understand_recurrent::recurrent(&place, &mut fields, tensors)?)),
        "dense" => {
            let [output, input] = tensors.matrix(&format!("{place}.weight"))?;
            let finish = fields.function("finish")?;
            let roles = Roles::of(&mut fields, &place, &["weight"], &["bias"])?;
            let weight = roles.take("weight", &[output, input], tensors)?;
            let bias = roles.optional("bias", &[output], tensors)?.unwrap_or_default();
            Operation::Dense(Dense { input, output, weight, bias, finish })
        }
        "activation" => Operation::Activation(fields.function("finish")?),
        "add_input" => Operation::AddInput { features: fields.count("features")? },
        _ => {
            return Err(fields.error(format!(
                "unknown kind {kind:?}: expected embedding, one_hot, masking, recurrent, dense, activation or add_input"
            )));
        }
    };
    fields.end()?;
    Ok(Layer { name, operation })
}

/// The tensors that a layer or a pass says it has.
pub(super) struct Roles {
    place: String,
    roles: Vec<String>,
}

impl Roles {
    /// Takes the list `tensors`; every one of `needed` must be there, and none but these and `allowed`.
    pub fn of(fields: &mut Fields, place: &str, needed: &[&str], allowed: &[&str]) -> Result<Self> {
        let mut roles: Vec<String> = Vec::new();
        for value in fields.list("tensors")? {
            let role = value.as_str().filter(|role| needed.contains(role) || allowed.contains(role));
            let Some(role) = role.filter(|role| !roles.iter().any(|known| known == role)) else {
                let expected = [needed, allowed].concat().join(", ");
                return Err(fields.error(format!("\"tensors\" has {value}: expected each of {expected} at most once")));
            };
            roles.push(role.to_owned());
        }
        if let Some(missing) = needed.iter().find(|needed| !roles.iter().any(|role| role == *needed)) {
            return Err(fields.error(format!("\"tensors\" does not have {missing:?}")));
        }
        Ok(Roles { place: place.to_owned(), roles })
    }

    /// The full name of a tensor.
    pub fn name(&self, role: &str) -> String {
        format!("{}.{role}", self.place)
    }

    /// A tensor that must be there.
    pub fn take(&self, role: &str, shape: &[usize], tensors: &mut Tensors<'_>) -> Result<Vec<f32>> {
        tensors.take(&self.name(role), shape)
    }

    /// A tensor that the list may have.
    pub fn optional(&self, role: &str, shape: &[usize], tensors: &mut Tensors<'_>) -> Result<Option<Vec<f32>>> {
        match self.roles.iter().any(|known| known == role) {
            true => self.take(role, shape, tensors).map(Some),
            false => Ok(None),
        }
    }

    /// The sizes of a cell of `gates` gates by its matrices: I, H and the width of h, which only a projection makes another.
    pub fn sizes(&self, gates: usize, tensors: &Tensors<'_>) -> Result<[usize; 3]> {
        let [[rows, input], [recurrent, state]] =
            [tensors.matrix(&self.name("weight_ih"))?, tensors.matrix(&self.name("weight_hh"))?];
        let (hidden, projected) = (rows / gates, self.roles.iter().any(|role| role == "projection"));
        if rows % gates != 0 {
            let expected = format!("{gates}·H rows");
            return Err(Error::Shape { name: self.name("weight_ih"), expected, found: vec![rows, input] });
        }
        if !projected && state != hidden {
            let expected = format!("[{rows}, {hidden}], as {} has {rows} rows", self.name("weight_ih"));
            return Err(Error::Shape { name: self.name("weight_hh"), expected, found: vec![recurrent, state] });
        }
        Ok([input, hidden, state])
    }
}
