//! Networks against the same cells run by hand: directions, lengths, merges, states, projection, over random sizes.

use gatewise_reference::{
    AnyCell, Cell, Keep, Layer, Layout, Lstm, Matrix, Merge, Network, NetworkInput, NetworkOutput, NoTrace, Sequence,
    forward,
};
use proptest::prelude::*;

use crate::assert_all_near;
use crate::cells::Numbers;

const MERGES: [Merge; 5] = [Merge::Concat, Merge::Sum, Merge::Multiply, Merge::Average, Merge::Separate];

/// A cell of any kind.
fn cell(numbers: &mut Numbers, inputs: usize, hidden: usize) -> AnyCell<f64> {
    match numbers.below(4) {
        0 => numbers.lstm(inputs, hidden, hidden).into(),
        1 => numbers.lstm(inputs, hidden + 2, hidden).into(),
        2 => numbers.gru(inputs, hidden).into(),
        _ => numbers.rnn(inputs, hidden).into(),
    }
}

/// Layers of any kind and width, in any direction.
fn network(numbers: &mut Numbers, layers: usize) -> Network<AnyCell<f64>> {
    let mut network = Network { layers: Vec::new() };
    let mut inputs = 1 + numbers.below(4);
    for _ in 0..layers {
        let hidden = 1 + numbers.below(4);
        let mut cell = || cell(numbers, inputs, hidden);
        let (forward, reverse) = (cell(), cell());
        let layer = match numbers.below(3) {
            0 => Layer::Forward(forward),
            1 => Layer::Reverse(reverse),
            _ => Layer::Both { forward, reverse, merge: MERGES[numbers.below(4)] },
        };
        inputs = layer.output_size();
        network.layers.push(layer);
    }
    network
}

/// Numbers for a network: features, and initial states for every cell.
#[derive(Clone)]
pub struct Input {
    pub layout: Layout,
    pub batch: usize,
    pub steps: usize,
    pub x: Vec<f64>,
    pub lengths: Vec<usize>,
    pub h0: Vec<f64>,
    pub c0: Vec<f64>,
}

impl Input {
    pub fn new(numbers: &mut Numbers, network: &Network<AnyCell<f64>>, batch: usize, steps: usize) -> Self {
        let sum = |size: fn(&AnyCell<f64>) -> usize| -> usize {
            network.cells().into_iter().map(|(_, cell)| size(cell)).sum()
        };
        Input {
            layout: [Layout::BatchFirst, Layout::TimeMajor][numbers.below(2)],
            batch,
            steps,
            x: numbers.vector(batch * steps * network.input_size()),
            lengths: (0..batch).map(|_| numbers.below(steps + 1)).collect(),
            h0: numbers.vector(batch * sum(AnyCell::output_size)),
            c0: numbers.vector(batch * sum(AnyCell::memory_size)),
        }
    }

    pub fn given(&self) -> NetworkInput<'_, f64> {
        let Input { layout, batch, steps, ref x, ref lengths, ref h0, ref c0 } = *self;
        let sequence = Sequence { layout, batch, steps, x, h0: Some(h0), c0: Some(c0) };
        NetworkInput { sequence, lengths: Some(lengths), keep: Keep::EveryCellState }
    }

    pub fn run(&self, network: &Network<AnyCell<f64>>) -> NetworkOutput<f64> {
        network.forward(&self.given(), &mut NoTrace).expect("an input that fits")
    }

    /// One row of a sequence that is `width` wide, cut to its length.
    fn row(&self, values: &[f64], width: usize, row: usize) -> Vec<f64> {
        let mut cut = Vec::new();
        for step in 0..self.lengths[row] {
            cut.extend(self.at(values, width, row, step));
        }
        cut
    }

    fn at<'a>(&self, values: &'a [f64], width: usize, row: usize, step: usize) -> &'a [f64] {
        &values[self.place(row, step) * width..][..width]
    }

    fn place(&self, row: usize, step: usize) -> usize {
        match self.layout {
            Layout::BatchFirst => row * self.steps + step,
            Layout::TimeMajor => step * self.batch + row,
        }
    }

    /// The same sequences, each told from its own end; what is beyond its length stays where it is.
    fn reversed(&self, values: &[f64], width: usize) -> Vec<f64> {
        let mut reversed = values.to_vec();
        for row in 0..self.batch {
            for step in 0..self.lengths[row] {
                let from = self.at(values, width, row, self.lengths[row] - 1 - step);
                reversed[self.place(row, step) * width..][..width].copy_from_slice(from);
            }
        }
        reversed
    }
}

