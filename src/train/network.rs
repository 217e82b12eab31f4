//! A sequential model that learns: forward propagation that keeps what is needed, and back-propagation through time.

use wide::f32x16;

use super::block::{Block, Whole, divide};
use super::dense::{self, Function, Linear};
use super::dropout;
use super::pass::{Memory, grow, row_stride};
use super::recurrent::{Call, Recurrent, each_block, steps_of};
use crate::activation::{Activation, Finish};
use crate::error::{Error, Result};
use crate::kernel::outer;
use crate::network::blueprint::{Blueprint, Layer, Operation, Output, PassInfo};
use crate::network::{Input, Rows};
use crate::sequence::layout::Layout;
use crate::simd::Level;
use crate::team::Target;

/// How a [`Learner`] runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Threads; the bits of every result are the same for any number.
    pub threads: usize,
    /// The instruction set; `None` for what [`Level::chosen`] says.
    pub level: Option<Level>,
    /// What is kept for the way back.
    pub memory: Memory,
    /// The part of a recurrent layer's outputs that is left out at random on their way to the next recurrent layer, as in
    /// PyTorch's `dropout`; 0 for none.
    pub dropout: f64,
    /// Whether the function behind the last layer is left out, because the loss contains it ([`Objective`](super::Objective)).
    pub logits: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options { threads: 1, level: None, memory: Memory::Keep, dropout: 0.0, logits: false }
    }
}

/// A batch of sequences to learn from.
///
/// `T` steps, `B` sequences, `I` features; states as in [`Session::set_state`](crate::Session::set_state): pass after pass,
/// `[passes, B, width]`.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// `[T, B, I]` features or `[T, B]` ids, or `[B, T, …]`.
    pub x: Input<'a>,
    /// The order of the axes of x and y.
    pub layout: Layout,
    /// B.
    pub batch: usize,
    /// How many steps of each sequence are valid, 0 to T; all where it is `None`. Padding is not computed.
    pub lengths: Option<&'a [usize]>,
    /// h before the first step; the model's own initial states, or zeros, where it is `None`.
    pub hidden: Option<&'a [f32]>,
    /// c likewise, of the passes that have one.
    pub cell: Option<&'a [f32]>,
    /// Which dropout masks: the run's seed and the number of updates so far; `None` for no dropout.
    pub dropout: Option<(u64, u64)>,
}

impl<'a> Batch<'a> {
    /// Whole sequences from the model's initial states.
    pub fn new(x: impl Into<Input<'a>>, layout: Layout, batch: usize) -> Self {
        Batch { x: x.into(), layout, batch, lengths: None, hidden: None, cell: None, dropout: None }
    }
}

/// What a batch gave.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// The last layer's rows: `[T, B, O]` or `[B, T, O]`, zeros past a sequence's length; `[B, O]` behind a layer that gives
    /// its last state alone.
    pub y: Vec<f32>,
    /// h after each sequence's last step, `[passes, B, width]`.
    pub hidden: Vec<f32>,
    /// c likewise.
    pub cell: Vec<f32>,
}

/// The gradients of what a batch gave; empty slices for zeros.
#[derive(Clone, Copy, Debug, Default)]
pub struct Upstream<'a> {
    /// Of y, in its shape; what stands past a sequence's length is not read.
    pub y: &'a [f32],
    /// Of the last h.
    pub hidden: &'a [f32],
    /// Of the last c.
    pub cell: &'a [f32],
}

/// The gradients of what a batch was given.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Downstream {
    /// Of x, zeros past a sequence's length; empty for ids.
    pub x: Vec<f32>,
    /// Of the first h.
    pub hidden: Vec<f32>,
    /// Of the first c.
    pub cell: Vec<f32>,
}

/// A model's layers, packed for learning.
enum Stage {
    Recurrent(Recurrent),
    Linear(Linear),
    Function(Function),
    Table { width: usize },
    OneHot { classes: usize },
    Dropout { width: usize, rate: f64, index: u64 },
}

/// A stage, and the layer of the blueprint that it is.
struct Placed {
    stage: Stage,
    layer: Option<usize>,
    /// Values of an output row.
    width: usize,
}

