//! How long does one streamed step take: one feature, a few hidden units, batch 1.

mod common;

use std::hint::black_box;

use common::{Case, Shape};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use gatewise::Session;

fn bench(criterion: &mut Criterion) {
    for hidden in [8, 16, 32, 40, 64] {
        let case = Case::new(Shape::new(1, hidden, 1, 1));
        let models = case.checked_models();
        let mut group = criterion.benchmark_group(format!("one step, I=1 H={hidden}"));
        let cell = case.reference();
        group.bench_function("reference", |bencher| bencher.iter(|| case.first_step(&cell, black_box(&case.x))));
        for model in &models {
            let mut session = Session::new(model, 1).unwrap();
            group.bench_function(BenchmarkId::from_parameter(model.level()), |bencher| {
                bencher.iter(|| session.step(black_box(&case.x)).unwrap()[0]);
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
