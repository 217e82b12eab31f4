//! The suite measured: case by case, in turn with another build where there is one.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use gatewise::measure::Limits;
use gatewise_reference::{Keep, Layout, NetworkInput, NoTrace, Sequence};
use indicatif::ProgressBar;

use super::case::{Case, Feeding};
use super::counts;
use super::history::{Change, Measured};
use super::turns::{Launch, Setting, launch};
use super::verdict::{self, LAUNCHES, MORE, median};
use crate::model::Module;

/// What all cases share.
pub struct Suite<'a> {
    pub setting: Setting,
    /// Of one thread.
    pub limits: &'a Limits,
    /// Another build to compare with.
    pub other: Option<&'a Path>,
    /// Whether instructions are counted.
    pub counts: bool,
}

impl Suite<'_> {
    /// Measures one case; `bar` moves with every launch.
    pub fn measure(&self, case: &Case, bar: &ProgressBar) -> Result<Measured> {
        let own = std::env::current_exe().context("this program's own file")?;
        let programs: Vec<&Path> = std::iter::once(&*own).chain(self.other).collect();
        let (mut launches, mut cost, mut cycles) = (Vec::new(), None, Vec::new());
        let mut add = |launches: &mut Vec<Launch>, count: usize| -> Result<()> {
            for _ in 0..count {
                let found = launch(&programs, case, self.setting, launches.len())?;
                launches.push(found.times);
                cost = Some(found.cost);
                cycles.extend(found.cycles);
                bar.inc(1);
            }
            Ok(())
        };
        add(&mut launches, LAUNCHES)?;
        if self.other.is_some() && verdict::suspicious(&launches) {
            bar.inc_length(MORE as u64);
            add(&mut launches, MORE)?;
        }
        let cost = cost.context("no launch")?;
        let instructions = self.counts.then(|| counts::instructions(&own, case)).transpose()?;
        let change = match self.other {
            None => None,
            Some(other) => {
                let then = self.counts.then(|| counts::instructions(other, case)).transpose()?;
                let found = verdict::change(&launches);
                let more = instructions.zip(then).map(|(now, then)| now as f64 / then as f64 - 1.0);
                Some(Change {
                    time: found.value,
                    noise: found.noise,
                    marked: verdict::differ(&launches),
                    instructions: more,
                })
            }
        };
        let time = verdict::time(&launches, 0);
        let threads = self.setting.threads as f64;
        let bound = self.limits.bound(cost.operations / threads, cost.traffic / threads, cost.bytes);
        Ok(Measured {
            case: case.name(),
            median_us: time.value / 1e3,
            noise: time.noise,
            operations: cost.operations,
            traffic: cost.traffic,
            gflops: cost.operations / time.value,
            share: bound.least_ns / time.value,
            by_reading: bound.by_reading,
            speedup: reference(case)?.map(|reference| reference / time.value),
            instructions,
            cycles_per_cell: (!cycles.is_empty()).then(|| median(&cycles) / cost.cells),
            change,
        })
    }
}

/// Time that the reference is given.
const REFERENCE: Duration = Duration::from_millis(30);

/// Nanoseconds that the reference would need for a call: it computes the first steps of one sequence, in f64. `None` for what
/// it is not asked: learning, and models of files.
fn reference(case: &Case) -> Result<Option<f64>> {
    if case.feeding == Feeding::Training || case.model.is_some() {
        return Ok(None);
    }
    let module = Module::new(case.module()?);
    let network = module.network()?;
    let x: Vec<f64> = case.input_values(module.input).into_iter().map(f64::from).collect();
    let most = x.len() / module.input;
    // Twice as many steps each time, until it is long enough to be timed.
    let mut steps = 1;
    loop {
        let (layout, x) = (Layout::TimeMajor, &x[..steps * module.input]);
        let sequence = Sequence { layout, batch: 1, steps, x, h0: None, c0: None };
        let start = Instant::now();
        let input = NetworkInput { sequence, lengths: None, keep: Keep::LastStates };
        std::hint::black_box(network.forward(&input, &mut NoTrace)?);
        let took = start.elapsed();
        if took >= REFERENCE || 2 * steps > most {
            let rows = (case.steps() * case.batch()) as f64;
            return Ok(Some(took.as_nanos() as f64 / steps as f64 * rows));
        }
        steps *= 2;
    }
}
