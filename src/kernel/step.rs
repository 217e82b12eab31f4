//! One step of some hidden units: sums in, new state out, by whatever cell.
//!
//! [`update`] takes sums from memory, for any number of rows. [`single`] is for one row: its recurrent sums never leave the
//! registers, because at one row the way through memory would cost more than a small cell's arithmetic.

#![allow(clippy::needless_range_loop, reason = "arrays of registers are indexed: iterators are not always inlined")]

use super::pack::{Division, PANEL, Panels};
use super::product::{CHAIN, Chains, Rows};
use crate::simd::{Isa, Vector};

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

/// `start + Σ_k values[k] · line[k]`, in chains as [`super::product::Product`] sums them, all of the group's columns side by
/// side: a chain alone would wait for itself.
#[inline(always)]
fn dot<I: Isa, const GATES: usize, const BLOCKS: usize>(
    isa: I,
    group: &[f32],
    values: &[f32],
    start: [[I::Vector; GATES]; BLOCKS],
    chains: Chains,
    ahead: usize,
) -> [[I::Vector; GATES]; BLOCKS] {
    let (depth, zeros) = (values.len(), [[isa.splat(0.0); GATES]; BLOCKS]);
    if chains == Chains::Halves {
        let half = depth.div_ceil(2);
        let [first, second] = [Lines { group, depth, at: 0 }, Lines { group, depth, at: half }];
        return two_chains(isa, [first, second], [&values[..half], &values[half..]], start);
    }
    // A few columns wait for themselves: as many whole chains go side by side as there are registers for.
    let beside = SUMS / (BLOCKS * GATES).max(1);
    let (mut total, mut at);
    if beside < 2 || depth < 2 * CHAIN || ahead > 0 {
        at = depth.min(CHAIN);
        total = one_chain(isa, Lines { group, depth, at: 0 }, &values[..at], start, ahead);
    } else {
        let lines = Lines { group, depth, at: 0 };
        if beside >= 4 && depth >= 4 * CHAIN {
            total = in_order(abreast::<I, GATES, BLOCKS, 4>(isa, lines, values, start, zeros));
            at = 4 * CHAIN;
        } else if beside >= 3 && depth >= 3 * CHAIN {
            total = in_order(abreast::<I, GATES, BLOCKS, 3>(isa, lines, values, start, zeros));
            at = 3 * CHAIN;
        } else {
            total = in_order(abreast::<I, GATES, BLOCKS, 2>(isa, lines, values, start, zeros));
            at = 2 * CHAIN;
        }
        while depth - at >= 2 * CHAIN {
            let lines = Lines { group, depth, at };
            let chains = abreast::<I, GATES, BLOCKS, 2>(isa, lines, &values[at..], zeros, zeros);
            total = plus(plus(total, chains[0]), chains[1]);
            at += 2 * CHAIN;
        }
    }
    while at < depth {
        let terms = CHAIN.min(depth - at);
        let chain = one_chain(isa, Lines { group, depth, at }, &values[at..][..terms], zeros, ahead);
        total = plus(total, chain);
        at += terms;
    }
    total
}

/// Registers of sums that are worked on at once: two units of four or five cycles' latency need eight to ten.
const SUMS: usize = 12;

#[inline(always)]
fn plus<V: Vector, const GATES: usize, const BLOCKS: usize>(
    mut a: [[V; GATES]; BLOCKS],
    b: [[V; GATES]; BLOCKS],
) -> [[V; GATES]; BLOCKS] {
    for block in 0..BLOCKS {
        for gate in 0..GATES {
            a[block][gate] = a[block][gate] + b[block][gate];
        }
    }
    a
}

/// Adds chains in their order.
#[inline(always)]
fn in_order<V: Vector, const GATES: usize, const BLOCKS: usize, const CHAINS: usize>(
    chains: [[[V; GATES]; BLOCKS]; CHAINS],
) -> [[V; GATES]; BLOCKS] {
    let mut total = chains[0];
    for chain in 1..CHAINS {
        total = plus(total, chains[chain]);
    }
    total
}

