//! A running batch: the state, the workspace, and whole sequences or single steps through a shared model.

use std::borrow::Borrow;
use std::cmp::Reverse;
use std::ops::Range;

use wide::f32x16;

use super::distribute::{distribute, share_rows, splittable};
use super::layer::Packed;
use super::layout::Layout;
use super::request::{Batch, Outputs};
use super::share::{Of, Place, Share};
use super::stack::{Call, Room};
use super::stream::{self, Sweep};
use crate::error::{Error, Result};
use crate::kernel::math::NEGLIGIBLE;
use crate::model::{Merge, Model};
use crate::team::{Target, Team};

/// Some sequences in flight through one [`Model`]: it owns their states and keeps them between calls, so that a sequence fed
/// in chunks gives what it gives at once, to the bit.
///
/// `M` is `&Model`, `Arc<Model>` or `Model` itself: any number of sessions share one model. All room is made when the
/// session is made: later calls on one thread allocate nothing, but for a model that reads backwards, whose room grows with the
/// longest sequence.
///
/// The letters: `T` steps, `B` sequences of the batch, `I` input features, `H` hidden units, `P` values of a hidden state (H,
/// or fewer behind a projection), `O` values of an output row ([`Model::output_size`]), `N` passes ([`Model::passes`]).
pub struct Session<M> {
    model: M,
    batch: usize,
    threads: usize,
    /// Where each pass's states begin, h and c.
    starts: Vec<[usize; 2]>,
    /// h of all passes, B × P each.
    hidden: Vec<f32x16>,
    /// Becomes h in a streamed step.
    next: Vec<f32x16>,
    /// c of all passes, B × H each.
    memory: Vec<f32x16>,
    /// A streamed step's input row.
    x: Vec<f32>,
    /// Whether one row can be streamed without a pass.
    streamed: bool,
    sweep: Sweep,
    /// Steps that each sequence has made; empty for a model without a clock.
    made: Vec<usize>,
    /// Places in the batch, longest sequence first, and the lengths.
    order: Vec<usize>,
    lengths: Vec<usize>,
    rooms: Vec<Room>,
    team: Team,
}

impl<M: Borrow<Model>> Session<M> {
    /// Starts `batch` sequences with zero states, on one thread.
    ///
    /// # Errors
    /// [`Error::Size`] if `batch` is 0 or the states do not fit in memory.
    pub fn new(model: M, batch: usize) -> Result<Self> {
        if batch == 0 {
            return Err(Error::Size { what: "batch", value: 0, reason: "a session runs at least one sequence" });
        }
        let own = model.borrow();
        let too_large = || Error::Size { what: "batch", value: batch, reason: "B·H values do not fit in memory" };
        let (mut starts, mut ends) = (Vec::new(), [0usize; 2]);
        for packed in own.packed() {
            starts.push(ends);
            let padded = packed.division.padded();
            for (end, width) in ends.iter_mut().zip([packed.sizes.output, packed.sizes.memory]) {
                let values = batch.checked_mul(width).filter(|values| *values < isize::MAX as usize / 64);
                let room = values.ok_or_else(too_large)?.max(if width == 0 { 0 } else { padded });
                *end = end.checked_add(room.next_multiple_of(16)).ok_or_else(too_large)?;
            }
        }
        let registers = |values: usize| {
            let mut room = Vec::new();
            room.try_reserve_exact(values / 16).map_err(|_| too_large())?;
            room.resize(values / 16, f32x16::splat(0.0));
            Ok(room)
        };
        let streamed = batch == 1 && own.streams() && own.packed().all(stream::can_advance);
        let mut session = Session {
            batch,
            threads: 1,
            hidden: registers(ends[0])?,
            next: registers(if streamed { ends[0] } else { 0 })?,
            memory: registers(ends[1])?,
            starts,
            x: vec![0.0; own.input_size()],
            streamed,
            sweep: Sweep::Forwards,
            made: if own.packed().any(|packed| packed.clock.is_some()) { vec![0; batch] } else { Vec::new() },
            order: vec![0; batch],
            lengths: vec![0; batch],
            rooms: Vec::new(),
            team: Team::new(1, 0),
            model,
        };
        session.make_rooms();
        Ok(session)
    }

