//! Gradients against central differences in f64: every cell in every variant, and networks of them.

use gatewise_reference::{
    AnyCell, Cell, Coupling, Function, Gradients, Layer, Layout, Learned, LossGradients, Merge, Mutation, Network,
    NetworkOutput, NoTrace, Sequence, backward, forward,
};
use proptest::prelude::*;

use crate::assert_near;
use crate::cells::{ACTIVATIONS, Numbers, every_cell};
use crate::networks::Input;

/// How far a number is moved either way; the error of the difference is of the order of its square.
const STEP: f64 = 1e-5;

/// Of the gradient, or absolutely where that is small. Seen: below 1e-9 but for activations that grow without bound.
const TOLERANCE: f64 = 1e-8;

/// A loss that hears everything: each number that is computed, times a random one.
struct Loss {
    y: Vec<f64>,
    y_reverse: Option<Vec<f64>>,
    h_n: Vec<f64>,
    c_n: Vec<f64>,
}

impl Loss {
    fn new(numbers: &mut Numbers, output: &NetworkOutput<f64>) -> Self {
        Loss {
            y: numbers.vector(output.y.len()),
            y_reverse: output.y_reverse.as_ref().map(|y_reverse| numbers.vector(y_reverse.len())),
            h_n: numbers.vector(output.h_n.len()),
            c_n: numbers.vector(output.c_n.len()),
        }
    }

    fn gradients(&self) -> LossGradients<'_, f64> {
        let Loss { y, y_reverse, h_n, c_n } = self;
        LossGradients { y: Some(y), y_reverse: y_reverse.as_deref(), h_n: Some(h_n), c_n: Some(c_n) }
    }

    fn of(&self, output: &NetworkOutput<f64>) -> f64 {
        let dot = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
        let reverse = match (&self.y_reverse, &output.y_reverse) {
            (Some(weights), Some(y_reverse)) => dot(weights, y_reverse),
            _ => 0.0,
        };
        dot(&self.y, &output.y) + reverse + dot(&self.h_n, &output.h_n) + dot(&self.c_n, &output.c_n)
    }
}

/// One of the buffers of an input.
type Buffer = fn(&mut Input) -> &mut Vec<f64>;

/// Moves every number that a network is given, one after the other, and compares with the way back.
fn check(network: &Network<AnyCell<f64>>, input: &Input, numbers: &mut Numbers, place: &str) {
    let loss = Loss::new(numbers, &input.run(network));
    let found = network.backward(&input.given(), &loss.gradients(), &mut NoTrace).expect("an input that fits");
    let Gradients { mut weights, x, h0, c0 } = found;
    let compare = |found: f64, ahead: f64, back: f64, what: &str| {
        let expected = (ahead - back) / (2.0 * STEP);
        assert_near(found, expected, TOLERANCE * expected.abs().max(1.0), &format!("{place}: d {what}"));
    };
    let inputs: [(&str, Vec<f64>, Buffer); 3] =
        [("x", x, |input| &mut input.x), ("h0", h0, |input| &mut input.h0), ("c0", c0, |input| &mut input.c0)];
    for (what, found, of) in inputs {
        assert_eq!(of(&mut input.clone()).len(), found.len(), "{place}: {what}");
        for (at, &found) in found.iter().enumerate() {
            let moved = |by: f64| {
                let mut input = input.clone();
                of(&mut input)[at] += by;
                loss.of(&input.run(network))
            };
            compare(found, moved(STEP), moved(-STEP), &format!("{what}[{at}]"));
        }
    }
    for cell in 0..network.cells().len() {
        for (number, weight) in cell_of(&mut weights, cell).weights().into_iter().enumerate() {
            for (at, &found) in weight.values.iter().enumerate() {
                let moved = |by: f64| {
                    let mut network = network.clone();
                    cell_of(&mut network, cell).weights()[number].values[at] += by;
                    loss.of(&input.run(&network))
                };
                compare(found, moved(STEP), moved(-STEP), &format!("{}[{at}] of cell {cell}", weight.letter));
            }
        }
    }
}

/// A cell of a network, in the order of [`Network::cells`].
fn cell_of(network: &mut Network<AnyCell<f64>>, number: usize) -> &mut AnyCell<f64> {
    let cells = network.layers.iter_mut().flat_map(|layer| match layer {
        Layer::Forward(cell) | Layer::Reverse(cell) => vec![cell],
        Layer::Both { forward, reverse, .. } => vec![forward, reverse],
    });
    cells.into_iter().nth(number).expect("a cell")
}

#[test]
fn every_variant_of_every_cell_agrees_with_central_differences() {
    for (at, (name, cell)) in every_cell::<f64>(2, 3, 41).into_iter().enumerate() {
        let network = Network { layers: vec![Layer::Forward(cell)] };
        let mut numbers = Numbers::new(at as u64);
        let input = Input::new(&mut numbers, &network, 2, 3);
        check(&network, &Input { lengths: vec![3, 2], ..input }, &mut numbers, &name);
    }
}

