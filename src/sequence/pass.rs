//! One pass: a layer in one direction, over some rows of a batch and some steps.
//!
//! Input sums `b + W·x` are computed for a chunk of steps at once, so that W is read once a chunk; then each step adds the
//! recurrent sums group by group and updates the group's units while their sums are in the nearest cache. Rows are sorted by
//! falling length, so that the rows still running are the first ones, and padding costs nothing.

use std::ops::Range;

use super::advance::{Chunk, Clocked, Staged, Steady, Step, Stepped, Work, exchange, stage};
use super::clockwork::Clockwork;
use super::layer::{Packed, Visit};
use super::share::{Of, Place, Share, Way};
use super::stream::Sweep;
use super::workspace::{CHUNK_STEPS, Strides, Workspace};
use crate::cell::learn::Learn;
use crate::kernel::product::Rows;
use crate::simd::Isa;
use crate::team::{Member, Target};

/// A pass and all it needs.
pub(crate) struct Pass<'a> {
    /// The layer.
    pub packed: &'a Packed,
    /// The direction.
    pub way: Way,
    /// The rows.
    pub share: Share<'a>,
    /// Which steps of them, counted from where the direction begins.
    pub steps: Range<usize>,
    /// The input.
    pub x: &'a [f32],
    /// Where its rows are.
    pub x_place: Place,
    /// h of the batch, before and after; rows of the width of h.
    pub hidden: Target<'a>,
    /// c likewise.
    pub memory: Target<'a>,
    /// Where every h goes.
    pub output: Option<(Target<'a>, Place)>,
    /// Where every c goes.
    pub cells: Option<(Target<'a>, Place)>,
    /// Every c of the layer below, for a cell that hears it.
    pub below: Option<(&'a [f32], Place)>,
    /// Steps that each sequence of the batch has made; empty for a model without a clock.
    pub made: &'a [usize],
    /// The thread's place in a team that shares the hidden units.
    pub member: Option<&'a Member<'a>>,
}

impl Pass<'_> {
    /// Runs it. Not generic, so that it is compiled here and not again in every crate that names a session type.
    pub fn run(self, work: &mut Workspace) {
        if !self.steps.is_empty() {
            let packed = self.packed;
            packed.kind.visit(packed.token, packed.unit_values(), Running { pass: self, work });
        }
    }
}

/// A pass with room to work.
struct Running<'a> {
    pass: Pass<'a>,
    work: &'a mut Workspace,
}

impl Visit for Running<'_> {
    #[inline(always)]
    fn steady<I: Isa, C: Learn<GATES, KEPT>, const GATES: usize, const KEPT: usize>(self, isa: I, cell: C) {
        self.by(isa, Steady::<C, GATES, true>(cell));
    }

    #[inline(always)]
    fn clockwork<I: Isa, C: Learn<1, 1>>(self, isa: I, cell: C) {
        self.by(isa, Clockwork(cell));
    }
}

