//! Layers that see one row at a time: linear ones, functions, tables.

use wide::f32x16;

use super::block::Block;
use super::pass::{ROWS, grow, row_stride};
use super::recurrent::{in_shares, steps_of};
use crate::activation::Finish;
use crate::error::Result;
use crate::kernel::chains::Chains;
use crate::kernel::finish::finish_rows;
use crate::kernel::outer::{Outer, Part};
use crate::kernel::pack::{Division, GROUP, Panels};
use crate::kernel::product::{Ahead, Product, Rows};
use crate::kernel::slope::FinishBack;
use crate::network::blueprint::{Dense, Embedding};
use crate::simd::{Isa, Kernel, Level, Token, dispatch};

/// A linear layer.
pub(crate) struct Linear {
    token: Token,
    /// W and Wᵀ.
    there: (Division, Panels),
    back: (Division, Panels),
    /// b, padded; empty for none.
    bias: Vec<f32>,
    input: usize,
    output: usize,
    /// The function behind it.
    finish: Finish,
    /// Whether it stands behind a layer that gives one row a sequence.
    last: bool,
}

impl Linear {
    /// Packs a layer.
    pub fn new(layer: &Dense, finish: Finish, last: bool, level: Level) -> Result<Self> {
        let token = level.token()?;
        let lanes = token.level().lanes();
        let (input, output) = (layer.input, layer.output);
        let (there, back) = (Division::new(output, lanes), Division::new(input, lanes));
        let panels = Panels::pack(&there, &[0], input, &layer.weight);
        let transposed = Panels::of_lines(&back, output, |row| Some(&layer.weight[row * input..][..input]));
        let mut bias = vec![0.0; if layer.bias.is_empty() { 0 } else { there.padded() }];
        bias[..layer.bias.len()].copy_from_slice(&layer.bias);
        Ok(Linear { token, there: (there, panels), back: (back, transposed), bias, input, output, finish, last })
    }

    /// Packs changed weights.
    pub fn pack(&mut self, layer: &Dense, level: Level) -> Result<()> {
        *self = Linear::new(layer, self.finish, self.last, level)?;
        Ok(())
    }

    fn apply(
        &self,
        (division, panels): &(Division, Panels),
        bias: &[f32],
        rows: [&[f32]; 1],
        widths: [usize; 2],
        y: &mut [f32],
        count: usize,
    ) {
        let kernel = Apply { division, panels, bias, x: rows[0], widths, y, count };
        dispatch(self.token, kernel);
    }

    /// The way there; where a function follows, its arguments are kept in `block.apart`.
    pub fn forward(&self, block: &mut Block, stage: usize) {
        let count = steps_of(block, self.last).rows();
        let Block { rows, apart, .. } = block;
        let (before, behind) = rows.split_at_mut(stage + 1);
        let (x, y) = (&before[stage], &mut behind[0]);
        let stride = row_stride(self.output);
        grow(y, count * stride);
        let y: &mut [f32] = bytemuck::cast_slice_mut(y);
        self.apply(&self.there, &self.bias, [bytemuck::cast_slice(x)], [self.input, self.output], y, count);
        if !is_identity(self.finish) {
            let kept = &mut apart[stage];
            grow(kept, count * stride);
            let kept: &mut [f32] = bytemuck::cast_slice_mut(kept);
            kept[..count * stride].copy_from_slice(&y[..count * stride]);
            dispatch(
                self.token,
                FinishStrided { finish: self.finish, width: self.output, stride, values: &mut y[..count * stride] },
            );
        }
    }

    /// The way back for a block: through the function, and to the input if that is wanted.
    pub fn backward(&self, block: &mut Block, stage: usize, wants_x: bool) {
        let count = steps_of(block, self.last).rows();
        let Block { rows, d_rows, apart, .. } = block;
        let [d_y, d_x] = d_rows;
        let stride = row_stride(self.output);
        let d_y: &mut [f32] = bytemuck::cast_slice_mut(d_y);
        if !is_identity(self.finish) {
            let back = FinishBack {
                finish: self.finish,
                width: self.output,
                stride,
                x: &bytemuck::cast_slice(&apart[stage])[..count * stride],
                y: &bytemuck::cast_slice(&rows[stage + 1])[..count * stride],
                d: &mut d_y[..count * stride],
            };
            dispatch(self.token, back);
        }
        if wants_x {
            grow(d_x, count * row_stride(self.input));
            let d_x = bytemuck::cast_slice_mut(d_x);
            self.apply(&self.back, &[], [d_y], [self.output, self.input], d_x, count);
        }
    }

