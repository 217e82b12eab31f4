//! A recurrent layer that learns, in one direction or both.

use std::ops::Range;

use wide::f32x16;

use super::backward::Backward;
use super::block::Block;
use super::forward::{Columns, Forward};
use super::pass::{Memory, STRETCH_STEPS, Tape, Trained, grow, row_stride};
use super::steps::Steps;
use crate::cell::learn::MOST_VALUES;
use crate::error::{Error, Result};
use crate::kernel::outer::{Outer, Part, RIGHTS};
use crate::kernel::product::Rows;
use crate::kernel::step::{Hears, Terms};
use crate::model::Merge;
use crate::network::blueprint::{self, Masked, Output, Passes};
use crate::sequence::share::Way;
use crate::simd::{Level, dispatch};
use crate::team;
use crate::weights::Weights;

/// A recurrent layer.
pub(crate) struct Recurrent {
    /// One or two.
    pub passes: Vec<Trained>,
    merge: Merge,
    /// Whether it gives every step's h.
    pub output: Output,
    /// The first one's place among the model's passes.
    pub first: usize,
    keep: Memory,
    /// The gradients of the cell's own vectors, padded, block after block.
    values: Vec<Vec<f32>>,
}

impl Recurrent {
    /// Packs a layer; `name` is for the errors.
    pub fn new(name: &str, layer: &blueprint::Recurrent, first: usize, keep: Memory, level: Level) -> Result<Self> {
        let refuse = |what: &str| Err(Error::Model { message: format!("layer {name}: {what} cannot be trained") });
        if layer.go_backwards {
            return refuse("go_backwards");
        }
        if layer.masked == Masked::Repeat && layer.output == Output::Every {
            // Lengths leave out steps at the end only, whose outputs nobody reads.
        }
        let merge = match &layer.passes {
            Passes::Both { merge: Merge::None, .. } => return refuse("a layer that keeps its directions apart"),
            Passes::Both { merge, .. } => *merge,
            _ => Merge::Concat,
        };
        let ways: &[Way] = match layer.passes {
            Passes::Forward(_) => &[Way::Forward],
            Passes::Reverse(_) => &[Way::Reverse],
            Passes::Both { .. } => &[Way::Forward, Way::Reverse],
        };
        let trained = |(way, weights): (&Way, &Weights)| Trained::new(*way, weights, level);
        let passes = ways.iter().zip(layer.passes.each()).map(trained).collect::<Result<Vec<_>>>()?;
        Ok(Recurrent { passes, merge, output: layer.output, first, keep, values: Vec::new() })
    }

    /// Packs changed weights.
    pub fn pack(&mut self, layer: &blueprint::Recurrent, level: Level) -> Result<()> {
        for (trained, weights) in self.passes.iter_mut().zip(layer.passes.each()) {
            *trained = Trained::new(trained.way, weights, level)?;
        }
        Ok(())
    }

    /// Values of both directions side by side.
    fn width(&self) -> usize {
        self.passes.iter().map(|pass| pass.packed.sizes.output).sum()
    }

    fn merged(&self) -> bool {
        self.passes.len() == 2 && self.merge != Merge::Concat
    }

    /// Values of an output row.
    pub fn output_size(&self) -> usize {
        if self.merged() { self.width() / 2 } else { self.width() }
    }

    /// Bytes of weights that every step reads.
    pub fn recurrent_bytes(&self) -> usize {
        self.passes.iter().map(|pass| pass.packed.recurrent_bytes()).max().unwrap_or(0)
    }

