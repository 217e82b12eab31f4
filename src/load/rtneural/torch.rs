//! PyTorch's state dict without a word about the layers: they are told apart by their tensors.

use crate::error::Result;
use crate::load::chain;
use crate::load::json::{Field, state_dict};
use crate::load::outline::{CellName, Outline, OutlineLayer};
use crate::network::blueprint::Blueprint;
use crate::sequence::layout::Layout;

/// Whether a key is the name of a recurrent module's first tensor.
pub fn is_state_dict(document: &Field<'_>) -> bool {
    document.entries().any(|(name, _)| matches!(state_dict::split(name).1, "weight_ih_l0" | "weight_ih"))
}

pub fn blueprint(document: &Field<'_>) -> Result<Blueprint> {
    // Before the modules are looked at: it bounds how many there are.
    let file = state_dict::file(document)?;
    let mut modules: Vec<&str> = Vec::new();
    for (name, _) in document.entries() {
        let (module, own) = state_dict::split(name);
        let dense = !module.is_empty() && matches!(own, "weight" | "bias");
        if !dense && !state_dict::is_recurrent(own) {
            let expected = "those of LSTM, GRU, RNN (weight_ih_l0 …) and Linear (NAME.weight, NAME.bias) modules";
            return Err(state_dict::stray(name, expected));
        }
        if !modules.contains(&module) {
            modules.push(module);
        }
    }
    let layers = modules.into_iter().map(|module| layer(document, module)).collect();
    Ok(Blueprint { layout: Layout::TimeMajor, ..chain::read(&file, &Outline { layers })? })
}

/// What a module is.
fn layer(document: &Field<'_>, module: &str) -> OutlineLayer {
    let shape = |own: &str| {
        let dot = if module.is_empty() { "" } else { "." };
        let tensor = ["_l0", ""].iter().find_map(|end| document.get(&format!("{module}{dot}{own}{end}")))?;
        tensor.numbers().ok().map(|(shape, _)| shape)
    };
    let Some([rows, ..]) = shape("weight_ih") else { return state_dict::dense(module) };
    // A projection (P × H) has as many columns as there are units; without one R has (G·H × H).
    let hidden = shape("weight_hr").or_else(|| shape("weight_hh")).and_then(|shape| shape.get(1));
    // What fits none is refused as an LSTM, by its tensors' names.
    let cell = match hidden.and_then(|hidden| rows.checked_div(*hidden)) {
        Some(3) => CellName::Gru,
        Some(1) => CellName::Rnn,
        _ => CellName::Lstm,
    };
    state_dict::recurrent(module, cell)
}
