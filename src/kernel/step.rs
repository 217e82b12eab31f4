//! One step of some hidden units: sums in, new state out, by whatever cell.
//!
//! [`update`] takes sums from memory, for any number of rows. [`single`] is for one row: its recurrent sums never leave the
//! registers, because at one row the way through memory would cost more than a small cell's arithmetic.

use super::pack::{Division, Panels};
use super::product::{CHAIN, Chains};
use crate::simd::{Isa, Vector};

/// What a cell does with the sums of its gates, for one register of hidden units of one row.
pub(crate) trait Cell<const GATES: usize>: Copy + Send + Sync {
    /// Whether there is a memory beside the hidden state (an LSTM's c).
    const MEMORY: bool;

    /// From `input = b + W·x`, `recurrent = R·h⁻` and the old state to the new one; `unit` is the register's first unit.
    ///
    /// The two sums come apart because a GRU scales one of them. Implementations are `#[inline(always)]`.
    fn advance<I: Isa>(
        self,
        isa: I,
        input: [I::Vector; GATES],
        recurrent: [I::Vector; GATES],
        old: State<I::Vector>,
        unit: usize,
    ) -> State<I::Vector>;
}

/// The state of a register of hidden units.
#[derive(Clone, Copy)]
pub(crate) struct State<V> {
    /// The hidden state h.
    pub hidden: V,
    /// What the cell keeps for itself (an LSTM's c).
    pub memory: V,
}

/// Where the state of the rows is. Rows are padded to whole registers, so that no load or store needs a mask.
pub(crate) struct Places<'a> {
    /// h⁻ of all units.
    pub hidden: &'a [f32],
    /// Becomes h.
    pub next: &'a mut [f32],
    /// Values from one row of `hidden` and `next` to the following one.
    pub hidden_stride: usize,
    /// c⁻, becomes c, of the units from `first_unit`; empty where the cell has none.
    pub memory: &'a mut [f32],
    /// Values from one row of `memory` to the following one.
    pub memory_stride: usize,
    /// The first unit that `memory` holds.
    pub first_unit: usize,
}

/// Updates a group's units of `rows` rows from sums in memory, rows × line each.
#[inline(always)]
pub(crate) fn update<I: Isa, C: Cell<GATES>, const GATES: usize>(
    isa: I,
    cell: C,
    blocks: std::ops::Range<usize>,
    rows: usize,
    input: &[f32],
    recurrent: &[f32],
    places: &mut Places<'_>,
) {
    let width = blocks.len() * GATES * I::LANES;
    for row in 0..rows {
        let input = &input[row * width..][..width];
        let recurrent = &recurrent[row * width..][..width];
        let sums = input.chunks_exact(GATES * I::LANES).zip(recurrent.chunks_exact(GATES * I::LANES));
        for (block, (input, recurrent)) in blocks.clone().zip(sums) {
            let (input, recurrent) = (load_all(isa, input), load_all(isa, recurrent));
            finish::<I, C, GATES>(isa, cell, block * I::LANES, row, input, recurrent, places);
        }
    }
}

#[inline(always)]
fn finish<I: Isa, C: Cell<GATES>, const GATES: usize>(
    isa: I,
    cell: C,
    unit: usize,
    row: usize,
    input: [I::Vector; GATES],
    recurrent: [I::Vector; GATES],
    places: &mut Places<'_>,
) {
    let at = row * places.hidden_stride + unit;
    let hidden = isa.load(&places.hidden[at..]);
    if C::MEMORY {
        let memory = &mut places.memory[row * places.memory_stride + unit - places.first_unit..][..I::LANES];
        let new = cell.advance(isa, input, recurrent, State { hidden, memory: isa.load(memory) }, unit);
        isa.store(new.memory, memory);
        isa.store(new.hidden, &mut places.next[at..]);
    } else {
        let new = cell.advance(isa, input, recurrent, State { hidden, memory: hidden }, unit);
        isa.store(new.hidden, &mut places.next[at..]);
    }
}

/// Where one row's `b + W·x` comes from.
#[derive(Clone, Copy)]
pub(crate) enum Input<'a> {
    /// It was computed ahead: this group's line.
    Sums(&'a [f32]),
    /// From a row of features.
    Features {
        /// W.
        weights: &'a Panels,
        /// b, one line a group, one group after the other.
        bias: &'a [f32],
        /// The row.
        x: &'a [f32],
    },
}

/// What one row's step needs of its layer.
#[derive(Clone, Copy)]
pub(crate) struct Single<'a, C> {
    /// The update.
    pub cell: C,
    /// The hidden units.
    pub division: &'a Division,
    /// R.
    pub recurrent: &'a Panels,
    /// The recurrent sums' order.
    pub chains: Chains,
    /// Terms between a weight and the one that is asked for when it is used; 0 where all are in a near cache.
    pub ahead: usize,
}

/// Advances one group of one row.
#[inline(always)]
pub(crate) fn single<I: Isa, C: Cell<GATES>, const GATES: usize>(
    isa: I,
    step: Single<'_, C>,
    group: usize,
    input: Input<'_>,
    places: &mut Places<'_>,
) {
    let blocks = step.division.blocks(group);
    match blocks.len() {
        1 => single_blocks::<I, C, GATES, 1>(isa, step, group, blocks.start, input, places),
        2 => single_blocks::<I, C, GATES, 2>(isa, step, group, blocks.start, input, places),
        _ => single_blocks::<I, C, GATES, 3>(isa, step, group, blocks.start, input, places),
    }
}

