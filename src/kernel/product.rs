//! The product of some rows with a group's packed weights: register tiles of rows × three vectors.
//!
//! The order of summation is fixed by the layer's shape alone: chains of [`CHAIN`] terms (or two halves, [`Chains`]), whose
//! sums are added in order. So a row has the same bits alone or in any batch, on any number of threads, whole or
//! streamed, and on AVX2 and AVX-512.
//!
//! Arrays are filled by loops here, never by `array::map` or `from_fn`: these are not always inlined, and what is not inlined
//! into the function that has the features on is compiled without them, and saves all registers at the call.

use super::pack::Panels;
use crate::simd::{Isa, Vector};

/// Terms that are summed in one chain.
///
/// Short chains are more exact (`docs/performance.md`): one chain of 128 terms is 2.5e-6 off on a voice detector after 1,875
/// steps, chains of 64 1.5e-6. A chain of 64 lines of three vectors (12 KiB) also stays in the L1 cache for all rows.
pub(crate) const CHAIN: usize = 64;

/// How the terms of a sum are divided into chains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chains {
    /// Of [`CHAIN`] terms, one after the other.
    InOrder,
    /// Two, of half the terms each: for a cell so small that one step waits for its chains.
    Halves,
}

impl Chains {
    /// For the recurrent sums of `gates` gates of `units` units: up to 64 sums are two registers or fewer a chain port.
    pub fn recurrent(gates: usize, units: usize) -> Self {
        if gates * units <= 64 { Chains::Halves } else { Chains::InOrder }
    }

    /// Terms of the first chain of `depth`, and of those that follow.
    #[inline(always)]
    fn first(self, depth: usize) -> usize {
        match self {
            Chains::InOrder => depth.min(CHAIN),
            Chains::Halves => depth.div_ceil(2),
        }
    }
}

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

/// Whether the weights that come next are asked for ahead.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ahead {
    /// They are in a near cache already.
    No,
    /// They come from the L3 cache or from memory.
    Yes,
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
                Ahead::No => self.compute::<I, false>(isa, sums),
                Ahead::Yes => self.compute::<I, true>(isa, sums),
            },
        );
    }

    #[inline(always)]
    fn compute<I: Isa, const AHEAD: bool>(&self, isa: I, sums: &mut [f32]) {
        let lines = self.panels.group(self.group);
        let depth = self.panels.depth();
        if depth == 0 {
            return;
        }
        let width = lines.len() / depth;
        let mut first_row = 0;
        while first_row < self.count {
            let rows = balanced_part(self.count - first_row, ROWS_TOGETHER);
            let mut at = 0;
            while at < depth {
                let terms = (depth - at).min(if at == 0 { self.chains.first(depth) } else { CHAIN });
                let mut ahead = (at + terms) * width;
                let mut column = 0;
                while column < width {
                    let chain = Chain { lines, width, column, at, terms, bias: self.bias, ahead };
                    let left = width - column;
                    let tiles = if left >= 3 * I::LANES {
                        self.strip::<I, 3, AHEAD>(isa, chain, first_row, rows, sums)
                    } else if left >= 2 * I::LANES {
                        self.strip::<I, 2, AHEAD>(isa, chain, first_row, rows, sums)
                    } else {
                        self.strip::<I, 1, AHEAD>(isa, chain, first_row, rows, sums)
                    };
                    ahead += tiles * terms * 16;
                    column += left.min(3 * I::LANES);
                }
                at += terms;
            }
            first_row += rows;
        }
    }

    /// All rows by a strip of `VECTORS` columns, one chain; the number of tiles.
    #[inline(always)]
    fn strip<I: Isa, const VECTORS: usize, const AHEAD: bool>(
        &self,
        isa: I,
        mut chain: Chain<'_>,
        first_row: usize,
        rows: usize,
        sums: &mut [f32],
    ) -> usize {
        let mut tiles = 0;
        for (first, count) in balanced(rows, I::TILE_ROWS) {
            let (first, tile) = (first_row + first, Tile { isa, chain: &chain, rows: self.rows });
            match count {
                1 => tile.run::<1, VECTORS, AHEAD>(first, sums),
                2 => tile.run::<2, VECTORS, AHEAD>(first, sums),
                3 => tile.run::<3, VECTORS, AHEAD>(first, sums),
                4 => tile.run::<4, VECTORS, AHEAD>(first, sums),
                5 => tile.run::<5, VECTORS, AHEAD>(first, sums),
                6 => tile.run::<6, VECTORS, AHEAD>(first, sums),
                7 => tile.run::<7, VECTORS, AHEAD>(first, sums),
                8 => tile.run::<8, VECTORS, AHEAD>(first, sums),
                _ => unreachable!("TILE_ROWS is at most 8"),
            }
            chain.ahead += chain.terms * 16;
            tiles += 1;
        }
        tiles
    }
}

/// Rows of the next part when `left` rows go in as few parts of at most `most` as possible, of about equal size.
#[inline(always)]
fn balanced_part(left: usize, most: usize) -> usize {
    left.div_ceil(left.div_ceil(most))
}

