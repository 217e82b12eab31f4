//! The product of some rows with a group's packed weights: register tiles of rows × three vectors.
//!
//! The order of summation is fixed by the layer's shape alone: chains of some terms ([`Chains`]), whose sums are added in
//! order. So a row has the same bits alone or in any batch, on any number of threads, whole or streamed, and on AVX2 and
//! AVX-512.
//!
//! Arrays are filled by loops here, never by `array::map` or `from_fn`: these are not always inlined, and what is not inlined
//! into the function that has the features on is compiled without them, and saves all registers at the call.

#![allow(clippy::needless_range_loop, reason = "arrays of registers are indexed: iterators are not always inlined")]

use super::chains::Chains;
use super::dot::dot;
use super::pack::{PANEL, Panels};
use crate::simd::{Isa, Vector};

/// Rows of equal width at a fixed distance.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    /// Starts at the first row.
    pub data: &'a [f32],
    /// Values from one row's start to the next one's.
    pub stride: usize,
}

/// Rows that are worked on together, so that their sums and a chain of weights share the L1 cache.
const ROWS_TOGETHER: usize = 48;

/// Whether the weights that come next are asked for ahead where the rows are few.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ahead {
    /// They are near enough.
    No,
    /// They come from afar.
    Yes,
}

/// Bytes of weights that a core keeps in its L2 cache beside all else.
pub(crate) const NEAR: usize = 3 << 19;

/// Rows from which on the next weights are asked for wherever they are: loads have room beside the multiply-adds. For fewer it
/// cost 6 % (docs/performance.md).
const MANY: usize = 4;

impl Ahead {
    /// For weights of so many bytes.
    #[inline(always)]
    pub fn of(bytes: usize) -> Self {
        if bytes > NEAR { Ahead::Yes } else { Ahead::No }
    }
}

/// `sums[row] = bias + Σ_k rows[row][k] · line[k]` for one group; `sums` is rows × line, row-major.
pub(crate) struct Product<'a> {
    /// The packed weights.
    pub panels: &'a Panels,
    /// Which group of them.
    pub group: usize,
    /// The order of summation.
    pub chains: Chains,
    /// One line that the first chain starts from; zeros if there is none.
    pub bias: Option<&'a [f32]>,
    /// The rows.
    pub rows: Rows<'a>,
    /// How many.
    pub count: usize,
    /// Where the weights come from.
    pub ahead: Ahead,
}