/// A sequential model that learns.
///
/// ```
/// use gatewise::network::blueprint::{Blueprint, Layer, Operation, Recurrent};
/// use gatewise::train::{Batch, Learner, Options, Upstream};
/// use gatewise::{Layout, LstmWeights};
///
/// // The worked example's cell, one step; the loss is h itself.
/// let weights = LstmWeights::new(1, 1, &[1.65, 1.63, 0.94, -0.19], &[2.0, 2.7, 1.41, 4.38], &[0.62, 1.62, -0.32, 0.59])?;
/// let layers = vec![Layer::new("cell", Operation::Recurrent(Box::new(Recurrent::forward(weights))))];
/// let mut learner = Learner::new(Blueprint { layers, ..Blueprint::default() }, Options::default())?;
///
/// let batch = Batch { hidden: Some(&[1.0]), cell: Some(&[2.0]), ..Batch::new(&[1.0], Layout::TimeMajor, 1) };
/// let outcome = learner.forward(&batch)?;
/// assert!((outcome.y[0] - 0.986_229_1).abs() < 1e-6);
///
/// let down = learner.backward(Upstream { y: &[1.0], ..Upstream::default() })?;
/// assert!((down.x[0] - -5.617_419e-4).abs() < 1e-8);
/// assert!((down.cell[0] - 1.083_144_3e-2).abs() < 1e-7);
/// let (name, gradient) = &learner.gradients()[2];
/// assert_eq!(name, "cell.bias");
/// // Rows i f g o: the gradients of the pre-activations.
/// assert!((gradient[3] - 8.211_435_5e-3).abs() < 1e-7);
/// # Ok::<(), gatewise::Error>(())
/// ```
pub struct Learner {
    blueprint: Blueprint,
    options: Options,
    level: Level,
    stages: Vec<Placed>,
    passes: Vec<PassInfo>,
    blocks: Vec<Block>,
    /// How many of them the last batch has.
    used: usize,
    whole: Whole,
    /// Of each layer: of each direction, or one list: the gradients of its tensors.
    gradients: Vec<Vec<Vec<Vec<f32>>>>,
    /// Of each layer: of each direction: h and c that sequences begin with.
    initial: Vec<Vec<[Vec<f32>; 2]>>,
    rooms: Vec<Vec<f32x16>>,
    /// Whether the last batch began with the model's own states.
    own_states: bool,
    /// Whether some of its sequences were shorter than others.
    padded: bool,
    outcome: Outcome,
    downstream: Downstream,
}

