//! A process that prepares a case and times calls of it when it is told to; and the one that tells it.
//!
//! What is compared runs in processes of its own, so that one of them can be another build of the command. They speak lines of
//! JSON: this protocol must stay as it is, because an old build answers to a new one.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, anyhow, bail};
use gatewise::Level;
use serde::{Deserialize, Serialize};

use super::case::{Call, Case, Cost};
use super::cycles;
use crate::model;

/// What is asked.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    /// Prepare a case, and call it until it is warm.
    Prepare { case: Box<Case>, isa: String, threads: usize },
    /// Time so many calls together.
    Time { calls: u64 },
}

/// What is answered.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    /// Prepared: about so many nanoseconds a call, and what it costs.
    Ready { call_ns: f64, cost: Cost },
    /// So many nanoseconds in all, and processor cycles where they can be read.
    Took {
        ns: f64,
        #[serde(default)]
        cycles: Option<u64>,
    },
    /// It cannot be done.
    Failed { message: String },
}

/// The option that starts such a process.
pub const OPTION: &str = "--worker";

/// Answers until the input ends.
pub fn serve() -> Result<()> {
    let mut request = next()?;
    while let Some(now) = request {
        request = match now {
            Request::Time { .. } => {
                answer(&Answer::Failed { message: "nothing is prepared".to_owned() })?;
                next()?
            }
            Request::Prepare { case, isa, threads } => match prepared(&case, &isa, threads) {
                Ok(request) => request,
                Err(error) => {
                    answer(&Answer::Failed { message: format!("{error:#}") })?;
                    next()?
                }
            },
        };
    }
    Ok(())
}

/// The next request; `None` at the end.
fn next() -> Result<Option<Request>> {
    let mut line = String::new();
    if std::io::stdin().read_line(&mut line)? == 0 {
        return Ok(None);
    }
    Ok(Some(serde_json::from_str(&line).context("a request of another version of the command")?))
}

fn answer(answer: &Answer) -> Result<()> {
    let mut output = std::io::stdout().lock();
    serde_json::to_writer(&mut output, answer)?;
    output.write_all(b"\n")?;
    Ok(output.flush()?)
}

/// Serves one case; returns the request that is not for it.
fn prepared(case: &Case, isa: &str, threads: usize) -> Result<Option<Request>> {
    let level: Level = isa.parse()?;
    let subject = case.subject(model::level(Some(level))?)?;
    let cost = case.cost(&subject)?;
    // Everything happens on the pool's own threads, as in a program that works there: no call waits to be let in.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().context("--threads")?;
    pool.install(|| case.with_calls(&subject, threads, |call| timed(call, cost, threads)))
}

fn timed(call: Call<'_>, cost: Cost, threads: usize) -> Result<Option<Request>> {
    // Of this thread: of several it would be a part.
    let mut counter = if threads == 1 { cycles::counter() } else { None };
    call()?;
    let start = Instant::now();
    call()?;
    answer(&Answer::Ready { call_ns: start.elapsed().as_nanos() as f64, cost })?;
    loop {
        match next()? {
            Some(Request::Time { calls }) => {
                let mut all = || -> Result<f64> {
                    let start = Instant::now();
                    counted_calls(call, calls)?;
                    Ok(start.elapsed().as_nanos() as f64)
                };
                let (took, cycles) = match &mut counter {
                    Some(counter) => counter.count(all),
                    None => (all(), None),
                };
                answer(&Answer::Took { ns: took?, cycles })?;
            }
            other => return Ok(other),
        }
    }
}

/// The name of [`counted_calls`], by which a counter of instructions finds it.
pub const COUNTED: &str = "counted_calls";

#[inline(never)]
fn counted_calls(call: Call<'_>, calls: u64) -> Result<()> {
    for _ in 0..calls {
        call()?;
    }
    Ok(())
}

/// A call, on the average of those timed together.
pub struct Took {
    /// Nanoseconds.
    pub ns: f64,
    /// Processor cycles, where they can be read.
    pub cycles: Option<f64>,
}

/// Such a process, from its other side.
pub struct Worker {
    program: PathBuf,
    child: Child,
    // Taken when it ends: the end of its input is how it is told.
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Worker {
    /// Starts a build of the command; `before` stands before it on the command line, such as another program that runs it.
    pub fn start(program: &Path, before: &[String]) -> Result<Self> {
        let mut line = before.iter().map(OsStr::new).chain([program.as_os_str()]);
        let mut command = Command::new(line.next().unwrap_or(program.as_os_str()));
        command.args(line).args(["bench", OPTION]);
        let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = started.with_context(|| format!("{}: cannot be started", program.display()))?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let output = output.context("a process without an output")?;
        Ok(Worker { program: program.to_owned(), child, input, output: BufReader::new(output) })
    }

    /// Prepares a case: about how long a call takes, in nanoseconds, and what it costs.
    pub fn prepare(&mut self, case: &Case, level: Level, threads: usize) -> Result<(f64, Cost)> {
        match self.ask(&Request::Prepare { case: Box::new(case.clone()), isa: level.name().to_owned(), threads })? {
            Answer::Ready { call_ns, cost } => Ok((call_ns, cost)),
            _ => bail!("{}: another answer than to a preparation", self.program.display()),
        }
    }

    /// Times calls.
    pub fn time(&mut self, calls: u64) -> Result<Took> {
        let each = |all: f64| all.max(1.0) / calls.max(1) as f64;
        match self.ask(&Request::Time { calls })? {
            Answer::Took { ns, cycles } => Ok(Took { ns: each(ns), cycles: cycles.map(|cycles| each(cycles as f64)) }),
            _ => bail!("{}: another answer than a time", self.program.display()),
        }
    }

    fn ask(&mut self, request: &Request) -> Result<Answer> {
        let program = self.program.display().to_string();
        let mut line = serde_json::to_string(request)?;
        line.push('\n');
        let said = self.input.as_mut().map(|input| input.write_all(line.as_bytes()));
        let mut answer = String::new();
        let read = self.output.read_line(&mut answer);
        if !matches!(said, Some(Ok(()))) || !matches!(read, Ok(1..)) {
            bail!("{program}: it ended: {}", self.last_words());
        }
        match serde_json::from_str(&answer) {
            Ok(Answer::Failed { message }) => Err(anyhow!("{message}")),
            Ok(answer) => Ok(answer),
            Err(_) => bail!("{program}: no answer that is understood: {}", answer.trim_end()),
        }
    }

    /// Ends it, and returns what it wrote for people.
    pub fn last_words(&mut self) -> String {
        self.input = None;
        let mut words = String::new();
        if let Some(mut errors) = self.child.stderr.take() {
            // What cannot be read is not shown.
            let _ = std::io::Read::read_to_string(&mut errors, &mut words);
        }
        let _ = self.child.wait();
        words.trim_end().to_owned()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.last_words();
    }
}
