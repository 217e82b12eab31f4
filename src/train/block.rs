//! Sequences of a batch that go through the layers together, and all that is kept of them.

use wide::f32x16;

use super::pass::{Room, Tape};
use super::steps::Steps;
use crate::kernel::product::NEAR;
use crate::sequence::layout::Layout;

/// Some sequences of a batch.
///
/// How a batch is divided depends on its size and the model's alone, never on the number of threads: gradients are summed
/// block by block in their order, and have the same bits on any number of threads.
pub(crate) struct Block {
    /// Their places in the batch, longest first.
    pub order: Vec<usize>,
    /// Their steps.
    pub steps: Steps,
    /// One step each, of sequences without a step too: what stands behind a layer that gives the last state alone.
    pub ends: Steps,
    /// The input rows of each stage, and the output rows of the last one.
    pub rows: Vec<Vec<f32x16>>,
    /// The gradients of the present stage's output and input.
    pub d_rows: [Vec<f32x16>; 2],
    /// The ids of an embedding's rows.
    pub ids: Vec<usize>,
    /// What each pass keeps.
    pub tapes: Vec<Tape>,
    /// The states of each pass.
    pub states: Vec<State>,
    /// Both directions' outputs where they are merged, one buffer a stage.
    pub apart: Vec<Vec<f32x16>>,
    /// The gradients of these.
    pub d_apart: Vec<f32x16>,
    /// Room for one pass, one direction each.
    pub room: Room,
}

/// A pass's states and their gradients, of a block's sequences.
#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    /// h before, then after; sequences × width.
    pub hidden: Vec<f32>,
    /// c likewise.
    pub memory: Vec<f32>,
    /// The gradient of h after, then before.
    pub d_hidden: Vec<f32>,
    /// The gradient of c likewise.
    pub d_memory: Vec<f32>,
}

/// Rows of a block where the recurrent weights stay in a core's own cache, and where they do not.
const NEAR_ROWS: usize = 16;
const FAR_ROWS: usize = 32;

/// Divides a batch, its lengths as even as can be: sequences are dealt out by falling length.
pub(crate) fn divide(lengths: &[usize], recurrent_bytes: usize) -> Vec<Vec<usize>> {
    let most = if recurrent_bytes > NEAR { FAR_ROWS } else { NEAR_ROWS };
    // Two threads have something to do from eight sequences on.
    let blocks = lengths.len().div_ceil(most).max(if lengths.len() >= 8 { 2 } else { 1 });
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|place| std::cmp::Reverse(lengths[*place]));
    (0..blocks).map(|block| order.iter().copied().skip(block).step_by(blocks).collect()).collect()
}

impl Block {
    /// Empty, for a model of so many stages and passes.
    pub fn new(stages: usize, passes: usize) -> Self {
        let buffers = |count: usize| (0..count).map(|_| Vec::new()).collect();
        Block {
            order: Vec::new(),
            steps: Steps::new(Vec::new()),
            ends: Steps::new(Vec::new()),
            rows: buffers(stages + 1),
            d_rows: [Vec::new(), Vec::new()],
            ids: Vec::new(),
            tapes: (0..passes).map(|_| Tape::default()).collect(),
            states: vec![State::default(); passes],
            apart: buffers(stages),
            d_apart: Vec::new(),
            room: Room::default(),
        }
    }

    /// Takes other sequences.
    pub fn begin(&mut self, order: Vec<usize>, lengths: &[usize]) {
        self.steps = Steps::new(order.iter().map(|place| lengths[*place]).collect());
        self.ends = Steps::new(vec![1; order.len()]);
        self.order = order;
    }

    /// Calls `each` for every row: where it is in the block, and where in an array of the whole batch.
    pub fn each_row(&self, steps: &Steps, whole: Whole, mut each: impl FnMut(usize, usize)) {
        for step in 0..steps.count() {
            for (row, place) in self.order.iter().enumerate().take(steps.active(step)) {
                each(steps.start(step) + row, whole.row(step, *place));
            }
        }
    }
}

/// The rows of an array of the whole batch.
#[derive(Clone, Copy)]
pub(crate) struct Whole {
    pub layout: Layout,
    pub batch: usize,
    pub steps: usize,
}

impl Whole {
    pub fn row(&self, step: usize, place: usize) -> usize {
        match self.layout {
            Layout::TimeMajor => step * self.batch + place,
            Layout::BatchFirst => place * self.steps + step,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sequence_is_in_one_block_and_the_lengths_fall_in_each() {
        for count in 1..100 {
            let lengths: Vec<usize> = (0..count).map(|place| (place * 7) % 11).collect();
            for bytes in [1000, 4 << 20] {
                let blocks = divide(&lengths, bytes);
                let mut all = blocks.concat();
                all.sort_unstable();
                assert_eq!(all, (0..count).collect::<Vec<_>>());
                for block in &blocks {
                    assert!(block.windows(2).all(|pair| lengths[pair[0]] >= lengths[pair[1]]), "{block:?}");
                    assert!(!block.is_empty() && block.len() <= FAR_ROWS);
                }
            }
        }
    }
}
