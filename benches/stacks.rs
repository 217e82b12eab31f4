//! How fast are stacked layers: large ones whose weights fill the caches, and small ones, each on a thread of its own?

mod common;

use common::case::Case;
use common::compare::Threads;
use common::tests::jobs::Lengths;
use common::tests::networks::{Kind, Plan, Ways};
use criterion::Criterion;

fn main() {
    common::run(bench);
}

fn bench(criterion: &mut Criterion) {
    for [hidden, layers, batch, steps] in [[512, 4, 1, 64], [512, 4, 16, 64], [64, 4, 1, 256]] {
        let plan = Plan::stack(Kind::Lstm, hidden, hidden, layers, Ways::Forward);
        let case = Case::new(&plan, batch, steps, Lengths::Equal);
        let title = format!("{layers} LSTM layers, I=H={hidden} B={batch} T={steps}");
        case.compare(criterion, &title, Threads::AlsoTwo);
    }
}