impl Product<'_> {
    /// Computes. Compiled once an instruction set, not once a cell: nothing is lost by the call.
    #[inline(never)]
    pub fn run<I: Isa>(&self, isa: I, sums: &mut [f32]) {
        isa.enable(
            #[inline(always)]
            || match self.ahead {
                Ahead::No if self.count < MANY => self.compute::<I, false>(isa, sums),
                _ => self.compute::<I, true>(isa, sums),
            },
        );
    }

    #[inline(always)]
    fn compute<I: Isa, const AHEAD: bool>(&self, isa: I, sums: &mut [f32]) {
        let (group, width) = (self.panels.group(self.group), self.panels.width(self.group));
        let mut first = 0;
        // No division is needed for a few rows: five of them are as long as a small group's arithmetic.
        while first < self.count {
            let rows = balanced_part(self.count - first, ROWS_TOGETHER);
            let mut column = 0;
            while column < width {
                let strip = Strip { group, column, width, first, rows };
                match (width - column) / I::LANES {
                    1 => self.strip::<I, 1, AHEAD>(isa, strip, sums),
                    2 => self.strip::<I, 2, AHEAD>(isa, strip, sums),
                    _ => self.strip::<I, 3, AHEAD>(isa, strip, sums),
                }
                column += PANEL * I::LANES;
            }
            first += rows;
        }
    }

    /// Some rows by one panel of `VECTORS` columns, chain by chain.
    #[inline(always)]
    fn strip<I: Isa, const VECTORS: usize, const AHEAD: bool>(&self, isa: I, strip: Strip<'_>, sums: &mut [f32]) {
        let Strip { group, column, width, first, rows } = strip;
        let (depth, line) = (self.panels.depth(), VECTORS * I::LANES);
        let start = column * depth;
        if rows == 1 && !AHEAD && self.chains != Chains::Long {
            // Its chains go side by side: one alone would wait for itself.
            let values = &self.rows.data[first * self.rows.stride..][..depth];
            let mut from = [[isa.splat(0.0); VECTORS]];
            if let Some(bias) = self.bias {
                for vector in 0..VECTORS {
                    from[0][vector] = isa.load(&bias[column + vector * I::LANES..]);
                }
            }
            let [row] = dot(isa, &group[start..][..depth * line], values, from, self.chains, 0);
            let sums = &mut sums[first * width + column..][..line];
            for vector in 0..VECTORS {
                isa.store(row[vector], &mut sums[vector * I::LANES..]);
            }
            return;
        }
        let mut at = 0;
        while at < depth {
            let terms = (depth - at).min(if at == 0 { self.chains.first(depth) } else { self.chains.next() });
            let lines = &group[start + at * line..][..terms * line];
            let bias = self.bias.filter(|_| at == 0).map(|bias| &bias[column..][..line]);
            let mut ahead = start + (at + terms) * line;
            for (tile, count) in balanced(rows, I::TILE_ROWS) {
                let tile = Tile {
                    isa,
                    lines,
                    bias,
                    at,
                    terms,
                    rows: self.rows,
                    first: first + tile,
                    width,
                    column,
                    group,
                    ahead,
                };
                match count {
                    1 => tile.run::<1, VECTORS, AHEAD>(sums),
                    2 => tile.run::<2, VECTORS, AHEAD>(sums),
                    3 => tile.run::<3, VECTORS, AHEAD>(sums),
                    4 => tile.run::<4, VECTORS, AHEAD>(sums),
                    5 => tile.run::<5, VECTORS, AHEAD>(sums),
                    6 => tile.run::<6, VECTORS, AHEAD>(sums),
                    7 => tile.run::<7, VECTORS, AHEAD>(sums),
                    8 => tile.run::<8, VECTORS, AHEAD>(sums),
                    _ => unreachable!("TILE_ROWS is at most 8"),
                }
                ahead += terms * 16;
            }
            at += terms;
        }
    }
}

/// Some rows, and a panel of a group.
struct Strip<'a> {
    group: &'a [f32],
    /// The panel's first column; its lines stand behind those of all columns before.
    column: usize,
    /// Values of a row of sums.
    width: usize,
    /// The first row.
    first: usize,
    rows: usize,
}

/// Rows of the next part when `left` rows go in as few parts of at most `most` as possible, of about equal size.
#[inline(always)]
fn balanced_part(left: usize, most: usize) -> usize {
    if left <= most { left } else { left.div_ceil(left.div_ceil(most)) }
}

/// Splits `rows` into as few tiles of at most `most` as possible, of sizes that differ by at most one.
///
/// 33 rows go as 7 7 7 6 6, not as 8 8 8 8 1: a low tile leaves the FMA units waiting.
#[inline(always)]
pub(crate) fn balanced(rows: usize, most: usize) -> impl Iterator<Item = (usize, usize)> {
    let tiles = rows.div_ceil(most).max(1);
    let (low, high_tiles) = if tiles == 1 { (rows, 0) } else { (rows / tiles, rows % tiles) };
    (0..tiles).map(move |tile| (tile * low + tile.min(high_tiles), low + usize::from(tile < high_tiles)))
}

/// A register tile: some rows by the lines of a chain.
struct Tile<'a, I> {
    isa: I,
    /// The chain's lines.
    lines: &'a [f32],
    /// What the first chain starts from.
    bias: Option<&'a [f32]>,
    /// The chain's first term, and how many.
    at: usize,
    terms: usize,
    rows: Rows<'a>,
    /// The first row.
    first: usize,
    /// Values of a row of sums, and where this panel's begin.
    width: usize,
    column: usize,
    /// All weights of the group, and which of them may be asked for ahead: one cache line a term.
    group: &'a [f32],
    ahead: usize,
}

