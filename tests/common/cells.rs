//! Random weights of any cell, for the engine and for the reference.

use gatewise::{
    Activation, ClockworkModule, ClockworkWeights, Coupling, DepthGatedWeights, GateUse, GruOptions, GruWeights,
    LstmOptions, LstmWeights, MutantWeights, Mutation, Reset, RnnOptions, RnnWeights, TorchTensors, Weights,
};
use gatewise_reference as reference;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use reference::{AnyCell, ClockworkRnn, DepthGated, Function, Gru, Lstm, Matrix, Mutant, PyTorchWeights, SimpleRnn};

use super::networks::{ACTIVATIONS, Kind};
use super::wide;

/// With it every activation of the list stays below 1, so that no state grows without bound.
const CLIP: f32 = 0.5;

/// Draws weights, for both halves the same.
pub struct Random {
    generator: StdRng,
    scale: f32,
}

impl Random {
    /// Weights from ± `scale` / √H.
    pub fn new(seed: u64, scale: f32) -> Self {
        Random { generator: StdRng::seed_from_u64(seed), scale }
    }

    fn uniform(&mut self, count: usize, scale: f32) -> Vec<f32> {
        (0..count).map(|_| self.generator.random_range(-scale..=scale)).collect()
    }

    fn activation(&mut self) -> Activation {
        ACTIVATIONS[self.generator.random_range(0..ACTIVATIONS.len())]
    }

    /// A layer's weights, and the same for the reference.
    pub fn cell(&mut self, kind: Kind, input: usize, hidden: usize) -> (Weights, AnyCell<f64>) {
        match kind {
            Kind::GruAfter | Kind::GruBefore | Kind::OnnxGruAfter | Kind::OnnxGruBefore => {
                self.gru(kind, input, hidden)
            }
            Kind::RnnTanh | Kind::RnnRelu | Kind::OnnxRnn => self.rnn(kind, input, hidden),
            Kind::Clockwork | Kind::AnyClockwork => self.clockwork(kind, input, hidden),
            Kind::Mut1 => self.mutant(Mutation::Mut1, input, hidden),
            Kind::Mut2 => self.mutant(Mutation::Mut2, input, hidden),
            Kind::Mut3 => self.mutant(Mutation::Mut3, input, hidden),
            Kind::DepthGated => self.depth_gated(input, hidden),
            _ => self.lstm(kind, input, hidden),
        }
    }

    fn tensors(&mut self, gates: usize, [input, hidden, output]: [usize; 3]) -> TorchTensors {
        let scale = self.scale / (hidden as f32).sqrt();
        TorchTensors {
            input_size: input,
            hidden_size: hidden,
            weight_ih: self.uniform(gates * hidden * input, scale),
            weight_hh: self.uniform(gates * hidden * output, scale),
            biases: Some([self.uniform(gates * hidden, scale), vec![0.0; gates * hidden]]),
            projection: (output != hidden).then(|| self.uniform(output * hidden, scale)),
        }
    }

    fn lstm(&mut self, kind: Kind, input: usize, hidden: usize) -> (Weights, AnyCell<f64>) {
        let projected = matches!(kind, Kind::Projected | Kind::ProjectedPeephole) && hidden > 1;
        let output = if projected { hidden.div_ceil(2) } else { hidden };
        let tensors = self.tensors(4, [input, hidden, output]);
        let mut options = LstmOptions::default();
        match kind {
            Kind::ForgetFromInput | Kind::CoupledPeephole => options.coupling = Coupling::ForgetFromInput,
            Kind::InputFromForget => options.coupling = Coupling::InputFromForget,
            Kind::MissingGates => {
                let mut used = || if self.generator.random() { GateUse::Learned } else { GateUse::AlwaysOne };
                // Without a forget gate c, and its error, grow with every step: tests/engine/variants.rs has one of few.
                options = LstmOptions { input_gate: used(), output_gate: used(), ..options };
            }
            Kind::OnnxLstm => {
                let [gate, input, output] = [(); 3].map(|()| self.activation());
                options = LstmOptions { gate, input, output, clip: Some(CLIP), ..options };
            }
            _ => {}
        }
        let mut weights = LstmWeights::from_torch(&tensors).unwrap().with_options(options);
        let mut cell = reference_lstm(&tensors, output);
        cell.options = reference::LstmOptions {
            input_gate: gate_use(options.input_gate),
            forget_gate: gate_use(options.forget_gate),
            output_gate: gate_use(options.output_gate),
            coupling: match options.coupling {
                Coupling::None => reference::Coupling::Independent,
                Coupling::ForgetFromInput => reference::Coupling::ForgetIsOneMinusInput,
                Coupling::InputFromForget => reference::Coupling::InputIsOneMinusForget,
            },
            gate_activation: function(options.gate),
            input_activation: function(options.input),
            output_activation: function(options.output),
            clip: options.clip.map(f64::from),
        };
        if matches!(kind, Kind::Peephole | Kind::CoupledPeephole | Kind::ProjectedPeephole) {
            // Any of the seven subsets that are not empty.
            let subset = self.generator.random_range(1..8);
            let scale = self.scale / (hidden as f32).sqrt();
            let peepholes = [0, 1, 2].map(|gate| (subset >> gate & 1 == 1).then(|| self.uniform(hidden, scale)));
            weights = weights.with_peepholes([0, 1, 2].map(|gate| peepholes[gate].as_deref())).unwrap();
            let gates = [&mut cell.input_gate, &mut cell.forget_gate, &mut cell.output_gate];
            for (gate, peephole) in gates.into_iter().zip(&peepholes) {
                gate.peephole = peephole.as_deref().map(wide);
            }
        }
        (weights.into(), cell.into())
    }

