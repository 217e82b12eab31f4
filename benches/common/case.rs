//! A case: a random network and a batch for it, and no model of it without a check.

use std::hint::black_box;
use std::time::Instant;

use gatewise::{Batch, Layout, Level, Model, Outputs, Session};

use super::tests::jobs::{Found, Job, Lengths};
use super::tests::networks::{Plan, Twin};
use super::timing::in_pool;

/// Multiply-adds that the reference is given a case: it takes a few nanoseconds each.
const CHECKED: usize = 50_000_000;

/// A network of both halves, what it is fed, and what the reference makes of the beginning.
pub struct Case {
    pub twin: Twin,
    pub job: Job,
    /// The whole batch, but of few steps.
    short: Job,
    /// The first and the last sequence of it, by the reference.
    rows: Vec<usize>,
    expected: Found<f64>,
    /// Nanoseconds that the reference takes for a row and step.
    reference: f64,
}

impl Case {
    /// Weights of PyTorch's initial scale, inputs and states from ±1; the same on every run.
    pub fn new(plan: &Plan, batch: usize, steps: usize, lengths: Lengths) -> Self {
        Case::of(Twin::new(plan, 1), batch, steps, lengths)
    }

    /// A network made elsewhere.
    pub fn of(twin: Twin, batch: usize, steps: usize, lengths: Lengths) -> Self {
        let rows = if batch == 1 { vec![0] } else { vec![0, batch - 1] };
        let products = twin.model(Level::Portable).flops_per_step() / 2 * rows.len();
        // At least two steps, so that what the first one leaves is read.
        let few = (CHECKED / products).max(2).min(steps);
        let short = Job::random(&twin, few, batch, lengths, 3);
        let start = Instant::now();
        let expected = short.take(&rows).expected(&twin);
        let reference = start.elapsed().as_nanos() as f64 / (few * rows.len()) as f64;
        let job = Job::random(&twin, steps, batch, lengths, 2);
        Case { twin, job, short, rows, expected, reference }
    }

    /// The model for `level`: checked against the reference, and `threads` threads against one to the bit.
    pub fn checked(&self, level: Level, threads: usize) -> Model {
        let model = self.twin.model(level);
        let Job { steps, batch, .. } = self.short;
        let what = || format!("{level}, T {steps}, B {batch}, {:?}", self.twin.plan);
        let found = self.short.take_found(&self.short.run(&model, 1), &self.rows);
        found.assert_close(&self.expected, 1e-6, what);
        if threads > 1 {
            let whole = self.job.run(&model, 1);
            let shared = in_pool(threads, || self.job.run(&model, threads));
            shared.assert_same_bits(&whole, || format!("{threads} threads, T {}, {}", self.job.steps, what()));
        }
        model
    }

    /// What is timed: the whole batch in one call; the state is kept from call to call.
    pub fn runner<'a>(&'a self, model: &'a Model, threads: usize) -> impl FnMut() + Send + 'a {
        let Job { steps, batch, .. } = self.job;
        let mut session = Session::new(model, batch).unwrap().with_threads(threads);
        let mut y = vec![0.0; steps * batch * model.output_size()];
        move || {
            let mut input = Batch::new(black_box(&self.job.x)).layout(Layout::TimeMajor);
            if let Some(lengths) = &self.job.lengths {
                input = input.lengths(lengths);
            }
            session.forward(input, Outputs::none().hidden(black_box(&mut y))).unwrap();
        }
    }

    /// Steps of all sequences, padding not counted.
    pub fn valid_steps(&self) -> usize {
        self.job.lengths.as_ref().map_or(self.job.steps * self.job.batch, |lengths| lengths.iter().sum())
    }

    /// Floating-point operations of the products in one call.
    pub fn operations(&self, model: &Model) -> f64 {
        (model.flops_per_step() * self.valid_steps()) as f64
    }

    /// Nanoseconds that the reference, in f64, would take for a step of the whole batch.
    pub fn reference_step(&self) -> f64 {
        self.reference * self.job.batch as f64
    }
}
