//! `gatewise convert`: the same model in gatewise's own form, to the bit.

use std::fs;

use crate::cases::cases;
use crate::common::{Folder, Model, Npz, fixture, noise, run, trained};
use crate::made;

/// Converts, runs both, and compares the files that they write.
#[track_caller]
fn stays_the_same(model: &str, options: &[&str], io: &str, run_options: &[&str]) {
    let folder = Folder::new();
    let [own, first, second] = ["own.safetensors", "first.npz", "second.npz"].map(|name| folder.path(name));
    let line = run(&[&["convert", model, &own][..], options].concat()).done(model);
    assert!(line.starts_with(&own) && line.contains(" parameters, ") && line.lines().count() == 1, "{line:?}");
    let both = |model: &str, output: &str, options: &[&str]| {
        run(&[&["run", model, "--input", io, "--output", output][..], options, run_options].concat()).done(model);
        fs::read(output).expect("the output")
    };
    assert!(
        both(model, &first, options) == both(&own, &second, &[]),
        "{model}: the converted model gives another file"
    );
    assert_eq!(folder.names(), ["first.npz", "own.safetensors", "second.npz"], "{model}");
}

#[test]
fn every_keras_model_gives_the_same_bits() {
    for case in cases("keras_", 51) {
        stays_the_same(&case.model, &case.options, &case.io(), &[]);
    }
    let case = "keras_12_stack_softmax";
    stays_the_same(&fixture(case, "model.keras"), &[], &fixture(case, "io.npz"), &["--reference"]);
}

#[test]
fn every_pytorch_module_gives_the_same_bits() {
    for case in cases("torch_", 33) {
        let (batch_first, options): (Vec<_>, Vec<_>) =
            case.options.iter().copied().partition(|option| *option == "--batch-first");
        stays_the_same(&case.model, &options, &case.io(), &batch_first);
    }
}

#[test]
fn a_chain_of_pytorch_layers_gives_the_same_bits() {
    let folder = Folder::new();
    let layer = |name: &'static str| move |own: &str| format!("{name}.{own}");
    let model = Model::layer(3, 4, 5)
        .renamed(layer("rnn"))
        .with("words.weight", &[7, 4])
        .with("head.weight", &[2, 5])
        .with("head.bias", &[2]);
    let model = folder.put("model.safetensors", &model.bytes());
    let npz = Npz::new().with_ids("x", &[3, 2], &[0, 6, 2, 3, 1, 1]).with("h0", &[1, 2, 5], &noise(10, 1.0, 1));
    let outline = ["--layers", "embedding:words, gru:rnn, relu, dense:head log_softmax"];
    stays_the_same(&model, &outline, &folder.put("in.npz", &npz.bytes()), &[]);
}

#[test]
fn sound_models_give_the_same_bits() {
    let folder = Folder::new();
    let io = folder.put("in.npz", &Npz::new().with("x", &[40], &noise(40, 1.0, 1)).bytes());
    for (name, bytes) in [
        ("model.nam", made::nam(3, 2, 1.0)),
        ("model.json", made::rtneural().to_string().into_bytes()),
        ("guitar.json", made::guitarml().to_string().into_bytes()),
    ] {
        stays_the_same(&folder.put(name, &bytes), &[], &io, &[]);
    }
    for (name, file) in
        [("nam_lstm", "model.nam"), ("rtneural_gru", "model.json"), ("rtneural_lstm_torch", "model.json")]
    {
        let (Some(model), Some(io)) = (trained(name, file), trained(name, "io.npz")) else { continue };
        stays_the_same(&model, &[], &io, &[]);
    }
}

#[test]
fn what_is_in_the_own_form_is_converted_to_itself() {
    let folder = Folder::new();
    let [once, twice] = ["once.safetensors", "twice.safetensors"].map(|name| folder.path(name));
    run(&["convert", &fixture("keras_12_stack_softmax", "model.keras"), &once]).done("once");
    run(&["convert", &once, &twice]).done("twice");
    assert!(fs::read(&once).unwrap() == fs::read(&twice).unwrap(), "other bytes");
    run(&["convert", &once, &once]).done("over itself");
    assert!(fs::read(&once).unwrap() == fs::read(&twice).unwrap(), "other bytes over itself");
}

#[test]
fn a_graph_stays_with_its_engine() {
    let folder = Folder::new();
    let model = fixture("onnx_00_lstm_direction-forward", "model.onnx");
    let found = run(&["convert", &model, &folder.path("own.safetensors")]);
    found.refused("a graph", &[&model, "a graph of operators is no sequence of layers"]);
    assert!(folder.names().is_empty(), "{:?}", folder.names());
}

#[test]
fn names_and_places_that_are_no_safetensors_are_refused() {
    let folder = Folder::new();
    let model = fixture("keras_01_lstm_seq", "model.keras");
    for name in ["own.keras", "own", "own.safetensors.gz"] {
        let found = run(&["convert", &model, &folder.path(name)]);
        found.refused(name, &[name, "expected a name that ends in .safetensors"]);
    }
    let nowhere = folder.path("no/such/own.safetensors");
    run(&["convert", &model, &nowhere]).refused("no folder", &[&nowhere, "cannot write"]);
    assert!(folder.names().is_empty(), "{:?}", folder.names());
    run(&["convert", &model]).misused("no output", &["<OUTPUT>"]);
}

#[test]
fn an_existing_file_is_kept_when_the_conversion_fails() {
    let folder = Folder::new();
    let own = folder.put("own.safetensors", b"precious");
    let unknown = folder.put("model.keras", &made::keras("keras_01_lstm_seq", "\"LSTM\"", "\"ConvLSTM1D\""));
    let whole = fs::read(fixture("keras_01_lstm_seq", "model.keras")).unwrap();
    let half = folder.put("half.keras", &whole[..whole.len() / 2]);
    let weights = fixture("keras_00_lstm_last", "model.weights.h5");
    let nowhere = folder.path("nowhere.keras");
    for (model, options, says) in [
        (&unknown, &[][..], "ConvLSTM1D"),
        (&half, &[], "not a readable"),
        (&weights, &[], "has weights, but not the layers"),
        (&weights, &["--layers", "gru last"], "no tensors for the outline's layer gru"),
        (&nowhere, &[], "No such file"),
    ] {
        run(&[&["convert", model, &own][..], options].concat()).refused(model, &[model, says]);
        assert_eq!(fs::read(&own).unwrap(), b"precious", "{model}");
    }
    assert_eq!(folder.names(), ["half.keras", "model.keras", "own.safetensors"]);
    run(&["convert", &fixture("keras_01_lstm_seq", "model.keras"), &own]).done("a whole model");
    assert_ne!(fs::read(&own).unwrap(), b"precious");
}
