//! What do sequences of different lengths cost? Only valid steps count, so the speed should be that of whole batches.

mod common;

use common::case::Case;
use common::compare::Threads;
use common::smoke;
use common::tests::jobs::Lengths;
use common::tests::levels;
use common::tests::networks::{Kind, Plan, Ways};
use common::timing::in_turn;
use criterion::Criterion;
use gatewise::Merge;

fn main() {
    common::run(bench);
}

fn bench(criterion: &mut Criterion) {
    let one = Plan::one(Kind::Lstm, 256, 256);
    let both = Plan::stack(Kind::GruAfter, 64, 128, 2, Ways::Both(Merge::Concat));
    let batches =
        [("LSTM, I=H=256 B=32 T=50", &one, 32, 50), ("GRU, bidirectional, 2 layers, H=128 B=64 T=100", &both, 64, 100)];
    for (name, plan, batch, steps) in batches {
        let ragged = Case::new(plan, batch, steps, Lengths::Ragged);
        ragged.compare(criterion, &format!("{name}, lengths 0 to T"), Threads::One);
        if !smoke() {
            beside_whole(name, &Case::new(plan, batch, steps, Lengths::Equal), &ragged);
        }
    }
}

/// Sequences of 0 to T steps beside as many of T steps each, in turn: work for padding is skipped, so the time should fall
/// as the number of valid steps does.
fn beside_whole(name: &str, equal: &Case, ragged: &Case) {
    println!("lengths from 0 to T, in turn with all T");
    println!("{:<52}{:<10}{:>14}{:>14}", "", "", "steps valid", "time needed");
    for level in levels() {
        let mut whole = equal.runner(equal.checked(level, 1), 1);
        let mut part = ragged.runner(ragged.checked(level, 1), 1);
        let times = in_turn(9, &mut [(1, &mut whole), (1, &mut part)]);
        let valid = ragged.valid_steps() as f64 / equal.valid_steps() as f64;
        println!("{name:<52}{level:<10}{:>12.0} %{:>12.0} %", valid * 100.0, times[1] / times[0] * 100.0);
    }
    println!();
}
