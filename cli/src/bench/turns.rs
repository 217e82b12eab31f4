//! Builds of the command that are timed in turn: A B, B A, A B …, and all of it again in new processes.
//!
//! A shared machine's speed drifts within seconds, so what is compared must alternate within milliseconds. And a process has
//! luck with its addresses, for as long as it lives: only new processes show how much that is.

use std::path::Path;

use anyhow::{Context, Result};
use gatewise::Level;

use super::case::{Case, Cost};
use super::verdict::median;
use super::worker::Worker;

/// How the calls run.
#[derive(Clone, Copy)]
pub struct Setting {
    pub level: Level,
    pub threads: usize,
}

/// Nanoseconds that a build is timed before the other one has its turn; at least a call.
const TURN: f64 = 5e6;

/// Turns of each build in a launch.
const TURNS: usize = 10;

/// One launch: nanoseconds a call of each turn, of each build.
pub type Launch = Vec<Vec<f64>>;

/// What a launch gave.
pub struct Launched {
    pub times: Launch,
    /// Of the first build's calls.
    pub cost: Cost,
    /// Its processor cycles a call, where they can be read.
    pub cycles: Option<f64>,
}

/// Launches every build, and times a case in turn; the first build is the one that the costs are of.
pub fn launch(programs: &[&Path], case: &Case, setting: Setting) -> Result<Launched> {
    let mut workers = Vec::new();
    let (mut longest, mut cost) = (1.0f64, None);
    for program in programs {
        let mut worker = Worker::start(program, &[])?;
        let (call, own) = worker.prepare(case, setting.level, setting.threads)?;
        longest = longest.max(call);
        cost.get_or_insert(own);
        workers.push(worker);
    }
    let calls = ((TURN / longest) as u64).max(1);
    let mut cycles = Vec::new();
    let mut times: Launch = vec![Vec::new(); workers.len()];
    for turn in 0..TURNS {
        for place in 0..workers.len() {
            // Whoever comes first has what the other one's turn left; so they change places.
            let index = if turn % 2 == 0 { place } else { workers.len() - 1 - place };
            let took = workers[index].time(calls)?;
            times[index].push(took.ns);
            if index == 0 {
                cycles.extend(took.cycles);
            }
        }
    }
    let cycles = (!cycles.is_empty()).then(|| median(&cycles));
    Ok(Launched { times, cost: cost.context("no build to time")?, cycles })
}
