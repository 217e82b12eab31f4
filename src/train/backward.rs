//! The way back: from the gradients of what a pass gave to those of what it was given, step by step from the end
//! (back-propagation through time, Werbos 1990).

use std::ops::Range;

use super::forward::old_memory;
use super::pass::{Memory, ROWS, Room, Tape, Trained, Transposed, grow, row_stride};
use super::steps::Steps;
use crate::cell::gru::{GruOptions, reset_back};
use crate::cell::learn::{Back, Learn, MOST_VALUES, Then, tanh_slope};
use crate::kernel::chains::Chains;
use crate::kernel::math::NEGLIGIBLE;
use crate::kernel::product::{Ahead, Product, Rows};
use crate::kernel::step::{Cell, State};
use crate::sequence::advance::Kept;
use crate::sequence::layer::Visit;
use crate::sequence::share::Way;
use crate::simd::{Isa, Vector};

/// One pass's way back over a stretch of steps.
pub(crate) struct Backward<'a> {
    /// The layer and direction.
    pub trained: &'a Trained,
    /// The sequences.
    pub steps: &'a Steps,
    /// Which steps; the later ones were gone through before.
    pub range: Range<usize>,
    /// What was kept.
    pub keep: Memory,
    /// The input, as on the way there.
    pub x: &'a [f32],
    /// What is kept: of the sums in the range become their gradients.
    pub tape: &'a mut Tape,
    /// What is kept of the layer below, for a cell that hears its c: it gets their gradients.
    pub below: Option<&'a mut Tape>,
    /// The gradients of every h, in the order of [`Steps`]; empty for zeros.
    pub d_y: &'a [f32],
    /// Values from one row of it to the next, and the first column.
    pub d_y_place: [usize; 2],
    /// Gets the gradients of the input, rows of [`row_stride`]; empty if nobody wants them.
    pub d_x: &'a mut [f32],
    /// Whether they are added to what is there: the second direction's.
    pub adds: bool,
    /// Gets the gradients of the cell's vectors, each of whole registers, one after the other.
    pub values: &'a mut [f32],
    /// Room, with the gradients of h and c ([`Room::begin_back`]).
    pub room: &'a mut Room,
}

impl Room {
    /// Begins the way back with the gradients of the last h and c; empty ones for zeros.
    pub fn begin_back(&mut self, trained: &Trained, sequences: usize, d_hidden: &[f32], d_memory: &[f32]) {
        self.reserve(trained, sequences);
        let (sizes, strides) = (trained.packed.sizes, trained.strides());
        let parts = [
            (&mut self.hidden, strides.hidden, d_hidden, sizes.output),
            (&mut self.memory, strides.memory, d_memory, sizes.memory),
        ];
        for (rows, stride, given, width) in parts {
            let rows: &mut [f32] = bytemuck::cast_slice_mut(rows);
            rows[..sequences * stride].fill(0.0);
            if !given.is_empty() {
                for row in 0..sequences {
                    rows[row * stride..][..width].copy_from_slice(&given[row * width..][..width]);
                }
            }
        }
    }

    /// The gradients of the first h and c, when all steps were gone through.
    pub fn end_back(&self, trained: &Trained, d_hidden: &mut [f32], d_memory: &mut [f32]) {
        let (sizes, strides) = (trained.packed.sizes, trained.strides());
        let parts = [
            (&self.hidden, strides.hidden, d_hidden, sizes.output),
            (&self.memory, strides.memory, d_memory, sizes.memory),
        ];
        for (rows, stride, target, width) in parts {
            let rows: &[f32] = bytemuck::cast_slice(rows);
            for (row, target) in target.chunks_exact_mut(width.max(1)).enumerate() {
                target.copy_from_slice(&rows[row * stride..][..width]);
            }
        }
    }
}

impl Backward<'_> {
    /// Runs it.
    pub fn run(self) {
        let packed = &self.trained.packed;
        packed.kind.visit(packed.token, packed.unit_values(), self);
    }
}

impl Visit for Backward<'_> {
    #[inline(always)]
    fn steady<I: Isa, C: Learn<GATES, KEPT>, const GATES: usize, const KEPT: usize>(self, isa: I, cell: C) {
        self.by::<I, C, GATES, KEPT>(isa, cell);
    }

    #[inline(always)]
    fn clockwork<I: Isa, C: Learn<1, 1>>(self, isa: I, cell: C) {
        self.by_clock(isa, cell);
    }
}

