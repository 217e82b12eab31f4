//! Tensors that are not as the configuration asks for.

use hdf5_pure::GroupBuilder;
use serde_json::json;

use super::draft::{Draft, hdf5};

/// A model of one dense layer with one output, and these tensors.
fn dense(mut build: impl FnMut(&mut GroupBuilder)) -> Draft {
    let mut draft = Draft::of("keras_00_lstm_last");
    let layer = json!({"class_name": "Dense", "config": {"name": "d", "units": 1, "activation": "linear"}});
    draft.config["config"]["layers"][1] = layer;
    draft.weights = hdf5("layers/dense/vars", &mut build);
    draft
}

fn tensor(vars: &mut GroupBuilder, name: &str, shape: &[u64], value: f32) {
    let values = vec![value; shape.iter().product::<u64>() as usize];
    vars.create_dataset(name).with_f32_data(&values).with_shape(shape);
}

/// The message for a dense layer with a kernel and a bias of these shapes.
fn shapes(kernel: &[u64], bias: &[u64]) -> String {
    dense(|vars| {
        tensor(vars, "0", kernel, 0.5);
        tensor(vars, "1", bias, 0.25);
    })
    .message()
}

#[test]
fn a_dense_layer_is_read_as_its_tensors_are() {
    let draft = dense(|vars| {
        vars.create_dataset("0").with_f64_data(&[0.1, 0.2]).with_shape(&[2, 1]);
        vars.create_dataset("1").with_f64_data(&[0.3]).with_shape(&[1]);
    });
    let blueprint = draft.read().unwrap();
    let gatewise::network::blueprint::Operation::Dense(dense) = &blueprint.layers[0].operation else { panic!() };
    assert_eq!((dense.weight.as_slice(), dense.bias.as_slice()), (&[0.1, 0.2][..], &[0.3][..]));
}

#[test]
fn shapes_that_do_not_fit_are_refused_by_tensor() {
    for (found, expected) in [
        (shapes(&[2, 3], &[1]), "tensor layers/dense/vars/0 has shape [2, 3], expected [I, 1]"),
        (shapes(&[2], &[1]), "tensor layers/dense/vars/0 has shape [2], expected [I, 1]"),
        (shapes(&[2, 1], &[2]), "tensor layers/dense/vars/1 has shape [2], expected [1]"),
        (shapes(&[2, 1], &[1, 1]), "tensor layers/dense/vars/1 has shape [1, 1], expected [1]"),
    ] {
        assert!(found.contains(expected), "{found}");
    }
    let units = "/config/layers/1/config/units";
    let found = Draft::of("keras_00_lstm_last").with(units, json!(12)).message();
    assert!(
        found.contains("layers/lstm/cell/vars/1 has shape [11, 44], expected [12, 48] (4 gates of 12 units)"),
        "{found}"
    );
    let huge = Draft::of("keras_00_lstm_last").with(units, json!(u64::MAX)).message();
    assert!(huge.contains("has shape [11, 44], expected"), "{huge}");
    let found = Draft::of("keras_05_gru_last").with("/config/layers/1/config/reset_after", json!(false)).message();
    assert!(found.contains("vars/2 has shape [2,") && found.contains("(no reset_after)"), "{found}");
    let table = Draft::of("keras_13_embed_mask").with("/config/layers/1/config/input_dim", json!(24)).message();
    assert!(table.contains("has shape [23, 5], expected [24, 5] (input_dim, output_dim)"), "{table}");
}

#[test]
fn tensors_that_are_missing_or_too_many_are_refused() {
    let none = dense(|vars| tensor(vars, "0", &[2, 1], 0.5)).message();
    assert!(none.contains("layer d (Dense) has no tensor bias, but its configuration says use_bias = true"), "{none}");
    let empty = dense(|_| {}).message();
    assert!(empty.contains("layer d (Dense) has 0 tensors, expected 2: kernel, bias"), "{empty}");
    let many = dense(|vars| ["0", "1", "2"].into_iter().for_each(|name| tensor(vars, name, &[2, 1], 0.5))).message();
    assert!(many.contains("layer d (Dense) has 3 tensors, expected 2: kernel, bias"), "{many}");
    let renamed = dense(|vars| ["a", "b"].into_iter().for_each(|name| tensor(vars, name, &[2, 1], 0.5))).message();
    assert!(renamed.contains("tensor layers/dense/vars/0:"), "{renamed}");
    let biased = Draft::of("keras_00_lstm_last").with("/config/layers/1/config/use_bias", json!(false)).message();
    assert!(
        biased.contains("layer lstm (LSTM) has a tensor bias, but its configuration says use_bias = false"),
        "{biased}"
    );
    let mut elsewhere = Draft::of("keras_00_lstm_last");
    elsewhere.weights = Draft::of("keras_05_gru_last").weights;
    let elsewhere = elsewhere.message();
    assert!(
        elsewhere.contains("layer lstm (LSTM) has no tensors: expected them in layers/lstm/cell/vars"),
        "{elsewhere}"
    );
}

#[test]
fn values_that_are_no_finite_numbers_are_refused() {
    let infinite = dense(|vars| {
        tensor(vars, "0", &[2, 1], f32::NAN);
        tensor(vars, "1", &[1], 0.0);
    });
    assert!(infinite.message().contains("tensor layers/dense/vars/0 holds NaN at index 0"), "{}", infinite.message());
    let integers = dense(|vars| {
        vars.create_dataset("0").with_i32_data(&[1, 2]).with_shape(&[2, 1]);
        tensor(vars, "1", &[1], 0.0);
    });
    let expected = "tensor layers/dense/vars/0: no floating-point numbers: expected f16, bf16, f32 or f64";
    assert!(integers.message().contains(expected), "{}", integers.message());
}
