//! Weights of every cell that is counted, the same on every run.

use gatewise::{
    Activation, ClockworkWeights, GruOptions, GruWeights, LstmOptions, LstmWeights, MutantWeights, Mutation, Reset,
    RnnWeights, TorchTensors, Weights,
};

/// Numbers from ± `scale`, by a linear congruence.
pub fn uniform(count: usize, scale: f32) -> Vec<f32> {
    let mut state = 1u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // The upper 24 bits are a fraction that f32 holds exactly.
        ((state >> 40) as f32 / (1 << 23) as f32 - 1.0) * scale
    };
    (0..count).map(|_| next()).collect()
}

/// At PyTorch's initial scale, 1/√H.
pub fn tensors(gates: usize, input: usize, hidden: usize) -> TorchTensors {
    let (rows, scale) = (gates * hidden, 1.0 / (hidden as f32).sqrt());
    TorchTensors {
        input_size: input,
        hidden_size: hidden,
        weight_ih: uniform(rows * input, scale),
        weight_hh: uniform(rows * hidden, scale),
        biases: Some([uniform(rows, scale), uniform(rows, scale)]),
        projection: None,
    }
}

fn standard(input: usize, hidden: usize) -> LstmWeights {
    LstmWeights::from_torch(&tensors(4, input, hidden)).unwrap()
}

pub fn lstm(input: usize, hidden: usize) -> Weights {
    standard(input, hidden).into()
}

pub fn peepholes(hidden: usize) -> Weights {
    let peephole = uniform(hidden, 0.1);
    standard(hidden, hidden).with_peepholes([Some(&peephole); 3]).unwrap().into()
}

pub fn projected(hidden: usize, output: usize) -> Weights {
    let tensors = tensors(4, hidden, hidden);
    let weight_hh = uniform(4 * hidden * output, 0.1);
    let projection = Some(uniform(output * hidden, 0.1));
    LstmWeights::from_torch(&TorchTensors { weight_hh, projection, ..tensors }).unwrap().into()
}

/// Gates whose activation is none of the fused ones.
pub fn softplus(hidden: usize) -> Weights {
    let options = LstmOptions { gate: Activation::Softplus, clip: Some(0.5), ..LstmOptions::default() };
    standard(hidden, hidden).with_options(options).into()
}

pub fn gru(input: usize, hidden: usize, reset: Reset) -> Weights {
    let weights = GruWeights::from_torch(&tensors(3, input, hidden)).unwrap();
    weights.with_options(GruOptions { reset, ..GruOptions::default() }).into()
}

pub fn rnn(input: usize, hidden: usize) -> Weights {
    RnnWeights::from_torch(&tensors(1, input, hidden), Activation::Tanh).unwrap().into()
}

/// Modules of periods 1, 2, 4 and 8.
pub fn clockwork(hidden: usize) -> Weights {
    let TorchTensors { weight_ih, weight_hh, .. } = tensors(1, hidden, hidden);
    let bias = uniform(hidden, 0.1);
    ClockworkWeights::new(hidden, hidden, &weight_ih, &weight_hh, &bias, &[1, 2, 4, 8]).unwrap().into()
}

pub fn mutant(hidden: usize) -> Weights {
    let TorchTensors { weight_ih, weight_hh, .. } = tensors(3, hidden, hidden);
    let bias = uniform(3 * hidden, 0.1);
    MutantWeights::new(Mutation::Mut1, hidden, hidden, &weight_ih, &weight_hh, &bias).unwrap().into()
}