#[test]
fn every_choice_of_peepholes_agrees_with_central_differences_however_gates_are_coupled() {
    let couplings = [Coupling::Independent, Coupling::ForgetIsOneMinusInput, Coupling::InputIsOneMinusForget];
    for coupling in couplings {
        for peepholes in 0..8 {
            let mut numbers = Numbers::new(40 + peepholes);
            let mut lstm = numbers.lstm(2, 3, 3);
            lstm.options.coupling = coupling;
            let gates = [&mut lstm.input_gate, &mut lstm.forget_gate, &mut lstm.output_gate];
            for (bit, gate) in gates.into_iter().enumerate() {
                gate.peephole = (peepholes & (1 << bit) != 0).then(|| numbers.vector(3));
            }
            let network = Network { layers: vec![Layer::Forward(lstm.into())] };
            let input = Input { lengths: vec![3], ..Input::new(&mut numbers, &network, 1, 3) };
            check(&network, &input, &mut numbers, &format!("{coupling:?}, peepholes {peepholes:03b}"));
        }
    }
}

#[test]
fn cells_of_one_unit_agree_with_central_differences() {
    for (at, (name, cell)) in every_cell::<f64>(1, 1, 42).into_iter().enumerate() {
        let network = Network { layers: vec![Layer::Forward(cell)] };
        let mut numbers = Numbers::new(at as u64);
        let input = Input::new(&mut numbers, &network, 1, 2);
        check(&network, &Input { lengths: vec![2], ..input }, &mut numbers, &name);
    }
}

#[test]
fn a_clockwork_agrees_with_central_differences_wherever_its_clock_begins() {
    for first_t in 0..4 {
        for activation in [Function::Tanh].into_iter().chain(ACTIVATIONS) {
            let mut numbers = Numbers::new(43 + first_t as u64);
            let mut cell = numbers.clockwork(2, 5, first_t);
            cell.rnn.activation = activation;
            let network = Network { layers: vec![Layer::Forward(cell.into())] };
            let input = Input::new(&mut numbers, &network, 2, 5);
            let place = format!("first_t {first_t}, {activation:?}");
            check(&network, &Input { lengths: vec![5, 4], ..input }, &mut numbers, &place);
        }
    }
}

/// Layers of any cell in any direction, depth-gated ones among them.
fn network(numbers: &mut Numbers, layers: usize) -> Network<AnyCell<f64>> {
    let mut network = Network { layers: Vec::new() };
    let (hidden, mut inputs) = (2 + numbers.below(2), 1 + numbers.below(3));
    for number in 0..layers {
        // What is above has a memory of the same width to hear, if it wants one.
        let remembers = network.layers.last().is_some_and(|below: &Layer<AnyCell<f64>>| {
            below.cells().iter().all(|(_, cell)| cell.memory_size() == hidden)
        });
        let width = hidden - numbers.below(2);
        let mut cell = || -> AnyCell<f64> {
            match numbers.below(9) {
                0..=3 if remembers => numbers.depth_gated(inputs, hidden, width).into(),
                0..=3 => numbers.lstm(inputs, hidden, width).into(),
                4 => numbers.gru(inputs, width).into(),
                5 => numbers.rnn(inputs, width).into(),
                6 => numbers.clockwork(inputs, width, number).into(),
                7 => numbers.mutant(inputs, width, Mutation::Mut1).into(),
                _ => numbers.mutant(inputs, width, Mutation::Mut3).into(),
            }
        };
        let (forward, reverse) = (cell(), cell());
        let merges = if number + 1 < layers { 4 } else { 5 };
        let layer = match numbers.below(4) {
            0 => Layer::Forward(forward),
            1 => Layer::Reverse(reverse),
            _ => Layer::Both {
                forward,
                reverse,
                merge: [Merge::Concat, Merge::Sum, Merge::Multiply, Merge::Average, Merge::Separate]
                    [numbers.below(merges)],
            },
        };
        inputs = layer.output_size();
        network.layers.push(layer);
    }
    network
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn networks_agree_with_central_differences(
        layers in 1usize..4, batch in 1usize..4, steps in 0usize..5, seed in any::<u64>()
    ) {
        let mut numbers = Numbers::new(seed);
        let network = network(&mut numbers, layers);
        let input = Input::new(&mut numbers, &network, batch, steps);
        check(&network, &input, &mut numbers, &format!("{network:?}, lengths {:?}", input.lengths));
    }

    #[test]
    fn the_loss_may_hear_any_part(seed in any::<u64>()) {
        let mut numbers = Numbers::new(seed);
        let network = network(&mut numbers, 2);
        let input = Input::new(&mut numbers, &network, 2, 3);
        let loss = Loss::new(&mut numbers, &input.run(&network));
        let all = loss.gradients();
        let none = LossGradients::default();
        let back = |loss| network.backward(&input.given(), &loss, &mut NoTrace).expect("an input that fits");
        let mut parts = [
            back(LossGradients { y: all.y, ..none }),
            back(LossGradients { y_reverse: all.y_reverse, ..none }),
            back(LossGradients { h_n: all.h_n, ..none }),
            back(LossGradients { c_n: all.c_n, ..none }),
        ];
        let mut whole = back(all);
        for at in 0..whole.x.len() {
            let sum: f64 = parts.iter().map(|part| part.x[at]).sum();
            assert_near(sum, whole.x[at], 1e-12 * sum.abs().max(1.0), &format!("d x[{at}]"));
        }
        for cell in 0..network.cells().len() {
            let weights = cell_of(&mut whole.weights, cell).weights().into_iter().enumerate();
            for (number, weight) in weights {
                for (at, &expected) in weight.values.iter().enumerate() {
                    let of = |part: &mut Gradients<_, _>| cell_of(&mut part.weights, cell).weights()[number].values[at];
                    let sum: f64 = parts.iter_mut().map(of).sum();
                    let place = format!("d {}[{at}] of cell {cell}", weight.letter);
                    assert_near(sum, expected, 1e-12 * sum.abs().max(1.0), &place);
                }
            }
        }
        let silent = back(none);
        assert!(silent.x.iter().chain(&silent.h0).chain(&silent.c0).all(|&d| d == 0.0), "nothing is heard");
    }
}