impl Learner {
    /// Checks and packs a model.
    ///
    /// # Errors
    /// The errors of [`Blueprint::flow`]; [`Error::Model`] for a layer that cannot be trained (a mask, a skipped input,
    /// `go_backwards`, directions kept apart) or an option out of range; [`Error::MissingLevel`].
    pub fn new(blueprint: Blueprint, options: Options) -> Result<Self> {
        let flows = blueprint.flow()?;
        let level = options.level.map_or_else(Level::chosen, Ok)?;
        if !(0.0..1.0).contains(&options.dropout) {
            let message = format!("dropout {}: expected at least 0 and less than 1", options.dropout);
            return Err(Error::Training { message });
        }
        if options.threads == 0 {
            return Err(Error::Size { what: "threads", value: 0, reason: "learning takes at least one" });
        }
        let (mut stages, mut pass, mut each_step) = (Vec::new(), 0, true);
        let recurrent = |layer: &Layer| matches!(layer.operation, Operation::Recurrent(_));
        let last_recurrent = blueprint.layers.iter().rposition(recurrent);
        let mut before = blueprint.input()?;
        for (index, (layer, flow)) in blueprint.layers.iter().zip(&flows).enumerate() {
            let refuse =
                |what: &str| Err(Error::Model { message: format!("layer {}: {what} cannot be trained", layer.name) });
            let end = index + 1 == blueprint.layers.len();
            let finish =
                |finish: Finish| if end && options.logits { Finish::Each(Activation::Identity) } else { finish };
            let stage = match &layer.operation {
                Operation::Embedding(table) if table.mask_zero => return refuse("an embedding that masks zeros"),
                Operation::Embedding(table) => Stage::Table { width: table.width },
                Operation::OneHot { classes } => Stage::OneHot { classes: *classes },
                Operation::Masking { .. } => return refuse("a mask (give lengths instead)"),
                Operation::AddInput { .. } => return refuse("a skipped input"),
                Operation::Recurrent(recurrent) => {
                    let stage = Recurrent::new(&layer.name, recurrent, pass, options.memory, level)?;
                    pass += stage.passes.len();
                    Stage::Recurrent(stage)
                }
                Operation::Dense(dense) => Stage::Linear(Linear::new(dense, finish(dense.finish), !each_step, level)?),
                Operation::Activation(function) => {
                    let (width, token) = (before.width(), level.token()?);
                    Stage::Function(Function { token, finish: finish(*function), width, last: !each_step })
                }
            };
            each_step = flow.each_step;
            before = *flow;
            let width = flow.width();
            let drops = matches!(stage, Stage::Recurrent(_)) && last_recurrent.is_some_and(|last| index < last);
            stages.push(Placed { stage, layer: Some(index), width });
            if drops && options.dropout > 0.0 {
                let stage = Stage::Dropout { width, rate: options.dropout, index: index as u64 };
                stages.push(Placed { stage, layer: None, width });
            }
        }
        let mut learner = Learner {
            passes: blueprint.passes(),
            options,
            level,
            stages,
            blocks: Vec::new(),
            used: 0,
            whole: Whole { layout: Layout::TimeMajor, batch: 0, steps: 0 },
            gradients: Vec::new(),
            initial: Vec::new(),
            rooms: Vec::new(),
            own_states: false,
            padded: false,
            outcome: Outcome::default(),
            downstream: Downstream::default(),
            blueprint,
        };
        learner.rooms = (0..learner.options.threads).map(|_| outer::room()).collect();
        for layer in &learner.blueprint.layers {
            let zeros = |values: &[f32]| vec![0.0; values.len()];
            let (mut tensors, mut initial) = (Vec::new(), Vec::new());
            match &layer.operation {
                Operation::Recurrent(recurrent) => {
                    for weights in recurrent.passes.each() {
                        tensors.push(weights.tensors().into_iter().map(|(_, values)| zeros(values)).collect());
                    }
                    initial.extend(recurrent.initial.iter().map(|state| [zeros(&state.hidden), zeros(&state.cell)]));
                }
                Operation::Dense(dense) => tensors.push(vec![zeros(&dense.weight), zeros(&dense.bias)]),
                Operation::Embedding(table) => tensors.push(vec![zeros(&table.weight)]),
                _ => {}
            }
            learner.gradients.push(tensors);
            learner.initial.push(initial);
        }
        Ok(learner)
    }

    /// The model with its present weights.
    pub fn blueprint(&self) -> &Blueprint {
        &self.blueprint
    }

    /// The model, when learning is over.
    pub fn into_blueprint(self) -> Blueprint {
        self.blueprint
    }

    /// Values of a row of y.
    pub fn output_size(&self) -> usize {
        self.stages.last().map_or(0, |placed| placed.width)
    }

    /// Whether y has one row a sequence, not one a step.
    pub fn gives_last(&self) -> bool {
        self.stages.iter().any(|placed| matches!(&placed.stage, Stage::Recurrent(r) if r.output == Output::Last))
    }