    /// The way there for a block.
    pub fn forward(&self, block: &mut Block, stage: usize) {
        let Block { steps, rows, tapes, states, apart, room, order, .. } = block;
        let (before, behind) = rows.split_at_mut(stage + 1);
        let (x, y) = (&before[stage], &mut behind[0]);
        let (x, width) = (bytemuck::cast_slice(x), self.width());
        let every = if self.output == Output::Every { steps.rows() } else { order.len() };
        grow(y, every * row_stride(self.output_size()));
        let beside = &mut apart[stage];
        if self.merged() {
            grow(beside, every * row_stride(width));
        }
        let target = if self.merged() { &mut *beside } else { &mut *y };
        let target: &mut [f32] = bytemuck::cast_slice_mut(target);
        let mut first = 0;
        for (index, trained) in self.passes.iter().enumerate() {
            let (state, size) = (&mut states[self.first + index], trained.packed.sizes.output);
            let data = if self.output == Output::Every { &mut *target } else { &mut [][..] };
            let (below, tapes) = tapes.split_at_mut(self.first + index);
            let forward = Forward {
                trained,
                steps,
                keep: self.keep,
                x,
                tape: &mut tapes[0],
                below: below.last().filter(|_| trained.packed.hears_below()),
                y: Columns { data, stride: row_stride(width), first },
                hidden: &mut state.hidden,
                memory: &mut state.memory,
                room,
            };
            forward.run();
            if self.output == Output::Last {
                for (row, h) in state.hidden.chunks_exact(size).enumerate() {
                    target[row * row_stride(width) + first..][..size].copy_from_slice(h);
                }
            }
            first += size;
        }
        if self.merged() {
            self.merge_rows(bytemuck::cast_slice(beside), every, bytemuck::cast_slice_mut(y));
        }
    }

    fn merge_rows(&self, apart: &[f32], count: usize, y: &mut [f32]) {
        let (half, width) = (self.output_size(), self.width());
        for row in 0..count {
            let (a, b) = apart[row * row_stride(width)..][..width].split_at(half);
            for (y, (a, b)) in y[row * row_stride(half)..].iter_mut().zip(a.iter().zip(b)) {
                *y = match self.merge {
                    Merge::Mul => a * b,
                    Merge::Average => 0.5 * (a + b),
                    _ => a + b,
                };
            }
        }
    }

    /// The gradients of both directions' outputs from those of the merged ones.
    fn unmerge_rows(&self, apart: &[f32], count: usize, d_y: &[f32], d_apart: &mut [f32]) {
        let (half, width) = (self.output_size(), self.width());
        for row in 0..count {
            let at = row * row_stride(width);
            let d_y = &d_y[row * row_stride(half)..][..half];
            for side in 0..2 {
                let other = &apart[at + (1 - side) * half..][..half];
                let target = &mut d_apart[at + side * half..][..half];
                for (target, (d_y, other)) in target.iter_mut().zip(d_y.iter().zip(other)) {
                    *target = match self.merge {
                        Merge::Mul => d_y * other,
                        Merge::Average => 0.5 * d_y,
                        _ => *d_y,
                    };
                }
            }
        }
    }

    /// The stretches of steps that are gone back through, last first.
    pub fn ranges(&self, steps: usize) -> Vec<Range<usize>> {
        match self.keep {
            Memory::Keep => std::iter::once(0..steps).collect(),
            Memory::Recompute => {
                let stretch = |start| start..steps.min(start + STRETCH_STEPS);
                (0..steps).step_by(STRETCH_STEPS).map(stretch).rev().collect()
            }
        }
    }

    /// Makes room for the gradients of `blocks` blocks' vectors, and zeroes them.
    pub fn begin_back(&mut self, blocks: usize) {
        self.values.clear();
        for pass in &self.passes {
            let count = blocks * MOST_VALUES * pass.packed.division.padded();
            self.values.push(vec![0.0; count]);
        }
    }

    /// The gradients of the block's outputs as those of each direction's, before its first stretch.
    pub fn unmerge(&self, block: &mut Block, stage: usize) {
        let Block { steps, order, d_rows, apart, d_apart, states, .. } = block;
        let every = if self.output == Output::Every { steps.rows() } else { order.len() };
        let width = self.width();
        if self.merged() {
            grow(d_apart, every * row_stride(width));
            let (from, to) = (bytemuck::cast_slice(&apart[stage]), bytemuck::cast_slice_mut(d_apart));
            self.unmerge_rows(from, every, bytemuck::cast_slice(&d_rows[0]), to);
        }
        if self.output == Output::Last {
            let from: &[f32] = bytemuck::cast_slice(if self.merged() { &*d_apart } else { &d_rows[0] });
            let mut first = 0;
            for (index, pass) in self.passes.iter().enumerate() {
                let (size, state) = (pass.packed.sizes.output, &mut states[self.first + index]);
                for (row, d_hidden) in state.d_hidden.chunks_exact_mut(size).enumerate() {
                    for (d_hidden, d_y) in d_hidden.iter_mut().zip(&from[row * row_stride(width) + first..]) {
                        *d_hidden += d_y;
                    }
                }
                first += size;
            }
        }
    }

