//! A step of a clockwork RNN: the modules that fire are computed, each by products of its own; what does not fire is copied.

use std::ops::Range;

use wide::f32x16;

use super::advance::{Clocked, Staged, Step, Stepped, Work};
use super::layer::{Packed, aligned};
use crate::cell::clockwork::{ClockworkModule, same_step};
use crate::cell::rnn::GATES;
use crate::kernel::chains::Chains;
use crate::kernel::pack::{Division, Panels};
use crate::kernel::product::{Ahead, Product, Rows};
use crate::kernel::step::{Cell, Now, State};
use crate::simd::Isa;
use crate::weights::ClockworkWeights;

/// The modules of a layer, packed.
#[derive(Clone)]
pub(crate) struct Clock {
    /// Periods rising.
    pub modules: Vec<Module>,
    /// What the first step of a sequence counts as.
    first_t: usize,
}

/// A module's own weights.
#[derive(Clone)]
pub(crate) struct Module {
    /// Its period.
    module: ClockworkModule,
    /// Its units among the layer's. It hears h⁻ of these and of all behind them.
    pub units: Range<usize>,
    /// Its units alone.
    pub division: Division,
    /// Units, padded, of the modules before it.
    before: usize,
    input: Panels,
    recurrent: Panels,
    bias: Vec<f32x16>,
}

impl Clock {
    /// Packs each module's rows of W, b and the part of R that it hears.
    pub fn pack(weights: &ClockworkWeights, lanes: usize) -> Self {
        let (input, hidden) = (weights.input_size(), weights.hidden_size());
        let (mut start, mut before) = (0, 0);
        let modules = weights.modules().iter().map(|module| {
            let units = start..start + module.units;
            start = units.end;
            let division = Division::new(module.units, lanes);
            let rows = weights.weight_hh()[units.start * hidden..units.end * hidden].chunks_exact(hidden);
            let heard: Vec<f32> = rows.flat_map(|row| &row[units.start..]).copied().collect();
            let mut bias = vec![0.0; division.padded()];
            let first = before;
            before += division.padded();
            bias[..module.units].copy_from_slice(&weights.bias()[units.clone()]);
            Module {
                module: *module,
                before: first,
                input: Panels::pack(
                    &division,
                    &[0],
                    input,
                    &weights.weight_ih()[units.start * input..units.end * input],
                ),
                recurrent: Panels::pack(&division, &[0], hidden - units.start, &heard),
                bias: aligned(&bias),
                division,
                units,
            }
        });
        Clock { modules: modules.collect(), first_t: weights.first_t() }
    }

    /// Bytes of packed weights.
    pub fn bytes(&self) -> usize {
        let parts = self.modules.iter().map(|m| m.input.bytes() + m.recurrent.bytes() + size_of_val(&m.bias[..]));
        parts.sum()
    }

    /// Units with the padding of each module.
    pub fn padded(&self) -> usize {
        self.modules.iter().map(|module| module.division.padded()).sum()
    }

    /// Operations of the products for one row and step, on average.
    pub fn flops(&self) -> usize {
        let of = |m: &Module| 2 * m.units.len() * (m.input.depth() + m.recurrent.depth()) / m.module.period;
        self.modules.iter().map(of).sum()
    }

    /// Every module with every range of rows that are at the same step.
    pub fn turns<'a>(&'a self, steps: &'a [usize]) -> impl Iterator<Item = Turn<'a>> {
        same_step(steps).flat_map(move |(rows, step)| {
            self.modules.iter().enumerate().map(move |(index, module)| {
                let fires = if module.module.fires(step, self.first_t) { Fires::Now } else { Fires::Not };
                Turn { index, module, rows: rows.clone(), fires }
            })
        })
    }
}

/// Rows of a step that are worth a product of their own.
const RUN: usize = 8;

/// A module, and rows that are at the same step.
pub(crate) struct Turn<'a> {
    /// The module's place.
    pub index: usize,
    pub module: &'a Module,
    pub rows: Range<usize>,
    /// Whether it is computed there.
    pub fires: Fires,
}