    /// Lets [`run`](Session::run) and [`forward`](Session::forward) use up to `threads` threads of rayon's current pool (0
    /// counts as 1): they share the batch, the hidden units, the directions or the layers, whichever suits the model. Small
    /// work stays on one thread.
    ///
    /// The results are the same bits for any number of threads.
    #[must_use]
    pub fn with_threads(mut self, threads: usize) -> Self {
        self.threads = threads.max(1);
        self.make_rooms();
        self
    }

    fn make_rooms(&mut self) {
        let model = self.model.borrow();
        let rows = self.batch.min(share_rows(model));
        let pipeline = if self.threads > 1 && model.streams() { model.layers() } else { 1 };
        let batch_shares = self.threads.min(self.batch);
        let shared = if self.threads > 1 && (splittable(model) || !model.streams()) { self.threads } else { 1 };
        let count = batch_shares.max(pipeline).max(shared);
        self.rooms.truncate(count);
        while self.rooms.len() < count {
            self.rooms.push(Room::new(model, rows));
        }
        let widest = model.packed().map(|packed| packed.sizes.hidden).max().unwrap_or(0);
        let board = if self.threads > 1 && splittable(model) { widest * rows } else { 0 };
        self.team = Team::new(self.threads, board);
    }

    /// The model that it runs.
    pub fn model(&self) -> &Model {
        self.model.borrow()
    }

    /// Sequences in flight (B).
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// Threads that it may use.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// The hidden states of the last layer's forward direction, B × P row-major. See [`hidden_state_of`](Session::hidden_state_of).
    pub fn hidden_state(&self) -> &[f32] {
        self.hidden_state_of(self.last_layer()).unwrap_or_default()
    }

    /// The cell states of the last layer's forward direction, B × H row-major; empty for a cell that has none.
    pub fn cell_state(&self) -> &[f32] {
        self.cell_state_of(self.last_layer()).unwrap_or_default()
    }

    /// The first pass of the last layer.
    fn last_layer(&self) -> usize {
        let layers = self.model().stack();
        self.starts.len() - layers[layers.len() - 1].passes.len()
    }

    /// The hidden states of one pass, B × P row-major. Passes go layer by layer from the input up, forward before reverse,
    /// as in PyTorch's `h_n`. `None` if there is no such pass.
    pub fn hidden_state_of(&self, pass: usize) -> Option<&[f32]> {
        let packed = self.model().packed().nth(pass)?;
        let values: &[f32] = bytemuck::cast_slice(&self.hidden);
        Some(&values[self.starts[pass][0]..][..self.batch * packed.sizes.output])
    }

    /// The cell states of one pass, B × H row-major; empty for a cell that has none. `None` if there is no such pass.
    pub fn cell_state_of(&self, pass: usize) -> Option<&[f32]> {
        let packed = self.model().packed().nth(pass)?;
        let values: &[f32] = bytemuck::cast_slice(&self.memory);
        Some(&values[self.starts[pass][1]..][..self.batch * packed.sizes.memory])
    }

    /// The hidden states of all passes, N × B × P: PyTorch's `h_n`.
    pub fn hidden_states(&self) -> Vec<f32> {
        (0..self.starts.len()).flat_map(|pass| self.hidden_state_of(pass).unwrap_or_default().to_vec()).collect()
    }

    /// The cell states of all passes that have one, N × B × H: PyTorch's `c_n`.
    pub fn cell_states(&self) -> Vec<f32> {
        (0..self.starts.len()).flat_map(|pass| self.cell_state_of(pass).unwrap_or_default().to_vec()).collect()
    }

    /// Sets all states to zero, and begins to count steps again.
    pub fn reset(&mut self) {
        self.made.fill(0);
        self.hidden.fill(f32x16::splat(0.0));
        self.memory.fill(f32x16::splat(0.0));
    }