    /// The way back of one direction over a stretch of a block's steps; `wants_x` says whether the input's gradient is wanted.
    pub fn backward(&self, block: &mut Block, stage: usize, back: Stretch) {
        let Block { steps, rows, d_rows, tapes, states, d_apart, room, .. } = block;
        let range = back.range.start.min(steps.count())..back.range.end.min(steps.count());
        let (trained, state) = (&self.passes[back.pass], &mut states[self.first + back.pass]);
        let sequences = steps.sequences();
        if back.first {
            room.begin_back(trained, sequences, &state.d_hidden, &state.d_memory);
        }
        let [d_y, d_x] = d_rows;
        let d_y = if self.merged() { &*d_apart } else { &*d_y };
        let d_y: &[f32] = if self.output == Output::Every { bytemuck::cast_slice(d_y) } else { &[] };
        if back.wants_x {
            grow(d_x, steps.rows() * row_stride(trained.packed.sizes.input));
        }
        let first: usize = self.passes[..back.pass].iter().map(|pass| pass.packed.sizes.output).sum();
        let (below, tapes) = tapes.split_at_mut(self.first + back.pass);
        let backward = Backward {
            trained,
            steps,
            range: range.clone(),
            keep: self.keep,
            x: bytemuck::cast_slice(&rows[stage]),
            tape: &mut tapes[0],
            below: below.last_mut().filter(|_| trained.packed.hears_below()),
            d_y,
            d_y_place: [row_stride(self.width()), first],
            d_x: if back.wants_x { bytemuck::cast_slice_mut(d_x) } else { &mut [] },
            adds: back.pass == 1,
            values: back.values,
            room,
        };
        if !range.is_empty() {
            backward.run();
        }
        if range.start == 0 {
            room.end_back(trained, &mut state.d_hidden, &mut state.d_memory);
        }
    }

    /// Goes back through all blocks, and adds to the gradients of each direction's tensors.
    pub fn back(&mut self, blocks: &mut [Block], stage: usize, call: Call<'_>) {
        let Call { threads, wants_x, gradients, rooms } = call;
        let steps = blocks.iter().map(|block| block.steps.count()).max().unwrap_or(0);
        self.begin_back(blocks.len());
        let mut values = std::mem::take(&mut self.values);
        let this = &*self;
        each_block(threads, blocks, |_, block| this.unmerge(block, stage));
        for (pass, (gradients, values)) in gradients.iter_mut().zip(&mut values).enumerate() {
            let padded = MOST_VALUES * this.passes[pass].packed.division.padded();
            for (index, range) in this.ranges(steps).into_iter().enumerate() {
                let shares: Vec<_> = blocks.iter_mut().zip(values.chunks_exact_mut(padded)).collect();
                in_shares(threads, shares, |(block, values)| {
                    let stretch = Stretch { pass, range: range.clone(), first: index == 0, wants_x, values };
                    this.backward(block, stage, stretch);
                });
                this.add_gradients(blocks, stage, pass, &range, gradients, threads, rooms);
            }
            // A step less case: sequences without a step hand their gradients through.
            add_values(&this.passes[pass], values, gradients);
        }
        self.values = values;
    }

    /// Adds what a stretch of one direction gives to its tensors' gradients.
    #[allow(clippy::too_many_arguments, reason = "the parts of one call")]
    fn add_gradients(
        &self,
        blocks: &[Block],
        stage: usize,
        pass: usize,
        range: &Range<usize>,
        gradients: &mut [Vec<f32>],
        threads: usize,
        rooms: &mut [Vec<f32x16>],
    ) {
        let trained = &self.passes[pass];
        let tasks = tasks(trained, gradients, threads);
        let shares: Vec<_> = tasks.into_iter().zip(rooms).collect();
        in_shares(threads, shares, |(tasks, room)| {
            for mut task in tasks {
                for block in blocks {
                    let steps = &block.steps;
                    let (start, end) = (range.start.min(steps.count()), range.end.min(steps.count()));
                    let rows = steps.start(start)..steps.start(end);
                    let base = if self.keep == Memory::Keep { 0 } else { rows.start };
                    let tape = &block.tapes[self.first + pass];
                    let (left, rights) = task.sides(trained, tape, &block.rows[stage], &rows, base);
                    let outer = Outer { left, parts: &mut task.parts, rights, count: rows.len(), room };
                    dispatch(trained.packed.token, outer);
                }
            }
        });
    }
}