/// Whether a module is computed at a step.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fires {
    /// It is.
    Now,
    /// Its units keep their state.
    Not,
}

impl Module {
    /// `b + W·x` for the rows of a chunk at which the module fires, and their number. Each group's sums stand behind those of
    /// the group before, rows × line.
    #[inline(always)]
    fn prepare<I: Isa>(
        &self,
        isa: I,
        first_t: usize,
        staged: Staged<'_>,
        gathered: &mut [f32],
        sums: &mut [f32],
    ) -> usize {
        let Staged { x, rows, times } = staged;
        if self.module.period == 1 {
            self.prepare_rows(isa, x, [0, rows, rows], sums);
            return rows;
        }
        let (mut total, mut steps) = (0, 0);
        for (rows, time) in same_step(times) {
            if self.module.fires(time, first_t) {
                (total, steps) = (total + rows.len(), steps + 1);
            }
        }
        // Many rows of a step are taken where they are, few of many steps side by side.
        let (apart, width, mut done) = (total < steps * RUN, self.input.depth(), 0);
        for (rows, time) in same_step(times) {
            if !self.module.fires(time, first_t) {
                continue;
            }
            let count = rows.len();
            if apart {
                for (row, target) in rows.zip(gathered[done * x.stride..].chunks_mut(x.stride.max(1))) {
                    target[..width].copy_from_slice(&x.data[row * x.stride..][..width]);
                }
            } else {
                let x = Rows { data: &x.data[rows.start * x.stride..], ..x };
                self.prepare_rows(isa, x, [done, count, total], sums);
            }
            done += count;
        }
        if apart {
            self.prepare_rows(isa, Rows { data: gathered, ..x }, [0, total, total], sums);
        }
        total
    }

    /// The same for `count` of the `total` rows, from `done` on.
    #[inline(always)]
    fn prepare_rows<I: Isa>(&self, isa: I, x: Rows<'_>, [done, count, total]: [usize; 3], sums: &mut [f32]) {
        for group in 0..self.division.groups() {
            let blocks = self.division.blocks(group);
            let at = (blocks.start * total + blocks.len() * done) * I::LANES;
            self.input_sums(isa, group, x, count, &mut sums[at..]);
        }
    }

    /// `b + W·x` of one group for some rows, rows × line.
    #[inline(always)]
    pub fn input_sums<I: Isa>(&self, isa: I, group: usize, x: Rows<'_>, count: usize, sums: &mut [f32]) {
        let blocks = self.division.blocks(group);
        let bias: &[f32] = bytemuck::cast_slice(&self.bias);
        let product = Product {
            panels: &self.input,
            group,
            chains: Chains::InOrder,
            bias: Some(&bias[blocks.start * I::LANES..blocks.end * I::LANES]),
            rows: x,
            count,
            ahead: Ahead::of(self.input.bytes()),
        };
        product.run(isa, &mut sums[..count * blocks.len() * I::LANES]);
    }

    /// `R·h⁻` likewise.
    #[inline(always)]
    pub fn recurrent_sums<I: Isa>(&self, isa: I, group: usize, hidden: Rows<'_>, count: usize, sums: &mut [f32]) {
        let product = Product {
            panels: &self.recurrent,
            group,
            chains: Chains::InOrder,
            bias: None,
            rows: Rows { data: &hidden.data[self.units.start..], stride: hidden.stride },
            count,
            ahead: Ahead::of(self.recurrent.bytes()),
        };
        product.run(isa, &mut sums[..count * self.division.blocks(group).len() * I::LANES]);
    }

    /// A register of the group that begins with block `first`.
    #[inline(always)]
    pub fn register(&self, first: usize, index: usize) -> Register {
        let unit = self.units.start + (first + index) * self.division.lanes;
        let units = (self.units.end - unit).min(self.division.lanes);
        Register { at: index * self.division.lanes, unit, units }
    }
}