    /// Forward propagation, keeping what [`Learner::backward`] needs.
    ///
    /// # Errors
    /// [`Error::Length`] for an array that does not fit the others, [`Error::SequenceLength`], [`Error::Model`] for ids where
    /// features are expected (or the reverse) and for an id that the table does not have.
    pub fn forward(&mut self, batch: &Batch<'_>) -> Result<&Outcome> {
        self.begin(batch)?;
        let (stages, options, whole) = (&self.stages, &self.options, self.whole);
        let (x, features) = (batch.x, self.blueprint.input()?.width());
        let (last, width) = (self.gives_last(), self.output_size());
        let rows = self.output_rows();
        self.outcome.y.resize(rows.batch * rows.steps * width, 0.0);
        if self.padded {
            self.outcome.y.fill(0.0);
        }
        let y = Target::new(&mut self.outcome.y);
        each_block(options.threads, &mut self.blocks[..self.used], |index, block| {
            take_rows(block, whole, x, features);
            for (at, placed) in stages.iter().enumerate() {
                match &placed.stage {
                    Stage::Recurrent(recurrent) => recurrent.forward(block, at),
                    Stage::Linear(linear) => linear.forward(block, at),
                    Stage::Function(function) => function.forward(block, at),
                    Stage::Table { width } => {
                        if let Some(Operation::Embedding(table)) = operation(&self.blueprint, placed.layer) {
                            dense::look_up(block, at, *width, |id, row| {
                                row.copy_from_slice(&table.weight[id * width..][..*width]);
                            });
                        }
                    }
                    Stage::OneHot { classes } => dense::look_up(block, at, *classes, |id, row| {
                        row.fill(0.0);
                        row[id] = 1.0;
                    }),
                    Stage::Dropout { width, rate, index: layer } => {
                        let values = block.steps.rows() * row_stride(*width);
                        let mask = &mut block.apart[at];
                        grow(mask, values);
                        let mask: &mut [f32] = &mut bytemuck::cast_slice_mut(mask)[..values];
                        mask.fill(1.0);
                        if let Some((seed, step)) = batch.dropout {
                            // The blocks are the same on any number of threads.
                            let place = dropout::Place { seed, step, layer: layer << 32 | index as u64 };
                            // The rate was checked.
                            let _ = dropout::fill(place, *rate, mask);
                        }
                        let (before, behind) = block.rows.split_at_mut(at + 1);
                        grow(&mut behind[0], values);
                        let x: &[f32] = bytemuck::cast_slice(&before[at]);
                        let y: &mut [f32] = bytemuck::cast_slice_mut(&mut behind[0]);
                        for (y, (x, mask)) in y.iter_mut().zip(x.iter().zip(&*mask)) {
                            *y = x * mask;
                        }
                    }
                }
            }
            // No two blocks have a sequence in common.
            let own: &[f32] = bytemuck::cast_slice(&block.rows[stages.len()]);
            block.each_row(steps_of(block, last), rows, |row, place| {
                y.write(place * width, &own[row * row_stride(width)..][..width]);
            });
        });
        self.outcome.hidden = self.gather(|pass| pass.hidden, |block, pass| &block.states[pass].hidden);
        self.outcome.cell = self.gather(|pass| pass.cell, |block, pass| &block.states[pass].memory);
        Ok(&self.outcome)
    }

    /// The rows of y: one a step, or one a sequence.
    fn output_rows(&self) -> Whole {
        if self.gives_last() { Whole { layout: Layout::TimeMajor, steps: 1, ..self.whole } } else { self.whole }
    }

