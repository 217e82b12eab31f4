//! A step of a clockwork RNN: the modules that fire are computed, each by products of its own; what does not fire is copied.

use std::ops::Range;

use wide::f32x16;

use super::advance::{Step, Stepped, Work, ahead};
use super::layer::{Packed, aligned};
use crate::cell::clockwork::{ClockworkModule, same_step};
use crate::cell::rnn::GATES;
use crate::kernel::pack::{Division, Panels};
use crate::kernel::product::{Ahead, Chains, Product, Rows};
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
    input: Panels,
    recurrent: Panels,
    bias: Vec<f32x16>,
}

impl Clock {
    /// Packs each module's rows of W, b and the part of R that it hears.
    pub fn pack(weights: &ClockworkWeights, lanes: usize) -> Self {
        let (input, hidden) = (weights.input_size(), weights.hidden_size());
        let mut start = 0;
        let modules = weights.modules().iter().map(|module| {
            let units = start..start + module.units;
            start = units.end;
            let division = Division::new(module.units, lanes);
            let rows = weights.weight_hh()[units.start * hidden..units.end * hidden].chunks_exact(hidden);
            let heard: Vec<f32> = rows.flat_map(|row| &row[units.start..]).copied().collect();
            let mut bias = vec![0.0; division.padded()];
            bias[..module.units].copy_from_slice(&weights.bias()[units.clone()]);
            Module {
                module: *module,
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
    /// The sums of one group for some rows, over x and over h⁻, each rows × line.
    #[inline(always)]
    pub fn sums<I: Isa>(&self, isa: I, group: usize, over: [Rows<'_>; 2], count: usize, sums: [&mut [f32]; 2]) {
        let [x, hidden] = over;
        let [input, recurrent] = sums;
        let blocks = self.division.blocks(group);
        let bias: &[f32] = bytemuck::cast_slice(&self.bias);
        let product = Product {
            panels: &self.input,
            group,
            chains: Chains::InOrder,
            bias: Some(&bias[blocks.start * I::LANES..blocks.end * I::LANES]),
            rows: x,
            count,
            ahead: Ahead::No,
        };
        product.run(isa, &mut input[..count * blocks.len() * I::LANES]);
        let rows = Rows { data: &hidden.data[self.units.start..], stride: hidden.stride };
        let ahead = ahead(self.recurrent.bytes());
        Product { panels: &self.recurrent, bias: None, rows, ahead, ..product }
            .run(isa, &mut recurrent[..count * blocks.len() * I::LANES]);
    }

    /// Every register of a group.
    pub fn registers(&self, group: usize) -> impl Iterator<Item = Register> {
        let lanes = self.division.lanes;
        self.division.blocks(group).enumerate().map(move |(index, block)| {
            let unit = self.units.start + block * lanes;
            Register { at: index * lanes, unit, units: (self.units.end - unit).min(lanes) }
        })
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

    /// Nothing: what does not fire needs no sums.
    #[inline(always)]
    fn prepare<I: Isa>(self, _isa: I, _packed: &Packed, _x: Rows<'_>, _rows: usize, _work: &mut Work<'_>) {}

    #[inline(always)]
    fn advance<I: Isa>(self, isa: I, packed: &Packed, step: Step<'_>, work: &mut Work<'_>) {
        let (Some(clock), stride, zero) = (&packed.clock, work.strides.hidden, isa.splat(0.0)) else { return };
        let Step { chunk, x, times, hidden, next, .. } = step;
        for Turn { module, rows, fires, .. } in clock.turns(times) {
            if fires == Fires::Not {
                for row in rows {
                    let at = row * stride + module.units.start..row * stride + module.units.end;
                    next[at.clone()].copy_from_slice(&hidden[at]);
                }
                continue;
            }
            let x = Rows { data: &x.data[(chunk.start + rows.start) * x.stride..], stride: x.stride };
            let heard = Rows { data: &hidden[rows.start * stride..], stride };
            for group in 0..module.division.groups() {
                module.sums(isa, group, [x, heard], rows.len(), [&mut *work.input, &mut *work.recurrent]);
                let line = module.division.blocks(group).len() * I::LANES;
                for (index, row) in rows.clone().enumerate() {
                    for Register { at, unit, units } in module.registers(group) {
                        let input = isa.load(&work.input[index * line + at..]);
                        let recurrent = isa.load(&work.recurrent[index * line + at..]);
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
