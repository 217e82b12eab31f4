//! ONNX Runtime's results for one operator each: directions, lengths, peepholes, clip, activations, both orders of the reset.

use std::collections::HashMap;
use std::fs;

use gatewise_reference::{
    AnyCell, Coupling, Function, Gate, Gru, GruOptions, Keep, Layer, Layout, Lstm, LstmOptions, Matrix, Merge, Network,
    NetworkInput, NoTrace, Reset, Sequence, SimpleRnn, Update,
};
use serde_json::Value;

use crate::assert_all_near;
use crate::fixtures::Fixture;
use crate::protobuf::initializers;

const FOLDER: &str = "tests/fixtures";

/// What the cases have in `attributes`.
const ATTRIBUTES: [&str; 9] = [
    "hidden_size",
    "direction",
    "clip",
    "layout",
    "input_forget",
    "linear_before_reset",
    "activations",
    "activation_alpha",
    "activation_beta",
];

/// The weights of one direction of an operator.
struct Weights<'a> {
    inputs: usize,
    hidden: usize,
    gates: usize,
    direction: usize,
    tensors: &'a HashMap<String, Vec<f64>>,
}

impl Weights<'_> {
    /// One gate's part of a tensor that has `width` values a gate; `None` if there is no such tensor.
    fn part(&self, name: &str, gates: usize, width: usize, gate: usize) -> Option<&[f64]> {
        let tensor = self.tensors.get(name)?;
        Some(&tensor[(self.direction * gates + gate) * width..][..width])
    }

    fn matrix(&self, name: &str, columns: usize, gate: usize) -> Matrix<f64> {
        let values = self.part(name, self.gates, self.hidden * columns, gate).expect(name);
        Matrix::from_flat(self.hidden, columns, values).expect(name)
    }

    /// Half 0 of B is the input's bias, half 1 the recurrent one.
    fn bias(&self, half: usize, gate: usize) -> Vec<f64> {
        let bias = self.part("B", 2 * self.gates, self.hidden, half * self.gates + gate);
        bias.map_or(vec![0.0; self.hidden], <[f64]>::to_vec)
    }

    fn gate(&self, gate: usize) -> Gate<f64> {
        let halves = self.bias(0, gate).into_iter().zip(self.bias(1, gate));
        Gate {
            input_weights: self.matrix("W", self.inputs, gate),
            recurrent_weights: self.matrix("R", self.hidden, gate),
            bias: halves.map(|(input, recurrent)| input + recurrent).collect(),
            peephole: None,
        }
    }

    /// An LSTM's gate with its peephole: i, o, f in both W and P.
    fn peephole_gate(&self, gate: usize) -> Gate<f64> {
        Gate { peephole: self.part("P", 3, self.hidden, gate).map(<[f64]>::to_vec), ..self.gate(gate) }
    }
}

impl Fixture {
    fn attribute(&self, name: &str) -> &Value {
        &self.case["attributes"][name]
    }

    /// The activations of one direction; α and β are handed to those that have such a parameter, in their order.
    fn activations(&self, defaults: &[Function]) -> Vec<Function> {
        let Some(names) = self.attribute("activations").as_array() else { return defaults.to_vec() };
        let numbers = |name: &str| -> Vec<f64> {
            // The files hold f32.
            let numbers = self.attribute(name).as_array().into_iter().flatten();
            numbers.map(|number| f64::from(number.as_f64().expect(name) as f32)).collect()
        };
        let mut alphas = numbers("activation_alpha").into_iter();
        let mut betas = numbers("activation_beta").into_iter();
        let named = names.iter().map(|name| {
            let name = name.as_str().expect("a name");
            let parameters = Function::from_onnx(name, None, None).expect("an activation").parameters().len();
            let alpha = if parameters > 0 { alphas.next() } else { None };
            let beta = if parameters > 1 { betas.next() } else { None };
            Function::from_onnx(name, alpha, beta).expect("an activation")
        });
        named.collect()
    }

