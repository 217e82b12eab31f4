//! How fast is a batch: reference, portable, AVX2 and AVX-512 beside a bare product by `matrixmultiply`.
//!
//! First a summary, candidates in turn, with shares of an FMA loop and ratios; then criterion's own groups.

mod common;

use std::hint::black_box;

use common::{Case, Shape, peak};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use gatewise::measure;

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

/// The baseline: the two products of every step, [B, I] · [I, 4H] and [B, H] · [H, 4H], and nothing else.
struct Product {
    shape: Shape,
    weights: Vec<f32>,
    gates: Vec<f32>,
}

impl Product {
    fn new(case: &Case) -> Self {
        let Shape { hidden, batch, .. } = case.shape;
        let weights = [&case.weight_ih[..], &case.weight_hh[..]].concat();
        Product { shape: case.shape, weights, gates: vec![0.0; batch * 4 * hidden] }
    }

    #[allow(unsafe_code, reason = "matrixmultiply's interface is raw pointers")]
    fn run(&mut self, rows: &[f32]) {
        let Shape { input, hidden, batch, steps } = self.shape;
        let columns = 4 * hidden;
        assert!(rows.len() >= batch * input.max(hidden) && self.gates.len() == batch * columns);
        assert!(self.weights.len() == columns * (input + hidden));
        for _ in 0..steps {
            for (depth, weights, beta) in
                [(input, &self.weights[..columns * input], 0.0), (hidden, &self.weights[columns * input..], 1.0)]
            {
                // SAFETY: row-major batch × depth, depth × columns and batch × columns, whose lengths are asserted above.
                unsafe {
                    matrixmultiply::sgemm(
                        batch,
                        depth,
                        columns,
                        1.0,
                        rows.as_ptr(),
                        depth as isize,
                        1,
                        weights.as_ptr(),
                        columns as isize,
                        1,
                        beta,
                        self.gates.as_mut_ptr(),
                        columns as isize,
                        1,
                    );
                }
            }
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
        let rows = vec![0.5; shape.batch * shape.input.max(shape.hidden)];
        let mut product = Product::new(&case);

        let cell = case.reference();
        let reference = measure::in_turn(3, &mut [&mut || drop(black_box(case.first_step(&cell, &case.x)))])[0];
        let outputs = std::cell::RefCell::new(&mut y);
        let mut kernels: Vec<_> =
            models.iter().map(|model| || case.run(model, black_box(&mut outputs.borrow_mut()))).collect();
        let mut baseline = || product.run(black_box(&rows));
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
