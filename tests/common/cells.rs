//! Random weights of any cell, for the engine and for the reference.

use gatewise::{
    Activation, Coupling, GruOptions, GruWeights, LstmOptions, LstmWeights, Reset, RnnOptions, RnnWeights,
    TorchTensors, Weights,
};
use gatewise_reference as reference;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use reference::{AnyCell, Function, Gru, Lstm, PyTorchWeights, SimpleRnn};

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
            Kind::OnnxLstm => {
                let [gate, input, output] = [(); 3].map(|()| self.activation());
                options = LstmOptions { gate, input, output, clip: Some(CLIP), ..options };
            }
            _ => {}
        }
        let mut weights = LstmWeights::from_torch(&tensors).unwrap().with_options(options);
        let mut cell = reference_lstm(&tensors, output);
        cell.options = reference::LstmOptions {
            coupling: match options.coupling {
                Coupling::None => reference::Coupling::Independent,
                Coupling::ForgetFromInput => reference::Coupling::ForgetIsOneMinusInput,
                Coupling::InputFromForget => reference::Coupling::InputIsOneMinusForget,
            },
            gate_activation: function(options.gate),
            input_activation: function(options.input),
            output_activation: function(options.output),
            clip: options.clip.map(f64::from),
            ..cell.options
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
