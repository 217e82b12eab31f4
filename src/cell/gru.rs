//! The GRU: gates r z and candidate n; where the reset is applied and other activations are options.

use super::learn::{Back, Learn, MOST_VALUES, Then, clipped_slope, sigmoid_slope, tanh_slope};
use crate::activation::Activation;
use crate::kernel::activate::activate;
use crate::kernel::math::{NEGLIGIBLE, exponential, gate, tanh_fraction};
use crate::kernel::step::{Cell, Half, Hears, Keep, Now, Terms};
use crate::simd::{Isa, Vector};

/// Gates of a GRU unit, in the order r z n.
pub(crate) const GATES: usize = 3;

/// Where the reset gate is applied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reset {
    /// To h⁻, before the recurrent weights: `n = tanh(W_n x + R_n (r·h⁻) + b_n)` (Cho et al. 2014; ONNX's default).
    Before,
    /// To the recurrent sum: `n = tanh(W_n x + b_n + r·(R_n h⁻ + b_rn))` (PyTorch, cuDNN, Keras' default, ONNX
    /// `linear_before_reset=1`).
    #[default]
    After,
}

/// Which GRU it is; the default is PyTorch's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GruOptions {
    /// Where the reset gate is applied.
    pub reset: Reset,
    /// Of the gates r, z.
    pub gate: Activation,
    /// Of the candidate n.
    pub candidate: Activation,
    /// Bounds every pre-activation to −clip ..= clip, as ONNX Runtime does.
    pub clip: Option<f32>,
}

impl Default for GruOptions {
    fn default() -> Self {
        GruOptions { reset: Reset::After, gate: Activation::Sigmoid, candidate: Activation::Tanh, clip: None }
    }
}

/// The update with the reset after: `n = tanh(W_n x + b_n + r·(R_n h⁻ + b_rn))`, `h = z·h⁻ + (1−z)·n`.
#[derive(Clone, Copy)]
pub(crate) struct StandardGru<'a> {
    /// b_rn, of a whole number of registers.
    pub recurrent_bias: &'a [f32],
}

impl Cell<GATES> for StandardGru<'_> {
    const MEMORY: bool = false;
    const KEEP: &'static [Keep] = APART;

    #[inline(always)]
    fn begin<I: Isa>(self, isa: I, now: Now<I::Vector, GATES>) -> Half<I::Vector> {
        let Now { input, recurrent, old, unit, .. } = now;
        let r = gate(isa, input[0] + recurrent[0]);
        let heard = recurrent[2] + isa.load(&self.recurrent_bias[unit..]);
        Half { value: r.mul_add(heard, input[2]), memory: old.memory }
    }

    #[inline(always)]
    fn end<I: Isa>(self, isa: I, now: Now<I::Vector, GATES>, n: I::Vector) -> I::Vector {
        let Now { input, recurrent, old, .. } = now;
        mix(isa, input[1] + recurrent[1], n, old.hidden)
    }
}

/// `h = z·h⁻ + (1−z)·n` with `z = σ(z_z)` and `n = tanh(z_n)`, by one division:
/// `h⁻ + e·(P − h⁻·Q)/((1 + e)·Q)` with `e = e^(−z_z)` and `tanh = P/Q`. A state that is kept is rounded once a step.
#[inline(always)]
fn mix<I: Isa>(isa: I, z: I::Vector, n: I::Vector, old: I::Vector) -> I::Vector {
    let e = exponential::<I, true>(isa, z);
    let tanh = tanh_fraction(isa, n);
    let difference = (isa.splat(0.0) - old).mul_add(tanh.denominator, tanh.numerator);
    let moved = (e.value() * difference) / (e.plus(isa.splat(1.0)) * tanh.denominator);
    (old + moved).flush(isa.splat(NEGLIGIBLE))
}

/// A GRU with the reset after and any of the other options.
#[derive(Clone, Copy)]
pub(crate) struct AnyGru<'a> {
    /// Which it is.
    pub options: GruOptions,
    /// b_rn, of a whole number of registers.
    pub recurrent_bias: &'a [f32],
}

