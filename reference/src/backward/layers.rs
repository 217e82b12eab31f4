//! Whole networks backwards: layer after layer from the last, each in all its directions.

use super::learned::Learned;
use super::walk::WalkBack;
use super::{Gradients, LossGradients};
use crate::direction::Place;
use crate::error::Error;
use crate::layer::{Layer, Merge};
use crate::network::{Network, NetworkInput};
use crate::passes::{Pass, Passes};
use crate::recorder::{NoTrace, Recorder};
use crate::scalar::Scalar;

/// What the layers above a layer heard of it.
struct Heard<S> {
    /// d of what it shows; empty if nobody hears it.
    shown: Vec<S>,
    /// d of each direction's c, from depth gates; empty if there are none.
    memories: [Vec<S>; 2],
}

impl<C> Network<C> {
    /// Computes what [`Network::forward`] does, and walks back through it: from the last layer to the first, in each from the
    /// step that was computed last. [`backward`](crate::backward) says what the recorder is told.
    ///
    /// # Errors
    /// The errors of [`Network::forward`]; [`Error::Length`] if a gradient has not the size of what it belongs to.
    ///
    /// ```
    /// use gatewise_reference::{
    ///     Layer, Layout, LossGradients, Network, NetworkInput, NoTrace, Sequence, example,
    /// };
    ///
    /// // Two of the worked example's cells on top of each other; the loss is the last h.
    /// let layer = || Layer::Forward(example::worked_example::<f64>());
    /// let network = Network { layers: vec![layer(), layer()] };
    /// let sequence = Sequence { layout: Layout::BatchFirst, batch: 1, steps: 2, x: &[0.5, 1.0], h0: None, c0: None };
    /// let loss = LossGradients { y: Some(&[0.0, 1.0]), ..LossGradients::default() };
    /// let gradients = network.backward(&NetworkInput::from(sequence), &loss, &mut NoTrace)?;
    ///
    /// // Against the difference that a small change of x makes.
    /// let h = |x: f64| {
    ///     let x = [x, 1.0];
    ///     let input = NetworkInput::from(Sequence { x: &x, ..sequence });
    ///     network.forward(&input, &mut NoTrace).map(|output| output.y[1])
    /// };
    /// assert!((gradients.x[0] - (h(0.5001)? - h(0.4999)?) / 0.0002).abs() < 1e-8);
    /// # Ok::<(), gatewise_reference::Error>(())
    /// ```
    pub fn backward<S: Scalar>(
        &self,
        input: &NetworkInput<'_, S>,
        loss: &LossGradients<'_, S>,
        recorder: &mut impl Recorder<S>,
    ) -> Result<Gradients<S, Network<C>>, Error>
    where
        C: Learned<S>,
    {
        let passes = self.passes(input, &mut NoTrace)?;
        loss.check([passes.y.len(), self.separate_size(&passes), passes.h0.len(), passes.c0.len()])?;

        let weights = Network { layers: self.layers.iter().map(Layer::with_zeros).collect() };
        let (h0, c0) = (passes.h0.clone(), passes.c0.clone());
        let mut gradients = Gradients { weights, x: Vec::new(), h0, c0 };
        let [y, y_reverse, h_n, c_n] = loss.buffers();
        let mut heard = Heard { shown: y.to_vec(), memories: [Vec::new(), Vec::new()] };
        for (number, layer) in self.layers.iter().enumerate().rev() {
            let pass = &passes.layers[number];
            let parts = layer.parted(&heard.shown, y_reverse, pass);
            let mut below = Heard { shown: Vec::new(), memories: [Vec::new(), Vec::new()] };
            for (side, (direction, cell)) in layer.cells().into_iter().enumerate() {
                let states = pass.states[side].clone();
                let back = WalkBack {
                    walk: self.walk(input, &passes, number, side),
                    walked: &pass.walked[side],
                    y: &parts[side],
                    c: &heard.memories[side],
                    h_n: h_n.get(states.h.clone()).unwrap_or_default(),
                    c_n: c_n.get(states.c.clone()).unwrap_or_default(),
                };
                recorder.begin_direction(Place { layer: number, direction });
                recorder.begin_sequence(cell.name());
                let given = back.run(cell, gradients.weights.layers[number].cell_mut(side), recorder)?;
                gradients.h0[states.h].copy_from_slice(&given.h0);
                gradients.c0[states.c].copy_from_slice(&given.c0);
                add(&mut below.shown, &given.x);
                if let Some(under) = number.checked_sub(1) {
                    add(&mut below.memories[self.layers[under].side(direction)], &given.c_below);
                }
            }
            heard = below;
        }
        gradients.x = heard.shown;
        Ok(gradients)
    }

    /// The number of values of `y_reverse`; 0 if there is none.
    fn separate_size<S>(&self, passes: &Passes<S>) -> usize {
        match (self.layers.last(), passes.layers.last()) {
            (Some(Layer::Both { merge: Merge::Separate, .. }), Some(pass)) => pass.walked[1].h.len(),
            _ => 0,
        }
    }
}

impl<C> Layer<C> {
    fn with_zeros<S: Scalar>(&self) -> Self
    where
        C: Learned<S>,
    {
        match self {
            Layer::Forward(cell) => Layer::Forward(cell.with_zeros()),
            Layer::Reverse(cell) => Layer::Reverse(cell.with_zeros()),
            Layer::Both { forward, reverse, merge } => {
                Layer::Both { forward: forward.with_zeros(), reverse: reverse.with_zeros(), merge: *merge }
            }
        }
    }

    fn cell_mut(&mut self, side: usize) -> &mut C {
        match self {
            Layer::Forward(cell) | Layer::Reverse(cell) => cell,
            Layer::Both { forward, reverse, .. } => [forward, reverse][side],
        }
    }

    /// d of each direction's h, from d of what the layer shows; empty where nothing is heard.
    fn parted<S: Scalar>(&self, shown: &[S], y_reverse: &[S], pass: &Pass<S>) -> [Vec<S>; 2]
    where
        C: Learned<S>,
    {
        let Layer::Both { forward, reverse, merge } = self else { return [shown.to_vec(), Vec::new()] };
        let each = |d: fn(S, S) -> S, side: usize| {
            shown.iter().zip(&pass.walked[side].h).map(|(&shown, &other)| d(shown, other)).collect()
        };
        match merge {
            Merge::Separate => [shown.to_vec(), y_reverse.to_vec()],
            Merge::Sum => [shown.to_vec(), shown.to_vec()],
            Merge::Average => [0, 1].map(|side| each(|shown, _| shown / (S::ONE + S::ONE), side)),
            // Of a product, what stands beside it.
            Merge::Multiply => [1, 0].map(|other| each(|shown, other| shown * other, other)),
            Merge::Concat => {
                let (left, width) = (forward.output_size(), forward.output_size() + reverse.output_size());
                let mut parts = [Vec::new(), Vec::new()];
                for at in 0..shown.len() {
                    parts[usize::from(at % width >= left)].push(shown[at]);
                }
                parts
            }
        }
    }
}

/// Adds number by number; to nothing yet, it is a copy.
fn add<S: Scalar>(sum: &mut Vec<S>, more: &[S]) {
    sum.resize(more.len().max(sum.len()), S::ZERO);
    for at in 0..more.len() {
        sum[at] = sum[at] + more[at];
    }
}
