//! Models made or changed for a test.

use std::io::{Cursor, Read, Write};

use serde_json::{Value, json};
use zip::{ZipArchive, ZipWriter};

use crate::common::{fixture, noise};

/// A `.nam` file: LSTM layers of one feature, then a head of one output times `loudness`.
pub fn nam(hidden: usize, layers: usize, loudness: f32) -> Vec<u8> {
    let mut weights = Vec::new();
    for layer in 0..layers {
        let input = if layer == 0 { 1 } else { hidden };
        // W and R, the bias, h and c.
        let count = 4 * hidden * (input + hidden) + 4 * hidden + 2 * hidden;
        weights.extend(noise(count, 0.8, 11 + layer as u64));
    }
    weights.extend(noise(hidden + 1, 0.5, 7).iter().map(|value| value * loudness));
    let document = json!({
        "version": "0.5.4",
        "metadata": {"name": "made for a test"},
        "architecture": "LSTM",
        "config": {"input_size": 1, "hidden_size": hidden, "num_layers": layers},
        "weights": weights,
        "sample_rate": 48_000,
    });
    document.to_string().into_bytes()
}

fn rows(count: usize, width: usize, seed: u64) -> Vec<Vec<f32>> {
    noise(count * width, 0.6, seed).chunks_exact(width).map(<[f32]>::to_vec).collect()
}

/// RTNeural's JSON: one feature, a GRU of 3 units, two outputs.
pub fn rtneural() -> Value {
    let layer = |kind: &str, activation: &str, units: usize, weights: Value| {
        let shape = json!([null, null, units]);
        json!({"type": kind, "activation": activation, "shape": shape, "weights": weights})
    };
    let gru = json!([rows(1, 9, 1), rows(3, 9, 2), rows(2, 9, 3)]);
    let dense = json!([rows(3, 2, 4), noise(2, 0.6, 5)]);
    let layers = [layer("gru", "tanh", 3, gru), layer("dense", "sigmoid", 2, dense)];
    json!({"in_shape": [null, null, 1], "layers": layers})
}

/// GuitarML's JSON: an LSTM of 3 units whose output is added to its input.
pub fn guitarml() -> Value {
    json!({
        "model_data": {
            "model": "SimpleRNN", "unit_type": "LSTM", "input_size": 1, "hidden_size": 3, "output_size": 1,
            "num_layers": 1, "skip": 1, "bias_fl": true,
        },
        "state_dict": {
            "rec.weight_ih_l0": rows(12, 1, 1),
            "rec.weight_hh_l0": rows(12, 3, 2),
            "rec.bias_ih_l0": noise(12, 0.6, 3),
            "rec.bias_hh_l0": noise(12, 0.6, 4),
            "lin.weight": rows(1, 3, 5),
            "lin.bias": noise(1, 0.6, 6),
        },
    })
}

/// A fixture's file in which some bytes became others of the same length.
pub fn changed(case: &str, file: &str, from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len(), "the lengths stand in the file");
    let mut bytes = std::fs::read(fixture(case, file)).expect("the fixture");
    let at = bytes.windows(from.len()).position(|window| window == from.as_bytes());
    let at = at.unwrap_or_else(|| panic!("{case}: no {from:?}"));
    bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
    bytes
}

/// A fixture's `.keras` file whose configuration says something else.
pub fn keras(case: &str, from: &str, to: &str) -> Vec<u8> {
    let bytes = std::fs::read(fixture(case, "model.keras")).expect("the fixture");
    let mut archive = ZipArchive::new(Cursor::new(bytes)).expect("a zip archive");
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).expect("an entry");
        let (name, mut content) = (entry.name().to_owned(), Vec::new());
        entry.read_to_end(&mut content).expect("its content");
        if name == "config.json" {
            let text = String::from_utf8(content).expect("UTF-8");
            assert!(text.contains(from), "{case}: no {from:?} in {text}");
            content = text.replace(from, to).into_bytes();
        }
        writer.start_file(name, zip::write::SimpleFileOptions::default()).expect("an entry");
        writer.write_all(&content).expect("in memory");
    }
    writer.finish().expect("in memory").into_inner()
}
