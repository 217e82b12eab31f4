//! What is refused, and that the message says which layer and what was expected.

use serde_json::{Value, json};

use super::draft::{Draft, message};

const FIRST: &str = "/config/layers/1/config";

#[track_caller]
fn refused(case: &str, place: &str, value: Value, expected: &str) {
    let message = Draft::of(case).with(place, value).message();
    assert!(message.contains(expected), "{place}: {message}");
}

/// In the first layer of `keras_00_lstm_last`.
#[track_caller]
fn lstm(key: &str, value: Value, expected: &str) {
    refused("keras_00_lstm_last", &format!("{FIRST}/{key}"), value, &format!("layer lstm (LSTM) {expected}"));
}

#[test]
fn options_that_change_the_numbers_are_refused_by_name() {
    lstm("time_major", json!(true), "has time_major = true, which is not supported");
    lstm("peephole", json!([1, 2]), "has peephole = a list of 2, which is not supported");
    lstm("quantization_config", json!({"class_name": "Int8"}), "has quantization_config = an object of class Int8");
    lstm("dtype", json!("int8_from_float32"), "has the dtype \"int8_from_float32\": expected one of float32");
    lstm("activation", json!("swish"), "has activation: unknown function \"swish\": expected linear");
    lstm("activation", json!("softmax"), "has activation over a whole row");
    lstm(
        "recurrent_activation",
        json!({"class_name": "Own"}),
        "has recurrent_activation: a layer of the configuration",
    );
    lstm("units", json!(0), "has units = 0: expected a whole number of at least one");
    lstm("units", json!(-1), "has units = -1: expected a whole number");
    lstm("units", json!(null), "does not say its units");
    lstm("go_backwards", json!("yes"), "has go_backwards = \"yes\": expected true or false");
    refused("keras_13_embed_mask", "/config/layers/0/config/sparse", json!(true), "(InputLayer) is sparse");
    refused(
        "keras_00_lstm_last",
        "/config/layers/0/config/batch_shape",
        json!([null, 2, 3, 4]),
        "has 4 axes: expected",
    );
}

#[test]
fn options_that_change_nothing_are_taken() {
    let plain = Draft::of("keras_00_lstm_last");
    let model = plain.read().unwrap();
    for (key, value) in [
        ("implementation", json!(1)),
        ("dropout", json!(0.5)),
        ("kernel_constraint", json!({"class_name": "MaxNorm"})),
        ("some_new_option", json!(false)),
        ("stateful", json!(true)),
        ("return_state", json!(true)),
        ("dtype", json!("mixed_float16")),
    ] {
        assert_eq!(plain.clone().with(&format!("{FIRST}/{key}"), value).read().unwrap(), model, "{key}");
    }
}

#[test]
fn classes_that_are_not_supported_are_refused_by_name() {
    let class = "/config/layers/1/class_name";
    refused("keras_00_lstm_last", class, json!("Conv1D"), "layer lstm (Conv1D) is not supported: expected LSTM, GRU");
    refused("keras_00_lstm_last", class, json!("CuDNNLSTM"), "has the weights of cuDNN: load and save the model");
    refused("keras_00_lstm_last", class, json!("Functional"), "layer lstm (Functional) is not supported");
    let own = "/config/layers/1/registered_name";
    refused(
        "keras_00_lstm_last",
        own,
        json!("mine>LSTM"),
        "layer lstm (LSTM) is a class of its author's own, mine>LSTM",
    );
    refused("keras_00_lstm_last", "/class_name", json!("Mine"), "Mine is not supported: expected a Sequential");
    refused("keras_extra_mask_stack", "/config/layers/6/config/layer/class_name", json!("LSTM"), "has a LSTM inside");
}

#[test]
fn bidirectional_layers_that_go_the_wrong_ways_are_refused() {
    let case = "keras_09_bi_concat";
    let layer = "/config/layers/1/config";
    refused(case, &format!("{layer}/merge_mode"), Value::Null, "has merge_mode = None, two outputs: expected concat");
    refused(
        case,
        &format!("{layer}/merge_mode"),
        json!("max"),
        "has merge_mode = \"max\": expected concat, sum, mul or ave",
    );
    let flag = |which: &str| format!("{layer}/{which}/config/go_backwards");
    refused(
        case,
        &flag("layer"),
        json!(true),
        "layer bidirectional (Bidirectional) has a forward layer with go_backwards",
    );
    refused(case, &flag("backward_layer"), json!(false), "has a backward layer without go_backwards");
    let steps = format!("{layer}/backward_layer/config/return_sequences");
    refused(case, &steps, json!(false), "has return_sequences in one direction only");
}

