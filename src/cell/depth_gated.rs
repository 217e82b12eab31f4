//! The depth-gated LSTM: a gate d between its memory and that of the layer below (Yao et al. 2015).

use super::learn::{Back, Learn, MOST_VALUES, Then, sigmoid_slope};
use super::lstm::{self, AnyLstm};
use crate::kernel::math::{NEGLIGIBLE, gate};
use crate::kernel::step::{Cell, Half, Keep, Now, State, Terms};
use crate::simd::{Isa, Vector};

/// Gates of a unit, in the order i f g o d.
pub(crate) const GATES: usize = 5;

/// `c = d·c_below + f·c⁻ + i·g` with `d = σ(W_d x + b_d + w_cd·c⁻ + w_ld·c_below)`; all else is the LSTM's.
#[derive(Clone, Copy)]
pub(crate) struct DepthGated<'a> {
    /// Its other gates.
    pub lstm: AnyLstm<'a>,
    /// w_cd and w_ld, each of a whole number of registers, one after the other.
    pub depth: &'a [f32],
}

impl DepthGated<'_> {
    /// z_d from the sum over x.
    #[inline(always)]
    fn depth<I: Isa>(self, isa: I, sum: I::Vector, old: I::Vector, below: I::Vector, unit: usize) -> I::Vector {
        let sum = isa.load(&self.depth[unit..]).mul_add(old, sum);
        isa.load(&self.depth[self.depth.len() / 2 + unit..]).mul_add(below, sum)
    }
}

impl Cell<GATES> for DepthGated<'_> {
    const MEMORY: bool = true;
    const BELOW: bool = true;
    const KEEP: &'static [Keep] = KEEP;

    #[inline(always)]
    fn begin<I: Isa>(self, isa: I, now: Now<I::Vector, GATES>) -> Half<I::Vector> {
        let Now { input: [a, b, c, _, z_d], recurrent: [d, e, f, ..], old, below, unit } = now;
        let taken = gate(isa, self.depth(isa, z_d, old.memory, below, unit));
        let c = taken.mul_add(below, self.lstm.remember(isa, [a + d, b + e, c + f], old.memory, unit));
        Half { value: c, memory: c.flush(isa.splat(NEGLIGIBLE)) }
    }

    #[inline(always)]
    fn end<I: Isa>(self, isa: I, now: Now<I::Vector, GATES>, c: I::Vector) -> I::Vector {
        self.lstm.show(isa, now.input[3] + now.recurrent[3], c, now.unit)
    }
}

/// d hears no h⁻.
const KEEP: &[Keep] = &[
    Keep::of(4, Terms::Input),
    Keep::of(0, Terms::Both),
    Keep::of(1, Terms::Both),
    Keep::of(2, Terms::Both),
    Keep::of(3, Terms::Both),
];

/// The LSTM's way back, and from the gradient of c: `dd = dc·c_below`; c⁻ and c_below hear d's peepholes too.
impl Learn<GATES, GATES> for DepthGated<'_> {
    const VALUES: usize = MOST_VALUES;

    #[inline(always)]
    fn back<I: Isa>(self, isa: I, then: Then<I::Vector, GATES>) -> Back<I::Vector, GATES> {
        let Then { kept: [sum, i, f, g, o], old, memory, below, d_hidden, d_memory, unit } = then;
        let lstm: Then<I::Vector, { lstm::GATES }> =
            Then { kept: [i, f, g, o], old, memory, below, d_hidden, d_memory, unit };
        let (back, d_c) = self.lstm.through(isa, lstm);
        let State { memory: old, .. } = old;
        let (d, slope) = sigmoid_slope(isa, self.depth(isa, sum, old, below, unit));
        let d_z_d = d_c * below * slope;
        let [d_z_i, d_z_f, d_z_g, d_z_o] = back.sums;
        let [p_i, p_f, p_o, ..] = back.values;
        Back {
            sums: [d_z_d, d_z_i, d_z_f, d_z_g, d_z_o],
            hidden: back.hidden,
            memory: isa.load(&self.depth[unit..]).mul_add(d_z_d, back.memory),
            below: isa.load(&self.depth[self.depth.len() / 2 + unit..]).mul_add(d_z_d, d_c * d),
            values: [p_i, p_f, p_o, d_z_d * old, d_z_d * below],
        }
    }
}
