//! A blueprint, packed: the layers as the kernels read them.

use std::sync::Arc;

use super::blueprint::{Blueprint, Masked, Operation, Output, PassInfo, Passes, Recurrent};
use super::flow::Flow;
use super::mask::Gap;
use crate::activation::Finish;
use crate::error::Result;
use crate::kernel::linear::Linear;
use crate::model::{Merge, Model, ModelBuilder};
use crate::simd::Level;

/// A whole sequential model, packed for one instruction set: immutable, `Send + Sync`, shared by any number of
/// [`NetworkSession`](super::NetworkSession)s.
///
/// ```
/// use gatewise::network::blueprint::{Blueprint, Dense, Embedding, Finish, Layer, Operation, Output, Recurrent};
/// use gatewise::network::{Network, NetworkSession};
/// use gatewise::{GruWeights, Layout};
///
/// // Three letters → two features → a GRU of one unit, its last state → two probabilities.
/// let table = Embedding { rows: 3, width: 2, weight: vec![0.1, 0.2, -0.3, 0.4, 0.5, -0.6], mask_zero: false };
/// let gru = GruWeights::new(2, 1, &[0.5; 6], &[0.25; 3], &[0.0; 3], &[0.0])?;
/// let head = Dense { input: 1, output: 2, weight: vec![1.0, -1.0], bias: vec![], finish: Finish::Softmax };
/// let layers = vec![
///     Layer::new("letters", Operation::Embedding(table)),
///     Layer::new("gru", Operation::Recurrent(Box::new(Recurrent { output: Output::Last, ..Recurrent::forward(gru) }))),
///     Layer::new("head", Operation::Dense(head)),
/// ];
/// let network = Network::new(&Blueprint { layers, ..Blueprint::default() })?;
/// let probabilities = NetworkSession::new(&network, 1)?.forward(&[0, 2, 1], Layout::BatchFirst, None)?;
/// assert_eq!(probabilities.len(), 2);
/// assert!((probabilities[0] + probabilities[1] - 1.0).abs() < 1e-6);
/// # Ok::<(), gatewise::Error>(())
/// ```
#[derive(Clone)]
pub struct Network {
    pub(super) stages: Vec<Stage>,
    input: Flow,
    output: Flow,
    passes: Vec<PassInfo>,
    level: Level,
}

/// What is done with all rows at once.
#[derive(Clone)]
pub(super) enum Stage {
    /// Rows of a table, and whether the id 0 is left out.
    Lookup { table: Arc<[f32]>, width: usize, mask_zero: bool },
    /// A one among zeros.
    OneHot { classes: usize },
    /// Leaves out the rows that are all this value.
    Mask { value: f32, width: usize },
    /// Recurrent layers on top of each other.
    Recurrent(Group),
    /// A linear layer.
    Linear(Linear),
    /// A function.
    Finish { finish: Finish, width: usize },
    /// The network's input, added.
    AddInput { features: usize, width: usize },
}

/// Recurrent layers that are one model.
#[derive(Clone)]
pub(super) struct Group {
    pub model: Arc<Model>,
    pub output: Output,
    /// How the last layer's directions become one, for the last states.
    pub merge: Merge,
    /// Whether the outputs stay in the order of reading, from the end.
    pub go_backwards: bool,
    pub gap: Gap,
    /// The states to begin with, all passes'; empty for zeros.
    pub hidden: Vec<f32>,
    pub cell: Vec<f32>,
}

impl Network {
    /// Checks and packs for the fastest instruction set of this machine, or for the one that `GATEWISE_ISA` names.
    ///
    /// # Errors
    /// What [`Blueprint::flow`] and [`Level::chosen`] return.
    pub fn new(blueprint: &Blueprint) -> Result<Self> {
        Network::with_level(blueprint, Level::chosen()?)
    }

    /// Checks and packs for `level`.
    ///
    /// # Errors
    /// What [`Blueprint::flow`] returns; [`Error::MissingLevel`](crate::Error::MissingLevel) if this machine does not have it.
    pub fn with_level(blueprint: &Blueprint, level: Level) -> Result<Self> {
        let (token, flows, input) = (level.token()?, blueprint.flow()?, blueprint.input()?);
        let (mut stages, mut open) = (Vec::new(), Open::default());
        for (index, (layer, flow)) in blueprint.layers.iter().zip(&flows).enumerate() {
            let before = if index == 0 { input.width() } else { flows[index - 1].width() };
            if let Operation::Recurrent(recurrent) = &layer.operation {
                if !open.takes(recurrent) {
                    stages.extend(open.close(level)?);
                }
                open.layers.push(recurrent);
                continue;
            }
            stages.extend(open.close(level)?);
            stages.push(match &layer.operation {
                Operation::Embedding(embedding) => Stage::Lookup {
                    table: embedding.weight.as_slice().into(),
                    width: embedding.width,
                    mask_zero: embedding.mask_zero,
                },
                Operation::OneHot { classes } => Stage::OneHot { classes: *classes },
                Operation::Masking { value } => Stage::Mask { value: *value, width: before },
                Operation::Dense(dense) => {
                    let sizes = [dense.input, dense.output];
                    Stage::Linear(Linear::new(token, sizes, &dense.weight, &dense.bias, dense.finish))
                }
                Operation::Activation(finish) => Stage::Finish { finish: *finish, width: flow.width() },
                Operation::AddInput { features } => Stage::AddInput { features: *features, width: flow.width() },
                Operation::Recurrent(_) => continue,
            });
        }
        stages.extend(open.close(level)?);
        let output = flows.last().copied().unwrap_or(input);
        Ok(Network { stages, input, output, passes: blueprint.passes(), level })
    }