#[test]
fn functions_as_layers_are_taken_only_where_they_are_the_same() {
    let case = "keras_extra_heads";
    let at = |place: usize, key: &str| format!("/config/layers/{place}/config/{key}");
    let layers = Draft::of(case).config["config"]["layers"].clone();
    let find = |class: &str| layers.as_array().unwrap().iter().position(|layer| layer["class_name"] == class).unwrap();
    refused(case, &at(find("ReLU"), "max_value"), json!(6.0), "has max_value = 6.0, which is not supported");
    refused(case, &at(find("ReLU"), "threshold"), json!(0.5), "has a threshold");
    refused(case, &at(find("Softmax"), "axis"), json!(1), "goes along another axis than the features");
    refused(
        case,
        &at(find("LeakyReLU"), "negative_slope"),
        json!("a"),
        "has negative_slope = \"a\": expected a number",
    );
    let prelu = format!("/config/layers/{}/class_name", find("ELU"));
    refused(case, &prelu, json!("PReLU"), "(PReLU) is not supported");
    let masked = Draft::of("keras_13_embed_mask").with("/config/layers/2/class_name", json!("Softmax"));
    let masked = masked.with("/config/layers/2/config", json!({"name": "s", "axis": -1})).message();
    assert!(masked.contains("layer s (Softmax) has a mask before it"), "{masked}");
}

#[test]
fn models_that_are_no_chain_are_refused() {
    let case = "keras_extra_mask_stack";
    let node = |place: usize| format!("/config/layers/{place}/inbound_nodes");
    let layers = Draft::of(case).config["config"]["layers"].clone();
    let find = |class: &str| layers.as_array().unwrap().iter().position(|layer| layer["class_name"] == class).unwrap();
    let lstm = find("LSTM");
    let name = layers[lstm]["name"].as_str().unwrap().to_owned();
    let twice = json!([layers[lstm]["inbound_nodes"][0], layers[lstm]["inbound_nodes"][0]]);
    refused(case, &node(lstm), twice, &format!("layer {name} (LSTM) is called 2 times: expected once"));
    refused(case, &node(lstm), json!([]), "is called 0 times");
    let own = format!("{}/0/kwargs/initial_state", node(lstm));
    refused(case, &own, json!([1]), "is called with initial_state = a list of 1, which is not supported");
    refused(case, &format!("{}/0/kwargs/training", node(lstm)), json!(true), "is called with training = true");
    let mask = format!("{}/0/kwargs/mask/config/keras_history/0", node(lstm));
    refused(case, &mask, json!("embedding"), "is called with a mask of its own");
    let compared = format!("{}/0/args/1", node(find("NotEqual")));
    refused(case, &compared, json!(1), "is called with a mask of its own");
    let itself = format!("{}/0/args/0/config/keras_history/0", node(lstm));
    refused(case, &itself, json!(name), "feeds itself");
    refused(case, &itself, json!("nobody"), "no layer nobody");
    let last = layers.as_array().unwrap().iter().rposition(|layer| layer["class_name"] == "LSTM").unwrap();
    let shortened = format!("{}/0/args/0/config/keras_history/0", node(last));
    refused(case, &shortened, json!("embedding"), "layer lstm (LSTM) is beside the way from the input to the output");
    refused(case, "/config/output_layers", json!([["dense", 0, 0], ["lstm", 0, 0]]), "expected one");
    refused(case, "/config/output_layers", json!(["lstm", 0, 1]), "one output that is the first of its layer");
    refused(case, "/config/input_layers", json!([["a", 0, 0], ["b", 0, 0]]), "the model has 2 inputs and 1 outputs");
}

#[test]
fn a_hard_sigmoid_needs_to_know_its_keras() {
    let mut draft = Draft::of("keras_03_lstm_hard");
    let three = draft.read().unwrap();
    draft.metadata = json!({"keras_version": "2.15.0"}).to_string();
    assert_ne!(draft.read().unwrap(), three);
    draft.metadata = json!({}).to_string();
    let message = draft.message();
    assert!(message.contains("hard_sigmoid is another function in Keras 2 than in Keras 3"), "{message}");
}

#[test]
fn other_files_are_refused() {
    for (bytes, expected) in [
        (&b"\x93NUMPY"[..], "neither a zip archive (.keras) nor an HDF5 file (.h5)"),
        (b"", "neither a zip archive"),
        (b"\x89HDF\r\n\x1a\n", "not a readable HDF5 file"),
        (b"PK\x03\x04 and no more", "not a readable Keras file"),
    ] {
        let found = message(super::draft::read(bytes));
        assert!(found.contains(expected), "{found}");
    }
    let found = message(gatewise::load::keras::read("no such file"));
    assert!(found.contains("No such file"), "{found}");
    let empty = super::draft::archive(&[("config.json", b"{}"), ("metadata.json", b"{}")]);
    let found = message(super::draft::read(&empty));
    assert!(found.contains("model.weights.h5"), "{found}");
}