    /// Divides the batch and copies its rows and states.
    fn begin(&mut self, batch: &Batch<'_>) -> Result<()> {
        let Batch { x, layout, batch: count, lengths, hidden, cell, .. } = *batch;
        if count == 0 {
            return Err(Error::Size { what: "batch", value: 0, reason: "a batch has at least one sequence" });
        }
        let expected = self.blueprint.input()?;
        let steps = x.steps(expected, count)?;
        let all = vec![steps; count];
        if let Some(lengths) = lengths {
            Error::check_length("lengths", lengths.len(), "B", &[count])?;
            if let Some(row) = lengths.iter().position(|length| *length > steps) {
                return Err(Error::SequenceLength { row, length: lengths[row], steps });
            }
        }
        let sizes = |of: fn(&PassInfo) -> usize| self.passes.iter().map(of).sum::<usize>();
        let (h_size, c_size) = (sizes(|pass| pass.hidden), sizes(|pass| pass.cell));
        for (what, given, size) in [("h0", hidden, h_size), ("c0", cell, c_size)] {
            if let Some(given) = given {
                Error::check_length(what, given.len(), "B·H of every pass", &[count, size])?;
            }
        }
        let lengths = lengths.unwrap_or(&all);
        self.whole = Whole { layout, batch: count, steps };
        self.own_states = hidden.is_none() && cell.is_none();
        self.padded = lengths.iter().any(|length| *length < steps);
        let bytes = self.stages.iter().map(|placed| match &placed.stage {
            Stage::Recurrent(recurrent) => recurrent.recurrent_bytes(),
            _ => 0,
        });
        let parts = divide(lengths, bytes.max().unwrap_or(0));
        self.used = parts.len();
        while self.blocks.len() < parts.len() {
            self.blocks.push(Block::new(self.stages.len(), self.passes.len()));
        }
        let initial: Vec<_> = self.blueprint.layers.iter().flat_map(initial_states).collect();
        for (block, order) in self.blocks.iter_mut().zip(parts) {
            block.begin(order, lengths);
            let (mut h_at, mut c_at) = (0, 0);
            for (index, pass) in self.passes.iter().enumerate() {
                let state = &mut block.states[index];
                let own = initial.get(index).copied().flatten();
                let begin = |given: Option<&[f32]>, at: usize, width: usize, own: Option<&[f32]>| -> Vec<f32> {
                    let row = |place: &usize| match (given, own) {
                        (Some(given), _) => given[(at * count) + place * width..][..width].to_vec(),
                        (None, Some(own)) if own.len() == width => own.to_vec(),
                        _ => vec![0.0; width],
                    };
                    block.order.iter().flat_map(row).collect()
                };
                state.hidden = begin(hidden, h_at, pass.hidden, own.map(|own| &own.hidden[..]));
                state.memory = begin(cell, c_at, pass.cell, own.map(|own| &own.cell[..]));
                (h_at, c_at) = (h_at + pass.hidden, c_at + pass.cell);
            }
        }
        Ok(())
    }

    /// States of all blocks as those of the batch.
    fn gather(&self, width: fn(&PassInfo) -> usize, of: fn(&Block, usize) -> &Vec<f32>) -> Vec<f32> {
        let count = self.whole.batch;
        let mut all = Vec::new();
        for (index, pass) in self.passes.iter().enumerate() {
            let (width, start) = (width(pass), all.len());
            all.resize(start + count * width, 0.0);
            for block in &self.blocks[..self.used] {
                for (place, values) in block.order.iter().zip(of(block, index).chunks_exact(width.max(1))) {
                    all[start + place * width..][..width].copy_from_slice(values);
                }
            }
        }
        all
    }

    /// Back-propagation through the last batch: adds to the weights' gradients, and returns those of what was given.
    ///
    /// A gradient is what the loss changes by for a change of one; gradients of several batches add up until
    /// [`Learner::zero_gradients`]. Each batch can be gone back through once.
    ///
    /// # Errors
    /// [`Error::Model`] if there was no batch since, [`Error::Length`] for gradients of another size.
    pub fn backward(&mut self, upstream: Upstream<'_>) -> Result<&Downstream> {
        if self.used == 0 {
            let message = "nothing to go back through: each forward propagation allows one back-propagation".to_owned();
            return Err(Error::Model { message });
        }
        self.begin_back(upstream)?;
        let threads = self.options.threads;
        let first_trained = self.stages.iter().position(|placed| !matches!(placed.stage, Stage::OneHot { .. }));
        let features = matches!(self.blueprint.input()?.rows, Rows::Features(_));
        for at in (0..self.stages.len()).rev() {
            let blocks = &mut self.blocks[..self.used];
            let Placed { stage, layer, .. } = &mut self.stages[at];
            let gradients = layer.map(|layer| &mut self.gradients[layer][..]).unwrap_or_default();
            // What stands before the first layer that learns wants no gradient, unless the caller does.
            let wants_x = features || first_trained.is_some_and(|first| at > first);
            match stage {
                Stage::Recurrent(recurrent) => {
                    let call = Call { threads, wants_x, gradients, rooms: &mut self.rooms };
                    recurrent.back(blocks, at, call);
                }
                Stage::Linear(linear) => {
                    let linear = &*linear;
                    each_block(threads, blocks, |_, block| linear.backward(block, at, wants_x));
                    linear.add_gradients(blocks, at, &mut gradients[0], threads, &mut self.rooms);
                }
                Stage::Function(function) => {
                    let function = &*function;
                    each_block(threads, blocks, |_, block| function.backward(block, at));
                }
                Stage::Table { .. } => {
                    if let Some(Operation::Embedding(table)) = operation(&self.blueprint, *layer) {
                        dense::add_to_table(blocks, table, &mut gradients[0][0]);
                    }
                }
                Stage::OneHot { .. } => {}
                Stage::Dropout { .. } => each_block(threads, blocks, |_, block| {
                    let mask: &[f32] = bytemuck::cast_slice(&block.apart[at]);
                    let d: &mut [f32] = bytemuck::cast_slice_mut(&mut block.d_rows[0]);
                    d.iter_mut().zip(mask).for_each(|(d, mask)| *d *= mask);
                    block.d_rows.swap(0, 1);
                }),
            }
            blocks.iter_mut().for_each(|block| block.d_rows.swap(0, 1));
        }
        self.give_downstream(features);
        self.add_initial_gradients();
        self.used = 0;
        Ok(&self.downstream)
    }

