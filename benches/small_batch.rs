//! How fast is one sequence: layers of all sizes at batch 1, on one thread and on two that share the hidden units.

mod common;

use common::case::Case;
use common::tests::jobs::Lengths;
use common::tests::levels;
use common::tests::networks::{Kind, Plan};
use common::timing::{Figure, time};
use criterion::{Criterion, criterion_group, criterion_main};
use gatewise::Level;

const STEPS: usize = 100;

fn bench(criterion: &mut Criterion) {
    for hidden in [64, 128, 256, 512, 1024] {
        let case = Case::new(&Plan::one(Kind::Lstm, hidden, hidden), 1, STEPS, Lengths::Equal);
        let name = format!("I=H={hidden} B=1 T={STEPS}");
        println!("{name}: the reference takes {:.0} us a step", case.reference_step() / 1e3);
        let mut group = criterion.benchmark_group(name);
        // Two threads: where one is as fast, the session takes one.
        let runs = levels().into_iter().map(|level| (level, 1)).chain([(Level::best(), 2)]);
        for (level, threads) in runs {
            let model = case.checked(level, threads);
            let figure = Figure { level, threads, steps: STEPS, operations: case.operations(&model) };
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