/// What a call of [`Recurrent::back`] needs.
pub(crate) struct Call<'a> {
    pub threads: usize,
    pub wants_x: bool,
    /// Of each direction, in the order of [`Weights::tensors`].
    pub gradients: &'a mut [Vec<Vec<f32>>],
    /// A thread's room for the products.
    pub rooms: &'a mut [Vec<f32x16>],
}

/// A stretch of steps of one direction.
pub(crate) struct Stretch<'a> {
    pass: usize,
    range: Range<usize>,
    /// Whether it is the last steps', which come first.
    first: bool,
    wants_x: bool,
    values: &'a mut [f32],
}

/// A part of the gradients that a thread computes: some rows of the matrices that have the same two factors.
struct Task<'a> {
    heard: Heard,
    parts: Vec<Part<'a>>,
}

/// What the rows of a gradient are multiplied with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Heard {
    /// The input and h⁻, or something made of it, or only one of them.
    Sum(Terms, Hears),
    /// What is projected.
    Unprojected,
}

impl Task<'_> {
    /// The factors of the rows of a stretch; the kept sums begin with row `base`.
    fn sides<'t>(
        &self,
        trained: &Trained,
        tape: &'t Tape,
        x: &'t [f32x16],
        rows: &Range<usize>,
        base: usize,
    ) -> (Rows<'t>, [(Rows<'t>, usize); RIGHTS]) {
        let (strides, sizes) = (trained.strides(), trained.packed.sizes);
        let side = |data: &'t [f32x16], first: usize, stride: usize| {
            let data: &[f32] = bytemuck::cast_slice(data);
            Rows { data: &data[(first * stride).min(data.len())..], stride }
        };
        let sums = side(&tape.sums, rows.start - base, strides.sums);
        let x = if trained.way == Way::Reverse { &tape.x } else { x };
        let x = side(x, rows.start, row_stride(sizes.input));
        let hidden = side(&tape.hidden, rows.start, strides.hidden);
        let other = side(&tape.other, rows.start, strides.hidden);
        match self.heard {
            Heard::Sum(terms, hears) => {
                let input = if terms == Terms::Recurrent { 0 } else { sizes.input };
                let recurrent = if terms == Terms::Input { 0 } else { sizes.output };
                let heard = match hears {
                    Hears::Hidden => hidden,
                    Hears::Squashed => side(&tape.squashed, rows.start, strides.hidden),
                    Hears::Reset => other,
                };
                (sums, [(x, input), (heard, recurrent)])
            }
            Heard::Unprojected => {
                let d_hidden = side(&tape.d_hidden, rows.start, strides.hidden);
                (d_hidden, [(other, sizes.hidden), (other, 0)])
            }
        }
    }
}

/// One of a cell's kept sums, or its projection: which columns of the kept rows, and the gradients that their products make.
struct Rest<'a> {
    heard: Heard,
    columns: Range<usize>,
    sums: [&'a mut [f32]; RIGHTS],
    totals: &'a mut [f32],
}

/// Divides the gradients of a direction's matrices among threads, each of whole rows.
fn tasks<'a>(trained: &Trained, gradients: &'a mut [Vec<f32>], threads: usize) -> Vec<Vec<Task<'a>>> {
    let rests = rests(trained, gradients);
    let rows: usize = rests.iter().map(|rest| rest.columns.len()).sum();
    // Whole register tiles: where a thread ends wastes no row. It changes no bit anyway.
    let bound = |share: usize| (rows * (share + 1)).div_ceil(threads).next_multiple_of(8);
    let mut shares: Vec<Vec<Task<'a>>> = (0..threads).map(|_| Vec::new()).collect();
    let (mut at, mut share) = (0, 0);
    for mut rest in rests {
        while !rest.columns.is_empty() {
            while share + 1 < threads && at >= bound(share) {
                share += 1;
            }
            let left = rest.columns.len();
            let count = if share + 1 == threads { left } else { left.min(bound(share) - at) };
            let widths = rest.sums.each_ref().map(|sums| sums.len() / left);
            let [first, second] = rest.sums;
            let (first, first_left) = first.split_at_mut(count * widths[0]);
            let (second, second_left) = second.split_at_mut(count * widths[1]);
            let totals = rest.totals.len().min(count);
            let (totals, totals_left) = rest.totals.split_at_mut(totals);
            let columns = rest.columns.start..rest.columns.start + count;
            let part = Part { columns: columns.clone(), sums: [first, second], totals };
            match shares[share].last_mut().filter(|task| task.heard == rest.heard) {
                Some(task) => task.parts.push(part),
                None => shares[share].push(Task { heard: rest.heard, parts: vec![part] }),
            }
            (rest.columns.start, rest.sums, rest.totals) = (columns.end, [first_left, second_left], totals_left);
            at += count;
        }
    }
    shares
}

