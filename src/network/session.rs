//! A running batch through a whole network.

use std::borrow::Borrow;
use std::sync::Arc;

use wide::f32x16;

use super::blueprint::Output;
use super::input::Input;
use super::mask::{Axes, Gap, Kept, turned, zeros};
use super::packed::{Group, Network, Stage};
use super::rowwise::{Rowwise, features_of, mask_behind};
use crate::error::{Error, Result};
use crate::model::{Merge, Model};
use crate::sequence::layer::Packed;
use crate::sequence::layout::Layout;
use crate::sequence::request::{Batch, Outputs};
use crate::sequence::session::Session;
use crate::sequence::share::Way;

/// Some sequences in flight through one [`Network`]: it owns the states of all recurrent layers and keeps them between
/// calls.
///
/// `N` is `&Network`, `Arc<Network>` or `Network` itself.
pub struct NetworkSession<N> {
    network: N,
    batch: usize,
    threads: usize,
    /// One for each recurrent stage, in order.
    sessions: Vec<Session<Arc<Model>>>,
    /// Room for the sums of each thread's linear layers.
    rooms: Vec<Vec<f32x16>>,
    /// A step's rows behind each stage.
    rows: Vec<Vec<f32>>,
}

/// Threads beyond which there is room for no more: each has some of its own.
const MOST_THREADS: usize = 1024;

/// What goes from stage to stage.
struct State {
    values: Vec<f32>,
    axes: Axes,
    /// For each row, whether it is there; `None` if all are.
    mask: Option<Vec<bool>>,
}

impl<N: Borrow<Network>> NetworkSession<N> {
    /// Starts `batch` sequences, on one thread.
    ///
    /// # Errors
    /// [`Error::Size`] if `batch` is 0 or the states do not fit in memory.
    pub fn new(network: N, batch: usize) -> Result<Self> {
        if batch == 0 {
            return Err(Error::Size { what: "batch", value: 0, reason: "a session runs at least one sequence" });
        }
        let own = network.borrow();
        let sessions = groups(own).map(|group| Session::new(Arc::clone(&group.model), batch));
        let sessions = sessions.collect::<Result<Vec<_>>>()?;
        let widths = own.stages.iter().scan(own.input().width(), |width, stage| {
            *width = stage.width(*width);
            Some(*width)
        });
        let rows = |width: usize| zeros("batch", batch, width);
        // Steps are fed only to networks that stream.
        let rows = if own.streams() { widths.map(rows).collect::<Result<Vec<_>>>()? } else { Vec::new() };
        let mut session = NetworkSession { rows, batch, threads: 1, sessions, rooms: Vec::new(), network };
        session.make_rooms();
        session.reset()?;
        Ok(session)
    }

    /// Lets [`forward`](NetworkSession::forward) use up to `threads` threads of rayon's current pool (0 counts as 1, and more
    /// than 1024 as so many). The results are the same bits for any number of threads.
    #[must_use]
    pub fn with_threads(mut self, threads: usize) -> Self {
        self.threads = threads.clamp(1, MOST_THREADS);
        self.sessions = self.sessions.into_iter().map(|session| session.with_threads(self.threads)).collect();
        self.make_rooms();
        self
    }

    fn make_rooms(&mut self) {
        let linears = self.network.borrow().stages.iter().filter_map(|stage| match stage {
            Stage::Linear(linear) => Some(linear.room()),
            _ => None,
        });
        let widest = linears.max_by_key(Vec::len).unwrap_or_default();
        self.rooms = vec![widest; self.threads];
    }

    /// The network that it runs.
    pub fn network(&self) -> &Network {
        self.network.borrow()
    }

    /// Sequences in flight (B).
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// Sets all states to those that the network begins with.
    ///
    /// # Errors
    /// None that a network that was packed could cause.
    pub fn reset(&mut self) -> Result<()> {
        for (session, group) in self.sessions.iter_mut().zip(groups(self.network.borrow())) {
            if group.hidden.is_empty() {
                session.reset();
                continue;
            }
            let passes = || session.model().packed().map(|packed| packed.sizes);
            let hidden = repeated(&group.hidden, passes().map(|sizes| sizes.output), self.batch);
            let cell = repeated(&group.cell, passes().map(|sizes| sizes.memory), self.batch);
            session.set_state(&hidden, &cell)?;
        }
        Ok(())
    }

