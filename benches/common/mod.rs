//! What the benches share: cases with their check, groups of the reference and every level, and the limits of the machine.
#![allow(dead_code, reason = "each bench uses a part of it")]

pub mod case;
pub mod compare;
pub mod limits;
/// Random networks of both halves, as the tests have them.
#[path = "../../tests/common/mod.rs"]
pub mod tests;
pub mod timing;

use std::time::Duration;

use criterion::Criterion;

/// Runs a bench as the command line says, behind the machine's limits. In short runs: a shared machine's noise is not beaten
/// by waiting.
pub fn run(bench: impl FnOnce(&mut Criterion)) {
    if !smoke() {
        limits::print();
    }
    let (warm_up, measure) = (Duration::from_millis(100), Duration::from_millis(400));
    // Ten samples are so few that two thousand resamplings tell all there is; the usual hundred thousand take as long again.
    let short = Criterion::default().sample_size(10).warm_up_time(warm_up).measurement_time(measure).nresamples(2000);
    let mut criterion = short.configure_from_args();
    bench(&mut criterion);
    criterion.final_summary();
}

/// Whether everything is to be called once and nothing to be measured (`cargo bench -- --test`): short sequences, no checks
/// against the reference, no summaries.
pub fn smoke() -> bool {
    std::env::args().any(|argument| argument == "--test")
}