/// The gradients by kept sum.
fn rests<'a>(trained: &Trained, gradients: &'a mut [Vec<f32>]) -> Vec<Rest<'a>> {
    let sizes = trained.packed.sizes;
    let (hidden, padded) = (sizes.hidden, trained.packed.division.padded());
    let [weight_ih, weight_hh, bias, own @ ..] = gradients else { return Vec::new() };
    let gate = |values: &'a mut Vec<f32>, width: usize| -> Vec<Option<&'a mut [f32]>> {
        values.chunks_exact_mut(hidden * width).map(Some).collect()
    };
    let mut matrices = [gate(weight_ih, sizes.input), gate(weight_hh, sizes.output), gate(bias, 1)];
    let last = own.last_mut().map(|values| &mut values[..]);
    let (mut recurrent_bias, projection) = if trained.projection.is_some() { (None, last) } else { (last, None) };
    let mut rests = Vec::new();
    for (place, keep) in trained.keep.iter().enumerate() {
        let mut take = |which: usize| matrices[which][keep.gate].take().unwrap_or_default();
        let (input, recurrent) = (keep.terms != Terms::Recurrent, keep.terms != Terms::Input);
        let first = if input { take(0) } else { Default::default() };
        let second = if recurrent { take(1) } else { Default::default() };
        let totals = match keep.bias {
            true => take(2),
            false if !input => recurrent_bias.take().unwrap_or_default(),
            false => Default::default(),
        };
        let heard = Heard::Sum(keep.terms, keep.hears);
        let columns = place * padded..place * padded + hidden;
        rests.push(Rest { heard, columns, sums: [first, second], totals });
    }
    if let Some(projection) = projection {
        let (heard, columns) = (Heard::Unprojected, 0..sizes.output);
        rests.push(Rest { heard, columns, sums: [projection, Default::default()], totals: Default::default() });
    }
    rests
}

/// The gradients of peepholes, block after block; b_rn of a GRU that resets before is only added to b_n; what a module does not
/// hear has none.
fn add_values(trained: &Trained, values: &[f32], gradients: &mut [Vec<f32>]) {
    let sizes = trained.packed.sizes;
    let (hidden, padded) = (sizes.hidden, trained.packed.division.padded());
    if trained.candidate.is_some() {
        let (bias, rest) = gradients[2..].split_at_mut(1);
        rest.iter_mut().for_each(|own| own.copy_from_slice(&bias[0][2 * hidden..]));
        return;
    }
    for module in trained.packed.clock.iter().flat_map(|clock| &clock.modules) {
        let rows = gradients[1][module.units.start * hidden..module.units.end * hidden].chunks_exact_mut(hidden);
        rows.for_each(|row| row[..module.units.start].fill(0.0));
    }
    for block in values.chunks_exact(MOST_VALUES * padded) {
        for (gradient, which) in gradients[3..].iter_mut().zip(&trained.peepholes) {
            for (gradient, value) in gradient.iter_mut().zip(&block[which * padded..][..hidden]) {
                *gradient += value;
            }
        }
    }
}

/// Runs `work` on every block, on so many threads.
pub(crate) fn each_block(threads: usize, blocks: &mut [Block], work: impl Fn(usize, &mut Block) + Sync) {
    in_shares(threads, blocks.iter_mut().enumerate().collect(), |(index, block)| work(index, block));
}

/// Runs `work` on everything, in about equal shares on so many threads.
pub(crate) fn in_shares<T: Send>(threads: usize, mut all: Vec<T>, work: impl Fn(T) + Sync) {
    let mut shares = Vec::new();
    for range in team::split(all.len(), threads).collect::<Vec<_>>().into_iter().rev() {
        shares.push(all.split_off(range.start));
    }
    shares.reverse();
    team::each(shares.into_iter(), |share| share.into_iter().for_each(&work));
}

/// Rows of sequences that a stage's rows are of.
pub(crate) fn steps_of(block: &Block, last: bool) -> &Steps {
    if last { &block.ends } else { &block.steps }
}