    /// The hidden states of all [passes](Network::passes), one after the other, B × their size each.
    pub fn hidden_states(&self) -> Vec<f32> {
        self.sessions.iter().flat_map(Session::hidden_states).collect()
    }

    /// The cell states of all passes that have one, B × their size each.
    pub fn cell_states(&self) -> Vec<f32> {
        self.sessions.iter().flat_map(Session::cell_states).collect()
    }

    /// Sets the states of all passes, in the order of [`hidden_states`](NetworkSession::hidden_states) and
    /// [`cell_states`](NetworkSession::cell_states).
    ///
    /// # Errors
    /// [`Error::Length`] if one has another length; nothing is changed then.
    pub fn set_state(&mut self, hidden: &[f32], cell: &[f32]) -> Result<()> {
        let passes = self.network.borrow().passes();
        let sums = [passes.iter().map(|pass| pass.hidden).sum(), passes.iter().map(|pass| pass.cell).sum()];
        Error::check_length("hidden", hidden.len(), "B·(H of all passes)", &[self.batch, sums[0]])?;
        Error::check_length("cell", cell.len(), "B·(H of all passes)", &[self.batch, sums[1]])?;
        let (mut hidden, mut cell) = (hidden, cell);
        for session in &mut self.sessions {
            let sizes = session.model().packed().map(|packed| packed.sizes);
            let (h, c) = sizes.fold((0, 0), |(h, c), sizes| (h + sizes.output, c + sizes.memory));
            let (own_hidden, own_cell) = (hidden.split_at(self.batch * h), cell.split_at(self.batch * c));
            session.set_state(own_hidden.0, own_cell.0)?;
            (hidden, cell) = (own_hidden.1, own_cell.1);
        }
        Ok(())
    }

