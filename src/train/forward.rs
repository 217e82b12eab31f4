//! The way there: as in a session, step by step, and what the way back needs is kept.

use super::pass::{Memory, Room, Tape, Trained, row_stride};
use super::steps::Steps;
use crate::cell::learn::Learn;
use crate::kernel::product::Rows;
use crate::sequence::advance::{Chunk, Clocked, Kept, Staged, Steady, Step, Stepped, Work, stage};
use crate::sequence::clockwork::Clockwork;
use crate::sequence::layer::Visit;
use crate::sequence::share::Way;
use crate::sequence::stream::Sweep;
use crate::sequence::workspace::Strides;
use crate::simd::Isa;

/// One pass over some sequences.
pub(crate) struct Forward<'a> {
    /// The layer and direction.
    pub trained: &'a Trained,
    /// The sequences.
    pub steps: &'a Steps,
    /// What to keep.
    pub keep: Memory,
    /// The input: rows of [`row_stride`], in the order of [`Steps`].
    pub x: &'a [f32],
    /// What is kept.
    pub tape: &'a mut Tape,
    /// What is kept of the layer below, for a cell that hears its c.
    pub below: Option<&'a Tape>,
    /// Every h goes here, in the order of [`Steps`].
    pub y: Columns<'a>,
    /// h before and after, sequences × the width of h.
    pub hidden: &'a mut [f32],
    /// c likewise, sequences × H; empty for a cell that has none.
    pub memory: &'a mut [f32],
    /// Room.
    pub room: &'a mut Room,
}

/// Some columns of rows.
pub(crate) struct Columns<'a> {
    /// The rows; empty if nobody wants them.
    pub data: &'a mut [f32],
    /// Values from one to the next.
    pub stride: usize,
    /// The first column.
    pub first: usize,
}

impl Forward<'_> {
    /// Runs it.
    pub fn run(self) {
        let packed = &self.trained.packed;
        packed.kind.visit(packed.token, packed.unit_values(), self);
    }
}

impl Visit for Forward<'_> {
    #[inline(always)]
    fn steady<I: Isa, C: Learn<GATES, KEPT>, const GATES: usize, const KEPT: usize>(self, isa: I, cell: C) {
        // Most sums are kept, and those go through memory.
        self.by(isa, Steady::<C, GATES, false>(cell));
    }

    #[inline(always)]
    fn clockwork<I: Isa, C: Learn<1, 1>>(self, isa: I, cell: C) {
        self.by(isa, Clockwork(cell));
    }
}