impl Backward<'_> {
    #[inline(always)]
    fn by<I: Isa, C: Learn<GATES, KEPT>, const GATES: usize, const KEPT: usize>(mut self, isa: I, cell: C) {
        if self.keep == Memory::Recompute {
            self.recompute::<I, C, GATES>(isa);
        }
        let base = self.base();
        let Backward { trained, steps, range, tape, below, d_y, d_y_place, values, room, .. } = &mut self;
        let (packed, strides) = (&trained.packed, trained.strides());
        let (c_below, d_below): (&[f32], &mut [f32]) = match below {
            Some(below) if C::BELOW => {
                grow(&mut below.d_cells, steps.rows() * strides.memory);
                let below = &mut **below;
                (bytemuck::cast_slice(&below.memory), bytemuck::cast_slice_mut(&mut below.d_cells))
            }
            _ => (&[], &mut []),
        };
        let d_cells: &[f32] = bytemuck::cast_slice(&tape.d_cells);
        let sums: &mut [f32] = bytemuck::cast_slice_mut(&mut tape.sums);
        let hidden: &[f32] = bytemuck::cast_slice(&tape.hidden);
        let memory: &[f32] = bytemuck::cast_slice(&tape.memory);
        let kept_d_hidden: &mut [f32] = bytemuck::cast_slice_mut(&mut tape.d_hidden);
        let d_hidden: &mut [f32] = bytemuck::cast_slice_mut(&mut room.hidden);
        let d_memory: &mut [f32] = bytemuck::cast_slice_mut(&mut room.memory);
        let between: &mut [f32] = bytemuck::cast_slice_mut(&mut room.between);
        let recurrent: &mut [f32] = bytemuck::cast_slice_mut(&mut room.recurrent);
        for step in range.clone().rev() {
            let (start, running) = (steps.start(step), steps.active(step));
            add_outputs(isa, trained, steps, step, (d_y, *d_y_place), d_hidden);
            if C::MEMORY && !d_cells.is_empty() {
                for row in 0..running {
                    let source = &d_cells[(start + row) * strides.memory..][..strides.padded];
                    add_row(isa, source, &mut d_memory[row * strides.memory..]);
                }
            }
            if let Some(projection) = &trained.projection {
                let count = running * strides.hidden;
                kept_d_hidden[start * strides.hidden..][..count].copy_from_slice(&d_hidden[..count]);
                let rows = Rows { data: d_hidden, stride: strides.hidden };
                let to = To { rows: between, stride: strides.hidden, add: Add::Nothing };
                multiply(isa, projection, rows, running, recurrent, to);
            }
            let old = State {
                hidden: &hidden[start * strides.hidden..],
                memory: if C::MEMORY { &memory[old_memory(steps, step) * strides.memory..] } else { &[][..] },
            };
            let now = if C::MEMORY { &memory[(steps.sequences() + start) * strides.memory..] } else { &[][..] };
            let sums = &mut sums[(start - base) * strides.sums..];
            // Behind a projection the gradient of what it hears is in `between`, and nothing else goes back past it.
            let projected = trained.projection.is_some();
            for row in 0..running {
                for unit in (0..strides.padded).step_by(I::LANES) {
                    let (at, place) = (row * strides.hidden + unit, row * strides.memory + unit);
                    let mut kept = [isa.splat(0.0); KEPT];
                    let mut from = row * strides.sums + unit;
                    for kept in &mut kept {
                        *kept = isa.load(&sums[from..]);
                        from += strides.padded;
                    }
                    let zero = isa.splat(0.0);
                    let then = Then {
                        kept,
                        old: State {
                            hidden: if projected { zero } else { isa.load(&old.hidden[at..]) },
                            memory: if C::MEMORY { isa.load(&old.memory[place..]) } else { zero },
                        },
                        memory: if C::MEMORY { isa.load(&now[place..]) } else { zero },
                        below: match C::BELOW {
                            true => isa.load(&c_below[(steps.sequences() + start) * strides.memory + place..]),
                            false => zero,
                        },
                        d_hidden: if projected { isa.load(&between[at..]) } else { isa.load(&d_hidden[at..]) },
                        d_memory: if C::MEMORY { isa.load(&d_memory[place..]) } else { zero },
                        unit,
                    };
                    let back: Back<I::Vector, KEPT> = cell.back(isa, then);
                    let Back { sums: d_sums, hidden: direct, memory: d_old, values: d_values, .. } = back;
                    let (negligible, mut to) = (isa.splat(NEGLIGIBLE), row * strides.sums + unit);
                    for d_sum in d_sums {
                        isa.store(d_sum.flush(negligible), &mut sums[to..]);
                        to += strides.padded;
                    }
                    if C::MEMORY {
                        isa.store(d_old.flush(negligible), &mut d_memory[place..]);
                    } else {
                        isa.store(direct.flush(negligible), &mut between[at..]);
                    }
                    if C::BELOW {
                        isa.store(back.below.flush(negligible), &mut d_below[start * strides.memory + place..]);
                    }
                    for value in 0..C::VALUES.min(MOST_VALUES) {
                        let total = &mut values[value * strides.padded + unit..];
                        isa.store(isa.load(total) + d_values[value], total);
                    }
                }
            }
            let of = |sums: &Range<usize>| sums.start * strides.padded;
            if let (Some(options), Some(candidate)) = (packed.reset(), &trained.candidate) {
                let rows = Rows { data: &sums[of(&candidate.sums)..], stride: strides.sums };
                let to = To { rows: d_hidden, stride: strides.hidden, add: Add::Nothing };
                multiply(isa, candidate, rows, running, recurrent, to);
                // r is the first of those that hear h⁻.
                let first = trained.recurrent.as_ref().map_or(0, |recurrent| of(&recurrent.sums));
                let parts =
                    ResetParts { sums: &mut sums[first..], hidden: old.hidden, d_reset: d_hidden, direct: between };
                reset_rows(isa, options, [running, strides.padded, strides.sums, strides.hidden], parts);
            }
            if let Some(squashed) = &trained.squashed {
                let rows = Rows { data: &sums[of(&squashed.sums)..], stride: strides.sums };
                let to = To { rows: d_hidden, stride: strides.hidden, add: Add::Nothing };
                multiply(isa, squashed, rows, running, recurrent, to);
                for row in 0..running {
                    for at in (row * strides.hidden..row * strides.hidden + strides.padded).step_by(I::LANES) {
                        let (_, slope) = tanh_slope(isa, isa.load(&old.hidden[at..]));
                        let direct = &mut between[at..];
                        isa.store(slope.mul_add(isa.load(&d_hidden[at..]), isa.load(direct)), direct);
                    }
                }
            }
            let Some(by) = &trained.recurrent else { continue };
            let rows = Rows { data: &sums[of(&by.sums)..], stride: strides.sums };
            let add = if C::MEMORY { Add::Nothing } else { Add::Rows(between) };
            let to = To { rows: d_hidden, stride: strides.hidden, add };
            multiply(isa, by, rows, running, recurrent, to);
        }
        self.input_gradients(isa);
    }

    /// The row at which the kept sums begin.
    pub(super) fn base(&self) -> usize {
        match self.keep {
            Memory::Keep => 0,
            Memory::Recompute => self.steps.start(self.range.start),
        }
    }

    /// `dx = dz·W` of all rows of the range.
    #[inline(always)]
    pub(super) fn input_gradients<I: Isa>(&mut self, isa: I) {
        if self.d_x.is_empty() {
            return;
        }
        let base = self.base();
        let Backward { trained, steps, range, tape, d_x, adds, room, .. } = self;
        let (strides, x_stride) = (trained.strides(), row_stride(trained.packed.sizes.input));
        let sums: &[f32] = bytemuck::cast_slice(&tape.sums);
        let recurrent: &mut [f32] = bytemuck::cast_slice_mut(&mut room.recurrent);
        let transposed = &trained.input;
        let (mut step, mut row) = (range.start, 0);
        let end = steps.start(range.end);
        let mut first = steps.start(range.start);
        while first < end {
            let count = ROWS.min(end - first);
            let rows = Rows { data: &sums[(first - base) * strides.sums..], stride: strides.sums };
            // Where each of the rows goes, if it is not its own place.
            let mut places = [0; ROWS];
            for place in &mut places[..count] {
                *place = steps.row(trained.way, step, row);
                row += 1;
                if row == steps.active(step) {
                    (step, row) = (step + 1, 0);
                }
            }
            for group in 0..transposed.division.groups() {
                let (line, columns) = group_product(isa, transposed, group, rows, count, recurrent);
                for (index, place) in places[..count].iter().enumerate() {
                    let target = &mut d_x[place * x_stride + columns.start..][..columns.len()];
                    let source = &recurrent[index * line..][..columns.len()];
                    if *adds {
                        add_row(isa, source, target);
                    } else {
                        target.copy_from_slice(source);
                    }
                }
            }
            first += count;
        }
    }

    /// Computes the kept sums of the range again, by the same products in the same order.
    #[inline(always)]
    fn recompute<I: Isa, C: Cell<GATES>, const GATES: usize>(&mut self, isa: I) {
        let base = self.base();
        let Backward { trained, steps, range, x, tape, room, .. } = self;
        let (packed, strides) = (&trained.packed, trained.strides());
        let x_stride = row_stride(packed.sizes.input);
        let x = if trained.way == Way::Reverse { bytemuck::cast_slice(&tape.x) } else { *x };
        let hidden: &[f32] = bytemuck::cast_slice(&tape.hidden);
        let other: &[f32] = bytemuck::cast_slice(&tape.other);
        let squashed: &[f32] = bytemuck::cast_slice(&tape.squashed);
        let sums: &mut [f32] = bytemuck::cast_slice_mut(&mut tape.sums);
        let input: &mut [f32] = bytemuck::cast_slice_mut(&mut room.input);
        let recurrent: &mut [f32] = bytemuck::cast_slice_mut(&mut room.recurrent);
        let (end, ahead) = (steps.start(range.end), Ahead::of(packed.bytes()));
        for first in (base..end).step_by(ROWS) {
            let count = ROWS.min(end - first);
            let mut kept =
                Kept { sums: &mut sums[(first - base) * strides.sums..], stride: strides.sums, padded: strides.padded };
            let hidden = Rows { data: &hidden[first * strides.hidden..], stride: strides.hidden };
            for group in 0..packed.division.groups() {
                let blocks = packed.division.blocks(group);
                let line = blocks.len() * GATES * I::LANES;
                let product = Product {
                    panels: &packed.input,
                    group,
                    chains: Chains::InOrder,
                    bias: Some(&packed.bias()[blocks.start * GATES * I::LANES..][..line]),
                    rows: Rows { data: &x[first * x_stride..], stride: x_stride },
                    count,
                    ahead,
                };
                product.run(isa, &mut input[..count * line]);
                let product = Product {
                    panels: &packed.recurrent,
                    group,
                    chains: packed.chains,
                    bias: None,
                    rows: hidden,
                    count,
                    ahead,
                };
                if packed.candidate.is_none() {
                    product.run(isa, &mut recurrent[..count * line]);
                    kept.keep::<I, C, GATES>(isa, &blocks, count, input, recurrent);
                    continue;
                }
                // Sums that hear different things: each its own product, whose columns are put among the others.
                let (all, part) = recurrent.split_at_mut(count * line);
                all.fill(0.0);
                let others = [(&packed.squashed, squashed, 1), (&packed.candidate, other, GATES - 1)];
                let part_of = |gates: usize| count * line / GATES * gates;
                let part_width = part_of(packed.heard.len());
                product.run(isa, &mut part[..part_width]);
                place_gates::<I, GATES>(isa, &part[..part_width], packed.heard, all);
                for (panels, data, gate) in others {
                    let Some(panels) = panels else { continue };
                    let rows = Rows { data: &data[first * strides.hidden..], stride: strides.hidden };
                    Product { panels, rows, ..product }.run(isa, &mut part[..part_of(1)]);
                    place_gates::<I, GATES>(isa, &part[..part_of(1)], &[gate], all);
                }
                kept.keep::<I, C, GATES>(isa, &blocks, count, input, all);
            }
        }
    }
}

