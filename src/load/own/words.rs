//! The words of the description: one table a choice, read from the left and from the right.

use crate::activation::{Activation, Finish};
use crate::cell::gru::Reset;
use crate::cell::lstm::{Coupling, GateUse};
use crate::cell::mutant::Mutation;
use crate::model::Merge;
use crate::network::blueprint::{Masked, Output};
use crate::sequence::layout::Layout;

/// Words, and what they mean.
pub(super) type Words<T> = [(&'static str, T)];

pub(super) const LAYOUTS: &Words<Layout> = &[("time_major", Layout::TimeMajor), ("batch_first", Layout::BatchFirst)];

pub(super) const OUTPUTS: &Words<Output> = &[("every", Output::Every), ("last", Output::Last)];

pub(super) const MASKED: &Words<Masked> = &[("zeros", Masked::Zeros), ("repeat", Masked::Repeat)];

/// [`Merge::None`] is none of a blueprint's.
pub(super) const MERGES: &Words<Merge> =
    &[("concat", Merge::Concat), ("sum", Merge::Sum), ("mul", Merge::Mul), ("average", Merge::Average)];

pub(super) const COUPLINGS: &Words<Coupling> = &[
    ("none", Coupling::None),
    ("forget_from_input", Coupling::ForgetFromInput),
    ("input_from_forget", Coupling::InputFromForget),
];

/// The gates of an LSTM that may be left out, and whether they are.
pub(super) const GATE_USES: [&str; 3] = ["input_gate", "forget_gate", "output_gate"];

pub(super) const USES: &Words<GateUse> = &[("learned", GateUse::Learned), ("always_one", GateUse::AlwaysOne)];

pub(super) const MUTATIONS: &Words<Mutation> =
    &[("mut1", Mutation::Mut1), ("mut2", Mutation::Mut2), ("mut3", Mutation::Mut3)];

pub(super) const RESETS: &Words<Reset> = &[("before", Reset::Before), ("after", Reset::After)];

/// Functions, their parameters 0; [`parameters`] says which they have.
pub(super) const FUNCTIONS: &Words<Finish> = &[
    ("identity", Finish::Each(Activation::Identity)),
    ("sigmoid", Finish::Each(Activation::Sigmoid)),
    ("tanh", Finish::Each(Activation::Tanh)),
    ("relu", Finish::Each(Activation::Relu)),
    ("affine", Finish::Each(Activation::Affine { alpha: 0.0, beta: 0.0 })),
    ("leaky_relu", Finish::Each(Activation::LeakyRelu { alpha: 0.0 })),
    ("thresholded_relu", Finish::Each(Activation::ThresholdedRelu { alpha: 0.0 })),
    ("scaled_tanh", Finish::Each(Activation::ScaledTanh { alpha: 0.0, beta: 0.0 })),
    ("hard_sigmoid", Finish::Each(Activation::HardSigmoid { alpha: 0.0, beta: 0.0 })),
    ("elu", Finish::Each(Activation::Elu { alpha: 0.0 })),
    ("softsign", Finish::Each(Activation::Softsign)),
    ("softplus", Finish::Each(Activation::Softplus)),
    ("softmax", Finish::Softmax),
    ("log_softmax", Finish::LogSoftmax),
];

/// The word for `value`; empty if the table has none.
pub(super) fn word<T: Copy + PartialEq>(words: &Words<T>, value: T) -> &'static str {
    words.iter().find(|(_, known)| *known == value).map_or("", |(word, _)| word)
}

/// The parameters of a function with their names, to read and to set.
pub(super) fn parameters(function: &mut Finish) -> Vec<(&'static str, &mut f32)> {
    let Finish::Each(activation) = function else { return Vec::new() };
    match activation {
        Activation::Affine { alpha, beta }
        | Activation::ScaledTanh { alpha, beta }
        | Activation::HardSigmoid { alpha, beta } => vec![("alpha", alpha), ("beta", beta)],
        Activation::LeakyRelu { alpha } | Activation::ThresholdedRelu { alpha } | Activation::Elu { alpha } => {
            vec![("alpha", alpha)]
        }
        Activation::Identity
        | Activation::Sigmoid
        | Activation::Tanh
        | Activation::Relu
        | Activation::Softsign
        | Activation::Softplus => Vec::new(),
    }
}

/// The tensors that every cell has.
pub(super) const MATRICES: [&str; 3] = ["weight_ih", "weight_hh", "bias"];

/// An LSTM's peepholes.
pub(super) const PEEPHOLES: [&str; 3] = ["peephole_i", "peephole_f", "peephole_o"];

/// A depth gate's own peepholes.
pub(super) const DEPTH_PEEPHOLES: [&str; 2] = ["depth_peephole", "below_peephole"];

/// The states that sequences begin with.
pub(super) const STATES: [&str; 2] = ["initial_hidden", "initial_cell"];
