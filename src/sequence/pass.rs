//! One pass: a layer in one direction, over some rows of a batch and some steps.
//!
//! Input sums `b + W·x` are computed for a chunk of steps at once, so that W is read once a chunk; then each step adds the
//! recurrent sums group by group and updates the group's units while their sums are in the nearest cache. Rows are sorted by
//! falling length, so that the rows still running are the first ones, and padding costs nothing.

use std::ops::{Range, RangeFrom};

use wide::f32x16;

use super::layer::{Kind, Packed};
use crate::cell::gru::{self, AnyGru, GruOptions, ResetBefore, StandardGru, reset_hidden};
use crate::cell::lstm::{self, AnyLstm, StandardLstm};
use crate::cell::rnn::{self, AnyRnn, TanhRnn};
use crate::kernel::math::NEGLIGIBLE;
use crate::kernel::pack::GROUP;
use crate::kernel::product::{Ahead, Chains, Product, Rows};
use crate::kernel::step::{Cell, Input, Places, Single, State, single, update};
use crate::simd::{Isa, Kernel, Vector, dispatch};
use crate::team::{Member, Target};

/// In which order a layer reads its steps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Way {
    /// First to last.
    Forward,
    /// From each sequence's own end.
    Reverse,
}

/// Which sequences of the batch, longest first.
#[derive(Clone, Copy)]
pub(crate) struct Share<'a> {
    /// Their places in the batch; without it they are `first ..`.
    pub order: Option<&'a [usize]>,
    /// The first one's place.
    pub first: usize,
    /// How many.
    pub count: usize,
    /// Their lengths, falling; without it all have `steps`.
    pub lengths: Option<&'a [usize]>,
    /// T.
    pub steps: usize,
}

impl Share<'_> {
    /// The place in the batch.
    #[inline(always)]
    pub fn place(&self, row: usize) -> usize {
        self.order.map_or(self.first + row, |order| order[row])
    }

    /// The length of a sequence.
    #[inline(always)]
    pub fn length(&self, row: usize) -> usize {
        self.lengths.map_or(self.steps, |lengths| lengths[row])
    }

    /// Sequences that still run at `step`.
    #[inline(always)]
    fn active(&self, step: usize) -> usize {
        match self.lengths {
            None if step < self.steps => self.count,
            None => 0,
            Some(lengths) => lengths.partition_point(|length| *length > step),
        }
    }
}

/// Where the rows of an array are: of the batch, or of a share alone.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    /// Values from one step to the next.
    pub step: usize,
    /// Values from one row to the next.
    pub row: usize,
    /// Values before the row's own.
    pub column: usize,
    /// The first step that the array holds.
    pub first_step: usize,
    /// Whether rows go by their place in the batch or in the share.
    pub of: Of,
}

/// What an array's rows are counted by.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Of {
    /// The batch.
    Batch,
    /// The share.
    Share,
}

impl Place {
    #[inline(always)]
    pub fn at(&self, share: &Share<'_>, step: usize, row: usize) -> usize {
        let row = if self.of == Of::Batch { share.place(row) } else { row };
        (step - self.first_step) * self.step + row * self.row + self.column
    }
}

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
    /// The thread's place in a team that shares the hidden units.
    pub member: Option<&'a Member<'a>>,
}

/// Buffers of a thread: sized once for the largest layer.
pub(crate) struct Workspace {
    /// Input rows of a chunk.
    x: Vec<f32x16>,
    /// Input sums of a chunk.
    input: Vec<f32x16>,
    /// Recurrent sums of a group.
    recurrent: Vec<f32x16>,
    /// h, twice, and what stands between: r·h⁻, or h before its projection.
    hidden: [Vec<f32x16>; 3],
    /// c.
    memory: Vec<f32x16>,
    /// Where each step of a chunk begins.
    starts: Vec<usize>,
}

/// Bytes of input sums that are computed ahead.
const CHUNK_BYTES: usize = 512 << 10;
/// Steps of a chunk at most.
const CHUNK_STEPS: usize = 64;

/// The sizes of a pass's buffers.
#[derive(Clone, Copy)]
struct Strides {
    /// Of a staged input row.
    x: usize,
    /// Of a row of h.
    hidden: usize,
    /// Of a row of c.
    memory: usize,
    /// Values of a row's sums.
    sums: usize,
    /// Rows of a chunk at most.
    chunk: usize,
}

impl Strides {
    fn new(packed: &Packed, rows: usize) -> Self {
        let (sizes, padded) = (packed.sizes, packed.division.padded());
        // Rows a multiple of 2 KiB apart would fall on the same lines of the L1 cache.
        let spread = |width: usize| if width.is_multiple_of(256) { width + 16 } else { width };
        let registers = |width: usize| width.next_multiple_of(16);
        let sums = padded * sizes.gates;
        let chunk = (CHUNK_BYTES / (sums * size_of::<f32>())).clamp(1, CHUNK_STEPS * rows).max(rows);
        Strides {
            x: if sizes.input < 16 { sizes.input } else { spread(registers(sizes.input)) },
            hidden: spread(registers(padded.max(sizes.output))),
            memory: spread(registers(padded)),
            sums,
            chunk,
        }
    }
}

