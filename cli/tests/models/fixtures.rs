//! Every golden case of PyTorch, Keras and ONNX: what the framework gave, by name, shape and value.

use crate::cases::{Case, cases};
use crate::common::{Folder, array, array_names, assert_close, fixture, levels, run};

#[track_caller]
fn all(prefix: &str, least: usize) {
    for case in cases(prefix, least) {
        case.check(&[], case.tolerance);
    }
}

#[test]
fn every_pytorch_module_is_told_by_its_shapes() {
    all("torch_", 33);
}

#[test]
fn every_keras_model_gives_what_keras_gave() {
    all("keras_", 51);
}

#[test]
fn every_recurrent_operator_gives_what_onnx_runtime_gave() {
    all("onnx_", 39);
}

#[test]
fn every_exported_graph_gives_what_pytorch_gave() {
    all("export_", 8);
}

#[test]
fn every_level_gives_what_the_framework_gave() {
    let few: Vec<Case> = [
        "torch_12_gru_num_layers-3",
        "torch_32_lstm_proj",
        "keras_10_bi_sum_last",
        "keras_12_stack_softmax",
        "keras_13_embed_mask",
        "keras_extra_mask_stack",
        "onnx_28_lstm_peep",
        "onnx_36_gru",
        "export_classifier_dynamo",
        "export_stream_lstm_torchscript",
    ]
    .into_iter()
    .flat_map(|prefix| cases(prefix, 1))
    .collect();
    for level in levels() {
        for case in &few {
            case.check(&["--isa", level.name()], case.tolerance);
            let folder = Folder::new();
            let line = case.run(&folder.path("out.npz"), &["--isa", level.name()]);
            assert!(line.contains(&format!("by {level}, ")), "{}: {level} in {line:?}", case.name);
        }
    }
}

/// Keras computed in float32: the worst of its numbers is 2.1e-7 from the reference's.
#[test]
fn the_reference_gives_what_keras_gave() {
    for case in cases("keras_", 51) {
        case.check(&["--reference"], 5e-7);
    }
}

/// Two programs that share no code: the kernels in float32, the reference in float64.
#[test]
fn the_kernels_and_the_reference_give_the_same_states() {
    let mut with_states = 0;
    for case in cases("keras_", 51) {
        let folder = Folder::new();
        let (found, exact) = (folder.path("found.npz"), folder.path("exact.npz"));
        case.run(&found, &[]);
        case.run(&exact, &["--reference"]);
        let names = array_names(&found);
        assert_eq!(names, array_names(&exact), "{}: arrays", case.model);
        with_states += usize::from(names.iter().any(|name| name.starts_with("h_n")));
        for name in names {
            let (found, exact) = (array(&found, &name).expect("listed"), array(&exact, &name).expect("listed"));
            assert_eq!([found.dtype.as_str(), exact.dtype.as_str()], ["'<f4'", "'<f8'"], "{}, {name}", case.model);
            assert_close(&found, &exact, 1e-6, || format!("{}, {name}", case.model));
        }
    }
    assert!(with_states >= 48, "only {with_states} models have states");
}

#[test]
fn a_files_first_bytes_say_what_its_name_does_not() {
    for (case, file, options) in [
        ("torch_10_gru", "model.safetensors", &[][..]),
        ("keras_09_bi_concat", "model.keras", &[]),
        ("keras_extra_two_h5", "model.h5", &[]),
        ("onnx_00_lstm_direction-forward", "model.onnx", &[]),
        ("keras_08_rnn_relu", "model.weights.h5", &["--layers", "rnn activation=relu last"]),
    ] {
        let folder = Folder::new();
        let bytes = std::fs::read(fixture(case, file)).expect("the fixture");
        let (model, io) = (folder.put("model", &bytes), fixture(case, "io.npz"));
        let (named, unnamed) = (folder.path("named.npz"), folder.path("unnamed.npz"));
        for (model, output) in [(&fixture(case, file), &named), (&model, &unnamed)] {
            run(&[&["run", model, "--input", &io, "--output", output][..], options].concat()).done(case);
        }
        assert_eq!(std::fs::read(&unnamed).unwrap(), std::fs::read(&named).unwrap(), "{case}: the same file");
    }
}
