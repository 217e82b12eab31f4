//! Sums of outer products, `Σ_k left[k]ᵀ · right[k]`: the gradient of a weight matrix over all steps and rows at once.
//!
//! A register tile is some columns of `left` × three registers of `right`. Both are packed for a stretch of [`STRETCH`] terms:
//! `right` in panels that stay in the L2 cache, `left` in tiles of 16 KiB that stay in the L1 cache for all panels. The order
//! of summation depends on the number of terms alone.

#![allow(clippy::needless_range_loop, reason = "arrays of registers are indexed: iterators are not always inlined")]

use std::ops::Range;

use wide::f32x16;

use super::pack::PANEL;
use super::product::{Rows, balanced};
use crate::simd::{Isa, Kernel, Vector};

/// Terms that are packed at once and summed in one chain.
const STRETCH: usize = 512;

/// Columns of `right` that are packed at once: with a stretch 1 MiB, half of an L2 cache.
const WIDTH: usize = 512;

/// Columns of `left` that are packed at once.
const HEIGHT: usize = 48;

/// Terms between the one that is computed and the one whose line is asked for: a panel comes from the L2 cache for each tile.
const SOON: usize = 8;

/// The most matrices on the right of one on the left.
pub(crate) const RIGHTS: usize = 2;

/// Adds `Σ_k left[k][columns]ᵀ · right[k][..width]` to each part's sums, for one or two matrices on the right.
pub(crate) struct Outer<'a, 'b> {
    /// One row a term.
    pub left: Rows<'a>,
    /// What of the result is wanted.
    pub parts: &'a mut [Part<'b>],
    /// One row a term each, and how many columns; of none there is nothing.
    pub rights: [(Rows<'a>, usize); RIGHTS],
    /// Terms.
    pub count: usize,
    /// From [`room`].
    pub room: &'a mut [f32x16],
}

/// Some rows of the results.
pub(crate) struct Part<'a> {
    /// The columns of `left` that make them.
    pub columns: Range<usize>,
    /// The rows, columns × width, of each matrix on the right.
    pub sums: [&'a mut [f32]; RIGHTS],
    /// Gets the sums of the columns of `left` themselves, the gradient of a bias; empty if nobody wants them.
    pub totals: &'a mut [f32],
}

/// Room for [`Outer`].
pub(crate) fn room() -> Vec<f32x16> {
    bytemuck::zeroed_vec(STRETCH * (WIDTH + 16 * PANEL * RIGHTS + HEIGHT) / 16)
}

/// Columns of one of the matrices on the right.
struct Span {
    right: usize,
    columns: Range<usize>,
}

impl Kernel for Outer<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let Outer { left, parts, rights, count, room } = self;
        let room: &mut [f32] = bytemuck::cast_slice_mut(room);
        let (packed_left, packed_right) = room.split_at_mut(STRETCH * HEIGHT);
        // The matrices on the right are one line of columns; as many of them at once as there is room for.
        let [first, second] = [rights[0].1, rights[1].1];
        for (turn, start) in (0..first + second).step_by(WIDTH).enumerate() {
            let end = (first + second).min(start + WIDTH);
            let behind = start.max(first) - first..end.max(first) - first;
            let spans =
                [Span { right: 0, columns: start.min(first)..end.min(first) }, Span { right: 1, columns: behind }];
            for term in (0..count).step_by(STRETCH) {
                let terms = term..count.min(term + STRETCH);
                let mut start = 0;
                for span in &spans {
                    let target = &mut packed_right[start..];
                    start += pack_panels(isa, rights[span.right].0, &span.columns, &terms, target);
                }
                for part in parts.iter_mut() {
                    for start in (0..part.columns.len()).step_by(HEIGHT) {
                        let down = start..part.columns.len().min(start + HEIGHT);
                        let strip = Strip {
                            left,
                            first: part.columns.start + start,
                            terms: terms.clone(),
                            packed_left,
                            packed_right,
                            spans: &spans,
                            widths: [first, second],
                            part,
                            down,
                            totals: turn == 0,
                        };
                        match I::TILE_ROWS {
                            8 => strip.run::<I, 8>(isa),
                            4 => strip.run::<I, 4>(isa),
                            _ => strip.run::<I, 3>(isa),
                        }
                    }
                }
            }
        }
    }
}