/// One row of `[cells, batch, width]`, where every cell has its own width.
fn state_row(states: &[f64], widths: &[usize], batch: usize, row: usize) -> Vec<f64> {
    let mut found = Vec::new();
    let mut start = 0;
    for &width in widths {
        found.extend(&states[start + row * width..][..width]);
        start += batch * width;
    }
    found
}

fn widths(network: &Network<AnyCell<f64>>, size: fn(&AnyCell<f64>) -> usize) -> Vec<usize> {
    network.cells().into_iter().map(|(_, cell)| size(cell)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_batch_with_lengths_is_each_sequence_alone(
        layers in 1usize..4, batch in 1usize..4, steps in 0usize..6, seed in any::<u64>()
    ) {
        let mut numbers = Numbers::new(seed);
        let network = network(&mut numbers, layers);
        let input = Input::new(&mut numbers, &network, batch, steps);
        let together = input.run(&network);
        let (outputs, memories) = (widths(&network, AnyCell::output_size), widths(&network, AnyCell::memory_size));
        let width = network.output_size();
        for row in 0..batch {
            let alone = Input {
                layout: Layout::BatchFirst,
                batch: 1,
                steps: input.lengths[row],
                x: input.row(&input.x, network.input_size(), row),
                lengths: vec![input.lengths[row]],
                h0: state_row(&input.h0, &outputs, batch, row),
                c0: state_row(&input.c0, &memories, batch, row),
            };
            let alone = alone.run(&network);
            prop_assert_eq!(&input.row(&together.y, width, row), &alone.y);
            prop_assert_eq!(state_row(&together.h_n, &outputs, batch, row), alone.h_n);
            prop_assert_eq!(state_row(&together.c_n, &memories, batch, row), alone.c_n);
            prop_assert_eq!(together.c_all.len(), memories.len());
            for (at, &memory) in memories.iter().enumerate() {
                prop_assert_eq!(&input.row(&together.c_all[at], memory, row), &alone.c_all[at]);
            }
            for step in input.lengths[row]..steps {
                prop_assert!(input.at(&together.y, width, row, step).iter().all(|&y| y == 0.0), "beyond the length");
            }
            if input.lengths[row] == 0 {
                prop_assert_eq!(state_row(&together.h_n, &outputs, batch, row), state_row(&input.h0, &outputs, batch, row));
                prop_assert_eq!(state_row(&together.c_n, &memories, batch, row), state_row(&input.c0, &memories, batch, row));
            }
        }
    }

    #[test]
    fn a_reversed_layer_on_reversed_sequences_is_the_layer(
        batch in 1usize..4, steps in 0usize..6, seed in any::<u64>()
    ) {
        let mut numbers = Numbers::new(seed);
        let (inputs, hidden) = (1 + numbers.below(4), 1 + numbers.below(4));
        let cell = cell(&mut numbers, inputs, hidden);
        let ahead = Network { layers: vec![Layer::Forward(cell.clone())] };
        let back = Network { layers: vec![Layer::Reverse(cell)] };
        let input = Input::new(&mut numbers, &ahead, batch, steps);
        let expected = input.run(&ahead);
        let x = input.reversed(&input.x, inputs);
        let input = Input { x, ..input };
        let found = input.run(&back);
        prop_assert_eq!(input.reversed(&found.y, hidden), expected.y);
        prop_assert_eq!((found.h_n, found.c_n), (expected.h_n, expected.c_n));
        let memory = widths(&back, AnyCell::memory_size)[0];
        prop_assert_eq!(input.reversed(&found.c_all[0], memory), &expected.c_all[0][..]);
    }

    #[test]
    fn a_layer_of_both_directions_merges_what_each_computes(
        batch in 1usize..4, steps in 0usize..6, seed in any::<u64>()
    ) {
        let mut numbers = Numbers::new(seed);
        let (inputs, hidden) = (1 + numbers.below(4), 1 + numbers.below(4));
        let (forward, reverse) = (cell(&mut numbers, inputs, hidden), cell(&mut numbers, inputs, hidden));
        let both = |merge| Network {
            layers: vec![Layer::Both { forward: forward.clone(), reverse: reverse.clone(), merge }],
        };
        let input = Input::new(&mut numbers, &both(Merge::Separate), batch, steps);
        let separate = input.run(&both(Merge::Separate));
        let (ahead, back) = (separate.y, separate.y_reverse.expect("a second sequence"));
        // The single layers, each with its own half of the states.
        let memory = forward.memory_size();
        let (h0, c0) = (&input.h0, &input.c0);
        let half = |h0: &[f64], c0: &[f64]| Input {
            x: input.x.clone(), lengths: input.lengths.clone(), h0: h0.to_vec(), c0: c0.to_vec(), ..input
        };
        let one = half(&h0[..batch * hidden], &c0[..batch * memory]);
        let one = one.run(&Network { layers: vec![Layer::Forward(forward.clone())] });
        let other = half(&h0[batch * hidden..], &c0[batch * memory..]);
        let other = other.run(&Network { layers: vec![Layer::Reverse(reverse.clone())] });
        prop_assert_eq!((&ahead, &back), (&one.y, &other.y));
        prop_assert_eq!(&separate.h_n, &[one.h_n, other.h_n].concat());
        prop_assert_eq!(&separate.c_n, &[one.c_n, other.c_n].concat());

        for merge in [Merge::Concat, Merge::Sum, Merge::Multiply, Merge::Average] {
            let merged = input.run(&both(merge));
            prop_assert_eq!((&merged.h_n, &merged.c_n), (&separate.h_n, &separate.c_n));
            prop_assert_eq!(&merged.y_reverse, &None);
            for at in 0..ahead.len() {
                let (a, b) = (ahead[at], back[at]);
                let pair = at / hidden * 2 * hidden + at % hidden;
                match merge {
                    Merge::Concat => prop_assert_eq!((merged.y[pair], merged.y[pair + hidden]), (a, b)),
                    Merge::Sum => prop_assert_eq!(merged.y[at], a + b),
                    Merge::Multiply => prop_assert_eq!(merged.y[at], a * b),
                    _ => prop_assert_eq!(merged.y[at], (a + b) / 2.0),
                }
            }
        }
    }

    #[test]
    fn layers_that_walk_forward_are_cells_one_after_the_other(
        layers in 1usize..4, batch in 1usize..4, steps in 0usize..6, seed in any::<u64>()
    ) {
        let mut numbers = Numbers::new(seed);
        let mut network = Network { layers: Vec::new() };
        let mut inputs = 2;
        for _ in 0..layers {
            let hidden = 1 + numbers.below(4);
            network.layers.push(Layer::Forward(cell(&mut numbers, inputs, hidden)));
            inputs = hidden;
        }
        let x = numbers.vector(batch * steps * 2);
        let sequence = Sequence { layout: Layout::TimeMajor, batch, steps, x: &x, h0: None, c0: None };
        let found = network.forward(&NetworkInput::from(sequence), &mut NoTrace).expect("an input that fits");
        let (mut y, mut h_n, mut c_n) = (x.clone(), Vec::new(), Vec::new());
        for (_, cell) in network.cells() {
            let output = forward(cell, &Sequence { x: &y, ..sequence }, &mut NoTrace).expect("a sequence that fits");
            y = output.y;
            h_n.extend(output.h_n);
            c_n.extend(output.c_n);
        }
        prop_assert_eq!((found.y, found.h_n, found.c_n), (y, h_n, c_n));
        prop_assert_eq!(found.c_all, Vec::<Vec<f64>>::new(), "not asked for");
    }

    #[test]
    fn an_identity_projection_changes_nothing(hidden in 1usize..6, steps in 1usize..5, seed in any::<u64>()) {
        let plain: Lstm<f64> = Numbers::new(seed).lstm(3, hidden, hidden);
        let mut identity = Matrix::zeros(hidden, hidden);
        for unit in 0..hidden {
            identity.set(unit, unit, 1.0);
        }
        let projected = Lstm { projection: Some(identity), ..plain.clone() };
        let x = Numbers::new(seed).vector(2 * steps * 3);
        let sequence = Sequence { layout: Layout::BatchFirst, batch: 2, steps, x: &x, h0: None, c0: None };
        let expected = forward(&plain, &sequence, &mut NoTrace).expect("a sequence that fits");
        let found = forward(&projected, &sequence, &mut NoTrace).expect("a sequence that fits");
        assert_all_near(&found.y, &expected.y, 0.0, "y");
        assert_all_near(&found.c_n, &expected.c_n, 0.0, "c_n");
    }
}
