//! What the equations and the documents call the numbers of each gate.

/// The names of one gate's weights and of its sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Letters {
    pub input_weights: &'static str,
    pub recurrent_weights: &'static str,
    pub bias: &'static str,
    pub peephole: &'static str,
    pub sum: &'static str,
    pub sum_name: &'static str,
}

pub(crate) const FORGET: Letters = Letters {
    input_weights: "W_f",
    recurrent_weights: "R_f",
    bias: "b_f",
    peephole: "p_f",
    sum: "z_f",
    sum_name: "forget gate's sum",
};

pub(crate) const INPUT: Letters = Letters {
    input_weights: "W_i",
    recurrent_weights: "R_i",
    bias: "b_i",
    peephole: "p_i",
    sum: "z_i",
    sum_name: "input gate's sum",
};

pub(crate) const CANDIDATE: Letters = Letters {
    input_weights: "W_g",
    recurrent_weights: "R_g",
    bias: "b_g",
    peephole: "p_g",
    sum: "z_g",
    sum_name: "candidate's sum",
};

pub(crate) const OUTPUT: Letters = Letters {
    input_weights: "W_o",
    recurrent_weights: "R_o",
    bias: "b_o",
    peephole: "p_o",
    sum: "z_o",
    sum_name: "output gate's sum",
};

pub(crate) const RESET: Letters = Letters {
    input_weights: "W_r",
    recurrent_weights: "R_r",
    bias: "b_r",
    peephole: "p_r",
    sum: "z_r",
    sum_name: "reset gate's sum",
};

pub(crate) const UPDATE: Letters = Letters {
    input_weights: "W_z",
    recurrent_weights: "R_z",
    bias: "b_z",
    peephole: "p_z",
    sum: "z_z",
    sum_name: "update gate's sum",
};

pub(crate) const GRU_CANDIDATE: Letters = Letters {
    input_weights: "W_n",
    recurrent_weights: "R_n",
    bias: "b_n",
    peephole: "p_n",
    sum: "z_n",
    sum_name: "candidate's sum",
};
