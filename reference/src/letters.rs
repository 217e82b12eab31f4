//! What the equations and the documents call the numbers of each gate.

use crate::function::Function;

/// The names of one gate's weights and of its sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Letters {
    pub input_weights: &'static str,
    pub recurrent_weights: &'static str,
    pub bias: &'static str,
    pub peephole: &'static str,
    pub sum: &'static str,
    pub sum_name: &'static str,
    pub clipped: &'static str,
    pub clipped_name: &'static str,
}

pub(crate) const FORGET: Letters = Letters {
    input_weights: "W_f",
    recurrent_weights: "R_f",
    bias: "b_f",
    peephole: "p_f",
    sum: "z_f",
    sum_name: "forget gate's sum",
    clipped: "clip(z_f)",
    clipped_name: "forget gate's clipped sum",
};

pub(crate) const INPUT: Letters = Letters {
    input_weights: "W_i",
    recurrent_weights: "R_i",
    bias: "b_i",
    peephole: "p_i",
    sum: "z_i",
    sum_name: "input gate's sum",
    clipped: "clip(z_i)",
    clipped_name: "input gate's clipped sum",
};

pub(crate) const CANDIDATE: Letters = Letters {
    input_weights: "W_g",
    recurrent_weights: "R_g",
    bias: "b_g",
    peephole: "p_g",
    sum: "z_g",
    sum_name: "candidate's sum",
    clipped: "clip(z_g)",
    clipped_name: "candidate's clipped sum",
};

pub(crate) const OUTPUT: Letters = Letters {
    input_weights: "W_o",
    recurrent_weights: "R_o",
    bias: "b_o",
    peephole: "p_o",
    sum: "z_o",
    sum_name: "output gate's sum",
    clipped: "clip(z_o)",
    clipped_name: "output gate's clipped sum",
};

pub(crate) const RESET: Letters = Letters {
    input_weights: "W_r",
    recurrent_weights: "R_r",
    bias: "b_r",
    peephole: "p_r",
    sum: "z_r",
    sum_name: "reset gate's sum",
    clipped: "clip(z_r)",
    clipped_name: "reset gate's clipped sum",
};

pub(crate) const UPDATE: Letters = Letters {
    input_weights: "W_z",
    recurrent_weights: "R_z",
    bias: "b_z",
    peephole: "p_z",
    sum: "z_z",
    sum_name: "update gate's sum",
    clipped: "clip(z_z)",
    clipped_name: "update gate's clipped sum",
};

pub(crate) const GRU_CANDIDATE: Letters = Letters {
    input_weights: "W_n",
    recurrent_weights: "R_n",
    bias: "b_n",
    peephole: "p_n",
    sum: "z_n",
    sum_name: "candidate's sum",
    clipped: "clip(z_n)",
    clipped_name: "candidate's clipped sum",
};

/// The candidate of MUT1, MUT2 and MUT3: the paper's W_xh, W_hh and b_h.
pub(crate) const MUTANT_CANDIDATE: Letters = Letters {
    input_weights: "W_h",
    recurrent_weights: "R_h",
    bias: "b_h",
    peephole: "p_h",
    sum: "z_h",
    sum_name: "candidate's sum",
    clipped: "clip(z_h)",
    clipped_name: "candidate's clipped sum",
};

/// The only sum of a simple RNN.
pub(crate) const RNN: Letters = Letters {
    input_weights: "W",
    recurrent_weights: "R",
    bias: "b",
    peephole: "p",
    sum: "z",
    sum_name: "sum",
    clipped: "clip(z)",
    clipped_name: "clipped sum",
};

/// What an LSTM's squashed cell state is called, and what is shown of it when that is not yet the hidden state.
pub(crate) fn squashed_cell_state(activation: Function) -> (&'static str, &'static str) {
    match activation {
        Function::Sigmoid => ("σ(c)", "o·σ(c)"),
        Function::Tanh => ("tanh(c)", "o·tanh(c)"),
        Function::Relu => ("relu(c)", "o·relu(c)"),
        Function::Identity => ("c", "o·c"),
        Function::Affine { .. } => ("affine(c)", "o·affine(c)"),
        Function::LeakyRelu { .. } => ("leakyrelu(c)", "o·leakyrelu(c)"),
        Function::ThresholdedRelu { .. } => ("thresholdedrelu(c)", "o·thresholdedrelu(c)"),
        Function::ScaledTanh { .. } => ("scaledtanh(c)", "o·scaledtanh(c)"),
        Function::HardSigmoid { .. } => ("hardsigmoid(c)", "o·hardsigmoid(c)"),
        Function::Elu { .. } => ("elu(c)", "o·elu(c)"),
        Function::Softsign => ("softsign(c)", "o·softsign(c)"),
        Function::Softplus => ("softplus(c)", "o·softplus(c)"),
        Function::Clip { .. } => ("clip(c)", "o·clip(c)"),
    }
}
