//! Networks: layers on top of each other, in one direction or two, over sequences of different lengths.

use crate::direction::{Direction, Place};
use crate::error::{Error, check_length};
use crate::layer::{Layer, Merge};
use crate::recorder::Recorder;
use crate::scalar::Scalar;
use crate::sequence::{Cell, Sequence};

/// A stack of layers: the first reads the features, every other the whole sequence that the layer below computed.
///
/// ```
/// use gatewise_reference::{Layer, Layout, Network, NetworkInput, NoTrace, Sequence, example};
///
/// // The worked example's cell, in both directions; the second company's story is cut after two days.
/// let cell = example::worked_example::<f64>;
/// let network = Network { layers: vec![Layer::Both { forward: cell(), reverse: cell(), merge: Default::default() }] };
/// let x: Vec<f64> = example::STORIES.iter().flat_map(|story| story.x).collect();
/// let sequence = Sequence { layout: Layout::BatchFirst, batch: 2, steps: 4, x: &x, h0: None, c0: None };
/// let input = NetworkInput { lengths: Some(&[4, 2]), ..NetworkInput::from(sequence) };
/// let output = network.forward(&input, &mut NoTrace)?;
///
/// // y is [batch, steps, forward and reverse]; of h_n the first two are the forward direction's.
/// assert!((output.h_n[0] - example::STORIES[0].h[3]).abs() < 1e-12);
/// assert!((output.h_n[1] - example::STORIES[1].h[1]).abs() < 1e-12);
/// assert_eq!(output.y[2 * 4 + 2 * 2..], [0.0; 4], "the second story, days 3 and 4");
/// assert_eq!(output.h_n[2], output.y[1], "the reverse direction ends at the first day");
/// # Ok::<(), gatewise_reference::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Network<C> {
    /// The layers, from the one that reads the features to the one that computes the output.
    pub layers: Vec<Layer<C>>,
}

/// A batch of sequences for a network.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NetworkInput<'a, S> {
    /// Sizes, features and initial states.
    ///
    /// `h0` and `c0` are `[layers · directions, batch, width]` in PyTorch's order: layer after layer, forward before reverse.
    /// The width of h0 is [`Cell::output_size`], that of c0 is [`Cell::memory_size`]; zeros if there are none.
    pub sequence: Sequence<'a, S>,
    /// How many steps of each sequence are valid, 0 to T; all of them if there are none.
    pub lengths: Option<&'a [usize]>,
    /// What is returned beside the outputs.
    pub keep: Keep,
}

/// What [`Network::forward`] returns beside the outputs and the last states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Keep {
    /// Nothing.
    #[default]
    LastStates,
    /// The cell state of every step, of every layer and direction.
    EveryCellState,
}

/// What [`Network::forward`] computes.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkOutput<S> {
    /// The output of the last layer at every step, in the layout of `x`; 0 beyond a sequence's length. Of separate directions
    /// ([`Merge::Separate`]) the forward one.
    pub y: Vec<S>,
    /// The reverse direction's, likewise, if the last layer keeps it separate.
    pub y_reverse: Option<Vec<S>>,
    /// The hidden states after the last valid step that each cell computed (for the reverse direction that is step 0),
    /// `[layers · directions, batch, width]`; of a sequence of length 0 what it started from.
    pub h_n: Vec<S>,
    /// The cell states, likewise; nothing of a cell that has none.
    pub c_n: Vec<S>,
    /// For [`Keep::EveryCellState`] the cell states of every layer and direction, in the order of `c_n`: each a sequence in the
    /// layout of `x`, 0 beyond a length, empty for a cell that has none. Else no sequence at all.
    pub c_all: Vec<Vec<S>>,
}

impl<C> Network<C> {
    /// Runs the network over a batch of sequences, layer after layer.
    ///
    /// # Errors
    /// [`Error::Length`] if `x`, `h0`, `c0` or `lengths` does not fit, [`Error::SequenceLength`] if a length is beyond the
    /// steps, and the errors of [`Network::check`].
    pub fn forward<S: Scalar>(
        &self,
        input: &NetworkInput<'_, S>,
        recorder: &mut impl Recorder<S>,
    ) -> Result<NetworkOutput<S>, Error>
    where
        C: Cell<S>,
    {
        let passes = self.passes(input, recorder)?;
        let mut output =
            NetworkOutput { y: passes.y, y_reverse: None, h_n: Vec::new(), c_n: Vec::new(), c_all: Vec::new() };
        for (layer, mut pass) in self.layers.iter().zip(passes.layers) {
            for walked in &mut pass.walked {
                output.h_n.append(&mut walked.h_n);
                output.c_n.append(&mut walked.c_n);
                if input.keep == Keep::EveryCellState {
                    output.c_all.push(std::mem::take(&mut walked.c));
                }
            }
            if matches!(layer, Layer::Both { merge: Merge::Separate, .. }) {
                output.y_reverse = pass.walked.pop().map(|walked| walked.h);
            }
        }
        Ok(output)
    }

