//! Which instruction set and how many threads a run takes.

use anyhow::{Context, Result};
use gatewise::Level;
use rayon::ThreadPool;

use super::Arguments;
use crate::model;

/// What the kernels run on.
pub struct Engine {
    /// The instruction set.
    pub level: Level,
    /// Threads at most.
    pub threads: usize,
    /// Theirs.
    pub pool: ThreadPool,
}

impl Engine {
    /// As the arguments and the environment say.
    pub fn new(arguments: &Arguments) -> Result<Self> {
        let level = model::level(arguments.isa)?;
        let threads = match arguments.threads {
            Some(threads) => usize::from(threads),
            None => std::thread::available_parallelism().map_or(1, usize::from),
        };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().context("--threads")?;
        Ok(Engine { level, threads, pool })
    }

    /// The same for the operators of a graph.
    pub fn for_graphs(&self) -> gatewise_onnx::Options {
        gatewise_onnx::Options::default().threads(self.threads).level(self.level)
    }

    /// Such as `avx512, up to 2 threads`.
    pub fn describe(&self) -> String {
        match self.threads {
            1 => format!("{}, 1 thread", self.level),
            threads => format!("{}, up to {threads} threads", self.level),
        }
    }
}
