//! One row, one step: compiled apart from a [`Pass`](super::pass::Pass), whose choices cost more than a small cell's arithmetic.

use super::layer::{Kind, Packed, Visit};
use crate::cell::learn::Learn;
use crate::cell::lstm::{self, StandardLstm};
use crate::kernel::chains::Chains;
use crate::kernel::pack::Division;
use crate::kernel::product::Rows;
use crate::kernel::step::{Cell, Input, Places, Single, single, single_blocks};
use crate::simd::{Isa, Kernel, dispatch};

/// No c of a layer below.
const NOTHING: Rows<'static> = Rows { data: &[], stride: 0 };

/// Advances one row by one step: layer, x, h⁻, where h goes, c. The last three are padded to whole registers, x is free of
/// tiny numbers.
///
/// The arguments come in registers: a struct, copied through memory at the call, made a step of 16 units 84 instead of 65 ns.
pub(crate) type Advance = fn(&Packed, &[f32], &[f32], &mut [f32], &mut [f32], Sweep);

/// In which order the groups of hidden units go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Sweep {
    /// First to last.
    #[default]
    Forwards,
    /// Last to first: on every other step, because what was read last is still in the cache.
    Backwards,
}

impl Sweep {
    /// The group at one of `count` places.
    #[inline(always)]
    pub fn group(self, place: usize, count: usize) -> usize {
        if self == Sweep::Forwards { place } else { count - 1 - place }
    }

    /// The order of the following step.
    #[inline(always)]
    pub fn turned(self) -> Sweep {
        if self == Sweep::Forwards { Sweep::Backwards } else { Sweep::Forwards }
    }
}

/// Whether a layer can be advanced so: nothing stands between h⁻ and the sums, or after the update.
pub(crate) fn can_advance(packed: &Packed) -> bool {
    packed.candidate.is_none() && packed.projection.is_none() && packed.clock.is_none() && !packed.hears_below()
}

/// Chooses the code for a layer: small LSTMs of common sizes have their own, with every loop's length known.
pub(crate) fn advance_for(kind: Kind, hidden: usize) -> Advance {
    match (kind, hidden) {
        (Kind::StandardLstm, 8) => advance::<8>,
        (Kind::StandardLstm, 12) => advance::<12>,
        (Kind::StandardLstm, 16) => advance::<16>,
        (Kind::StandardLstm, 20) => advance::<20>,
        (Kind::StandardLstm, 24) => advance::<24>,
        (Kind::StandardLstm, 32) => advance::<32>,
        (Kind::StandardLstm, 40) => advance::<40>,
        (Kind::StandardLstm, 48) => advance::<48>,
        (Kind::StandardLstm, 64) => advance::<64>,
        _ => advance_any,
    }
}

fn advance<const UNITS: usize>(
    packed: &Packed,
    x: &[f32],
    hidden: &[f32],
    next: &mut [f32],
    memory: &mut [f32],
    sweep: Sweep,
) {
    // Behind a reference, so that it is not copied again on its way into the function that has the features on.
    let mut step = Step { packed, x, hidden, next, memory, sweep };
    dispatch(packed.token, Known::<UNITS>(&mut step));
}

fn advance_any(packed: &Packed, x: &[f32], hidden: &[f32], next: &mut [f32], memory: &mut [f32], sweep: Sweep) {
    let mut step = Step { packed, x, hidden, next, memory, sweep };
    packed.kind.visit(packed.token, packed.unit_values(), &mut step);
}

/// One row, one step.
struct Step<'a> {
    packed: &'a Packed,
    x: &'a [f32],
    hidden: &'a [f32],
    next: &'a mut [f32],
    memory: &'a mut [f32],
    sweep: Sweep,
}

impl Visit for &mut Step<'_> {
    #[inline(always)]
    fn steady<I: Isa, C: Learn<GATES, KEPT>, const GATES: usize, const KEPT: usize>(self, isa: I, cell: C) {
        // What [`can_advance`] refuses never comes here.
        if !C::RESETS && !C::BELOW {
            self.by::<I, C, GATES>(isa, cell);
        }
    }

    fn clockwork<I: Isa, C: Learn<1, 1>>(self, _isa: I, _cell: C) {}
}

impl Step<'_> {
    #[inline(always)]
    fn by<I: Isa, C: Cell<GATES>, const GATES: usize>(&mut self, isa: I, cell: C) {
        let Step { packed, x, hidden, .. } = *self;
        let (next, memory) = (&mut *self.next, &mut *self.memory);
        let mut places =
            Places { hidden, next, hidden_stride: 0, memory, memory_stride: 0, below: NOTHING, first_unit: 0 };
        let division = &packed.division;
        let step = Single { cell, division, recurrent: &packed.recurrent, chains: packed.chains, ahead: 0 };
        let input = Input::Features { weights: &packed.input, bias: packed.bias(), x };
        for place in 0..division.groups() {
            let group = self.sweep.group(place, division.groups());
            single::<I, C, GATES>(isa, step, group, input, &mut places);
        }
    }
}

/// The step of a standard LSTM of `UNITS` units.
struct Known<'s, 'a, const UNITS: usize>(&'s mut Step<'a>);

impl<const UNITS: usize> Kernel for Known<'_, '_, UNITS> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let Step { packed, x, hidden, .. } = *self.0;
        let hidden = &hidden[..UNITS.next_multiple_of(I::LANES)];
        let next = &mut self.0.next[..UNITS.next_multiple_of(I::LANES)];
        let memory = &mut self.0.memory[..UNITS.next_multiple_of(I::LANES)];
        let mut places =
            Places { hidden, next, hidden_stride: 0, memory, memory_stride: 0, below: NOTHING, first_unit: 0 };
        let (division, recurrent) = (&packed.division, &packed.recurrent);
        let chains = Chains::recurrent(lstm::GATES, UNITS);
        let step = Single { cell: StandardLstm, division, recurrent, chains, ahead: 0 };
        let input = Input::Features { weights: &packed.input, bias: packed.bias(), x };
        let groups = Division::known_groups(UNITS, I::LANES);
        for place in 0..groups {
            let group = self.0.sweep.group(place, groups);
            let blocks = Division::known_blocks(UNITS, I::LANES, group);
            let first = blocks.start;
            match blocks.len() {
                1 => single_blocks::<I, _, { lstm::GATES }, 1, UNITS>(isa, step, group, first, input, &mut places),
                2 => single_blocks::<I, _, { lstm::GATES }, 2, UNITS>(isa, step, group, first, input, &mut places),
                _ => single_blocks::<I, _, { lstm::GATES }, 3, UNITS>(isa, step, group, first, input, &mut places),
            }
        }
    }
}
