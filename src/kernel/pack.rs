//! Weights in the order in which the tile reads them.
//!
//! Hidden units go in blocks of one register (`lanes` units). A block holds, contiguous and 64-byte aligned:
//!
//! ```text
//! bias        │ i × lanes │ f × lanes │ g × lanes │ o × lanes │
//! input    k=0│ i         │ f         │ g         │ o         │   W, one line a feature
//!          k=1│ …
//! recurr.  k=0│ i         │ f         │ g         │ o         │   R, one line a hidden unit
//!          k=1│ …
//! ```
//!
//! so that a tile streams through its block once, front to back, and ends with all gates of the same units in registers.
//! Units past `hidden` in the last block are zeros.

use wide::f32x16;

/// The sizes of a layer as its kernel sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// Gates of a unit.
    pub gates: usize,
    /// Features of an input row (I).
    pub input: usize,
    /// Hidden units (H).
    pub hidden: usize,
}

/// Row-major weights to pack: gate after gate, unit after unit.
#[derive(Clone, Copy)]
pub(crate) struct Weights<'a> {
    /// G·H × I.
    pub input: &'a [f32],
    /// G·H × H.
    pub recurrent: &'a [f32],
    /// G·H.
    pub bias: &'a [f32],
}

/// Packed weights of one layer.
#[derive(Clone)]
pub(crate) struct Panels {
    shape: Shape,
    /// Blocks of hidden units, and values of each: kept, because a division costs a small cell's step dearly.
    blocks: usize,
    block_len: usize,
    /// Values of a line, gates × lanes.
    line: usize,
    /// Aligned to 64 bytes; the blocks one after the other.
    data: Vec<f32x16>,
}

/// The weights of one register's hidden units.
#[derive(Clone, Copy)]
pub(crate) struct Block<'a> {
    /// One line.
    pub bias: &'a [f32],
    /// I lines.
    pub input: &'a [f32],
    /// H lines.
    pub recurrent: &'a [f32],
}

impl Panels {
    /// Packs for registers of `lanes`. The lengths were checked by the caller.
    pub fn pack(shape: Shape, lanes: usize, weights: Weights<'_>) -> Self {
        let line = shape.gates * lanes;
        let (blocks, block_len) = (shape.hidden.div_ceil(lanes), line * (1 + shape.input + shape.hidden));
        let mut panels = vec![f32x16::splat(0.0); (blocks * block_len).div_ceil(16)];
        let data: &mut [f32] = bytemuck::cast_slice_mut(&mut panels);
        for (index, block) in data.chunks_exact_mut(block_len).take(blocks).enumerate() {
            let mut lines = block.chunks_exact_mut(line);
            let units = index * lanes..shape.hidden.min((index + 1) * lanes);
            let mut fill = |matrix: &[f32], depth: usize| {
                for (k, line) in lines.by_ref().take(depth).enumerate() {
                    for (gate, lane) in line.chunks_exact_mut(lanes).enumerate() {
                        for (value, unit) in lane.iter_mut().zip(units.clone()) {
                            *value = matrix[(gate * shape.hidden + unit) * depth + k];
                        }
                    }
                }
            };
            fill(weights.bias, 1);
            fill(weights.input, shape.input);
            fill(weights.recurrent, shape.hidden);
        }
        Panels { shape, blocks, block_len, line, data: panels }
    }

    /// The sizes it was packed for.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// Blocks of hidden units.
    pub fn blocks(&self) -> usize {
        self.blocks
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        self.data.len() * size_of::<f32x16>()
    }

    /// The weights of the hidden units `index · lanes ..`.
    #[inline(always)]
    pub fn block(&self, index: usize) -> Block<'_> {
        let data: &[f32] = bytemuck::cast_slice(&self.data);
        let block = &data[index * self.block_len..][..self.block_len];
        let line = self.line;
        let (bias, rest) = block.split_at(line);
        let (input, recurrent) = rest.split_at(self.shape.input * line);
        Block { bias, input, recurrent }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packed_block_holds_every_weight_at_its_line_gate_and_lane() {
        let shape = Shape { gates: 3, input: 2, hidden: 5 };
        let numbered = |from: usize, count: usize| (from..from + count).map(|n| n as f32).collect::<Vec<_>>();
        let (input, recurrent, bias) = (numbered(1, 30), numbered(1000, 75), numbered(5000, 15));
        let weights = Weights { input: &input, recurrent: &recurrent, bias: &bias };
        let panels = Panels::pack(shape, 4, weights);
        assert_eq!(panels.blocks(), 2);
        for unit in 0..8 {
            let block = panels.block(unit / 4);
            for gate in 0..3 {
                let row = gate * 5 + unit;
                let at = |k: usize| k * 12 + gate * 4 + unit % 4;
                let expected = |matrix: &[f32], depth: usize, k: usize| {
                    if unit < 5 { matrix[row * depth + k] } else { 0.0 }
                };
                assert_eq!(block.bias[at(0)], expected(&bias, 1, 0), "bias, unit {unit}, gate {gate}");
                for k in 0..2 {
                    assert_eq!(block.input[at(k)], expected(&input, 2, k), "W, unit {unit}, gate {gate}, k {k}");
                }
                for k in 0..5 {
                    assert_eq!(
                        block.recurrent[at(k)],
                        expected(&recurrent, 5, k),
                        "R, unit {unit}, gate {gate}, k {k}"
                    );
                }
            }
        }
    }
}
