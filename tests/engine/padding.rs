//! Padding is not read: NaN in it changes no bit. (Skipped work cannot be seen from outside, but what is never read is not
//! multiplied either.) What is written past a sequence's length is zeros.

use proptest::prelude::*;

use crate::common::jobs::{Job, Lengths};
use crate::common::levels;
use crate::common::networks::{Twin, plans};

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_stands_past_a_sequences_length_is_never_read(
        plan in plans(), steps in 1usize..9, batch in 1usize..12, threads in 1usize..3, seed in any::<u64>()
    ) {
        let twin = Twin::new(&plan, seed);
        let job = Job::random(&twin, steps, batch, Lengths::Ragged, seed);
        let lengths = job.lengths.clone().unwrap_or_default();
        let mut poisoned = job.clone();
        for (at, x) in poisoned.x.chunks_mut(job.widths.input).enumerate() {
            if at / batch >= lengths[at % batch] {
                x.fill(f32::NAN);
            }
        }
        for level in levels() {
            let model = twin.model(level);
            let what = || format!("{level}, T {steps}, lengths {lengths:?}, {threads} threads, {plan:?}");
            let found = poisoned.run(&model, threads);
            found.assert_same_bits(&job.run(&model, threads), what);
            for (name, values, width) in [("y", &found.y, job.widths.output), ("c", &found.cells, job.widths.cells)] {
                for (at, row) in values.chunks(width.max(1)).enumerate() {
                    let (step, place) = (at / batch, at % batch);
                    let padding = step >= lengths[place];
                    let fits = if padding { row.iter().all(|v| v.to_bits() == 0) } else { !row.iter().any(|v| v.is_nan()) };
                    assert!(fits, "{name} at step {step}, row {place}: {row:?}, {}", what());
                }
            }
        }
    }
}

/// A sequence of no steps keeps the state that it came with.
#[test]
fn a_sequence_of_no_steps_keeps_its_state() {
    use crate::common::networks::{KINDS, Plan, Ways};
    for kind in KINDS {
        let twin = Twin::new(&Plan::stack(kind, 3, 6, 2, Ways::Both(gatewise::Merge::Average)), 1);
        let mut job = Job::random(&twin, 4, 3, Lengths::Ragged, 2);
        job.lengths = Some(vec![4, 0, 2]);
        for level in levels() {
            let found = job.run(&twin.model(level), 1);
            let empty = job.take(&[1]);
            let found = job.take_found(&found, &[1]);
            assert_eq!((&found.h, &found.c), (&empty.h0, &empty.c0), "{kind:?}, {level}");
        }
    }
}
