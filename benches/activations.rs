//! How fast are sigmoid and tanh over a slice that lies in L1.

mod common;

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use gatewise::{Level, Result, activation};

/// A vectorised function, and the same by the standard library.
type Function = (&'static str, fn(Level, &mut [f32]) -> Result<()>, fn(f32) -> f32);

const FUNCTIONS: [Function; 2] =
    [("sigmoid", activation::sigmoid, |x| 1.0 / (1.0 + (-x).exp())), ("tanh", activation::tanh, f32::tanh)];

fn bench(criterion: &mut Criterion) {
    let x: Vec<f32> = (0..4096).map(|n| (n as f32 / 2048.0 - 1.0) * 8.0).collect();
    for (name, vector, scalar) in FUNCTIONS {
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements(x.len() as u64));
        group.bench_function("std", |bencher| {
            bencher.iter_batched_ref(
                || x.clone(),
                |x| x.iter_mut().for_each(|x| *x = scalar(*x)),
                criterion::BatchSize::SmallInput,
            );
        });
        for level in Level::available() {
            group.bench_function(BenchmarkId::from_parameter(level), |bencher| {
                bencher.iter_batched_ref(
                    || x.clone(),
                    |x| vector(level, black_box(x)).unwrap(),
                    criterion::BatchSize::SmallInput,
                );
            });
        }
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = common::criterion(30);
    targets = bench
}
criterion_main!(benches);
