//! `gatewise bench`: one case timed, beside what a loop of nothing but multiply-adds reaches in the same run.

mod case;
mod timing;

use anyhow::{Context, Result, ensure};
use gatewise::{Level, measure};

use crate::model::{self, CellKind, Nonlinearity};
use case::{Case, Feeding};
use timing::Times;

#[derive(clap::Args)]
#[command(after_help = "\
A call is the whole batch: T steps of B sequences. With --stream the steps are fed one at a time, and a call is T of them.
The state is kept from call to call. After a warm-up there are at least 15 calls and 0.3 s; the median counts. Calls
shorter than 10 µs are better timed with more steps. With --train a call is a batch learned from, without the update of the
weights, and has three times the operations. Weights are random, of PyTorch's initial scale, the same on every run.

The JSON line: case, cell, T, B, I, H, L, bidirectional, isa, threads, median_us and min_us (of a call, in microseconds),
calls (that were timed), gflops (operations of the products, activations not counted, at the median), fma_peak_gflops (a
loop of multiply-adds, on as many threads at once, but no more than there are cores).

Examples:
  gatewise bench --cell lstm --steps 50 --batch 32 --hidden 256
  gatewise bench --cell lstm --steps 1000 --input 1 --hidden 16 --stream --json
  gatewise bench --cell gru --steps 128 --batch 8 --input 128 --hidden 256 --layers 2 --bidirectional --threads 2 --json
  gatewise bench --cell lstm --steps 50 --batch 32 --hidden 256 --train")]
pub struct Arguments {
    /// The cell
    #[arg(long, value_enum, default_value = "lstm")]
    cell: CellKind,
    /// Steps of a sequence (T)
    #[arg(long, value_name = "T", default_value_t = 100, value_parser = size(1 << 24))]
    steps: u32,
    /// Sequences (B)
    #[arg(long, value_name = "B", default_value_t = 1, value_parser = size(1 << 24))]
    batch: u32,
    /// Features of a step (I) [default: as many as hidden units]
    #[arg(long, value_name = "I", value_parser = size(1 << 20))]
    input: Option<u32>,
    /// Hidden units of a layer and direction (H)
    #[arg(long, value_name = "H", default_value_t = 256, value_parser = size(1 << 20))]
    hidden: u32,
    /// Layers (L)
    #[arg(long, value_name = "L", default_value_t = 1, value_parser = size(1 << 10))]
    layers: u32,
    /// Each layer in both directions
    #[arg(long)]
    bidirectional: bool,
    /// Feed single steps instead of whole sequences; on one thread
    #[arg(long, conflicts_with = "bidirectional")]
    stream: bool,
    /// Learn: forward and backward propagation, with every gradient of the sum of all outputs
    #[arg(long, conflicts_with = "stream")]
    train: bool,
    /// Threads to use at most
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: u16,
    /// Force an instruction set: avx512, avx2 or portable [default: the best of this machine]
    #[arg(long, value_name = "NAME")]
    isa: Option<Level>,
    /// A simple RNN's activation
    #[arg(long, value_enum, default_value_t)]
    nonlinearity: Nonlinearity,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
}

fn size(most: i64) -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(1..=most)
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let threads = usize::from(arguments.threads);
    ensure!(!arguments.stream || threads == 1, "--threads {threads}: with --stream a step runs on one thread");
    let level = model::level(arguments.isa)?;
    let case = Case {
        cell: arguments.cell.cell(arguments.nonlinearity)?,
        steps: arguments.steps as usize,
        batch: arguments.batch as usize,
        input: arguments.input.unwrap_or(arguments.hidden) as usize,
        hidden: arguments.hidden as usize,
        layers: arguments.layers as usize,
        directions: if arguments.bidirectional { 2 } else { 1 },
        feeding: match (arguments.stream, arguments.train) {
            (true, _) => Feeding::Steps,
            (_, true) => Feeding::Training,
            _ => Feeding::Sequences,
        },
    };
    case.check_room()?;

    let model = case.model(level)?;
    // Everything happens on the pool's own threads, as in a program that works there: no call waits to be let in.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().context("--threads")?;
    let times = pool.install(|| case.time(&model, threads))?;
    let operations = case.operations(&model);
    let report = Report {
        name: case.name(arguments.cell),
        case,
        cell: arguments.cell,
        level,
        threads,
        gflops: operations / times.median,
        times,
        peak: peak(level, threads)?,
    };
    crate::text::print(&if arguments.json { report.json() } else { report.text() })
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

struct Report {
    name: String,
    case: Case,
    cell: CellKind,
    level: Level,
    threads: usize,
    times: Times,
    gflops: f64,
    peak: f64,
}

impl Report {
    fn json(&self) -> String {
        let Report { name, case, cell, level, threads, times, gflops, peak } = self;
        let Case { steps, batch, input, hidden, layers, directions, .. } = case;
        let (cell, bidirectional) = (cell.option(), *directions == 2);
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
        let Report { name, case, level, threads, times, gflops, peak, .. } = self;
        let Times { median, min, calls } = times;
        let threads = if *threads == 1 { "1 thread".to_owned() } else { format!("up to {threads} threads") };
        format!(
            "{name}, {level}, {threads}: {} a call, {} a step; fastest of {calls} calls {}\n\
             {gflops:.1} GFLOP/s, {:.0} % of the {peak:.1} of a loop of multiply-adds\n",
            duration(*median),
            duration(median / case.steps as f64),
            duration(*min),
            gflops / peak * 100.0
        )
    }
}

/// Nanoseconds in a unit that leaves one to three digits before the point.
fn duration(nanoseconds: f64) -> String {
    match nanoseconds {
        short if short < 1e3 => format!("{short:.0} ns"),
        medium if medium < 1e6 => format!("{:.2} µs", medium / 1e3),
        long => format!("{:.2} ms", long / 1e6),
    }
}
