//! One step of the units that a thread owns: recurrent sums group by group, each group updated at once.

use std::ops::{Range, RangeFrom};

use super::layer::{Kind, Packed};
use super::stream::Sweep;
use super::workspace::Strides;
use crate::cell::gru::{GruOptions, reset_hidden};
use crate::kernel::math::NEGLIGIBLE;
use crate::kernel::product::{Ahead, Product, Rows};
use crate::kernel::step::{Cell, Input, Now, Places, Single, State, single, update};
use crate::simd::{Isa, Vector};
use crate::team::Member;

/// The part of the layer that a thread owns, and its buffers by name.
pub(super) struct Work<'a> {
    pub input: &'a mut [f32],
    pub recurrent: &'a mut [f32],
    pub between: &'a mut [f32],
    pub memory: &'a mut [f32],
    pub strides: Strides,
    pub groups: Range<usize>,
    pub first_unit: usize,
}

/// Bytes of weights that a core keeps in its L2 cache beside all else.
pub(super) const NEAR: usize = 3 << 19;

/// Whether weights of so many bytes come from afar.
#[inline(always)]
pub(super) fn ahead(bytes: usize) -> Ahead {
    if bytes > NEAR { Ahead::Yes } else { Ahead::No }
}

/// Copies a row; numbers so small that their products would be subnormal become zero.
#[inline(always)]
pub(super) fn stage<I: Isa>(isa: I, source: &[f32], target: &mut [f32]) {
    let negligible = isa.splat(NEGLIGIBLE);
    let whole = source.len() / I::LANES * I::LANES;
    for at in (0..whole).step_by(I::LANES) {
        isa.store(isa.load(&source[at..]).flush(negligible), &mut target[at..]);
    }
    if whole < source.len() {
        isa.store_part(isa.load_part(&source[whole..]).flush(negligible), &mut target[whole..source.len()]);
    }
}

/// The rows of one step within a chunk.
#[derive(Clone, Copy)]
pub(super) struct Chunk {
    /// The first of them.
    pub start: usize,
    /// Rows of the chunk.
    pub rows: usize,
    /// Rows of the step.
    pub running: usize,
    /// The order of the groups.
    pub sweep: Sweep,
}

/// One step of the groups that a thread owns.
#[inline(always)]
pub(super) fn advance<I: Isa, C: Cell<GATES>, const GATES: usize>(
    isa: I,
    cell: C,
    packed: &Packed,
    chunk: Chunk,
    hidden: &[f32],
    next: &mut [f32],
    work: &mut Work<'_>,
) {
    if let Kind::ResetBefore(options) = packed.kind {
        return reset_before::<I, C, GATES>(isa, cell, options, packed, chunk, hidden, next, work);
    }
    let division = &packed.division;
    let (count, far) = (work.groups.len(), ahead(packed.recurrent_bytes()));
    for index in 0..count {
        let group = work.groups.start + chunk.sweep.group(index, count);
        let blocks = division.blocks(group);
        let line = blocks.len() * GATES * I::LANES;
        let input = &work.input[work.sums::<I>(packed, &blocks, chunk)][..chunk.running * line];
        let target = if packed.projection.is_some() { &mut *work.between } else { &mut *next };
        let mut places = Places {
            hidden,
            next: target,
            hidden_stride: work.strides.hidden,
            memory: work.memory,
            memory_stride: work.strides.memory,
            first_unit: work.first_unit,
        };
        if chunk.running == 1 {
            let ahead = if far == Ahead::Yes { AHEAD_LINES } else { 0 };
            let step = Single { cell, division, recurrent: &packed.recurrent, chains: packed.chains, ahead };
            single::<I, C, GATES>(isa, step, group, Input::Sums(input), &mut places);
        } else {
            let sums = &mut work.recurrent[..chunk.running * line];
            let rows = Rows { data: hidden, stride: work.strides.hidden };
            let (panels, chains, count) = (&packed.recurrent, packed.chains, chunk.running);
            Product { panels, group, chains, bias: None, rows, count, ahead: far }.run(isa, sums);
            update::<I, C, GATES>(isa, cell, blocks, chunk.running, input, sums, &mut places);
        }
    }
    if let Some(projection) = &packed.projection {
        for group in 0..projection.division.groups() {
            let blocks = projection.division.blocks(group);
            let line = blocks.len() * I::LANES;
            let sums = &mut work.recurrent[..chunk.running * line];
            let rows = Rows { data: work.between, stride: work.strides.hidden };
            let (panels, chains, count) = (&projection.panels, projection.chains, chunk.running);
            Product { panels, group, chains, bias: None, rows, count, ahead: far }.run(isa, sums);
            for row in 0..chunk.running {
                let to = row * work.strides.hidden + blocks.start * I::LANES;
                stage(isa, &sums[row * line..][..line], &mut next[to..][..line]);
            }
        }
    }
}