impl Forward<'_> {
    #[inline(always)]
    fn by<I: Isa, S: Stepped>(self, isa: I, stepped: S) {
        let Forward { trained, steps, keep, x, tape, below, y, hidden: h_target, memory: c_target, room } = self;
        let packed = &trained.packed;
        let (sizes, division, strides) = (packed.sizes, &packed.division, trained.strides());
        let sequences = steps.sequences();
        tape.reserve(trained, steps, keep);
        room.reserve(trained, sequences);

        let x_stride = row_stride(sizes.input);
        let own: &mut [f32] = bytemuck::cast_slice_mut(&mut tape.x);
        let x = match trained.way {
            Way::Forward => x,
            Way::Reverse => {
                for step in 0..steps.count() {
                    for row in 0..steps.active(step) {
                        let source = &x[steps.row(Way::Reverse, step, row) * x_stride..][..sizes.input];
                        own[(steps.start(step) + row) * x_stride..][..sizes.input].copy_from_slice(source);
                    }
                }
                &*own
            }
        };
        let sums: &mut [f32] = bytemuck::cast_slice_mut(&mut tape.sums);
        let hidden: &mut [f32] = bytemuck::cast_slice_mut(&mut tape.hidden);
        let memory: &mut [f32] = bytemuck::cast_slice_mut(&mut tape.memory);
        let other: &mut [f32] = bytemuck::cast_slice_mut(&mut tape.other);
        let squashed: &mut [f32] = bytemuck::cast_slice_mut(&mut tape.squashed);
        let c_below: &[f32] = below.map_or(&[], |below| bytemuck::cast_slice(&below.memory));
        let Room { times, gathered, fired, .. } = room;
        let gathered: &mut [f32] = bytemuck::cast_slice_mut(gathered);
        let input: &mut [f32] = bytemuck::cast_slice_mut(&mut room.input);
        let recurrent: &mut [f32] = bytemuck::cast_slice_mut(&mut room.recurrent);
        for row in 0..sequences {
            let (h, c) = (&mut hidden[row * strides.hidden..], &h_target[row * sizes.output..]);
            h[..strides.hidden].fill(0.0);
            h[..sizes.output].copy_from_slice(&c[..sizes.output]);
            if S::MEMORY {
                let c = &mut memory[row * strides.memory..][..strides.memory];
                c.fill(0.0);
                c[..sizes.memory].copy_from_slice(&c_target[row * sizes.memory..][..sizes.memory]);
            }
        }

        let (room_rows, most_steps) = Room::chunk(trained, sequences);
        let pass_strides = Strides::new(packed, sequences);
        let mut first = 0;
        while first < steps.count() {
            let begin = steps.start(first);
            let mut end = first + 1;
            while end < steps.count() && end - first < most_steps && steps.start(end + 1) - begin <= room_rows {
                end += 1;
            }
            let rows = steps.start(end) - begin;
            let x = Rows { data: &x[begin * x_stride..], stride: x_stride };
            for step in first..if S::CLOCK { end } else { first } {
                steps.times(trained.way, step, &mut times[steps.start(step) - begin..]);
            }
            let times = if S::CLOCK { &times[..rows] } else { &[][..] };
            let all = Work::of_all(input, recurrent, pass_strides, division);
            let mut work = Work { clocked: Clocked { gathered, fired }, ..all };
            stepped.prepare(isa, packed, Staged { x, rows, times }, &mut work);
            for step in first..end {
                let (start, running) = (steps.start(step), steps.active(step));
                let (before, next) = hidden.split_at_mut((start + running) * strides.hidden);
                let before = &mut before[start * strides.hidden..];
                let between = if other.is_empty() { &mut [][..] } else { &mut other[start * strides.hidden..] };
                let squashed = if squashed.is_empty() { &mut [][..] } else { &mut squashed[start * strides.hidden..] };
                // The new c stands behind all rows of the step before, or behind the initial ones.
                let memory = if S::MEMORY { memory_of(steps, memory, step, strides.memory) } else { &mut [][..] };
                let kept = (keep == Memory::Keep).then(|| Kept {
                    sums: &mut sums[start * strides.sums..],
                    stride: strides.sums,
                    padded: strides.padded,
                });
                let all = Work::of_all(input, recurrent, pass_strides, division);
                let clocked = Clocked { gathered, fired };
                let mut work = Work { between, squashed, memory, clocked, kept, ..all };
                let sweep = if step % 2 == 0 { Sweep::Forwards } else { Sweep::Backwards };
                let chunk = Chunk { start: start - begin, rows, running, sweep };
                let times = if S::CLOCK { &times[start - begin..][..running] } else { &[][..] };
                let below = if S::BELOW { &c_below[(sequences + start) * strides.memory..] } else { &[][..] };
                let below = Rows { data: below, stride: strides.memory };
                let now = Step { chunk, times, below, hidden: before, next: &mut *next };
                stepped.advance(isa, packed, now, &mut work);
                for row in 0..running {
                    let h = &next[row * strides.hidden..][..sizes.output];
                    if !y.data.is_empty() {
                        let at = steps.row(trained.way, step, row) * y.stride + y.first;
                        stage(isa, h, &mut y.data[at..][..sizes.output]);
                    }
                    if row >= steps.active(step + 1) {
                        h_target[row * sizes.output..][..sizes.output].copy_from_slice(h);
                        if S::MEMORY {
                            let c = &work.memory[row * strides.memory..][..sizes.memory];
                            c_target[row * sizes.memory..][..sizes.memory].copy_from_slice(c);
                        }
                    }
                }
            }
            first = end;
        }
    }
}

/// Copies the running rows of c to where the step's own are, and returns these.
#[inline(always)]
fn memory_of<'a>(steps: &Steps, memory: &'a mut [f32], step: usize, stride: usize) -> &'a mut [f32] {
    let own = (steps.sequences() + steps.start(step)) * stride;
    let (before, now) = memory.split_at_mut(own);
    let count = steps.active(step) * stride;
    now[..count].copy_from_slice(&before[old_memory(steps, step) * stride..][..count]);
    now
}

/// The row of c before a step's first row.
#[inline(always)]
pub(crate) fn old_memory(steps: &Steps, step: usize) -> usize {
    if step == 0 { 0 } else { steps.sequences() + steps.start(step - 1) }
}