    fn begin_back(&mut self, upstream: Upstream<'_>) -> Result<()> {
        let (last, width, whole) = (self.gives_last(), self.output_size(), self.output_rows());
        let count = whole.batch;
        if !upstream.y.is_empty() {
            Error::check_length("the gradient of y", upstream.y.len(), "T·B·O", &[whole.steps, count, width])?;
        }
        let sizes = |of: fn(&PassInfo) -> usize| self.passes.iter().map(of).sum::<usize>();
        let (h_size, c_size) = (sizes(|pass| pass.hidden), sizes(|pass| pass.cell));
        for (what, given, size) in [("h", upstream.hidden, h_size), ("c", upstream.cell, c_size)] {
            if !given.is_empty() {
                let what = format!("the gradient of {what}");
                Error::check_length(&what, given.len(), "B·H of every pass", &[count, size])?;
            }
        }
        let (stride, passes) = (row_stride(width), &self.passes);
        each_block(self.options.threads, &mut self.blocks[..self.used], |_, block| {
            let mut d_rows = std::mem::take(&mut block.d_rows[0]);
            grow(&mut d_rows, steps_of(block, last).rows() * stride);
            let rows: &mut [f32] = bytemuck::cast_slice_mut(&mut d_rows);
            if upstream.y.is_empty() {
                rows.fill(0.0);
            } else {
                block.each_row(steps_of(block, last), whole, |row, place| {
                    rows[row * stride..][..width].copy_from_slice(&upstream.y[place * width..][..width]);
                });
            }
            block.d_rows[0] = d_rows;
            let (mut h_at, mut c_at) = (0, 0);
            for (state, pass) in block.states.iter_mut().zip(passes) {
                let take = |given: &[f32], at: usize, width: usize| -> Vec<f32> {
                    let row = |place: &usize| given[at * count + place * width..][..width].to_vec();
                    match given.is_empty() {
                        true => vec![0.0; block.order.len() * width],
                        false => block.order.iter().flat_map(row).collect(),
                    }
                };
                state.d_hidden = take(upstream.hidden, h_at, pass.hidden);
                state.d_memory = take(upstream.cell, c_at, pass.cell);
                (h_at, c_at) = (h_at + pass.hidden, c_at + pass.cell);
            }
        });
        Ok(())
    }

    fn give_downstream(&mut self, features: bool) {
        self.downstream.hidden = self.gather(|pass| pass.hidden, |block, pass| &block.states[pass].d_hidden);
        self.downstream.cell = self.gather(|pass| pass.cell, |block, pass| &block.states[pass].d_memory);
        if !features {
            return;
        }
        let (width, whole) = (self.blueprint.input().map_or(0, |flow| flow.width()), self.whole);
        self.downstream.x.resize(whole.batch * whole.steps * width, 0.0);
        if self.padded {
            self.downstream.x.fill(0.0);
        }
        let x = Target::new(&mut self.downstream.x);
        each_block(self.options.threads, &mut self.blocks[..self.used], |_, block| {
            let rows: &[f32] = bytemuck::cast_slice(&block.d_rows[0]);
            block.each_row(&block.steps, whole, |row, place| {
                x.write(place * width, &rows[row * row_stride(width)..][..width]);
            });
        });
    }

