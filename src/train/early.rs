//! When to stop, and which of several starts to keep.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The best loss so far, and how long it has not been bettered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    best: Option<Best>,
    waiting: u64,
}

/// The best of all epochs' losses.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Best {
    /// Which epoch had it.
    pub epoch: u64,
    /// The loss.
    pub loss: f64,
}

impl Progress {
    /// Takes an epoch's loss, and says whether it is lower than the best one by more than `min_delta`.
    ///
    /// # Errors
    /// [`Error::Training`] if the loss is NaN or infinite.
    pub fn observe(&mut self, epoch: u64, loss: f64, min_delta: f64) -> Result<bool> {
        if !loss.is_finite() {
            let message = format!("the loss of epoch {epoch} is {loss}: learning has diverged");
            return Err(Error::Training { message });
        }
        let better = self.best.is_none_or(|best| loss < best.loss - min_delta);
        if better {
            *self = Progress { best: Some(Best { epoch, loss }), waiting: 0 };
        } else {
            self.waiting = self.waiting.saturating_add(1);
        }
        Ok(better)
    }

    /// The best loss so far.
    pub fn best(&self) -> Option<Best> {
        self.best
    }

    /// Epochs since.
    pub fn waiting(&self) -> u64 {
        self.waiting
    }

    /// Counts the waiting from here; the best stays.
    pub(super) fn wait_again(&mut self) {
        self.waiting = 0;
    }
}

/// Stops a run whose loss no longer falls (Prechelt 1998). Losses of data that is not learnt from are meant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EarlyStopping {
    /// Epochs without a better loss at which it stops; at least 1, as 0 would stop at the first one too.
    pub patience: u64,
    /// How much lower a loss must be to count as better.
    pub min_delta: f64,
    progress: Progress,
}

/// What is to be done after an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The best so far: its parameters are to be kept.
    Better,
    /// Not the best, but it may yet become better.
    Wait,
    /// It has been waited long enough.
    Stop,
}

impl EarlyStopping {
    /// Stops after `patience` epochs that are not lower by more than `min_delta`.
    pub fn new(patience: u64, min_delta: f64) -> Self {
        EarlyStopping { patience, min_delta, progress: Progress::default() }
    }

    /// Takes an epoch's loss.
    ///
    /// # Errors
    /// [`Error::Training`] if it is NaN or infinite.
    pub fn observe(&mut self, epoch: u64, loss: f64) -> Result<Verdict> {
        let better = self.progress.observe(epoch, loss, self.min_delta)?;
        Ok(match better {
            true => Verdict::Better,
            false if self.progress.waiting() >= self.patience => Verdict::Stop,
            false => Verdict::Wait,
        })
    }

    /// The best loss so far.
    pub fn best(&self) -> Option<Best> {
        self.progress.best()
    }
}

/// The best of several starts.
#[derive(Clone, Debug, PartialEq)]
pub struct Start<T> {
    /// Its seed.
    pub seed: u64,
    /// Its loss.
    pub loss: f64,
    /// What else came of it, such as the weights that it began with.
    pub outcome: T,
}

/// Tries each seed, and keeps the one whose loss is lowest, the first of equals. A loss that is NaN or infinite never
/// wins, so a start that diverged may be reported as such.
///
/// # Errors
/// The first error of `attempt`; [`Error::Training`] if no seed came to a finite loss.
pub fn best_of<T>(
    seeds: impl IntoIterator<Item = u64>,
    mut attempt: impl FnMut(u64) -> Result<(f64, T)>,
) -> Result<Start<T>> {
    let mut best: Option<Start<T>> = None;
    let mut tried = 0;
    for seed in seeds {
        let (loss, outcome) = attempt(seed)?;
        tried += 1;
        if loss.is_finite() && best.as_ref().is_none_or(|best| loss < best.loss) {
            best = Some(Start { seed, loss, outcome });
        }
    }
    best.ok_or_else(|| Error::Training { message: format!("none of {tried} seeds came to a finite loss") })
}
