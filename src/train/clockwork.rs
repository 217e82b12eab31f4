//! The way back through a clockwork RNN: only what fired is gone back through, module by module.

use super::backward::{Backward, add_outputs, add_row, group_product};
use super::pass::{Memory, row_stride};
use crate::cell::learn::{Back, Learn, Then};
use crate::kernel::math::NEGLIGIBLE;
use crate::kernel::product::Rows;
use crate::kernel::step::State;
use crate::sequence::clockwork::{Fires, store_units};
use crate::sequence::share::Way;
use crate::simd::{Isa, Vector};

impl Backward<'_> {
    /// Goes back through a stretch. The gradient of a state that was kept stays what it is; that of one that was computed
    /// becomes `dz`, and goes on through the part of R that the module hears.
    #[inline(always)]
    pub(super) fn by_clock<I: Isa, C: Learn<1, 1>>(mut self, isa: I, cell: C) {
        if self.keep == Memory::Recompute {
            self.recompute_fired(isa);
        }
        let base = self.base();
        let Backward { trained, steps, range, tape, d_y, d_y_place, room, .. } = &mut self;
        let (strides, negligible, zero) = (trained.strides(), isa.splat(NEGLIGIBLE), isa.splat(0.0));
        let Some(clock) = &trained.packed.clock else { return };
        let sums: &mut [f32] = bytemuck::cast_slice_mut(&mut tape.sums);
        let d_hidden: &mut [f32] = bytemuck::cast_slice_mut(&mut room.hidden);
        let recurrent: &mut [f32] = bytemuck::cast_slice_mut(&mut room.recurrent);
        for step in range.clone().rev() {
            add_outputs(isa, trained, steps, step, (d_y, *d_y_place), d_hidden);
            let times = steps.times(trained.way, step, &mut room.times);
            let sums = &mut sums[(steps.start(step) - base) * strides.sums..];
            clock.each(
                times,
                #[inline(always)]
                |(_, module), rows, fires| {
                    for row in rows {
                        for group in 0..module.division.groups() {
                            module.registers::<I>(
                                group,
                                #[inline(always)]
                                |_, unit, units| {
                                    let sum = &mut sums[row * strides.sums + unit..][..units];
                                    let d = &mut d_hidden[row * strides.hidden + unit..][..units];
                                    if fires == Fires::Not {
                                        sum.fill(0.0);
                                        return;
                                    }
                                    let (kept, d_hidden) = ([isa.load_part(sum)], isa.load_part(d));
                                    let old = State { hidden: zero, memory: zero };
                                    let (memory, below, d_memory) = (zero, zero, zero);
                                    let back: Back<I::Vector, 1> =
                                        cell.back(isa, Then { kept, old, memory, below, d_hidden, d_memory, unit });
                                    store_units(isa, back.sums[0].flush(negligible), sum, units);
                                    d.fill(0.0);
                                },
                            );
                        }
                    }
                },
            );
            // Each module's sums are gone back through before its units, and others, hear of it.
            clock.each(
                times,
                #[inline(always)]
                |(index, module), rows, fires| {
                    if fires == Fires::Not {
                        return;
                    }
                    let (by, count) = (&trained.modules[index], rows.len());
                    let from = &sums[rows.start * strides.sums + module.units.start..];
                    for group in 0..by.division.groups() {
                        let from = Rows { data: from, stride: strides.sums };
                        let (line, columns) = group_product(isa, by, group, from, count, recurrent);
                        for (sums, row) in recurrent.chunks_exact(line).zip(rows.clone()) {
                            let first = row * strides.hidden + module.units.start + columns.start;
                            add_row(isa, &sums[..columns.len()], &mut d_hidden[first..]);
                        }
                    }
                },
            );
        }
        self.input_gradients(isa);
    }

    /// Computes the kept sums of what fired in the range again, by the same products.
    #[inline(always)]
    fn recompute_fired<I: Isa>(&mut self, isa: I) {
        let base = self.base();
        let Backward { trained, steps, range, x, tape, room, .. } = self;
        let (strides, x_stride) = (trained.strides(), row_stride(trained.packed.sizes.input));
        let Some(clock) = &trained.packed.clock else { return };
        let x = if trained.way == Way::Reverse { bytemuck::cast_slice(&tape.x) } else { *x };
        let hidden: &[f32] = bytemuck::cast_slice(&tape.hidden);
        let sums: &mut [f32] = bytemuck::cast_slice_mut(&mut tape.sums);
        let input: &mut [f32] = bytemuck::cast_slice_mut(&mut room.input);
        let recurrent: &mut [f32] = bytemuck::cast_slice_mut(&mut room.recurrent);
        for step in range.clone() {
            let (start, times) = (steps.start(step), steps.times(trained.way, step, &mut room.times));
            clock.each(
                times,
                #[inline(always)]
                |(_, module), rows, fires| {
                    if fires == Fires::Not {
                        return;
                    }
                    let (first, count) = (start + rows.start, rows.len());
                    let x = Rows { data: &x[first * x_stride..], stride: x_stride };
                    let heard = Rows { data: &hidden[first * strides.hidden..], stride: strides.hidden };
                    for group in 0..module.division.groups() {
                        module.sums(isa, group, [x, heard], count, [&mut *input, &mut *recurrent]);
                        let line = module.division.blocks(group).len() * I::LANES;
                        for row in 0..count {
                            module.registers::<I>(
                                group,
                                #[inline(always)]
                                |at, unit, units| {
                                    let at = row * line + at;
                                    let sum = isa.load(&input[at..]) + isa.load(&recurrent[at..]);
                                    store_units(
                                        isa,
                                        sum,
                                        &mut sums[(first - base + row) * strides.sums + unit..],
                                        units,
                                    );
                                },
                            );
                        }
                    }
                },
            );
        }
    }
}
