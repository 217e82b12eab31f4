//! How fast are layers that read in both directions: one sequence, each direction on a thread, and batches?

mod common;

use common::case::Case;
use common::compare::Threads;
use common::tests::jobs::Lengths;
use common::tests::networks::{Kind, Plan, Ways};
use criterion::Criterion;
use gatewise::Merge;

fn main() {
    common::run(bench);
}

fn bench(criterion: &mut Criterion) {
    for (name, kind, [input, hidden, layers], [batch, steps]) in [
        ("LSTM", Kind::Lstm, [128, 128, 1], [1, 128]),
        ("2 LSTM layers", Kind::Lstm, [128, 256, 2], [8, 64]),
        ("2 GRU layers", Kind::GruAfter, [64, 128, 2], [64, 32]),
    ] {
        let plan = Plan::stack(kind, input, hidden, layers, Ways::Both(Merge::Concat));
        let case = Case::new(&plan, batch, steps, Lengths::Equal);
        let title = format!("bidirectional, {name}, I={input} H={hidden} B={batch} T={steps}");
        case.compare(criterion, &title, Threads::AlsoTwo);
    }
}