impl Cell<GATES> for AnyGru<'_> {
    const MEMORY: bool = false;
    const KEEP: &'static [Keep] = APART;

    #[inline(always)]
    fn begin<I: Isa>(self, isa: I, now: Now<I::Vector, GATES>) -> Half<I::Vector> {
        let Now { input, recurrent, old, unit, .. } = now;
        let r = squash(isa, self.options, self.options.gate, input[0] + recurrent[0]);
        let heard = recurrent[2] + isa.load(&self.recurrent_bias[unit..]);
        Half { value: r.mul_add(heard, input[2]), memory: old.memory }
    }

    #[inline(always)]
    fn end<I: Isa>(self, isa: I, now: Now<I::Vector, GATES>, n: I::Vector) -> I::Vector {
        let Now { input, recurrent, old, .. } = now;
        any_mix(isa, self.options, input[1] + recurrent[1], n, old.hidden)
    }
}

/// The first half of a step with the reset before: `r·h⁻` from the sum of r.
///
/// The candidate's recurrent sums need `r·h⁻` of every unit, so all units go through this first.
#[inline(always)]
pub(crate) fn reset_hidden<I: Isa>(isa: I, options: GruOptions, r: I::Vector, old: I::Vector) -> I::Vector {
    let r = if options.gate == Activation::Sigmoid && options.clip.is_none() {
        gate(isa, r)
    } else {
        squash(isa, options, options.gate, r)
    };
    (r * old).flush(isa.splat(NEGLIGIBLE))
}

/// The second half: `recurrent` holds, beside the sums of r, those of z, and those of n over `r·h⁻`.
#[derive(Clone, Copy)]
pub(crate) struct ResetBefore {
    /// Which it is.
    pub options: GruOptions,
}

impl Cell<GATES> for ResetBefore {
    const MEMORY: bool = false;
    const RESETS: bool = true;
    const KEEP: &'static [Keep] = RESET;

    #[inline(always)]
    fn begin<I: Isa>(self, _isa: I, now: Now<I::Vector, GATES>) -> Half<I::Vector> {
        let Now { input, recurrent, old, .. } = now;
        Half { value: input[2] + recurrent[2], memory: old.memory }
    }

    #[inline(always)]
    fn end<I: Isa>(self, isa: I, now: Now<I::Vector, GATES>, n: I::Vector) -> I::Vector {
        let Now { input, recurrent, old, .. } = now;
        let z = input[1] + recurrent[1];
        let GruOptions { gate, candidate, clip, .. } = self.options;
        if gate == Activation::Sigmoid && candidate == Activation::Tanh && clip.is_none() {
            mix(isa, z, n, old.hidden)
        } else {
            any_mix(isa, self.options, z, n, old.hidden)
        }
    }
}

#[inline(always)]
fn any_mix<I: Isa>(isa: I, options: GruOptions, z: I::Vector, n: I::Vector, old: I::Vector) -> I::Vector {
    let z = squash(isa, options, options.gate, z);
    let n = squash(isa, options, options.candidate, n);
    z.mul_add(old, (isa.splat(1.0) - z) * n).flush(isa.splat(NEGLIGIBLE))
}

#[inline(always)]
fn squash<I: Isa>(isa: I, options: GruOptions, activation: Activation, z: I::Vector) -> I::Vector {
    activate(isa, activation, z.limit(isa.splat(options.clip.unwrap_or(f32::INFINITY))))
}

/// Kept sums of a GRU whose candidate hears the recurrent sum by its reset gate: r, z, and the candidate's two apart.
pub(crate) const KEPT: usize = 4;

/// Those that hear the input come first, those that hear the old hidden state last.
const APART: &[Keep] =
    &[Keep::of(2, Terms::Input), Keep::of(0, Terms::Both), Keep::of(1, Terms::Both), Keep::of(2, Terms::Recurrent)];

/// Whole sums; the candidate hears r·h⁻.
pub(super) const RESET: &[Keep] =
    &[Keep::of(0, Terms::Both), Keep::of(1, Terms::Both), Keep::of(2, Terms::Both).hearing(Hears::Reset)];

/// A value and the derivative there.
type Sloped<V> = (V, V);

