//! What learning needs of a cell beside its update: the way back through the sums that were kept.

use crate::activation::Activation;
use crate::kernel::activate::activate_with_slope;
use crate::kernel::math::{exponential, tanh_parts};
use crate::kernel::step::{Cell, State};
use crate::simd::{Isa, Vector};

/// A cell that can learn. Its kept sums ([`Cell::KEEP`]) are enough, with the states, to compute every gate again.
pub(crate) trait Learn<const GATES: usize, const KEPT: usize>: Cell<GATES> {
    /// Vectors a unit of their own that have a gradient here: peepholes. (A bias has that of its sum.)
    const VALUES: usize;

    /// From the gradients of the new state those of the kept sums and of the old state. `#[inline(always)]`.
    fn back<I: Isa>(self, isa: I, then: Then<I::Vector, KEPT>) -> Back<I::Vector, KEPT>;
}

/// One register of units of one row at a step that is gone through again.
#[derive(Clone, Copy)]
pub(crate) struct Then<V, const KEPT: usize> {
    /// The kept sums, in the order of [`Cell::KEEP`].
    pub kept: [V; KEPT],
    /// The state before the step.
    pub old: State<V>,
    /// The memory after it.
    pub memory: V,
    /// The new memory of the layer below; nothing for a cell that does not hear it.
    pub below: V,
    /// The gradient of the new h.
    pub d_hidden: V,
    /// The gradient of the new memory, by later steps.
    pub d_memory: V,
    /// The first unit.
    pub unit: usize,
}

/// The most vectors a unit with a gradient of their own: a depth-gated LSTM's five peepholes.
pub(crate) const MOST_VALUES: usize = 5;

/// What goes back.
#[derive(Clone, Copy)]
pub(crate) struct Back<V, const KEPT: usize> {
    /// The gradients of the kept sums.
    pub sums: [V; KEPT],
    /// The gradient of the old h, apart from what goes through the recurrent weights.
    pub hidden: V,
    /// The gradient of the old memory.
    pub memory: V,
    /// The gradient of the memory of the layer below.
    pub below: V,
    /// What this row and step add to the gradients of the cell's vectors; only the first [`Learn::VALUES`] are used.
    pub values: [V; MOST_VALUES],
}

/// `σ(z)` and its derivative.
#[inline(always)]
pub(crate) fn sigmoid_slope<I: Isa>(isa: I, z: I::Vector) -> (I::Vector, I::Vector) {
    let one = isa.splat(1.0);
    let e = exponential::<I, true>(isa, z);
    let value = one / e.plus(one);
    (value, e.value() * value * value)
}

/// `tanh(z)` and its derivative.
#[inline(always)]
pub(crate) fn tanh_slope<I: Isa>(isa: I, z: I::Vector) -> (I::Vector, I::Vector) {
    let parts = tanh_parts(isa, z);
    let inverse = isa.splat(1.0) / parts.denominator;
    (parts.numerator * inverse, parts.slope(isa, inverse))
}

/// An activation of a sum that is first limited to ±`clip`, and its derivative: 0 beyond the bounds.
#[inline(always)]
pub(crate) fn clipped_slope<I: Isa>(
    isa: I,
    activation: Activation,
    clip: Option<f32>,
    z: I::Vector,
) -> (I::Vector, I::Vector) {
    let bound = isa.splat(clip.unwrap_or(f32::INFINITY));
    let (value, slope) = activate_with_slope(isa, activation, z.limit(bound));
    (value, (bound - z.abs()).choose(slope, isa.splat(0.0)))
}