#[inline(always)]
fn single_blocks<I: Isa, C: Cell<GATES>, const GATES: usize, const BLOCKS: usize>(
    isa: I,
    step: Single<'_, C>,
    group: usize,
    first_block: usize,
    input: Input<'_>,
    places: &mut Places<'_>,
) {
    let line = GATES * I::LANES;
    let zeros = [[isa.splat(0.0); GATES]; BLOCKS];
    let input: [[I::Vector; GATES]; BLOCKS] = match input {
        Input::Sums(sums) => load_blocks(isa, &sums[..BLOCKS * line]),
        Input::Features { weights, bias, x } => {
            let bias = load_blocks(isa, &bias[first_block * line..][..BLOCKS * line]);
            dot(isa, weights.group(group), x, bias, Chains::InOrder, 0)
        }
    };
    let depth = step.recurrent.depth();
    let hidden = &places.hidden[..depth];
    let recurrent: [[I::Vector; GATES]; BLOCKS] =
        dot(isa, step.recurrent.group(group), hidden, zeros, step.chains, step.ahead);
    for block in 0..BLOCKS {
        let unit = (first_block + block) * I::LANES;
        finish::<I, C, GATES>(isa, step.cell, unit, 0, input[block], recurrent[block], places);
    }
}

/// `start + Σ_k values[k] · line[k]`, in chains as [`super::product::Product`] sums them.
#[inline(always)]
fn dot<I: Isa, const GATES: usize, const BLOCKS: usize>(
    isa: I,
    lines: &[f32],
    values: &[f32],
    start: [[I::Vector; GATES]; BLOCKS],
    chains: Chains,
    ahead: usize,
) -> [[I::Vector; GATES]; BLOCKS] {
    let width = BLOCKS * GATES * I::LANES;
    let zeros = [[isa.splat(0.0); GATES]; BLOCKS];
    if chains == Chains::Halves {
        let half = values.len().div_ceil(2);
        let (first, second) = values.split_at(half);
        let (first_lines, second_lines) = lines.split_at(half * width);
        return two_chains(isa, [first_lines, second_lines], [first, second], start);
    }
    let (head, rest) = values.split_at(values.len().min(CHAIN));
    let (head_lines, rest_lines) = lines.split_at(head.len() * width);
    let mut total = one_chain(isa, head_lines, head, start, ahead);
    for (lines, values) in rest_lines.chunks(CHAIN * width).zip(rest.chunks(CHAIN)) {
        let chain = one_chain(isa, lines, values, zeros, ahead);
        for block in 0..BLOCKS {
            for gate in 0..GATES {
                total[block][gate] = total[block][gate] + chain[block][gate];
            }
        }
    }
    total
}

#[inline(always)]
fn one_chain<I: Isa, const GATES: usize, const BLOCKS: usize>(
    isa: I,
    lines: &[f32],
    values: &[f32],
    start: [[I::Vector; GATES]; BLOCKS],
    ahead: usize,
) -> [[I::Vector; GATES]; BLOCKS] {
    let width = BLOCKS * GATES * I::LANES;
    let mut sums = start;
    if ahead > 0 {
        for (line, value) in lines.chunks_exact(width).zip(values) {
            for part in 0..(width / 16).max(1) {
                isa.prefetch(line, ahead * width + part * 16);
            }
            add_line(isa, line, *value, &mut sums);
        }
    } else {
        for (line, value) in lines.chunks_exact(width).zip(values) {
            add_line(isa, line, *value, &mut sums);
        }
    }
    sums
}

/// Two chains side by side, the second of as many terms or one less; their sum.
#[inline(always)]
fn two_chains<I: Isa, const GATES: usize, const BLOCKS: usize>(
    isa: I,
    lines: [&[f32]; 2],
    values: [&[f32]; 2],
    start: [[I::Vector; GATES]; BLOCKS],
) -> [[I::Vector; GATES]; BLOCKS] {
    let width = BLOCKS * GATES * I::LANES;
    let (mut first, mut second) = (start, [[isa.splat(0.0); GATES]; BLOCKS]);
    let pairs = values[1].len();
    let (head, last) = lines[0].split_at(pairs * width);
    let line_pairs = head.chunks_exact(width).zip(lines[1].chunks_exact(width));
    for ((a, b), (x, y)) in line_pairs.zip(values[0].iter().zip(values[1])) {
        add_line(isa, a, *x, &mut first);
        add_line(isa, b, *y, &mut second);
    }
    if !last.is_empty() {
        add_line(isa, last, values[0][pairs], &mut first);
    }
    for block in 0..BLOCKS {
        for gate in 0..GATES {
            first[block][gate] = first[block][gate] + second[block][gate];
        }
    }
    first
}

#[inline(always)]
fn add_line<I: Isa, const GATES: usize, const BLOCKS: usize>(
    isa: I,
    line: &[f32],
    value: f32,
    sums: &mut [[I::Vector; GATES]; BLOCKS],
) {
    let value = isa.splat(value);
    for block in 0..BLOCKS {
        for gate in 0..GATES {
            let weight = isa.load(&line[(block * GATES + gate) * I::LANES..]);
            sums[block][gate] = weight.mul_add(value, sums[block][gate]);
        }
    }
}

#[inline(always)]
fn load_all<I: Isa, const GATES: usize>(isa: I, line: &[f32]) -> [I::Vector; GATES] {
    let mut vectors = [isa.splat(0.0); GATES];
    for gate in 0..GATES {
        vectors[gate] = isa.load(&line[gate * I::LANES..]);
    }
    vectors
}

#[inline(always)]
fn load_blocks<I: Isa, const GATES: usize, const BLOCKS: usize>(isa: I, line: &[f32]) -> [[I::Vector; GATES]; BLOCKS] {
    let mut blocks = [[isa.splat(0.0); GATES]; BLOCKS];
    for block in 0..BLOCKS {
        blocks[block] = load_all(isa, &line[block * GATES * I::LANES..]);
    }
    blocks
}
