//! One step of a layer: register tiles of rows × gates, with the cell's update at the end of each tile.
//!
//! For every block of hidden units and every few rows of the batch, a tile keeps all gates' sums in registers, once for
//! `b + W·x` and once for `R·h⁻`, and hands both to the cell. Pre-activations never go to memory.
//!
//! The order of summation is fixed by the layer's shape alone: `b + Σ W x` over the features and `Σ R h⁻` over the units,
//! each in chains of 32 terms, then the sum of the two. So a row has the same bits alone or in any batch, on any number of
//! threads, streamed or at once, and on AVX2 and AVX-512.
//!
//! Arrays are filled by loops here, never by `array::map` or `from_fn`: these are not always inlined, and what is not inlined
//! into the function that has the features on is compiled without them, and saves all registers at the call.

use super::pack::Panels;
use crate::simd::{Isa, Vector};

/// What a cell does with the sums of its gates, for one register of hidden units of one row.
pub(crate) trait Cell<const GATES: usize>: Copy + Send + Sync {
    /// From `input = b + W·x`, `recurrent = R·h⁻` and the units' memory (an LSTM's c⁻) to the new memory and h.
    ///
    /// The two sums come apart because a GRU scales one of them. Implementations are `#[inline(always)]`.
    fn advance<I: Isa>(
        self,
        isa: I,
        input: [I::Vector; GATES],
        recurrent: [I::Vector; GATES],
        memory: I::Vector,
    ) -> Advanced<I::Vector>;
}

/// The new state of a register of hidden units.
pub(crate) struct Advanced<V> {
    /// What the cell keeps for itself (an LSTM's c).
    pub memory: V,
    /// The hidden state h.
    pub hidden: V,
}

/// Rows of equal width at a fixed distance: one step of a batch, in either layout.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    /// Starts at the first row.
    pub data: &'a [f32],
    /// Values from one row's start to the next one's.
    pub stride: usize,
    /// Values of a row.
    pub width: usize,
}

impl<'a> Rows<'a> {
    #[inline(always)]
    fn row(self, index: usize) -> &'a [f32] {
        &self.data[index * self.stride..][..self.width]
    }
}

/// The buffers of one step; rows × H each but for the input.
pub(crate) struct Step<'a> {
    /// Input rows of this step.
    pub x: Rows<'a>,
    /// h⁻.
    pub hidden: &'a [f32],
    /// Becomes h.
    pub next: &'a mut [f32],
    /// c⁻, becomes c.
    pub memory: &'a mut [f32],
    /// Room for the sums of a tile, [`SUMS`] values.
    pub sums: &'a mut [f32],
}

/// Values that a tile of any level may put aside: two sums of six rows by four gates of sixteen lanes.
pub(crate) const SUMS: usize = 2 * 6 * 4 * 16;

/// In which order the blocks of hidden units are visited.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sweep {
    /// First to last.
    Forwards,
    /// Last to first: on every other step, because what was read last is still in the cache.
    Backwards,
}

/// Advances every row of the batch by one step.
#[inline(always)]
pub(crate) fn advance<I: Isa, C: Cell<GATES>, const GATES: usize>(
    isa: I,
    cell: C,
    panels: &Panels,
    sweep: Sweep,
    mut step: Step<'_>,
) {
    let rows = step.next.len() / panels.shape().hidden;
    let blocks = panels.blocks();
    for index in 0..blocks {
        let block = if sweep == Sweep::Forwards { index } else { blocks - 1 - index };
        let tile = Tile { isa, cell, panels, block };
        for (first, count) in balanced(rows, I::TILE_ROWS) {
            // One compiled tile for each height that occurs on any level.
            match count {
                1 => tile.single::<GATES>(first, &mut step),
                2 => tile.run::<GATES, 2>(first, &mut step),
                3 => tile.run::<GATES, 3>(first, &mut step),
                4 => tile.run::<GATES, 4>(first, &mut step),
                5 => tile.run::<GATES, 5>(first, &mut step),
                6 => tile.run::<GATES, 6>(first, &mut step),
                _ => unreachable!("TILE_ROWS is at most 6"),
            }
        }
    }
}

