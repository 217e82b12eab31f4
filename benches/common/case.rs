//! A case: a random network and a batch for it, and no model of it without a check.

use std::hint::black_box;
use std::time::Instant;

use criterion::Criterion;
use gatewise::{Batch, Layout, Level, Model, Outputs, Session};
use gatewise_reference::Cell;

use super::compare::{Contender, Threads, compare, name};
use super::limits::Work;
use super::smoke;
use super::tests::jobs::{Found, Job, Lengths};
use super::tests::networks::{Plan, Twin};
use super::timing::in_pool;

/// Multiply-adds that the reference is given for the check, and in a call that is timed: it takes a few nanoseconds each.
const CHECKED: usize = 20_000_000;
const TIMED: usize = 2_000_000;

/// A network of both halves, what it is fed, and what the reference makes of the beginning.
pub struct Case {
    pub twin: Twin,
    pub job: Job,
    /// What is computed before anything is timed.
    check: Option<Check>,
    /// What the reference is timed on: one sequence.
    brief: Job,
}

/// The beginning of a batch.
struct Check {
    /// The whole batch, but of few steps.
    short: Job,
    /// The first and the last sequence of it, by the reference.
    rows: Vec<usize>,
    expected: Found<f64>,
    /// Nanoseconds that the reference took for a row and step.
    reference: f64,
}

impl Check {
    fn new(twin: &Twin, job: &Job, lengths: Lengths) -> Self {
        let rows = if job.batch == 1 { vec![0] } else { vec![0, job.batch - 1] };
        let few = few(twin, CHECKED / rows.len()).min(job.steps);
        let short = Job::random(twin, few, job.batch, lengths, 3);
        let start = Instant::now();
        let expected = short.take(&rows).expected(twin);
        let reference = start.elapsed().as_nanos() as f64 / (few * rows.len()) as f64;
        Check { short, rows, expected, reference }
    }
}

/// Steps of a sequence in so many multiply-adds: at least two, so that what the first one leaves is read.
fn few(twin: &Twin, products: usize) -> usize {
    (2 * products / twin.model(Level::Portable).flops_per_step()).max(2)
}

impl Case {
    /// Weights of PyTorch's initial scale, inputs and states from ±1; the same on every run.
    pub fn new(plan: &Plan, batch: usize, steps: usize, lengths: Lengths) -> Self {
        Case::of(Twin::new(plan, 1), batch, steps, lengths)
    }

    /// A network made elsewhere.
    pub fn of(twin: Twin, batch: usize, steps: usize, lengths: Lengths) -> Self {
        let job = Job::random(&twin, if smoke() { steps.min(2) } else { steps }, batch, lengths, 2);
        let check = (!smoke()).then(|| Check::new(&twin, &job, lengths));
        let brief = job.take(&[0]).cut(few(&twin, TIMED).min(job.steps));
        Case { twin, job, check, brief }
    }

    /// The model for `level`: checked against the reference, and `threads` threads against one to the bit.
    pub fn checked(&self, level: Level, threads: usize) -> Model {
        let model = self.twin.model(level);
        let Some(Check { short, rows, expected, .. }) = &self.check else { return model };
        let what = || format!("{level}, T {}, B {}, {:?}", short.steps, short.batch, self.twin.plan);
        let found = short.take_found(&short.run(&model, 1), rows);
        found.assert_close(expected, 1e-6, what);
        if threads > 1 {
            let whole = self.job.run(&model, 1);
            let shared = in_pool(threads, || self.job.run(&model, threads));
            shared.assert_same_bits(&whole, || format!("{threads} threads, T {}, {}", self.job.steps, what()));
        }
        model
    }

    /// Times the reference and every level, all steps in one call.
    pub fn compare(&self, criterion: &mut Criterion, title: &str, threads: Threads) {
        let runs = threads.runs().into_iter().map(|(level, threads)| self.contender(level, threads));
        compare(criterion, title, [self.reference()].into_iter().chain(runs).collect());
    }

    /// The reference, in f64 and with its own loops: fewer steps, of one sequence.
    pub fn reference(&self) -> Contender<'_> {
        let call = || drop(black_box(self.brief.expected(&self.twin)));
        let elements = self.brief.steps;
        Contender { name: "reference".to_owned(), threads: 1, elements, work: None, call: Box::new(call) }
    }

    fn contender(&self, level: Level, threads: usize) -> Contender<'_> {
        let model = self.checked(level, threads);
        let elements = self.valid_steps();
        let work = Work::of(&model, self.recurrent_share(), [self.job.steps, elements]);
        let call = Box::new(self.runner(model, threads));
        Contender { name: name(level, threads), threads, elements, work: Some(work), call }
    }

    /// What is timed: the whole batch in one call; the state is kept from call to call.
    pub fn runner(&self, model: Model, threads: usize) -> impl FnMut() + Send + '_ {
        let Job { steps, batch, .. } = self.job;
        let mut y = vec![0.0; steps * batch * model.output_size()];
        let mut session = Session::new(model, batch).unwrap().with_threads(threads);
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
        self.check.as_ref().map_or(f64::NAN, |check| check.reference * self.job.batch as f64)
    }

    /// The part of the weights that h⁻ is multiplied with, where all layers have as many units.
    fn recurrent_share(&self) -> f64 {
        let cells = self.twin.reference.cells();
        let sum =
            |width: fn(&gatewise_reference::AnyCell<f64>) -> usize| cells.iter().map(|(_, cell)| width(cell)).sum();
        let (inputs, outputs): (usize, usize) = (sum(Cell::input_size), sum(Cell::output_size));
        outputs as f64 / (inputs + outputs) as f64
    }
}