    /// Runs all sequences and returns the last layer's rows: T × B × O or B × T × O as `layout` says, or B × O where a
    /// recurrent layer gives only its last step ([`Network::output`]).
    ///
    /// `input` holds ids or features, T × B or T × B × I (B first with [`Layout::BatchFirst`]). With `lengths`, B values of
    /// at most T, each sequence ends at its own: rows past it are 0.
    ///
    /// # Errors
    /// [`Error::Model`] for the other kind of input or an id out of range, [`Error::Length`] if a buffer does not fit,
    /// [`Error::SequenceLength`] if a length is more than T; no state is changed then.
    pub fn forward<'a>(
        &mut self,
        input: impl Into<Input<'a>>,
        layout: Layout,
        lengths: Option<&[usize]>,
    ) -> Result<Vec<f32>> {
        let (input, network) = (input.into(), self.network.borrow());
        let steps = input.steps(network.input(), self.batch)?;
        let axes = Axes { layout, batch: self.batch, steps };
        if let Some(lengths) = lengths {
            Error::check_length("lengths", lengths.len(), "B", &[self.batch])?;
            if let Some(row) = lengths.iter().position(|length| *length > steps) {
                return Err(Error::SequenceLength { row, length: lengths[row], steps });
            }
        }
        let rowwise = Rowwise { token: network.level().token()?, input, width: network.input().width() };
        let mut state = State { values: Vec::new(), axes, mask: None };
        let mut sessions = self.sessions.iter_mut();
        for (index, stage) in network.stages.iter().enumerate() {
            // Before the first stage the rows are the caller's.
            let given = if index == 0 { features_of(input) } else { &state.values };
            match stage {
                Stage::Recurrent(group) => {
                    let Some(session) = sessions.next() else { break };
                    state = recurrent(session, group, given, state.axes, state.mask.take(), lengths)?;
                }
                _ => {
                    let rows = rowwise.rows(stage, given, state.axes.rows(), &mut self.rooms)?;
                    state.mask = mask_behind(stage, input, given).or(state.mask.take());
                    state.values = rows;
                }
            }
        }
        if let Some(lengths) = lengths.filter(|_| network.output().each_step) {
            clear_past(&mut state.values, axes, network.output().width(), lengths);
        }
        Ok(state.values)
    }

    /// As [`forward`](NetworkSession::forward), and every cell state of the last layer, its directions side by side: of a
    /// network that is nothing but recurrent layers.
    ///
    /// # Errors
    /// As [`forward`](NetworkSession::forward); [`Error::Model`] if something else than a recurrent layer with cell states and
    /// an output at every step stands in the network, or if it goes backwards.
    pub fn forward_with_cells(
        &mut self,
        x: &[f32],
        layout: Layout,
        lengths: Option<&[usize]>,
    ) -> Result<(Vec<f32>, Vec<f32>)> {
        let network = self.network.borrow();
        let steps = Input::Features(x).steps(network.input(), self.batch)?;
        let ([Stage::Recurrent(group)], [session]) = (&network.stages[..], &mut self.sessions[..]) else {
            let message = "cell states of every step: expected nothing but recurrent layers".to_owned();
            return Err(Error::Model { message });
        };
        if group.output == Output::Last || group.go_backwards {
            let message = "cell states of every step: expected layers that give every step, in order".to_owned();
            return Err(Error::Model { message });
        }
        let rows = self.batch * steps;
        let memory = group.model.stack().last().map_or(0, |layer| layer.passes.len() * layer.passes[0].1.sizes.memory);
        let (mut y, mut c) = (vec![0.0; rows * group.model.output_size()], vec![0.0; rows * memory]);
        let mut batch = Batch::new(x).layout(layout);
        if let Some(lengths) = lengths {
            batch = batch.lengths(lengths);
        }
        session.forward(batch, Outputs::none().hidden(&mut y).cells(&mut c))?;
        Ok((y, c))
    }

    /// Advances every sequence by one step and returns the last layer's rows, B × O. Allocates nothing for a single
    /// sequence.
    ///
    /// # Errors
    /// [`Error::Model`] if the network does not [stream](Network::streams) or for an id out of range, [`Error::Length`] if
    /// `input` has another length; the states are unchanged then.
    pub fn step<'a>(&mut self, input: impl Into<Input<'a>>) -> Result<&[f32]> {
        let (input, network) = (input.into(), self.network.borrow());
        if !network.streams() {
            let message = "a layer reads backwards, gives its last step only or leaves steps out: feed whole sequences";
            return Err(Error::Model { message: message.to_owned() });
        }
        match input.steps(network.input(), self.batch) {
            Ok(1) => {}
            Err(error @ Error::Model { .. }) => return Err(error),
            _ => {
                let found = match input {
                    Input::Ids(ids) => ids.len(),
                    Input::Features(x) => x.len(),
                };
                Error::check_length("x", found, "B·I", &[self.batch, network.input().width()])?;
            }
        }
        let rowwise = Rowwise { token: network.level().token()?, input, width: network.input().width() };
        let mut sessions = self.sessions.iter_mut();
        for (index, stage) in network.stages.iter().enumerate() {
            let (done, rest) = self.rows.split_at_mut(index);
            let (given, Some(rows)) = (done.last().map_or(features_of(input), Vec::as_slice), rest.first_mut()) else {
                break;
            };
            match stage {
                Stage::Recurrent(_) => {
                    let Some(session) = sessions.next() else { break };
                    rows.copy_from_slice(session.step(given)?);
                }
                _ => rowwise.write(stage, given, rows, &mut self.rooms),
            }
        }
        Ok(self.rows.last().map_or(&[], Vec::as_slice))
    }
}

fn groups(network: &Network) -> impl Iterator<Item = &Group> {
    network.stages.iter().filter_map(|stage| match stage {
        Stage::Recurrent(group) => Some(group),
        _ => None,
    })
}

