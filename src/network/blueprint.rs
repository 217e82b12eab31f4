//! A sequential model as a file describes it: plain data, which every loader makes and which everything else takes.

use super::flow::{Flow, Step};
pub use crate::activation::Finish;
use crate::error::{Error, Result};
use crate::model::Merge;
use crate::sequence::layout::Layout;
use crate::weights::{Weights, check_finite};

/// A sequential model with its weights: layers from the input up.
///
/// The letters: `T` steps, `B` sequences of a batch, `I` input features, `H` hidden units, `O` output features.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Blueprint {
    /// What the file calls the model; may be empty.
    pub name: String,
    /// The order of the axes that the model's own framework uses: what its users' arrays have.
    pub layout: Layout,
    /// From the input up.
    pub layers: Vec<Layer>,
    /// Samples a second of the sound that it works on, if it does and the file says so.
    pub sample_rate: Option<f64>,
}

/// A layer and its name.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// What the file calls it.
    pub name: String,
    /// What it computes.
    pub operation: Operation,
}

/// What a layer computes.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Operation {
    /// A row of a table for each id.
    Embedding(Embedding),
    /// For each id a row of zeros with a one at the id's place.
    OneHot {
        /// Values of a row: ids go from 0 to classes − 1.
        classes: usize,
    },
    /// Leaves out the steps whose features all have this value (Keras' `Masking`).
    Masking {
        /// The value that says "nothing here".
        value: f32,
    },
    /// A recurrent layer.
    Recurrent(Box<Recurrent>),
    /// `y = f(W·x + b)` at every step.
    Dense(Dense),
    /// A function of every step's row.
    Activation(Finish),
    /// Adds the model's own input to every step (GuitarML's `skip`): its first features, or its first one to all where
    /// `features` is 1.
    AddInput {
        /// How many: 1, or as many as the row has.
        features: usize,
    },
}

/// A table with a row for each id (PyTorch's and Keras' `Embedding`).
#[derive(Clone, Debug, PartialEq)]
pub struct Embedding {
    /// Rows: ids go from 0 to rows − 1.
    pub rows: usize,
    /// Values of a row.
    pub width: usize,
    /// Row-major, rows × width.
    pub weight: Vec<f32>,
    /// Whether the id 0 says "nothing here" (Keras' `mask_zero`): such steps are left out by what follows.
    pub mask_zero: bool,
}

/// A linear layer and the function after it.
#[derive(Clone, Debug, PartialEq)]
pub struct Dense {
    /// Features of an input row.
    pub input: usize,
    /// Features of an output row.
    pub output: usize,
    /// Row-major, output × input: PyTorch's order; Keras' kernel is its transpose.
    pub weight: Vec<f32>,
    /// One value an output, or none at all.
    pub bias: Vec<f32>,
    /// What is applied to the sums.
    pub finish: Finish,
}

/// A recurrent layer, in one direction or both.
#[derive(Clone, Debug, PartialEq)]
pub struct Recurrent {
    /// The cells.
    pub passes: Passes,
    /// Whether it gives every step's hidden state or the last one's.
    pub output: Output,
    /// Keras' `go_backwards`: reads each sequence from its end, and its outputs stay in that order. The cells are then
    /// [`Passes::Forward`].
    pub go_backwards: bool,
    /// What it gives at a step that a mask leaves out.
    pub masked: Masked,
    /// The states that sequences begin with, one for each direction; empty for zeros.
    pub initial: Vec<State>,
}

/// The cells of a recurrent layer.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant, reason = "a layer's is boxed, and its weights are many times larger")]
pub enum Passes {
    /// From the first step to the last.
    Forward(Weights),
    /// From each sequence's last step to the first; outputs stand at the steps they belong to (ONNX).
    Reverse(Weights),
    /// In both directions.
    Both {
        /// From the first step to the last.
        forward: Weights,
        /// From the last to the first.
        reverse: Weights,
        /// How two outputs become one.
        merge: Merge,
    },
}

/// Which of its hidden states a recurrent layer gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Output {
    /// Of every step (Keras' `return_sequences=True`).
    #[default]
    Every,
    /// Of the last step: one row a sequence, what it began with if it has no step. The reverse direction's last step is the
    /// sequence's first one.
    Last,
}

/// A recurrent layer's direction, whose state a run keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassInfo {
    /// The layer's name.
    pub layer: String,
    /// Whether it reads from the end.
    pub reverse: bool,
    /// Values of h.
    pub hidden: usize,
    /// Values of c; 0 for a cell that has none.
    pub cell: usize,
}

impl PassInfo {
    fn of(layer: &Layer) -> Vec<PassInfo> {
        let Operation::Recurrent(recurrent) = &layer.operation else { return Vec::new() };
        let alone = matches!(recurrent.passes, Passes::Reverse(_)) || recurrent.go_backwards;
        let info = |(index, weights): (usize, &Weights)| PassInfo {
            layer: layer.name.clone(),
            reverse: alone || index == 1,
            hidden: weights.output_size(),
            cell: weights.cell_size(),
        };
        recurrent.passes.each().enumerate().map(info).collect()
    }
}

/// What a recurrent layer gives at a step that is left out; its state stays as it was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Masked {
    /// Zeros (Keras' `zero_output_for_mask`, which `Bidirectional` sets), at the last step too.
    #[default]
    Zeros,
    /// The output before, in the order of reading; zeros before the first (Keras' default). At the last step the state, even
    /// if all were left out.
    Repeat,
}

/// A state that all sequences begin with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// h, as many values as the cell's hidden state has.
    pub hidden: Vec<f32>,
    /// c, H values; empty for a cell that has none.
    pub cell: Vec<f32>,
}

