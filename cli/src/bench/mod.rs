//! `gatewise bench`: how fast this machine is, what a change of the code did to it, and one case timed.

mod case;
mod counts;
mod cycles;
mod file;
mod history;
mod machine;
mod measuring;
mod page;
mod plots;
mod report;
mod single;
mod suite;
mod timing;
mod turns;
mod verdict;
mod worker;

use std::path::PathBuf;

use anyhow::{Result, ensure};
use gatewise::Level;
use regex::Regex;

use crate::Outcome;
use crate::model::{self, CellKind, Nonlinearity};
use case::{Case, Feeding};
use turns::Setting;

#[derive(clap::Args)]
#[command(after_help = "\
Without a case: the suite, some twenty of them, in one to three minutes. Each is launched six times in a process of its own;
the median counts, and ± is its noise: four standard errors, by the launches. A figure is also given as a share of the limit
that binds: a loop of nothing but multiply-adds, or reading the recurrent weights once a step at the speed at which so many
bytes are read. Shares travel between machines, microseconds do not.

--save NAME keeps a copy of this build. --against NAME, after a change of the code, runs both builds in turn, within
milliseconds of each other, and marks what passes the noise; where the first launches show a difference, there are eight more.
It ends with status 1 if a case takes longer by more than --limit. NAME can also be the path of another build.

With a case: one line, or JSON: case, cell, T, B, I, H, L, bidirectional, isa, threads, median_us and min_us (of a call, in
microseconds), calls (that were timed), gflops (operations of the products, activations not counted, at the median),
fma_peak_gflops (a loop of multiply-adds, on as many threads at once, but no more than there are cores).
A call is the whole batch: T steps of B sequences. With --stream the steps are fed one at a time, and a call is T of them.
The state is kept from call to call. After a warm-up there are at least 15 calls and 0.3 s. With --train a call is a batch
learned from, without the update of the weights, and has three times the operations. Weights are random, of PyTorch's initial
scale, the same on every run.

Examples:
  gatewise bench
  gatewise bench --save before
  gatewise bench --against before --limit 3 --html report.html
  gatewise bench --cases ours.toml --filter speech --counts
  gatewise bench --cell lstm --steps 50 --batch 32 --hidden 256
  gatewise bench --cell lstm --steps 1000 --input 1 --hidden 16 --stream --json
  gatewise bench --cell gru --steps 128 --batch 8 --input 128 --hidden 256 --layers 2 --bidirectional --threads 2 --json
  gatewise bench --cell lstm --steps 50 --batch 32 --hidden 256 --train")]
pub struct Arguments {
    #[command(flatten)]
    one: One,
    #[command(flatten)]
    whole: Whole,
    /// Threads to use at most
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: u16,
    /// Force an instruction set: avx512, avx2 or portable [default: the best of this machine]
    #[arg(long, value_name = "NAME")]
    isa: Option<Level>,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
    /// Time what another process asks for
    #[arg(long, hide = true)]
    worker: bool,
}

/// The suite.
#[derive(clap::Args)]
#[command(next_help_heading = "The suite")]
struct Whole {
    /// Only cases whose name matches this regular expression
    #[arg(long, value_name = "REGEX", conflicts_with = "One")]
    filter: Option<Regex>,
    /// Other cases: a TOML file of [[case]]: name, model (a file) or cell, steps, batch, input, hidden, layers, bidirectional,
    /// feeding ("sequences", "steps" or "training")
    #[arg(long, value_name = "FILE", conflicts_with = "One")]
    cases: Option<PathBuf>,
    /// Keep this build and its figures under a name
    #[arg(long, value_name = "NAME", conflicts_with = "One", value_parser = history::name)]
    save: Option<String>,
    /// Compare with a saved build, in turn
    #[arg(long, value_name = "NAME", conflicts_with = "One")]
    against: Option<String>,
    /// How much longer a case may take than the saved build, in per cent
    #[arg(long, value_name = "PERCENT", default_value_t = 3.0, requires = "against", value_parser = percent)]
    limit: f64,
    /// Count the instructions of a call too, by valgrind, on AVX2: some minutes
    #[arg(long, conflicts_with = "One")]
    counts: bool,
    /// Write a page with plots: speedups, a roofline, the history
    #[arg(long, value_name = "FILE", conflicts_with = "One")]
    html: Option<PathBuf>,
    /// The folder of saved builds and of the history, one line of JSON a run; made by --save, added to where it is
    #[arg(long, value_name = "FOLDER", default_value = "gatewise-bench", conflicts_with = "One")]
    history: PathBuf,
}

