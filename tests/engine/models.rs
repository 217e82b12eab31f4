//! Trained models of others, read as plain weights: RTNeural's, NAM's, Silero's voice detector and an encoder with a decoder.
//!
//! They stand beside the checkout, or where `GATEWISE_MODELS` says, and are not copied.

mod keras;
mod spelling;

use std::fs;
use std::path::Path;

use gatewise::{GruWeights, Layout, Level, LstmWeights, Model, ModelBuilder, Session, TorchTensors, Weights};
use safetensors::SafeTensors;
use serde_json::Value;

pub use crate::common::folder;
use crate::common::{array, assert_close, assert_same_bits, levels};
use crate::fixtures::{tensor, torch};

pub fn json(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// The numbers of nested lists, row after row.
pub fn numbers(value: &Value) -> Vec<f32> {
    match value {
        Value::Array(values) => values.iter().flat_map(numbers).collect(),
        value => vec![value.as_f64().unwrap() as f32],
    }
}

/// A dense layer, computed here in f64: `φ(W x + b)`, W outputs × inputs.
pub struct Dense {
    pub weight: Vec<f32>,
    pub bias: Vec<f32>,
    pub activation: fn(f64) -> f64,
}

impl Dense {
    pub fn linear(weight: Vec<f32>, bias: Vec<f32>) -> Self {
        Dense { weight, bias, activation: |x| x }
    }

    pub fn apply(&self, x: &[f64]) -> Vec<f64> {
        let row = |(weights, bias): (&[f32], &f32)| {
            let products = weights.iter().zip(x).map(|(weight, x)| f64::from(*weight) * x);
            (self.activation)(products.sum::<f64>() + f64::from(*bias))
        };
        self.weight.chunks(x.len()).zip(&self.bias).map(row).collect()
    }
}

/// A recurrent part between dense ones, and what it must give.
pub struct Chain {
    pub name: String,
    pub before: Vec<Dense>,
    pub recurrent: ModelBuilder,
    /// Of all layers, one after the other; zeros where a model has none.
    pub state: Option<[Vec<f32>; 2]>,
    pub after: Vec<Dense>,
    pub tolerance: f64,
    /// Features after each other, step after step.
    pub x: Vec<f64>,
    pub y: Vec<f64>,
}

impl Chain {
    fn check(&self) {
        for level in levels() {
            self.check_on(level);
        }
    }

    fn check_on(&self, level: Level) {
        let model = self.recurrent.clone().level(level).build().unwrap();
        let through = |layers: &[Dense], x: &[f64]| layers.iter().fold(x.to_vec(), |x, layer| layer.apply(&x));
        let steps = self.y.len();
        let x: Vec<f32> = self
            .x
            .chunks(self.x.len() / steps)
            .flat_map(|x| through(&self.before, x).into_iter().map(|value| value as f32))
            .collect();
        let start = || {
            let mut session = Session::new(&model, 1).unwrap();
            if let Some([h, c]) = &self.state {
                session.set_state(h, c).unwrap();
            }
            session
        };
        let mut whole = vec![f32::NAN; steps * model.output_size()];
        start().run(&x, Layout::TimeMajor, &mut whole).unwrap();
        let mut stream = start();
        let streamed: Vec<f32> = x.chunks(model.input_size()).flat_map(|x| stream.step(x).unwrap().to_vec()).collect();
        assert_same_bits(&streamed, &whole, || format!("{}, {level}: streamed beside whole", self.name));
        let output = |h: &[f32]| through(&self.after, &h.iter().copied().map(f64::from).collect::<Vec<_>>())[0] as f32;
        let found: Vec<f32> = streamed.chunks(model.output_size()).map(output).collect();
        assert_close(&found, &self.y, self.tolerance, || format!("{}, {level}", self.name));
    }
}

/// Input, expected output and tolerance of a model's folder.
pub fn given(folder: &Path, y: &str) -> (Vec<f64>, Vec<f64>, f64) {
    let io = folder.join("io.npz");
    let tolerance = json(&folder.join("case.json"))["tolerance"].as_f64().unwrap();
    (array(&io, "x").unwrap(), array(&io, y).unwrap(), tolerance)
}

/// One layer, then three, then a dense one, as PyTorch's tensors in JSON.
fn rtneural_torch(name: &str, recurrent: fn(&TorchTensors) -> Weights) {
    let Some(folder) = folder(name) else { return };
    let file = json(&folder.join("model.json"));
    let cell = if name.contains("gru") { "gru" } else { "lstm" };
    let mut builder = Model::builder();
    for (prefix, layer, input) in [("", 0, 1), ("2", 0, 8), ("2", 1, 8), ("2", 2, 8)] {
        let find = |own: &str| numbers(&file[format!("{cell}{prefix}.{own}_l{layer}")]);
        builder = builder.layer(recurrent(&TorchTensors {
            input_size: input,
            hidden_size: 8,
            weight_ih: find("weight_ih"),
            weight_hh: find("weight_hh"),
            biases: Some([find("bias_ih"), find("bias_hh")]),
            projection: None,
        }));
    }
    let (x, y, tolerance) = given(&folder, "y");
    let after = vec![Dense::linear(numbers(&file["dense.weight"]), numbers(&file["dense.bias"]))];
    let name = name.to_owned();
    Chain { name, before: Vec::new(), recurrent: builder, state: None, after, tolerance, x, y }.check();
}

#[test]
fn rtneural_stack_of_four_lstm_layers() {
    rtneural_torch("rtneural_lstm_torch", |tensors| LstmWeights::from_torch(tensors).unwrap().into());
}

#[test]
fn rtneural_stack_of_four_gru_layers() {
    rtneural_torch("rtneural_gru_torch", |tensors| GruWeights::from_torch(tensors).unwrap().into());
}

/// One flat list: a layer's W and R side by side, bias, h0, c0; then the head.
#[test]
fn nam_guitar_amplifier() {
    let Some(folder) = folder("nam_lstm") else { return };
    let file = json(&folder.join("model.nam"));
    let weights = numbers(&file["weights"]);
    let mut rest = &weights[..];
    let mut next = |count: usize| {
        let (own, after) = rest.split_at(count);
        rest = after;
        own.to_vec()
    };
    let size = |name: &str| file["config"][name].as_u64().unwrap() as usize;
    let (hidden, mut input) = (size("hidden_size"), size("input_size"));
    let (mut builder, mut state) = (Model::builder(), [Vec::new(), Vec::new()]);
    for _ in 0..size("num_layers") {
        let rows = next(4 * hidden * (input + hidden));
        let rows = || rows.chunks(input + hidden);
        let weight_ih: Vec<f32> = rows().flat_map(|row| row[..input].to_vec()).collect();
        let weight_hh: Vec<f32> = rows().flat_map(|row| row[input..].to_vec()).collect();
        builder = builder.layer(LstmWeights::new(input, hidden, &weight_ih, &weight_hh, &next(4 * hidden)).unwrap());
        state.iter_mut().for_each(|state| state.extend(next(hidden)));
        input = hidden;
    }
    let after = vec![Dense::linear(next(hidden), next(1))];
    assert!(rest.is_empty(), "{} weights are left", rest.len());
    let (x, y, tolerance) = given(&folder, "y");
    let (name, state) = ("nam_lstm".to_owned(), Some(state));
    Chain { name, before: Vec::new(), recurrent: builder, state, after, tolerance, x, y }.check();
}

/// speech probability = sigmoid(head · relu(h) + bias).
#[test]
fn silero_voice_detector() {
    let Some(folder) = folder("silero_vad_lstm") else { return };
    let file = fs::read(folder.join("model.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&file).unwrap();
    let recurrent = LstmWeights::from_torch(&torch(&tensors, "", "l0", [128, 128])).unwrap();
    let mut relu = Dense::linear(Vec::new(), vec![0.0; 128]);
    relu.weight = (0..128 * 128).map(|at| if at % 129 == 0 { 1.0 } else { 0.0 }).collect();
    relu.activation = |x| x.max(0.0);
    let mut head = Dense::linear(tensor(&tensors, "head.weight").unwrap(), tensor(&tensors, "head.bias").unwrap());
    head.activation = |x| 1.0 / (1.0 + (-x).exp());
    // x is stored with its axes turned; the sizes are T × 1 × I, so only T and I change places.
    let (stored, y, tolerance) = given(&folder, "speech_probability");
    let x = (0..stored.len()).map(|at| stored[at % 128 * y.len() + at / 128]).collect();
    let (name, recurrent) = ("silero_vad_lstm".to_owned(), Model::builder().layer(recurrent));
    Chain { name, before: Vec::new(), recurrent, state: None, after: vec![relu, head], tolerance, x, y }.check();
}
