//! Whole sequential models: embeddings, masks, recurrent layers, linear layers, softmax, one after the other.

mod error;
mod input;
mod layer;
mod recurrent;
mod rows;

pub use error::ModelError;
pub use input::{ModelInput, ModelOutput, ModelRows, Shape};
pub use layer::SequentialLayer;
pub use recurrent::{Gives, Masked, Recurrent};
pub use rows::{Dense, Embedding, RowFunction, log_softmax};

use crate::gate::State;
use crate::recorder::Recorder;
use crate::scalar::Scalar;
use input::Passage;
use layer::At;

/// Layers of any kind, from the input up: what Keras calls a sequential model.
///
/// Every sequence is computed by itself, from its first step to its own last one, so what stands past its length is never
/// seen and needs no rule. A mask says for each step whether it is there; recurrent layers leave out the steps that are not
/// ([`Masked`]), all other layers compute them like any other step and pass the mask on.
///
/// ```
/// use gatewise_reference::{
///     Dense, Embedding, Function, Gives, Layer, Layout, Masked, Matrix, ModelInput, ModelRows, NoTrace, Recurrent,
///     RowFunction, SequentialLayer, SequentialModel, SimpleRnn,
/// };
///
/// // Two words and "nothing" → one feature → a memory that adds up → twice the last sum.
/// let words = Embedding { weight: Matrix::from_rows(&[[9.0], [1.0], [10.0]]), mask_zero: true };
/// let sum = SimpleRnn {
///     input_weights: Matrix::from_rows(&[[1.0]]),
///     recurrent_weights: Matrix::from_rows(&[[1.0]]),
///     bias: vec![0.0],
///     activation: Function::Identity,
///     clip: None,
/// };
/// let twice = Dense {
///     weight: Matrix::from_rows(&[[2.0]]),
///     bias: Vec::new(),
///     function: RowFunction::Each(Function::Identity),
/// };
/// let repeats = Recurrent { masked: Masked::Repeat, ..Recurrent::new(Layer::Forward(sum.into())) };
/// let last = Recurrent { gives: Gives::LastStep, ..repeats };
/// let model = SequentialModel::<f64> { layers: vec![
///     SequentialLayer::Embedding(words),
///     SequentialLayer::Recurrent(last),
///     SequentialLayer::Dense(twice),
/// ] };
///
/// let ids = [1, 0, 2, 2, 0, 0];
/// let input = ModelInput { layout: Layout::BatchFirst, batch: 2, steps: 3, rows: ModelRows::Ids(&ids), lengths: None };
/// let output = model.forward(&input, &mut NoTrace)?;
/// assert_eq!(output.y, [22.0, 20.0]);
/// # Ok::<(), gatewise_reference::ModelError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct SequentialModel<S, C = crate::AnyCell<S>> {
    /// The layers, from the one that hears the input to the one that computes the output.
    pub layers: Vec<SequentialLayer<S, C>>,
}

impl<S: Scalar, C: crate::Cell<S>> SequentialModel<S, C> {
    /// Computes a batch of sequences, layer after layer and sequence after sequence.
    ///
    /// Cells and linear layers tell the `recorder` every number; their [`Place`](crate::Place) has the layer's number in the
    /// model.
    ///
    /// # Errors
    /// [`ModelError`] if the input, the layers or their weights do not fit.
    pub fn forward(
        &self,
        input: &ModelInput<'_, S>,
        recorder: &mut impl Recorder<S>,
    ) -> Result<ModelOutput<S>, ModelError> {
        let shape = self.output(input.shape())?;
        input.check()?;
        let mut passages: Vec<Passage<S>> = (0..input.batch).map(|row| input.passage(row)).collect();
        let (mut h_n, mut c_n) = (Vec::new(), Vec::new());
        for (number, layer) in self.layers.iter().enumerate() {
            let mut states = Vec::new();
            for (row, passage) in passages.iter_mut().enumerate() {
                states.push(layer.apply(At { layer: number, row }, passage, recorder)?);
            }
            append(&states, &mut h_n, &mut c_n);
        }
        Ok(ModelOutput { y: input.joined(&passages, shape), shape, h_n, c_n })
    }

    /// What the last layer gives if the first one hears `input`; this checks all layers.
    ///
    /// # Errors
    /// [`ModelError`] if there is no layer, if one hears another kind or width of rows than it takes, or if its own weights do
    /// not fit each other.
    pub fn output(&self, input: Shape) -> Result<Shape, ModelError> {
        let mut shape = input;
        for (number, layer) in self.layers.iter().enumerate() {
            shape = layer.check(number, shape, input)?;
        }
        if self.layers.is_empty() { Err(ModelError::Stack(crate::Error::NoLayers)) } else { Ok(shape) }
    }
}

/// The states of each pass for all rows of the batch, pass after pass; `states` has them row by row.
fn append<S: Scalar>(states: &[Vec<State<S>>], h_n: &mut Vec<S>, c_n: &mut Vec<S>) {
    let passes = states.first().map_or(0, Vec::len);
    for pass in 0..passes {
        for row in states {
            h_n.extend(&row[pass].h);
            c_n.extend(&row[pass].c);
        }
    }
}
