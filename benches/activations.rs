//! How fast are sigmoid and tanh over a slice that lies in L1.

mod common;

use std::hint::black_box;

use common::tests::levels;
use common::timing::{peak, time_calls};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use gatewise::{Level, Result, activation};

/// A vectorised function, the same by the standard library, and that in f64.
type Function = (&'static str, fn(Level, &mut [f32]) -> Result<()>, fn(f32) -> f32, fn(f64) -> f64);

const FUNCTIONS: [Function; 2] = [
    ("sigmoid", activation::sigmoid, |x| 1.0 / (1.0 + (-x).exp()), |x| 1.0 / (1.0 + (-x).exp())),
    ("tanh", activation::tanh, f32::tanh, f64::tanh),
];

fn bench(criterion: &mut Criterion) {
    let x: Vec<f32> = (0..4096).map(|n| (n as f32 / 2048.0 - 1.0) * 8.0).collect();
    for (name, vector, scalar, exact) in FUNCTIONS {
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements(x.len() as u64));
        // From the same values every time, because its time depends on them; the copy is a hundredth of it.
        let mut values = x.clone();
        let all_scalar = || {
            values.copy_from_slice(black_box(&x));
            values.iter_mut().for_each(|x| *x = scalar(*x));
            black_box(&values);
        };
        report(time_calls(&mut group, BenchmarkId::from_parameter("std"), 1, all_scalar), x.len(), Level::best());
        for level in levels() {
            let mut values = x.clone();
            vector(level, &mut values).unwrap();
            for (x, y) in x.iter().zip(&values) {
                let expected = exact(f64::from(*x));
                // 2 ulp (tests/activations.rs has every float).
                let error = (f64::from(*y) - expected).abs();
                assert!(error <= expected.abs() * 2.4e-7, "{name}, {level}: {y} for {expected} at {x}");
            }
            // Results of results: here the time does not depend on the values.
            let all = || vector(level, black_box(&mut values)).unwrap();
            report(time_calls(&mut group, BenchmarkId::from_parameter(level), 1, all), x.len(), level);
        }
        group.finish();
    }
}

/// A function has no number of multiply-adds; but in its time so many could have been done.
fn report(time: Option<f64>, values: usize, level: Level) {
    if let Some(time) = time {
        let (value, peak) = (time / values as f64, peak(level, 1));
        println!("{:24}{value:.3} ns a value: {:.1} multiply-adds of the FMA loop\n", "", value * peak / 2.0);
    }
}

criterion_group! {
    name = benches;
    config = common::criterion(20);
    targets = bench
}
criterion_main!(benches);
