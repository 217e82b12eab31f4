//! The LSTM: gates i f g o, cell state, hidden state; peepholes, coupled gates and other activations are options.

use crate::activation::Activation;
use crate::kernel::activate::activate;
use crate::kernel::math::{NEGLIGIBLE, gated_tanh, keep_and_write};
use crate::kernel::step::{Cell, Half, Now};
use crate::simd::{Isa, Vector};

/// Gates of an LSTM unit, in the order i f g o.
pub(crate) const GATES: usize = 4;

/// Gates that are computed from each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Coupling {
    /// Every gate has its own weights.
    #[default]
    None,
    /// `f = 1 − i` (Greff et al. 2015; ONNX `input_forget`): the forget gate's weights are not used.
    ForgetFromInput,
    /// `i = 1 − f` (Colah's drawing): the input gate's weights are not used.
    InputFromForget,
}

/// Which LSTM it is; the default is the standard one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LstmOptions {
    /// Gates that are computed from each other.
    pub coupling: Coupling,
    /// Of the gates i, f, o.
    pub gate: Activation,
    /// Of the candidate g.
    pub input: Activation,
    /// Of the cell state on its way to h.
    pub output: Activation,
    /// Bounds every pre-activation to −clip ..= clip, as ONNX Runtime does.
    pub clip: Option<f32>,
}

impl Default for LstmOptions {
    fn default() -> Self {
        LstmOptions {
            coupling: Coupling::None,
            gate: Activation::Sigmoid,
            input: Activation::Tanh,
            output: Activation::Tanh,
            clip: None,
        }
    }
}

/// The update `c = σ(z_f)·c⁻ + σ(z_i)·tanh(z_g)`, `h = σ(z_o)·tanh(c)`
/// (Hochreiter & Schmidhuber 1997 with the forget gate of Gers et al. 2000).
#[derive(Clone, Copy)]
pub(crate) struct StandardLstm;

impl Cell<GATES> for StandardLstm {
    const MEMORY: bool = true;

    #[inline(always)]
    fn begin<I: Isa>(self, isa: I, now: Now<I::Vector, GATES>) -> Half<I::Vector> {
        let Now { input, recurrent, old, .. } = now;
        let [i, f, g, _] = sums::<I>(input, recurrent);
        let c = keep_and_write(isa, f, old.memory, i, g);
        Half { value: c, memory: c.flush(isa.splat(NEGLIGIBLE)) }
    }

    #[inline(always)]
    fn end<I: Isa>(self, isa: I, now: Now<I::Vector, GATES>, c: I::Vector) -> I::Vector {
        let Now { input, recurrent, .. } = now;
        gated_tanh(isa, input[3] + recurrent[3], c)
    }
}

/// An LSTM with any of the options.
#[derive(Clone, Copy)]
pub(crate) struct AnyLstm<'a> {
    /// Which it is.
    pub options: LstmOptions,
    /// p_i, p_f, p_o, each of a whole number of registers, one after the other; empty for none.
    pub peepholes: &'a [f32],
}

impl Cell<GATES> for AnyLstm<'_> {
    const MEMORY: bool = true;

    /// `z_i += p_i·c⁻`, `z_f += p_f·c⁻`, `z_o += p_o·c` (Gers & Schmidhuber 2000); then as [`StandardLstm`], with the
    /// options' activations.
    #[inline(always)]
    fn begin<I: Isa>(self, isa: I, now: Now<I::Vector, GATES>) -> Half<I::Vector> {
        let Now { input, recurrent, old, unit } = now;
        let options = self.options;
        let [i, f, g, _] = sums::<I>(input, recurrent);
        let (i, f) = (self.peek(isa, 0, unit, old.memory, i), self.peek(isa, 1, unit, old.memory, f));
        let one = isa.splat(1.0);
        let (i, f) = match options.coupling {
            Coupling::None => (self.squash(isa, options.gate, i), self.squash(isa, options.gate, f)),
            Coupling::ForgetFromInput => {
                let i = self.squash(isa, options.gate, i);
                (i, one - i)
            }
            Coupling::InputFromForget => {
                let f = self.squash(isa, options.gate, f);
                (one - f, f)
            }
        };
        let c = f.mul_add(old.memory, i * self.squash(isa, options.input, g));
        Half { value: c, memory: c.flush(isa.splat(NEGLIGIBLE)) }
    }

    #[inline(always)]
    fn end<I: Isa>(self, isa: I, now: Now<I::Vector, GATES>, c: I::Vector) -> I::Vector {
        let Now { input, recurrent, unit, .. } = now;
        let o = self.peek(isa, 2, unit, c, input[3] + recurrent[3]);
        (self.squash(isa, self.options.gate, o) * activate(isa, self.options.output, c)).flush(isa.splat(NEGLIGIBLE))
    }
}

impl AnyLstm<'_> {
    #[inline(always)]
    fn squash<I: Isa>(self, isa: I, activation: Activation, z: I::Vector) -> I::Vector {
        activate(isa, activation, z.limit(isa.splat(self.options.clip.unwrap_or(f32::INFINITY))))
    }

    /// `z + p·c` for one of the gates i f o.
    #[inline(always)]
    fn peek<I: Isa>(self, isa: I, index: usize, unit: usize, c: I::Vector, z: I::Vector) -> I::Vector {
        if self.peepholes.is_empty() {
            return z;
        }
        let padded = self.peepholes.len() / 3;
        isa.load(&self.peepholes[index * padded + unit..]).mul_add(c, z)
    }
}

#[inline(always)]
fn sums<I: Isa>(input: [I::Vector; GATES], recurrent: [I::Vector; GATES]) -> [I::Vector; GATES] {
    let [a, b, c, d] = input;
    let [e, f, g, h] = recurrent;
    [a + e, b + f, c + g, d + h]
}