/// Splits `rows` into as few tiles of at most `most` as possible, of sizes that differ by at most one.
///
/// 33 rows go as 7 7 7 6 6, not as 8 8 8 8 1: a low tile leaves the FMA units waiting.
#[inline(always)]
fn balanced(rows: usize, most: usize) -> impl Iterator<Item = (usize, usize)> {
    let tiles = rows.div_ceil(most).max(1);
    let (low, high_tiles) = (rows / tiles, rows % tiles);
    (0..tiles).map(move |tile| (tile * low + tile.min(high_tiles), low + usize::from(tile < high_tiles)))
}

/// One chain of a strip of columns.
#[derive(Clone, Copy)]
struct Chain<'a> {
    /// The group's lines.
    lines: &'a [f32],
    /// Values of a line.
    width: usize,
    /// Where the strip starts in a line.
    column: usize,
    /// The first term.
    at: usize,
    /// How many.
    terms: usize,
    /// What the first chain starts from.
    bias: Option<&'a [f32]>,
    /// Index of the next weights that this tile may ask for, one cache line a term.
    ahead: usize,
}

/// A register tile: `ROWS` rows by `VECTORS` vectors.
struct Tile<'a, I> {
    isa: I,
    chain: &'a Chain<'a>,
    rows: Rows<'a>,
}

impl<I: Isa> Tile<'_, I> {
    #[inline(always)]
    fn run<const ROWS: usize, const VECTORS: usize, const AHEAD: bool>(&self, first: usize, sums: &mut [f32]) {
        if ROWS > I::TILE_ROWS {
            return; // Never called: keeps tiles that spill out of the compiled code.
        }
        let Tile { isa, chain, rows } = self;
        let (isa, stride) = (*isa, I::LANES);
        let mut values: [&[f32]; ROWS] = [&[]; ROWS];
        for row in 0..ROWS {
            values[row] = &rows.data[(first + row) * rows.stride + chain.at..][..chain.terms];
        }
        let mut start = [isa.splat(0.0); VECTORS];
        if chain.at == 0
            && let Some(bias) = chain.bias
        {
            let bias = &bias[chain.column..][..VECTORS * stride];
            for vector in 0..VECTORS {
                start[vector] = isa.load(&bias[vector * stride..]);
            }
        }
        let total = accumulate::<I, ROWS, VECTORS, AHEAD>(isa, chain, values, start);
        for row in 0..ROWS {
            let sums = &mut sums[(first + row) * chain.width + chain.column..][..VECTORS * stride];
            for vector in 0..VECTORS {
                let sum = &mut sums[vector * stride..][..stride];
                if chain.at == 0 {
                    isa.store(total[row][vector], sum);
                } else {
                    isa.store(isa.load(sum) + total[row][vector], sum);
                }
            }
        }
    }
}

/// `start + Σ_k values[row][k] · line[k]`, in the order of k: the innermost loop.
#[inline(always)]
fn accumulate<I: Isa, const ROWS: usize, const VECTORS: usize, const AHEAD: bool>(
    isa: I,
    chain: &Chain<'_>,
    values: [&[f32]; ROWS],
    start: [I::Vector; VECTORS],
) -> [[I::Vector; VECTORS]; ROWS] {
    // Four terms a turn: the loop's own instructions then no longer compete with the multiply-adds for their ports.
    const TURN: usize = 4;
    let width = chain.width;
    let lines = &chain.lines[chain.at * width..][..chain.terms * width];
    let mut sums = [start; ROWS];
    let turns = chain.terms / TURN;
    let mut quads: [&[[f32; TURN]]; ROWS] = [&[]; ROWS];
    for row in 0..ROWS {
        // Rows of one known length: the bounds checks leave the loop.
        quads[row] = &values[row].as_chunks::<TURN>().0[..turns];
    }
    for turn in 0..turns {
        for k in 0..TURN {
            let line = &lines[(turn * TURN + k) * width + chain.column..][..VECTORS * I::LANES];
            if AHEAD {
                isa.prefetch(chain.lines, chain.ahead + (turn * TURN + k) * 16);
            }
            let mut weights = [isa.splat(0.0); VECTORS];
            for vector in 0..VECTORS {
                weights[vector] = isa.load(&line[vector * I::LANES..]);
            }
            for row in 0..ROWS {
                let value = isa.splat(quads[row][turn][k]);
                for vector in 0..VECTORS {
                    sums[row][vector] = weights[vector].mul_add(value, sums[row][vector]);
                }
            }
        }
    }
    for k in turns * TURN..chain.terms {
        let line = &lines[k * width + chain.column..][..VECTORS * I::LANES];
        let mut weights = [isa.splat(0.0); VECTORS];
        for vector in 0..VECTORS {
            weights[vector] = isa.load(&line[vector * I::LANES..]);
        }
        for row in 0..ROWS {
            let value = isa.splat(values[row][k]);
            for vector in 0..VECTORS {
                sums[row][vector] = weights[vector].mul_add(value, sums[row][vector]);
            }
        }
    }
    sums
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