    fn gru(&mut self, kind: Kind, input: usize, hidden: usize) -> (Weights, AnyCell<f64>) {
        let mut tensors = self.tensors(3, [input, hidden, hidden]);
        let recurrent_bias = self.uniform(hidden, self.scale / (hidden as f32).sqrt());
        if let Some([_, recurrent]) = &mut tensors.biases {
            recurrent[2 * hidden..].copy_from_slice(&recurrent_bias);
        }
        let mut options = GruOptions::default();
        if matches!(kind, Kind::OnnxGruAfter | Kind::OnnxGruBefore) {
            let [gate, candidate] = [(); 2].map(|()| self.activation());
            options = GruOptions { gate, candidate, clip: Some(CLIP), ..options };
        }
        let before = matches!(kind, Kind::GruBefore | Kind::OnnxGruBefore);
        options.reset = if before { Reset::Before } else { Reset::After };
        let weights = GruWeights::from_torch(&tensors).unwrap().with_options(options);
        let mut cell = with_pytorch(&tensors, Gru::from_pytorch);
        cell.reset = if before { reference::Reset::Before } else { reference::Reset::After };
        cell.options = reference::GruOptions {
            gate_activation: function(options.gate),
            candidate_activation: function(options.candidate),
            clip: options.clip.map(f64::from),
        };
        (weights.into(), cell.into())
    }

    fn rnn(&mut self, kind: Kind, input: usize, hidden: usize) -> (Weights, AnyCell<f64>) {
        let tensors = self.tensors(1, [input, hidden, hidden]);
        let (activation, clip) = match kind {
            Kind::RnnTanh => (Activation::Tanh, None),
            Kind::RnnRelu => (Activation::Relu, None),
            _ => (self.activation(), Some(CLIP)),
        };
        let options = RnnOptions { activation, clip };
        let weights = RnnWeights::from_torch(&tensors, activation).unwrap().with_options(options);
        let cell = with_pytorch(&tensors, |tensors| SimpleRnn::from_pytorch(tensors, function(activation)));
        (weights.into(), SimpleRnn { clip: clip.map(f64::from), ..cell }.into())
    }
}

impl Random {
    fn clockwork(&mut self, kind: Kind, input: usize, hidden: usize) -> (Weights, AnyCell<f64>) {
        let tensors = self.tensors(1, [input, hidden, hidden]);
        let options = match kind {
            Kind::Clockwork => RnnOptions::default(),
            _ => RnnOptions { activation: self.activation(), clip: Some(CLIP) },
        };
        let (mut modules, mut left, mut period) = (Vec::new(), hidden, 1);
        while left > 0 {
            let units = if modules.len() == 3 { left } else { self.generator.random_range(1..=left) };
            modules.push(ClockworkModule { period, units });
            left -= units;
            period += self.generator.random_range(1..4);
        }
        let first_t = self.generator.random_range(0..3);
        let [bias, _] = tensors.biases.clone().unwrap();
        let (weight_ih, weight_hh) = (&tensors.weight_ih, &tensors.weight_hh);
        let weights = ClockworkWeights::with_modules(input, weight_ih, weight_hh, &bias, &modules).unwrap();
        let rnn = with_pytorch(&tensors, |weights| SimpleRnn::from_pytorch(weights, function(options.activation)));
        let periods = modules.iter().flat_map(|module| vec![module.period; module.units]).collect();
        let rnn = SimpleRnn { clip: options.clip.map(f64::from), ..rnn };
        let cell = ClockworkRnn { rnn, periods, first_t };
        (weights.with_first_t(first_t).with_options(options).into(), AnyCell::Clockwork(cell))
    }

