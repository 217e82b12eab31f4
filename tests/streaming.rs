//! The streamed step allocates nothing: a counting allocator watches it.

mod common;

use common::{Case, Sizes, levels};
use gatewise::{Model, Session};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<std::alloc::System> = &INSTRUMENTED_SYSTEM;

/// The only test of this file: another one's allocations, on another thread, would be counted too.
#[test]
fn a_streamed_step_allocates_nothing() {
    for (batch, input, hidden) in [(1, 1, 16), (1, 7, 33), (5, 3, 20)] {
        let case = Case::random(Sizes { steps: 1, batch, input, hidden }, 0.3, 5);
        for level in levels() {
            let model = Model::with_level(&case.weights(), level).unwrap();
            let mut session = Session::new(&model, batch).unwrap();
            let region = Region::new(ALLOCATOR);
            let mut sum = 0.0;
            for _ in 0..100 {
                sum += session.step(&case.x).unwrap()[0];
            }
            session.reset();
            session.set_state(&case.h0, &case.c0).unwrap();
            let change = region.change();
            assert_eq!(
                (change.allocations, change.reallocations, change.deallocations),
                (0, 0, 0),
                "{level}, B = {batch}"
            );
            assert!(sum.is_finite());
        }
    }
    // The counter counts: otherwise the test above could not fail.
    let region = Region::new(ALLOCATOR);
    drop(std::hint::black_box(vec![0u8; 100]));
    assert!(region.change().allocations > 0, "the counting allocator is not in place");
}
