//! RTNeural's form of Keras' models, made of random numbers.

use crate::expected::{Function, Functions, Rows, STANDARD, Tensors, sigmoid, times};
use crate::state_dict::random_tensors;
use crate::{Random, assert_gives, object, read, refused, turned};

fn layer(kind: &str, activation: &str, units: usize, weights: &[String]) -> String {
    object(&[
        ("type", format!("{kind:?}")),
        ("activation", format!("{activation:?}")),
        ("shape", format!("[null, null, {units}]")),
        ("weights", format!("[{}]", weights.join(", "))),
    ])
}

fn model(input: usize, layers: &[String], extra: &[(&str, &str)]) -> String {
    let own = [("in_shape", format!("[null, null, {input}]")), ("layers", format!("[{}]", layers.join(", ")))];
    let extra = extra.iter().map(|(key, value)| (*key, (*value).to_owned()));
    object(&own.into_iter().chain(extra).collect::<Vec<_>>())
}

fn dense(weight: &Rows, bias: Option<&[f64]>, kind: &str, activation: &str) -> String {
    let weights = [Some(format!("{:?}", turned(weight))), bias.map(|bias| format!("{bias:?}"))];
    layer(kind, activation, weight.len(), &weights.into_iter().flatten().collect::<Vec<_>>())
}

/// Keras has one bias and the same order of gates.
fn lstm(tensors: &Tensors, activation: &str) -> String {
    let bias: Vec<f64> = tensors.bias_ih.iter().zip(&tensors.bias_hh).map(|(a, b)| a + b).collect();
    let weights = [turned(&tensors.weight_ih), turned(&tensors.weight_hh)].map(|matrix| format!("{matrix:?}"));
    layer("lstm", activation, tensors.hidden(), &[&weights[..], &[format!("{bias:?}")]].concat())
}

/// The rows of r z n in the order z r n.
fn update_first<T: Clone>(rows: &[T]) -> Vec<T> {
    let gate = rows.len() / 3;
    [&rows[gate..2 * gate], &rows[..gate], &rows[2 * gate..]].concat()
}

fn gru_weights(tensors: &Tensors) -> [String; 2] {
    [&tensors.weight_ih, &tensors.weight_hh].map(|matrix| format!("{:?}", turned(&update_first(matrix))))
}

fn gru(tensors: &Tensors) -> String {
    let bias = [&tensors.bias_ih, &tensors.bias_hh].map(|bias| update_first(bias));
    layer("gru", "tanh", tensors.hidden(), &[&gru_weights(tensors)[..], &[format!("{bias:?}")]].concat())
}

fn softmax(x: Vec<f64>) -> Vec<f64> {
    let sum: f64 = x.iter().map(|x| x.exp()).sum();
    x.iter().map(|x| x.exp() / sum).collect()
}

fn elu(x: f64) -> f64 {
    if x < 0.0 { x.exp_m1() } else { x }
}

#[test]
fn layers_of_every_kind_one_after_the_other() {
    let mut random = Random::new(11);
    let x = random.matrix(20, 3);
    let (first, first_bias) = (random.matrix(4, 3), random.row(4));
    // As wide as its input, so that kernel, recurrent kernel and bias of the GRU have shapes that could be mistaken.
    let (recurrent, second) = (random_tensors(&mut random, 4, 4, 2), random_tensors(&mut random, 3, 2, 2));
    let last = random.matrix(3, 2);
    let layers = [
        dense(&first, Some(&first_bias), "time-distributed-dense", "elu"),
        lstm(&recurrent, ""),
        gru(&second),
        layer("activation", "sigmoid", 2, &[]),
        dense(&last, None, "dense", "softmax"),
    ];
    let y: Rows = x.iter().map(|x| times(&first, x, &first_bias).into_iter().map(elu).collect()).collect();
    let y = second.gru(&recurrent.lstm_from_zeros(&y));
    let squashed = |h: &Vec<f64>| h.iter().copied().map(sigmoid).collect::<Vec<_>>();
    let y: Rows = y.iter().map(|h| softmax(times(&last, &squashed(h), &[0.0; 3]))).collect();
    let blueprint = read(&model(3, &layers, &[]));
    assert_eq!(blueprint.layers.len(), 5);
    assert_gives(&blueprint, &x, &y, 1e-6, "five layers");
}

