//! The machine's own limits, measured in the same process as what is compared with them.

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
