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

/// Launches every build, and times a case in turn; the first build is the one that the costs are of. `number` is that of the
/// launch: from one to the next the builds change places, because who was started later finds other memory left.
pub fn launch(programs: &[&Path], case: &Case, setting: Setting, number: usize) -> Result<Launched> {
    let count = programs.len();
    let order = |turned: bool| (0..count).map(move |place| if turned { count - 1 - place } else { place });
    let mut workers = Vec::new();
    let (mut longest, mut costs) = (1.0f64, Vec::new());
    for index in order(number % 2 == 1) {
        let mut worker = Worker::start(programs[index], &[])?;
        let (call, cost) = worker.prepare(case, setting.level, setting.threads)?;
        longest = longest.max(call);
        costs.push((index, cost));
        workers.push((index, worker));
    }
    workers.sort_by_key(|(index, _)| *index);
    let calls = ((TURN / longest) as u64).max(1);
    let mut cycles = Vec::new();
    let mut times: Launch = vec![Vec::new(); count];
    for turn in 0..TURNS {
        // Whoever comes first has what the other one's turn left; so they change places here too.
        for index in order((turn + number) % 2 == 1) {
            let took = workers[index].1.time(calls)?;
            times[index].push(took.ns);
            if index == 0 {
                cycles.extend(took.cycles);
            }
        }
    }
    let cost = costs.into_iter().find(|(index, _)| *index == 0).context("no build to time")?.1;
    let cycles = (!cycles.is_empty()).then(|| median(&cycles));
    Ok(Launched { times, cost, cycles })
}
