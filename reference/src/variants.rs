//! The cells' variants: gates and activations left out or exchanged, gates coupled, sums clipped.

use crate::function::Function;

/// The variants of Greff et al. 2015, and the two couplings. The default is the LSTM itself.
///
/// Peepholes are part of the gates: [`Gate::peephole`](crate::Gate::peephole).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LstmOptions {
    /// Whether i is computed, or 1.
    pub input_gate: GateUse,
    /// Whether f is computed, or 1 (the cell of 1997).
    pub forget_gate: GateUse,
    /// Whether o is computed, or 1.
    pub output_gate: GateUse,
    /// What squashes i, f and o: σ; ONNX' `f`.
    pub gate_activation: Function,
    /// What squashes the candidate (ONNX' `g`): tanh, or [`Function::Identity`] for "no input activation".
    pub input_activation: Function,
    /// What squashes the cell state (ONNX' `h`): tanh, or [`Function::Identity`] for "no output activation".
    pub output_activation: Function,
    /// Whether i and f depend on each other.
    pub coupling: Coupling,
    /// Holds the sums of i, f, g and o between −clip and clip before they are squashed, but not c (ONNX' `clip`, as ONNX
    /// Runtime has it).
    pub clip: Option<f64>,
}

/// The GRU's squashing. The default is the GRU itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GruOptions {
    /// What squashes r and z: σ; ONNX' `f`.
    pub gate_activation: Function,
    /// What squashes the candidate: tanh; ONNX' `g`.
    pub candidate_activation: Function,
    /// Holds the sums of r, z and n between −clip and clip before they are squashed (ONNX' `clip`).
    pub clip: Option<f64>,
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
            gate_activation: Function::Sigmoid,
            input_activation: Function::Tanh,
            output_activation: Function::Tanh,
            coupling: Coupling::Independent,
            clip: None,
        }
    }
}

impl Default for GruOptions {
    fn default() -> Self {
        GruOptions { gate_activation: Function::Sigmoid, candidate_activation: Function::Tanh, clip: None }
    }
}
