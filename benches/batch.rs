//! How fast is a batch: reference, portable, AVX2 and AVX-512 beside a bare product by `matrixmultiply`.
//!
//! First a summary, candidates in turn, with shares of an FMA loop and ratios; then criterion's own groups.

mod common;

use std::hint::black_box;

use common::{Case, Shape, peak};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use gatewise::measure;
use ndarray::Array2;
use ndarray::linalg::general_mat_mul;

/// Small layers and large ones, small batches and large ones.
const SHAPES: [Shape; 7] = [
    Shape::new(256, 256, 32, 50),
    Shape::new(64, 64, 1, 100),
    Shape::new(256, 256, 1, 100),
    Shape::new(512, 512, 32, 10),
    Shape::new(512, 512, 128, 4),
    Shape::new(8, 32, 4096, 4),
    Shape::new(32, 64, 1024, 4),
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
    fn new(case: &Case) -> Self {
        let Shape { input, hidden, batch, steps } = case.shape;
        let weights =
            |depth: usize, values: &[f32]| Array2::from_shape_vec((depth, 4 * hidden), values.to_vec()).unwrap();
        Product {
            steps,
            inputs: [Array2::from_elem((batch, input), 0.5), Array2::from_elem((batch, hidden), 0.5)],
            weights: [weights(input, &case.weight_ih), weights(hidden, &case.weight_hh)],
            gates: Array2::zeros((batch, 4 * hidden)),
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

fn summary() {
    println!("medians of 9 runs in turn, one thread; the reference runs one step of each shape, scaled\n");
    println!("{:<24}{:<16}{:>12}{:>10}{:>9}{:>14}", "shape", "", "us a step", "GFLOP/s", "of FMA", "x reference");
    for shape in SHAPES {
        let case = Case::new(shape);
        let models = case.checked_models();
        let mut y = vec![0.0; shape.steps * shape.batch * shape.hidden];
        let mut product = Product::new(&case);

        let cell = case.reference();
        let reference = measure::in_turn(3, &mut [&mut || drop(black_box(case.first_step(&cell, &case.x)))])[0];
        let outputs = std::cell::RefCell::new(&mut y);
        let mut kernels: Vec<_> =
            models.iter().map(|model| || case.run(model, black_box(&mut outputs.borrow_mut()))).collect();
        let mut baseline = || product.run();
        let mut tasks: Vec<&mut dyn FnMut()> = vec![&mut baseline];
        tasks.extend(kernels.iter_mut().map(|kernel| kernel as &mut dyn FnMut()));
        let times = measure::in_turn(9, &mut tasks);

        let steps = shape.steps as f64;
        let line = |name: &str, time: f64, peak: Option<f64>| {
            let gflops = shape.operations() as f64 / steps / time;
            let share = peak.map(|peak| format!("{:.0} %", gflops / peak * 100.0)).unwrap_or_default();
            let speedup = reference / time;
            println!("{:<24}{name:<16}{:>12.2}{gflops:>10.1}{share:>9}{speedup:>14.1}", shape.name(), time / 1e3);
        };
        line("reference", reference, None);
        line("matrixmultiply", times[0] / steps, None);
        for (model, time) in models.iter().zip(&times[1..]) {
            line(model.level().name(), time / steps, Some(peak(model.level())));
        }
        println!();
    }
}

fn bench(criterion: &mut Criterion) {
    summary();
    for shape in SHAPES {
        let case = Case::new(shape);
        let models = case.checked_models();
        let mut y = vec![0.0; shape.steps * shape.batch * shape.hidden];
        let mut group = criterion.benchmark_group(shape.name());
        group.throughput(Throughput::Elements(shape.operations()));
        for model in &models {
            let id = BenchmarkId::from_parameter(model.level());
            group.bench_function(id, |bencher| bencher.iter(|| case.run(model, black_box(&mut y))));
        }
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = common::criterion(20);
    targets = bench
}
criterion_main!(benches);