/// Advances a batch of one row by one step: what [`advance`] computes, without the choice of tiles.
#[inline(always)]
pub(crate) fn advance_single<I: Isa, C: Cell<GATES>, const GATES: usize>(
    isa: I,
    cell: C,
    panels: &Panels,
    sweep: Sweep,
    mut step: Step<'_>,
) {
    let blocks = panels.blocks();
    for index in 0..blocks {
        let block = if sweep == Sweep::Forwards { index } else { blocks - 1 - index };
        Tile { isa, cell, panels, block }.single::<GATES>(0, &mut step);
    }
}

/// Splits `rows` into as few tiles of at most `most` as possible, of sizes that differ by at most one.
///
/// 32 rows go as 6 6 5 5 5 5, not as 6 6 6 6 6 2: a low tile leaves the FMA units waiting.
#[inline(always)]
fn balanced(rows: usize, most: usize) -> impl Iterator<Item = (usize, usize)> {
    let tiles = rows.div_ceil(most).max(1);
    let (low, high_tiles) = (rows / tiles, rows % tiles);
    (0..tiles).map(move |tile| (tile * low + tile.min(high_tiles), low + usize::from(tile < high_tiles)))
}

/// A register tile: one block of hidden units, all gates, `ROWS` rows.
#[derive(Clone, Copy)]
struct Tile<'a, I, C> {
    isa: I,
    cell: C,
    panels: &'a Panels,
    block: usize,
}