#[test]
fn a_cell_alone_is_a_network_of_it() {
    for (name, cell) in every_cell::<f64>(2, 3, 44) {
        let mut numbers = Numbers::new(45);
        let network = Network { layers: vec![Layer::Forward(cell.clone())] };
        let input = Input { lengths: vec![3, 3], ..Input::new(&mut numbers, &network, 2, 3) };
        let loss = Loss::new(&mut numbers, &input.run(&network));
        let sequence = input.given().sequence;
        let sequence = Sequence { c0: cell.has_cell_state().then_some(&input.c0), ..sequence };
        let alone = backward(&cell, &sequence, &loss.gradients(), &mut NoTrace).expect("a sequence that fits");
        let found = network.backward(&input.given(), &loss.gradients(), &mut NoTrace).expect("an input that fits");
        assert_eq!(Layer::Forward(alone.weights), found.weights.layers[0], "{name}");
        assert_eq!((alone.x, alone.h0, alone.c0), (found.x, found.h0, found.c0), "{name}");
    }
}

#[test]
fn slopes_agree_with_central_differences_and_take_the_documented_side_at_kinks() {
    let others = [Function::Sigmoid, Function::Tanh, Function::Relu, Function::Identity, Function::Clip { bound: 0.5 }];
    for function in others.into_iter().chain(ACTIVATIONS) {
        for at in -400..400 {
            // Beside all kinks, which are at multiples of 1/64.
            let x = f64::from(at) / 64.0 + 0.003;
            let difference = (function.apply(x + STEP) - function.apply(x - STEP)) / (2.0 * STEP);
            assert_near(function.derivative(x), difference, 1e-9, &format!("{function:?} at {x}"));
        }
    }
    let at_zero = [Function::Relu, Function::LeakyRelu { alpha: 0.25 }, Function::Elu { alpha: 2.0 }];
    assert_eq!(at_zero.map(|function| function.derivative(0.0)), [0.0, 0.25, 2.0]);
    assert_eq!(Function::ThresholdedRelu { alpha: 0.5 }.derivative(0.5), 0.0);
    let hard = Function::HardSigmoid { alpha: 0.25, beta: 0.5 };
    assert_eq!([-2.0, 0.0, 2.0].map(|x| hard.derivative(x)), [0.0, 0.25, 0.0]);
    assert_eq!([-0.5, 0.5, 0.5 + 1e-12].map(|x| Function::Clip { bound: 0.5 }.derivative(x)), [1.0, 1.0, 0.0]);
}

#[test]
fn gradients_of_another_size_are_named() {
    let mut numbers = Numbers::new(46);
    let cell = AnyCell::from(numbers.lstm(2, 3, 3));
    let x = [0.5; 8];
    let sequence = Sequence { layout: Layout::BatchFirst, batch: 2, steps: 2, x: &x, h0: None, c0: None };
    let none = LossGradients::<f64>::default();
    let few = Some(&[1.0][..]);
    let table = [
        (LossGradients { y: few, ..none }, "d y: expected 12 values, found 1"),
        (LossGradients { y_reverse: few, ..none }, "d y_reverse: expected 0 values, found 1"),
        (LossGradients { h_n: few, ..none }, "d h_n: expected 6 values, found 1"),
        (LossGradients { c_n: few, ..none }, "d c_n: expected 6 values, found 1"),
    ];
    let network = Network { layers: vec![Layer::Forward(cell.clone())] };
    for (loss, expected) in table {
        let alone = backward(&cell, &sequence, &loss, &mut NoTrace).unwrap_err();
        let inside = network.backward(&sequence.into(), &loss, &mut NoTrace).unwrap_err();
        assert_eq!((alone.to_string(), inside.to_string()), (expected.to_string(), expected.to_string()));
    }
    let short = Sequence { x: &x[1..], ..sequence };
    let ahead = forward(&cell, &short, &mut NoTrace).unwrap_err();
    assert_eq!(backward(&cell, &short, &none, &mut NoTrace).unwrap_err(), ahead);
}
