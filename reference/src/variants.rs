//! The LSTM's variants: gates and activations left out, gates coupled.

use crate::activation::Function;

/// The variants of Greff et al. 2015, and the two couplings. The default is the LSTM itself.
///
/// Peepholes are part of the gates: [`Gate::peephole`](crate::Gate::peephole).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LstmOptions {
    /// Whether i is computed, or 1.
    pub input_gate: GateUse,
    /// Whether f is computed, or 1 (the cell of 1997).
    pub forget_gate: GateUse,
    /// Whether o is computed, or 1.
    pub output_gate: GateUse,
    /// What squashes the candidate: tanh, or [`Function::Identity`] for "no input activation".
    pub input_activation: Function,
    /// What squashes the cell state: tanh, or [`Function::Identity`] for "no output activation".
    pub output_activation: Function,
    /// Whether i and f depend on each other.
    pub coupling: Coupling,
}

/// Whether a gate is computed from its weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GateUse {
    /// Computed from its weights.
    #[default]
    Learned,
    /// Left out: always 1, whatever the coupling says.
    AlwaysOne,
}

/// How the input gate and the forget gate depend on each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Coupling {
    /// Each has its own weights.
    #[default]
    Independent,
    /// f = 1 − i (Greff et al. 2015, ONNX `input_forget`).
    ForgetIsOneMinusInput,
    /// i = 1 − f (as Colah draws it).
    InputIsOneMinusForget,
}

impl Default for LstmOptions {
    fn default() -> Self {
        LstmOptions {
            input_gate: GateUse::Learned,
            forget_gate: GateUse::Learned,
            output_gate: GateUse::Learned,
            input_activation: Function::Tanh,
            output_activation: Function::Tanh,
            coupling: Coupling::Independent,
        }
    }
}