impl<I: Isa> Tile<'_, I> {
    #[inline(always)]
    fn run<const ROWS: usize, const VECTORS: usize, const AHEAD: bool>(self, sums: &mut [f32]) {
        if ROWS > I::TILE_ROWS || ROWS >= MANY && !AHEAD {
            return; // Never called: keeps tiles that spill, and what is not used, out of the compiled code.
        }
        let (isa, rows) = (self.isa, self.rows);
        let mut values: [&[f32]; ROWS] = [&[]; ROWS];
        for row in 0..ROWS {
            values[row] = &rows.data[(self.first + row) * rows.stride + self.at..][..self.terms];
        }
        let mut start = [isa.splat(0.0); VECTORS];
        if let Some(bias) = self.bias {
            for vector in 0..VECTORS {
                start[vector] = isa.load(&bias[vector * I::LANES..]);
            }
        }
        let total = self.accumulate::<ROWS, VECTORS, AHEAD>(values, start);
        for row in 0..ROWS {
            let sums = &mut sums[(self.first + row) * self.width + self.column..][..VECTORS * I::LANES];
            for vector in 0..VECTORS {
                let sum = &mut sums[vector * I::LANES..][..I::LANES];
                if self.at == 0 {
                    isa.store(total[row][vector], sum);
                } else {
                    isa.store(isa.load(sum) + total[row][vector], sum);
                }
            }
        }
    }

    /// `start + Σ_k values[row][k] · line[k]`, in the order of k: the innermost loop.
    #[inline(always)]
    fn accumulate<const ROWS: usize, const VECTORS: usize, const AHEAD: bool>(
        &self,
        values: [&[f32]; ROWS],
        start: [I::Vector; VECTORS],
    ) -> [[I::Vector; VECTORS]; ROWS] {
        // Four terms a turn: the loop's own instructions then no longer compete with the multiply-adds for their ports.
        const TURN: usize = 4;
        let (isa, line) = (self.isa, VECTORS * I::LANES);
        let mut sums = [start; ROWS];
        let count = self.terms / TURN;
        let mut quads: [&[[f32; TURN]]; ROWS] = [&[]; ROWS];
        for row in 0..ROWS {
            // Rows of one known length: the bounds checks leave the loop.
            quads[row] = &values[row].as_chunks::<TURN>().0[..count];
        }
        let mut lines = self.lines;
        for turn in 0..count {
            for k in 0..TURN {
                // This check stays, and with it each term is a block of instructions of its own. In one block the compiler now
                // and then loads the values of all four terms first, and saves sums to make room: twice the time.
                let Some((own, rest)) = lines.split_at_checked(line) else { return sums };
                lines = rest;
                if AHEAD {
                    isa.prefetch(self.group, self.ahead + (turn * TURN + k) * 16);
                }
                let mut weights = [isa.splat(0.0); VECTORS];
                for vector in 0..VECTORS {
                    weights[vector] = isa.load(&own[vector * I::LANES..]);
                }
                for row in 0..ROWS {
                    let value = isa.splat(quads[row][turn][k]);
                    for vector in 0..VECTORS {
                        sums[row][vector] = weights[vector].mul_add(value, sums[row][vector]);
                    }
                }
            }
        }
        for (k, line) in lines.chunks_exact(line).enumerate() {
            let mut weights = [isa.splat(0.0); VECTORS];
            for vector in 0..VECTORS {
                weights[vector] = isa.load(&line[vector * I::LANES..]);
            }
            for row in 0..ROWS {
                let value = isa.splat(values[row][count * TURN + k]);
                for vector in 0..VECTORS {
                    sums[row][vector] = weights[vector].mul_add(value, sums[row][vector]);
                }
            }
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn balanced_tiles_cover_all_rows_in_order_and_differ_by_at_most_one() {
        for rows in 1..200 {
            for most in 1..=8 {
                let tiles: Vec<_> = balanced(rows, most).collect();
                let mut at = 0;
                for &(first, count) in &tiles {
                    assert_eq!(first, at, "{rows} rows by {most}: {tiles:?}");
                    assert!((1..=most).contains(&count), "{rows} rows by {most}: {tiles:?}");
                    at += count;
                }
                assert_eq!(at, rows, "{tiles:?}");
                assert_eq!(tiles.len(), rows.div_ceil(most));
                let (low, high) = (tiles.iter().map(|t| t.1).min(), tiles.iter().map(|t| t.1).max());
                assert!(high.unwrap() - low.unwrap() <= 1, "{tiles:?}");
            }
        }
    }
}