/// Whole chains side by side, of which the first starts from `start`.
#[inline(always)]
fn abreast<I: Isa, const GATES: usize, const BLOCKS: usize, const CHAINS: usize>(
    isa: I,
    lines: Lines<'_>,
    values: &[f32],
    start: [[I::Vector; GATES]; BLOCKS],
    zeros: [[I::Vector; GATES]; BLOCKS],
) -> [[[I::Vector; GATES]; BLOCKS]; CHAINS] {
    let mut panels = [[&[][..]; PANELS]; CHAINS];
    let mut terms = [&[0.0; CHAIN]; CHAINS];
    let (values, _) = values.as_chunks::<CHAIN>();
    let mut sums = [zeros; CHAINS];
    sums[0] = start;
    for chain in 0..CHAINS {
        let lines = Lines { at: lines.at + chain * CHAIN, ..lines };
        panels[chain] = lines.panels(BLOCKS * GATES, I::LANES, CHAIN);
        terms[chain] = &values[chain];
    }
    for k in 0..CHAIN {
        for chain in 0..CHAINS {
            add_line(isa, &panels[chain], k, terms[chain][k], &mut sums[chain]);
        }
    }
    sums
}

/// A group's lines from term `at` on.
#[derive(Clone, Copy)]
struct Lines<'a> {
    group: &'a [f32],
    depth: usize,
    at: usize,
}

/// The most panels of a group: an LSTM's.
const PANELS: usize = 4;

impl<'a> Lines<'a> {
    /// Each panel's lines of `terms` terms, in a group of `registers` columns of `lanes`.
    #[inline(always)]
    fn panels(self, registers: usize, lanes: usize, terms: usize) -> [&'a [f32]; PANELS] {
        let mut panels: [&[f32]; PANELS] = [&[]; PANELS];
        for panel in 0..registers.div_ceil(PANEL) {
            let width = PANEL.min(registers - panel * PANEL) * lanes;
            panels[panel] = &self.group[panel * PANEL * lanes * self.depth + self.at * width..][..terms * width];
        }
        panels
    }
}

#[inline(always)]
fn one_chain<I: Isa, const GATES: usize, const BLOCKS: usize>(
    isa: I,
    lines: Lines<'_>,
    values: &[f32],
    start: [[I::Vector; GATES]; BLOCKS],
    ahead: usize,
) -> [[I::Vector; GATES]; BLOCKS] {
    let panels = lines.panels(BLOCKS * GATES, I::LANES, values.len());
    let mut sums = start;
    if ahead > 0 {
        for (k, value) in values.iter().enumerate() {
            for panel in 0..(BLOCKS * GATES).div_ceil(PANEL) {
                let line = PANEL.min(BLOCKS * GATES - panel * PANEL) * I::LANES;
                for part in 0..line.div_ceil(16) {
                    isa.prefetch(panels[panel], (k + ahead) * line + part * 16);
                }
            }
            add_line(isa, &panels, k, *value, &mut sums);
        }
    } else {
        for (k, value) in values.iter().enumerate() {
            add_line(isa, &panels, k, *value, &mut sums);
        }
    }
    sums
}

/// Two chains side by side, the second of as many terms or one less; their sum.
#[inline(always)]
fn two_chains<I: Isa, const GATES: usize, const BLOCKS: usize>(
    isa: I,
    [first, second]: [Lines<'_>; 2],
    [x, y]: [&[f32]; 2],
    start: [[I::Vector; GATES]; BLOCKS],
) -> [[I::Vector; GATES]; BLOCKS] {
    let registers = BLOCKS * GATES;
    let (left, right) = (first.panels(registers, I::LANES, x.len()), second.panels(registers, I::LANES, y.len()));
    let (mut sums, mut others) = (start, [[isa.splat(0.0); GATES]; BLOCKS]);
    for (k, (x, y)) in x.iter().zip(y).enumerate() {
        add_line(isa, &left, k, *x, &mut sums);
        add_line(isa, &right, k, *y, &mut others);
    }
    if x.len() > y.len() {
        add_line(isa, &left, x.len() - 1, x[x.len() - 1], &mut sums);
    }
    for block in 0..BLOCKS {
        for gate in 0..GATES {
            sums[block][gate] = sums[block][gate] + others[block][gate];
        }
    }
    sums
}

/// Adds `value · line[k]`.
#[inline(always)]
fn add_line<I: Isa, const GATES: usize, const BLOCKS: usize>(
    isa: I,
    panels: &[&[f32]; PANELS],
    k: usize,
    value: f32,
    sums: &mut [[I::Vector; GATES]; BLOCKS],
) {
    let value = isa.splat(value);
    let mut lines: [&[f32]; PANELS] = [&[]; PANELS];
    for panel in 0..(BLOCKS * GATES).div_ceil(PANEL) {
        let width = PANEL.min(BLOCKS * GATES - panel * PANEL) * I::LANES;
        lines[panel] = &panels[panel][k * width..][..width];
    }
    for block in 0..BLOCKS {
        for gate in 0..GATES {
            let column = block * GATES + gate;
            let weight = isa.load(&lines[column / PANEL][column % PANEL * I::LANES..]);
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
