//! Cells that PyTorch does not have, against what their papers' equations gave for tests/fixtures; every c too.

use gatewise::{
    Activation, Batch, Coupling, GruOptions, GruWeights, LstmOptions, LstmWeights, Model, Outputs, Reset, RnnOptions,
    RnnWeights, Session, Weights,
};
use serde_json::Value;

use crate::common::{array, assert_close, fixture, levels};
use crate::fixtures::{case, input, size};

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

#[test]
fn every_variant_that_is_a_cell_of_the_engine_comes_out_on_every_level() {
    let folder = std::fs::read_dir(fixture("")).unwrap();
    let names = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut tested = 0;
    for name in names.filter(|name| name.starts_with("variant_")) {
        let case = case(&name);
        let sizes = [size(&case, "I"), size(&case, "H")];
        let weights = match &name["variant_".len()..] {
            "no_input_gate" | "no_forget_gate" | "no_output_gate" => {
                eprintln!("SKIPPED: {name}: the engine has no LSTM with a gate left out");
                continue;
            }
            "gru_reset_before" => gru(&name, Reset::Before, sizes),
            "gru_reset_after" => gru(&name, Reset::After, sizes),
            "rnn_tanh" => rnn(&name, Activation::Tanh, sizes),
            "rnn_relu" => rnn(&name, Activation::Relu, sizes),
            _ => lstm(&name, &case, sizes),
        };
        tested += 1;
        let io = |array_name: &str| array(&fixture(&name).join("io.npz"), array_name);
        let (y, h_n) = (io("y").unwrap(), io("h_n").unwrap());
        for level in levels() {
            let model = Model::with_level(&weights, level).unwrap();
            let mut session = Session::new(&model, size(&case, "B")).unwrap();
            session.set_state(&input(&name, "h0").unwrap(), &input(&name, "c0").unwrap_or_default()).unwrap();
            let mut found = vec![f32::NAN; y.len()];
            let mut cells = vec![f32::NAN; y.len()];
            let x = input(&name, "x").unwrap();
            let mut outputs = Outputs::none().hidden(&mut found);
            if io("c_all").is_some() {
                outputs = outputs.cells(&mut cells);
            }
            session.forward(Batch::new(&x), outputs).unwrap();
            assert_close(&found, &y, 2e-6, || format!("{name}, y, {level}"));
            assert_close(session.hidden_state(), &h_n, 2e-6, || format!("{name}, h_n, {level}"));
            if let (Some(c_all), Some(c_n)) = (io("c_all"), io("c_n")) {
                assert_close(&cells, &c_all, 2e-6, || format!("{name}, every c, {level}"));
                assert_close(session.cell_state(), &c_n, 2e-6, || format!("{name}, c_n, {level}"));
            }
        }
    }
    assert_eq!(tested, 13, "variants that the engine has");
}
