//! GuitarML's files, made of random numbers.

use crate::expected::{Rows, times};
use crate::state_dict::{entries, random_tensors};
use crate::{Random, assert_gives, object, read, refused};

#[derive(Clone, Copy)]
struct Sizes {
    unit: &'static str,
    layers: usize,
    input: usize,
    output: usize,
    skip: usize,
    bias: bool,
}

const HIDDEN: usize = 6;

const PLAIN: Sizes = Sizes { unit: "LSTM", layers: 1, input: 1, output: 1, skip: 1, bias: true };

/// A file, an input and what comes of it.
struct Draft {
    data: String,
    state: Vec<(String, String)>,
    x: Rows,
    y: Rows,
}

impl Draft {
    fn random(sizes: Sizes) -> Self {
        let Sizes { unit, layers, input, output, skip, bias } = sizes;
        let mut random = Random::new(7);
        let gates = [("LSTM", 4), ("GRU", 3), ("RNN", 1)].into_iter().find(|(name, _)| *name == unit).unwrap().1;
        let x = random.matrix(25, input);
        let (mut state, mut h) = (Vec::new(), x.clone());
        for layer in 0..layers {
            let tensors = random_tensors(&mut random, gates, h[0].len(), HIDDEN);
            state.extend(entries("rec.", &format!("_l{layer}"), &tensors));
            h = match gates {
                4 => tensors.lstm_from_zeros(&h),
                3 => tensors.gru(&h),
                _ => tensors.rnn(&h),
            };
        }
        let (weight, own_bias) = (random.matrix(output, HIDDEN), random.row(output));
        let own_bias = if bias { own_bias } else { vec![0.0; output] };
        state.push(("lin.weight".to_owned(), format!("{weight:?}")));
        if bias {
            state.push(("lin.bias".to_owned(), format!("{own_bias:?}")));
        }
        let added = |x: &Vec<f64>, h: &Vec<f64>| -> Vec<f64> {
            let y = times(&weight, h, &own_bias).into_iter().enumerate();
            y.map(|(at, y)| if skip == 0 { y } else { y + x[at % skip] }).collect()
        };
        let y = x.iter().zip(&h).map(|(x, h)| added(x, h)).collect();
        let data = object(&[
            ("model", "\"SimpleRNN\"".to_owned()),
            ("input_size", input.to_string()),
            ("skip", skip.to_string()),
            ("output_size", output.to_string()),
            ("unit_type", format!("{unit:?}")),
            ("num_layers", layers.to_string()),
            ("hidden_size", HIDDEN.to_string()),
            ("bias_fl", bias.to_string()),
        ]);
        Draft { data, state, x, y }
    }

    fn state(&self) -> String {
        object(&self.state.iter().map(|(name, value)| (name.as_str(), value.clone())).collect::<Vec<_>>())
    }

    fn text(&self) -> String {
        object(&[("model_data", self.data.clone()), ("state_dict", self.state())])
    }

    fn with_data(mut self, from: &str, to: &str) -> Self {
        assert!(self.data.contains(from), "{from}");
        self.data = self.data.replace(from, to);
        self
    }
}

#[test]
fn every_unit_with_and_without_skip_bias_and_a_second_layer() {
    for unit in ["LSTM", "GRU", "RNN"] {
        for (layers, skip, bias) in [(1, 1, true), (1, 0, true), (1, 1, false), (2, 1, true), (3, 0, false)] {
            let draft = Draft::random(Sizes { unit, layers, skip, bias, ..PLAIN });
            let what = format!("{unit}, {layers} layers, skip {skip}, bias {bias}");
            assert_gives(&read(&draft.text()), &draft.x, &draft.y, 1e-6, &what);
        }
    }
}

#[test]
fn a_skip_of_several_features_and_one_that_is_added_to_all_outputs() {
    for (input, output, skip) in [(2, 2, 2), (3, 2, 2), (2, 3, 1), (4, 1, 1)] {
        let draft = Draft::random(Sizes { input, output, skip, ..PLAIN });
        let what = format!("{input} inputs, {output} outputs, skip {skip}");
        assert_gives(&read(&draft.text()), &draft.x, &draft.y, 1e-6, &what);
    }
    let refusal = refused(&Draft::random(Sizes { input: 3, output: 3, skip: 2, ..PLAIN }).text());
    assert!(refusal.contains("adds 2 of 3 input features to 3: expected 1 or 3"), "{refusal}");
    let refusal = refused(&Draft::random(PLAIN).with_data("\"skip\": 1", "\"skip\": 2").text());
    assert!(refusal.contains("adds 2 of 1 input features"), "{refusal}");
}