#[test]
fn dense_layers_have_the_functions_that_the_format_knows() {
    let mut random = Random::new(12);
    let (x, weight, bias) = (random.matrix(6, 2), random.matrix(3, 2), random.row(3));
    let functions: [Function; 5] = [|x| x, f64::tanh, |x| x.max(0.0), sigmoid, elu];
    for (name, function) in ["", "tanh", "relu", "sigmoid", "elu"].into_iter().zip(functions) {
        let y: Rows = x.iter().map(|x| times(&weight, x, &bias).into_iter().map(function).collect()).collect();
        let blueprint = read(&model(2, &[dense(&weight, Some(&bias), "dense", name)], &[]));
        assert_gives(&blueprint, &x, &y, 1e-6, name);
    }
}

#[test]
fn recurrent_layers_with_other_functions_are_computed_with_them() {
    let mut random = Random::new(13);
    let (x, tensors) = (random.matrix(10, 2), random_tensors(&mut random, 4, 2, 3));
    let zeros = || [(); 2].map(|()| vec![0.0; 3]);
    let relu: Functions = (sigmoid, |x| x.max(0.0));
    let blueprint = read(&model(2, &[lstm(&tensors, "relu")], &[]));
    assert_gives(&blueprint, &x, &tensors.lstm(&x, zeros(), relu), 1e-5, "relu");
    let other: Functions = (f64::tanh, sigmoid);
    let text = lstm(&tensors, "sigmoid").replace("\"shape\"", "\"recurrent_activation\": \"tanh\", \"shape\"");
    assert_gives(&read(&model(2, &[text], &[])), &x, &tensors.lstm(&x, zeros(), other), 1e-5, "sigmoid and tanh");
    assert_gives(&read(&model(2, &[lstm(&tensors, "tanh")], &[])), &x, &tensors.lstm(&x, zeros(), STANDARD), 1e-6, "");
}

#[test]
fn a_gru_of_one_row_of_biases_resets_before() {
    let mut random = Random::new(14);
    let (x, tensors) = (random.matrix(10, 2), random_tensors(&mut random, 3, 2, 4));
    let bias = format!("{:?}", update_first(&tensors.bias_ih));
    let text = layer("gru", "tanh", 4, &[&gru_weights(&tensors)[..], &[bias]].concat());
    assert_gives(&read(&model(2, &[text], &[])), &x, &tensors.gru_reset_before(&x), 1e-6, "reset before");
    let text = layer("gru", "tanh", 4, &gru_weights(&tensors));
    let without = Tensors { bias_ih: vec![0.0; 12], bias_hh: vec![0.0; 12], ..tensors };
    assert_gives(&read(&model(2, &[text], &[])), &x, &without.gru(&x), 1e-6, "no bias");
}

#[test]
fn skip_and_gains_are_computed_and_the_rest_is_kept() {
    let mut random = Random::new(15);
    let (x, tensors) = (random.matrix(10, 1), random_tensors(&mut random, 4, 1, 1));
    let text = |extra: &[(&str, &str)]| model(1, &[lstm(&tensors, "")], extra);
    let scaled = |rows: &Rows, gain: f64| -> Rows { rows.iter().map(|row| vec![gain * row[0]]).collect() };
    let skipped = |rows: &Rows| -> Rows { rows.iter().zip(&x).map(|(y, x)| vec![y[0] + x[0]]).collect() };
    let plain = tensors.lstm_from_zeros(&x);
    assert_gives(&read(&text(&[("in_skip", "1")])), &x, &skipped(&plain), 1e-6, "in_skip");
    assert_gives(&read(&text(&[("in_skip", "0"), ("in_gain", "0.0")])), &x, &plain, 1e-6, "nothing");
    let both = scaled(&skipped(&plain), 10f64.powf(-0.3));
    assert_gives(&read(&text(&[("in_skip", "1"), ("out_gain", "-6")])), &x, &both, 1e-6, "in_skip, out_gain");
    let louder = tensors.lstm_from_zeros(&scaled(&x, 2.0));
    let twice = 20.0 * 2f64.log10();
    assert_gives(&read(&text(&[("in_gain", &twice.to_string())])), &x, &louder, 1e-6, "in_gain");

    let metadata = r#"{"name": "Tweaker", "samplerate": "48000", "esr": 0.17}"#;
    let blueprint = read(&text(&[("metadata", metadata), ("input_batch", "[[0.5], [1]]"), ("author", "\"me\"")]));
    assert_eq!((blueprint.name.as_str(), blueprint.sample_rate), ("Tweaker", Some(48_000.0)));
    for (extra, expected) in [
        (&[("in_skip", "2")][..], "in_skip is 2"),
        (&[("in_skip", "1"), ("in_gain", "3")], "in_gain with in_skip"),
        (&[("out_gain", "1e30")], "out_gain of"),
        (&[("in_skip", "\"yes\"")], "in_skip: expected a whole number"),
    ] {
        let error = refused(&text(extra));
        assert!(error.contains(expected), "{error:?} for {expected:?}");
    }
}