impl<I: Isa, C> Tile<'_, I, C> {
    #[inline(always)]
    fn run<const GATES: usize, const ROWS: usize>(self, first: usize, step: &mut Step<'_>)
    where
        C: Cell<GATES>,
    {
        if ROWS > I::TILE_ROWS {
            return; // Never called: keeps tiles that spill out of the compiled code.
        }
        let Tile { isa, panels, block, .. } = self;
        let units = panels.shape().hidden;
        let weights = panels.block(block);
        let line = GATES * I::LANES;
        let (mut x_rows, mut h_rows): ([&[f32]; ROWS], [&[f32]; ROWS]) = ([&[]; ROWS], [&[]; ROWS]);
        for row in 0..ROWS {
            x_rows[row] = step.x.row(first + row);
            h_rows[row] = &step.hidden[(first + row) * units..][..units];
        }
        // The update's loop over the rows stays a loop, and indexing registers by a loop's variable would keep them in
        // memory all through the sums (18 instead of 110 GFLOP/s): so the sums are put there explicitly, chain by chain.
        let (input, recurrent) = step.sums.split_at_mut(ROWS * line);
        accumulate(isa, weights.input, x_rows, load_all::<I, GATES>(isa, weights.bias), input);
        accumulate(isa, weights.recurrent, h_rows, [isa.splat(0.0); GATES], recurrent);
        for row in 0..ROWS {
            let (input, recurrent) = step.sums.split_at(ROWS * line);
            let (input, recurrent) = (load_all(isa, &input[row * line..]), load_all(isa, &recurrent[row * line..]));
            self.finish(first + row, input, recurrent, step);
        }
    }

    /// One row: all sums stay in registers.
    #[inline(always)]
    fn single<const GATES: usize>(self, row: usize, step: &mut Step<'_>)
    where
        C: Cell<GATES>,
    {
        let Tile { isa, panels, block, .. } = self;
        let units = panels.shape().hidden;
        let weights = panels.block(block);
        let input = accumulate_single(isa, weights.input, step.x.row(row), load_all(isa, weights.bias));
        let h_row = &step.hidden[row * units..][..units];
        let recurrent = accumulate_single(isa, weights.recurrent, h_row, [isa.splat(0.0); GATES]);
        self.finish(row, input, recurrent, step);
    }

    /// Lets the cell update this block's units of one row.
    #[inline(always)]
    fn finish<const GATES: usize>(
        self,
        row: usize,
        input: [I::Vector; GATES],
        recurrent: [I::Vector; GATES],
        step: &mut Step<'_>,
    ) where
        C: Cell<GATES>,
    {
        let Tile { isa, cell, panels, block } = self;
        let units = panels.shape().hidden;
        let unit = block * I::LANES;
        let at = row * units + unit;
        let width = I::LANES.min(units - unit);
        let memory = &mut step.memory[at..][..width];
        let next = &mut step.next[at..][..width];
        if width == I::LANES {
            let new = cell.advance(isa, input, recurrent, isa.load(memory));
            isa.store(new.memory, memory);
            isa.store(new.hidden, next);
        } else {
            let new = cell.advance(isa, input, recurrent, isa.load_part(memory));
            isa.store_part(new.memory, memory);
            isa.store_part(new.hidden, next);
        }
    }
}

/// Terms that are summed in one chain; the chains' sums are added in their order.
///
/// Short chains are more exact: the hidden states of a voice detector (128 features, 128 units, 1,875 steps) were 2.5e-6 off
/// with one chain, 1.3e-6 with chains of 32 (16: 1.7e-6, 64: 1.5e-6), for 8 % of the time at 32 rows (64: 3 %).
const CHAIN: usize = 32;

/// `sums[row][gate] = start[gate] + Σ_k values[row][k] · panel[k][gate]`, in chains of [`CHAIN`] terms.
#[inline(always)]
fn accumulate<I: Isa, const GATES: usize, const ROWS: usize>(
    isa: I,
    panel: &[f32],
    values: [&[f32]; ROWS],
    start: [I::Vector; GATES],
    sums: &mut [f32],
) {
    let line = GATES * I::LANES;
    let (head, rest) = panel.split_at(panel.len().min(CHAIN * line));
    let sums = &mut sums[..ROWS * line];
    let chain = accumulate_chain(isa, head, values, start);
    for row in 0..ROWS {
        for gate in 0..GATES {
            isa.store(chain[row][gate], &mut sums[(row * GATES + gate) * I::LANES..]);
        }
    }
    for (index, part) in rest.chunks(CHAIN * line).enumerate() {
        let mut values = values;
        for row in &mut values {
            *row = &row[(index + 1) * CHAIN..];
        }
        let chain = accumulate_chain(isa, part, values, [isa.splat(0.0); GATES]);
        for row in 0..ROWS {
            for gate in 0..GATES {
                let sum = &mut sums[(row * GATES + gate) * I::LANES..][..I::LANES];
                isa.store(isa.load(sum) + chain[row][gate], sum);
            }
        }
    }
}

/// [`accumulate`] for one row, in registers.
#[inline(always)]
fn accumulate_single<I: Isa, const GATES: usize>(
    isa: I,
    panel: &[f32],
    values: &[f32],
    start: [I::Vector; GATES],
) -> [I::Vector; GATES] {
    let line = GATES * I::LANES;
    let (head, rest) = panel.split_at(panel.len().min(CHAIN * line));
    let [mut sums] = accumulate_chain(isa, head, [values], start);
    for (index, part) in rest.chunks(CHAIN * line).enumerate() {
        let values = &values[(index + 1) * CHAIN..];
        let [chain] = accumulate_chain(isa, part, [values], [isa.splat(0.0); GATES]);
        for gate in 0..GATES {
            sums[gate] = sums[gate] + chain[gate];
        }
    }
    sums
}

/// `start[gate] + Σ_k values[row][k] · panel[k][gate]`, in the order of k: the innermost loop.
#[inline(always)]
fn accumulate_chain<I: Isa, const GATES: usize, const ROWS: usize>(
    isa: I,
    panel: &[f32],
    mut values: [&[f32]; ROWS],
    start: [I::Vector; GATES],
) -> [[I::Vector; GATES]; ROWS] {
    let lines = panel.chunks_exact(GATES * I::LANES);
    let depth = lines.len();
    let mut sums = [start; ROWS];
    // Rows of one known length: the bounds checks leave the loop.
    for row in &mut values {
        *row = &row[..depth];
    }
    for (k, line) in lines.enumerate() {
        let mut value = [isa.splat(0.0); ROWS];
        for row in 0..ROWS {
            value[row] = isa.splat(values[row][k]);
        }
        for gate in 0..GATES {
            let weight = isa.load(&line[gate * I::LANES..]);
            for row in 0..ROWS {
                sums[row][gate] = weight.mul_add(value[row], sums[row][gate]);
            }
        }
    }
    sums
}

#[inline(always)]
fn load_all<I: Isa, const GATES: usize>(isa: I, line: &[f32]) -> [I::Vector; GATES] {
    let mut vectors = [isa.splat(0.0); GATES];
    for (gate, vector) in vectors.iter_mut().enumerate() {
        *vector = isa.load(&line[gate * I::LANES..]);
    }
    vectors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn balanced_tiles_cover_all_rows_in_order_and_differ_by_at_most_one() {
        for rows in 1..200 {
            for most in 1..=6 {
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
