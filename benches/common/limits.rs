//! What the machine reaches at most, measured once a run, and what a call needs of it.

use std::sync::OnceLock;

use gatewise::measure::{Bound, Limits};
use gatewise::{Level, Model};

use super::timing::size;

/// The largest working set that is read, which few machines' caches hold.
const MOST: usize = 256 << 20;

/// What a call computes and reads.
#[derive(Clone, Copy)]
pub struct Work {
    pub level: Level,
    /// Floating-point operations of the products.
    pub operations: f64,
    /// Bytes of weights that are read, step after step.
    pub traffic: f64,
    /// Bytes of weights that a step reads again: the working set.
    pub bytes: f64,
}

impl Work {
    /// Sequences of up to `steps` steps side by side, `valid` steps in all. Of the weights, `share` are read at every step, once
    /// for all rows; the others serve many steps at once and are not counted, nor are inputs and outputs.
    ///
    /// The limit of reading is for going through the weights from front to back; a layer is gone through to and fro, and what
    /// was read last is still in the nearer cache. So a share of it can be more than all.
    pub fn of(model: &Model, share: f64, [steps, valid]: [usize; 2]) -> Self {
        let operations = model.flops_per_step() as f64;
        Work {
            level: model.level(),
            operations: operations * valid as f64,
            // Two operations a weight of four bytes.
            traffic: operations * 2.0 * share * steps as f64,
            // A layer and direction at a time.
            bytes: model.packed_bytes() as f64 * share / model.passes() as f64,
        }
    }

    /// The least time on so many threads, each with its part of the weights.
    pub fn bound(&self, threads: usize) -> Bound {
        let each = |whole: f64| whole / threads as f64;
        limits(self.level).bound(each(self.operations), each(self.traffic), each(self.bytes) as usize)
    }
}

/// Of one thread.
fn limits(level: Level) -> &'static Limits {
    static LIMITS: OnceLock<Vec<Limits>> = OnceLock::new();
    let measured =
        LIMITS.get_or_init(|| Level::available().map(|level| Limits::measure(level, MOST).unwrap()).collect());
    measured.iter().find(|limits| limits.level == level).unwrap()
}

pub fn print() {
    println!("what one thread reaches at most: multiply-adds, and reading the same bytes again");
    for level in Level::available() {
        let limits = limits(level);
        let shown = [32 << 10, 1 << 20, 16 << 20, MOST];
        let reads = shown.map(|bytes| format!("{} {:.0} GB/s", size(bytes), limits.read_gbps(bytes)));
        println!("{:<10}{:6.1} GFLOP/s   {}", level, limits.fma_gflops, reads.join("   "));
    }
    println!();
}
