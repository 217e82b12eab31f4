//! RTNeural's models in Keras' layout: matrices inputs × gates, gates i f c o and z r h.

use gatewise::{GruWeights, LstmWeights, Model, Weights};
use serde_json::Value;

use super::{Chain, Dense, folder, given, json, numbers};

/// Turns inputs × outputs into outputs × inputs.
fn turned(values: &[f32], outputs: usize) -> Vec<f32> {
    let inputs = values.len() / outputs;
    (0..values.len()).map(|at| values[at % inputs * outputs + at / inputs]).collect()
}

/// The rows of z r h in the order r z h.
fn reset_first(rows: Vec<f32>) -> Vec<f32> {
    let gate = rows.len() / 3;
    [&rows[gate..2 * gate], &rows[..gate], &rows[2 * gate..]].concat()
}

fn recurrent(layer: &Value) -> Weights {
    let [kernel, own, bias] = [0, 1, 2].map(|index| numbers(&layer["weights"][index]));
    let hidden = layer["shape"][2].as_u64().unwrap() as usize;
    let gates = if layer["type"] == "gru" { 3 } else { 4 };
    let input = kernel.len() / (gates * hidden);
    let [kernel, own] = [kernel, own].map(|matrix| turned(&matrix, gates * hidden));
    if gates == 4 {
        return LstmWeights::new(input, hidden, &kernel, &own, &bias).unwrap().into();
    }
    // Two rows of biases: the input's and the recurrent one's, which stays inside r·(…) for the candidate.
    let [mut bias, recurrent] = [0, 1].map(|row| reset_first(bias[row * 3 * hidden..][..3 * hidden].to_vec()));
    for (bias, recurrent) in bias.iter_mut().zip(&recurrent[..2 * hidden]) {
        *bias += recurrent;
    }
    let (kernel, own) = (reset_first(kernel), reset_first(own));
    GruWeights::new(input, hidden, &kernel, &own, &bias, &recurrent[2 * hidden..]).unwrap().into()
}

fn dense(layer: &Value) -> Dense {
    let bias = numbers(&layer["weights"][1]);
    let weight = turned(&numbers(&layer["weights"][0]), bias.len());
    let activation = match layer["activation"].as_str() {
        Some("") => |x: f64| x,
        Some("tanh") => f64::tanh,
        Some("sigmoid") => |x: f64| 1.0 / (1.0 + (-x).exp()),
        other => panic!("unknown activation {other:?}"),
    };
    Dense { weight, bias, activation }
}

fn check(name: &str) {
    let Some(folder) = folder(name) else { return };
    let file = json(&folder.join("model.json"));
    let (mut before, mut after, mut layer) = (Vec::new(), Vec::new(), None);
    for found in file["layers"].as_array().unwrap() {
        match found["type"].as_str() {
            Some("lstm" | "gru") => layer = Some(recurrent(found)),
            Some("dense" | "time-distributed-dense") if layer.is_none() => before.push(dense(found)),
            Some("dense" | "time-distributed-dense") => after.push(dense(found)),
            other => panic!("{name}: unknown layer {other:?}"),
        }
    }
    let (x, y, tolerance) = given(&folder, "y");
    let recurrent = Model::builder().layer(layer.unwrap());
    Chain { name: name.to_owned(), before, recurrent, state: None, after, tolerance, x, y }.check();
}

#[test]
fn rtneural_lstm_between_dense_layers() {
    check("rtneural_lstm");
}

#[test]
fn rtneural_lstm_of_one_feature() {
    check("rtneural_lstm_1d");
}

#[test]
fn rtneural_gru_between_dense_layers() {
    check("rtneural_gru");
}

#[test]
fn rtneural_gru_of_one_feature() {
    check("rtneural_gru_1d");
}
