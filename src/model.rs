//! A model: layers on top of each other, each in one direction or both, packed and immutable.

use crate::error::{Error, Result};
use crate::sequence::layer::Packed;
use crate::sequence::share::Way;
use crate::simd::Level;
use crate::weights::{DepthGatedWeights, Weights};

/// How the two directions of a layer become one output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Merge {
    /// Side by side, forward first: PyTorch, ONNX, Keras' default.
    #[default]
    Concat,
    /// Added.
    Sum,
    /// Multiplied.
    Mul,
    /// Added and halved.
    Average,
    /// Kept apart, as two outputs; only the last layer can.
    None,
}

/// A recurrent model with its weights packed for one instruction set: immutable, `Send + Sync`, shared by any number of
/// sessions.
///
/// ```
/// use gatewise::{LstmWeights, Model, Session};
///
/// // One unit, one feature; rows in the order i f g o.
/// let weights = LstmWeights::new(1, 1, &[1.65, 1.63, 0.94, -0.19], &[2.0, 2.7, 1.41, 4.38], &[0.62, 1.62, -0.32, 0.59])?;
/// let model = Model::new(weights)?;
/// let mut session = Session::new(&model, 1)?;
/// session.set_state(&[1.0], &[2.0])?;
/// let h = session.step(&[1.0])?;
/// assert!((h[0] - 0.986_229_1).abs() < 1e-6);
/// assert!((session.cell_state()[0] - 2.947_567_4).abs() < 1e-6);
/// # Ok::<(), gatewise::Error>(())
/// ```
#[derive(Clone)]
pub struct Model {
    layers: Vec<Layer>,
    level: Level,
}

/// One layer: a pass in each of its directions.
#[derive(Clone)]
pub(crate) struct Layer {
    /// One or two, forward first.
    pub passes: Vec<(Way, Packed)>,
    /// How two become one.
    pub merge: Merge,
}

impl Layer {
    /// Features of an output row: two directions side by side, or one.
    pub fn output_size(&self) -> usize {
        let sides = if self.merge == Merge::Concat { self.passes.len() } else { 1 };
        sides * self.passes[0].1.sizes.output
    }
}

/// Builds a [`Model`] layer by layer, from the input up.
///
/// ```
/// use gatewise::{GruWeights, Merge, Model};
///
/// let layer = |input: usize, hidden: usize| {
///     let zeros = |count: usize| vec![0.0; count];
///     let (ih, hh) = (zeros(3 * hidden * input), zeros(3 * hidden * hidden));
///     GruWeights::new(input, hidden, &ih, &hh, &zeros(3 * hidden), &zeros(hidden))
/// };
/// let model = Model::builder()
///     .bidirectional(layer(4, 8)?, layer(4, 8)?, Merge::Concat)
///     .layer(layer(16, 5)?)
///     .build()?;
/// assert_eq!((model.input_size(), model.output_size(), model.layers()), (4, 5, 2));
/// # Ok::<(), gatewise::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct ModelBuilder {
    layers: Vec<(Vec<(Way, Weights)>, Merge)>,
    level: Option<Level>,
}

impl ModelBuilder {
    /// Adds a layer that reads its steps from first to last.
    #[must_use]
    pub fn layer(mut self, weights: impl Into<Weights>) -> Self {
        self.layers.push((vec![(Way::Forward, weights.into())], Merge::Concat));
        self
    }

    /// Adds a layer that reads each sequence from its end; its outputs stand at the steps they belong to.
    #[must_use]
    pub fn reverse(mut self, weights: impl Into<Weights>) -> Self {
        self.layers.push((vec![(Way::Reverse, weights.into())], Merge::Concat));
        self
    }

    /// Adds a layer that reads in both directions.
    #[must_use]
    pub fn bidirectional(mut self, forward: impl Into<Weights>, reverse: impl Into<Weights>, merge: Merge) -> Self {
        self.layers.push((vec![(Way::Forward, forward.into()), (Way::Reverse, reverse.into())], merge));
        self
    }

    /// Packs for `level` instead of the fastest one of this machine (or the one that `GATEWISE_ISA` names).
    #[must_use]
    pub fn level(mut self, level: Level) -> Self {
        self.level = Some(level);
        self
    }

