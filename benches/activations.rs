//! How fast are sigmoid and tanh over a slice that lies in L1, beside the standard library's?

mod common;

use std::hint::black_box;

use common::compare::{Contender, compare};
use common::smoke;
use common::tests::levels;
use common::timing::peak;
use criterion::Criterion;
use gatewise::{Level, Result, activation};

type Vector = fn(Level, &mut [f32]) -> Result<()>;

/// A vectorised function, the same by the standard library, and that in f64.
type Function = (&'static str, Vector, fn(f32) -> f32, fn(f64) -> f64);

const FUNCTIONS: [Function; 2] = [
    ("sigmoid", activation::sigmoid, |x| 1.0 / (1.0 + (-x).exp()), |x| 1.0 / (1.0 + (-x).exp())),
    ("tanh", activation::tanh, f32::tanh, f64::tanh),
];

fn main() {
    common::run(bench);
}

fn bench(criterion: &mut Criterion) {
    let x: Vec<f32> = (0..4096).map(|n| (n as f32 / 2048.0 - 1.0) * 8.0).collect();
    for (name, vector, scalar, exact) in FUNCTIONS {
        let levels = levels().into_iter().map(|level| checked(name, level, vector, exact, &x));
        let found = compare(criterion, name, [by_std(scalar, &x)].into_iter().chain(levels).collect());
        if !smoke() {
            report(name, &found);
        }
    }
}

/// From the same values every time, because its time depends on them; the copy is a hundredth of it.
fn by_std(scalar: fn(f32) -> f32, x: &[f32]) -> Contender<'_> {
    let mut values = x.to_vec();
    let call = move || {
        values.copy_from_slice(black_box(x));
        values.iter_mut().for_each(|x| *x = scalar(*x));
        black_box(&values);
    };
    contender("std".to_owned(), x.len(), call)
}

fn checked<'a>(name: &str, level: Level, vector: Vector, exact: fn(f64) -> f64, x: &[f32]) -> Contender<'a> {
    let mut values = x.to_vec();
    vector(level, &mut values).unwrap();
    for (x, y) in x.iter().zip(&values) {
        let expected = exact(f64::from(*x));
        // 2 ulp (tests/activations.rs has every float).
        let error = (f64::from(*y) - expected).abs();
        assert!(error <= expected.abs() * 2.4e-7, "{name}, {level}: {y} for {expected} at {x}");
    }
    // Results of results: here the time does not depend on the values.
    contender(level.to_string(), x.len(), move || vector(level, black_box(&mut values)).unwrap())
}

fn contender<'a>(name: String, elements: usize, call: impl FnMut() + Send + 'a) -> Contender<'a> {
    Contender { name, threads: 1, elements, work: None, call: Box::new(call) }
}

/// A function has no number of multiply-adds; but in its time so many could have been done.
fn report(name: &str, found: &[(String, f64)]) {
    for (run, time) in found {
        let level = run.parse().unwrap_or(Level::best());
        let adds = time * peak(level, 1) / 2.0;
        println!("{name:<8} {run:<10}{time:7.3} ns a value: {adds:6.1} multiply-adds of the FMA loop");
    }
    println!();
}
