//! A batch and a streamed step, timed by every kernel in turn, each checked against the reference first.

use std::cell::RefCell;
use std::hint::black_box;
use std::time::Instant;

use anyhow::{Result, ensure};
use gatewise::{Layout, Level, LstmWeights, Model, Session, measure};
use gatewise_reference::{NoTrace, PyTorchWeights, Scalar, Sequence, forward};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::text;

/// What is timed.
#[derive(Clone, Copy)]
struct Sizes {
    input: usize,
    hidden: usize,
    batch: usize,
    steps: usize,
    /// Steps that the reference computes: it is slow, and its time goes by the step.
    reference_steps: usize,
}

/// The batch.
const BATCH: Sizes = Sizes { input: 256, hidden: 256, batch: 32, steps: 50, reference_steps: 2 };
/// The streamed cell: one feature, 16 units, as in an audio effect.
const STREAM: Sizes = Sizes { input: 1, hidden: 16, batch: 1, steps: 20_000, reference_steps: 500 };
/// Runs of each kernel, in turn; the median counts.
const ROUNDS: usize = 7;

pub fn print() -> Result<()> {
    text::print(
        "\nSpeed on one thread: kernels in turn, medians of 7 runs; every result was first compared with the reference's\n",
    )?;
    batch()?;
    stream()
}

fn batch() -> Result<()> {
    let case = Case::new(BATCH);
    let Sizes { input, hidden, batch, steps, .. } = BATCH;
    let (expected, reference) = (case.exact()?, case.time_reference()?);
    let models = case.models()?;
    let mut differences = Vec::new();
    for model in &models {
        differences.push(largest_difference(&run_whole(&case, model)?, &expected)?);
    }
    let mut tasks: Vec<_> = models.iter().map(|model| || black_box(run_whole(&case, model)).map(drop)).collect();
    let times = time_in_turn(&mut tasks, steps)?;

    let operations = (models[0].flops_per_step() * batch) as f64;
    let mut rows = vec![vec![
        "reference".to_owned(),
        format!("{:.1}", reference / 1e3),
        format!("{:.1}", operations / reference),
        String::new(),
        "1".to_owned(),
        String::new(),
    ]];
    for ((model, time), difference) in models.iter().zip(times).zip(differences) {
        let gflops = operations / time;
        rows.push(vec![
            model.level().to_string(),
            format!("{:.1}", time / 1e3),
            format!("{gflops:.1}"),
            format!("{:.0} %", gflops / measure::peak_gflops(model.level())? * 100.0),
            format!("{:.0}", reference / time),
            format!("{difference:.0e}"),
        ]);
    }
    text::print(&format!("\n  A batch: I = {input}, H = {hidden}, {batch} sequences of {steps} steps\n\n"))?;
    let header = ["", "µs a step", "GFLOP/s", "of an FMA loop", "speedup", "largest difference"];
    text::print(&text::table(&header, &[1, 2, 3, 4, 5], rows))
}

fn stream() -> Result<()> {
    let case = Case::new(STREAM);
    let Sizes { input, hidden, steps, .. } = STREAM;
    let (expected, reference) = (case.exact()?, case.time_reference()?);
    let models = case.models()?;
    let mut differences = Vec::new();
    for model in &models {
        let mut session = Session::new(model, 1)?;
        let mut y = Vec::new();
        for x in case.x.chunks_exact(input).take(STREAM.reference_steps) {
            y.extend_from_slice(session.step(x)?);
        }
        differences.push(largest_difference(&y, &expected)?);
    }
    let step_through = |model: &Model| -> Result<()> {
        let mut session = Session::new(model, 1)?;
        for x in case.x.chunks_exact(input) {
            black_box(session.step(black_box(x))?);
        }
        Ok(())
    };
    let step_through = &step_through;
    let mut tasks: Vec<_> = models.iter().map(|model| move || step_through(model)).collect();
    let times = time_in_turn(&mut tasks, steps)?;

    let mut rows = vec![vec!["reference".to_owned(), format!("{reference:.0}"), "1".to_owned(), String::new()]];
    for ((model, time), difference) in models.iter().zip(times).zip(differences) {
        let speedup = format!("{:.0}", reference / time);
        rows.push(vec![model.level().to_string(), format!("{time:.0}"), speedup, format!("{difference:.0e}")]);
    }
    text::print(&format!("\n  One step streamed: I = {input}, H = {hidden}\n\n"))?;
    text::print(&text::table(&["", "ns a step", "speedup", "largest difference"], &[1, 2, 3], rows))
}

