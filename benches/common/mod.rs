//! What the benches share: the list of shapes, seeded data, the check before the timing, and the summary.
#![allow(dead_code, reason = "each bench uses a part of it")]

use std::time::Duration;

use criterion::Criterion;
use gatewise::{Layout, Level, LstmWeights, Model, Session, measure};
use gatewise_reference::{self as reference, NoTrace, PyTorchWeights, Scalar, Sequence};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// A shape of the list.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub input: usize,
    pub hidden: usize,
    pub batch: usize,
    pub steps: usize,
}

impl Shape {
    pub const fn new(input: usize, hidden: usize, batch: usize, steps: usize) -> Self {
        Shape { input, hidden, batch, steps }
    }

    pub fn name(self) -> String {
        format!("I={} H={} B={} T={}", self.input, self.hidden, self.batch, self.steps)
    }

    /// Floating-point operations of the products over all steps.
    pub fn operations(self) -> u64 {
        (8 * self.hidden * (self.input + self.hidden) * self.batch * self.steps) as u64
    }
}

/// Weights of PyTorch's initial scale and an input, from a fixed seed.
pub struct Case {
    pub shape: Shape,
    pub weight_ih: Vec<f32>,
    pub weight_hh: Vec<f32>,
    pub bias: Vec<f32>,
    pub x: Vec<f32>,
}

impl Case {
    pub fn new(shape: Shape) -> Self {
        let Shape { input, hidden, batch, steps } = shape;
        let mut random = StdRng::seed_from_u64(1);
        let mut uniform = |count: usize, scale: f32| -> Vec<f32> {
            (0..count).map(|_| random.random_range(-scale..=scale)).collect()
        };
        let scale = 1.0 / (hidden as f32).sqrt();
        Case {
            shape,
            weight_ih: uniform(4 * hidden * input, scale),
            weight_hh: uniform(4 * hidden * hidden, scale),
            bias: uniform(4 * hidden, scale),
            x: uniform(steps * batch * input, 1.0),
        }
    }

    /// A model for each level of the machine, its first step checked against the reference in f64.
    pub fn checked_models(&self) -> Vec<Model> {
        let Shape { input, hidden, batch, .. } = self.shape;
        let weights = LstmWeights::new(input, hidden, &self.weight_ih, &self.weight_hh, &self.bias).unwrap();
        let wide = |values: &[f32]| values.iter().copied().map(f64::from).collect::<Vec<f64>>();
        let cell = self.cell(&wide(&self.weight_ih), &wide(&self.weight_hh), &wide(&self.bias));
        let expected = self.first_step(&cell, &wide(&self.x));
        let models = Level::available().map(|level| Model::with_level(&weights, level).unwrap());
        models
            .inspect(|model| {
                let mut session = Session::new(model, batch).unwrap();
                let found = session.step(&self.x[..batch * input]).unwrap();
                for (found, expected) in found.iter().zip(&expected) {
                    let error = (f64::from(*found) - expected).abs();
                    assert!(error < 1e-6, "{}, {}: {found} for {expected}", model.level(), self.shape.name());
                }
            })
            .collect()
    }

    /// The scalar reference in f32, as the kernels compute.
    pub fn reference(&self) -> reference::Lstm<f32> {
        self.cell(&self.weight_ih, &self.weight_hh, &self.bias)
    }

    fn cell<S: Scalar>(&self, weight_ih: &[S], weight_hh: &[S], bias_ih: &[S]) -> reference::Lstm<S> {
        let Shape { input, hidden, .. } = self.shape;
        let weights = PyTorchWeights { inputs: input, hidden, weight_ih, weight_hh, bias_ih, bias_hh: &[] };
        reference::Lstm::from_pytorch(&weights).unwrap()
    }

    /// The first step from h = c = 0 by the reference.
    pub fn first_step<S: Scalar>(&self, cell: &reference::Lstm<S>, x: &[S]) -> Vec<S> {
        let Shape { input, batch, .. } = self.shape;
        let (layout, x) = (reference::Layout::TimeMajor, &x[..batch * input]);
        reference::forward(cell, &Sequence { layout, batch, steps: 1, x, h0: None, c0: None }, &mut NoTrace).unwrap().y
    }

    /// The whole sequence by a kernel.
    pub fn run(&self, model: &Model, y: &mut [f32]) {
        let mut session = Session::new(model, self.shape.batch).unwrap();
        session.run(&self.x, Layout::TimeMajor, y).unwrap();
    }
}

/// Short runs: a shared machine's noise is not beaten by waiting.
pub fn criterion(samples: usize) -> Criterion {
    let (warm_up, measure) = (Duration::from_millis(250), Duration::from_millis(800));
    Criterion::default().sample_size(samples).warm_up_time(warm_up).measurement_time(measure)
}

/// What a loop of nothing but multiply-adds reaches on `level`, in GFLOP/s.
pub fn peak(level: Level) -> f64 {
    measure::peak_gflops(level).unwrap()
}
