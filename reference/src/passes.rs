//! What every layer of a network hears and computes, layer after layer.

use std::ops::Range;

use crate::direction::Place;
use crate::error::Error;
use crate::layer::Layer;
use crate::network::{Network, NetworkInput};
use crate::recorder::Recorder;
use crate::scalar::Scalar;
use crate::sequence::{Cell, Sequence, initial_state};
use crate::walk::{Walk, Walked};

/// All that a network computes.
#[derive(Debug, Clone)]
pub(crate) struct Passes<S> {
    pub layers: Vec<Pass<S>>,
    /// The output of the last layer; of separate directions the forward one's.
    pub y: Vec<S>,
    /// The states that the cells start from, cell after cell.
    pub h0: Vec<S>,
    /// Likewise; nothing of a cell that has none.
    pub c0: Vec<S>,
}

/// What one layer hears and computes.
#[derive(Debug, Clone)]
pub(crate) struct Pass<S> {
    /// Its features at every step.
    pub heard: Vec<S>,
    /// Which parts of the network's states are those of each of its cells, forward before reverse.
    pub states: Vec<StateRange>,
    /// What each of its cells computes, likewise.
    pub walked: Vec<Walked<S>>,
}

/// Where a cell's states stand in the network's.
#[derive(Debug, Clone)]
pub(crate) struct StateRange {
    /// In h0 and h_n.
    pub h: Range<usize>,
    /// In c0 and c_n.
    pub c: Range<usize>,
}

impl<C> Network<C> {
    /// Checks network and input, and runs all layers.
    pub(crate) fn passes<S: Scalar>(
        &self,
        input: &NetworkInput<'_, S>,
        recorder: &mut impl Recorder<S>,
    ) -> Result<Passes<S>, Error>
    where
        C: Cell<S>,
    {
        self.check()?;
        input.check(self.input_size())?;
        let Sequence { batch, x, h0, c0, .. } = input.sequence;
        let width = |size: fn(&C) -> usize| self.cells().iter().map(|(_, cell)| size(cell)).sum();
        let h0 = initial_state("h0", batch, width(C::output_size), h0)?;
        let c0 = initial_state("c0", batch, width(C::memory_size), c0)?;

        let mut passes = Passes { layers: Vec::new(), y: x.to_vec(), h0, c0 };
        let (mut used_h, mut used_c) = (0, 0);
        for (layer, cells) in self.layers.iter().enumerate() {
            let heard = std::mem::take(&mut passes.y);
            passes.layers.push(Pass { heard, states: Vec::new(), walked: Vec::new() });
            for (side, (direction, cell)) in cells.cells().into_iter().enumerate() {
                let (end_h, end_c) = (used_h + batch * cell.output_size(), used_c + batch * cell.memory_size());
                passes.layers[layer].states.push(StateRange { h: used_h..end_h, c: used_c..end_c });
                (used_h, used_c) = (end_h, end_c);
                recorder.begin_direction(Place { layer, direction });
                recorder.begin_sequence(cell.name());
                let walked = self.walk(input, &passes, layer, side).run(cell, recorder)?;
                passes.layers[layer].walked.push(walked);
            }
            passes.y = cells.shown(&passes.layers[layer].walked);
        }
        Ok(passes)
    }

    /// The way of one of a layer's cells through the batch; the layers below have been passed.
    pub(crate) fn walk<'a, S: Scalar>(
        &self,
        input: &NetworkInput<'a, S>,
        passes: &'a Passes<S>,
        layer: usize,
        side: usize,
    ) -> Walk<'a, S>
    where
        C: Cell<S>,
    {
        let NetworkInput { sequence: Sequence { layout, batch, steps, .. }, lengths, .. } = *input;
        let (pass, (direction, cell)) = (&passes.layers[layer], self.layers[layer].cells()[side]);
        let StateRange { h, c } = pass.states[side].clone();
        let (h0, c0) = (&passes.h0[h], &passes.c0[c]);
        let c_below: &[S] = match layer.checked_sub(1) {
            Some(below) if cell.memory_below() > 0 => {
                &passes.layers[below].walked[self.layers[below].side(direction)].c
            }
            _ => &[],
        };
        Walk { layout, batch, steps, lengths, x: &pass.heard, direction, h0, c0, c_below }
    }
}

impl<C> Layer<C> {
    /// What the layer shows of what its cells computed.
    fn shown<S: Scalar>(&self, walked: &[Walked<S>]) -> Vec<S>
    where
        C: Cell<S>,
    {
        match (self, walked) {
            (Layer::Both { forward, reverse, merge }, [ahead, back]) => {
                merge.apply(&ahead.h, &back.h, [forward.output_size(), reverse.output_size()])
            }
            _ => walked[0].h.clone(),
        }
    }
}
