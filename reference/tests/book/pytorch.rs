//! Every torch_* case: stacks of layers in one direction or two, packed, from states, projected, in f64 to twelve decimals.

use std::fs;

use gatewise_reference::{
    AnyCell, Function, Gru, Keep, Layer, Layout, Lstm, Merge, Network, NetworkInput, NoTrace, PyTorchWeights, Sequence,
    SimpleRnn,
};
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;

use crate::assert_all_near;
use crate::fixtures::{FOLDER, Fixture, TOLERANCE, names};

/// What the cases have in `options`.
const OPTIONS: [&str; 6] = ["num_layers", "bidirectional", "batch_first", "bias", "nonlinearity", "proj_size"];

fn tensor(tensors: &SafeTensors<'_>, name: &str) -> Vec<f64> {
    let Ok(tensor) = tensors.tensor(name) else {
        return Vec::new();
    };
    assert_eq!(tensor.dtype(), Dtype::F32, "{name}");
    let bytes = tensor.data().chunks_exact(4);
    bytes.map(|bytes| f64::from(f32::from_le_bytes(bytes.try_into().expect("4 bytes")))).collect()
}

impl Fixture {
    pub fn option(&self, name: &str) -> &Value {
        &self.case["options"][name]
    }

    pub fn network(&self) -> Network<AnyCell<f64>> {
        let file = fs::read(self.folder.join("model.safetensors")).expect("model.safetensors");
        let tensors = SafeTensors::deserialize(&file).expect("safetensors");
        let layers = self.option("num_layers").as_u64().unwrap_or(1) as usize;
        let both = self.option("bidirectional") == true;
        let hidden = self.size("H");
        let outputs = self.option("proj_size").as_u64().map_or(hidden, |outputs| outputs as usize);
        let mut network = Network { layers: Vec::new() };
        let mut used = 0;
        for layer in 0..layers {
            let inputs = match (layer, both) {
                (0, _) => self.size("I"),
                (_, false) => outputs,
                (_, true) => 2 * outputs,
            };
            let mut cell = |suffix: &str| {
                let mut tensor = |name: &str| {
                    let tensor = tensor(&tensors, &format!("{name}_l{layer}{suffix}"));
                    used += usize::from(!tensor.is_empty());
                    tensor
                };
                let (bias_ih, bias_hh) = (tensor("bias_ih"), tensor("bias_hh"));
                assert_eq!(
                    bias_hh.is_empty(),
                    self.option("bias") == false,
                    "{}: a bias exactly if there is one",
                    self.name
                );
                let weights = PyTorchWeights {
                    inputs,
                    hidden,
                    weight_ih: &tensor("weight_ih"),
                    weight_hh: &tensor("weight_hh"),
                    bias_ih: &bias_ih,
                    bias_hh: &bias_hh,
                };
                self.cell(&weights, &tensor("weight_hr"), outputs)
            };
            network.layers.push(match both {
                true => Layer::Both { forward: cell(""), reverse: cell("_reverse"), merge: Merge::Concat },
                false => Layer::Forward(cell("")),
            });
        }
        assert_eq!(used, tensors.len(), "{}: every tensor is used", self.name);
        network
    }

    fn cell(&self, weights: &PyTorchWeights<'_, f64>, weight_hr: &[f64], outputs: usize) -> AnyCell<f64> {
        match self.case["cell"].as_str() {
            Some("LSTM") if self.option("proj_size").is_null() => Lstm::from_pytorch(weights).expect("an LSTM").into(),
            Some("LSTM") => Lstm::from_pytorch_projected(weights, weight_hr, outputs).expect("an LSTM").into(),
            Some("GRU") => Gru::from_pytorch(weights).expect("a GRU").into(),
            Some("RNN") => {
                let relu = self.option("nonlinearity") == "relu";
                let activation = if relu { Function::Relu } else { Function::Tanh };
                SimpleRnn::from_pytorch(weights, activation).expect("an RNN").into()
            }
            other => panic!("{}: unknown cell {other:?}", self.name),
        }
    }
}

#[test]
fn every_pytorch_case_comes_out_to_twelve_decimals() {
    let mut found = [0; 4];
    let names = names("torch_");
    for name in &names {
        let fixture = Fixture::open(FOLDER, name);
        for option in fixture.case["options"].as_object().expect("options").keys() {
            assert!(OPTIONS.contains(&option.as_str()), "{name}: unknown option {option}");
        }
        let network = fixture.network();
        let (x, h0, c0) = (fixture.io("x"), fixture.array("io.npz", "h0"), fixture.array("io.npz", "c0"));
        let lengths = fixture.lengths();
        assert_eq!(lengths.is_some(), fixture.case["packed"] == true, "{name}");
        let batch_first = fixture.option("batch_first") == true;
        let sequence = Sequence {
            layout: if batch_first { Layout::BatchFirst } else { Layout::TimeMajor },
            batch: fixture.size("B"),
            steps: fixture.size("T"),
            x: &x,
            h0: h0.as_deref(),
            c0: c0.as_deref(),
        };
        let input = NetworkInput { sequence, lengths: lengths.as_deref(), keep: Keep::LastStates };
        let output = network.forward(&input, &mut NoTrace).expect("a fixture that fits");
        let place = |array| format!("{name} {array}");
        assert_all_near(&output.y, &fixture.io("y"), TOLERANCE, &place("y"));
        assert_all_near(&output.h_n, &fixture.io("h_n"), TOLERANCE, &place("h_n"));
        let c_n = fixture.array("io.npz", "c_n");
        assert_eq!(c_n.is_some(), fixture.case["cell"] == "LSTM", "{name}");
        assert_all_near(&output.c_n, &c_n.unwrap_or_default(), TOLERANCE, &place("c_n"));

        let seen = [network.layers.len() > 1, lengths.is_some(), h0.is_some(), !fixture.option("proj_size").is_null()];
        for (count, seen) in found.iter_mut().zip(seen) {
            *count += usize::from(seen);
        }
    }
    assert_eq!(names.len(), 33, "all of PyTorch's cases");
    assert_eq!(found, [13, 6, 7, 2], "cases with several layers, lengths, initial states, a projection");
}
