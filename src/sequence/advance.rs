//! One step of the units that a thread owns: recurrent sums group by group, each group updated at once.

use std::ops::{Range, RangeFrom};

use super::layer::Packed;
use super::stream::Sweep;
use super::workspace::Strides;
use crate::cell::gru::reset_hidden;
use crate::kernel::chains::Chains;
use crate::kernel::math::{NEGLIGIBLE, tanh_fraction};
use crate::kernel::pack::Division;
use crate::kernel::product::{Ahead, Product, Rows};
use crate::kernel::step::{Cell, Input, Now, Places, Single, State, Terms, single, update};
use crate::simd::{Isa, Vector};
use crate::team::Member;

/// The part of the layer that a thread owns, and its buffers by name.
pub(crate) struct Work<'a> {
    pub input: &'a mut [f32],
    pub recurrent: &'a mut [f32],
    pub between: &'a mut [f32],
    pub squashed: &'a mut [f32],
    pub memory: &'a mut [f32],
    pub clocked: Clocked<'a>,
    pub strides: Strides,
    pub groups: Range<usize>,
    pub first_unit: usize,
    /// What learning keeps of the step, if it does.
    pub kept: Option<Kept<'a>>,
}

/// What a cell that has a clock needs room for.
#[derive(Default)]
pub(crate) struct Clocked<'a> {
    /// Input rows that stand apart.
    pub gathered: &'a mut [f32],
    /// Of each module, rows of the chunk that it fires at, and how many of these are done.
    pub fired: &'a mut [[usize; 2]],
}

/// Where the sums of a step are kept, row by row: of each kept sum all units, padded.
pub(crate) struct Kept<'a> {
    /// Begins with the step's first row.
    pub sums: &'a mut [f32],
    /// Values from one row to the next.
    pub stride: usize,
    /// Values from one sum of a row to the next.
    pub padded: usize,
}

impl Kept<'_> {
    /// Keeps the sums of a group's units.
    #[inline(always)]
    pub fn keep<I: Isa, C: Cell<GATES>, const GATES: usize>(
        &mut self,
        isa: I,
        blocks: &Range<usize>,
        rows: usize,
        input: &[f32],
        recurrent: &[f32],
    ) {
        let line = blocks.len() * GATES * I::LANES;
        for row in 0..rows {
            for index in 0..blocks.len() {
                let unit = (blocks.start + index) * I::LANES;
                for (place, keep) in C::KEEP.iter().enumerate() {
                    let at = row * line + (index * GATES + keep.gate) * I::LANES;
                    let sum = match keep.terms {
                        Terms::Both => isa.load(&input[at..]) + isa.load(&recurrent[at..]),
                        Terms::Input => isa.load(&input[at..]),
                        Terms::Recurrent => isa.load(&recurrent[at..]),
                    };
                    isa.store(sum, &mut self.sums[row * self.stride + place * self.padded + unit..]);
                }
            }
        }
    }
}

/// Copies a row; numbers so small that their products would be subnormal become zero.
#[inline(always)]
pub(crate) fn stage<I: Isa>(isa: I, source: &[f32], target: &mut [f32]) {
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
pub(crate) struct Chunk {
    /// The first of them.
    pub start: usize,
    /// Rows of the chunk.
    pub rows: usize,
    /// Rows of the step.
    pub running: usize,
    /// The order of the groups.
    pub sweep: Sweep,
}

/// The rows of a chunk of steps.
#[derive(Clone, Copy)]
pub(crate) struct Staged<'a> {
    /// x.
    pub x: Rows<'a>,
    /// How many.
    pub rows: usize,
    /// Each one's step in its own sequence; of a cell that has a clock.
    pub times: &'a [usize],
}

/// One step: what it reads, and where h goes.
pub(crate) struct Step<'a> {
    /// The rows.
    pub chunk: Chunk,
    /// Each row's step in its own sequence; of a cell that has a clock.
    pub times: &'a [usize],
    /// c of the layer below; of a cell that hears it.
    pub below: Rows<'a>,
    /// h⁻.
    pub hidden: &'a [f32],
    /// Becomes h.
    pub next: &'a mut [f32],
}

/// How a pass goes through its steps.
pub(crate) trait Stepped: Copy {
    /// Whether there is a memory beside the hidden state.
    const MEMORY: bool;
    /// Whether it hears the memory of the layer below.
    const BELOW: bool;
    /// Whether it asks which step of its sequence a row is at.
    const CLOCK: bool;

