//! The promise of the same bits: on any number of threads, in either layout, alone or in any company, whole or in chunks or
//! streamed, on AVX2 and AVX-512.

use gatewise::network::NetworkSession;
use gatewise::{Layout, Level};
use proptest::prelude::*;

use crate::common::blueprints::{Family, Pair};
use crate::common::jobs::Lengths;
use crate::common::levels;
use crate::common::network_jobs::{How, NetworkJob, network};

const PLAIN: How = How { threads: 1, layout: Layout::TimeMajor };

fn job(pair: &Pair, sizes: [usize; 2], ragged: bool, seed: u64) -> NetworkJob {
    NetworkJob::random(pair, sizes, if ragged { Lengths::Ragged } else { Lengths::Equal }, seed)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn threads_layouts_and_company_do_not_change_a_bit(
        seed in any::<u64>(), steps in 0usize..10, batch in 1usize..6, ragged in any::<bool>()
    ) {
        let pair = Pair::random(Family::Any, seed);
        let job = job(&pair, [steps, batch], ragged, seed);
        // In the reverse order, and the first one again in three more places.
        let company: Vec<usize> = (0..batch).rev().chain([0; 3]).collect();
        for level in levels() {
            let network = network(&pair, level);
            let whole = job.run(&network, PLAIN);
            let what = |how: &str| format!("{how}, {level}, {job:?}, {:?}", pair.blueprint);
            for threads in [2, 3, 5] {
                for layout in [Layout::TimeMajor, Layout::BatchFirst] {
                    let how = How { threads, layout };
                    job.run(&network, how).assert_same_bits(&whole, || what(&format!("{how:?}")));
                }
            }
            let expected = job.take_found(&whole, &network, &company);
            job.take(&company).run(&network, PLAIN).assert_same_bits(&expected, || what("in another order"));
            for row in 0..batch {
                let alone = job.take(&[row]);
                let expected = job.take_found(&whole, &network, &[row]);
                alone.run(&network, PLAIN).assert_same_bits(&expected, || what(&format!("row {row} alone")));
                let Some(length) = job.lengths.as_ref().map(|lengths| lengths[row]) else { continue };
                let mut cut = alone.cut(0..length).run(&network, PLAIN);
                cut.y.resize(expected.y.len(), 0.0);
                cut.assert_same_bits(&expected, || what(&format!("row {row} alone, without its padding")));
            }
        }
    }

    #[test]
    fn steps_and_chunks_give_the_bits_of_the_whole(
        seed in any::<u64>(), steps in 0usize..10, batch in 1usize..6, chunk in 1usize..5
    ) {
        let pair = Pair::random(Family::Streams, seed);
        let job = job(&pair, [steps, batch], false, seed);
        for level in levels() {
            let network = network(&pair, level);
            assert!(network.streams(), "{:?}", pair.blueprint);
            let whole = job.run(&network, PLAIN);
            let what = |how: &str| format!("{how}, {level}, {job:?}, {:?}", pair.blueprint);
            job.stepped(&network).assert_same_bits(&whole, || what("step by step"));
            let mut session = NetworkSession::new(&network, batch).unwrap();
            let mut found = job.cut(0..0).run_in(&mut session, Layout::TimeMajor);
            for start in (0..steps).step_by(chunk) {
                let layout = if start % 2 == 0 { Layout::TimeMajor } else { Layout::BatchFirst };
                let mut next = job.cut(start..steps.min(start + chunk)).run_in(&mut session, layout);
                found.y.append(&mut next.y);
                (found.h, found.c) = (next.h, next.c);
            }
            found.assert_same_bits(&whole, || what(&format!("chunks of {chunk}")));
        }
    }

    #[test]
    fn avx2_and_avx512_give_the_same_bits(
        seed in any::<u64>(), steps in 0usize..10, batch in 1usize..6, ragged in any::<bool>()
    ) {
        if !Level::Avx512.is_available() {
            eprintln!("SKIPPED: this machine has no avx512");
            return Ok(());
        }
        let pair = Pair::random(Family::Any, seed);
        let job = job(&pair, [steps, batch], ragged, seed);
        let [narrow, wide] = [Level::Avx2, Level::Avx512].map(|level| job.run(&network(&pair, level), PLAIN));
        wide.assert_same_bits(&narrow, || format!("{job:?}, {:?}", pair.blueprint));
    }
}
