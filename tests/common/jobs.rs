//! A batch of sequences, what the engine makes of it, and what the reference does.

use gatewise::{Batch, Layout, Merge, Model, Outputs, Session};
use gatewise_reference as reference;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use reference::{Keep, NetworkInput, NoTrace, Sequence};

use super::networks::{Twin, Ways};
use super::{assert_close, assert_same_bits, wide};

/// Widths of everything that a network reads and writes.
#[derive(Clone, Debug)]
pub struct Widths {
    pub input: usize,
    pub output: usize,
    /// The last layer's directions are two outputs.
    pub apart: bool,
    /// Of every c of the last layer, its directions side by side; 0 if its cell has none.
    pub cells: usize,
    /// Of the states of every pass, h and c.
    pub states: Vec<[usize; 2]>,
}

/// A batch of sequences, time-major, and the states to start from.
#[derive(Clone, Debug)]
pub struct Job {
    pub widths: Widths,
    pub steps: usize,
    pub batch: usize,
    pub lengths: Option<Vec<usize>>,
    pub x: Vec<f32>,
    pub h0: Vec<f32>,
    pub c0: Vec<f32>,
}

/// What a run leaves behind: time-major outputs, states pass after pass.
#[derive(Clone, Debug, PartialEq)]
pub struct Found<T> {
    pub y: Vec<T>,
    pub reverse: Vec<T>,
    pub cells: Vec<T>,
    pub h: Vec<T>,
    pub c: Vec<T>,
}

/// Whether sequences have lengths of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lengths {
    Equal,
    /// Any of 0 to T.
    Ragged,
}

impl Job {
    /// Inputs and states from ±1.
    pub fn random(twin: &Twin, steps: usize, batch: usize, lengths: Lengths, seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed ^ 0x9e37_79b9_7f4a_7c15);
        let states = twin.widths();
        let last = twin.plan.layers[twin.plan.layers.len() - 1].2;
        let passes = if matches!(last, Ways::Both(_)) { 2 } else { 1 };
        let widths = Widths {
            input: twin.plan.input,
            output: twin.reference.output_size(),
            apart: last == Ways::Both(Merge::None),
            cells: states[states.len() - passes..].iter().map(|[_, memory]| memory).sum(),
            states,
        };
        let lengths =
            (lengths == Lengths::Ragged).then(|| (0..batch).map(|_| random.random_range(0..=steps)).collect());
        let mut uniform = |count: usize| (0..count).map(|_| random.random_range(-1.0..=1.0f32)).collect();
        let sum = |which: usize| widths.states.iter().map(|widths| widths[which]).sum::<usize>();
        Job {
            steps,
            batch,
            lengths,
            x: uniform(steps * batch * widths.input),
            h0: uniform(batch * sum(0)),
            c0: uniform(batch * sum(1)),
            widths,
        }
    }

    /// Runs it whole.
    pub fn run(&self, model: &Model, threads: usize) -> Found<f32> {
        self.run_in(model, threads, Layout::TimeMajor)
    }

    /// Runs it whole in either layout; what is found is time-major all the same.
    pub fn run_in(&self, model: &Model, threads: usize, layout: Layout) -> Found<f32> {
        let mut session = Session::new(model, self.batch).unwrap().with_threads(threads);
        self.run_with(&mut session, layout)
    }

    /// Runs it in a session, from its own initial states.
    pub fn run_with(&self, session: &mut Session<&Model>, layout: Layout) -> Found<f32> {
        let Job { widths, steps, batch, .. } = self;
        session.set_state(&self.h0, &self.c0).unwrap();
        let room = |width: usize| vec![f32::NAN; steps * batch * width];
        let (mut y, mut reverse, mut cells) = (room(widths.output), Vec::new(), room(widths.cells));
        let mut outputs = Outputs::none().hidden(&mut y);
        if widths.cells > 0 {
            outputs = outputs.cells(&mut cells);
        }
        if widths.apart {
            reverse = room(widths.output);
            outputs = outputs.reverse(&mut reverse);
        }
        let turned = |values: &[f32], width: usize, [from, to]: [usize; 2]| match layout {
            Layout::TimeMajor => values.to_vec(),
            Layout::BatchFirst => turned(values, [from, to], width),
        };
        let x = turned(&self.x, widths.input, [*steps, *batch]);
        let mut input = Batch::new(&x).layout(layout);
        if let Some(lengths) = &self.lengths {
            input = input.lengths(lengths);
        }
        session.forward(input, outputs).unwrap();
        let back = |values: Vec<f32>, width: usize| turned(&values, width, [*batch, *steps]);
        Found {
            y: back(y, widths.output),
            reverse: back(reverse, if widths.apart { widths.output } else { 0 }),
            cells: back(cells, widths.cells),
            h: session.hidden_states(),
            c: session.cell_states(),
        }
    }

    /// The same by the reference.
    pub fn expected(&self, twin: &Twin) -> Found<f64> {
        let (x, h0, c0) = (wide(&self.x), wide(&self.h0), wide(&self.c0));
        let layout = reference::Layout::TimeMajor;
        let sequence = Sequence { layout, batch: self.batch, steps: self.steps, x: &x, h0: Some(&h0), c0: Some(&c0) };
        let input = NetworkInput { sequence, lengths: self.lengths.as_deref(), keep: Keep::EveryCellState };
        let output = twin.reference.forward(&input, &mut NoTrace).unwrap();
        // The directions side by side, as the engine has them.
        let passes = if matches!(twin.plan.layers[twin.plan.layers.len() - 1].2, Ways::Both(_)) { 2 } else { 1 };
        let last = &output.c_all[output.c_all.len() - passes..];
        let width = self.widths.cells / passes;
        let mut cells = Vec::new();
        for row in 0..if width == 0 { 0 } else { self.steps * self.batch } {
            for pass in last {
                cells.extend(&pass[row * width..][..width]);
            }
        }
        Found { y: output.y, reverse: output.y_reverse.unwrap_or_default(), cells, h: output.h_n, c: output.c_n }
    }

    /// A batch of these sequences, in this order; one may come twice.
    pub fn take(&self, rows: &[usize]) -> Job {
        Job {
            widths: self.widths.clone(),
            steps: self.steps,
            batch: rows.len(),
            lengths: self.lengths.as_ref().map(|lengths| rows.iter().map(|row| lengths[*row]).collect()),
            x: take(&self.x, self.batch, rows, self.widths.input),
            h0: take_states(&self.h0, self.batch, rows, &self.widths, 0),
            c0: take_states(&self.c0, self.batch, rows, &self.widths, 1),
        }
    }

    /// What is to be found for [`Job::take`], given what was found for the whole.
    pub fn take_found(&self, found: &Found<f32>, rows: &[usize]) -> Found<f32> {
        let widths = &self.widths;
        Found {
            y: take(&found.y, self.batch, rows, widths.output),
            reverse: take(&found.reverse, self.batch, rows, if widths.apart { widths.output } else { 0 }),
            cells: take(&found.cells, self.batch, rows, widths.cells),
            h: take_states(&found.h, self.batch, rows, widths, 0),
            c: take_states(&found.c, self.batch, rows, widths, 1),
        }
    }

    /// Only so many steps, all of them valid.
    pub fn cut(&self, steps: usize) -> Job {
        let x = self.x[..steps * self.batch * self.widths.input].to_vec();
        Job { steps, lengths: None, x, ..self.clone() }
    }
}

