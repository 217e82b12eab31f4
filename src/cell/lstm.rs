//! The LSTM: gates i f g o, cell state, hidden state; peepholes, coupled or missing gates and other activations are options.

use super::learn::{Back, Learn, MOST_VALUES, Then, clipped_slope};
use crate::activation::Activation;
use crate::kernel::activate::{activate, activate_with_slope};
use crate::kernel::math::{NEGLIGIBLE, exponential, gated_tanh, keep_and_write, tanh_parts};
use crate::kernel::step::{Cell, Half, Keep, Now, WHOLE};
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

/// Whether a gate is computed (Greff et al. 2015 leave out one at a time).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GateUse {
    /// From its weights.
    #[default]
    Learned,
    /// Not at all: it is 1, whatever the coupling says, and its weights are not used.
    AlwaysOne,
}

/// Which LSTM it is; the default is the standard one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LstmOptions {
    /// Whether i is computed, or 1.
    pub input_gate: GateUse,
    /// Whether f is computed, or 1 (the cell of 1997).
    pub forget_gate: GateUse,
    /// Whether o is computed, or 1.
    pub output_gate: GateUse,
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
            input_gate: GateUse::Learned,
            forget_gate: GateUse::Learned,
            output_gate: GateUse::Learned,
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
    const KEEP: &'static [Keep] = WHOLE;

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
    const KEEP: &'static [Keep] = WHOLE;

    /// `z_i += p_i·c⁻`, `z_f += p_f·c⁻`, `z_o += p_o·c` (Gers & Schmidhuber 2000); then as [`StandardLstm`], with the
    /// options' activations.
    #[inline(always)]
    fn begin<I: Isa>(self, isa: I, now: Now<I::Vector, GATES>) -> Half<I::Vector> {
        let Now { input, recurrent, old, unit, .. } = now;
        let [i, f, g, _] = sums::<I>(input, recurrent);
        let c = self.remember(isa, [i, f, g], old.memory, unit);
        Half { value: c, memory: c.flush(isa.splat(NEGLIGIBLE)) }
    }

    #[inline(always)]
    fn end<I: Isa>(self, isa: I, now: Now<I::Vector, GATES>, c: I::Vector) -> I::Vector {
        let Now { input, recurrent, unit, .. } = now;
        self.show(isa, input[3] + recurrent[3], c, unit)
    }
}

impl AnyLstm<'_> {
    /// `f·c⁻ + i·g` from the sums of i, f and g.
    #[inline(always)]
    pub fn remember<I: Isa>(self, isa: I, [i, f, g]: [I::Vector; 3], old: I::Vector, unit: usize) -> I::Vector {
        let (i, f) = (self.peek(isa, 0, unit, old, i), self.peek(isa, 1, unit, old, f));
        let (i, f) = self.gates(isa, i, f);
        f.mul_add(old, i * self.squash(isa, self.options.input, g))
    }

    /// `o·tanh(c)` from the sum of o.
    #[inline(always)]
    pub fn show<I: Isa>(self, isa: I, o: I::Vector, c: I::Vector, unit: usize) -> I::Vector {
        let o = self.peek(isa, 2, unit, c, o);
        let shown = activate(isa, self.options.output, c);
        let hidden = match self.options.output_gate {
            GateUse::Learned => self.squash(isa, self.options.gate, o) * shown,
            GateUse::AlwaysOne => shown,
        };
        hidden.flush(isa.splat(NEGLIGIBLE))
    }

    /// i and f from their sums.
    #[inline(always)]
    fn gates<I: Isa>(self, isa: I, i: I::Vector, f: I::Vector) -> (I::Vector, I::Vector) {
        let (options, one) = (self.options, isa.splat(1.0));
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
        let i = if options.input_gate == GateUse::AlwaysOne { one } else { i };
        let f = if options.forget_gate == GateUse::AlwaysOne { one } else { f };
        (i, f)
    }

    #[inline(always)]
    pub fn squash<I: Isa>(self, isa: I, activation: Activation, z: I::Vector) -> I::Vector {
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

/// The way back: `do = dh·tanh(c)`, `dc += dh·o·(1 − tanh²(c))`, `df = dc·c⁻`, `di = dc·g`, `dg = dc·i`, `dc⁻ = dc·f`, and each
/// sum's gradient is its gate's times the activation's derivative (Gers & Schmidhuber 2000; Greff et al. 2015, appendix).
///
/// A sigmoid's derivative is `e/(1 + e)²` with `e = e^−z`, tanh's `4·e/(1 + e)²` with `e = e^(−2|z|)`: exact however far they are
/// closed or open, where `y·(1 − y)` and `1 − y²` cancel.
impl Learn<GATES, GATES> for StandardLstm {
    const VALUES: usize = 0;

    #[inline(always)]
    fn back<I: Isa>(self, isa: I, then: Then<I::Vector, GATES>) -> Back<I::Vector, GATES> {
        let Then { kept: [z_i, z_f, z_g, z_o], old, memory, d_hidden, d_memory, .. } = then;
        let (zero, one) = (isa.splat(0.0), isa.splat(1.0));
        let e_i = exponential::<I, true>(isa, z_i);
        let e_f = exponential::<I, true>(isa, z_f);
        let e_o = exponential::<I, true>(isa, z_o);
        let (g, shown) = (tanh_parts(isa, z_g), tanh_parts(isa, memory));
        // Three divisions for five reciprocals: 1/a = b·(1/ab).
        let (below_i, below_o) = (e_i.plus(one), e_o.plus(one));
        let joint = one / (below_i * g.denominator);
        let (i, inverse) = (joint * g.denominator, joint * below_i);
        let (slope_g, g) = (g.slope(isa, inverse), g.numerator * inverse);
        let joint = one / (below_o * shown.denominator);
        let (o, inverse) = (joint * shown.denominator, joint * below_o);
        let (slope_shown, shown) = (shown.slope(isa, inverse), shown.numerator * inverse);
        let f = one / e_f.plus(one);

        let d_o = d_hidden * shown;
        let d_c = (d_hidden * o).mul_add(slope_shown, d_memory);
        let d_z_i = d_c * g * (e_i.value() * i * i);
        let d_z_f = d_c * old.memory * (e_f.value() * f * f);
        let d_z_g = d_c * i * slope_g;
        let d_z_o = d_o * (e_o.value() * o * o);
        let sums = [d_z_i, d_z_f, d_z_g, d_z_o];
        Back { sums, hidden: zero, memory: d_c * f, below: zero, values: [zero; MOST_VALUES] }
    }
}

/// As [`StandardLstm`], with what the options change: `dp = dz·c`, and `dc` and `dc⁻` hear the peepholes too.
impl Learn<GATES, GATES> for AnyLstm<'_> {
    const VALUES: usize = 3;

    #[inline(always)]
    fn back<I: Isa>(self, isa: I, then: Then<I::Vector, GATES>) -> Back<I::Vector, GATES> {
        self.through(isa, then).0
    }
}

