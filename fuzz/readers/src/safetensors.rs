//! Safetensors files: modules of PyTorch, gatewise's own form, several modules by an outline.

use gatewise::Activation;
use gatewise::load::safetensors::{ModuleName, SafetensorsFile};
use gatewise::load::{Cell, chain, outline::Outline, own};
use gatewise::network::blueprint::Blueprint;

use crate::draft;
use crate::network::exercise;

/// Reads a file in every way that there is: its tensors, its modules, its model.
///
/// A line of text before it is an outline. Where what follows begins with `{`, it is a header that is completed.
pub fn safetensors(bytes: &[u8]) {
    let (outline, bytes) = divided(bytes);
    let completed = if bytes.starts_with(b"{") { draft::file(bytes) } else { Some(bytes.to_vec()) };
    let Some(Ok(file)) = completed.map(SafetensorsFile::from_bytes) else { return };
    for tensor in file.tensors().iter().take(100) {
        let _ = file.tensor(&tensor.name);
    }
    let _ = file.module(None, Cell::Lstm);
    for module in file.modules().iter().take(4) {
        read_module(&file, module);
    }
    if let Ok(blueprint) = own::from_file(&file) {
        exercise(&blueprint);
    }
    if let Some(Ok(blueprint)) = outline.map(|outline| chain::read(&file, &outline)) {
        exercise(&blueprint);
    }
}

fn read_module(file: &SafetensorsFile, name: &ModuleName) {
    for cell in [Cell::Lstm, Cell::Gru, Cell::Rnn(Activation::Tanh)] {
        let Ok(module) = file.module(Some(&name.prefix), cell) else { continue };
        if let Ok(layers) = module.into_layers(&name.prefix) {
            exercise(&Blueprint { layers, ..Blueprint::default() });
        }
    }
}

/// A file begins with the eight bytes of its header's length: the last of them is zero, as it is in no text.
fn divided(bytes: &[u8]) -> (Option<Outline>, &[u8]) {
    let line = bytes.iter().position(|byte| *byte == b'\n').unwrap_or_default();
    let (text, rest) = (&bytes[..line], bytes.get(line + 1..).unwrap_or_default());
    match std::str::from_utf8(text) {
        Ok(text) if !text.is_empty() && !text.starts_with('{') && !text.contains('\0') => (text.parse().ok(), rest),
        _ => (None, bytes),
    }
}