impl Found<f32> {
    /// Only so many steps of a batch of so many.
    pub fn cut(mut self, job: &Job, steps: usize) -> Self {
        self.y.truncate(steps * job.batch * job.widths.output);
        self.reverse.truncate(steps * job.batch * job.widths.output);
        self.cells.truncate(steps * job.batch * job.widths.cells);
        self
    }

    #[track_caller]
    pub fn assert_same_bits(&self, expected: &Self, what: impl Fn() -> String) {
        for (name, found, expected) in self.pairs(expected) {
            assert_same_bits(found, expected, || format!("{name}, {}", what()));
        }
    }

    /// Every value within `tolerance`, times its magnitude where that is more than 1.
    #[track_caller]
    pub fn assert_close(&self, expected: &Found<f64>, tolerance: f64, what: impl Fn() -> String) {
        for (name, found, expected) in self.pairs(expected) {
            let largest = expected.iter().fold(1.0f64, |largest, value| largest.max(value.abs()));
            assert_close(found, expected, tolerance * largest, || format!("{name}, {}", what()));
        }
    }

    pub fn pairs<'a, U>(&'a self, other: &'a Found<U>) -> [(&'static str, &'a [f32], &'a [U]); 5] {
        [
            ("y", &self.y, &other.y),
            ("reverse y", &self.reverse, &other.reverse),
            ("c of every step", &self.cells, &other.cells),
            ("h_n", &self.h, &other.h),
            ("c_n", &self.c, &other.c),
        ]
    }
}

/// Swaps the two outer axes.
pub fn turned<T: Copy>(values: &[T], [from, to]: [usize; 2], width: usize) -> Vec<T> {
    let place = |at: usize| (at % from * to + at / from) * width;
    let count = if width == 0 { 0 } else { from * to };
    (0..count).flat_map(|at| values[place(at)..][..width].iter().copied()).collect()
}

/// The rows of these sequences, of every step.
pub fn take(values: &[f32], batch: usize, rows: &[usize], width: usize) -> Vec<f32> {
    let mut taken = Vec::new();
    for step in values.chunks(batch * width.max(1)) {
        for row in rows {
            taken.extend(&step[row * width..][..width]);
        }
    }
    taken
}

fn take_states(values: &[f32], batch: usize, rows: &[usize], widths: &Widths, which: usize) -> Vec<f32> {
    let (mut taken, mut rest) = (Vec::new(), values);
    for width in widths.states.iter().map(|widths| widths[which]) {
        let (own, after) = rest.split_at(batch * width);
        taken.extend(take(own, batch, rows, width));
        rest = after;
    }
    taken
}
