//! One step of some hidden units: sums in, new state out, by whatever cell.
//!
//! [`update`] takes sums from memory, for any number of rows. [`single`] is for one row: its recurrent sums never leave the
//! registers, because at one row the way through memory would cost more than a small cell's arithmetic.

#![allow(clippy::needless_range_loop, reason = "arrays of registers are indexed: iterators are not always inlined")]

use super::chains::Chains;
use super::dot::dot;
use super::pack::{Division, Panels};
use super::product::Rows;
use crate::simd::Isa;

/// What a cell does with the sums of its gates, for one register of hidden units of one row.
pub(crate) trait Cell<const GATES: usize>: Copy + Send + Sync {
    /// Whether there is a memory beside the hidden state (an LSTM's c).
    const MEMORY: bool;

    /// Whether it hears the memory of the layer below.
    const BELOW: bool = false;

    /// Whether its last gate hears r·h⁻, of all units, and not h⁻.
    const RESETS: bool = false;

    /// The sums that learning keeps of a step: those that hear the input first, those that hear the old hidden state last.
    const KEEP: &'static [Keep];

    /// The first half of the update. Implementations are `#[inline(always)]`.
    fn begin<I: Isa>(self, isa: I, now: Now<I::Vector, GATES>) -> Half<I::Vector>;

    /// The second half: the new h, from what `begin` left.
    ///
    /// The halves are apart because many rows go through the first and then through the second: a processor looks ahead some
    /// 500 instructions, and that is two whole updates, whose chains it would wait for, but four or five halves.
    fn end<I: Isa>(self, isa: I, now: Now<I::Vector, GATES>, half: I::Vector) -> I::Vector;
}

/// A sum that learning keeps: of one gate, over the input, the old hidden state, or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Keep {
    /// Which gate.
    pub gate: usize,
    /// The terms.
    pub terms: Terms,
    /// What the recurrent weights hear.
    pub hears: Hears,
    /// Whether the gate's bias is one of the terms.
    pub bias: bool,
}

impl Keep {
    /// A sum over what is usual: h⁻, and the bias beside the input.
    pub const fn of(gate: usize, terms: Terms) -> Self {
        Keep { gate, terms, hears: Hears::Hidden, bias: !matches!(terms, Terms::Recurrent) }
    }

    /// The same over something else than h⁻.
    pub const fn hearing(self, hears: Hears) -> Self {
        Keep { hears, ..self }
    }
}

/// What recurrent weights are multiplied with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hears {
    /// h⁻.
    Hidden,
    /// tanh(h⁻).
    Squashed,
    /// r·h⁻.
    Reset,
}

/// What a kept sum is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Terms {
    /// `b + W·x + R·h⁻`.
    Both,
    /// `b + W·x`.
    Input,
    /// `R·h⁻`.
    Recurrent,
}

/// The whole sums of four gates; cells of fewer take the first ones.
pub(crate) const WHOLE: &[Keep] =
    &[Keep::of(0, Terms::Both), Keep::of(1, Terms::Both), Keep::of(2, Terms::Both), Keep::of(3, Terms::Both)];

/// What a register of hidden units of one row is updated from.
///
/// The two sums come apart because a GRU scales one of them.
#[derive(Clone, Copy)]
pub(crate) struct Now<V, const GATES: usize> {
    /// `b + W·x`, gate by gate.
    pub input: [V; GATES],
    /// `R·h⁻`, gate by gate.
    pub recurrent: [V; GATES],
    /// The old state.
    pub old: State<V>,
    /// The new memory of the layer below; nothing for a cell that does not hear it.
    pub below: V,
    /// The first unit.
    pub unit: usize,
}

