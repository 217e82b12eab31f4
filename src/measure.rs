//! Measuring on a noisy machine: candidates in turn, and the machine's own limits in the same process.

use std::time::Instant;

use wide::f32x16;

use crate::error::Result;
use crate::kernel::peak::{FmaLoop, READ_TURN, ReadLoop};
use crate::simd::{Level, Token, dispatch};

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

/// What one thread of this machine reaches at most: measured beside what is a share of it, because a shared machine's speed
/// drifts. The two lines of a roofline (Williams, Waterman and Patterson 2009).
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// The instruction set.
    pub level: Level,
    /// Floating-point operations of a loop of multiply-adds, per nanosecond (GFLOP/s).
    pub fma_gflops: f64,
    /// Reading, by the size of what is read again and again, rising.
    pub reads: Vec<Reading>,
}

/// How fast a working set is read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// Its size.
    pub bytes: usize,
    /// Bytes per nanosecond (GB/s).
    pub gbps: f64,
}

/// Which limit binds, and the least time that it leaves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bound {
    /// The least nanoseconds.
    pub least_ns: f64,
    /// Whether that is for reading, not for multiplying and adding.
    pub by_reading: bool,
}

impl Limits {
    /// Measures both in about half a second: reading from 8 KiB, which any L1 cache holds, to `most_bytes`.
    ///
    /// # Errors
    /// [`Error::MissingLevel`](crate::Error::MissingLevel) if this machine does not have `level`.
    pub fn measure(level: Level, most_bytes: usize) -> Result<Self> {
        let token = level.token()?;
        // Whole registers into memory: a load across two cache lines takes twice the time.
        let values = (most_bytes / size_of::<f32>()).next_multiple_of(READ_TURN);
        let data = vec![f32x16::splat(1.0); values / 16];
        let data: &[f32] = bytemuck::cast_slice(&data);
        let sizes = std::iter::successors(Some(8 << 10), |bytes| Some(bytes * 2));
        let reads =
            sizes.take_while(|bytes| *bytes <= most_bytes.max(8 << 10)).map(|bytes| reading(token, data, bytes));
        let reads = reads.collect();
        Ok(Limits { level, fma_gflops: peak_gflops(level)?, reads })
    }

    /// Bytes per nanosecond at which a working set of so many bytes is read: that of the next larger size measured.
    pub fn read_gbps(&self, bytes: usize) -> f64 {
        let measured = self.reads.iter().find(|reading| reading.bytes >= bytes).or(self.reads.last());
        measured.map_or(f64::INFINITY, |reading| reading.gbps)
    }

    /// The least time of so many floating-point operations that read `traffic` bytes, out of a working set of `bytes`.
    pub fn bound(&self, operations: f64, traffic: f64, bytes: usize) -> Bound {
        let (computing, reading) = (operations / self.fma_gflops, traffic / self.read_gbps(bytes));
        Bound { least_ns: computing.max(reading), by_reading: reading > computing }
    }
}

/// The best of several passes over the first `bytes` of `data`, each of about a quarter of a millisecond or one pass.
fn reading(token: Token, data: &[f32], bytes: usize) -> Reading {
    let data = &data[..(bytes / size_of::<f32>() / READ_TURN * READ_TURN).max(READ_TURN).min(data.len())];
    let bytes_read = size_of_val(data);
    let passes = (10_000_000 / bytes_read).max(1);
    let mut best: f64 = 0.0;
    for _ in 0..6 {
        let start = Instant::now();
        std::hint::black_box(dispatch(token, ReadLoop { data, passes }));
        best = best.max((bytes_read * passes) as f64 / start.elapsed().as_nanos().max(1) as f64);
    }
    Reading { bytes, gbps: best }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_measured_on_every_level_and_rise_with_no_size_left_out() {
        for level in Level::available() {
            let limits = Limits::measure(level, 1 << 20).unwrap();
            let sizes: Vec<usize> = limits.reads.iter().map(|reading| reading.bytes).collect();
            assert_eq!(sizes, [8 << 10, 16 << 10, 32 << 10, 64 << 10, 128 << 10, 256 << 10, 512 << 10, 1 << 20]);
            assert!(limits.fma_gflops > 0.0 && limits.reads.iter().all(|reading| reading.gbps > 0.0), "{limits:?}");
        }
    }

    #[test]
    fn the_limit_that_binds_is_the_one_that_takes_longer() {
        let reads = vec![Reading { bytes: 1000, gbps: 100.0 }, Reading { bytes: 2000, gbps: 10.0 }];
        let limits = Limits { level: Level::Portable, fma_gflops: 50.0, reads };
        let bound = |operations, traffic, bytes| limits.bound(operations, traffic, bytes);
        assert_eq!(bound(5000.0, 1000.0, 900), Bound { least_ns: 100.0, by_reading: false });
        assert_eq!(bound(50.0, 1000.0, 1001), Bound { least_ns: 100.0, by_reading: true });
        assert_eq!(limits.read_gbps(1 << 30), 10.0, "what is larger than all is read like the largest");
    }
}
