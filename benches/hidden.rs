//! How does speed depend on the hidden units: layers of 64 to 1024, one sequence and 32 of them? One sequence also on two
//! threads, which share the units.

mod common;

use common::case::Case;
use common::compare::Threads;
use common::tests::jobs::Lengths;
use common::tests::networks::{Kind, Plan};
use criterion::Criterion;

/// Hidden units, and steps of a batch: fewer of the large ones, of which a call of a few takes long enough.
const SIZES: [[usize; 2]; 5] = [[64, 50], [128, 50], [256, 20], [512, 10], [1024, 4]];

fn main() {
    common::run(bench);
}

fn bench(criterion: &mut Criterion) {
    for [hidden, batch_steps] in SIZES {
        for (batch, steps, threads) in [(1, 100, Threads::AlsoTwo), (32, batch_steps, Threads::One)] {
            let case = Case::new(&Plan::one(Kind::Lstm, hidden, hidden), batch, steps, Lengths::Equal);
            case.compare(criterion, &format!("LSTM, I=H={hidden} B={batch} T={steps}"), threads);
        }
    }
}
