//! A running batch: the state, the workspace, and whole sequences or single steps through a shared model.

use std::borrow::Borrow;

use wide::f32x16;

use super::batch::{Input, Output, Share, run_single};
use super::layout::Layout;
use crate::cell::lstm::Lstm;
use crate::error::{Error, Result};
use crate::kernel::tile::SUMS;
use crate::team;

const EMPTY: [f32x16; SUMS / 16] = [f32x16::splat(0.0); SUMS / 16];

/// Some sequences in flight through one [`Lstm`]: it owns their hidden and cell states and keeps them between calls, so
/// that a sequence fed in chunks gives what it gives at once, to the bit.
///
/// `M` is `&Lstm`, `Arc<Lstm>` or `Lstm` itself: any number of sessions share one model. The letters: `T` steps, `B`
/// sequences of the batch, `I` input features, `H` hidden units.
pub struct Session<M> {
    model: M,
    batch: usize,
    threads: usize,
    hidden: Vec<f32>,
    next: Vec<f32>,
    cell: Vec<f32>,
    /// Room for a tile's sums, once a thread; aligned to 64 bytes.
    sums: Vec<[f32x16; SUMS / 16]>,
}

impl<M: Borrow<Lstm>> Session<M> {
    /// Starts `batch` sequences with zero states, on one thread.
    ///
    /// # Errors
    /// [`Error::Size`] if `batch` is 0 or B·H overflows.
    pub fn new(model: M, batch: usize) -> Result<Self> {
        let hidden_size = model.borrow().hidden_size();
        if batch == 0 {
            return Err(Error::Size { what: "batch", value: 0, reason: "a session runs at least one sequence" });
        }
        let values = batch.checked_mul(hidden_size).filter(|values| *values < isize::MAX as usize / size_of::<f32>());
        let Some(values) = values else {
            return Err(Error::Size { what: "batch", value: batch, reason: "B·H values do not fit in memory" });
        };
        Ok(Session {
            model,
            batch,
            threads: 1,
            hidden: vec![0.0; values],
            next: vec![0.0; values],
            cell: vec![0.0; values],
            sums: vec![EMPTY],
        })
    }

    /// Lets [`run`](Session::run) split the batch into up to `threads` shares on rayon's current pool (0 counts as 1).
    ///
    /// The results are the same bits for any number of threads.
    #[must_use]
    pub fn with_threads(mut self, threads: usize) -> Self {
        self.threads = threads.clamp(1, self.batch);
        self.sums.resize(self.threads, EMPTY);
        self
    }

    /// The model that it runs.
    pub fn model(&self) -> &Lstm {
        self.model.borrow()
    }

    /// Sequences in flight (B).
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// The hidden states h, B × H row-major.
    pub fn hidden_state(&self) -> &[f32] {
        &self.hidden
    }

    /// The cell states c, B × H row-major.
    pub fn cell_state(&self) -> &[f32] {
        &self.cell
    }

    /// Sets all states to zero.
    pub fn reset(&mut self) {
        self.hidden.fill(0.0);
        self.cell.fill(0.0);
    }

    /// Sets the states; `hidden` and `cell` are B × H, row-major.
    ///
    /// # Errors
    /// [`Error::Length`] if one has another length; neither is changed then.
    pub fn set_state(&mut self, hidden: &[f32], cell: &[f32]) -> Result<()> {
        let sizes = [self.batch, self.model().hidden_size()];
        Error::check_length("hidden", hidden.len(), "B·H", &sizes)?;
        Error::check_length("cell", cell.len(), "B·H", &sizes)?;
        self.hidden.copy_from_slice(hidden);
        self.cell.copy_from_slice(cell);
        Ok(())
    }

