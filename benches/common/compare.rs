//! One group: the reference, then every level, and a line that says what that means.

use criterion::{BenchmarkId, Criterion, Throughput};
use gatewise::Level;

use super::limits::Work;
use super::smoke;
use super::tests::levels;
use super::timing::time_calls;

/// What is timed.
pub struct Contender<'a> {
    pub name: String,
    pub threads: usize,
    /// Steps of sequences in a call, padding not counted; or values.
    pub elements: usize,
    /// What it computes and reads, where that can be said.
    pub work: Option<Work>,
    pub call: Box<dyn FnMut() + Send + 'a>,
}

/// On how many threads.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Threads {
    One,
    /// One, and at the best level two.
    AlsoTwo,
}

impl Threads {
    /// Every level of this machine, and how many threads it is run on.
    pub fn runs(self) -> Vec<(Level, usize)> {
        let two = (self == Threads::AlsoTwo).then_some((Level::best(), 2));
        levels().into_iter().map(|level| (level, 1)).chain(two).collect()
    }
}

/// What a run is called: its level, and its threads where they are more than one.
pub fn name(level: Level, threads: usize) -> String {
    match threads {
        1 => level.to_string(),
        _ => format!("{level}, {threads} threads"),
    }
}

/// Times the contenders by criterion, the first of whom is what the others are compared with. Then one line: how many times
/// its speed, and which share of the limit that binds. Returns the nanoseconds of an element, by name.
pub fn compare(criterion: &mut Criterion, title: &str, contenders: Vec<Contender<'_>>) -> Vec<(String, f64)> {
    let mut group = criterion.benchmark_group(title);
    let (mut found, mut said) = (Vec::<(String, f64)>::new(), Vec::new());
    for Contender { name, threads, elements, work, call } in contenders {
        group.throughput(Throughput::Elements(elements as u64));
        let Some(time) = time_calls(&mut group, BenchmarkId::from_parameter(&name), threads, call) else { continue };
        let each = time / elements as f64;
        if let Some((_, first)) = found.first() {
            said.push(format!("{name} {:.1}{}", first / each, share(work, threads, time)));
        }
        found.push((name, each));
    }
    group.finish();
    if let Some((first, _)) = found.first().filter(|_| !smoke()) {
        println!("{title}, times the speed of {first}: {}\n", said.join("; "));
    }
    found
}

/// Such as ` (62 % of FMA)`.
fn share(work: Option<Work>, threads: usize, time: f64) -> String {
    let Some(work) = work.filter(|_| !smoke()) else { return String::new() };
    let bound = work.bound(threads);
    let limit = if bound.by_reading { "reading" } else { "FMA" };
    format!(" ({:.0} % of {limit})", bound.least_ns / time * 100.0)
}
