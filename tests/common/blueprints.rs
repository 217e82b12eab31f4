//! Random whole models of every operation, each as the engine's blueprint and as the reference's model.

use gatewise::network::blueprint::{
    Blueprint, Dense, Embedding, Finish, Layer, Masked, Operation, Output, Passes, Recurrent, State,
};
use gatewise::{Activation, Merge};
use gatewise_reference as reference;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use reference::{AnyCell, Cell, Gives, Matrix, RowFunction, SequentialLayer, SequentialModel};

use super::cells::{Random, function};
use super::networks::{ACTIVATIONS, KINDS, Kind, reference_merge};
use super::wide;

/// Which models are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Any.
    Any,
    /// Only such as can be fed step by step.
    Streams,
}

/// A model of both halves.
pub struct Pair {
    pub blueprint: Blueprint,
    pub reference: SequentialModel<f64>,
    /// A row of it at a step says "nothing here" where the model begins with a mask; a row that is likely to come else.
    pub gap: f32,
}

/// What stands behind the layers that were drawn so far.
#[derive(Clone, Copy)]
struct Now {
    ids: bool,
    width: usize,
    each_step: bool,
    masked: bool,
    /// Both halves have the same numbers to the bit, so that both see the same rows where a mask is looked for: so many more
    /// linear layers keep them so short, less one.
    exact: usize,
    /// Features of the input; 0 for ids.
    input: usize,
}

struct Draw {
    generator: StdRng,
    cells: Random,
    family: Family,
    now: Now,
    pair: Pair,
}

impl Pair {
    /// One to seven layers.
    pub fn random(family: Family, seed: u64) -> Self {
        let mut generator = StdRng::seed_from_u64(seed);
        let ids = generator.random_bool(0.3);
        let width = generator.random_range(1..13);
        let input = if ids { 0 } else { width };
        let now = Now { ids, width, each_step: true, masked: false, exact: 3, input };
        let pair = Pair {
            blueprint: Blueprint::default(),
            reference: SequentialModel { layers: Vec::new() },
            gap: if generator.random_bool(0.5) { 0.0 } else { 0.5 },
        };
        let mut draw = Draw { cells: Random::new(seed, 1.0), generator, family, now, pair };
        if ids {
            draw.words();
        } else if family == Family::Any && draw.chance(0.5) {
            draw.mask(draw.pair.gap);
        }
        for _ in 0..draw.generator.random_range(0..6) {
            draw.layer();
        }
        // Something must say how many features the input has.
        if draw.pair.blueprint.input().is_err() {
            draw.dense();
        }
        draw.pair
    }
}

impl Draw {
    fn chance(&mut self, probability: f64) -> bool {
        self.generator.random_bool(probability)
    }

    /// Values of ±1.
    fn uniform(&mut self, count: usize, scale: f32) -> Vec<f32> {
        (0..count).map(|_| self.generator.random_range(-scale..=scale)).collect()
    }

