//! One row, one step: compiled apart from a [`Pass`](super::pass::Pass), whose choices cost more than a small cell's arithmetic.

use super::layer::{Kind, Packed};
use crate::cell::gru::{self, AnyGru, StandardGru};
use crate::cell::lstm::{self, AnyLstm, StandardLstm};
use crate::cell::rnn::{self, AnyRnn, TanhRnn};
use crate::kernel::step::{Cell, Input, Places, Single, single};
use crate::simd::{Isa, Kernel, dispatch};

/// One row, one step of a layer whose recurrent sums hear h⁻ alone.
struct Step<'a> {
    packed: &'a Packed,
    x: &'a [f32],
    hidden: &'a [f32],
    next: &'a mut [f32],
    memory: &'a mut [f32],
}

/// Whether [`advance`] can run the layer: nothing stands between h⁻ and the sums, or after the update.
pub(crate) fn can_advance(packed: &Packed) -> bool {
    packed.candidate.is_none() && packed.projection.is_none()
}

/// Advances one row by one step; `hidden`, `next` and `memory` are padded to whole registers, `x` is free of tiny numbers.
///
/// The arguments come in registers: a struct, copied through memory at the call, made a step of 16 units 84 instead of 65 ns.
pub(crate) fn advance(packed: &Packed, x: &[f32], hidden: &[f32], next: &mut [f32], memory: &mut [f32]) {
    dispatch(packed.token, Step { packed, x, hidden, next, memory });
}

impl Kernel for Step<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let values = self.packed.unit_values();
        match self.packed.kind {
            Kind::StandardLstm => self.by::<I, _, { lstm::GATES }>(isa, StandardLstm),
            Kind::AnyLstm(options) => self.by::<I, _, { lstm::GATES }>(isa, AnyLstm { options, peepholes: values }),
            Kind::StandardGru => self.by::<I, _, { gru::GATES }>(isa, StandardGru { recurrent_bias: values }),
            Kind::AnyGru(options) => self.by::<I, _, { gru::GATES }>(isa, AnyGru { options, recurrent_bias: values }),
            Kind::TanhRnn => self.by::<I, _, { rnn::GATES }>(isa, TanhRnn),
            Kind::AnyRnn(options) => self.by::<I, _, { rnn::GATES }>(isa, AnyRnn { options }),
            Kind::ResetBefore(_) => {} // `can_advance` refuses it.
        }
    }
}

impl Step<'_> {
    #[inline(always)]
    fn by<I: Isa, C: Cell<GATES>, const GATES: usize>(self, isa: I, cell: C) {
        let Step { packed, x, hidden, next, memory } = self;
        let mut places = Places { hidden, next, hidden_stride: 0, memory, memory_stride: 0, first_unit: 0 };
        let division = &packed.division;
        let step = Single { cell, division, recurrent: &packed.recurrent, chains: packed.chains, ahead: 0 };
        let input = Input::Features { weights: &packed.input, bias: packed.bias(), x };
        for group in 0..division.groups() {
            single::<I, C, GATES>(isa, step, group, input, &mut places);
        }
    }
}