/// One case.
#[derive(clap::Args)]
#[command(next_help_heading = "One case")]
struct One {
    /// The cell [default: lstm]
    #[arg(long, value_enum)]
    cell: Option<CellKind>,
    /// Steps of a sequence (T) [default: 100]
    #[arg(long, value_name = "T", value_parser = size(1 << 24))]
    steps: Option<u32>,
    /// Sequences (B) [default: 1]
    #[arg(long, value_name = "B", value_parser = size(1 << 24))]
    batch: Option<u32>,
    /// Features of a step (I) [default: as many as hidden units]
    #[arg(long, value_name = "I", value_parser = size(1 << 20))]
    input: Option<u32>,
    /// Hidden units of a layer and direction (H) [default: 256]
    #[arg(long, value_name = "H", value_parser = size(1 << 20))]
    hidden: Option<u32>,
    /// Layers (L) [default: 1]
    #[arg(long, value_name = "L", value_parser = size(1 << 10))]
    layers: Option<u32>,
    /// Each layer in both directions
    #[arg(long)]
    bidirectional: bool,
    /// Feed single steps instead of whole sequences; on one thread
    #[arg(long, conflicts_with = "bidirectional")]
    stream: bool,
    /// Learn: forward and backward propagation, with every gradient of the sum of all outputs
    #[arg(long, conflicts_with = "stream")]
    train: bool,
    /// A simple RNN's activation [default: tanh]
    #[arg(long, value_enum)]
    nonlinearity: Option<Nonlinearity>,
}

fn size(most: i64) -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(1..=most)
}

fn percent(text: &str) -> Result<f64, String> {
    let number = text.trim_end_matches('%').trim_end().parse().ok().filter(|number| (0.0..=1000.0).contains(number));
    number.ok_or_else(|| "expected per cent from 0 to 1000, such as 3".to_owned())
}

impl One {
    /// The case, if any of its options was given.
    fn case(&self) -> Option<Case> {
        let One { cell, steps, batch, input, hidden, layers, bidirectional, stream, train, nonlinearity } = *self;
        let sizes = [steps, batch, input, hidden, layers].iter().any(Option::is_some);
        if !(sizes || cell.is_some() || nonlinearity.is_some() || bidirectional || stream || train) {
            return None;
        }
        let usual = Case::default();
        Some(Case {
            name: None,
            model: None,
            cell: cell.unwrap_or(usual.cell),
            nonlinearity: nonlinearity.unwrap_or(usual.nonlinearity),
            steps: steps.unwrap_or(usual.steps),
            batch: batch.unwrap_or(usual.batch),
            input,
            hidden: hidden.unwrap_or(usual.hidden),
            layers: layers.unwrap_or(usual.layers),
            bidirectional,
            feeding: match (stream, train) {
                (true, _) => Feeding::Steps,
                (_, true) => Feeding::Training,
                _ => Feeding::Sequences,
            },
        })
    }
}

pub fn run(arguments: &Arguments) -> Result<Outcome> {
    if arguments.worker {
        return worker::serve().map(|()| Outcome::Done);
    }
    let threads = usize::from(arguments.threads);
    let case = arguments.one.case();
    let steps = case.as_ref().is_some_and(|case| case.feeding == Feeding::Steps);
    ensure!(!steps || threads == 1, "--threads {threads}: with --stream a step runs on one thread");
    let setting = Setting { level: model::level(arguments.isa)?, threads };
    match case {
        Some(case) => {
            case.check()?;
            single::run(&case, setting, arguments.json).map(|()| Outcome::Done)
        }
        None => report::run(&arguments.whole, setting, arguments.json),
    }
}
