//! How fast is a large batch: every level, one thread and two, beside the bare products by `matrixmultiply`.
//!
//! First a summary, candidates in turn, with shares of an FMA loop and ratios; then criterion's own groups.

mod common;

use std::hint::black_box;

use common::case::Case;
use common::tests::jobs::Lengths;
use common::tests::levels;
use common::tests::networks::{Kind, Plan};
use common::timing::{Figure, in_turn, peak, time};
use criterion::{Criterion, criterion_group, criterion_main};
use gatewise::{Level, Model};
use ndarray::Array2;
use ndarray::linalg::general_mat_mul;

/// Features, hidden units, sequences, steps.
const SHAPES: [[usize; 4]; 10] = [
    [128, 128, 32, 50],
    [128, 128, 128, 50],
    [256, 256, 32, 50],
    [256, 256, 128, 50],
    [512, 512, 32, 50],
    [512, 512, 128, 50],
    [1024, 1024, 32, 50],
    [1024, 1024, 128, 50],
    [8, 32, 4096, 64],
    [32, 64, 1024, 64],
];

/// The baseline: the two products of every step, [B, I] · [I, 4H] and [B, H] · [H, 4H], and nothing else; by
/// `matrixmultiply`, which is what `ndarray` multiplies with.
struct Product {
    steps: usize,
    inputs: [Array2<f32>; 2],
    weights: [Array2<f32>; 2],
    gates: Array2<f32>,
}

impl Product {
    fn new([input, hidden, batch, steps]: [usize; 4]) -> Self {
        let matrix = |rows: usize, columns: usize| Array2::from_elem((rows, columns), 0.5);
        Product {
            steps,
            inputs: [matrix(batch, input), matrix(batch, hidden)],
            weights: [matrix(input, 4 * hidden), matrix(hidden, 4 * hidden)],
            gates: matrix(batch, 4 * hidden),
        }
    }

    fn run(&mut self) {
        for _ in 0..self.steps {
            let [x, h] = black_box(&self.inputs);
            general_mat_mul(1.0, x, &self.weights[0], 0.0, &mut self.gates);
            general_mat_mul(1.0, h, &self.weights[1], 1.0, &mut self.gates);
            black_box(&self.gates);
        }
    }
}

fn case([input, hidden, batch, steps]: [usize; 4]) -> Case {
    Case::new(&Plan::one(Kind::Lstm, input, hidden), batch, steps, Lengths::Equal)
}

fn name([input, hidden, batch, steps]: [usize; 4]) -> String {
    format!("I={input} H={hidden} B={batch} T={steps}")
}

fn summary() {
    println!("in turn; the reference computes a few steps of two sequences, scaled\n");
    println!("{:<26}{:<18}{:>12}{:>10}{:>9}{:>14}", "shape", "", "us a step", "GFLOP/s", "of FMA", "x reference");
    for shape in SHAPES {
        let case = case(shape);
        let runs: Vec<(Level, usize)> = levels().into_iter().map(|l| (l, 1)).chain([(Level::best(), 2)]).collect();
        let models: Vec<Model> = runs.iter().map(|(level, threads)| case.checked(*level, *threads)).collect();
        let mut product = Product::new(shape);
        let mut baseline = || product.run();
        let mut kernels: Vec<_> =
            models.iter().zip(&runs).map(|(model, (_, threads))| case.runner(model, *threads)).collect();
        let mut candidates: Vec<(usize, &mut (dyn FnMut() + Send))> = vec![(1, &mut baseline)];
        candidates.extend(kernels.iter_mut().zip(&runs).map(|(kernel, (_, threads))| (*threads, kernel as _)));
        // Seconds a call for the largest; their medians need fewer.
        let rounds = if case.operations(&models[0]) > 5e9 { 3 } else { 9 };
        let times = in_turn(rounds, &mut candidates);

        let steps = shape[3] as f64;
        let reference = case.reference_step();
        let line = |name: &str, time: f64, peak: Option<f64>| {
            let gflops = case.operations(&models[0]) / steps / time;
            let share = peak.map(|peak| format!("{:.0} %", gflops / peak * 100.0)).unwrap_or_default();
            let speedup = reference / time;
            println!("{:<26}{name:<18}{:>12.2}{gflops:>10.1}{share:>9}{speedup:>14.1}", self::name(shape), time / 1e3);
        };
        line("reference", reference, None);
        line("matrixmultiply", times[0] / steps, Some(peak(Level::best(), 1)));
        for ((level, threads), time) in runs.iter().zip(&times[1..]) {
            let threads_name = if *threads == 1 { String::new() } else { format!(", {threads} threads") };
            line(&format!("{level}{threads_name}"), time / steps, Some(peak(*level, *threads)));
        }
        println!();
    }
}

fn bench(criterion: &mut Criterion) {
    summary();
    for shape in SHAPES {
        let case = case(shape);
        let mut group = criterion.benchmark_group(name(shape));
        for threads in [1, 2] {
            let model = case.checked(Level::best(), threads);
            let (level, operations) = (model.level(), case.operations(&model));
            let figure = Figure { level, threads, steps: shape[3], operations };
            time(&mut group, figure, case.runner(&model, threads));
        }
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = common::criterion(10);
    targets = bench
}
criterion_main!(benches);
