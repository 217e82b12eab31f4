//! The engine's gradients against the reference's, for random networks: every cell, stacks, directions, merges, lengths.

use std::collections::HashMap;

use gatewise::network::blueprint::{Blueprint, Layer, Operation, Passes, Recurrent};
use gatewise::train::{Batch, Learner, Memory, Options, Upstream};
use gatewise::{Layout, Merge, Weights};
use gatewise_reference as reference;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use reference::{AnyCell, Keep, Learned, LossGradients, Network, NetworkInput, NoTrace, Sequence};

use crate::common::cells::Random;
use crate::common::networks::{KINDS, Kind, reference_merge};
use crate::common::{assert_near, assert_same_bits, levels, wide};

/// One network of both halves, and a batch for it.
struct Case {
    seed: u64,
    random: StdRng,
    blueprint: Blueprint,
    network: Network<AnyCell<f64>>,
}

/// The tensors of a direction, by name.
type Tensors = Vec<(String, Vec<f64>)>;

impl Case {
    fn new(seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let mut cells = Random::new(seed, 1.5);
        let (mut layers, mut network) = (Vec::new(), Network { layers: Vec::new() });
        let mut input = random.random_range(1..30);
        for index in 0..random.random_range(1..4) {
            let kind = KINDS[random.random_range(0..KINDS.len())];
            let hidden = if random.random_range(0..8) == 0 { 70 } else { random.random_range(1..40) };
            if let Some((passes, layer)) = layers.last().and_then(|below| depth_gated(&mut cells, below))
                && random.random()
            {
                network.layers.push(layer);
                layers.push(Layer::new(format!("l{index}"), Operation::Recurrent(Box::new(Recurrent::new(passes)))));
                continue;
            }
            let (weights, cell) = cells.cell(kind, input, hidden);
            let merge = [Merge::Concat, Merge::Sum, Merge::Mul, Merge::Average][random.random_range(0..4)];
            let (passes, layer) = match random.random_range(0..4) {
                0 => (Passes::Reverse(weights), reference::Layer::Reverse(cell)),
                1 => {
                    let (other, reverse) = cells.cell(kind, input, hidden);
                    let layer = reference::Layer::Both { forward: cell, reverse, merge: reference_merge(merge) };
                    (Passes::Both { forward: weights, reverse: other, merge }, layer)
                }
                _ => (Passes::Forward(weights), reference::Layer::Forward(cell)),
            };
            input = layer.output_size();
            network.layers.push(layer);
            layers.push(Layer::new(format!("l{index}"), Operation::Recurrent(Box::new(Recurrent::new(passes)))));
        }
        Case { seed, random, blueprint: Blueprint { layers, ..Blueprint::default() }, network }
    }

    fn uniform(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.random.random_range(-1.0..=1.0)).collect()
    }

    fn check(mut self) {
        let (steps, batch) = (self.random.random_range(0..20), self.random.random_range(1..40));
        let lengths: Vec<usize> = (0..batch).map(|_| self.random.random_range(0..=steps)).collect();
        let lengths = (!self.seed.is_multiple_of(3)).then_some(lengths);
        let widths: Vec<[usize; 2]> = self
            .network
            .cells()
            .iter()
            .map(|(_, cell)| [reference::Cell::output_size(*cell), reference::Cell::memory_size(*cell)])
            .collect();
        let sum = |which: usize| batch * widths.iter().map(|widths| widths[which]).sum::<usize>();
        let (rows, output) = (steps * batch, self.network.output_size());
        let x = self.uniform(rows * self.network.input_size());
        let (h0, c0) = (self.uniform(sum(0)), self.uniform(sum(1)));
        let (d_y, d_h, d_c) = (self.uniform(rows * output), self.uniform(sum(0)), self.uniform(sum(1)));

        let [wide_x, wide_h, wide_c, y, h_n, c_n] = [&x, &h0, &c0, &d_y, &d_h, &d_c].map(|values| wide(values));
        let layout = reference::Layout::TimeMajor;
        let sequence = Sequence { layout, batch, steps, x: &wide_x, h0: Some(&wide_h), c0: Some(&wide_c) };
        let input = NetworkInput { sequence, lengths: lengths.as_deref(), keep: Keep::LastStates };
        let loss = LossGradients { y: Some(&y), h_n: Some(&h_n), c_n: Some(&c_n), ..LossGradients::default() };
        let expected = self.network.backward(&input, &loss, &mut NoTrace).unwrap();
        let mut tensors = Vec::new();
        for (layer, gradients) in self.blueprint.layers.iter().zip(expected.weights.layers) {
            let Operation::Recurrent(recurrent) = &layer.operation else { unreachable!() };
            let cells = match gradients {
                reference::Layer::Forward(cell) | reference::Layer::Reverse(cell) => vec![cell],
                reference::Layer::Both { forward, reverse, .. } => vec![forward, reverse],
            };
            for (side, (weights, cell)) in ["", "reverse."].iter().zip(recurrent.passes.each().zip(cells)) {
                tensors.extend(gradients_of(weights, cell, &format!("{}.{side}", layer.name)));
            }
        }

        let seed = self.seed;
        for level in levels() {
            let run = |threads: usize, memory: Memory| {
                let options = Options { threads, memory, level: Some(level), ..Options::default() };
                let mut learner = Learner::new(self.blueprint.clone(), options).unwrap();
                let given = Batch {
                    lengths: lengths.as_deref(),
                    hidden: Some(&h0),
                    cell: Some(&c0),
                    ..Batch::new(&x, Layout::TimeMajor, batch)
                };
                learner.forward(&given).unwrap();
                let down = learner.backward(Upstream { y: &d_y, hidden: &d_h, cell: &d_c }).unwrap().clone();
                let mut found: Vec<(String, Vec<f32>)> =
                    learner.gradients().into_iter().map(|(name, values)| (name, values.to_vec())).collect();
                found.extend([("x".to_owned(), down.x), ("h0".to_owned(), down.hidden), ("c0".to_owned(), down.cell)]);
                found
            };
            let given = [("x", &expected.x), ("h0", &expected.h0), ("c0", &expected.c0)];
            let given = given.map(|(name, values)| (name.to_owned(), values.clone()));
            let all: HashMap<String, Vec<f64>> = tensors.iter().cloned().chain(given).collect();
            let kept = run(1, Memory::Keep);
            for memory in [Memory::Keep, Memory::Recompute] {
                let found = run(1, memory);
                assert_eq!(found.len(), all.len(), "seed {seed}: every gradient");
                for ((name, values), (_, kept)) in found.iter().zip(&kept) {
                    let expected = all.get(name).unwrap_or_else(|| panic!("seed {seed}: no gradient {name}"));
                    assert_near(values, expected, 2e-5, || format!("seed {seed}, d {name}, {level}, {memory:?}"));
                    // Over more than a stretch of steps, those of the weights are summed in another order.
                    if ["x", "h0", "c0"].contains(&&name[..]) {
                        assert_same_bits(values, kept, || format!("seed {seed}, d {name}, {level}, {memory:?}"));
                    }
                }
                for ((name, values), (_, same)) in run(3, memory).iter().zip(&found) {
                    assert_same_bits(values, same, || format!("seed {seed}, d {name}, {level}, 3 threads, {memory:?}"));
                }
            }
        }
    }
}

