//! The fixtures of cells that PyTorch does not have, as the engine's weights.

use gatewise::{
    Activation, ClockworkWeights, Coupling, DepthGatedWeights, GateUse, GruOptions, GruWeights, LstmOptions,
    LstmWeights, MutantWeights, Mutation, Reset, RnnOptions, RnnWeights, Weights,
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

/// The weights of a variant's layers, from the input up.
pub fn weights(name: &str, case: &Value) -> Vec<Weights> {
    let sizes = [size(case, "I"), size(case, "H")];
    let one = match &name["variant_".len()..] {
        "gru_reset_before" => gru(name, Reset::Before, sizes),
        "gru_reset_after" => gru(name, Reset::After, sizes),
        "rnn_tanh" => rnn(name, Activation::Tanh, sizes),
        "rnn_relu" => rnn(name, Activation::Relu, sizes),
        "clockwork_from_0" | "clockwork_from_1" => clockwork(name, case, sizes),
        "mut1" => mutant(name, Mutation::Mut1, sizes),
        "mut2" => mutant(name, Mutation::Mut2, sizes),
        "mut3" => mutant(name, Mutation::Mut3, sizes),
        "depth_gated_two_layers" => return depth_gated(name, sizes).to_vec(),
        _ => lstm(name, case, sizes),
    };
    vec![one]
}

/// Gates below each other in the order of `letters`; zeros for one that is not computed.
#[derive(Clone, Copy)]
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

fn clockwork(name: &str, case: &Value, sizes: [usize; 2]) -> Weights {
    let [weight_ih, weight_hh, bias] = Rows { name, letters: &[""], sizes }.tensors();
    let periods = case["periods"].as_array().unwrap().iter().map(|period| period.as_u64().unwrap() as usize);
    let periods: Vec<usize> = periods.collect();
    assert_eq!(size(case, "units_per_module") * periods.len(), sizes[1]);
    let weights = ClockworkWeights::new(sizes[0], sizes[1], &weight_ih, &weight_hh, &bias, &periods).unwrap();
    weights.with_first_t(size(case, "first_t")).into()
}

fn mutant(name: &str, mutation: Mutation, sizes: [usize; 2]) -> Weights {
    let [weight_ih, weight_hh, bias] = Rows { name, letters: MUTANT_GATES, sizes }.tensors();
    MutantWeights::new(mutation, sizes[0], sizes[1], &weight_ih, &weight_hh, &bias).unwrap().into()
}

/// The fixtures' letters of r z n.
pub const MUTANT_GATES: &[&str] = &["_r", "_z", "_h"];

fn depth_gated(name: &str, [input, hidden]: [usize; 2]) -> [Weights; 2] {
    let lowest = Rows { name, letters: &["_i_l0", "_f_l0", "_g_l0", "_o_l0"], sizes: [input, hidden] };
    let above = Rows { name, letters: &["_i_l1", "_f_l1", "_g_l1", "_o_l1", "_d_l1"], sizes: [hidden; 2] };
    let peepholes = |layer: usize| ["p_i", "p_f", "p_o"].map(|peephole| lowest.find(&format!("{peephole}_l{layer}")));
    let [weight_ih, weight_hh, bias] = lowest.tensors();
    let below = LstmWeights::new(input, hidden, &weight_ih, &weight_hh, &bias).unwrap();
    let below = below.with_peepholes(peepholes(0).each_ref().map(Option::as_deref)).unwrap();
    // The depth gate hears no h⁻.
    let [weight_ih, weight_hh, bias] = above.tensors();
    let weight_hh = &weight_hh[..4 * hidden * hidden];
    let depth = ["w_cd_l1", "w_ld_l1"].map(|name| above.find(name).unwrap());
    let depth = depth.each_ref().map(Vec::as_slice);
    let above = DepthGatedWeights::new(hidden, hidden, &weight_ih, weight_hh, &bias, depth).unwrap();
    [below.into(), above.with_peepholes(peepholes(1).each_ref().map(Option::as_deref)).unwrap().into()]
}