/// What the first half of an update leaves.
#[derive(Clone, Copy)]
pub(crate) struct Half<V> {
    /// For the second half.
    pub value: V,
    /// The new memory.
    pub memory: V,
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
    /// c of the layer below; empty where the cell does not hear it.
    pub below: Rows<'a>,
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
    recurrent: &mut [f32],
    places: &mut Places<'_>,
) {
    let (width, gates) = (blocks.len() * GATES * I::LANES, GATES * I::LANES);
    // Indices, not zipped iterators: what a row's iterators cost is as much as a small row's arithmetic.
    for row in 0..rows {
        for index in 0..blocks.len() {
            let (unit, at) = ((blocks.start + index) * I::LANES, row * width + index * gates);
            let (input, recurrent) = (&input[at..][..gates], &mut recurrent[at..][..gates]);
            let hidden = isa.load(&places.hidden[row * places.hidden_stride + unit..]);
            let (input, sums) = (load_all(isa, input), load_all(isa, recurrent));
            let below = match C::BELOW {
                true => isa.load(&places.below.data[row * places.below.stride + unit..]),
                false => hidden,
            };
            let half = if C::MEMORY {
                let at = row * places.memory_stride + unit - places.first_unit;
                let memory = &mut places.memory[at..][..I::LANES];
                let old = State { hidden, memory: isa.load(memory) };
                let half = cell.begin(isa, Now { input, recurrent: sums, old, below, unit });
                isa.store(half.memory, memory);
                half
            } else {
                let old = State { hidden, memory: hidden };
                cell.begin(isa, Now { input, recurrent: sums, old, below, unit })
            };
            // The first gate's sum has been used: its place takes the half.
            isa.store(half.value, recurrent);
        }
    }
    for row in 0..rows {
        for index in 0..blocks.len() {
            let (unit, at) = ((blocks.start + index) * I::LANES, row * width + index * gates);
            let (input, recurrent) = (&input[at..][..gates], &recurrent[at..][..gates]);
            let at = row * places.hidden_stride + unit;
            let hidden = isa.load(&places.hidden[at..]);
            let (input, sums) = (load_all(isa, input), load_all(isa, recurrent));
            let old = State { hidden, memory: hidden };
            let now = Now { input, recurrent: sums, old, below: hidden, unit };
            isa.store(cell.end(isa, now, sums[0]), &mut places.next[at..]);
        }
    }
}

/// Updates one register of one row from sums in registers; of no cell that hears the layer below.
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
        let old = State { hidden, memory: isa.load(memory) };
        let now = Now { input, recurrent, old, below: hidden, unit };
        let half = cell.begin(isa, now);
        isa.store(half.memory, memory);
        isa.store(cell.end(isa, now, half.value), &mut places.next[at..]);
    } else {
        let old = State { hidden, memory: hidden };
        let now = Now { input, recurrent, old, below: hidden, unit };
        let half = cell.begin(isa, now);
        isa.store(cell.end(isa, now, half.value), &mut places.next[at..]);
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
        1 => single_blocks::<I, C, GATES, 1, 0>(isa, step, group, blocks.start, input, places),
        2 => single_blocks::<I, C, GATES, 2, 0>(isa, step, group, blocks.start, input, places),
        _ => single_blocks::<I, C, GATES, 3, 0>(isa, step, group, blocks.start, input, places),
    }
}

/// [`single`] for a group of `BLOCKS` blocks from `first_block` on, with `DEPTH` recurrent terms (any number where it is 0).
#[inline(always)]
pub(crate) fn single_blocks<I: Isa, C: Cell<GATES>, const GATES: usize, const BLOCKS: usize, const DEPTH: usize>(
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
    let depth = if DEPTH > 0 { DEPTH } else { step.recurrent.depth() };
    let hidden = &places.hidden[..depth];
    let recurrent: [[I::Vector; GATES]; BLOCKS] =
        dot(isa, step.recurrent.group(group), hidden, zeros, step.chains, step.ahead);
    for block in 0..BLOCKS {
        let unit = (first_block + block) * I::LANES;
        finish::<I, C, GATES>(isa, step.cell, unit, 0, input[block], recurrent[block], places);
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
