//! A step of a whole network allocates nothing for a single sequence. An allocator that counts what this thread asks for watches.

mod common;

use allocation_counter::{AllocationInfo, measure};
use common::blueprints::{Family, Pair};
use common::jobs::Lengths;
use common::levels;
use common::network_jobs::{Fed, NetworkJob, network};
use gatewise::network::{Network, NetworkSession};

#[test]
fn steps_of_a_network_allocate_nothing_once_the_session_is_made() {
    for seed in 0..200 {
        let pair = Pair::random(Family::Streams, seed);
        let job = NetworkJob::random(&pair, [1, 1], Lengths::Equal, seed);
        for level in levels() {
            let network = network(&pair, level);
            assert_eq!(allocations(&network, &job), AllocationInfo::default(), "{level}, of {:?}", pair.blueprint);
        }
    }
    // The counter counts: otherwise the test above could not fail.
    let counted = measure(|| drop(std::hint::black_box(vec![0u8; 100])));
    assert!(counted.count_total > 0, "the counting allocator is not in place");
}

/// What ten steps of a new session allocate.
fn allocations(network: &Network, job: &NetworkJob) -> AllocationInfo {
    let mut session = NetworkSession::new(network, 1).unwrap();
    let mut sum = 0.0;
    let counted = measure(|| {
        for _ in 0..10 {
            sum += match &job.input {
                Fed::Ids(ids) => session.step(ids).unwrap()[0],
                Fed::Features { x, .. } => session.step(x).unwrap()[0],
            };
        }
    });
    assert!(sum.is_finite());
    counted
}
