//! Measuring on a noisy machine: candidates in turn, and the machine's own limits in the same process.

use std::time::Instant;

use crate::error::Result;
use crate::kernel::peak::FmaLoop;
use crate::simd::{Level, dispatch};

/// Measures what a loop of nothing but multiply-adds reaches on one thread, in floating-point operations per nanosecond
/// (GFLOP/s): the best of several runs of about a millisecond each.
///
/// Kernels are quoted as a share of it, because shares travel between machines and microseconds do not. A level without
/// FMA multiplies and adds in two instructions.
///
/// # Errors
/// [`Error::MissingLevel`](crate::Error::MissingLevel) if this machine does not have `level`.
pub fn peak_gflops(level: Level) -> Result<f64> {
    let token = level.token()?;
    let mut best: f64 = 0.0;
    for _ in 0..12 {
        let start = Instant::now();
        let (operations, value) = dispatch(token, FmaLoop { rounds: 400_000 });
        std::hint::black_box(value);
        best = best.max(operations as f64 / start.elapsed().as_nanos().max(1) as f64);
    }
    Ok(best)
}

/// Times several tasks in turn (A B C A B C …) and returns the median of each, in nanoseconds.
///
/// Machines drift: what is compared must run side by side, not one after the other.
///
/// ```
/// let (mut a, mut b) = (0u64, 0u64);
/// let times = gatewise::measure::in_turn(3, &mut [&mut || a += 1, &mut || b += 2]);
/// assert_eq!((times.len(), a, b), (2, 3, 6));
/// ```
pub fn in_turn(rounds: usize, tasks: &mut [&mut dyn FnMut()]) -> Vec<f64> {
    let mut times = vec![Vec::with_capacity(rounds); tasks.len()];
    for _ in 0..rounds {
        for (task, times) in tasks.iter_mut().zip(&mut times) {
            let start = Instant::now();
            task();
            times.push(start.elapsed().as_nanos() as f64);
        }
    }
    let median = |times: &mut Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
    };
    times.iter_mut().map(median).collect()
}