impl Running<'_> {
    #[inline(always)]
    fn by<I: Isa, S: Stepped>(self, isa: I, stepped: S) {
        let Running { pass, work } = self;
        let Pass { packed, way, share, steps, x, x_place, output, cells, below, made, member, .. } = pass;
        let (h_target, c_target) = (pass.hidden, pass.memory);
        let (sizes, division) = (packed.sizes, &packed.division);
        let strides = Strides::new(packed, share.count);
        let groups = match member {
            None => 0..division.groups(),
            Some(member) => division.share(member.index, member.count),
        };
        let leader = member.is_none_or(|member| member.index == 0);
        let own = division.blocks_of(groups.clone());
        let own = own.start * I::LANES..(own.end * I::LANES).min(sizes.hidden);

        let Workspace { x: staged, input, recurrent, hidden, squashed, memory, below: c_below, starts, .. } = work;
        let Workspace { times, gathered, fired, .. } = work;
        let [hidden, next, between] = hidden;
        let staged: &mut [f32] = bytemuck::cast_slice_mut(staged);
        let mut hidden: &mut [f32] = bytemuck::cast_slice_mut(hidden);
        let mut next: &mut [f32] = bytemuck::cast_slice_mut(next);
        let c_below: &mut [f32] = bytemuck::cast_slice_mut(c_below);
        let mut work = Work {
            input: bytemuck::cast_slice_mut(input),
            recurrent: bytemuck::cast_slice_mut(recurrent),
            between: bytemuck::cast_slice_mut(between),
            squashed: bytemuck::cast_slice_mut(squashed),
            memory: bytemuck::cast_slice_mut(memory),
            clocked: Clocked { gathered: bytemuck::cast_slice_mut(gathered), fired },
            strides,
            groups,
            first_unit: own.start,
            kept: None,
        };

        let mut active = share.active(steps.start);
        for row in 0..active {
            let place = share.place(row);
            let h = &mut hidden[row * strides.hidden..][..strides.hidden];
            h[sizes.output..].fill(0.0);
            h_target.read(place * sizes.output, &mut h[..sizes.output]);
            if S::MEMORY {
                let c = &mut work.memory[row * strides.memory..][..strides.memory];
                c[own.len()..].fill(0.0);
                c_target.read(place * sizes.memory + own.start, &mut c[..own.len()]);
            }
        }
        let mut step = steps.start;
        while step < steps.end && active > 0 {
            // A chunk: as many steps as there is room for.
            let (first, mut count, mut rows) = (step, 0, 0);
            while first + count < steps.end && count < CHUNK_STEPS {
                let running = share.active(first + count);
                if running == 0 || rows + running > strides.chunk {
                    break;
                }
                starts[count] = rows;
                let together = share.order.is_none() && share.lengths.is_none() && x_place.row == strides.x;
                for row in 0..if together { 1 } else { running } {
                    let at = share.at(way, first + count, row);
                    // Rows that lie side by side, as they are wanted, are taken as one.
                    let width = if together { (running - 1) * strides.x + sizes.input } else { sizes.input };
                    let source = &x[x_place.at(&share, at, row)..][..width];
                    stage(isa, source, &mut staged[(rows + row) * strides.x..][..width]);
                }
                for row in 0..if S::CLOCK { running } else { 0 } {
                    times[rows + row] = made[share.place(row)] + share.at(way, first + count, row);
                }
                rows += running;
                count += 1;
            }
            let x = Rows { data: &*staged, stride: strides.x };
            let times = &times[..if S::CLOCK { rows } else { 0 }];
            stepped.prepare(isa, packed, Staged { x, rows, times }, &mut work);
            for start in &starts[..count] {
                let sweep = if step % 2 == 0 { Sweep::Forwards } else { Sweep::Backwards };
                let chunk = Chunk { start: *start, rows, running: active, sweep };
                if let Some((data, place)) = below.filter(|_| S::BELOW) {
                    for row in 0..active {
                        let source = &data[place.at(&share, share.at(way, step, row), row)..][..sizes.memory];
                        c_below[row * strides.memory..][..sizes.memory].copy_from_slice(source);
                    }
                }
                let times = if S::CLOCK { &times[*start..][..active] } else { &[][..] };
                let below = Rows { data: &*c_below, stride: strides.memory };
                stepped.advance(isa, packed, Step { chunk, times, below, hidden, next }, &mut work);
                if let Some(member) = member {
                    exchange(member, step % 2, sizes.hidden, active, next, &own, strides.hidden);
                }
                // What goes to the next layer, each member of a team writes in its own room.
                if let Some((target, place)) = &output
                    && (leader || place.of == Of::Share)
                {
                    for row in 0..active {
                        let at = share.at(way, step, row);
                        target.write(place.at(&share, at, row), &next[row * strides.hidden..][..sizes.output]);
                    }
                }
                if let Some((target, place)) = &cells {
                    for row in 0..active {
                        let at = share.at(way, step, row);
                        let c = &work.memory[row * strides.memory..][..own.len()];
                        target.write(place.at(&share, at, row) + own.start, c);
                    }
                }
                std::mem::swap(&mut hidden, &mut next);
                step += 1;
                // Rows that have ended, or all where this pass does: their state is final.
                let running = if step < steps.end { share.active(step) } else { 0 };
                for row in running..active {
                    let place = share.place(row);
                    if leader {
                        h_target.write(place * sizes.output, &hidden[row * strides.hidden..][..sizes.output]);
                    }
                    if S::MEMORY {
                        let c = &work.memory[row * strides.memory..][..own.len()];
                        c_target.write(place * sizes.memory + own.start, c);
                    }
                }
                active = running;
            }
        }
    }
}