/// Nanoseconds a step of each task, which run in turn.
fn time_in_turn(tasks: &mut [impl FnMut() -> Result<()>], steps: usize) -> Result<Vec<f64>> {
    let outcome = RefCell::new(Ok(()));
    let mut closures: Vec<_> = tasks
        .iter_mut()
        .map(|task| {
            || {
                let result = task();
                let mut outcome = outcome.borrow_mut();
                if outcome.is_ok() {
                    *outcome = result;
                }
            }
        })
        .collect();
    let mut in_turn: Vec<&mut dyn FnMut()> = closures.iter_mut().map(|task| task as _).collect();
    let times = measure::in_turn(ROUNDS, &mut in_turn);
    drop(closures);
    outcome.into_inner()?;
    Ok(times.into_iter().map(|time| time / steps as f64).collect())
}

fn run_whole(case: &Case, model: &Model) -> Result<Vec<f32>> {
    let Sizes { hidden, batch, steps, .. } = case.sizes;
    let mut session = Session::new(model, batch)?;
    let mut y = vec![0.0; steps * batch * hidden];
    session.run(&case.x, Layout::TimeMajor, &mut y)?;
    Ok(y)
}

/// A layer with PyTorch's initial scale and an input, the same on every run.
struct Case {
    sizes: Sizes,
    weight_ih: Vec<f32>,
    weight_hh: Vec<f32>,
    bias: Vec<f32>,
    x: Vec<f32>,
}

impl Case {
    fn new(sizes: Sizes) -> Self {
        let Sizes { input, hidden, batch, steps, .. } = sizes;
        let mut random = StdRng::seed_from_u64(1);
        let mut uniform = |count: usize, scale: f32| -> Vec<f32> {
            (0..count).map(|_| random.random_range(-scale..=scale)).collect()
        };
        let scale = 1.0 / (hidden as f32).sqrt();
        Case {
            sizes,
            weight_ih: uniform(4 * hidden * input, scale),
            weight_hh: uniform(4 * hidden * hidden, scale),
            bias: uniform(4 * hidden, scale),
            x: uniform(steps * batch * input, 1.0),
        }
    }

    /// The first steps' hidden states by the reference in f64.
    fn exact(&self) -> Result<Vec<f64>> {
        let wide = |values: &[f32]| values.iter().copied().map(f64::from).collect::<Vec<f64>>();
        self.reference(&wide(&self.weight_ih), &wide(&self.weight_hh), &wide(&self.bias), &wide(&self.x))
    }

    /// Nanoseconds a step of the reference in f32, as the kernels compute.
    fn time_reference(&self) -> Result<f64> {
        let start = Instant::now();
        black_box(self.reference(&self.weight_ih, &self.weight_hh, &self.bias, &self.x)?);
        Ok(start.elapsed().as_nanos() as f64 / self.sizes.reference_steps as f64)
    }

    fn reference<S: Scalar>(&self, weight_ih: &[S], weight_hh: &[S], bias_ih: &[S], x: &[S]) -> Result<Vec<S>> {
        let Sizes { input, hidden, batch, reference_steps: steps, .. } = self.sizes;
        let weights = PyTorchWeights { inputs: input, hidden, weight_ih, weight_hh, bias_ih, bias_hh: &[] };
        let layout = gatewise_reference::Layout::TimeMajor;
        let x = &x[..steps * batch * input];
        let cell = gatewise_reference::Lstm::from_pytorch(&weights)?;
        Ok(forward(&cell, &Sequence { layout, batch, steps, x, h0: None, c0: None }, &mut NoTrace)?.y)
    }

    /// A model for every level of the machine.
    fn models(&self) -> Result<Vec<Model>> {
        let Sizes { input, hidden, .. } = self.sizes;
        let weights = LstmWeights::new(input, hidden, &self.weight_ih, &self.weight_hh, &self.bias)?;
        Level::available().map(|level| Ok(Model::with_level(&weights, level)?)).collect()
    }
}

/// Of the steps that the reference computed. A number without a check is not a number.
fn largest_difference(found: &[f32], expected: &[f64]) -> Result<f64> {
    let differences = found.iter().zip(expected).map(|(found, expected)| (f64::from(*found) - expected).abs());
    let largest = differences.fold(0.0, f64::max);
    ensure!(largest < 1e-6, "the kernel differs from the reference by {largest:e}: please report this");
    Ok(largest)
}