    /// Computes what needs no state, for the rows of a chunk of steps. Implementations are `#[inline(always)]`.
    fn prepare<I: Isa>(self, isa: I, packed: &Packed, staged: Staged<'_>, work: &mut Work<'_>);

    /// Advances the units that a thread owns by one step. Implementations are `#[inline(always)]`.
    fn advance<I: Isa>(self, isa: I, packed: &Packed, step: Step<'_>, work: &mut Work<'_>);
}

/// A cell all of whose gates are summed at every step. A row alone keeps its sums in registers where `ALONE` says so: that is
/// code of its own, much of it.
#[derive(Clone, Copy)]
pub(crate) struct Steady<C, const GATES: usize, const ALONE: bool>(pub C);

impl<C: Cell<GATES>, const GATES: usize, const ALONE: bool> Stepped for Steady<C, GATES, ALONE> {
    const MEMORY: bool = C::MEMORY;
    const BELOW: bool = C::BELOW;
    const CLOCK: bool = false;

    #[inline(always)]
    fn prepare<I: Isa>(self, isa: I, packed: &Packed, Staged { x, rows, .. }: Staged<'_>, work: &mut Work<'_>) {
        for group in work.groups.clone() {
            let blocks = packed.division.blocks(group);
            let start = (blocks.start - work.first_unit / I::LANES) * GATES * I::LANES * rows;
            let sums = &mut work.input[start..][..blocks.len() * GATES * I::LANES * rows];
            let bias = &packed.bias()[blocks.start * GATES * I::LANES..][..blocks.len() * GATES * I::LANES];
            let product = Product {
                panels: &packed.input,
                group,
                chains: Chains::InOrder,
                bias: Some(bias),
                rows: x,
                count: rows,
                ahead: Ahead::of(packed.input.bytes()),
            };
            product.run(isa, sums);
        }
    }

    #[inline(always)]
    fn advance<I: Isa>(self, isa: I, packed: &Packed, step: Step<'_>, work: &mut Work<'_>) {
        advance::<I, C, GATES, ALONE>(isa, self.0, packed, step, work);
    }
}

