//! The way back through a clockwork RNN: only what fired is gone back through, module by module.

use super::backward::{Backward, add_outputs, add_row, group_product};
use super::pass::{Memory, row_stride};
use crate::cell::learn::{Back, Learn, Then};
use crate::kernel::math::NEGLIGIBLE;
use crate::kernel::product::Rows;
use crate::kernel::step::State;
use crate::sequence::clockwork::{Fires, Register, Turn, load_units, store_units};
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
            for Turn { module, rows, fires, .. } in clock.turns(times) {
                for row in rows {
                    for block in 0..module.division.padded() / I::LANES {
                        let Register { unit, units, .. } = module.register(0, block);
                        let sum = &mut sums[row * strides.sums + unit..];
                        let d = &mut d_hidden[row * strides.hidden + unit..];
                        if fires == Fires::Not {
                            store_units(isa, zero, sum, units);
                            continue;
                        }
                        let (kept, d_hidden) = ([load_units(isa, sum, units)], load_units(isa, d, units));
                        let old = State { hidden: zero, memory: zero };
                        let then = Then { kept, old, memory: zero, below: zero, d_hidden, d_memory: zero, unit };
                        let back: Back<I::Vector, 1> = cell.back(isa, then);
                        store_units(isa, back.sums[0].flush(negligible), sum, units);
                        store_units(isa, zero, d, units);
                    }
                }
            }
            // Each module's sums are gone back through before its units, and others, hear of it.
            for Turn { index, module, rows, .. } in clock.turns(times).filter(|turn| turn.fires == Fires::Now) {
                let (by, from) = (&trained.modules[index], &sums[rows.start * strides.sums + module.units.start..]);
                let from = Rows { data: from, stride: strides.sums };
                for group in 0..by.division.groups() {
                    let (line, columns) = group_product(isa, by, group, from, rows.len(), recurrent);
                    for (sums, row) in recurrent.chunks_exact(line).zip(rows.clone()) {
                        let first = row * strides.hidden + module.units.start + columns.start;
                        add_row(isa, &sums[..columns.len()], &mut d_hidden[first..]);
                    }
                }
            }
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
            for Turn { module, rows, .. } in clock.turns(times).filter(|turn| turn.fires == Fires::Now) {
                let (first, count) = (start + rows.start, rows.len());
                let x = Rows { data: &x[first * x_stride..], stride: x_stride };
                let heard = Rows { data: &hidden[first * strides.hidden..], stride: strides.hidden };
                for group in 0..module.division.groups() {
                    module.input_sums(isa, group, x, count, input);
                    module.recurrent_sums(isa, group, heard, count, recurrent);
                    let blocks = module.division.blocks(group);
                    for row in 0..count {
                        for block in 0..blocks.len() {
                            let Register { at, unit, units } = module.register(blocks.start, block);
                            let at = row * blocks.len() * I::LANES + at;
                            let sum = isa.load(&input[at..]) + isa.load(&recurrent[at..]);
                            store_units(isa, sum, &mut sums[(first - base + row) * strides.sums + unit..], units);
                        }
                    }
                }
            }
        }
    }
}