/// Each pass's state, once for every sequence of the batch.
fn repeated(states: &[f32], sizes: impl Iterator<Item = usize>, batch: usize) -> Vec<f32> {
    let (mut rest, mut all) = (states, Vec::new());
    for size in sizes {
        let (own, others) = rest.split_at(size);
        all.extend(std::iter::repeat_n(own, batch).flatten());
        rest = others;
    }
    all
}

/// Runs recurrent layers over the rows that are there.
fn recurrent(
    session: &mut Session<Arc<Model>>,
    group: &Group,
    given: &[f32],
    axes: Axes,
    mask: Option<Vec<bool>>,
    lengths: Option<&[usize]>,
) -> Result<State> {
    let (input, width) = (group.model.input_size(), group.model.output_size());
    let every = group.output == Output::Every;
    let kept = mask.as_ref().map(|mask| Kept::new(axes, mask, lengths));
    let mut values = match &kept {
        None => run(session, given, axes, lengths, every)?,
        Some(kept) => {
            let values = run(session, &kept.together(given, input), kept.axes(), Some(&kept.lengths()), every)?;
            if every { kept.apart(&values, width, group.gap) } else { values }
        }
    };
    if !every {
        let values = last_states(session, group, kept.as_ref());
        return Ok(State { values, axes: Axes { steps: 1, ..axes }, mask: None });
    }
    if group.go_backwards {
        values = turned(&values, axes, width, lengths);
    }
    Ok(State { values, axes, mask })
}

/// The rows of every step, or only the states.
fn run(
    session: &mut Session<Arc<Model>>,
    x: &[f32],
    axes: Axes,
    lengths: Option<&[usize]>,
    every: bool,
) -> Result<Vec<f32>> {
    let mut batch = Batch::new(x).layout(axes.layout);
    if let Some(lengths) = lengths {
        batch = batch.lengths(lengths);
    }
    let mut y = zeros("rows", if every { axes.rows() } else { 0 }, session.model().output_size())?;
    let outputs = if every { Outputs::none().hidden(&mut y) } else { Outputs::none() };
    session.forward(batch, outputs)?;
    Ok(y)
}

/// The last layer's hidden states, both directions' as the layer merges them; zeros where the last step that a direction reads
/// is left out and such a step gives zeros.
fn last_states(session: &Session<Arc<Model>>, group: &Group, kept: Option<&Kept>) -> Vec<f32> {
    let directions = group.model.stack().last().map_or(&[][..], |layer| &layer.passes[..]);
    let first = group.model.passes() - directions.len();
    let state = |(place, (way, packed)): (usize, &(Way, Packed))| {
        let mut rows = session.hidden_state_of(first + place).unwrap_or_default().to_vec();
        if let Some(kept) = kept.filter(|_| group.gap == Gap::Zeros) {
            let rows = rows.chunks_exact_mut(packed.sizes.output).enumerate();
            for (_, row) in rows.filter(|(sequence, _)| !kept.has_last(*sequence, *way)) {
                row.fill(0.0);
            }
        }
        rows
    };
    let mut states = directions.iter().enumerate().map(state);
    let forward = states.next().unwrap_or_default();
    let Some(reverse) = states.next() else { return forward };
    let size = forward.len() / session.batch();
    if group.merge == Merge::Concat {
        let rows = forward.chunks_exact(size).zip(reverse.chunks_exact(size));
        return rows.flat_map(|(a, b)| a.iter().chain(b)).copied().collect();
    }
    let merged = forward.iter().zip(&reverse).map(|(a, b)| match group.merge {
        Merge::Sum => a + b,
        Merge::Mul => a * b,
        _ => 0.5 * (a + b),
    });
    merged.collect()
}

/// Zeros in the rows past each sequence's length.
fn clear_past(values: &mut [f32], axes: Axes, width: usize, lengths: &[usize]) {
    for (sequence, length) in lengths.iter().enumerate() {
        for step in *length..axes.steps {
            values[axes.row(sequence, step) * width..][..width].fill(0.0);
        }
    }
}
