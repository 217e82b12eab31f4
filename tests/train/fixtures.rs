//! The gradients of every case that PyTorch's autograd computed for tests/fixtures, on every level.

use gatewise::load::Cell;
use gatewise::load::safetensors::SafetensorsFile;
use gatewise::network::blueprint::{Blueprint, Layer, Operation, Recurrent};
use gatewise::train::{Batch, Learner, Memory, Options, Upstream};
use gatewise::{Activation, Layout};
use serde_json::Value;

use crate::common::variants::{self, case, input, names, size};
use crate::common::{array, assert_near, assert_same_bits, fixture, levels};

/// A model, and the names under which a case has its gradients.
struct Task {
    name: String,
    case: Value,
    blueprint: Blueprint,
}

impl Task {
    fn gradient(&self, tensor: &str) -> Option<Vec<f64>> {
        array(&fixture(&self.name).join("grads.npz"), tensor)
    }

    /// Runs the case; the gradients of the weights by name, and of x, h0 and c0.
    fn run(&self, options: Options) -> Vec<(String, Vec<f32>)> {
        let Task { name, case, .. } = self;
        let layout = if case["options"]["batch_first"] == true { Layout::BatchFirst } else { Layout::TimeMajor };
        let lengths = input(name, "lengths").map(|all| all.into_iter().map(|l| l as usize).collect::<Vec<_>>());
        let narrow = |values: Vec<f64>| values.into_iter().map(|value| value as f32).collect::<Vec<f32>>();
        let [r_y, r_h, r_c] = ["r_y", "r_h_n", "r_c_n"].map(|r| self.gradient(r).map(narrow).unwrap_or_default());
        let (x, h0, c0) = (input(name, "x").unwrap(), input(name, "h0"), input(name, "c0"));
        let mut learner = Learner::new(self.blueprint.clone(), options).unwrap();
        let batch = Batch {
            lengths: lengths.as_deref(),
            hidden: h0.as_deref(),
            cell: c0.as_deref(),
            ..Batch::new(&x, layout, size(case, "B"))
        };
        let outcome = learner.forward(&batch).unwrap();
        let io = |of: &str| array(&fixture(name).join("io.npz"), of);
        assert_near(&outcome.y, &io("y").unwrap(), 2e-6, || format!("{name}, y"));
        assert_near(&outcome.hidden, &io("h_n").unwrap(), 2e-6, || format!("{name}, h_n"));
        assert_near(&outcome.cell, &io("c_n").unwrap_or_default(), 2e-6, || format!("{name}, c_n"));
        let down = learner.backward(Upstream { y: &r_y, hidden: &r_h, cell: &r_c }).unwrap().clone();
        let mut all: Vec<_> = learner.gradients().into_iter().map(|(name, values)| (name, values.to_vec())).collect();
        all.push(("x".to_owned(), down.x));
        if h0.is_some() {
            all.push(("h0".to_owned(), down.hidden));
        }
        if c0.is_some() {
            all.push(("c0".to_owned(), down.cell));
        }
        all
    }

    /// Compares every gradient with the one that `expected` gives; `None` for a tensor that the case does not have.
    fn check(&self, expected: impl Fn(&str) -> Option<Vec<f64>>) {
        let mut bits: Vec<Vec<f32>> = Vec::new();
        for level in levels() {
            let options = Options { level: Some(level), ..Options::default() };
            let found = self.run(options.clone());
            for (tensor, values) in &found {
                match expected(tensor) {
                    Some(expected) => {
                        assert_near(values, &expected, 1e-5, || format!("{}, d {tensor}, {level}", self.name));
                    }
                    None => assert!(tensor.ends_with("bias"), "{}: no gradient of {tensor}", self.name),
                }
            }
            for other in [
                Options { memory: Memory::Recompute, ..options.clone() },
                Options { threads: 3, ..options.clone() },
                Options { threads: 2, memory: Memory::Recompute, ..options.clone() },
            ] {
                let what = format!("{:?}, {} threads", other.memory, other.threads);
                for ((tensor, values), (_, same)) in found.iter().zip(&self.run(other)) {
                    assert_same_bits(same, values, || format!("{}, d {tensor}, {level}, {what}", self.name));
                }
            }
            bits.push(found.into_iter().flat_map(|(_, values)| values).collect());
        }
    }
}