impl Workspace {
    /// Room for any of the layers with at most `rows` rows.
    pub fn new<'a>(layers: impl Iterator<Item = &'a Packed>, rows: usize) -> Self {
        let mut work = Workspace {
            x: Vec::new(),
            input: Vec::new(),
            recurrent: Vec::new(),
            hidden: [Vec::new(), Vec::new(), Vec::new()],
            memory: Vec::new(),
            starts: vec![0; CHUNK_STEPS + 1],
        };
        let grow = |buffer: &mut Vec<f32x16>, values: usize| {
            buffer.resize(buffer.len().max(values.div_ceil(16)), f32x16::splat(0.0));
        };
        for packed in layers {
            let strides = Strides::new(packed, rows);
            let group = packed.division.lanes * GROUP * packed.sizes.gates;
            grow(&mut work.x, strides.chunk * strides.x + 16);
            grow(&mut work.input, strides.chunk * strides.sums);
            let projected = packed.projection.as_ref().map_or(0, |p| p.division.lanes * GROUP);
            grow(&mut work.recurrent, rows * group.max(projected));
            for hidden in &mut work.hidden {
                grow(hidden, rows * strides.hidden);
            }
            grow(&mut work.memory, rows * strides.memory);
        }
        work
    }
}

impl Pass<'_> {
    /// Runs it. Not generic, so that it is compiled here and not again in every crate that names a session type.
    pub fn run(self, work: &mut Workspace) {
        if !self.steps.is_empty() {
            dispatch(self.packed.token, Running { pass: self, work });
        }
    }
}

/// A pass with room to work.
struct Running<'a> {
    pass: Pass<'a>,
    work: &'a mut Workspace,
}

impl Kernel for Running<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let packed = self.pass.packed;
        let peepholes = packed.unit_values();
        let recurrent_bias = peepholes;
        match packed.kind {
            Kind::StandardLstm => self.by::<I, _, { lstm::GATES }>(isa, StandardLstm),
            Kind::AnyLstm(options) => self.by::<I, _, { lstm::GATES }>(isa, AnyLstm { options, peepholes }),
            Kind::StandardGru => self.by::<I, _, { gru::GATES }>(isa, StandardGru { recurrent_bias }),
            Kind::AnyGru(options) => self.by::<I, _, { gru::GATES }>(isa, AnyGru { options, recurrent_bias }),
            Kind::ResetBefore(options) => self.by::<I, _, { gru::GATES }>(isa, ResetBefore { options }),
            Kind::TanhRnn => self.by::<I, _, { rnn::GATES }>(isa, TanhRnn),
            Kind::AnyRnn(options) => self.by::<I, _, { rnn::GATES }>(isa, AnyRnn { options }),
        }
    }
}

/// The part of the layer that a thread owns, and its buffers by name.
struct Work<'a> {
    input: &'a mut [f32],
    recurrent: &'a mut [f32],
    between: &'a mut [f32],
    memory: &'a mut [f32],
    strides: Strides,
    groups: Range<usize>,
    first_unit: usize,
}