    /// Checks that the layers fit each other, and packs them.
    ///
    /// # Errors
    /// [`Error::Model`] if there is no layer, if a layer's input size is not the output size of the one below, if the two
    /// directions of a layer are different cells or differ in their sizes, if a layer other than the last keeps its directions
    /// apart, or if a depth-gated one does not stand on an LSTM or another such of as many units, in its one direction and
    /// without a projection;
    /// [`Error::MissingLevel`] and what [`Level::chosen`] returns.
    pub fn build(self) -> Result<Model> {
        let level = self.level.map_or_else(Level::chosen, Ok)?;
        let last = self.layers.len().checked_sub(1);
        let Some(last) = last else {
            return Err(Error::Model { message: "a model has at least one layer".to_owned() });
        };
        let mut layers: Vec<Layer> = Vec::with_capacity(self.layers.len());
        for (index, (passes, merge)) in self.layers.iter().enumerate() {
            let sizes = |weights: &Weights| (weights.input_size(), weights.output_size());
            let (input, _) = sizes(&passes[0].1);
            if let Some((_, other)) = passes.get(1).filter(|(_, other)| sizes(other) != sizes(&passes[0].1)) {
                return Err(Error::Model {
                    message: format!(
                        "layer {index}: the directions differ: (input, output) sizes {:?} forward, {:?} reverse",
                        sizes(&passes[0].1),
                        sizes(other)
                    ),
                });
            }
            if let Some((_, other)) = passes.get(1).filter(|(_, other)| other.gates() != passes[0].1.gates()) {
                let gates = [passes[0].1.gates(), other.gates()];
                let message = format!("layer {index}: the directions are different cells, of {gates:?} gates");
                return Err(Error::Model { message });
            }
            if let Some(below) = layers.last().filter(|below| below.output_size() != input) {
                let below = below.output_size();
                let message = format!("layer {index} takes {input} features, but layer {} gives {below}", index - 1);
                return Err(Error::Model { message });
            }
            if *merge == Merge::None && index != last {
                let message = format!("layer {index} keeps its directions apart, which only the last layer can");
                return Err(Error::Model { message });
            }
            let below = index.checked_sub(1).map(|below| each(&self.layers[below].0));
            if let Some(wrong) = DepthGatedWeights::refuses(&each(passes), below.as_deref()) {
                return Err(Error::Model { message: format!("layer {index} {wrong}") });
            }
            let pack = |(way, weights): &(Way, Weights)| Ok((*way, Packed::new(weights, level)?));
            let passes = passes.iter().map(pack).collect::<Result<Vec<_>>>()?;
            layers.push(Layer { passes, merge: *merge });
        }
        Ok(Model { layers, level })
    }
}

fn each(passes: &[(Way, Weights)]) -> Vec<(Way, &Weights)> {
    passes.iter().map(|(way, weights)| (*way, weights)).collect()
}

impl Model {
    /// Packs one layer for the fastest instruction set of this machine, or for the one that `GATEWISE_ISA` names.
    ///
    /// # Errors
    /// What [`Level::chosen`] returns.
    pub fn new(weights: impl Into<Weights>) -> Result<Self> {
        Model::builder().layer(weights).build()
    }

    /// Packs one layer for `level`.
    ///
    /// # Errors
    /// [`Error::MissingLevel`] if this machine does not have it.
    pub fn with_level(weights: impl Into<Weights>, level: Level) -> Result<Self> {
        Model::builder().layer(weights).level(level).build()
    }

    /// Begins a model of several layers.
    pub fn builder() -> ModelBuilder {
        ModelBuilder::default()
    }

    /// Features of an input row (I).
    pub fn input_size(&self) -> usize {
        self.layers[0].passes[0].1.sizes.input
    }

    /// Features of an output row: the last layer's hidden state, both directions' where they stand side by side.
    pub fn output_size(&self) -> usize {
        self.layers[self.layers.len() - 1].output_size()
    }

    /// Hidden units of the first layer (H).
    pub fn hidden_size(&self) -> usize {
        self.layers[0].passes[0].1.sizes.hidden
    }

    /// Layers (L).
    pub fn layers(&self) -> usize {
        self.layers.len()
    }

    /// Layers and directions, whose states a session holds: PyTorch's `num_layers · num_directions`.
    pub fn passes(&self) -> usize {
        self.layers.iter().map(|layer| layer.passes.len()).sum()
    }

    /// The instruction set that it runs on.
    pub fn level(&self) -> Level {
        self.level
    }

    /// Bytes of packed weights.
    pub fn packed_bytes(&self) -> usize {
        self.packed().map(Packed::bytes).sum()
    }

    /// Floating-point operations of the products for one row and one step; activations not counted. For one LSTM layer
    /// `8·H·(I + H)`.
    pub fn flops_per_step(&self) -> usize {
        self.packed().map(Packed::flops).sum()
    }

    /// Whether every layer reads its steps from first to last: only then can a sequence be fed step by step.
    pub fn streams(&self) -> bool {
        self.layers.iter().all(|layer| layer.passes.iter().all(|(way, _)| *way == Way::Forward))
    }

    pub(crate) fn packed(&self) -> impl Iterator<Item = &Packed> {
        self.layers.iter().flat_map(|layer| layer.passes.iter().map(|(_, packed)| packed))
    }

    pub(crate) fn stack(&self) -> &[Layer] {
        &self.layers
    }
}
