//! The fixtures of cells that PyTorch does not have, as the engine's weights.

use gatewise::{
    Activation, Coupling, GateUse, GruOptions, GruWeights, LstmOptions, LstmWeights, Reset, RnnOptions, RnnWeights,
    Weights,
};
use serde_json::Value;

use super::{array, fixture};

/// A case's description.
pub fn case(name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(fixture(name).join("case.json")).unwrap()).unwrap()
}

/// One of its sizes.
pub fn size(case: &Value, name: &str) -> usize {
    case[name].as_u64().unwrap_or_else(|| panic!("no size {name}")) as usize
}

/// An array of a case as f32, which is how inputs are stored; `None` if there is none.
pub fn input(name: &str, array_name: &str) -> Option<Vec<f32>> {
    let values = array(&fixture(name).join("io.npz"), array_name)?;
    Some(values.into_iter().map(|value| value as f32).collect())
}

/// All cases whose name begins so.
pub fn names(prefix: &str) -> Vec<String> {
    let folder = std::fs::read_dir(fixture("")).unwrap();
    let names = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.starts_with(prefix)).collect();
    names.sort();
    names
}

/// The weights of a variant; `None` for one that is not made of the engine's cells.
pub fn weights(name: &str, case: &Value) -> Option<Weights> {
    let sizes = [size(case, "I"), size(case, "H")];
    Some(match &name["variant_".len()..] {
        "gru_reset_before" => gru(name, Reset::Before, sizes),
        "gru_reset_after" => gru(name, Reset::After, sizes),
        "rnn_tanh" => rnn(name, Activation::Tanh, sizes),
        "rnn_relu" => rnn(name, Activation::Relu, sizes),
        other if other.starts_with("clockwork") || other.starts_with("mut") || other.starts_with("depth") => {
            return None;
        }
        _ => lstm(name, case, sizes),
    })
}

/// Gates below each other in the order of `letters`; zeros for one that is not computed.
struct Rows<'a> {
    name: &'a str,
    letters: &'a [&'a str],
    sizes: [usize; 2],
}

impl Rows<'_> {
    fn find(&self, tensor: &str) -> Option<Vec<f32>> {
        let values = array(&fixture(self.name).join("weights.npz"), tensor)?;
        Some(values.into_iter().map(|value| value as f32).collect())
    }

    fn stacked(&self, kind: &str, width: usize) -> Vec<f32> {
        let absent = vec![0.0; self.sizes[1] * width];
        let tensor = |letter: &&str| self.find(&format!("{kind}{letter}")).unwrap_or_else(|| absent.clone());
        let rows: Vec<f32> = self.letters.iter().flat_map(tensor).collect();
        assert_eq!(rows.len(), self.letters.len() * self.sizes[1] * width, "{}: {kind}", self.name);
        rows
    }

    fn tensors(&self) -> [Vec<f32>; 3] {
        let [input, hidden] = self.sizes;
        [self.stacked("W", input), self.stacked("R", hidden), self.stacked("b", 1)]
    }
}

fn lstm(name: &str, case: &Value, sizes: [usize; 2]) -> Weights {
    let rows = Rows { name, letters: &["_i", "_f", "_g", "_o"], sizes };
    let [weight_ih, weight_hh, bias] = rows.tensors();
    let mut options = LstmOptions::default();
    for (option, value) in case["options"].as_object().into_iter().flatten() {
        match (option.as_str(), value.as_str()) {
            ("coupled", Some("f=1-i")) => options.coupling = Coupling::ForgetFromInput,
            ("coupled", Some("i=1-f")) => options.coupling = Coupling::InputFromForget,
            ("no_input_activation", None) => options.input = Activation::Identity,
            ("no_input_gate", None) => options.input_gate = GateUse::AlwaysOne,
            ("no_forget_gate", None) => options.forget_gate = GateUse::AlwaysOne,
            ("no_output_gate", None) => options.output_gate = GateUse::AlwaysOne,
            ("no_output_activation", None) => options.output = Activation::Identity,
            other => panic!("{name}: unknown option {other:?}"),
        }
    }
    let mut weights = LstmWeights::new(sizes[0], sizes[1], &weight_ih, &weight_hh, &bias).unwrap();
    let peepholes = ["p_i", "p_f", "p_o"].map(|peephole| rows.find(peephole));
    if peepholes.iter().any(Option::is_some) {
        weights = weights.with_peepholes([0, 1, 2].map(|gate| peepholes[gate].as_deref())).unwrap();
    }
    weights.with_options(options).into()
}

fn gru(name: &str, reset: Reset, sizes: [usize; 2]) -> Weights {
    let rows = Rows { name, letters: &["_r", "_z", "_n"], sizes };
    let [weight_ih, weight_hh, bias] = rows.tensors();
    // With the reset before there is only one bias.
    let recurrent_bias = rows.find("b_rn").unwrap_or_else(|| vec![0.0; sizes[1]]);
    let weights = GruWeights::new(sizes[0], sizes[1], &weight_ih, &weight_hh, &bias, &recurrent_bias).unwrap();
    weights.with_options(GruOptions { reset, ..GruOptions::default() }).into()
}

fn rnn(name: &str, activation: Activation, sizes: [usize; 2]) -> Weights {
    let [weight_ih, weight_hh, bias] = Rows { name, letters: &[""], sizes }.tensors();
    let weights = RnnWeights::new(sizes[0], sizes[1], &weight_ih, &weight_hh, &bias).unwrap();
    weights.with_options(RnnOptions { activation, clip: None }).into()
}