    /// Advances every sequence by one step and returns the hidden states, B × H.
    ///
    /// `x` is B × I, row-major. Allocates nothing, takes no lock and makes no system call (tests/streaming.rs).
    ///
    /// # Errors
    /// [`Error::Length`] if `x` has another length; the state is unchanged then.
    #[inline]
    pub fn step(&mut self, x: &[f32]) -> Result<&[f32]> {
        let model = self.model.borrow();
        if x.len() != self.batch * model.input_size() {
            Error::check_length("x", x.len(), "B·I", &[self.batch, model.input_size()])?;
        }
        let (panels, hidden, next, memory) = (model.panels(), &mut self.hidden, &mut self.next, &mut self.cell);
        if self.batch == 1 {
            run_single(model, x, hidden, next, memory);
        } else {
            let input = Input { x, layout: Layout::TimeMajor, steps: 1, batch: self.batch };
            let sums = bytemuck::cast_slice_mut(&mut self.sums[0]);
            let output = Output::None;
            Share { panels, input, rows: 0..self.batch, hidden, next, memory, sums, output }.run_on(model.token());
        }
        std::mem::swap(&mut self.hidden, &mut self.next);
        Ok(&self.hidden)
    }

    /// Runs all sequences through T steps and writes every hidden state to `y`.
    ///
    /// # Shapes
    /// Time-major: `x` T × B × I, `y` T × B × H. Batch-first: `x` B × T × I, `y` B × T × H. T follows from `x`; 0 is fine.
    ///
    /// # Errors
    /// [`Error::Length`] if `x` is no whole number of steps or `y` does not fit; the state is unchanged then.
    pub fn run(&mut self, x: &[f32], layout: Layout, y: &mut [f32]) -> Result<()> {
        let model = self.model.borrow();
        let (inputs, units) = (model.input_size(), model.hidden_size());
        let steps = x.len() / self.batch / inputs;
        Error::check_length("x", x.len(), "T·B·I", &[steps, self.batch, inputs])?;
        Error::check_length("y", y.len(), "T·B·H", &[steps, self.batch, units])?;
        let input = Input { x, layout, steps, batch: self.batch };

        let mut outputs = Outputs::new(layout, y, steps, units);
        let (mut hidden, mut next, mut memory) = (&mut self.hidden[..], &mut self.next[..], &mut self.cell[..]);
        let mut shares = Vec::with_capacity(self.threads);
        for (rows, sums) in team::split(self.batch, self.threads).zip(&mut self.sums) {
            let values = rows.len() * units;
            let output = outputs.take(rows.len());
            let panels = model.panels();
            shares.push(Share {
                panels,
                input,
                rows,
                hidden: hidden.split_off_mut(..values).unwrap_or_default(),
                next: next.split_off_mut(..values).unwrap_or_default(),
                memory: memory.split_off_mut(..values).unwrap_or_default(),
                sums: bytemuck::cast_slice_mut(sums),
                output,
            });
        }
        let token = model.token();
        team::each(shares, |share| share.run_on(token));
        if steps % 2 == 1 {
            std::mem::swap(&mut self.hidden, &mut self.next);
        }
        Ok(())
    }
}

/// The output, of which every share takes the slices of its rows.
struct Outputs<'a> {
    layout: Layout,
    units: usize,
    /// A slice a step (time-major) or a row (batch-first), what is not taken yet.
    slices: Vec<&'a mut [f32]>,
}

impl<'a> Outputs<'a> {
    fn new(layout: Layout, y: &'a mut [f32], steps: usize, units: usize) -> Self {
        let slices = match layout {
            _ if steps == 0 => Vec::new(),
            Layout::TimeMajor => y.chunks_exact_mut(y.len() / steps).collect(),
            Layout::BatchFirst => y.chunks_exact_mut(steps * units).collect(),
        };
        Outputs { layout, units, slices }
    }

    /// The places of the next `rows` rows.
    fn take(&mut self, rows: usize) -> Output<'a> {
        if self.slices.is_empty() {
            return Output::None;
        }
        Output::Slices(match self.layout {
            Layout::TimeMajor => {
                let values = rows * self.units;
                self.slices.iter_mut().map(|slice| slice.split_off_mut(..values).unwrap_or_default()).collect()
            }
            Layout::BatchFirst => self.slices.drain(..rows).collect(),
        })
    }
}
