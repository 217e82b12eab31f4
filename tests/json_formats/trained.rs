//! Trained models of others. They stand beside the checkout, or where `GATEWISE_MODELS` says, and are not copied.

use gatewise::load::json;

use crate::assert_gives;
use crate::common::{array, folder};

fn check(name: &str, file: &str, layers: usize) {
    let Some(folder) = folder(name) else { return };
    let blueprint = json::read(folder.join(file)).unwrap();
    assert_eq!(blueprint.layers.len(), layers, "{name}");
    let case: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(folder.join("case.json")).unwrap()).unwrap();
    let rows = |array_name: &str| -> Vec<Vec<f64>> {
        array(&folder.join("io.npz"), array_name).unwrap().into_iter().map(|value| vec![value]).collect()
    };
    let tolerance = case["tolerance"].as_f64().unwrap();
    assert_gives(&blueprint, &rows("x"), &rows("y"), tolerance, name);
}

#[test]
fn rtneural_lstm_between_dense_layers() {
    check("rtneural_lstm", "model.json", 3);
}

#[test]
fn rtneural_lstm_of_one_feature() {
    check("rtneural_lstm_1d", "model.json", 2);
}

#[test]
fn rtneural_gru_between_dense_layers() {
    check("rtneural_gru", "model.json", 4);
}

#[test]
fn rtneural_gru_of_one_feature() {
    check("rtneural_gru_1d", "model.json", 3);
}

#[test]
fn rtneural_stack_of_four_lstm_layers_as_a_state_dict() {
    check("rtneural_lstm_torch", "model.json", 5);
}

#[test]
fn rtneural_stack_of_four_gru_layers_as_a_state_dict() {
    check("rtneural_gru_torch", "model.json", 5);
}

#[test]
fn nam_guitar_amplifier() {
    check("nam_lstm", "model.nam", 2);
    let Some(folder) = folder("nam_lstm") else { return };
    let blueprint = json::read(folder.join("model.nam")).unwrap();
    assert_eq!((blueprint.name.as_str(), blueprint.sample_rate), ("Test LSTM", Some(48_000.0)));
}
