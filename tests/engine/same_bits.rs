//! The promise of the same bits: alone or in any batch and place, in any company, on any number of threads, in either layout,
//! whole or streamed, on AVX2 and AVX-512. For every cell, in stacks, in all directions.

use gatewise::{Batch, Layout, Level, Outputs, Session};
use proptest::prelude::*;

use crate::common::jobs::{Job, Lengths};
use crate::common::networks::{KINDS, Kind, Plan, Twin, Ways, plans};
use crate::common::{assert_same_bits, levels};

fn lengths() -> impl Strategy<Value = Lengths> {
    prop_oneof![Just(Lengths::Equal), Just(Lengths::Ragged)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_sequence_gives_the_same_bits_alone_and_in_any_company(
        plan in plans(), steps in 1usize..8, batch in 1usize..20, lengths in lengths(), seed in any::<u64>()
    ) {
        let twin = Twin::new(&plan, seed);
        let job = Job::random(&twin, steps, batch, lengths, seed);
        // In the reverse order, and the first one again in three more places.
        let company: Vec<usize> = (0..batch).rev().chain([0; 3]).collect();
        for level in levels() {
            let model = twin.model(level);
            let whole = job.run(&model, 1);
            let what = |how: &str| format!("{how}, {level}, T {steps}, B {batch}, {:?}, {plan:?}", job.lengths);
            let expected = job.take_found(&whole, &company);
            job.take(&company).run(&model, 1).assert_same_bits(&expected, || what("in another order"));
            for row in 0..batch {
                let alone = job.take(&[row]);
                let expected = job.take_found(&whole, &[row]);
                alone.run(&model, 1).assert_same_bits(&expected, || what(&format!("row {row} alone")));
                if let Some(length) = alone.lengths.as_ref().map(|lengths| lengths[0]) {
                    let expected = expected.cut(&alone, length);
                    let cut = alone.cut(length).run(&model, 1);
                    cut.assert_same_bits(&expected, || what(&format!("row {row} alone, without its padding")));
                }
            }
        }
    }

    #[test]
    fn batch_first_and_any_number_of_threads_give_the_same_bits(
        plan in plans(), steps in 1usize..8, batch in 1usize..20, lengths in lengths(), seed in any::<u64>()
    ) {
        let twin = Twin::new(&plan, seed);
        let job = Job::random(&twin, steps, batch, lengths, seed);
        for level in levels() {
            let model = twin.model(level);
            let whole = job.run(&model, 1);
            for threads in [1, 2, 3, 5] {
                let found = job.run_in(&model, threads, Layout::BatchFirst);
                let shape = || format!("{level}, T {steps}, B {batch}, {:?}, {plan:?}", job.lengths);
                found.assert_same_bits(&whole, || format!("batch-first, {threads} threads, {}", shape()));
            }
        }
    }

    #[test]
    fn chunks_and_single_steps_give_the_bits_of_the_whole(
        plan in plans(), steps in 1usize..9, batch in 1usize..6, chunk in 1usize..4, seed in any::<u64>()
    ) {
        let layers = plan.layers.iter().map(|(kind, hidden, _)| (*kind, *hidden, Ways::Forward)).collect();
        let plan = Plan { layers, ..plan };
        let twin = Twin::new(&plan, seed);
        let job = Job::random(&twin, steps, batch, Lengths::Equal, seed);
        let (input, output) = (batch * job.widths.input, batch * job.widths.output);
        for level in levels() {
            let model = twin.model(level);
            let whole = job.run(&model, 1);
            let start = || {
                let mut session = Session::new(&model, batch).unwrap();
                session.set_state(&job.h0, &job.c0).unwrap();
                session
            };
            let mut stepped = start();
            for (step, (x, y)) in job.x.chunks(input).zip(whole.y.chunks(output)).enumerate() {
                let found = stepped.step(x).unwrap();
                assert_same_bits(found, y, || format!("step {step}, {level}, B {batch}, {plan:?}"));
            }
            let mut chunked = start();
            let mut y = vec![f32::NAN; whole.y.len()];
            let mut cells = vec![f32::NAN; whole.cells.len()];
            let mut cell_chunks = cells.chunks_mut((chunk * batch * job.widths.cells).max(1));
            for (x, y) in job.x.chunks(chunk * input).zip(y.chunks_mut(chunk * output)) {
                let mut outputs = Outputs::none().hidden(y);
                if let Some(cells) = cell_chunks.next() {
                    outputs = outputs.cells(cells);
                }
                chunked.forward(Batch::new(x), outputs).unwrap();
            }
            let what = || format!("chunks of {chunk}, {level}, B {batch}, {plan:?}");
            assert_same_bits(&y, &whole.y, what);
            assert_same_bits(&cells, &whole.cells, what);
            for session in [&stepped, &chunked] {
                assert_same_bits(&session.hidden_states(), &whole.h, what);
                assert_same_bits(&session.cell_states(), &whole.c, what);
            }
        }
    }

    #[test]
    fn avx2_and_avx512_give_the_same_bits(
        plan in plans(), steps in 1usize..8, batch in 1usize..20, lengths in lengths(), seed in any::<u64>()
    ) {
        if !Level::Avx512.is_available() {
            eprintln!("SKIPPED: this machine has no avx512");
            return Ok(());
        }
        let twin = Twin::new(&plan, seed);
        let job = Job::random(&twin, steps, batch, lengths, seed);
        let [narrow, wide] = [Level::Avx2, Level::Avx512].map(|level| job.run(&twin.model(level), 1));
        wide.assert_same_bits(&narrow, || format!("T {steps}, B {batch}, {:?}, {plan:?}", job.lengths));
    }
}

/// Larger than what one thread and one chunk take: 130 steps are more than two blocks of a stack, 60 rows more than a share.
#[test]
fn long_sequences_of_every_cell_give_the_same_bits_however_they_run() {
    for (index, kind) in KINDS.into_iter().enumerate() {
        for ways in [Ways::Forward, Ways::Both(gatewise::Merge::Concat)] {
            let twin = Twin::new(&Plan::stack(kind, 7, 19 + index, 2, ways), index as u64);
            let job = Job::random(&twin, 130, 60, Lengths::Ragged, 5);
            for level in levels() {
                let model = twin.model(level);
                let whole = job.run(&model, 1);
                for threads in [2, 3, 5] {
                    let what = || format!("{threads} threads, {level}, {:?}", twin.plan);
                    job.run(&model, threads).assert_same_bits(&whole, what);
                }
                for row in [0, 31, 59] {
                    let expected = job.take_found(&whole, &[row]);
                    let what = || format!("row {row} alone, {level}, {:?}", twin.plan);
                    job.take(&[row]).run(&model, 2).assert_same_bits(&expected, what);
                }
            }
        }
    }
}

/// More chains of terms than one row takes side by side, and every way in which they can end.
#[test]
fn a_row_of_many_chains_gives_the_same_bits_alone_streamed_and_in_a_batch() {
    let kinds = [
        Kind::Lstm,
        Kind::Projected,
        Kind::GruAfter,
        Kind::GruBefore,
        Kind::RnnTanh,
        Kind::Clockwork,
        Kind::AnyClockwork,
        Kind::Mut2,
    ];
    for (index, kind) in kinds.into_iter().enumerate() {
        for hidden in [128, 191, 200, 257, 330, 449] {
            let twin = Twin::new(&Plan::one(kind, hidden - 1, hidden), index as u64);
            let job = Job::random(&twin, 5, 9, Lengths::Equal, 6);
            for level in levels() {
                let model = twin.model(level);
                let whole = job.run(&model, 1);
                for row in [0, 8] {
                    let what = || format!("row {row}, {kind:?}, H {hidden}, {level}");
                    let (alone, expected) = (job.take(&[row]), job.take_found(&whole, &[row]));
                    alone.run(&model, 1).assert_same_bits(&expected, what);
                    let mut session = Session::new(&model, 1).unwrap();
                    session.set_state(&alone.h0, &alone.c0).unwrap();
                    for (x, y) in alone.x.chunks(alone.widths.input).zip(expected.y.chunks(alone.widths.output)) {
                        assert_same_bits(session.step(x).unwrap(), y, what);
                    }
                }
            }
        }
    }
}
