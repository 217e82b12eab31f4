//! A linear layer and the function after it: rows × packed weights.

use wide::f32x16;

use super::chains::Chains;
use super::finish::finish_rows;
use super::pack::{Division, GROUP, Panels};
use super::product::{Ahead, Product, Rows};
use crate::activation::Finish;
use crate::simd::{Isa, Kernel, Token, dispatch};

/// Rows whose sums are worked on together.
const ROWS: usize = 64;

/// The packed weights of a linear layer.
#[derive(Clone)]
pub(crate) struct Linear {
    token: Token,
    division: Division,
    panels: Panels,
    /// b, padded to whole registers.
    bias: Vec<f32>,
    /// Features of an input row.
    pub input: usize,
    /// Features of an output row.
    pub output: usize,
    finish: Finish,
}

impl Linear {
    /// Packs output × input weights and a bias, or none; the lengths were checked.
    pub fn new(token: Token, [input, output]: [usize; 2], weight: &[f32], bias: &[f32], finish: Finish) -> Self {
        let division = Division::new(output, token.level().lanes());
        let mut padded = vec![0.0; division.padded()];
        padded[..bias.len()].copy_from_slice(bias);
        let panels = Panels::pack(&division, &[0], input, weight);
        Linear { token, division, panels, bias: padded, input, output, finish }
    }

    /// Bytes of packed weights.
    pub fn bytes(&self) -> usize {
        self.panels.bytes() + size_of_val(&self.bias[..])
    }

    /// Operations for a row.
    pub fn flops(&self) -> usize {
        2 * self.input * self.output
    }

    /// Room for the sums of [`Linear::apply`].
    pub fn room(&self) -> Vec<f32x16> {
        vec![f32x16::splat(0.0); (ROWS * GROUP * self.division.lanes).div_ceil(16)]
    }

    /// `y = f(W·x + b)` of every row of `x`; `y` has as many rows.
    pub fn apply(&self, x: &[f32], y: &mut [f32], room: &mut [f32x16]) {
        dispatch(self.token, &mut Apply { linear: self, x, y, sums: bytemuck::cast_slice_mut(room) });
    }
}

struct Apply<'a> {
    linear: &'a Linear,
    x: &'a [f32],
    y: &'a mut [f32],
    sums: &'a mut [f32],
}

impl Kernel for &mut Apply<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let linear = self.linear;
        let (input, output) = (linear.input, linear.output);
        let (panels, chains, ahead) = (&linear.panels, Chains::InOrder, Ahead::of(linear.panels.bytes()));
        for (x, y) in self.x.chunks(ROWS * input).zip(self.y.chunks_mut(ROWS * output)) {
            let (rows, count) = (Rows { data: x, stride: input }, x.len() / input);
            for group in 0..linear.division.groups() {
                let blocks = linear.division.blocks(group);
                let line = blocks.len() * I::LANES;
                let first = blocks.start * I::LANES;
                let sums = &mut self.sums[..count * line];
                let bias = Some(&linear.bias[first..first + line]);
                Product { panels, group, chains, bias, rows, count, ahead }.run(isa, sums);
                let kept = line.min(output - first);
                for (sums, y) in sums.chunks_exact(line).zip(y.chunks_exact_mut(output)) {
                    y[first..first + kept].copy_from_slice(&sums[..kept]);
                }
            }
            finish_rows(isa, linear.finish, output, y);
        }
    }
}