    /// States that the model itself begins with have the sum of all sequences' gradients.
    fn add_initial_gradients(&mut self) {
        if !self.own_states {
            return;
        }
        let mut pass = 0;
        for (layer, initial) in self.blueprint.layers.iter().zip(&mut self.initial) {
            let Operation::Recurrent(recurrent) = &layer.operation else { continue };
            let count = recurrent.passes.each().count();
            for (index, gradients) in initial.iter_mut().enumerate() {
                for block in &self.blocks[..self.used] {
                    let state = &block.states[pass + index];
                    for (gradient, given) in gradients.iter_mut().zip([&state.d_hidden, &state.d_memory]) {
                        for row in given.chunks_exact(gradient.len().max(1)) {
                            gradient.iter_mut().zip(row).for_each(|(gradient, d)| *gradient += d);
                        }
                    }
                }
            }
            pass += count;
        }
    }

    /// Sets all gradients to zero.
    pub fn zero_gradients(&mut self) {
        self.gradients.iter_mut().flatten().flatten().for_each(|values| values.fill(0.0));
        self.initial.iter_mut().flatten().flatten().for_each(|values| values.fill(0.0));
    }

    /// Every gradient by the name of its tensor: `LAYER.weight_ih`, `LAYER.reverse.weight_ih`, `LAYER.weight` …, in the order
    /// of [`Learner::update`].
    pub fn gradients(&self) -> Vec<(String, &[f32])> {
        let mut all = Vec::new();
        for (index, layer) in self.blueprint.layers.iter().enumerate() {
            let tensors = names(layer).into_iter();
            let values = self.gradients[index].iter().flatten().chain(self.initial[index].iter().flatten());
            all.extend(tensors.zip(values).filter(|(_, v)| !v.is_empty()).map(|(name, values)| (name, &values[..])));
        }
        all
    }

    /// The gradients to change, in the same order: to bound them, say.
    pub fn gradients_mut(&mut self) -> Vec<&mut [f32]> {
        let mut all: Vec<&mut [f32]> = Vec::new();
        for (own, initial) in self.gradients.iter_mut().zip(&mut self.initial) {
            let values = own.iter_mut().flatten().chain(initial.iter_mut().flatten());
            all.extend(values.map(|values| &mut values[..]).filter(|values| !values.is_empty()));
        }
        all
    }

    /// Whether every recurrent layer reads from the first step to the last, so that a sequence can be learnt from in parts.
    pub fn streams(&self) -> bool {
        self.passes.iter().all(|pass| !pass.reverse)
    }

    /// Every trained tensor by its name, in the same order.
    pub fn parameters(&self) -> Vec<(String, &[f32])> {
        let mut all: Vec<(String, &[f32])> = Vec::new();
        for layer in &self.blueprint.layers {
            let mut values: Vec<&[f32]> = Vec::new();
            match &layer.operation {
                Operation::Recurrent(recurrent) => {
                    for weights in recurrent.passes.each() {
                        values.extend(weights.tensors().into_iter().map(|(_, values)| values));
                    }
                    for state in &recurrent.initial {
                        values.extend([&state.hidden[..], &state.cell[..]]);
                    }
                }
                Operation::Dense(dense) => values.extend([&dense.weight[..], &dense.bias[..]]),
                Operation::Embedding(table) => values.push(&table.weight),
                _ => {}
            }
            all.extend(names(layer).into_iter().zip(values).filter(|(_, values)| !values.is_empty()));
        }
        all
    }