/// The way back with the reset after: `dz = dh·(h⁻ − n)`, `dn = dh·(1 − z)`, and of the candidate's sum `dr` and the recurrent
/// part get their shares.
impl Learn<GATES, KEPT> for StandardGru<'_> {
    const VALUES: usize = 0;

    #[inline(always)]
    fn back<I: Isa>(self, isa: I, then: Then<I::Vector, KEPT>) -> Back<I::Vector, KEPT> {
        let [input, z_r, z_z, recurrent] = then.kept;
        let heard = recurrent + isa.load(&self.recurrent_bias[then.unit..]);
        let (r, z) = (sigmoid_slope(isa, z_r), sigmoid_slope(isa, z_z));
        let n = tanh_slope(isa, r.0.mul_add(heard, input));
        reset_after(isa, then, heard, [r, z, n])
    }
}

impl Learn<GATES, KEPT> for AnyGru<'_> {
    const VALUES: usize = 0;

    #[inline(always)]
    fn back<I: Isa>(self, isa: I, then: Then<I::Vector, KEPT>) -> Back<I::Vector, KEPT> {
        let GruOptions { gate, candidate, clip, .. } = self.options;
        let [input, z_r, z_z, recurrent] = then.kept;
        let heard = recurrent + isa.load(&self.recurrent_bias[then.unit..]);
        let (r, z) = (clipped_slope(isa, gate, clip, z_r), clipped_slope(isa, gate, clip, z_z));
        let n = clipped_slope(isa, candidate, clip, r.0.mul_add(heard, input));
        reset_after(isa, then, heard, [r, z, n])
    }
}

#[inline(always)]
fn reset_after<I: Isa>(
    isa: I,
    then: Then<I::Vector, KEPT>,
    heard: I::Vector,
    [(r, slope_r), z, n]: [Sloped<I::Vector>; 3],
) -> Back<I::Vector, KEPT> {
    let (d_z_z, d_z_n, hidden) = unmix(isa, then.d_hidden, then.old.hidden, z, n);
    let (d_z_r, zero) = (d_z_n * heard * slope_r, isa.splat(0.0));
    Back { sums: [d_z_n, d_z_r, d_z_z, d_z_n * r], hidden, memory: zero, below: zero, values: [zero; MOST_VALUES] }
}

/// Of `h = z·h⁻ + (1 − z)·n`: the gradients of the sums of z and n, and of h⁻.
#[inline(always)]
fn unmix<I: Isa>(
    isa: I,
    d_hidden: I::Vector,
    old: I::Vector,
    (z, slope_z): Sloped<I::Vector>,
    (n, slope_n): Sloped<I::Vector>,
) -> (I::Vector, I::Vector, I::Vector) {
    let d_n = d_hidden * (isa.splat(1.0) - z);
    (d_hidden * (old - n) * slope_z, d_n * slope_n, d_hidden * z)
}

/// The way back with the reset before, its first half: of z and the candidate. What of r goes through the candidate's
/// recurrent weights first: [`reset_back`].
impl Learn<GATES, GATES> for ResetBefore {
    const VALUES: usize = 0;

    #[inline(always)]
    fn back<I: Isa>(self, isa: I, then: Then<I::Vector, GATES>) -> Back<I::Vector, GATES> {
        let GruOptions { gate, candidate, clip, .. } = self.options;
        let [z_r, z_z, z_n] = then.kept;
        let (z, n) = (clipped_slope(isa, gate, clip, z_z), clipped_slope(isa, candidate, clip, z_n));
        let (d_z_z, d_z_n, hidden) = unmix(isa, then.d_hidden, then.old.hidden, z, n);
        let zero = isa.splat(0.0);
        // The sum of r stays until its gradient is known.
        Back { sums: [z_r, d_z_z, d_z_n], hidden, memory: zero, below: zero, values: [zero; MOST_VALUES] }
    }
}

/// The second half: from the gradient of `r·h⁻` that of r's sum, and what h⁻ gets.
#[inline(always)]
pub(crate) fn reset_back<I: Isa>(
    isa: I,
    options: GruOptions,
    z_r: I::Vector,
    old: I::Vector,
    d_reset: I::Vector,
) -> (I::Vector, I::Vector) {
    let (r, slope) = clipped_slope(isa, options.gate, options.clip, z_r);
    (d_reset * old * slope, d_reset * r)
}