/// Lines between a weight from afar and the one that is asked for when it is used.
const AHEAD_LINES: usize = 8;

/// One step of a GRU whose candidate hears r·h⁻: that must be known of all units before any candidate.
#[inline(always)]
#[allow(clippy::too_many_arguments, reason = "as `advance`, and the options")]
fn reset_before<I: Isa, C: Cell<GATES>, const GATES: usize>(
    isa: I,
    cell: C,
    options: GruOptions,
    packed: &Packed,
    chunk: Chunk,
    hidden: &[f32],
    next: &mut [f32],
    work: &mut Work<'_>,
) {
    let Some(candidate) = &packed.candidate else { return };
    let (stride, zero) = (work.strides.hidden, isa.splat(0.0));
    let far = ahead(packed.recurrent_bytes());
    for group in work.groups.clone() {
        let blocks = packed.division.blocks(group);
        let (line, width) = (blocks.len() * GATES * I::LANES, blocks.len() * 2 * I::LANES);
        let place = work.sums::<I>(packed, &blocks, chunk);
        let sums = &mut work.recurrent[..chunk.running * width];
        let rows = Rows { data: hidden, stride };
        let (panels, chains, count) = (&packed.recurrent, packed.chains, chunk.running);
        Product { panels, group, chains, bias: None, rows, count, ahead: far }.run(isa, sums);
        let input = &mut work.input[place][..chunk.running * line];
        for row in 0..chunk.running {
            for (index, block) in blocks.clone().enumerate() {
                let input = &mut input[row * line + index * GATES * I::LANES..][..GATES * I::LANES];
                let sums = &sums[row * width + index * 2 * I::LANES..][..2 * I::LANES];
                let unit = row * stride + block * I::LANES;
                let (r, z) = (isa.load(input) + isa.load(sums), &mut input[I::LANES..]);
                let finished = isa.load(z) + isa.load(&sums[I::LANES..]);
                isa.store(finished, z);
                let heard = reset_hidden(isa, options, r, isa.load(&hidden[unit..]));
                isa.store(heard, &mut work.between[unit..]);
            }
        }
    }
    for group in work.groups.clone() {
        let blocks = packed.division.blocks(group);
        let (line, width) = (blocks.len() * GATES * I::LANES, blocks.len() * I::LANES);
        let place = work.sums::<I>(packed, &blocks, chunk);
        let sums = &mut work.recurrent[..chunk.running * width];
        let rows = Rows { data: work.between, stride };
        let (chains, count) = (packed.chains, chunk.running);
        Product { panels: candidate, group, chains, bias: None, rows, count, ahead: far }.run(isa, sums);
        let input = &work.input[place][..chunk.running * line];
        for row in 0..chunk.running {
            for (index, block) in blocks.clone().enumerate() {
                let unit = row * stride + block * I::LANES;
                let (mut own, mut heard) = ([zero; GATES], [zero; GATES]);
                for gate in 1..GATES {
                    own[gate] = isa.load(&input[row * line + (index * GATES + gate) * I::LANES..]);
                }
                heard[GATES - 1] = isa.load(&sums[row * width + index * I::LANES..]);
                let old = isa.load(&hidden[unit..]);
                let (state, at) = (State { hidden: old, memory: old }, block * I::LANES);
                let now = Now { input: own, recurrent: heard, old: state, unit: at };
                let half = cell.begin(isa, now);
                isa.store(cell.end(isa, now, half.value), &mut next[unit..]);
            }
        }
    }
}

impl Work<'_> {
    /// Where the input sums of some blocks begin, for the rows of a step.
    #[inline(always)]
    fn sums<I: Isa>(&self, packed: &Packed, blocks: &Range<usize>, chunk: Chunk) -> RangeFrom<usize> {
        let register = packed.sizes.gates * I::LANES;
        let group = (blocks.start - self.first_unit / I::LANES) * register * chunk.rows;
        group + chunk.start * blocks.len() * register..
    }
}

/// Shows the others of a team this thread's part of h, and takes theirs.
#[inline(always)]
pub(super) fn exchange(
    member: &Member<'_>,
    side: usize,
    units: usize,
    rows: usize,
    next: &mut [f32],
    own: &Range<usize>,
    stride: usize,
) {
    for row in 0..rows {
        member.show(side, row * units + own.start, &next[row * stride..][own.clone()]);
    }
    member.meet();
    for row in 0..rows {
        let next = &mut next[row * stride..][..units];
        member.see(side, row * units, &mut next[..own.start]);
        member.see(side, row * units + own.end, &mut next[own.end..]);
    }
}
