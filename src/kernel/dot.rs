//! One row by the columns of a group or of a panel: sums that never leave the registers.

#![allow(clippy::needless_range_loop, reason = "arrays of registers are indexed: iterators are not always inlined")]

use super::chains::{CHAIN, Chains};
use super::pack::PANEL;
use crate::simd::{Isa, Vector};

/// `start + Σ_k values[k] · line[k]`, in chains as [`super::product::Product`] sums them, all columns side by side:
/// a chain alone would wait for itself.
#[inline(always)]
pub(crate) fn dot<I: Isa, const GATES: usize, const BLOCKS: usize>(
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
