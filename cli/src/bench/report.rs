//! The suite, run and told: a bar, a table, a line of the history, a page.

use anyhow::{Context, Result};
use gatewise::measure::Limits;
use indicatif::{ProgressBar, ProgressStyle};

use super::case::Case;
use super::history::{Change, History, Measured, Run};
use super::machine::{self, Machine};
use super::measuring::Suite;
use super::single::duration;
use super::turns::Setting;
use super::verdict::LAUNCHES;
use super::{Whole, counts, page, suite};
use crate::files::check_target;
use crate::{Outcome, text};

/// The largest working set whose reading is measured: past the caches of a core.
const LARGEST: usize = 64 << 20;

pub fn run(whole: &Whole, setting: Setting, json: bool) -> Result<Outcome> {
    let history = History::new(&whole.history);
    let all = whole.cases.as_deref().map_or_else(|| Ok(suite::cases()), suite::read)?;
    let cases = suite::filter(all, whole.filter.as_ref())?;
    // What cannot succeed is refused before minutes of work.
    let other = whole.against.as_deref().map(|name| history.find(name)).transpose()?;
    if whole.counts {
        counts::check()?;
    }
    if let Some(path) = &whole.html {
        check_target(path)?;
    }
    let earlier = history.read()?;

    let limits = Limits::measure(setting.level, LARGEST)?;
    let suite = Suite { setting, limits: &limits, other: other.as_deref(), counts: whole.counts };
    let run = Run {
        time: machine::now(),
        saved: whole.save.clone(),
        against: whole.against.clone(),
        commit: machine::commit(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        machine: Machine::here(),
        isa: setting.level.name().to_owned(),
        threads: setting.threads,
        fma_gflops: limits.fma_gflops,
        reads_gbps: limits.reads.iter().map(|reading| (reading.bytes, reading.gbps)).collect(),
        cases: measure(&suite, &cases)?,
    };

    if let Some(name) = &whole.save {
        history.save(name)?;
    }
    if history.exists() || whole.save.is_some() {
        history.add(&run)?;
    }
    if let Some(path) = &whole.html {
        page::write(path, &run, &earlier, whole.limit / 100.0)?;
    }
    let slower = slower(&run, whole.limit / 100.0);
    if json {
        text::print(&(serde_json::to_string(&run)? + "\n"))?;
    } else {
        text::print(&told(&run, &slower, whole))?;
    }
    Ok(if slower.is_empty() { Outcome::Done } else { Outcome::Slower })
}

fn measure(suite: &Suite<'_>, cases: &[Case]) -> Result<Vec<Measured>> {
    let bar = ProgressBar::new((cases.len() * LAUNCHES) as u64);
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} launches  {eta} left  {msg}");
    // The template is ours: with the default the bar would lack some words, no more.
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let measured = cases.iter().map(|case| {
        bar.set_message(case.name());
        suite.measure(case, &bar).with_context(|| format!("case {}", case.name()))
    });
    let measured = measured.collect();
    bar.finish_and_clear();
    measured
}

/// The cases that take longer than is allowed, beyond the noise, or more instructions.
pub fn slower(run: &Run, limit: f64) -> Vec<&Measured> {
    let over = |change: &Change| {
        (change.marked && change.time > limit) || change.instructions.is_some_and(|share| share > limit)
    };
    run.cases.iter().filter(|measured| measured.change.as_ref().is_some_and(over)).collect()
}

fn told(run: &Run, slower: &[&Measured], whole: &Whole) -> String {
    let threads = if run.threads == 1 { "1 thread".to_owned() } else { format!("up to {} threads", run.threads) };
    let mut page = format!(
        "{}, {} cores; {}, {threads}; limits of a thread: {:.0} GFLOP/s, reads {}\n\n",
        run.machine.processor,
        run.machine.cores,
        run.isa,
        run.fma_gflops,
        reads(run)
    );
    page +=
        &text::table(&header(run), &[1, 2, 3, 4, 5, 6, 7, 8, 9], run.cases.iter().map(|measured| row(run, measured)));
    page.push('\n');
    if let Some(against) = &run.against {
        page += &match slower {
            [] => format!("no case takes longer than {against} by more than {} %\n", whole.limit),
            slower => {
                let names: Vec<&str> = slower.iter().map(|measured| &*measured.case).collect();
                format!("slower than {against} by more than {} %: {}\n", whole.limit, names.join(", "))
            }
        };
    }
    if let Some(name) = &whole.save {
        page += &format!("saved as {name}; after a change: gatewise bench --against {name}\n");
    }
    if let Some(path) = &whole.html {
        page += &format!("the page: {}\n", path.display());
    }
    page
}

/// Such as `16 KiB 301, 1 MiB 160, 64 MiB 20 GB/s`: a size for each cache that there may be.
pub fn reads(run: &Run) -> String {
    let shown = run.reads_gbps.iter().filter(|(bytes, _)| [16 << 10, 1 << 20, 16 << 20, 64 << 20].contains(bytes));
    let shown: Vec<String> = shown.map(|(bytes, gbps)| format!("{} {gbps:.0}", size(*bytes))).collect();
    format!("{} GB/s", shown.join(", "))
}

fn size(bytes: usize) -> String {
    if bytes < 1 << 20 { format!("{} KiB", bytes >> 10) } else { format!("{} MiB", bytes >> 20) }
}

/// The columns that there is something for.
pub fn header(run: &Run) -> Vec<&'static str> {
    let mut header = vec!["case", "a call", "±", "GFLOP/s", "of limit", "", "x reference"];
    let any = |has: fn(&Measured) -> bool| run.cases.iter().any(has);
    if any(|measured| measured.instructions.is_some()) {
        header.push("instructions");
    }
    if any(|measured| measured.cycles_per_cell.is_some()) {
        header.push("cycles a unit");
    }
    if run.against.is_some() {
        header.push("beside it");
    }
    header
}

/// The row of a case, column by column of [`header`].
pub fn row(run: &Run, measured: &Measured) -> Vec<String> {
    let cell = |column: &&str| match *column {
        "case" => measured.case.clone(),
        "a call" => duration(measured.median_us * 1e3),
        "±" => percent(measured.noise),
        "GFLOP/s" => format!("{:.1}", measured.gflops),
        "of limit" => format!("{:.0} %", measured.share * 100.0),
        "" => if measured.by_reading { "reading" } else { "FMA" }.to_owned(),
        "x reference" => measured.speedup.map(|times| format!("{times:.1}")).unwrap_or_default(),
        "instructions" => measured.instructions.map(|count| text::count(count as usize)).unwrap_or_default(),
        "cycles a unit" => measured.cycles_per_cell.map(|cycles| format!("{cycles:.2}")).unwrap_or_default(),
        _ => measured.change.as_ref().map(changed).unwrap_or_default(),
    };
    header(run).iter().map(cell).collect()
}

/// Such as `5.1 % slower ± 0.8 %`, or `same ± 0.8 %`.
pub fn changed(change: &Change) -> String {
    let word = if change.time > 0.0 { "slower" } else { "faster" };
    let mut text = match change.marked {
        true => format!("{} {word} ± {}", percent(change.time.abs()), percent(change.noise)),
        false => format!("same ± {}", percent(change.noise)),
    };
    if let Some(share) = change.instructions.filter(|share| *share != 0.0) {
        text += &format!(", {:+.2} % instructions", share * 100.0);
    }
    text
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}
