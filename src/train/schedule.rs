//! The learning rate at each update.

use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};

use super::early::Progress;
use crate::error::Result;

/// How the rate goes over a run: up to `rate` in the first updates, then as `decay` says.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// The highest rate.
    pub rate: f64,
    /// Updates in which the rate grows in equal steps to `rate`, which the last of them has (Goyal et al. 2017).
    pub warmup: u64,
    /// What comes after.
    pub decay: RateDecay,
}

/// How a rate falls. `t` counts the updates behind the warm-up, from 0; T is how many there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RateDecay {
    /// It does not.
    #[default]
    Constant,
    /// `rate · factor^⌊t/every⌋`.
    Steps {
        /// Updates between two falls.
        every: NonZeroU64,
        /// What is left at each.
        factor: f64,
    },
    /// `rate · factorᵗ`.
    Exponential {
        /// What is left at each update.
        factor: f64,
    },
    /// `floor + (rate − floor) · (1 + cos(π·t/T))/2` (Loshchilov & Hutter 2017, without restarts).
    Cosine {
        /// The rate when the run is over, and behind it.
        floor: f64,
    },
    /// `rate + (floor − rate) · t/T`.
    Linear {
        /// The rate when the run is over, and behind it.
        floor: f64,
    },
}

impl Schedule {
    /// One rate for the whole run.
    pub fn constant(rate: f64) -> Self {
        Schedule { rate, warmup: 0, decay: RateDecay::Constant }
    }

    /// The rate of update `step` (from 0) of a run of `total` updates.
    pub fn at(&self, step: u64, total: u64) -> f64 {
        if step < self.warmup {
            return self.rate * ((step as f64 + 1.0) / self.warmup as f64);
        }
        let step = step - self.warmup;
        let share = match total.saturating_sub(self.warmup) {
            0 => 1.0,
            total => (step as f64 / total as f64).min(1.0),
        };
        match self.decay {
            RateDecay::Constant => self.rate,
            RateDecay::Steps { every, factor } => self.rate * libm::pow(factor, (step / every) as f64),
            RateDecay::Exponential { factor } => self.rate * libm::pow(factor, step as f64),
            RateDecay::Cosine { floor } => {
                floor + (self.rate - floor) * (1.0 + libm::cos(std::f64::consts::PI * share)) / 2.0
            }
            RateDecay::Linear { floor } => self.rate + (floor - self.rate) * share,
        }
    }
}

/// Lowers the rate when the loss no longer falls: a factor on whatever the schedule says (PyTorch's
/// `ReduceLROnPlateau`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plateau {
    /// What is left of the rate at each fall.
    pub factor: f64,
    /// Epochs without a better loss that are borne; the next one lowers the rate.
    pub patience: u64,
    /// How much lower a loss must be to count as better.
    pub min_delta: f64,
    /// The smallest factor.
    pub floor: f64,
    scale: f64,
    progress: Progress,
}

impl Plateau {
    /// Begins with the factor 1; a loss must be lower by more than 0, and the factor may fall to 0.
    pub fn new(factor: f64, patience: u64) -> Self {
        Plateau { factor, patience, min_delta: 0.0, floor: 0.0, scale: 1.0, progress: Progress::default() }
    }

    /// Takes an epoch's loss, and gives the factor for the next one.
    ///
    /// # Errors
    /// [`Error::Training`](crate::Error::Training) if the loss is NaN or infinite.
    pub fn observe(&mut self, epoch: u64, loss: f64) -> Result<f64> {
        self.progress.observe(epoch, loss, self.min_delta)?;
        if self.progress.waiting() > self.patience {
            self.scale = (self.scale * self.factor).max(self.floor);
            self.progress.wait_again();
        }
        Ok(self.scale)
    }

    /// The factor at the moment.
    pub fn scale(&self) -> f64 {
        self.scale
    }
}