    /// Changes the weights: `change` gets every trained tensor and its gradient, by name, in order; then they are packed again.
    ///
    /// # Errors
    /// What `change` returns; [`Error::NotFinite`] if a weight is no longer a number. The weights are then as `change` left
    /// them: put back good ones before anything else.
    pub fn update(&mut self, change: impl FnOnce(&mut [(String, &mut [f32])], &[&[f32]]) -> Result<()>) -> Result<()> {
        let mut parameters: Vec<(String, &mut [f32])> = Vec::new();
        let mut gradients: Vec<&[f32]> = Vec::new();
        for (index, layer) in self.blueprint.layers.iter_mut().enumerate() {
            let names = names(layer);
            let mut values: Vec<&mut [f32]> = Vec::new();
            match &mut layer.operation {
                Operation::Recurrent(recurrent) => {
                    for weights in recurrent.passes.each_mut() {
                        values.extend(weights.tensors_mut().into_iter().map(|(_, values)| values));
                    }
                    for state in &mut recurrent.initial {
                        values.extend([&mut state.hidden[..], &mut state.cell[..]]);
                    }
                }
                Operation::Dense(dense) => values.extend([&mut dense.weight[..], &mut dense.bias[..]]),
                Operation::Embedding(table) => values.push(&mut table.weight),
                _ => {}
            }
            parameters.extend(names.into_iter().zip(values).filter(|(_, values)| !values.is_empty()));
            let own = self.gradients[index].iter().flatten().chain(self.initial[index].iter().flatten());
            gradients.extend(own.map(|values| &values[..]).filter(|values| !values.is_empty()));
        }
        change(&mut parameters, &gradients)?;
        for (name, values) in &parameters {
            crate::weights::check_finite(name, values)?;
        }
        drop(parameters);
        self.pack()
    }

    /// Packs the present weights.
    fn pack(&mut self) -> Result<()> {
        for placed in &mut self.stages {
            match (&mut placed.stage, operation(&self.blueprint, placed.layer)) {
                (Stage::Recurrent(stage), Some(Operation::Recurrent(layer))) => stage.pack(layer, self.level)?,
                (Stage::Linear(stage), Some(Operation::Dense(layer))) => stage.pack(layer, self.level)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Bytes that are held beside the weights: what the way back needs, and room to work.
    pub fn kept_bytes(&self) -> usize {
        self.blocks.iter().flat_map(|block| &block.tapes).map(super::pass::Tape::bytes).sum()
    }
}

fn operation(blueprint: &Blueprint, layer: Option<usize>) -> Option<&Operation> {
    layer.map(|layer| &blueprint.layers[layer].operation)
}

/// The states that a layer's passes begin with; `None` for zeros.
fn initial_states(layer: &Layer) -> Vec<Option<&crate::network::blueprint::State>> {
    match &layer.operation {
        Operation::Recurrent(recurrent) => {
            (0..recurrent.passes.each().count()).map(|index| recurrent.initial.get(index)).collect()
        }
        _ => Vec::new(),
    }
}

/// The names of a layer's tensors, in order.
fn names(layer: &Layer) -> Vec<String> {
    let named = |what: &str| format!("{}.{what}", layer.name);
    match &layer.operation {
        Operation::Recurrent(recurrent) => {
            let mut names = Vec::new();
            let side = |index: usize| if index == 1 { "reverse." } else { "" };
            for (index, weights) in recurrent.passes.each().enumerate() {
                names.extend(weights.tensors().iter().map(|(name, _)| named(&format!("{}{name}", side(index)))));
            }
            for index in 0..recurrent.initial.len() {
                names.extend(["h0", "c0"].map(|name| named(&format!("{}{name}", side(index)))));
            }
            names
        }
        Operation::Dense(_) => ["weight", "bias"].map(named).to_vec(),
        Operation::Embedding(_) => vec![named("weight")],
        _ => Vec::new(),
    }
}

/// Copies a block's rows, or ids, out of the batch's.
fn take_rows(block: &mut Block, whole: Whole, x: Input<'_>, width: usize) {
    match x {
        Input::Ids(ids) => {
            let mut own = std::mem::take(&mut block.ids);
            own.clear();
            own.resize(block.steps.rows(), 0);
            block.each_row(&block.steps, whole, |row, place| own[row] = usize::try_from(ids[place]).unwrap_or(0));
            block.ids = own;
        }
        Input::Features(x) => {
            let stride = row_stride(width);
            let mut rows = std::mem::take(&mut block.rows[0]);
            grow(&mut rows, block.steps.rows() * stride);
            let own: &mut [f32] = bytemuck::cast_slice_mut(&mut rows);
            block.each_row(&block.steps, whole, |row, place| {
                own[row * stride..][..width].copy_from_slice(&x[place * width..][..width]);
            });
            block.rows[0] = rows;
        }
    }
}