impl AnyLstm<'_> {
    /// The way back, and the gradient of c.
    #[inline(always)]
    pub fn through<I: Isa>(self, isa: I, then: Then<I::Vector, GATES>) -> (Back<I::Vector, GATES>, I::Vector) {
        let Then { kept: [z_i, z_f, z_g, z_o], old, memory, d_hidden, d_memory, unit, .. } = then;
        let (options, zero, one) = (self.options, isa.splat(0.0), isa.splat(1.0));
        let (i, slope_i) = self.slope(isa, options.gate, self.peek(isa, 0, unit, old.memory, z_i));
        let (f, slope_f) = self.slope(isa, options.gate, self.peek(isa, 1, unit, old.memory, z_f));
        let (g, slope_g) = self.slope(isa, options.input, z_g);
        let (o, slope_o) = self.slope(isa, options.gate, self.peek(isa, 2, unit, memory, z_o));
        let (shown, slope_shown) = activate_with_slope(isa, options.output, memory);
        let used = |choice: GateUse| choice == GateUse::Learned;
        let (o, slope_o) = if used(options.output_gate) { (o, slope_o) } else { (one, zero) };

        let d_z_o = d_hidden * shown * slope_o;
        let d_c = self.peek(isa, 2, unit, d_z_o, (d_hidden * o).mul_add(slope_shown, d_memory));
        // What each of the gates would change, before the coupling joins them.
        let (change_i, change_f) = (d_c * g, d_c * old.memory);
        let change_i = if used(options.input_gate) { change_i } else { zero };
        let change_f = if used(options.forget_gate) { change_f } else { zero };
        let (i_is, f_is, d_i, d_f) = match options.coupling {
            Coupling::None => (i, f, change_i, change_f),
            Coupling::ForgetFromInput => (i, one - i, change_i - change_f, zero),
            Coupling::InputFromForget => (one - f, f, zero, change_f - change_i),
        };
        let i_is = if used(options.input_gate) { i_is } else { one };
        let f_is = if used(options.forget_gate) { f_is } else { one };
        let (d_z_i, d_z_f) = (d_i * slope_i, d_f * slope_f);
        let d_z_g = d_c * i_is * slope_g;
        let d_memory = self.peek(isa, 0, unit, d_z_i, self.peek(isa, 1, unit, d_z_f, d_c * f_is));
        let values = [d_z_i * old.memory, d_z_f * old.memory, d_z_o * memory, zero, zero];
        let sums = [d_z_i, d_z_f, d_z_g, d_z_o];
        (Back { sums, hidden: zero, memory: d_memory, below: zero, values }, d_c)
    }

    /// An activation of a sum that may be clipped, and its derivative.
    #[inline(always)]
    fn slope<I: Isa>(self, isa: I, activation: Activation, z: I::Vector) -> (I::Vector, I::Vector) {
        clipped_slope(isa, activation, self.options.clip, z)
    }
}

#[inline(always)]
fn sums<I: Isa>(input: [I::Vector; GATES], recurrent: [I::Vector; GATES]) -> [I::Vector; GATES] {
    let [a, b, c, d] = input;
    let [e, f, g, h] = recurrent;
    [a + e, b + f, c + g, d + h]
}