    /// What a row of the input is.
    pub fn input(&self) -> Flow {
        self.input
    }

    /// What a row of the output is, and whether every step has one.
    pub fn output(&self) -> Flow {
        self.output
    }

    /// The recurrent layers' directions, from the input up, forward before reverse: whose states a session keeps.
    pub fn passes(&self) -> &[PassInfo] {
        &self.passes
    }

    /// The instruction set that it runs on.
    pub fn level(&self) -> Level {
        self.level
    }

    /// Bytes of packed weights and tables.
    pub fn packed_bytes(&self) -> usize {
        let bytes = self.stages.iter().map(|stage| match stage {
            Stage::Lookup { table, .. } => size_of_val(&table[..]),
            Stage::Recurrent(group) => group.model.packed_bytes(),
            Stage::Linear(linear) => linear.bytes(),
            _ => 0,
        });
        bytes.sum()
    }

    /// Floating-point operations of the products for one row and one step; activations not counted.
    pub fn flops_per_step(&self) -> usize {
        let flops = self.stages.iter().map(|stage| match stage {
            Stage::Recurrent(group) => group.model.flops_per_step(),
            Stage::Linear(linear) => linear.flops(),
            _ => 0,
        });
        flops.sum()
    }

    /// Whether every layer reads forwards, gives every step and leaves none out: only then does a sequence that is fed in
    /// chunks, or step by step, give what it gives at once.
    pub fn streams(&self) -> bool {
        self.stages.iter().all(|stage| match stage {
            Stage::Lookup { mask_zero, .. } => !mask_zero,
            Stage::Mask { .. } => false,
            Stage::Recurrent(group) => group.output == Output::Every && group.model.streams(),
            _ => true,
        })
    }
}

/// Recurrent layers that become one model.
#[derive(Default)]
struct Open<'a> {
    layers: Vec<&'a Recurrent>,
}

impl Open<'_> {
    /// Whether `next` can stand on top of them in the same model.
    fn takes(&self, next: &Recurrent) -> bool {
        self.layers.last().is_none_or(|last| last.output == Output::Every && !last.go_backwards && !next.go_backwards)
    }

    /// Packs what is open, if there is anything.
    fn close(&mut self, level: Level) -> Result<Option<Stage>> {
        let layers = std::mem::take(&mut self.layers);
        let Some(last) = layers.last().copied() else { return Ok(None) };
        let builder = layers.iter().fold(Model::builder().level(level), |builder, layer| add(builder, layer));
        let begins = layers.iter().any(|layer| !layer.initial.is_empty());
        let (mut hidden, mut cell) = (Vec::new(), Vec::new());
        for layer in layers.iter().filter(|_| begins) {
            for (pass, weights) in layer.passes.each().enumerate() {
                let zeros = (vec![0.0; weights.output_size()], vec![0.0; weights.cell_size()]);
                let (h, c) = match layer.initial.get(pass) {
                    Some(state) => (&state.hidden, &state.cell),
                    None => (&zeros.0, &zeros.1),
                };
                hidden.extend(h);
                cell.extend(c);
            }
        }
        let backwards = last.go_backwards || matches!(last.passes, Passes::Reverse(_));
        let gap = match last.masked {
            Masked::Zeros => Gap::Zeros,
            Masked::Repeat if backwards => Gap::Behind,
            Masked::Repeat => Gap::Before,
        };
        let merge = match &last.passes {
            Passes::Both { merge, .. } => *merge,
            _ => Merge::Concat,
        };
        let (output, go_backwards) = (last.output, last.go_backwards);
        let model = Arc::new(builder.build()?);
        Ok(Some(Stage::Recurrent(Group { model, output, merge, go_backwards, gap, hidden, cell })))
    }
}

fn add(builder: ModelBuilder, layer: &Recurrent) -> ModelBuilder {
    match &layer.passes {
        Passes::Forward(weights) if !layer.go_backwards => builder.layer(weights),
        Passes::Forward(weights) | Passes::Reverse(weights) => builder.reverse(weights),
        Passes::Both { forward, reverse, merge } => builder.bidirectional(forward, reverse, *merge),
    }
}

impl Stage {
    /// Values of a row behind it, of `before` values before it.
    pub fn width(&self, before: usize) -> usize {
        match self {
            Stage::Lookup { width, .. } => *width,
            Stage::OneHot { classes } => *classes,
            Stage::Recurrent(group) => group.model.output_size(),
            Stage::Linear(linear) => linear.output,
            Stage::Mask { .. } | Stage::Finish { .. } | Stage::AddInput { .. } => before,
        }
    }
}
