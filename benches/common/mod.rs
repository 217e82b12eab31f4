//! What the benches share: cases, the check before the timing, and the share of an FMA loop after it.
#![allow(dead_code, reason = "each bench uses a part of it")]

pub mod case;
/// Random networks of both halves, as the tests have them.
#[path = "../../tests/common/mod.rs"]
pub mod tests;
pub mod timing;

use std::time::Duration;

use criterion::Criterion;

/// Short runs: a shared machine's noise is not beaten by waiting.
pub fn criterion(samples: usize) -> Criterion {
    let (warm_up, measure) = (Duration::from_millis(200), Duration::from_millis(600));
    Criterion::default().sample_size(samples).warm_up_time(warm_up).measurement_time(measure)
}