/// Puts registers of some gates in their places among those of all.
#[inline(always)]
fn place_gates<I: Isa, const GATES: usize>(isa: I, part: &[f32], gates: &[usize], all: &mut [f32]) {
    for unit in 0..part.len() / (gates.len() * I::LANES) {
        for (place, gate) in gates.iter().enumerate() {
            let values = isa.load(&part[(unit * gates.len() + place) * I::LANES..]);
            isa.store(values, &mut all[(unit * GATES + gate) * I::LANES..]);
        }
    }
}

/// Adds the gradients of a step's outputs to those of its h.
#[inline(always)]
pub(super) fn add_outputs<I: Isa>(
    isa: I,
    trained: &Trained,
    steps: &Steps,
    step: usize,
    (d_y, [stride, first]): (&[f32], [usize; 2]),
    d_hidden: &mut [f32],
) {
    let (width, own) = (trained.packed.sizes.output, trained.strides().hidden);
    for row in 0..if d_y.is_empty() { 0 } else { steps.active(step) } {
        let at = steps.row(trained.way, step, row) * stride + first;
        add_row(isa, &d_y[at..][..width], &mut d_hidden[row * own..]);
    }
}

/// `target += source`, for as many values as `source` has.
#[inline(always)]
pub(super) fn add_row<I: Isa>(isa: I, source: &[f32], target: &mut [f32]) {
    let target = &mut target[..source.len()];
    for at in (0..source.len()).step_by(I::LANES) {
        let (source, target) = (&source[at..], &mut target[at..]);
        if source.len() >= I::LANES {
            isa.store(isa.load(source) + isa.load(target), target);
        } else {
            isa.store_part(isa.load_part(source) + isa.load_part(target), target);
        }
    }
}

