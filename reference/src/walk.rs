//! One cell walks a batch of sequences once, in one direction, from given states.

use crate::direction::Direction;
use crate::error::Error;
use crate::gate::{Moment, State, Surroundings};
use crate::recorder::Recorder;
use crate::scalar::Scalar;
use crate::sequence::{Cell, Layout, zeros};

/// What a cell walks: sizes and features that are already checked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Walk<'a, S> {
    pub layout: Layout,
    pub batch: usize,
    pub steps: usize,
    /// The number of valid steps of each row of the batch; all of them if there is none.
    pub lengths: Option<&'a [usize]>,
    /// B · T · I numbers in the order of `layout`.
    pub x: &'a [S],
    pub direction: Direction,
    /// `[batch, outputs]`
    pub h0: &'a [S],
    /// `[batch, hidden]`; empty for a cell without c.
    pub c0: &'a [S],
    /// c of the layer below at every step, in the order of `layout`; empty if the cell does not hear it.
    pub c_below: &'a [S],
}

/// What the cell computed.
#[derive(Debug, Clone)]
pub(crate) struct Walked<S> {
    /// h of every step, at the step that it belongs to, whatever the direction; 0 beyond a row's length.
    pub h: Vec<S>,
    /// c of every step, likewise; empty for a cell without c.
    pub c: Vec<S>,
    /// h after the last valid step of each row; what the row started from if it has none.
    pub h_n: Vec<S>,
    /// c, likewise.
    pub c_n: Vec<S>,
}

impl<S: Scalar> Walk<'_, S> {
    pub(crate) fn run(&self, cell: &impl Cell<S>, recorder: &mut impl Recorder<S>) -> Result<Walked<S>, Error> {
        let (inputs, outputs, memory) = (cell.input_size(), cell.output_size(), cell.memory_size());
        let mut h = zeros("y", &[self.batch, self.steps, outputs])?;
        let mut c = zeros("c", &[self.batch, self.steps, memory])?;
        let (mut h_n, mut c_n) = (Vec::new(), Vec::new());
        for row in 0..self.batch {
            let mut state = State { h: part(self.h0, outputs, row).to_vec(), c: part(self.c0, memory, row).to_vec() };
            let length = self.length(row);
            for count in 0..length {
                let step = self.direction.step(count, length);
                let place = self.place(row, step);
                recorder.begin_step(row, step);
                let now = Moment { x: part(self.x, inputs, place), h_previous: &state.h, c_previous: &state.c };
                let c_below = part(self.c_below, cell.memory_below(), place);
                state = cell.step_in(&now, Surroundings { step, c_below }, recorder);
                for output in 0..outputs {
                    h[place * outputs + output] = state.h[output];
                }
                for unit in 0..memory {
                    c[place * memory + unit] = state.c[unit];
                }
            }
            h_n.extend(state.h);
            c_n.extend(state.c);
        }
        Ok(Walked { h, c, h_n, c_n })
    }

    /// The number of valid steps of a row.
    pub(crate) fn length(&self, row: usize) -> usize {
        self.lengths.map_or(self.steps, |lengths| lengths[row])
    }

    /// Where a step of a row stands among all of them.
    pub(crate) fn place(&self, row: usize, step: usize) -> usize {
        match self.layout {
            Layout::BatchFirst => row * self.steps + step,
            Layout::TimeMajor => step * self.batch + row,
        }
    }
}

/// The part of a buffer that belongs to one place, `width` numbers.
pub(crate) fn part<S>(buffer: &[S], width: usize, place: usize) -> &[S] {
    &buffer[place * width..(place + 1) * width]
}