#[test]
fn what_is_not_computed_is_refused_by_name() {
    for kind in ["conv1d", "conv2d", "prelu", "batchnorm", "batchnorm2d", "unknown"] {
        let error = refused(&model(2, &[layer(kind, "", 2, &[])], &[]));
        assert!(error.contains(&format!("layers[0]: layer {kind:?} is not computed: expected lstm, gru")), "{error}");
    }
    let mut random = Random::new(16);
    let tensors = random_tensors(&mut random, 4, 2, 3);
    let own = lstm(&tensors, "tanh");
    let second = |text: String| refused(&model(2, &[dense(&vec![vec![0.5; 2]; 2], None, "dense", ""), text], &[]));
    for (from, to, expected) in [
        ("\"tanh\"", "\"swish\"", "layers[1].activation: function \"swish\" is not known: expected tanh, relu"),
        ("\"tanh\"", "\"softmax\"", "layers[1]: activation softmax is no function of a cell"),
        ("\"tanh\"", "\"tanh\", \"go_backwards\": true", "layers[1]: has \"go_backwards\", whose effect is not known"),
        ("\"tanh\"", "\"tanh\", \"recurrent_activation\": \"hard_sigmoid\"", "function \"hard_sigmoid\" is not known"),
        ("\"tanh\"", "3", "layers[1].activation: expected text, found 3"),
        ("null, 3]", "null, 4]", "tensor layers[1].weights[0] has shape [2, 12], expected [2, 16]"),
        ("\"shape\"", "\"size\"", "layers[1]: has no \"shape\""),
        ("null, 3]", "null, 1e30]", "layers[1].shape[2]: expected a whole number"),
        ("\"weights\"", "\"weight\"", "layers[1]: has no \"weights\""),
        ("\"type\"", "\"kind\"", "layers[1]: has no \"type\""),
    ] {
        assert!(own.contains(from), "{from}");
        let error = second(own.replace(from, to));
        assert!(error.contains(expected), "{error:?} for {expected:?}");
    }
    let error = second(layer("lstm", "", 3, &["[[1]]".to_owned()]));
    assert!(error.contains("layers[1].weights: has 1 tensors, expected 2 or with a bias 3"), "{error}");
    let error = second(layer("activation", "tanh", 3, &[]));
    assert!(error.contains("layers[1]: gives 3 features, but 2 stand before it"), "{error}");
    let error = second(dense(&vec![vec![0.5; 2], vec![1e39, 0.0]], None, "dense", ""));
    assert!(error.contains("tensor layers[1].weights[0] holds inf at index 1"), "{error}");
}

#[test]
fn files_without_layers_or_shapes_are_refused() {
    for (text, expected) in [
        ("{\"in_shape\": [null, 1], \"layers\": []}", "at least one layer"),
        ("{\"in_shape\": [null, 1], \"layers\": {}}", "layers: expected a list, found an object"),
        ("{\"in_shape\": [null, 1], \"layers\": [3]}", "layers[0]: expected an object with \"shape\""),
        ("{\"in_shape\": [], \"layers\": []}", "in_shape: expected a list of one element or more"),
        ("{\"in_shape\": [null], \"layers\": []}", "in_shape[0]: expected a whole number up to 2^24, found null"),
        ("{\"layers\": []}", "its outermost value: has no \"in_shape\""),
    ] {
        let error = refused(text);
        assert!(error.contains(expected), "{error:?} for {expected:?}");
    }
}