    /// I, the number of features that the first layer reads; 0 of a network without a layer.
    pub fn input_size<S: Scalar>(&self) -> usize
    where
        C: Cell<S>,
    {
        self.cells().first().map_or(0, |(_, cell)| cell.input_size())
    }

    /// The number of values of y at a step; 0 of a network without a layer.
    pub fn output_size<S: Scalar>(&self) -> usize
    where
        C: Cell<S>,
    {
        self.layers.last().map_or(0, Layer::output_size)
    }

    /// Lists every cell and its place, in PyTorch's order: layer after layer, forward before reverse.
    pub fn cells(&self) -> Vec<(Place, &C)> {
        let mut cells = Vec::new();
        for (number, layer) in self.layers.iter().enumerate() {
            for (direction, cell) in layer.cells() {
                cells.push((Place { layer: number, direction }, cell));
            }
        }
        cells
    }

    /// Checks that the weights fit each other, and the layers each other.
    ///
    /// # Errors
    /// [`Error::NoLayers`]; [`Error::Within`] with the first cell whose weights do not fit ([`Cell::check`]), which does not
    /// read what there is ([`Error::Features`]) or which hears a cell state that the layer below does not have
    /// ([`Error::Length`]); [`Error::Merge`] if two directions are to be merged number by number and differ in width;
    /// [`Error::Separate`] if a layer that is not the last keeps them separate.
    pub fn check<S: Scalar>(&self) -> Result<(), Error>
    where
        C: Cell<S>,
    {
        let mut features = self.input_size();
        for (number, layer) in self.layers.iter().enumerate() {
            for (direction, cell) in layer.cells() {
                let place = Place { layer: number, direction };
                let within = |error| Error::Within { place, error: Box::new(error) };
                cell.check().map_err(within)?;
                if cell.input_size() != features {
                    return Err(within(Error::Features { expected: features, found: cell.input_size() }));
                }
                let (expected, found) = (cell.memory_below(), self.memory_below(number, direction));
                if expected != 0 {
                    check_length("c_below", expected, found).map_err(within)?;
                }
            }
            if let Layer::Both { forward, reverse, merge } = layer {
                let (expected, found) = (forward.output_size(), reverse.output_size());
                match merge {
                    Merge::Separate if number + 1 < self.layers.len() => {
                        return Err(Error::Separate { layer: number });
                    }
                    Merge::Sum | Merge::Multiply | Merge::Average if expected != found => {
                        return Err(Error::Merge { layer: number, expected, found });
                    }
                    _ => {}
                }
            }
            features = layer.output_size();
        }
        if self.layers.is_empty() { Err(Error::NoLayers) } else { Ok(()) }
    }

    /// The width of c of the layer below, in the direction that a cell of this direction hears; 0 if there is none.
    fn memory_below<S: Scalar>(&self, layer: usize, direction: Direction) -> usize
    where
        C: Cell<S>,
    {
        let Some(below) = layer.checked_sub(1).map(|below| &self.layers[below]) else { return 0 };
        below.cells()[below.side(direction)].1.memory_size()
    }
}

impl<S: Scalar> NetworkInput<'_, S> {
    pub(crate) fn check(&self, inputs: usize) -> Result<(), Error> {
        let Sequence { batch, steps, x, .. } = self.sequence;
        check_length("x", batch.saturating_mul(steps).saturating_mul(inputs), x.len())?;
        let Some(lengths) = self.lengths else { return Ok(()) };
        check_length("lengths", batch, lengths.len())?;
        for row in 0..batch {
            if lengths[row] > steps {
                return Err(Error::SequenceLength { row, steps, found: lengths[row] });
            }
        }
        Ok(())
    }
}

/// Sequences that all have the same length.
impl<'a, S> From<Sequence<'a, S>> for NetworkInput<'a, S> {
    fn from(sequence: Sequence<'a, S>) -> Self {
        NetworkInput { sequence, lengths: None, keep: Keep::LastStates }
    }
}