    /// Sets the states of all passes; `hidden` is N × B × P and `cell` N × B × H (empty for cells that have none), row-major, as
    /// [`hidden_states`](Session::hidden_states) and [`cell_states`](Session::cell_states) give them: an encoder's
    /// become a decoder's. New sequences begin: the clocks of clockwork RNNs count from their first step again.
    ///
    /// # Errors
    /// [`Error::Length`] if one has another length; neither is changed then.
    pub fn set_state(&mut self, hidden: &[f32], cell: &[f32]) -> Result<()> {
        let sums = |size: fn(&Packed) -> usize| self.model().packed().map(size).sum::<usize>();
        let widths = [sums(|packed| packed.sizes.output), sums(|packed| packed.sizes.memory)];
        Error::check_length("hidden", hidden.len(), "B·(H of all passes)", &[self.batch, widths[0]])?;
        Error::check_length("cell", cell.len(), "B·(H of all passes)", &[self.batch, widths[1]])?;
        self.made.fill(0);
        let (mut hidden, mut cell) = (hidden, cell);
        for (pass, packed) in self.model.borrow().packed().enumerate() {
            let [h, c] = self.starts[pass];
            let (first, rest) = hidden.split_at(self.batch * packed.sizes.output);
            bytemuck::cast_slice_mut(&mut self.hidden)[h..][..first.len()].copy_from_slice(first);
            hidden = rest;
            let (first, rest) = cell.split_at(self.batch * packed.sizes.memory);
            bytemuck::cast_slice_mut(&mut self.memory)[c..][..first.len()].copy_from_slice(first);
            cell = rest;
        }
        Ok(())
    }

    /// Advances every sequence by one step and returns the hidden states of the last layer, B × P.
    ///
    /// `x` is B × I, row-major. Allocates nothing, takes no lock and makes no system call (tests/streaming.rs).
    ///
    /// # Errors
    /// [`Error::Length`] if `x` has another length, [`Error::Model`] if a layer reads backwards; the state is unchanged then.
    #[inline]
    pub fn step(&mut self, x: &[f32]) -> Result<&[f32]> {
        if !self.streamed || x.len() != self.x.len() {
            return self.step_batch(x);
        }
        let model = self.model.borrow();
        for (own, x) in self.x.iter_mut().zip(x) {
            *own = if x.abs() < NEGLIGIBLE { 0.0 } else { *x };
        }
        let hidden: &[f32] = bytemuck::cast_slice(&self.hidden);
        let next: &mut [f32] = bytemuck::cast_slice_mut(&mut self.next);
        let memory: &mut [f32] = bytemuck::cast_slice_mut(&mut self.memory);
        let mut below: Option<Range<usize>> = None;
        for (packed, [h, c]) in model.packed().zip(&self.starts) {
            let (done, rest) = next.split_at_mut(*h);
            let x = below.map_or(&self.x[..], |range| &done[range]);
            (packed.advance)(packed, x, &hidden[*h..], rest, &mut memory[*c..], self.sweep);
            below = Some(*h..*h + packed.sizes.output);
        }
        self.sweep = self.sweep.turned();
        std::mem::swap(&mut self.hidden, &mut self.next);
        let values: &[f32] = bytemuck::cast_slice(&self.hidden);
        Ok(&values[below.unwrap_or_default()])
    }

    #[cold]
    fn step_batch(&mut self, x: &[f32]) -> Result<&[f32]> {
        let model = self.model.borrow();
        Error::check_length("x", x.len(), "B·I", &[self.batch, model.input_size()])?;
        if !model.streams() {
            let message = "a layer reads backwards: feed whole sequences (run or forward), not steps".to_owned();
            return Err(Error::Model { message });
        }
        let threads = std::mem::replace(&mut self.threads, 1);
        let result = self.forward(Batch::new(x), Outputs::none());
        self.threads = threads;
        result.map(|()| self.hidden_state())
    }

    /// Runs all sequences through T steps and writes every hidden state of the last layer to `y`.
    ///
    /// # Shapes
    /// Time-major: `x` T × B × I, `y` T × B × O. Batch-first: `x` B × T × I, `y` B × T × O. T follows from `x`; 0 is fine.
    ///
    /// # Errors
    /// [`Error::Length`] if `x` is no whole number of steps or `y` does not fit; the state is unchanged then.
    pub fn run(&mut self, x: &[f32], layout: Layout, y: &mut [f32]) -> Result<()> {
        self.forward(Batch::new(x).layout(layout), Outputs::none().hidden(y))
    }