/// The reference's gradients of a cell, in the engine's order and under its names.
fn gradients_of(weights: &Weights, mut cell: AnyCell<f64>, place: &str) -> Tensors {
    let listed = cell.weights();
    let by_letter: HashMap<&str, Vec<f64>> =
        listed.iter().map(|weight| (weight.letter, weight.values.to_vec())).collect();
    let letters: &[&str] = match weights {
        Weights::Lstm(_) => &["_i", "_f", "_g", "_o"],
        Weights::DepthGated(_) => &["_i", "_f", "_g", "_o", "_d"],
        Weights::Gru(_) => &["_r", "_z", "_n"],
        Weights::Mutant(_) => &["_r", "_z", "_h"],
        _ => &[""],
    };
    // What is not read has no gradient.
    let stacked = |kind: &str, letters: &[&str], values: usize| -> Vec<f64> {
        let zeros = vec![0.0; values / letters.len()];
        let of = |letter: &&str| by_letter.get(&format!("{kind}{letter}")[..]).unwrap_or(&zeros).clone();
        letters.iter().flat_map(of).collect()
    };
    let tensor = |name: &str, values: usize| match name {
        "weight_ih" => stacked("W", letters, values),
        "weight_hh" => stacked("R", &letters[..letters.len().min(4)], values),
        "bias" => stacked("b", letters, values),
        "depth_peephole" => by_letter["w_cd"].clone(),
        "below_peephole" => by_letter["w_ld"].clone(),
        "recurrent_bias" => by_letter["b_rn"].clone(),
        "projection" => by_letter["W_hr"].clone(),
        peephole => by_letter[&peephole.replace("peephole", "p")[..]].clone(),
    };
    weights.tensors().iter().map(|(name, values)| (format!("{place}{name}"), tensor(name, values.len()))).collect()
}

/// A depth-gated layer over one that can bear it.
fn depth_gated(cells: &mut Random, below: &Layer) -> Option<(Passes, reference::Layer<AnyCell<f64>>)> {
    let Operation::Recurrent(below) = &below.operation else { return None };
    let (Passes::Forward(weights) | Passes::Reverse(weights)) = &below.passes else { return None };
    let hidden = Some(weights.cell_size()).filter(|width| *width > 0 && *width == weights.output_size())?;
    let (weights, cell) = cells.cell(Kind::DepthGated, hidden, hidden);
    Some(match below.passes {
        Passes::Reverse(_) => (Passes::Reverse(weights), reference::Layer::Reverse(cell)),
        _ => (Passes::Forward(weights), reference::Layer::Forward(cell)),
    })
}

#[test]
fn gradients_agree_with_the_reference_for_random_networks_on_every_level() {
    for seed in 0..if cfg!(debug_assertions) { 20 } else { 50 } {
        Case::new(seed).check();
    }
}
