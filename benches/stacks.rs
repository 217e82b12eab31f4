//! How fast are stacked layers, both directions, and batches of sequences of different lengths?

mod common;

use common::case::Case;
use common::tests::jobs::Lengths;
use common::tests::levels;
use common::tests::networks::{Kind, Plan, Ways};
use common::timing::{Figure, in_turn, time};
use criterion::{Criterion, criterion_group, criterion_main};
use gatewise::{Level, Merge};

fn bench(criterion: &mut Criterion) {
    let layers = Plan::stack(Kind::Lstm, 512, 512, 4, Ways::Forward);
    let both = Plan::stack(Kind::Lstm, 128, 256, 2, Ways::Both(Merge::Concat));
    for (name, plan, batch, steps) in [
        ("4 layers, I=H=512 B=1 T=64", &layers, 1, 64),
        ("4 layers, I=H=512 B=16 T=64", &layers, 16, 64),
        ("bidirectional, 2 layers, I=128 H=256 B=8 T=128", &both, 8, 128),
    ] {
        let case = Case::new(plan, batch, steps, Lengths::Equal);
        let mut group = criterion.benchmark_group(name);
        for threads in [1, 2] {
            let model = case.checked(Level::best(), threads);
            let figure = Figure { level: model.level(), threads, steps, operations: case.operations(&model) };
            time(&mut group, figure, case.runner(&model, threads));
        }
        group.finish();
    }
    ragged();
}

/// Sequences of 0 to T steps beside as many of T steps each, in turn: work for padding is skipped, so the time should fall
/// as the number of valid steps does.
fn ragged() {
    println!("lengths from 0 to T, in turn with all T\n");
    println!("{:<52}{:<10}{:>14}{:>14}", "", "", "steps valid", "time needed");
    let one = Plan::one(Kind::Lstm, 256, 256);
    let both = Plan::stack(Kind::GruAfter, 64, 128, 2, Ways::Both(Merge::Concat));
    for (name, plan, batch, steps) in
        [("LSTM, I=H=256 B=32 T=50", &one, 32, 50), ("GRU, bidirectional, 2 layers, H=128 B=64 T=100", &both, 64, 100)]
    {
        let equal = Case::new(plan, batch, steps, Lengths::Equal);
        let ragged = Case::new(plan, batch, steps, Lengths::Ragged);
        for level in levels() {
            let models = [&equal, &ragged].map(|case| case.checked(level, 1));
            let (mut whole, mut part) = (equal.runner(&models[0], 1), ragged.runner(&models[1], 1));
            let times = in_turn(9, &mut [(1, &mut whole), (1, &mut part)]);
            let valid = ragged.valid_steps() as f64 / equal.valid_steps() as f64;
            println!("{name:<52}{level:<10}{:>12.0} %{:>12.0} %", valid * 100.0, times[1] / times[0] * 100.0);
        }
    }
    println!();
}

criterion_group! {
    name = benches;
    config = common::criterion(10);
    targets = bench
}
criterion_main!(benches);
