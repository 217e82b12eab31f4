//! How does speed depend on the batch? Batches of 4 to 512 sequences and some of small cells, on one thread and two.
//!
//! First a summary of batches for layers of all sizes, in turn with the bare products by `matrixmultiply`, with shares of an
//! FMA loop of the same moment.

mod common;

use std::hint::black_box;

use common::case::Case;
use common::compare::{Threads, name as named};
use common::smoke;
use common::tests::jobs::Lengths;
use common::tests::networks::{Kind, Plan};
use common::timing::{in_turn, peak};
use criterion::Criterion;
use gatewise::Level;
use ndarray::Array2;
use ndarray::linalg::general_mat_mul;

/// Features, hidden units, sequences, steps: fewer of the large ones, which take long enough. Of the summary:
const SHAPES: [[usize; 4]; 10] = [
    [128, 128, 32, 50],
    [128, 128, 128, 50],
    [256, 256, 32, 50],
    [256, 256, 128, 50],
    [512, 512, 32, 50],
    [512, 512, 128, 20],
    [1024, 1024, 32, 20],
    [1024, 1024, 128, 8],
    [8, 32, 4096, 64],
    [32, 64, 1024, 64],
];

/// Of criterion's groups.
const BATCHES: [[usize; 4]; 8] = [
    [256, 256, 4, 50],
    [256, 256, 8, 50],
    [256, 256, 16, 32],
    [256, 256, 32, 20],
    [256, 256, 128, 10],
    [256, 256, 512, 4],
    [8, 32, 4096, 16],
    [32, 64, 1024, 16],
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
        let runs = Threads::AlsoTwo.runs();
        let mut product = Product::new(shape);
        let mut baseline = || product.run();
        let kernel = |(level, threads): &(Level, usize)| case.runner(case.checked(*level, *threads), *threads);
        let mut kernels: Vec<_> = runs.iter().map(kernel).collect();
        let mut candidates: Vec<(usize, &mut (dyn FnMut() + Send))> = vec![(1, &mut baseline)];
        candidates.extend(kernels.iter_mut().zip(&runs).map(|(kernel, (_, threads))| (*threads, kernel as _)));
        let times = in_turn(5, &mut candidates);

        let steps = shape[3] as f64;
        let operations = case.operations(&case.twin.model(Level::Portable)) / steps;
        let reference = case.reference_step();
        let line = |name: &str, time: f64, peak: Option<f64>| {
            let gflops = operations / time;
            let share = peak.map(|peak| format!("{:.0} %", gflops / peak * 100.0)).unwrap_or_default();
            let speedup = reference / time;
            println!("{:<26}{name:<18}{:>12.2}{gflops:>10.1}{share:>9}{speedup:>14.1}", self::name(shape), time / 1e3);
        };
        line("reference", reference, None);
        line("matrixmultiply", times[0] / steps, Some(peak(Level::best(), 1)));
        for ((level, threads), time) in runs.iter().zip(&times[1..]) {
            line(&named(*level, *threads), time / steps, Some(peak(*level, *threads)));
        }
        println!();
    }
}

fn main() {
    common::run(bench);
}

fn bench(criterion: &mut Criterion) {
    if !smoke() {
        summary();
    }
    for shape in BATCHES {
        case(shape).compare(criterion, &format!("LSTM, {}", name(shape)), Threads::AlsoTwo);
    }
}
