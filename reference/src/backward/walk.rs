//! One cell's walk backwards through a batch of sequences: back-propagation through time.

use super::learned::Learned;
use super::step::Back;
use crate::error::Error;
use crate::gate::{Moment, State, Surroundings};
use crate::recorder::Recorder;
use crate::scalar::Scalar;
use crate::sequence::zeros;
use crate::walk::{Walk, Walked, part};

/// A walk that was done, and what the loss hears of what it computed. Of what is not heard at all, an empty slice.
#[derive(Debug, Clone, Copy)]
pub(super) struct WalkBack<'a, S> {
    pub walk: Walk<'a, S>,
    pub walked: &'a Walked<S>,
    /// d of h at every step, in the order of the walk's layout.
    pub y: &'a [S],
    /// d of c at every step, from a depth gate above.
    pub c: &'a [S],
    /// d of the last h, `[batch, outputs]`.
    pub h_n: &'a [S],
    /// d of the last c, `[batch, hidden]`.
    pub c_n: &'a [S],
}

/// What the loss hears of what the walk was given.
#[derive(Debug, Clone)]
pub(super) struct Given<S> {
    /// In the order of the walk's layout.
    pub x: Vec<S>,
    /// Likewise; empty if the cell does not hear the layer below.
    pub c_below: Vec<S>,
    /// `[batch, outputs]`
    pub h0: Vec<S>,
    /// `[batch, hidden]`
    pub c0: Vec<S>,
}

impl<S: Scalar> WalkBack<'_, S> {
    /// Walks every sequence from its end; adds the weights' shares to `gradient`.
    pub(super) fn run<C: Learned<S>>(
        &self,
        cell: &C,
        gradient: &mut C,
        recorder: &mut impl Recorder<S>,
    ) -> Result<Given<S>, Error> {
        let walk = &self.walk;
        let (inputs, outputs) = (cell.input_size(), cell.output_size());
        let (memory, below) = (cell.memory_size(), cell.memory_below());
        let mut given = Given {
            x: zeros("d x", &[walk.batch, walk.steps, inputs])?,
            c_below: zeros("d c_below", &[walk.batch, walk.steps, below])?,
            h0: Vec::new(),
            c0: Vec::new(),
        };
        for row in 0..walk.batch {
            // What the loss hears of the state that a step hands on, and the letters under which it arrives there.
            let mut handed =
                State { h: part_of(self.h_n, outputs, row).to_vec(), c: part_of(self.c_n, memory, row).to_vec() };
            let (mut from_h, mut from_c) = ("h_n", "c_n");
            let length = walk.length(row);
            for count in (0..length).rev() {
                let step = walk.direction.step(count, length);
                let place = walk.place(row, step);
                let (h_previous, c_previous) = match count.checked_sub(1) {
                    None => (part(walk.h0, outputs, row), part(walk.c0, memory, row)),
                    Some(before) => {
                        let place = walk.place(row, walk.direction.step(before, length));
                        (part(&self.walked.h, outputs, place), part(&self.walked.c, memory, place))
                    }
                };
                let back = Back {
                    now: Moment { x: part(walk.x, inputs, place), h_previous, c_previous },
                    surroundings: Surroundings { step, c_below: part(walk.c_below, below, place) },
                    arriving_h: [("y", part_of(self.y, outputs, place)), (from_h, &handed.h)],
                    arriving_c: [("c_below(l+1)", part_of(self.c, memory, place)), (from_c, &handed.c)],
                };
                recorder.begin_step(row, step);
                let found = back.run(cell, gradient, recorder);
                given.x[place * inputs..(place + 1) * inputs].copy_from_slice(&found.x);
                given.c_below[place * below..(place + 1) * below].copy_from_slice(&found.c_below);
                handed = State { h: found.h_previous, c: found.c_previous };
                (from_h, from_c) = ("h⁻(t+1)", "c⁻(t+1)");
            }
            handed.h.resize(outputs, S::ZERO);
            handed.c.resize(memory, S::ZERO);
            given.h0.extend(handed.h);
            given.c0.extend(handed.c);
        }
        Ok(given)
    }
}

/// The part of a buffer that belongs to one place; nothing of an empty one.
fn part_of<S>(buffer: &[S], width: usize, place: usize) -> &[S] {
    if buffer.is_empty() { buffer } else { part(buffer, width, place) }
}