/// Packs columns of some terms: panels of up to three registers, in each a line a term; what is past the last column is zero.
/// Returns how many values that were.
#[inline(always)]
fn pack_panels<I: Isa>(
    isa: I,
    rows: Rows<'_>,
    columns: &Range<usize>,
    terms: &Range<usize>,
    target: &mut [f32],
) -> usize {
    let mut start = 0;
    for (first, registers) in balanced(columns.len().div_ceil(I::LANES), PANEL) {
        let line = registers * I::LANES;
        let first = columns.start + first * I::LANES;
        let width = (columns.end.max(first) - first).min(line);
        let panel = &mut target[start..start + terms.len() * line];
        for (index, line) in panel.chunks_exact_mut(line.max(1)).enumerate() {
            let source = &rows.data[(terms.start + index) * rows.stride + first..][..width];
            if width == registers * I::LANES {
                for at in (0..width).step_by(I::LANES) {
                    isa.store(isa.load(&source[at..]), &mut line[at..]);
                }
            } else {
                for at in (0..width).step_by(I::LANES) {
                    isa.store(isa.load_part(&source[at..]), &mut line[at..]);
                }
            }
        }
        start += terms.len() * line;
    }
    start
}

/// Some columns of `left` by all packed panels, over one stretch of terms.
struct Strip<'a, 'b> {
    left: Rows<'a>,
    /// The first column of `left`.
    first: usize,
    terms: Range<usize>,
    packed_left: &'a mut [f32],
    packed_right: &'a [f32],
    spans: &'a [Span; RIGHTS],
    /// Values of a row of each matrix's sums.
    widths: [usize; RIGHTS],
    part: &'a mut Part<'b>,
    /// The rows of the part.
    down: Range<usize>,
    /// Whether the columns' own sums are taken too.
    totals: bool,
}

impl Strip<'_, '_> {
    #[inline(always)]
    fn run<I: Isa, const ROWS: usize>(self, isa: I) {
        let Strip { left, first, terms, packed_left, packed_right, spans, widths, part, down, totals } = self;
        let (tile, tiles) = (terms.len() * ROWS, down.len().div_ceil(ROWS));
        for index in 0..tiles {
            let (top, rows) = (index * ROWS, ROWS.min(down.len() - index * ROWS));
            let packed = packed_left[index * tile..][..tile].as_chunks_mut::<ROWS>().0;
            let total = pack_tile(left, first + top, &terms, rows, packed);
            if totals && !part.totals.is_empty() {
                for row in 0..rows {
                    part.totals[down.start + top + row] += total[row];
                }
            }
        }
        for index in 0..tiles {
            let (top, rows) = (down.start + index * ROWS, ROWS.min(down.len() - index * ROWS));
            let values = packed_left[index * tile..][..tile].as_chunks::<ROWS>().0;
            let mut start = 0;
            for span in spans {
                let width = widths[span.right];
                for (vector, registers) in balanced(span.columns.len().div_ceil(I::LANES), PANEL) {
                    let (from, line) = (vector * I::LANES, registers * I::LANES);
                    let panel = &packed_right[start..][..terms.len() * line];
                    start += panel.len();
                    let columns = span.columns.len().saturating_sub(from).min(line);
                    if columns == 0 {
                        continue;
                    }
                    let target = &mut part.sums[span.right][top * width + span.columns.start + from..];
                    match registers {
                        1 => tile_of::<I, ROWS, 1>(isa, values, panel, target, width, rows, columns),
                        2 => tile_of::<I, ROWS, 2>(isa, values, panel, target, width, rows, columns),
                        _ => tile_of::<I, ROWS, 3>(isa, values, panel, target, width, rows, columns),
                    }
                }
            }
        }
    }
}

/// Packs some columns of `left` for a tile, zeros for those that it does not have, and sums each: in four chains, which are
/// added at the end.
#[inline(always)]
fn pack_tile<const ROWS: usize>(
    left: Rows<'_>,
    first: usize,
    terms: &Range<usize>,
    rows: usize,
    packed: &mut [[f32; ROWS]],
) -> [f32; ROWS] {
    const TURN: usize = 4;
    let mut totals = [[0.0; ROWS]; TURN];
    let (turns, rest) = packed.as_chunks_mut::<TURN>();
    let done = turns.len() * TURN;
    for (turn, quad) in turns.iter_mut().enumerate() {
        for k in 0..TURN {
            let source = &left.data[(terms.start + turn * TURN + k) * left.stride + first..];
            quad[k] = tile_line(source, rows);
            for row in 0..ROWS {
                totals[k][row] += quad[k][row];
            }
        }
    }
    for (k, values) in rest.iter_mut().enumerate() {
        *values = tile_line(&left.data[(terms.start + done + k) * left.stride + first..], rows);
        for row in 0..ROWS {
            totals[k][row] += values[row];
        }
    }
    let [mut total, b, c, d] = totals;
    for row in 0..ROWS {
        total[row] = (total[row] + b[row]) + (c[row] + d[row]);
    }
    total
}

#[inline(always)]
fn tile_line<const ROWS: usize>(source: &[f32], rows: usize) -> [f32; ROWS] {
    let mut values = [0.0; ROWS];
    if rows == ROWS {
        values.copy_from_slice(&source[..ROWS]);
    } else {
        values[..rows].copy_from_slice(&source[..rows]);
    }
    values
}