impl Recurrent {
    /// A layer that reads forwards from zero states and gives every step.
    pub fn forward(weights: impl Into<Weights>) -> Self {
        Recurrent::new(Passes::Forward(weights.into()))
    }

    /// A layer that begins with zero states and gives every step.
    pub fn new(passes: Passes) -> Self {
        Recurrent { passes, output: Output::Every, go_backwards: false, masked: Masked::Zeros, initial: Vec::new() }
    }

    /// Features of an output row.
    pub fn output_size(&self) -> usize {
        match &self.passes {
            Passes::Forward(weights) | Passes::Reverse(weights) => weights.output_size(),
            Passes::Both { forward, merge: Merge::Concat, .. } => 2 * forward.output_size(),
            Passes::Both { forward, .. } => forward.output_size(),
        }
    }
}

impl Passes {
    /// The weights of each direction, forward before reverse.
    pub fn each(&self) -> impl Iterator<Item = &Weights> {
        let (first, second) = match self {
            Passes::Forward(weights) | Passes::Reverse(weights) => (weights, None),
            Passes::Both { forward, reverse, .. } => (forward, Some(reverse)),
        };
        std::iter::once(first).chain(second)
    }
}

impl Passes {
    /// As [`Passes::each`], to change.
    pub fn each_mut(&mut self) -> impl Iterator<Item = &mut Weights> {
        let (first, second) = match self {
            Passes::Forward(weights) | Passes::Reverse(weights) => (weights, None),
            Passes::Both { forward, reverse, .. } => (forward, Some(reverse)),
        };
        std::iter::once(first).chain(second)
    }
}

impl Layer {
    /// A layer with a name.
    pub fn new(name: impl Into<String>, operation: Operation) -> Self {
        Layer { name: name.into(), operation }
    }

    /// Numbers that were trained.
    pub fn parameters(&self) -> usize {
        match &self.operation {
            Operation::Embedding(embedding) => embedding.weight.len(),
            Operation::Dense(dense) => dense.weight.len() + dense.bias.len(),
            Operation::Recurrent(recurrent) => {
                let states = recurrent.initial.iter().map(|state| state.hidden.len() + state.cell.len());
                recurrent.passes.each().map(Weights::parameters).chain(states).sum()
            }
            _ => 0,
        }
    }
}

impl Blueprint {
    /// Checks that the layers fit each other, and says what stands behind each: one value a layer.
    ///
    /// # Errors
    /// [`Error::Model`] that names the layer, if there is none, if it takes another kind or width of rows than stand before
    /// it, or if it needs steps where only one row a sequence is left; [`Error::Length`] for a buffer of another length;
    /// [`Error::NotFinite`] for NaN or ∞.
    pub fn flow(&self) -> Result<Vec<Flow>> {
        if self.layers.is_empty() {
            return Err(Error::Model { message: "a model has at least one layer".to_owned() });
        }
        let first = self.input()?;
        let mut flows: Vec<Flow> = Vec::with_capacity(self.layers.len());
        for (index, layer) in self.layers.iter().enumerate() {
            let before = flows.last().copied().unwrap_or(first);
            let below = index.checked_sub(1).map(|below| &self.layers[below]);
            let step = Step { index, layer, below, before, input: first };
            flows.push(step.check()?);
        }
        Ok(flows)
    }

    /// What the model takes: ids, or rows of features.
    ///
    /// # Errors
    /// [`Error::Model`] if no layer says so.
    pub fn input(&self) -> Result<Flow> {
        // What stands before the first layer that has a width takes any.
        let first = self.layers.iter().find_map(|layer| match &layer.operation {
            Operation::Embedding(embedding) => Some(Flow::ids(embedding.rows)),
            Operation::OneHot { classes } => Some(Flow::ids(*classes)),
            Operation::Recurrent(recurrent) => Some(Flow::steps(recurrent.passes.each().next()?.input_size())),
            Operation::Dense(dense) => Some(Flow::steps(dense.input)),
            _ => None,
        });
        let message =
            "no layer says how many features the input has: expected a recurrent or a dense layer, or an embedding";
        first.ok_or_else(|| Error::Model { message: message.to_owned() })
    }

    /// The recurrent layers' directions, from the input up, forward before reverse: whose states a run keeps.
    pub fn passes(&self) -> Vec<PassInfo> {
        self.layers.iter().flat_map(PassInfo::of).collect()
    }

    /// Numbers that were trained.
    pub fn parameters(&self) -> usize {
        self.layers.iter().map(Layer::parameters).sum()
    }
}

impl Embedding {
    pub(super) fn check(&self) -> Result<()> {
        check_sizes(self.rows, self.width)?;
        Error::check_length("embedding", self.weight.len(), "rows·width", &[self.rows, self.width])?;
        check_finite("embedding", &self.weight)
    }
}

impl Dense {
    pub(super) fn check(&self) -> Result<()> {
        check_sizes(self.input, self.output)?;
        Error::check_length("weight", self.weight.len(), "outputs·inputs", &[self.output, self.input])?;
        if !self.bias.is_empty() {
            Error::check_length("bias", self.bias.len(), "outputs", &[self.output])?;
        }
        check_finite("weight", &self.weight)?;
        check_finite("bias", &self.bias)
    }
}

/// Refuses a layer that has nothing on one side.
fn check_sizes(before: usize, behind: usize) -> Result<()> {
    match before.min(behind) {
        0 => Err(Error::Size { what: "width", value: 0, reason: "a layer has at least one value on each side" }),
        _ => Ok(()),
    }
}
