//! The kernel that runs a share of the batch through all steps.

use std::ops::Range;

use super::layout::Layout;
use crate::cell::lstm::{GATES, Lstm, LstmCell};
use crate::kernel::pack::Panels;
use crate::kernel::tile::{Rows, Step, Sweep, advance, advance_single};
use crate::simd::{Isa, Kernel, Token, dispatch};

/// The inputs of a whole batch.
#[derive(Clone, Copy)]
pub(crate) struct Input<'a> {
    /// T·B·I values in the order of `layout`.
    pub x: &'a [f32],
    /// The order of x and y.
    pub layout: Layout,
    /// T.
    pub steps: usize,
    /// B.
    pub batch: usize,
}

/// Some rows of a batch, run through all steps by one thread.
pub(crate) struct Share<'a> {
    /// The layer.
    pub panels: &'a Panels,
    /// The whole batch's input.
    pub input: Input<'a>,
    /// Which rows of the batch.
    pub rows: Range<usize>,
    /// h⁻ of these rows; after an even number of steps the final h.
    pub hidden: &'a mut [f32],
    /// Room for as much; after an odd number of steps the final h.
    pub next: &'a mut [f32],
    /// c⁻ of these rows, then the final c.
    pub memory: &'a mut [f32],
    /// Room for a tile's sums.
    pub sums: &'a mut [f32],
    /// Where the hidden states of these rows go, or nowhere.
    pub output: Output<'a>,
}

/// Where a share writes its hidden states.
pub(crate) enum Output<'a> {
    /// The caller reads the final state only.
    None,
    /// Time-major: a slice a step, rows × H. Batch-first: a slice a row, T × H.
    Slices(Vec<&'a mut [f32]>),
}

impl Share<'_> {
    /// Runs it. Not generic, so that it is compiled here and not again in every crate that names a session type.
    pub(crate) fn run_on(self, token: Token) {
        dispatch(token, self);
    }
}

impl Kernel for Share<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(mut self, isa: I) {
        let shape = self.panels.shape();
        let Input { x, layout, steps, batch } = self.input;
        let stride = layout.row_stride(steps) * shape.input;
        let (mut hidden, mut next) = (self.hidden, self.next);
        for step in 0..steps {
            let first = layout.row(step, self.rows.start, steps, batch) * shape.input;
            let buffers = Step {
                x: Rows { data: &x[first..], stride, width: shape.input },
                hidden: &*hidden,
                next: &mut *next,
                memory: &mut *self.memory,
                sums: &mut *self.sums,
            };
            let sweep = if step % 2 == 0 { Sweep::Forwards } else { Sweep::Backwards };
            if self.rows.len() == 1 {
                advance_single::<I, LstmCell, GATES>(isa, LstmCell, self.panels, sweep, buffers);
            } else {
                advance::<I, LstmCell, GATES>(isa, LstmCell, self.panels, sweep, buffers);
            }
            self.output.write(layout, step, next, shape.hidden);
            std::mem::swap(&mut hidden, &mut next);
        }
    }
}

/// One row, one step: compiled apart from [`Share`], whose choices cost more than a small cell's arithmetic.
struct Single<'a> {
    /// The layer.
    pub panels: &'a Panels,
    /// I values.
    pub x: &'a [f32],
    /// h⁻, H values.
    pub hidden: &'a [f32],
    /// Becomes h.
    pub next: &'a mut [f32],
    /// c⁻, becomes c.
    pub memory: &'a mut [f32],
}

/// Runs a [`Single`]; compiled here, as [`Share::run_on`]. Its arguments come in registers: the struct, copied through
/// memory at the call, made a step of 16 units 84 instead of 65 ns.
pub(crate) fn run_single(model: &Lstm, x: &[f32], hidden: &[f32], next: &mut [f32], memory: &mut [f32]) {
    dispatch(model.token(), Single { panels: model.panels(), x, hidden, next, memory });
}

impl Kernel for Single<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let Single { panels, x, hidden, next, memory } = self;
        let x = Rows { data: x, stride: 0, width: panels.shape().input };
        let buffers = Step { x, hidden, next, memory, sums: &mut [] };
        advance_single::<I, LstmCell, GATES>(isa, LstmCell, panels, Sweep::Forwards, buffers);
    }
}

impl Output<'_> {
    #[inline(always)]
    fn write(&mut self, layout: Layout, step: usize, hidden: &[f32], units: usize) {
        match (self, layout) {
            (Output::None, _) => {}
            (Output::Slices(slices), Layout::TimeMajor) => slices[step].copy_from_slice(hidden),
            (Output::Slices(slices), Layout::BatchFirst) => {
                for (slice, row) in slices.iter_mut().zip(hidden.chunks_exact(units)) {
                    slice[step * units..][..units].copy_from_slice(row);
                }
            }
        }
    }
}