    /// Runs sequences, each of its own length where that is given, and writes what is asked for. The final states stay in
    /// the session.
    ///
    /// # Errors
    /// [`Error::Length`] if a buffer does not fit, [`Error::SequenceLength`] if a length is more than T, [`Error::Model`] for
    /// [`Outputs::reverse`] where the directions are merged, or [`Outputs::cells`] where a cell has none; the state is
    /// unchanged then.
    pub fn forward(&mut self, batch: Batch<'_>, outputs: Outputs<'_>) -> Result<()> {
        let model = self.model.borrow();
        let (inputs, width) = (model.input_size(), model.output_size());
        let Batch { x, layout, lengths } = batch;
        let steps = x.len() / self.batch / inputs;
        Error::check_length("x", x.len(), "T·B·I", &[steps, self.batch, inputs])?;
        let last = &model.stack()[model.layers() - 1];
        let memory = last.passes.len() * last.passes[0].1.sizes.memory;
        let Outputs { mut hidden, mut reverse, mut cells } = outputs;
        if let Some(y) = &hidden {
            Error::check_length("y", y.len(), "T·B·O", &[steps, self.batch, width])?;
        }
        if let Some(y) = &reverse {
            if last.passes.len() < 2 || last.merge != Merge::None {
                let message = "an output of its own for the reverse direction: the last layer does not keep its directions \
                               apart (Merge::None)";
                return Err(Error::Model { message: message.to_owned() });
            }
            Error::check_length("reverse y", y.len(), "T·B·O", &[steps, self.batch, width])?;
        }
        if let Some(c) = &cells {
            if memory == 0 {
                let message = "cell states were asked for, but the last layer's cell has none".to_owned();
                return Err(Error::Model { message });
            }
            Error::check_length("c", c.len(), "T·B·(directions·H)", &[steps, self.batch, memory])?;
        }
        let ragged = match lengths {
            None => false,
            Some(lengths) => {
                Error::check_length("lengths", lengths.len(), "B", &[self.batch])?;
                if let Some(row) = lengths.iter().position(|length| *length > steps) {
                    return Err(Error::SequenceLength { row, length: lengths[row], steps });
                }
                sort(&mut self.order, &mut self.lengths, lengths, steps)
            }
        };
        let rows = Rows { layout, batch: self.batch, steps };
        if ragged {
            rows.clear_padding(&self.order, &self.lengths, width, hidden.as_deref_mut());
            rows.clear_padding(&self.order, &self.lengths, width, reverse.as_deref_mut());
            rows.clear_padding(&self.order, &self.lengths, memory, cells.as_deref_mut());
        }
        if steps == 0 {
            return Ok(());
        }
        let target = |values: Option<_>, width| values.map(|values| (Target::new(values), rows.place(width)));
        let call = Call {
            model,
            x,
            x_place: rows.place(inputs),
            output: target(hidden, width),
            reverse: target(reverse, width),
            cells: target(cells, memory),
            starts: &self.starts,
            hidden: Target::new(bytemuck::cast_slice_mut(&mut self.hidden)),
            memory: Target::new(bytemuck::cast_slice_mut(&mut self.memory)),
            made: &self.made,
        };
        let whole = Share {
            order: ragged.then_some(&self.order[..]),
            first: 0,
            count: self.batch,
            lengths: ragged.then_some(&self.lengths[..]),
            steps,
        };
        distribute(&call, whole, self.threads, &mut self.rooms, &mut self.team);
        for (row, made) in self.made.iter_mut().enumerate() {
            *made += lengths.map_or(steps, |lengths| lengths[row]);
        }
        Ok(())
    }
}

/// Sorts the rows by falling length; false if all have T steps.
fn sort(order: &mut [usize], sorted: &mut [usize], lengths: &[usize], steps: usize) -> bool {
    if lengths.iter().all(|length| *length == steps) {
        return false;
    }
    for (index, place) in order.iter_mut().enumerate() {
        *place = index;
    }
    order.sort_unstable_by_key(|place| (Reverse(lengths[*place]), *place));
    for (own, place) in sorted.iter_mut().zip(order) {
        *own = lengths[*place];
    }
    true
}

/// The shape of input and outputs.
#[derive(Clone, Copy)]
struct Rows {
    layout: Layout,
    batch: usize,
    steps: usize,
}

impl Rows {
    fn place(self, width: usize) -> Place {
        let (step, row) = match self.layout {
            Layout::TimeMajor => (self.batch * width, width),
            Layout::BatchFirst => (width, self.steps * width),
        };
        Place { step, row, column: 0, first_step: 0, of: Of::Batch }
    }

    /// Writes zeros past each sequence's length.
    fn clear_padding(self, order: &[usize], lengths: &[usize], width: usize, values: Option<&mut [f32]>) {
        let (Some(values), place) = (values, self.place(width)) else { return };
        for (row, length) in order.iter().zip(lengths) {
            for step in *length..self.steps {
                values[step * place.step + row * place.row..][..width].fill(0.0);
            }
        }
    }
}