    fn mutant(&mut self, mutation: Mutation, input: usize, hidden: usize) -> (Weights, AnyCell<f64>) {
        let tensors = self.tensors(3, [input, hidden, hidden]);
        let [bias, _] = tensors.biases.clone().unwrap();
        let (weight_ih, weight_hh) = (&tensors.weight_ih, &tensors.weight_hh);
        let weights = MutantWeights::new(mutation, input, hidden, weight_ih, weight_hh, &bias).unwrap();
        let gru = with_pytorch(&tensors, Gru::from_pytorch);
        let cell = Mutant {
            update_gate: gru.update_gate,
            reset_gate: gru.reset_gate,
            candidate: gru.candidate,
            mutation: match mutation {
                Mutation::Mut1 => reference::Mutation::Mut1,
                Mutation::Mut2 => reference::Mutation::Mut2,
                Mutation::Mut3 => reference::Mutation::Mut3,
            },
        };
        (weights.into(), AnyCell::Mutant(cell))
    }

    fn depth_gated(&mut self, input: usize, hidden: usize) -> (Weights, AnyCell<f64>) {
        let tensors = self.tensors(4, [input, hidden, hidden]);
        let scale = self.scale / (hidden as f32).sqrt();
        let [depth_ih, depth_bias] = [hidden * input, hidden].map(|count| self.uniform(count, scale));
        let [previous, below] = [(); 2].map(|()| self.uniform(hidden, scale));
        let peepholes = [(); 3].map(|()| self.uniform(hidden, scale));
        let [bias, _] = tensors.biases.clone().unwrap();
        let weight_ih = [&tensors.weight_ih[..], &depth_ih].concat();
        let bias = [&bias[..], &depth_bias].concat();
        let weights =
            DepthGatedWeights::new(input, hidden, &weight_ih, &tensors.weight_hh, &bias, [&previous, &below]).unwrap();
        let weights = weights.with_peepholes(peepholes.each_ref().map(|values| Some(&values[..]))).unwrap();
        let mut lstm = reference_lstm(&tensors, hidden);
        let gates = [&mut lstm.input_gate, &mut lstm.forget_gate, &mut lstm.output_gate];
        for (gate, peephole) in gates.into_iter().zip(&peepholes) {
            gate.peephole = Some(wide(peephole));
        }
        let cell = DepthGated {
            lstm,
            depth_weights: Matrix::from_flat(hidden, input, &wide(&depth_ih)).unwrap(),
            depth_bias: wide(&depth_bias),
            previous_peephole: wide(&previous),
            below_peephole: wide(&below),
        };
        (weights.into(), AnyCell::DepthGated(cell))
    }
}

fn gate_use(used: GateUse) -> reference::GateUse {
    match used {
        GateUse::Learned => reference::GateUse::Learned,
        GateUse::AlwaysOne => reference::GateUse::AlwaysOne,
    }
}

fn reference_lstm(tensors: &TorchTensors, output: usize) -> Lstm<f64> {
    with_pytorch(tensors, |weights| match &tensors.projection {
        Some(projection) => Lstm::from_pytorch_projected(weights, &wide(projection), output),
        None => Lstm::from_pytorch(weights),
    })
}

fn with_pytorch<C>(
    tensors: &TorchTensors,
    make: impl FnOnce(&PyTorchWeights<'_, f64>) -> Result<C, reference::Error>,
) -> C {
    let [bias_ih, bias_hh] = tensors.biases.clone().unwrap_or_default().map(|bias| wide(&bias));
    let weights = PyTorchWeights {
        inputs: tensors.input_size,
        hidden: tensors.hidden_size,
        weight_ih: &wide(&tensors.weight_ih),
        weight_hh: &wide(&tensors.weight_hh),
        bias_ih: &bias_ih,
        bias_hh: &bias_hh,
    };
    make(&weights).unwrap()
}

/// The reference's name of an activation.
pub fn function(activation: Activation) -> Function {
    match activation {
        Activation::Identity => Function::Identity,
        Activation::Sigmoid => Function::Sigmoid,
        Activation::Tanh => Function::Tanh,
        Activation::Relu => Function::Relu,
        Activation::Affine { alpha, beta } => Function::Affine { alpha: alpha.into(), beta: beta.into() },
        Activation::LeakyRelu { alpha } => Function::LeakyRelu { alpha: alpha.into() },
        Activation::ThresholdedRelu { alpha } => Function::ThresholdedRelu { alpha: alpha.into() },
        Activation::ScaledTanh { alpha, beta } => Function::ScaledTanh { alpha: alpha.into(), beta: beta.into() },
        Activation::HardSigmoid { alpha, beta } => Function::HardSigmoid { alpha: alpha.into(), beta: beta.into() },
        Activation::Elu { alpha } => Function::Elu { alpha: alpha.into() },
        Activation::Softsign => Function::Softsign,
        Activation::Softplus => Function::Softplus,
        other => panic!("no function of the reference for {other:?}"),
    }
}