    /// Adds to the gradients of weight and bias.
    pub fn add_gradients(
        &self,
        blocks: &[Block],
        stage: usize,
        gradients: &mut [Vec<f32>],
        threads: usize,
        rooms: &mut [Vec<f32x16>],
    ) {
        let [weight, bias] = gradients else { return };
        let share = self.output.div_ceil(threads).next_multiple_of(8);
        let mut biases = bias.chunks_mut(share);
        let shares: Vec<_> = weight
            .chunks_mut(share * self.input)
            .enumerate()
            .map(|(index, sums)| (index * share, sums, biases.next().unwrap_or(&mut [])))
            .zip(rooms)
            .collect();
        in_shares(threads, shares, |((first, sums, totals), room)| {
            let columns = first..first + sums.len() / self.input;
            let mut parts = [Part { columns, sums: [sums, &mut []], totals }];
            for block in blocks {
                let rows = |data, width| Rows { data: bytemuck::cast_slice(data), stride: row_stride(width) };
                let x = rows(&block.rows[stage], self.input);
                let outer = Outer {
                    left: rows(&block.d_rows[0], self.output),
                    parts: &mut parts,
                    rights: [(x, self.input), (x, 0)],
                    count: steps_of(block, self.last).rows(),
                    room,
                };
                dispatch(self.token, outer);
            }
        });
    }
}

fn is_identity(finish: Finish) -> bool {
    finish == Finish::Each(crate::Activation::Identity)
}

/// Rows times packed weights.
struct Apply<'a> {
    division: &'a Division,
    panels: &'a Panels,
    bias: &'a [f32],
    x: &'a [f32],
    /// Of a row of `x` and of `y`.
    widths: [usize; 2],
    y: &'a mut [f32],
    count: usize,
}

impl Kernel for Apply<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let [x_stride, y_stride] = self.widths.map(row_stride);
        let mut sums = [f32x16::splat(0.0); ROWS * GROUP];
        let sums: &mut [f32] = bytemuck::cast_slice_mut(&mut sums);
        for first in (0..self.count).step_by(ROWS) {
            let count = ROWS.min(self.count - first);
            for group in 0..self.division.groups() {
                let blocks = self.division.blocks(group);
                let (start, line) = (blocks.start * I::LANES, blocks.len() * I::LANES);
                let product = Product {
                    panels: self.panels,
                    group,
                    chains: Chains::InOrder,
                    bias: (!self.bias.is_empty()).then(|| &self.bias[start..][..line]),
                    rows: Rows { data: &self.x[first * x_stride..], stride: x_stride },
                    count,
                    ahead: Ahead::of(self.panels.bytes()),
                };
                product.run(isa, &mut sums[..count * line]);
                let width = line.min(self.division.units - start);
                for row in 0..count {
                    let target = &mut self.y[(first + row) * y_stride + start..][..width];
                    target.copy_from_slice(&sums[row * line..][..width]);
                }
            }
        }
    }
}

/// A function of rows that lie apart.
struct FinishStrided<'a> {
    finish: Finish,
    width: usize,
    stride: usize,
    values: &'a mut [f32],
}

impl Kernel for FinishStrided<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        for row in self.values.chunks_exact_mut(self.stride) {
            finish_rows(isa, self.finish, self.width, &mut row[..self.width]);
        }
    }
}

/// A function by itself.
pub(crate) struct Function {
    pub token: Token,
    pub finish: Finish,
    pub width: usize,
    pub last: bool,
}

impl Function {
    pub fn forward(&self, block: &mut Block, stage: usize) {
        let values = steps_of(block, self.last).rows() * row_stride(self.width);
        let (before, behind) = block.rows.split_at_mut(stage + 1);
        grow(&mut behind[0], values);
        let y: &mut [f32] = bytemuck::cast_slice_mut(&mut behind[0]);
        y[..values].copy_from_slice(&bytemuck::cast_slice(&before[stage])[..values]);
        let (finish, width, stride) = (self.finish, self.width, row_stride(self.width));
        dispatch(self.token, FinishStrided { finish, width, stride, values: &mut y[..values] });
    }

    /// The gradients stay where they are.
    pub fn backward(&self, block: &mut Block, stage: usize) {
        let values = steps_of(block, self.last).rows() * row_stride(self.width);
        let back = FinishBack {
            finish: self.finish,
            width: self.width,
            stride: row_stride(self.width),
            x: &bytemuck::cast_slice(&block.rows[stage])[..values],
            y: &bytemuck::cast_slice(&block.rows[stage + 1])[..values],
            d: &mut bytemuck::cast_slice_mut(&mut block.d_rows[0])[..values],
        };
        dispatch(self.token, back);
        block.d_rows.swap(0, 1);
    }
}

/// Rows of a table, or of the identity.
pub(crate) fn look_up(block: &mut Block, stage: usize, width: usize, row: impl Fn(usize, &mut [f32])) {
    let stride = row_stride(width);
    let Block { rows, ids, .. } = block;
    let target = &mut rows[stage + 1];
    grow(target, ids.len() * stride);
    let target: &mut [f32] = bytemuck::cast_slice_mut(target);
    for (id, target) in ids.iter().zip(target.chunks_exact_mut(stride)) {
        row(*id, &mut target[..width]);
    }
}

/// Adds the gradients of all blocks' rows to those of the table's.
pub(crate) fn add_to_table(blocks: &[Block], table: &Embedding, gradient: &mut [f32]) {
    for block in blocks {
        let d_rows: &[f32] = bytemuck::cast_slice(&block.d_rows[0]);
        for (id, d_row) in block.ids.iter().zip(d_rows.chunks_exact(row_stride(table.width))) {
            for (gradient, d) in gradient[id * table.width..][..table.width].iter_mut().zip(d_row) {
                *gradient += d;
            }
        }
    }
}