impl Running<'_> {
    #[inline(always)]
    fn by<I: Isa, C: Cell<GATES>, const GATES: usize>(self, isa: I, cell: C) {
        let Running { pass, work } = self;
        let Pass { packed, way, share, steps, x, x_place, hidden: h_target, memory: c_target, output, cells, member } =
            pass;
        let (sizes, division) = (packed.sizes, &packed.division);
        let strides = Strides::new(packed, share.count);
        let groups = match member {
            None => 0..division.groups(),
            Some(member) => division.share(member.index, member.count),
        };
        let leader = member.is_none_or(|member| member.index == 0);
        let own = division.blocks_of(groups.clone());
        let own = own.start * I::LANES..(own.end * I::LANES).min(sizes.hidden);

        let Workspace { x: staged, input, recurrent, hidden, memory, starts } = work;
        let [hidden, next, between] = hidden;
        let staged: &mut [f32] = bytemuck::cast_slice_mut(staged);
        let mut hidden: &mut [f32] = bytemuck::cast_slice_mut(hidden);
        let mut next: &mut [f32] = bytemuck::cast_slice_mut(next);
        let mut work = Work {
            input: bytemuck::cast_slice_mut(input),
            recurrent: bytemuck::cast_slice_mut(recurrent),
            between: bytemuck::cast_slice_mut(between),
            memory: bytemuck::cast_slice_mut(memory),
            strides,
            groups,
            first_unit: own.start,
        };

        let mut active = share.active(steps.start);
        for row in 0..active {
            let place = share.place(row);
            let h = &mut hidden[row * strides.hidden..][..strides.hidden];
            h[sizes.output..].fill(0.0);
            h_target.read(place * sizes.output, &mut h[..sizes.output]);
            if C::MEMORY {
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
                    let length = share.length(row);
                    let at = if way == Way::Forward { first + count } else { length - 1 - first - count };
                    // Rows that lie side by side, as they are wanted, are taken as one.
                    let width = if together { (running - 1) * strides.x + sizes.input } else { sizes.input };
                    let source = &x[x_place.at(&share, at, row)..][..width];
                    stage(isa, source, &mut staged[(rows + row) * strides.x..][..width]);
                }
                rows += running;
                count += 1;
            }
            starts[count] = rows;
            for group in work.groups.clone() {
                let blocks = division.blocks(group);
                let start = (blocks.start - work.first_unit / I::LANES) * GATES * I::LANES * rows;
                let sums = &mut work.input[start..][..blocks.len() * GATES * I::LANES * rows];
                let bias = &packed.bias()[blocks.start * GATES * I::LANES..][..blocks.len() * GATES * I::LANES];
                let product = Product {
                    panels: &packed.input,
                    group,
                    chains: Chains::InOrder,
                    bias: Some(bias),
                    rows: Rows { data: staged, stride: strides.x },
                    count: rows,
                    ahead: ahead(packed.input.bytes()),
                };
                product.run(isa, sums);
            }
            for index in 0..count {
                let running = starts[index + 1] - starts[index];
                if running < active {
                    // These have ended: their state is final.
                    for row in running..active {
                        finish::<C, GATES>(packed, &share, row, hidden, &work, leader, &own, h_target, c_target);
                    }
                    active = running;
                }
                let chunk = Chunk { start: starts[index], rows, running, forwards: step % 2 == 0 };
                advance::<I, C, GATES>(isa, cell, packed, chunk, hidden, next, &mut work);
                if let Some(member) = member {
                    exchange(member, step % 2, sizes.hidden, running, next, &own, strides.hidden);
                }
                // What goes to the next layer, each member of a team writes in its own room.
                if let Some((target, place)) = &output
                    && (leader || place.of == Of::Share)
                {
                    for row in 0..running {
                        let at = if way == Way::Forward { step } else { share.length(row) - 1 - step };
                        target.write(place.at(&share, at, row), &next[row * strides.hidden..][..sizes.output]);
                    }
                }
                if let Some((target, place)) = &cells {
                    for row in 0..running {
                        let at = if way == Way::Forward { step } else { share.length(row) - 1 - step };
                        let c = &work.memory[row * strides.memory..][..own.len()];
                        target.write(place.at(&share, at, row) + own.start, c);
                    }
                }
                std::mem::swap(&mut hidden, &mut next);
                step += 1;
            }
            if count == 0 {
                break;
            }
            // Rows that end with the chunk are found at the next one's start.
            let running = if step < steps.end { share.active(step) } else { 0 };
            for row in running..active {
                finish::<C, GATES>(packed, &share, row, hidden, &work, leader, &own, h_target, c_target);
            }
            active = running;
        }
    }
}

/// Bytes of weights that a core keeps in its L2 cache beside all else.
const NEAR: usize = 3 << 19;

/// Whether weights of so many bytes come from afar.
#[inline(always)]
fn ahead(bytes: usize) -> Ahead {
    if bytes > NEAR { Ahead::Yes } else { Ahead::No }
}

/// Copies a row; numbers so small that their products would be subnormal become zero.
#[inline(always)]
fn stage<I: Isa>(isa: I, source: &[f32], target: &mut [f32]) {
    let negligible = isa.splat(NEGLIGIBLE);
    let whole = source.len() / I::LANES * I::LANES;
    for at in (0..whole).step_by(I::LANES) {
        isa.store(isa.load(&source[at..]).flush(negligible), &mut target[at..]);
    }
    if whole < source.len() {
        isa.store_part(isa.load_part(&source[whole..]).flush(negligible), &mut target[whole..source.len()]);
    }
}

/// Writes the state of a row that has ended.
#[inline(always)]
#[allow(clippy::too_many_arguments, reason = "the two places that call it hold these apart")]
fn finish<C: Cell<GATES>, const GATES: usize>(
    packed: &Packed,
    share: &Share<'_>,
    row: usize,
    hidden: &[f32],
    work: &Work<'_>,
    leader: bool,
    own: &Range<usize>,
    h_target: Target<'_>,
    c_target: Target<'_>,
) {
    let (place, sizes) = (share.place(row), packed.sizes);
    if leader {
        h_target.write(place * sizes.output, &hidden[row * work.strides.hidden..][..sizes.output]);
    }
    if C::MEMORY {
        let c = &work.memory[row * work.strides.memory..][..own.len()];
        c_target.write(place * sizes.memory + own.start, c);
    }
}

/// The rows of one step within a chunk.
#[derive(Clone, Copy)]
struct Chunk {
    /// The first of them.
    start: usize,
    /// Rows of the chunk.
    rows: usize,
    /// Rows of the step.
    running: usize,
    /// The order of the groups: to and fro, because what was read last is still in the cache.
    forwards: bool,
}

/// One step of the groups that a thread owns.
#[inline(always)]
fn advance<I: Isa, C: Cell<GATES>, const GATES: usize>(
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
        let group = work.groups.start + if chunk.forwards { index } else { count - 1 - index };
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
                let half = cell.begin(isa, own, heard, state, at);
                isa.store(cell.end(isa, own, heard, state, half.value, at), &mut next[unit..]);
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
fn exchange(
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