/// One step of the groups that a thread owns.
#[inline(always)]
fn advance<I: Isa, C: Cell<GATES>, const GATES: usize, const ALONE: bool>(
    isa: I,
    cell: C,
    packed: &Packed,
    step: Step<'_>,
    work: &mut Work<'_>,
) {
    if C::RESETS {
        return reset_before::<I, C, GATES>(isa, cell, packed, step, work);
    }
    let Step { chunk, below, hidden, next, .. } = step;
    let division = &packed.division;
    let (count, far) = (work.groups.len(), Ahead::of(packed.recurrent_bytes()));
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
            below,
            first_unit: work.first_unit,
        };
        if ALONE && chunk.running == 1 && !C::BELOW && work.kept.is_none() {
            let ahead = if far == Ahead::Yes { AHEAD_LINES } else { 0 };
            let step = Single { cell, division, recurrent: &packed.recurrent, chains: packed.chains, ahead };
            single::<I, C, GATES>(isa, step, group, Input::Sums(input), &mut places);
        } else {
            let sums = &mut work.recurrent[..chunk.running * line];
            let rows = Rows { data: hidden, stride: work.strides.hidden };
            let (panels, chains, count) = (&packed.recurrent, packed.chains, chunk.running);
            Product { panels, group, chains, bias: None, rows, count, ahead: far }.run(isa, sums);
            if let Some(kept) = &mut work.kept {
                kept.keep::<I, C, GATES>(isa, &blocks, count, input, sums);
            }
            update::<I, C, GATES>(isa, cell, blocks, count, input, sums, &mut places);
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

/// One step of a cell r z n whose candidate hears r·h⁻: that must be known of all units before any candidate.
#[inline(always)]
fn reset_before<I: Isa, C: Cell<GATES>, const GATES: usize>(
    isa: I,
    cell: C,
    packed: &Packed,
    step: Step<'_>,
    work: &mut Work<'_>,
) {
    let (Some(candidate), Some(options)) = (&packed.candidate, packed.reset()) else { return };
    let Step { chunk, hidden, next, .. } = step;
    let (stride, zero) = (work.strides.hidden, isa.splat(0.0));
    let far = Ahead::of(packed.recurrent_bytes());
    if packed.squashed.is_some() {
        squash(isa, [chunk.running, packed.division.padded(), stride], hidden, work.squashed);
    }
    for group in work.groups.clone() {
        let blocks = packed.division.blocks(group);
        // z hears h⁻, something else, or nothing.
        let heard = packed.heard.len();
        let (line, width) = (blocks.len() * GATES * I::LANES, blocks.len() * heard * I::LANES);
        let place = work.sums::<I>(packed, &blocks, chunk);
        let sums = &mut work.recurrent[..chunk.running * width];
        let rows = Rows { data: hidden, stride };
        let (panels, chains, count) = (&packed.recurrent, packed.chains, chunk.running);
        Product { panels, group, chains, bias: None, rows, count, ahead: far }.run(isa, sums);
        let input = &mut work.input[place][..chunk.running * line];
        if let Some(panels) = &packed.squashed {
            let (width, rows) = (blocks.len() * I::LANES, Rows { data: work.squashed, stride });
            let sums = &mut work.recurrent[chunk.running * width..][..chunk.running * width];
            Product { panels, group, chains, bias: None, rows, count, ahead: far }.run(isa, sums);
            for at in 0..chunk.running * blocks.len() {
                let z = &mut input[(at * GATES + 1) * I::LANES..];
                isa.store(isa.load(z) + isa.load(&sums[at * I::LANES..]), z);
            }
        }
        let sums = &work.recurrent[..chunk.running * width];
        for row in 0..chunk.running {
            for (index, block) in blocks.clone().enumerate() {
                let input = &mut input[row * line + index * GATES * I::LANES..][..GATES * I::LANES];
                let sums = &sums[row * width + index * heard * I::LANES..][..heard * I::LANES];
                let unit = row * stride + block * I::LANES;
                let r = isa.load(input) + isa.load(sums);
                if heard == 2 {
                    let z = &mut input[I::LANES..];
                    isa.store(isa.load(z) + isa.load(&sums[I::LANES..]), z);
                }
                if work.kept.is_some() {
                    isa.store(r, input);
                }
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
                // r is no longer needed, unless it is kept.
                for gate in usize::from(work.kept.is_none())..GATES {
                    own[gate] = isa.load(&input[row * line + (index * GATES + gate) * I::LANES..]);
                }
                heard[GATES - 1] = isa.load(&sums[row * width + index * I::LANES..]);
                if let Some(kept) = &mut work.kept {
                    for (place, keep) in C::KEEP.iter().enumerate() {
                        let sum = match keep.terms {
                            Terms::Both if keep.gate + 1 == GATES => own[keep.gate] + heard[keep.gate],
                            Terms::Both | Terms::Input => own[keep.gate],
                            Terms::Recurrent => heard[keep.gate],
                        };
                        isa.store(sum, &mut kept.sums[row * kept.stride + place * kept.padded + block * I::LANES..]);
                    }
                }
                let old = isa.load(&hidden[unit..]);
                let (state, at) = (State { hidden: old, memory: old }, block * I::LANES);
                let now = Now { input: own, recurrent: heard, old: state, below: zero, unit: at };
                let half = cell.begin(isa, now);
                isa.store(cell.end(isa, now, half.value), &mut next[unit..]);
            }
        }
    }
}

/// tanh(h⁻) of some rows.
#[inline(always)]
fn squash<I: Isa>(isa: I, [rows, width, stride]: [usize; 3], hidden: &[f32], target: &mut [f32]) {
    for row in 0..rows {
        for at in (row * stride..row * stride + width).step_by(I::LANES) {
            let tanh = tanh_fraction(isa, isa.load(&hidden[at..]));
            isa.store(tanh.numerator / tanh.denominator, &mut target[at..]);
        }
    }
}

impl<'a> Work<'a> {
    /// All units of a layer, with room for sums and nothing else yet.
    #[inline(always)]
    pub fn of_all(input: &'a mut [f32], recurrent: &'a mut [f32], strides: Strides, division: &Division) -> Self {
        let groups = 0..division.groups();
        let (between, squashed, memory) = (&mut [][..], &mut [][..], &mut [][..]);
        let clocked = Clocked::default();
        Work { input, recurrent, between, squashed, memory, clocked, strides, groups, first_unit: 0, kept: None }
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