    fn cell_of(&self, weights: &Weights<'_>) -> AnyCell<f64> {
        let clip = self.attribute("clip").as_f64().map(|clip| f64::from(clip as f32));
        match self.case["op"].as_str() {
            Some("LSTM") => {
                let [f, g, h] = self.activations(&[Function::Sigmoid, Function::Tanh, Function::Tanh])[..] else {
                    panic!("{}: an LSTM has three activations", self.name)
                };
                let coupled = self.attribute("input_forget") == 1;
                let options = LstmOptions {
                    gate_activation: f,
                    input_activation: g,
                    output_activation: h,
                    coupling: if coupled { Coupling::ForgetIsOneMinusInput } else { Coupling::Independent },
                    clip,
                    ..LstmOptions::default()
                };
                let lstm = Lstm {
                    input_gate: weights.peephole_gate(0),
                    output_gate: weights.peephole_gate(1),
                    forget_gate: weights.peephole_gate(2),
                    candidate: weights.gate(3),
                    options,
                    projection: None,
                };
                lstm.into()
            }
            Some("GRU") => {
                let [f, g] = self.activations(&[Function::Sigmoid, Function::Tanh])[..] else {
                    panic!("{}: a GRU has two activations", self.name)
                };
                let after = self.attribute("linear_before_reset") == 1;
                let gru = Gru {
                    update_gate: weights.gate(0),
                    reset_gate: weights.gate(1),
                    candidate: Gate { bias: weights.bias(0, 2), ..weights.gate(2) },
                    recurrent_bias: Some(weights.bias(1, 2)),
                    reset: if after { Reset::After } else { Reset::Before },
                    update: Update::KeepsOld,
                    options: GruOptions { gate_activation: f, candidate_activation: g, clip },
                };
                gru.into()
            }
            Some("RNN") => {
                let Gate { input_weights, recurrent_weights, bias, .. } = weights.gate(0);
                let activation = self.activations(&[Function::Tanh])[0];
                SimpleRnn { input_weights, recurrent_weights, bias, activation, clip }.into()
            }
            other => panic!("{}: unknown operator {other:?}", self.name),
        }
    }

    fn layer(&self) -> Layer<AnyCell<f64>> {
        let tensors = initializers(&fs::read(self.folder.join("model.onnx")).expect("model.onnx"));
        let cell = |direction: usize| {
            let gates = match self.case["op"].as_str() {
                Some("LSTM") => 4,
                Some("GRU") => 3,
                _ => 1,
            };
            let (inputs, hidden) = (self.size("I"), self.size("H"));
            self.cell_of(&Weights { inputs, hidden, gates, direction, tensors: &tensors })
        };
        match self.attribute("direction").as_str() {
            None | Some("forward") => Layer::Forward(cell(0)),
            Some("reverse") => Layer::Reverse(cell(0)),
            Some("bidirectional") => Layer::Both { forward: cell(0), reverse: cell(1), merge: Merge::Separate },
            Some(other) => panic!("{}: unknown direction {other}", self.name),
        }
    }
}

#[test]
fn every_onnx_case_comes_out_to_its_tolerance() {
    let mut names: Vec<String> = fs::read_dir(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(FOLDER))
        .expect("the fixtures")
        .map(|entry| entry.expect("a folder").file_name().into_string().expect("a name in UTF-8"))
        .filter(|name| name.starts_with("onnx_"))
        .collect();
    names.sort();
    assert_eq!(names.len(), 39, "all of ONNX' cases");
    for name in &names {
        let fixture = Fixture::open(FOLDER, name);
        for attribute in fixture.case["attributes"].as_object().expect("attributes").keys() {
            assert!(ATTRIBUTES.contains(&attribute.as_str()), "{name}: unknown attribute {attribute}");
        }
        let layer = fixture.layer();
        let directions = layer.cells().len();
        let (steps, batch, hidden) = (fixture.size("T"), fixture.size("B"), fixture.size("H"));
        let batch_first = fixture.attribute("layout") == 1;
        let (x, h0, c0) = (fixture.io("X"), fixture.array("io.npz", "h0"), fixture.array("io.npz", "c0"));
        let sequence = Sequence {
            layout: if batch_first { Layout::BatchFirst } else { Layout::TimeMajor },
            batch,
            steps,
            x: &x,
            h0: h0.as_deref(),
            c0: c0.as_deref(),
        };
        let lengths = fixture.lengths();
        let input = NetworkInput { sequence, lengths: lengths.as_deref(), keep: Keep::LastStates };
        let network = Network { layers: vec![layer] };
        let output = network.forward(&input, &mut NoTrace).expect("a fixture that fits");

        // Y holds the directions apart: [T, D, B, H], or [B, T, D, H]. The cases with layout 1 have one direction.
        assert!(directions == 1 || !batch_first, "{name}");
        let mut y = Vec::new();
        let (rows, row) = if batch_first { (1, batch * steps * hidden) } else { (steps, batch * hidden) };
        for at in 0..rows {
            y.extend(&output.y[at * row..(at + 1) * row]);
            if let Some(reverse) = &output.y_reverse {
                y.extend(&reverse[at * row..(at + 1) * row]);
            }
        }
        let tolerance = fixture.case["tolerance"].as_f64().expect("a tolerance");
        let place = |array| format!("{name} {array}");
        assert_all_near(&y, &fixture.io("Y"), tolerance, &place("Y"));
        assert_all_near(&output.h_n, &fixture.io("Y_h"), tolerance, &place("Y_h"));
        let c_n = fixture.array("io.npz", "Y_c").unwrap_or_default();
        assert_eq!(c_n.is_empty(), fixture.case["op"] != "LSTM", "{name}");
        assert_all_near(&output.c_n, &c_n, tolerance, &place("Y_c"));
    }
}
