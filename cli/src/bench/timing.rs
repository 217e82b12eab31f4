//! Timing calls one by one: a warm-up, then as many as a median needs.

use std::time::{Duration, Instant};

use anyhow::Result;

/// What was measured, in nanoseconds a call.
#[derive(Clone, Copy)]
pub struct Times {
    pub median: f64,
    pub min: f64,
    pub calls: usize,
}

/// Pages are mapped, caches filled, and the clock settles after the first wide instructions.
const WARM_UP: (usize, Duration) = (2, Duration::from_millis(100));
const CALLS: usize = 15;
const LEAST: Duration = Duration::from_millis(300);

/// Times at least 15 calls and 0.3 s.
pub fn time(mut call: impl FnMut() -> Result<()>) -> Result<Times> {
    let start = Instant::now();
    let mut calls = 0;
    while calls < WARM_UP.0 || start.elapsed() < WARM_UP.1 {
        call()?;
        calls += 1;
    }
    let mut times: Vec<f64> = Vec::new();
    let mut total = Duration::ZERO;
    while times.len() < CALLS || total < LEAST {
        let start = Instant::now();
        call()?;
        let took = start.elapsed();
        total += took;
        times.push(took.as_nanos() as f64);
    }
    times.sort_by(f64::total_cmp);
    // Never 0: a clock may be coarser than a call.
    Ok(Times { median: times[times.len() / 2].max(1.0), min: times[0].max(1.0), calls: times.len() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_enough_calls_and_enough_time() {
        let mut calls = 0;
        let times = time(|| {
            calls += 1;
            std::thread::sleep(Duration::from_millis(1));
            Ok(())
        })
        .expect("no call fails");
        assert!(times.calls >= CALLS && calls >= times.calls + WARM_UP.0, "{} timed of {calls}", times.calls);
        assert!(times.min >= 1e6 && times.median >= times.min, "{} median, {} least", times.median, times.min);
        assert!(times.calls <= 301, "{} calls of a millisecond, more than 0.3 s hold", times.calls);
    }

    #[test]
    fn a_call_that_fails_ends_the_timing() {
        let error = time(|| anyhow::bail!("broken")).map(|_| ()).expect_err("the call fails");
        assert_eq!(error.to_string(), "broken");
    }
}
