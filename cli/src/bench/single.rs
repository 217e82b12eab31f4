//! One case timed, beside what a loop of nothing but multiply-adds reaches in the same run.

use anyhow::{Context, Result};
use gatewise::{Level, measure};

use super::case::Case;
use super::timing::{Times, time};
use super::turns::Setting;
use crate::text;

/// Times the case and prints it.
pub fn run(case: &Case, setting: Setting, json: bool) -> Result<()> {
    let Setting { level, threads } = setting;
    let subject = case.subject(level)?;
    // Everything happens on the pool's own threads, as in a program that works there: no call waits to be let in.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().context("--threads")?;
    let times = pool.install(|| case.with_calls(&subject, threads, |call| time(call)))?;
    let cost = case.cost(&subject)?;
    let report = Report { case, setting, gflops: cost.operations / times.median, times, peak: peak(level, threads)? };
    text::print(&if json { report.json() } else { report.text() })
}

/// What a loop of multiply-adds reaches on so many threads at once, in GFLOP/s. More threads than cores reach no more.
fn peak(level: Level, threads: usize) -> Result<f64> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let peaks: Vec<gatewise::Result<f64>> = std::thread::scope(|scope| {
        let loops: Vec<_> = (0..threads.min(cores)).map(|_| scope.spawn(|| measure::peak_gflops(level))).collect();
        // A panic there is one here.
        loops.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    });
    peaks.into_iter().try_fold(0.0, |sum, peak| Ok(sum + peak?))
}

struct Report<'a> {
    case: &'a Case,
    setting: Setting,
    times: Times,
    gflops: f64,
    peak: f64,
}

impl Report<'_> {
    fn json(&self) -> String {
        let Report { case, setting: Setting { level, threads }, times, gflops, peak } = self;
        let (name, cell) = (case.name(), case.cell.option());
        let Case { steps, batch, hidden, layers, bidirectional, .. } = case;
        let input = case.input();
        let (median, min, calls) = (times.median / 1e3, times.min / 1e3, times.calls);
        // By hand, so that the fields keep this order; no name needs escaping.
        format!(
            "{{\"case\": \"{name}\", \"cell\": \"{cell}\", \"T\": {steps}, \"B\": {batch}, \"I\": {input}, \
             \"H\": {hidden}, \"L\": {layers}, \"bidirectional\": {bidirectional}, \"isa\": \"{level}\", \
             \"threads\": {threads}, \"median_us\": {median:.3}, \"min_us\": {min:.3}, \"calls\": {calls}, \
             \"gflops\": {gflops:.3}, \"fma_peak_gflops\": {peak:.3}}}\n"
        )
    }

    fn text(&self) -> String {
        let Report { case, setting: Setting { level, threads }, times, gflops, peak } = self;
        let (name, Times { median, min, calls }) = (case.name(), times);
        let threads = if *threads == 1 { "1 thread".to_owned() } else { format!("up to {threads} threads") };
        format!(
            "{name}, {level}, {threads}: {} a call, {} a step; fastest of {calls} calls {}\n\
             {gflops:.1} GFLOP/s, {:.0} % of the {peak:.1} of a loop of multiply-adds\n",
            duration(*median),
            duration(median / case.steps() as f64),
            duration(*min),
            gflops / peak * 100.0
        )
    }
}

/// Nanoseconds in a unit that leaves one to three digits before the point.
pub fn duration(nanoseconds: f64) -> String {
    match nanoseconds {
        short if short < 1e3 => format!("{short:.0} ns"),
        medium if medium < 1e6 => format!("{:.2} µs", medium / 1e3),
        long => format!("{:.2} ms", long / 1e6),
    }
}