    /// Multiples of 1/4 of ±1, whose sums of products with such are exact.
    fn quarters(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.generator.random_range(-4i8..=4).into()).map(|x: f32| x / 4.0).collect()
    }

    fn push(&mut self, operation: Operation, reference: SequentialLayer<f64>) {
        let name = format!("layer_{}", self.pair.blueprint.layers.len());
        self.pair.blueprint.layers.push(Layer::new(name, operation));
        self.pair.reference.layers.push(reference);
    }

    fn layer(&mut self) {
        match self.generator.random_range(0..12) {
            0..6 if self.now.each_step => self.recurrent(),
            6 | 7 => self.dense(),
            8 | 9 => self.activation(),
            10 if self.now.each_step && self.now.input > 0 => self.add_input(),
            11 if self.now.each_step && self.now.exact > 0 && self.family == Family::Any => self.mask(0.0),
            _ => self.activation(),
        }
    }

    fn words(&mut self) {
        let rows = self.generator.random_range(1..9);
        self.now.ids = false;
        if self.chance(0.3) {
            self.now.width = rows;
            return self.push(Operation::OneHot { classes: rows }, SequentialLayer::OneHot { classes: rows });
        }
        let (width, weight) = (self.now.width, self.quarters(rows * self.now.width));
        let mask_zero = self.family == Family::Any && self.chance(0.6);
        let table = reference::Embedding { weight: matrix(rows, width, &weight), mask_zero };
        let embedding = Embedding { rows, width, weight, mask_zero };
        self.now.masked |= mask_zero;
        self.push(Operation::Embedding(embedding), SequentialLayer::Embedding(table));
    }

    fn mask(&mut self, value: f32) {
        self.now.masked = true;
        self.push(Operation::Masking { value }, SequentialLayer::Masking { value: value.into() });
    }

    fn add_input(&mut self) {
        let all = self.now.width <= self.now.input && self.chance(0.5);
        let features = if all { self.now.width } else { 1 };
        self.push(Operation::AddInput { features }, SequentialLayer::AddInput { features });
    }

    fn finish(&mut self) -> (Finish, RowFunction) {
        match self.generator.random_range(0..6) {
            0 => (Finish::Softmax, RowFunction::Softmax),
            1 => (Finish::LogSoftmax, RowFunction::LogSoftmax),
            _ => of_each(ACTIVATIONS[self.generator.random_range(0..ACTIVATIONS.len())]),
        }
    }

    fn activation(&mut self) {
        let (finish, function) = self.finish();
        self.now.exact *= usize::from(is_exact(finish));
        self.push(Operation::Activation(finish), SequentialLayer::Activation(function));
    }

    fn dense(&mut self) {
        let (input, output) = (self.now.width, self.generator.random_range(1..20));
        let exact = self.now.exact > 1 && self.chance(0.7);
        let (finish, function) = if exact { of_each(Activation::Relu) } else { self.finish() };
        let scale = 1.5 / (input as f32).sqrt();
        let weight = if exact { self.quarters(input * output) } else { self.uniform(input * output, scale) };
        let bias = if exact || self.chance(0.3) { Vec::new() } else { self.uniform(output, 1.0) };
        let dense = reference::Dense { weight: matrix(output, input, &weight), bias: wide(&bias), function };
        let operation = Operation::Dense(Dense { input, output, weight, bias, finish });
        self.now = Now { width: output, exact: if exact { self.now.exact - 1 } else { 0 }, ..self.now };
        self.push(operation, SequentialLayer::Dense(dense));
    }

    fn recurrent(&mut self) {
        let any = self.family == Family::Any;
        let mut kind = KINDS[self.generator.random_range(0..KINDS.len())];
        // Behind a mask it is refused, and the reference's whole models do not count the steps of a stream.
        if matches!(kind, Kind::Clockwork | Kind::AnyClockwork) {
            kind = Kind::RnnTanh;
        }
        let hidden =
            if self.chance(0.1) { self.generator.random_range(33..50) } else { self.generator.random_range(1..20) };
        let (weights, cell) = self.cells.cell(kind, self.now.width, hidden);
        let (passes, cells) = match self.generator.random_range(0..if any { 10 } else { 6 }) {
            0..6 => (Passes::Forward(weights), reference::Layer::Forward(cell)),
            6 => (Passes::Reverse(weights), reference::Layer::Reverse(cell)),
            _ => {
                let merges = [Merge::Concat, Merge::Sum, Merge::Mul, Merge::Average];
                let merge = merges[self.generator.random_range(0..4)];
                let (other, reverse) = self.cells.cell(kind, self.now.width, hidden);
                let both = reference::Layer::Both { forward: cell, reverse, merge: reference_merge(merge) };
                (Passes::Both { forward: weights, reverse: other, merge }, both)
            }
        };
        let last = any && self.chance(0.15);
        let go_backwards = any && matches!(passes, Passes::Forward(_)) && self.chance(0.25);
        let both_masked = matches!(passes, Passes::Both { .. }) && self.now.masked && !last;
        let repeat = !both_masked && self.chance(0.6);
        let (initial, states) = if self.chance(0.3) { self.initial(&cells) } else { Default::default() };
        self.now = Now {
            width: cells.output_size(),
            each_step: !last,
            masked: self.now.masked && !last,
            exact: 0,
            ..self.now
        };
        let output = if last { Output::Last } else { Output::Every };
        let gives = if last { Gives::LastStep } else { Gives::EveryStep };
        let (masked, repeats) = match repeat {
            true => (Masked::Repeat, reference::Masked::Repeat),
            false => (Masked::Zeros, reference::Masked::Zeros),
        };
        let reference = reference::Recurrent { cells, gives, go_backwards, masked: repeats, initial: states };
        let recurrent = Recurrent { passes, output, go_backwards, masked, initial };
        self.push(Operation::Recurrent(Box::new(recurrent)), SequentialLayer::Recurrent(reference));
    }

    /// A state for each direction.
    fn initial(&mut self, cells: &reference::Layer<AnyCell<f64>>) -> (Vec<State>, Vec<reference::State<f64>>) {
        let own = |(_, cell): (_, &AnyCell<f64>)| State {
            hidden: self.uniform(cell.output_size(), 1.0),
            cell: self.uniform(cell.memory_size(), 1.0),
        };
        let states: Vec<State> = cells.cells().into_iter().map(own).collect();
        let wide = |state: &State| reference::State { h: wide(&state.hidden), c: wide(&state.cell) };
        let reference = states.iter().map(wide).collect();
        (states, reference)
    }
}

fn of_each(activation: Activation) -> (Finish, RowFunction) {
    (Finish::Each(activation), RowFunction::Each(function(activation)))
}

/// Whether it computes the same bits in both halves.
fn is_exact(finish: Finish) -> bool {
    matches!(finish, Finish::Each(Activation::Identity | Activation::Relu))
}

/// A matrix of the reference.
pub fn matrix(rows: usize, columns: usize, values: &[f32]) -> Matrix<f64> {
    Matrix::from_flat(rows, columns, &wide(values)).unwrap()
}