#[test]
fn skip_may_be_true_and_the_rate_is_found() {
    let draft = Draft::random(PLAIN).with_data("\"skip\": 1", "\"skip\": true, \"samplerate\": \"48000\"");
    let blueprint = read(&draft.text());
    assert_eq!(blueprint.sample_rate, Some(48_000.0));
    assert_gives(&blueprint, &draft.x, &draft.y, 1e-6, "skip true");
}

#[test]
fn what_model_data_and_tensors_say_must_agree() {
    for (from, to, expected) in [
        ("\"hidden_size\": 6", "\"hidden_size\": 5", "model_data.hidden_size: is 5, but the tensors say 6"),
        ("\"input_size\": 1", "\"input_size\": 2", "model_data.input_size: is 2, but the tensors say 1"),
        ("\"output_size\": 1", "\"output_size\": 2", "model_data.output_size: is 2, but the tensors say 1"),
        ("\"num_layers\": 1", "\"num_layers\": 2", "model_data.num_layers: is 2, but the tensors say 1"),
        ("\"bias_fl\": true", "\"bias_fl\": false", "model_data.bias_fl: is false, but the tensors say true"),
        (
            "\"bias_fl\": true",
            "\"bidirectional\": true",
            "model_data.bidirectional: is true, but the tensors say false",
        ),
        ("\"LSTM\"", "\"GRU\"", "rec.weight_hh_l0 has shape [24, 6], expected [18, 6] for a GRU (G = 4 is an LSTM)"),
        ("\"LSTM\"", "\"lstm\"", "model_data.unit_type: \"lstm\" is not known: expected LSTM, GRU or RNN"),
        ("\"SimpleRNN\"", "\"GatedConvNet\"", "model_data.model: \"GatedConvNet\" is not run: expected SimpleRNN"),
        ("\"bias_fl\": true", "\"clip\": 3", "model_data: has \"clip\", whose effect is not known"),
        ("\"skip\": 1, ", "", "model_data: has no \"skip\""),
        ("\"skip\": 1", "\"skip\": 0.5", "model_data.skip: expected a whole number"),
    ] {
        let error = refused(&Draft::random(PLAIN).with_data(from, to).text());
        assert!(error.contains(expected), "{error:?} for {expected:?}");
    }
}

#[test]
fn tensors_that_are_missing_left_over_or_ragged_are_named() {
    let changed = |change: fn(&mut Vec<(String, String)>)| {
        let mut draft = Draft::random(PLAIN);
        change(&mut draft.state);
        refused(&draft.text())
    };
    for (error, expected) in [
        (changed(|state| drop(state.remove(1))), "rec.weight_hh_l0"),
        (changed(|state| drop(state.remove(4))), "lin.weight"),
        (
            changed(|state| state.push(("conv.weight".to_owned(), "[[1]]".to_owned()))),
            "tensor conv.weight has no place",
        ),
        (
            changed(|state| state[0].1 = "[[1], [2, 3]]".to_owned()),
            "state_dict.rec.weight_ih_l0: expected numbers, all lists",
        ),
        (changed(|state| state[5].1 = "[1e39]".to_owned()), "tensor lin.bias holds inf at index 0"),
        (changed(|state| state[5].1 = "[[0.5]]".to_owned()), "tensor lin.bias has shape [1, 1], expected [1]"),
        (
            changed(|state| state[5].1 = "\"0.5\"".to_owned()),
            "state_dict.lin.bias: expected a list of numbers, found \"0.5\"",
        ),
        (changed(|state| *state = Vec::new()), "state_dict: expected from 1 to 512 tensors"),
    ] {
        assert!(error.contains(expected), "{error:?} for {expected:?}");
    }
    let draft = Draft::random(PLAIN);
    assert!(refused(&object(&[("model_data", draft.data.clone())])).contains("has no \"state_dict\""));
    assert!(refused(&object(&[("state_dict", draft.state())])).contains("has no \"model_data\""));
    let error = refused(&object(&[("model_data", "3".to_owned()), ("state_dict", draft.state())]));
    assert!(error.contains("model_data: expected an object with \"skip\", found 3"), "{error}");
}
