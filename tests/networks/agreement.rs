//! Random networks of every operation on every level against the f64 reference.

use gatewise::Layout;
use proptest::prelude::*;

use crate::common::blueprints::{Family, Pair};
use crate::common::jobs::Lengths;
use crate::common::levels;
use crate::common::network_jobs::{How, NetworkJob, network};

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_network_agrees_with_the_reference(
        seed in any::<u64>(), steps in 0usize..10, batch in 1usize..6, ragged in any::<bool>()
    ) {
        let pair = Pair::random(Family::Any, seed);
        let lengths = if ragged { Lengths::Ragged } else { Lengths::Equal };
        let job = NetworkJob::random(&pair, [steps, batch], lengths, seed);
        let expected = job.expected(&pair);
        for level in levels() {
            let network = network(&pair, level);
            for layout in [Layout::TimeMajor, Layout::BatchFirst] {
                let found = job.run(&network, How { threads: 1, layout });
                let what = || format!("{level}, {layout:?}, {job:?}, {:?}", pair.blueprint);
                // 20,000 cases stayed within; within 1e-6 some did not, on the level without FMA.
                found.assert_close(&expected, 2e-6, what);
            }
        }
    }
}
