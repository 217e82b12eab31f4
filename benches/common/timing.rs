//! Times: by criterion, in turn, and of an FMA loop in the same moment.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::thread;
use std::time::Instant;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId};
use gatewise::{Level, measure};
use rayon::{ThreadPool, ThreadPoolBuilder};

/// Times `call` by criterion and returns the median in nanoseconds; `None` where the command line's filter left it out.
pub fn time_calls(
    group: &mut BenchmarkGroup<'_, WallTime>,
    id: BenchmarkId,
    threads: usize,
    mut call: impl FnMut() + Send,
) -> Option<f64> {
    let mut samples: Vec<(f64, u64)> = Vec::new();
    group.bench_function(id, |bencher| {
        bencher.iter_custom(|iterations| {
            let took = in_pool(threads, || {
                let start = Instant::now();
                for _ in 0..iterations {
                    call();
                }
                start.elapsed()
            });
            samples.push((took.as_nanos() as f64 / iterations as f64, iterations));
            took
        });
    });
    median(samples)
}

/// Of all calls: a sample counts as often as it called, and so the warm-up's few calls hardly do.
fn median(mut samples: Vec<(f64, u64)>) -> Option<f64> {
    samples.sort_by(|a, b| a.0.total_cmp(&b.0));
    let half = samples.iter().map(|(_, calls)| calls).sum::<u64>().div_ceil(2);
    let mut before = 0;
    samples.into_iter().find_map(|(time, calls)| {
        before += calls;
        (before >= half).then_some(time)
    })
}

/// The medians of candidates that run in turn, each on as many threads as it says, in nanoseconds.
pub fn in_turn(rounds: usize, candidates: &mut [(usize, &mut (dyn FnMut() + Send))]) -> Vec<f64> {
    let mut tasks: Vec<_> =
        candidates.iter_mut().map(|(threads, candidate)| || in_pool(*threads, &mut **candidate)).collect();
    let mut tasks: Vec<&mut dyn FnMut()> = tasks.iter_mut().map(|task| task as _).collect();
    measure::in_turn(rounds, &mut tasks)
}

/// Runs `work` on a pool of so many threads, as in a program that works there; on this thread if it is one.
pub fn in_pool<R: Send>(threads: usize, work: impl FnOnce() -> R + Send) -> R {
    thread_local! {
        static POOLS: RefCell<HashMap<usize, Rc<ThreadPool>>> = RefCell::default();
    }
    if threads == 1 {
        return work();
    }
    let make = || Rc::new(ThreadPoolBuilder::new().num_threads(threads).build().unwrap());
    let pool = POOLS.with_borrow_mut(|pools| Rc::clone(pools.entry(threads).or_insert_with(make)));
    pool.install(work)
}

/// What loops of nothing but multiply-adds reach on so many threads at once, in GFLOP/s.
pub fn peak(level: Level, threads: usize) -> f64 {
    thread::scope(|scope| {
        let loops: Vec<_> = (0..threads).map(|_| scope.spawn(|| measure::peak_gflops(level).unwrap())).collect();
        loops.into_iter().map(|thread| thread.join().unwrap()).sum()
    })
}

/// Nanoseconds in a unit that leaves one to three digits before the point.
pub fn duration(nanoseconds: f64) -> String {
    match nanoseconds {
        short if short < 1e3 => format!("{short:.1} ns"),
        medium if medium < 1e6 => format!("{:.2} µs", medium / 1e3),
        long => format!("{:.2} ms", long / 1e6),
    }
}

/// Bytes as caches are measured.
pub fn size(bytes: usize) -> String {
    if bytes < 1 << 20 { format!("{} KiB", bytes >> 10) } else { format!("{} MiB", bytes >> 20) }
}
