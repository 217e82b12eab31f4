//! GuitarML's JSON: `model_data` says what `SimpleRNN` it is, `state_dict` has PyTorch's tensors `rec.…` and `lin.…`.
//!
//! `y = lin(rec(x))`, and with `skip` n the first n features of x are added to it, one feature to all of y. Only `lin`
//! has its bias left out where `bias_fl` is false. A `unit_type` RNN is PyTorch's simple RNN with tanh.
//!
//! Source: `networks.py` of <https://github.com/Alec-Wright/CoreAudioML>.

use std::path::Path;

use super::json::{Field, name, read_with, sample_rate, shown, state_dict};
use crate::error::Result;
use crate::load::chain;
use crate::load::outline::{CellName, Kind, Outline, OutlineLayer};
use crate::network::blueprint::{Blueprint, Operation, Passes, Recurrent};
use crate::sequence::layout::Layout;

/// Reads GuitarML's JSON.
///
/// # Errors
/// [`Error::File`](crate::Error::File) around what is wrong: [`Error::Io`](crate::Error::Io),
/// [`Error::Format`](crate::Error::Format) if it is no JSON, [`Error::Model`](crate::Error::Model) for another model
/// than `SimpleRNN`, a setting whose effect is not known, or one that the tensors contradict,
/// [`Error::Tensor`](crate::Error::Tensor) and [`Error::Shape`](crate::Error::Shape) for tensors that are missing, left
/// over or of another shape, [`Error::NotFinite`](crate::Error::NotFinite) for ∞.
pub fn read(path: impl AsRef<Path>) -> Result<Blueprint> {
    read_with(path.as_ref(), blueprint)
}

pub(super) fn blueprint(document: &Field<'_>) -> Result<Blueprint> {
    let data = document.need("model_data")?;
    if let Some(model) = data.get("model") {
        let found = model.text()?;
        if found != "SimpleRNN" {
            return Err(model.error(&format!("{} is not run: expected SimpleRNN", shown(found))));
        }
    }
    let known = ["model", "unit_type", "input_size", "hidden_size", "output_size", "num_layers", "skip", "bias_fl"];
    data.only(&[&known[..], &["bidirectional", "samplerate", "sample_rate"]].concat())?;
    let tensors = document.need("state_dict")?;
    for (name, _) in tensors.entries() {
        let belongs = match state_dict::split(name) {
            ("rec", own) => state_dict::is_recurrent(own),
            ("lin", own) => own == "weight" || own == "bias",
            _ => false,
        };
        if !belongs {
            return Err(state_dict::stray(name, "those of rec, lin.weight and lin.bias"));
        }
    }
    let skip = skip(&data)?;
    let blueprint = chain::read(&state_dict::file(&tensors)?, &outline(cell(&data)?, skip))?;
    agree(&data, &blueprint)?;
    let sample_rate = sample_rate(&[Some(document.clone()), Some(data), document.get("metadata")])?;
    Ok(Blueprint { name: name(document), layout: Layout::TimeMajor, sample_rate, ..blueprint })
}

fn cell(data: &Field<'_>) -> Result<CellName> {
    let unit = data.need("unit_type")?;
    match unit.text()? {
        "LSTM" => Ok(CellName::Lstm),
        "GRU" => Ok(CellName::Gru),
        "RNN" => Ok(CellName::Rnn),
        other => Err(unit.error(&format!("{} is not known: expected LSTM, GRU or RNN", shown(other)))),
    }
}

/// How many features of the input are added to the output.
fn skip(data: &Field<'_>) -> Result<usize> {
    let skip = data.need("skip")?;
    match skip.number() {
        Ok(_) => skip.count(),
        Err(_) => skip.flag().map(usize::from),
    }
}

fn outline(cell: CellName, skip: usize) -> Outline {
    let mut layers = vec![state_dict::recurrent("rec", cell), state_dict::dense("lin")];
    if skip > 0 {
        layers.push(OutlineLayer { kind: Kind::AddInput { features: skip }, name: None });
    }
    Outline { layers }
}

/// Checks the tensors' sizes against what `model_data` says.
fn agree(data: &Field<'_>, blueprint: &Blueprint) -> Result<()> {
    let check = |key: &str, found: usize| match data.get(key) {
        Some(field) if field.size()? != found => {
            Err(field.error(&format!("is {}, but the tensors say {found}", field.size()?)))
        }
        _ => Ok(()),
    };
    let switch = |key: &str, found: bool| match data.get(key) {
        Some(field) if field.flag()? != found => {
            Err(field.error(&format!("is {}, but the tensors say {found}", field.flag()?)))
        }
        _ => Ok(()),
    };
    let recurrent = |operation: &Operation| matches!(operation, Operation::Recurrent(_));
    check("num_layers", blueprint.layers.iter().filter(|layer| recurrent(&layer.operation)).count())?;
    for layer in &blueprint.layers {
        match &layer.operation {
            Operation::Recurrent(found) => {
                switch("bidirectional", matches!(found.passes, Passes::Both { .. }))?;
                check("hidden_size", hidden(found))?;
            }
            Operation::Dense(dense) => {
                check("output_size", dense.output)?;
                switch("bias_fl", !dense.bias.is_empty())?;
            }
            _ => {}
        }
    }
    check("input_size", blueprint.input()?.width())
}

fn hidden(recurrent: &Recurrent) -> usize {
    recurrent.passes.each().next().map_or(0, |weights| weights.hidden_size())
}