/// The case's own gradient of one of our tensors: PyTorch has two biases, each with the gradient of their sum.
fn torch_gradient(task: &Task, tensor: &str) -> Option<Vec<f64>> {
    if ["x", "h0", "c0"].contains(&tensor) {
        return task.gradient(tensor);
    }
    let mut parts: Vec<&str> = tensor.split('.').collect();
    let own = parts.pop()?;
    let suffix = if parts.last() == Some(&"reverse") { format!("{}_reverse", parts[0]) } else { parts[0].to_owned() };
    let of = |name: &str| task.gradient(&format!("param.{name}_{suffix}"));
    let hidden = size(&task.case, "H");
    match own {
        "weight_ih" | "weight_hh" => of(own),
        "projection" => of("weight_hr"),
        "bias" => of("bias_ih"),
        "recurrent_bias" => of("bias_hh").map(|bias| bias[2 * hidden..].to_vec()),
        _ => None,
    }
}

#[test]
fn every_gradient_of_pytorchs_cases_comes_out_on_every_level() {
    let names = names("torch_");
    assert_eq!(names.len(), 33, "all of PyTorch's cases");
    for name in names {
        let case = case(&name);
        let relu = case["options"]["nonlinearity"] == "relu";
        let cell = match case["cell"].as_str().unwrap() {
            "LSTM" => Cell::Lstm,
            "GRU" => Cell::Gru,
            _ => Cell::Rnn(if relu { Activation::Relu } else { Activation::Tanh }),
        };
        let module =
            SafetensorsFile::read(fixture(&name).join("model.safetensors")).unwrap().module(None, cell).unwrap();
        let blueprint = Blueprint { layers: module.into_layers("").unwrap(), ..Blueprint::default() };
        let task = Task { name, case, blueprint };
        // A module without a bias has none to compare with.
        assert_eq!(torch_gradient(&task, "l0.bias").is_some(), task.case["options"]["bias"] != false, "{}", task.name);
        task.check(|tensor| torch_gradient(&task, tensor));
    }
}

/// Gates below each other in the engine's order.
fn variant_gradient(task: &Task, tensor: &str) -> Option<Vec<f64>> {
    if ["x", "h0", "c0"].contains(&tensor) {
        return task.gradient(tensor);
    }
    let (hidden, name) = (size(&task.case, "H"), &task.name["variant_".len()..]);
    let (layer, own) = tensor.split_once('.')?;
    let above = layer == "l1";
    // Of the case of two layers each name ends with its layer.
    let suffix = if name.starts_with("depth") { format!("_{layer}") } else { String::new() };
    let gradient = |name: &str| task.gradient(&format!("{name}{suffix}"));
    let letters: &[&str] = match name.split('_').next() {
        Some("gru") => &["_r", "_z", "_n"],
        Some("mut1" | "mut2" | "mut3") => variants::MUTANT_GATES,
        Some("rnn" | "clockwork") => &[""],
        _ if above => &["_i", "_f", "_g", "_o", "_d"],
        _ => &["_i", "_f", "_g", "_o"],
    };
    let stacked = |kind: &str, letters: &[&str], width: usize| {
        let zeros = vec![0.0; hidden * width];
        let of = |letter: &&str| gradient(&format!("{kind}{letter}")).unwrap_or_else(|| zeros.clone());
        Some(letters.iter().flat_map(of).collect::<Vec<f64>>())
    };
    match own {
        "weight_ih" => stacked("W", letters, if above { hidden } else { size(&task.case, "I") }),
        "weight_hh" => stacked("R", &letters[..letters.len().min(4)], hidden),
        "bias" => stacked("b", letters, 1),
        // With the reset before there is one bias, and the two have the same gradient.
        "recurrent_bias" => gradient("b_rn").or_else(|| gradient("b_n")),
        "depth_peephole" => gradient("w_cd"),
        "below_peephole" => gradient("w_ld"),
        peephole => gradient(&peephole.replace("peephole", "p")),
    }
}

#[test]
fn every_gradient_of_the_other_cells_comes_out_on_every_level() {
    let names = names("variant_");
    assert_eq!(names.len(), 22, "all variants");
    for name in names {
        let case = case(&name);
        let layers = variants::weights(&name, &case).into_iter().enumerate().map(|(index, weights)| {
            Layer::new(format!("l{index}"), Operation::Recurrent(Box::new(Recurrent::forward(weights))))
        });
        let task = Task { blueprint: Blueprint { layers: layers.collect(), ..Blueprint::default() }, name, case };
        task.check(|tensor| variant_gradient(&task, tensor));
    }
}
