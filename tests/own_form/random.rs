//! Random models of every kind of layer and option, that fit together.

use gatewise::network::blueprint::{
    Blueprint, Dense, Embedding, Finish, Layer, Masked, Operation, Output, Passes, Recurrent, State,
};
use gatewise::network::{Flow, Rows};
use gatewise::{Activation, GateUse, Layout, LstmOptions, Merge, RnnOptions, Weights};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::common::cells::Random;
use crate::common::networks::{KINDS, Kind};

pub fn blueprint(seed: u64) -> Blueprint {
    let mut random = Draw { generator: StdRng::seed_from_u64(seed), cells: Random::new(seed, 1.0) };
    let mut blueprint = Blueprint {
        name: random.pick(&["", "model", "Überraschung \"\\\n"]).to_owned(),
        layout: random.pick(&[Layout::TimeMajor, Layout::BatchFirst]),
        layers: Vec::new(),
        sample_rate: random.pick(&[None, Some(44_100.0), Some(0.1), Some(-1e300)]),
    };
    let width = random.below(5) + 1;
    let first = match random.below(3) {
        0 => random.dense(width),
        1 => Operation::OneHot { classes: random.below(5) + 1 },
        _ => random.embedding(),
    };
    blueprint.layers.push(Layer::new("first", first));
    for index in 0..random.below(5) {
        let flow = *blueprint.flow().expect("a model that fits").last().expect("a layer");
        let input = blueprint.input().expect("an input");
        let operation = random.operation(flow, input);
        blueprint.layers.push(Layer::new(format!("layer.{index}"), operation));
        // Refused behind a mask, and nowhere else.
        if let Err(error) = blueprint.flow() {
            assert!(flow.masked && error.to_string().contains("clockwork"), "{error}");
            blueprint.layers.pop();
        }
    }
    if random.pick(&[false, true]) {
        random.add_depth_gate(&mut blueprint);
    }
    blueprint.flow().expect("a model that fits");
    blueprint
}

struct Draw {
    generator: StdRng,
    cells: Random,
}

impl Draw {
    fn below(&mut self, count: usize) -> usize {
        self.generator.random_range(0..count)
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// Any finite bits.
    fn value(&mut self) -> f32 {
        loop {
            let value = f32::from_bits(self.generator.random());
            if value.is_finite() {
                return value;
            }
        }
    }

    fn values(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.value()).collect()
    }

    fn activation(&mut self) -> Activation {
        let (alpha, beta) = (self.value(), self.value());
        self.pick(&[
            Activation::Identity,
            Activation::Sigmoid,
            Activation::Tanh,
            Activation::Relu,
            Activation::Affine { alpha, beta },
            Activation::LeakyRelu { alpha },
            Activation::ThresholdedRelu { alpha },
            Activation::ScaledTanh { alpha, beta },
            Activation::HardSigmoid { alpha, beta },
            Activation::Elu { alpha },
            Activation::Softsign,
            Activation::Softplus,
        ])
    }

    fn finish(&mut self) -> Finish {
        let each = Finish::Each(self.activation());
        self.pick(&[each, each, Finish::Softmax, Finish::LogSoftmax])
    }

    fn dense(&mut self, input: usize) -> Operation {
        let output = self.below(5) + 1;
        let bias = self.pick(&[0, output]);
        let (weight, bias) = (self.values(input * output), self.values(bias));
        Operation::Dense(Dense { input, output, weight, bias, finish: self.finish() })
    }

    fn embedding(&mut self) -> Operation {
        let (rows, width) = (self.below(5) + 1, self.below(5) + 1);
        let weight = self.values(rows * width);
        Operation::Embedding(Embedding { rows, width, weight, mask_zero: self.pick(&[false, true]) })
    }

    /// One that can stand behind `flow`.
    fn operation(&mut self, flow: Flow, input: Flow) -> Operation {
        let width = flow.width();
        let added = matches!(input.rows, Rows::Features(features) if features >= width);
        match self.below(8) {
            0 if flow.each_step => Operation::Masking { value: self.value() },
            1 if flow.each_step && added => Operation::AddInput { features: self.pick(&[1, width]) },
            2 => Operation::Activation(self.finish()),
            3 => self.dense(width),
            _ if flow.each_step => Operation::Recurrent(Box::new(self.recurrent(flow))),
            _ => self.dense(width),
        }
    }

    fn recurrent(&mut self, flow: Flow) -> Recurrent {
        let (kind, hidden) = (self.pick(&KINDS), self.below(5) + 1);
        let merge = self.pick(&[Merge::Concat, Merge::Sum, Merge::Mul, Merge::Average]);
        let mut cell = || self.cells.cell(kind, flow.width(), hidden).0;
        let (one, other) = (cell(), cell());
        let passes = match self.below(3) {
            0 => Passes::Forward(self.with_options(one)),
            1 => Passes::Reverse(self.with_options(one)),
            _ => Passes::Both { forward: self.with_options(one), reverse: self.with_options(other), merge },
        };
        let (forward, both) =
            (matches!(passes, Passes::Forward(_)), matches!(passes, Passes::Both { .. }) && flow.masked);
        let initial = match self.below(2) {
            0 => Vec::new(),
            _ => passes.each().map(|weights| self.state(weights)).collect(),
        };
        Recurrent {
            passes,
            output: self.pick(&[Output::Every, Output::Every, Output::Last]),
            go_backwards: forward && self.pick(&[false, true]),
            masked: if both { Masked::Zeros } else { self.pick(&[Masked::Zeros, Masked::Repeat]) },
            initial,
        }
    }

    /// On top, where it can stand.
    fn add_depth_gate(&mut self, blueprint: &mut Blueprint) {
        let Some(Operation::Recurrent(below)) = blueprint.layers.last().map(|layer| &layer.operation) else { return };
        let (Passes::Forward(weights), false) = (&below.passes, below.go_backwards) else { return };
        let hidden = weights.cell_size();
        if below.output == Output::Every && hidden > 0 && weights.output_size() == hidden {
            let weights = self.cells.cell(Kind::DepthGated, hidden, hidden).0;
            let layer = Recurrent::forward(self.with_options(weights));
            blueprint.layers.push(Layer::new("above", Operation::Recurrent(Box::new(layer))));
        }
    }

    fn state(&mut self, weights: &Weights) -> State {
        State { hidden: self.values(weights.output_size()), cell: self.values(weights.cell_size()) }
    }

    /// Half of the cells with options that no file has.
    fn with_options(&mut self, weights: Weights) -> Weights {
        if self.pick(&[false, true]) {
            return weights;
        }
        let clip = Some(self.value());
        let (gate, one, other) = (self.activation(), self.activation(), self.activation());
        match weights {
            Weights::Lstm(mut weights) => {
                let options = weights.options_mut();
                (options.gate, options.input, options.output, options.clip) = (gate, one, other, clip);
                let [input, forget, output] = [(); 3].map(|()| self.pick(&[GateUse::Learned, GateUse::AlwaysOne]));
                (options.input_gate, options.forget_gate, options.output_gate) = (input, forget, output);
                weights.into()
            }
            Weights::Gru(mut weights) => {
                let options = weights.options_mut();
                (options.gate, options.candidate, options.clip) = (gate, one, clip);
                weights.into()
            }
            Weights::Clockwork(weights) => weights.with_options(RnnOptions { activation: gate, clip }).into(),
            Weights::DepthGated(weights) => {
                let options = LstmOptions { gate, input: one, output: other, clip, ..LstmOptions::default() };
                weights.with_options(options).into()
            }
            other => other,
        }
    }
}