/// Some of a module's units.
#[derive(Clone, Copy)]
pub(crate) struct Register {
    /// Where they are in a row of a group's sums.
    pub at: usize,
    /// The first one, among the layer's.
    pub unit: usize,
    /// How many: what stands behind them is another module's.
    pub units: usize,
}

/// Loads the first `count` lanes, zeros into the others.
#[inline(always)]
pub(crate) fn load_units<I: Isa>(isa: I, source: &[f32], count: usize) -> I::Vector {
    if count == I::LANES { isa.load(source) } else { isa.load_part(&source[..count]) }
}

/// Stores the first `count` lanes: the next ones are another module's.
#[inline(always)]
pub(crate) fn store_units<I: Isa>(isa: I, values: I::Vector, target: &mut [f32], count: usize) {
    if count == I::LANES {
        isa.store(values, target);
    } else {
        isa.store_part(values, &mut target[..count]);
    }
}

/// A simple RNN's update at the pace of its modules.
#[derive(Clone, Copy)]
pub(crate) struct Clockwork<C>(pub C);

impl<C: Cell<GATES>> Stepped for Clockwork<C> {
    const MEMORY: bool = false;
    const BELOW: bool = false;
    const CLOCK: bool = true;

    /// The input sums of the rows at which a module fires, module by module.
    #[inline(always)]
    fn prepare<I: Isa>(self, isa: I, packed: &Packed, staged: Staged<'_>, work: &mut Work<'_>) {
        let Some(clock) = &packed.clock else { return };
        for (index, module) in clock.modules.iter().enumerate() {
            let Clocked { gathered, fired } = &mut work.clocked;
            let sums = &mut work.input[module.before * staged.rows..];
            fired[index] = [module.prepare(isa, clock.first_t, staged, gathered, sums), 0];
        }
    }

    #[inline(always)]
    fn advance<I: Isa>(self, isa: I, packed: &Packed, step: Step<'_>, work: &mut Work<'_>) {
        let (Some(clock), stride, zero) = (&packed.clock, work.strides.hidden, isa.splat(0.0)) else { return };
        let Step { chunk, times, hidden, next, .. } = step;
        for (rows, time) in same_step(times) {
            for place in 0..clock.modules.len() {
                let index = chunk.sweep.group(place, clock.modules.len());
                let module = &clock.modules[index];
                if !module.module.fires(time, clock.first_t) {
                    for row in rows.clone() {
                        let at = row * stride + module.units.start..row * stride + module.units.end;
                        next[at.clone()].copy_from_slice(&hidden[at]);
                    }
                    continue;
                }
                let [count, done] = work.clocked.fired[index];
                work.clocked.fired[index][1] += rows.len();
                let heard = Rows { data: &hidden[rows.start * stride..], stride };
                for place in 0..module.division.groups() {
                    let group = chunk.sweep.group(place, module.division.groups());
                    let blocks = module.division.blocks(group);
                    let line = blocks.len() * I::LANES;
                    module.recurrent_sums(isa, group, heard, rows.len(), work.recurrent);
                    let input =
                        &work.input[module.before * chunk.rows + blocks.start * I::LANES * count + done * line..];
                    // Indices, as in every kernel.
                    for index in 0..rows.len() {
                        for block in 0..blocks.len() {
                            let Register { at, unit, units } = module.register(blocks.start, block);
                            let (at, row) = (index * line + at, rows.start + index);
                            let (input, recurrent) = (isa.load(&input[at..]), isa.load(&work.recurrent[at..]));
                            if let Some(kept) = &mut work.kept {
                                store_units(isa, input + recurrent, &mut kept.sums[row * kept.stride + unit..], units);
                            }
                            let old = State { hidden: zero, memory: zero };
                            let now = Now { input: [input], recurrent: [recurrent], old, below: zero, unit };
                            let half = self.0.begin(isa, now);
                            store_units(isa, self.0.end(isa, now, half.value), &mut next[row * stride + unit..], units);
                        }
                    }
                }
            }
        }
    }
}