/// One register tile: adds to the first `columns` of `count` rows of `sums`, which lie `width` apart.
#[inline(always)]
fn tile_of<I: Isa, const ROWS: usize, const VECTORS: usize>(
    isa: I,
    values: &[[f32; ROWS]],
    panel: &[f32],
    sums: &mut [f32],
    width: usize,
    count: usize,
    columns: usize,
) {
    // As in the products: four terms a turn.
    const TURN: usize = 4;
    if ROWS > I::TILE_ROWS {
        return; // Never called: keeps tiles that spill out of the compiled code.
    }
    let line = VECTORS * I::LANES;
    let mut total = [[isa.splat(0.0); VECTORS]; ROWS];
    let (quads, single) = values.as_chunks::<TURN>();
    let mut lines = panel;
    'turns: for quad in quads {
        for values in quad {
            // As in the products: a check that keeps the terms apart.
            let Some((own, rest)) = lines.split_at_checked(line) else { break 'turns };
            lines = rest;
            for part in 0..line.div_ceil(16) {
                isa.prefetch(own, SOON * line + part * 16);
            }
            add::<I, ROWS, VECTORS>(isa, own, values, &mut total);
        }
    }
    for (values, line) in single.iter().zip(lines.chunks_exact(line)) {
        add::<I, ROWS, VECTORS>(isa, line, values, &mut total);
    }
    for row in 0..count {
        let sums = &mut sums[row * width..][..columns];
        for vector in 0..VECTORS {
            let sums = &mut sums[vector * I::LANES..];
            if sums.len() >= I::LANES {
                isa.store(isa.load(sums) + total[row][vector], sums);
            } else {
                isa.store_part(isa.load_part(sums) + total[row][vector], sums);
            }
        }
    }
}

#[inline(always)]
fn add<I: Isa, const ROWS: usize, const VECTORS: usize>(
    isa: I,
    line: &[f32],
    values: &[f32; ROWS],
    total: &mut [[I::Vector; VECTORS]; ROWS],
) {
    let mut lines = [isa.splat(0.0); VECTORS];
    for vector in 0..VECTORS {
        lines[vector] = isa.load(&line[vector * I::LANES..]);
    }
    for row in 0..ROWS {
        let value = isa.splat(values[row]);
        for vector in 0..VECTORS {
            total[row][vector] = lines[vector].mul_add(value, total[row][vector]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::{Level, dispatch};

    #[test]
    fn sums_of_outer_products_are_those_of_f64_at_ragged_sizes() {
        let value = |seed: usize| ((seed * 2_654_435_761) % 1_000_003) as f32 / 500_000.0 - 1.0;
        for (count, height, width) in [(1, 1, 1), (3, 7, 5), (600, 50, 49), (513, 9, 530), (64, 100, 16)] {
            let (left_stride, right_stride) = (height + 5, width + 3);
            let left: Vec<f32> = (0..count * left_stride).map(value).collect();
            let right: Vec<f32> = (0..count * right_stride).map(|at| value(at + 7)).collect();
            let columns = height / 3..height;
            for level in Level::available() {
                let (mut sums, mut totals) = (vec![0.25; columns.len() * width], vec![0.5; columns.len()]);
                let narrow = width / 2;
                let mut again = vec![0.25; columns.len() * narrow];
                let part = Part { columns: columns.clone(), sums: [&mut sums, &mut again], totals: &mut totals };
                let rows = Rows { data: &right, stride: right_stride };
                let outer = Outer {
                    left: Rows { data: &left, stride: left_stride },
                    parts: &mut [part],
                    rights: [(rows, width), (rows, narrow)],
                    count,
                    room: &mut room(),
                };
                dispatch(level.token().unwrap(), outer);
                for (row, column) in columns.clone().enumerate() {
                    let expected = 0.5 + (0..count).map(|k| f64::from(left[k * left_stride + column])).sum::<f64>();
                    assert!((f64::from(totals[row]) - expected).abs() < 3e-5, "{level}: {} {expected}", totals[row]);
                    for at in 0..width {
                        let products = (0..count).map(|k| {
                            f64::from(left[k * left_stride + column]) * f64::from(right[k * right_stride + at])
                        });
                        let (expected, size) = products.fold((0.25, 0.25), |(sum, size): (f64, f64), product| {
                            (sum + product, size + product.abs())
                        });
                        let found = f64::from(sums[row * width + at]);
                        assert!(
                            (found - expected).abs() < 1e-6 * size + 1e-6,
                            "{level} {count} terms, [{row}, {at}]: {found} {expected}"
                        );
                        if at < narrow {
                            assert_eq!(again[row * narrow + at], sums[row * width + at], "{level}: the second matrix");
                        }
                    }
                }
            }
        }
    }
}
