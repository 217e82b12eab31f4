//! A step of a whole network allocates nothing for a single sequence. A counting allocator watches.

mod common;

use common::blueprints::{Family, Pair};
use common::jobs::Lengths;
use common::levels;
use common::network_jobs::{Fed, NetworkJob, network};
use gatewise::network::{Network, NetworkSession};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<std::alloc::System> = &INSTRUMENTED_SYSTEM;

/// The only test of this file: another one's allocations, on another thread, would be counted too.
#[test]
fn steps_of_a_network_allocate_nothing_once_the_session_is_made() {
    for seed in 0..200 {
        let pair = Pair::random(Family::Streams, seed);
        let job = NetworkJob::random(&pair, [1, 1], Lengths::Equal, seed);
        for level in levels() {
            let network = network(&pair, level);
            // The test harness has a thread of its own, which may allocate meanwhile; what a step allocates, it does every time.
            let counted: Vec<_> = (0..5).map(|_| allocations(&network, &job)).collect();
            let none = counted.contains(&(0, 0, 0));
            assert!(none, "{level}, allocations, reallocations, deallocations {counted:?} of {:?}", pair.blueprint);
        }
    }
    // The counter counts: otherwise the test above could not fail.
    let region = Region::new(ALLOCATOR);
    drop(std::hint::black_box(vec![0u8; 100]));
    assert!(region.change().allocations > 0, "the counting allocator is not in place");
}

/// What ten steps of a new session allocate.
fn allocations(network: &Network, job: &NetworkJob) -> (usize, usize, usize) {
    let mut session = NetworkSession::new(network, 1).unwrap();
    let mut sum = 0.0;
    let region = Region::new(ALLOCATOR);
    for _ in 0..10 {
        sum += match &job.input {
            Fed::Ids(ids) => session.step(ids).unwrap()[0],
            Fed::Features { x, .. } => session.step(x).unwrap()[0],
        };
    }
    let change = region.change();
    assert!(sum.is_finite());
    (change.allocations, change.reallocations, change.deallocations)
}