/// Where the rows of a product go.
struct To<'a> {
    rows: &'a mut [f32],
    stride: usize,
    add: Add<'a>,
}

/// What is added to them: rows as far apart as they.
enum Add<'a> {
    Nothing,
    Rows(&'a [f32]),
}

/// Rows times a transposed matrix.
#[inline(always)]
fn multiply<I: Isa>(isa: I, by: &Transposed, rows: Rows<'_>, count: usize, sums: &mut [f32], to: To<'_>) {
    for group in 0..by.division.groups() {
        let (line, columns) = group_product(isa, by, group, rows, count, sums);
        for row in 0..count {
            let at = row * to.stride + columns.start;
            for register in (0..line).step_by(I::LANES) {
                let mut sum = isa.load(&sums[row * line + register..]);
                if let Add::Rows(add) = to.add {
                    sum = sum + isa.load(&add[at + register..]);
                }
                isa.store(sum, &mut to.rows[at + register..]);
            }
        }
    }
}

/// One group's sums, `count` rows of the returned width; the columns that they are.
#[inline(always)]
pub(super) fn group_product<I: Isa>(
    isa: I,
    by: &Transposed,
    group: usize,
    rows: Rows<'_>,
    count: usize,
    sums: &mut [f32],
) -> (usize, Range<usize>) {
    let blocks = by.division.blocks(group);
    let line = blocks.len() * I::LANES;
    let product = Product {
        panels: &by.panels,
        group,
        chains: Chains::Long,
        bias: None,
        rows,
        count,
        ahead: Ahead::of(by.panels.bytes()),
    };
    product.run(isa, &mut sums[..count * line]);
    (line, blocks.start * I::LANES..by.division.units.min(blocks.end * I::LANES))
}

/// A step's rows, where the candidate heard r·h⁻.
struct ResetParts<'a> {
    /// r's sum, becomes its gradient.
    sums: &'a mut [f32],
    /// h⁻.
    hidden: &'a [f32],
    /// The gradient of r·h⁻.
    d_reset: &'a [f32],
    /// Gets r's share of the gradient of h⁻.
    direct: &'a mut [f32],
}

#[inline(always)]
fn reset_rows<I: Isa>(
    isa: I,
    options: GruOptions,
    [rows, padded, sums_stride, stride]: [usize; 4],
    parts: ResetParts<'_>,
) {
    let ResetParts { sums, hidden, d_reset, direct } = parts;
    let negligible = isa.splat(NEGLIGIBLE);
    for row in 0..rows {
        for unit in (0..padded).step_by(I::LANES) {
            let (at, sum) = (row * stride + unit, &mut sums[row * sums_stride + unit..]);
            let (d_sum, d_old) =
                reset_back(isa, options, isa.load(sum), isa.load(&hidden[at..]), isa.load(&d_reset[at..]));
            isa.store(d_sum.flush(negligible), sum);
            let direct = &mut direct[at..];
            isa.store(isa.load(direct) + d_old, direct);
        }
    }
}
