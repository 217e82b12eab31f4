//! Every cell, option, direction, merge, length and level against the f64 reference.

use gatewise::Layout;
use proptest::prelude::*;

use crate::common::jobs::{Job, Lengths};
use crate::common::levels;
use crate::common::networks::{KINDS, Kind, Plan, Twin, Ways, plans};

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_network_agrees_with_the_reference(
        plan in plans(), steps in 0usize..8, batch in 1usize..12, ragged in any::<bool>(), seed in any::<u64>()
    ) {
        let twin = Twin::new(&plan, seed);
        let lengths = if ragged { Lengths::Ragged } else { Lengths::Equal };
        let job = Job::random(&twin, steps, batch, lengths, seed);
        let expected = job.expected(&twin);
        for level in levels() {
            let model = twin.model(level);
            for layout in [Layout::TimeMajor, Layout::BatchFirst] {
                let found = job.run_in(&model, 1, layout);
                let what = || format!("{level}, {layout:?}, T {steps}, B {batch}, {:?}, {plan:?}", job.lengths);
                // Twice PyTorch's initial scale makes twice the error: 40,000 cases stayed within.
                found.assert_close(&expected, 1e-6 * f64::from(plan.scale), what);
            }
        }
    }
}

/// Absolute: the states of these cells stay around 1.
#[test]
fn a_thousand_steps_of_every_cell_stay_within_a_millionth_of_the_reference() {
    for (index, kind) in KINDS.into_iter().enumerate() {
        for (input, hidden) in [(3, 17), (16, 48)] {
            let twin = Twin::new(&Plan::one(kind, input, hidden), index as u64);
            check_a_thousand_steps(&twin, 2);
        }
    }
}

#[test]
fn a_thousand_steps_of_a_wide_layer_and_of_a_stack_stay_within_a_millionth_of_the_reference() {
    for kind in [Kind::Lstm, Kind::GruAfter, Kind::RnnTanh] {
        check_a_thousand_steps(&Twin::new(&Plan::one(kind, 64, 100), 3), 1);
        check_a_thousand_steps(&Twin::new(&Plan::stack(kind, 5, 21, 3, Ways::Forward), 4), 1);
    }
}

fn check_a_thousand_steps(twin: &Twin, batch: usize) {
    let job = Job::random(twin, 1000, batch, Lengths::Equal, 9);
    let expected = job.expected(twin);
    for level in levels() {
        let found = job.run(&twin.model(level), 1);
        for (name, found, expected) in found.pairs(&expected) {
            crate::common::assert_close(found, expected, 1e-6, || format!("{name}, {level}, {:?}", twin.plan));
        }
    }
}
