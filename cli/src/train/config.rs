//! The configuration: the model, how it learns, and where it runs.

use std::num::{NonZeroU64, NonZeroUsize};

use anyhow::{Context, Result, bail, ensure};
use gatewise::train::optimizer::{Decay, Lookahead};
use gatewise::train::schedule::RateDecay;
use gatewise::train::{Adam, Clip, EarlyStopping, Memory, Objective, Plan, Plateau, Rule, Schedule, Sgd};
use serde::{Deserialize, Serialize};

/// All that the file says; what it leaves out has its default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub model: Model,
    pub output: Output,
    pub learning: Learning,
    #[serde(default)]
    pub run: Running,
}

/// The layers below the head.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    pub cell: Cell,
    /// Units of each layer, from the input up.
    pub hidden: Vec<NonZeroUsize>,
    #[serde(default)]
    pub bidirectional: bool,
    /// Of a simple RNN.
    pub nonlinearity: Option<Nonlinearity>,
    #[serde(default)]
    pub dropout: Fraction,
    /// Values of a row of the table that ids are looked up in.
    pub embedding: Option<NonZeroUsize>,
    #[serde(default)]
    pub one_hot: bool,
    /// How many ids there are.
    pub ids: Option<NonZeroUsize>,
    #[serde(default)]
    pub initial: Initial,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cell {
    Lstm,
    Gru,
    Rnn,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Nonlinearity {
    Tanh,
    Relu,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Initial {
    #[default]
    Torch,
    Keras,
    Zeros,
}

/// The head, and what it is judged by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    pub every: Every,
    pub loss: Loss,
    /// Classes, or values of a row.
    pub size: Option<NonZeroUsize>,
}

/// What has a row of outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Every {
    Sequence,
    Step,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    CrossEntropy,
    BinaryCrossEntropy,
    SquaredError,
}

/// The updates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Learning {
    pub epochs: NonZeroU64,
    #[serde(default = "batch")]
    pub batch: NonZeroUsize,
    #[serde(default = "window")]
    pub window: NonZeroUsize,
    #[serde(default = "rate")]
    pub rate: Positive,
    #[serde(default)]
    pub warmup: u64,
    #[serde(default)]
    pub schedule: Falls,
    #[serde(default)]
    pub optimizer: Optimizer,
    pub clip_norm: Option<Positive>,
    pub clip_value: Option<Positive>,
    pub truncate: Option<NonZeroUsize>,
    pub early_stopping: Option<Patience>,
    pub plateau: Option<Lowers>,
    pub seed: Option<u64>,
    pub seeds: Option<Vec<u64>>,
}

/// How the rate falls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Falls {
    #[default]
    Constant,
    Steps {
        every: NonZeroU64,
        factor: Positive,
    },
    Exponential {
        factor: Positive,
    },
    Cosine {
        #[serde(default)]
        floor: f64,
    },
    Linear {
        #[serde(default)]
        floor: f64,
    },
}

/// The rule of an update.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Optimizer {
    Adam {
        #[serde(default = "betas")]
        betas: [f64; 2],
        #[serde(default = "epsilon")]
        epsilon: f64,
        #[serde(default)]
        decay: f64,
    },
    Adamw {
        #[serde(default = "betas")]
        betas: [f64; 2],
        #[serde(default = "epsilon")]
        epsilon: f64,
        #[serde(default = "decay")]
        decay: f64,
    },
    Sgd {
        #[serde(default)]
        momentum: f64,
        #[serde(default)]
        nesterov: bool,
        #[serde(default)]
        decay: f64,
    },
}

/// When it stops by itself.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Patience {
    pub patience: NonZeroU64,
    #[serde(default)]
    pub min_delta: f64,
}

/// When the rate is lowered.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lowers {
    pub factor: Positive,
    pub patience: u64,
    #[serde(default)]
    pub min_delta: f64,
    #[serde(default)]
    pub floor: f64,
}

/// What changes no number.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Running {
    pub threads: Option<NonZeroUsize>,
    #[serde(default)]
    pub memory: Keeps,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keeps {
    #[default]
    Keep,
    Recompute,
}

/// A number above 0.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Positive(f64);

/// A number from 0 to less than 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Fraction(f64);

impl TryFrom<f64> for Positive {
    type Error = String;

    fn try_from(value: f64) -> Result<Self, String> {
        match value > 0.0 && value.is_finite() {
            true => Ok(Positive(value)),
            false => Err(format!("{value}: expected a number above 0")),
        }
    }
}

impl TryFrom<f64> for Fraction {
    type Error = String;

    fn try_from(value: f64) -> Result<Self, String> {
        match (0.0..1.0).contains(&value) {
            true => Ok(Fraction(value)),
            false => Err(format!("{value}: expected at least 0 and less than 1")),
        }
    }
}

impl From<Positive> for f64 {
    fn from(positive: Positive) -> f64 {
        positive.0
    }
}

impl From<Fraction> for f64 {
    fn from(fraction: Fraction) -> f64 {
        fraction.0
    }
}

fn batch() -> NonZeroUsize {
    const { NonZeroUsize::new(32).unwrap() }
}

fn window() -> NonZeroUsize {
    const { NonZeroUsize::new(16).unwrap() }
}

fn rate() -> Positive {
    Positive(1e-3)
}

fn betas() -> [f64; 2] {
    Adam::default().betas
}

fn epsilon() -> f64 {
    Adam::default().epsilon
}

fn decay() -> f64 {
    0.01
}

impl Default for Optimizer {
    fn default() -> Self {
        Optimizer::Adam { betas: betas(), epsilon: epsilon(), decay: 0.0 }
    }
}

impl Config {
    /// Refuses what makes no sense together.
    pub fn check(&self) -> Result<()> {
        let (model, learning) = (&self.model, &self.learning);
        ensure!(!model.hidden.is_empty(), "model.hidden: expected the units of at least one layer, such as [32]");
        ensure!(model.nonlinearity.is_none() || model.cell == Cell::Rnn, "model.nonlinearity: only for cell = \"rnn\"");
        ensure!(!model.one_hot || model.embedding.is_none(), "model: expected either embedding or one_hot, not both");
        ensure!(model.ids.is_none() || self.takes_ids(), "model.ids: only beside embedding or one_hot");
        ensure!(
            f64::from(model.dropout) == 0.0 || model.hidden.len() > 1,
            "model.dropout: it stands between layers: expected at least two in hidden"
        );
        ensure!(
            learning.clip_norm.is_none() || learning.clip_value.is_none(),
            "learning: expected either clip_norm or clip_value, not both"
        );
        if let Some(seeds) = &learning.seeds {
            ensure!(learning.seed.is_none(), "learning: expected either seed or seeds, not both");
            ensure!(!seeds.is_empty(), "learning.seeds: expected at least one");
            let again = seeds.iter().enumerate().find(|(index, seed)| seeds[..*index].contains(seed));
            if let Some((_, seed)) = again {
                bail!("learning.seeds: {seed} is there twice");
            }
        }
        let every_step = self.output.every == Every::Step && !model.bidirectional;
        ensure!(
            learning.truncate.is_none() || every_step,
            "learning.truncate: only for models that read forwards and give a row every step"
        );
        gatewise::train::Optimizer::new(learning.optimizer.rule(), Vec::new()).context("learning.optimizer")?;
        Ok(())
    }

    /// Whether x is ids.
    pub fn takes_ids(&self) -> bool {
        self.model.one_hot || self.model.embedding.is_some()
    }

    /// The seeds that are tried, in order.
    pub fn seeds(&self) -> Vec<u64> {
        self.learning.seeds.clone().unwrap_or_else(|| vec![self.learning.seed.unwrap_or(0)])
    }

    /// What is to become small.
    pub fn objective(&self) -> Objective {
        match self.output.loss {
            Loss::CrossEntropy => Objective::CrossEntropy,
            Loss::BinaryCrossEntropy => Objective::BinaryCrossEntropy,
            Loss::SquaredError => Objective::SquaredError,
        }
    }

    /// What is kept for the way back.
    pub fn memory(&self) -> Memory {
        match self.run.memory {
            Keeps::Keep => Memory::Keep,
            Keeps::Recompute => Memory::Recompute,
        }
    }

    /// How one seed's run learns.
    pub fn plan(&self, seed: u64) -> Plan {
        let learning = &self.learning;
        let clip = match (learning.clip_norm, learning.clip_value) {
            (Some(norm), _) => Clip::Norm(norm.0),
            (None, Some(value)) => Clip::Value(value.0 as f32),
            (None, None) => Clip::No,
        };
        let plateau = |lowers: Lowers| {
            let mut plateau = Plateau::new(lowers.factor.0, lowers.patience);
            (plateau.min_delta, plateau.floor) = (lowers.min_delta, lowers.floor);
            plateau
        };
        let stopping = |patience: Patience| EarlyStopping::new(patience.patience.get(), patience.min_delta);
        Plan {
            batch: learning.batch.get(),
            window: learning.window.get(),
            rule: learning.optimizer.rule(),
            schedule: Schedule { rate: learning.rate.0, warmup: learning.warmup, decay: learning.schedule.decay() },
            clip,
            seed,
            early_stopping: learning.early_stopping.map(stopping),
            plateau: learning.plateau.map(plateau),
            truncate: learning.truncate.map(NonZeroUsize::get),
            ..Plan::new(self.objective(), learning.epochs.get())
        }
    }
}

impl Optimizer {
    fn rule(self) -> Rule {
        match self {
            Optimizer::Adam { betas, epsilon, decay } => {
                Rule::Adam(Adam { betas, epsilon, decay, form: Decay::Coupled })
            }
            Optimizer::Adamw { betas, epsilon, decay } => {
                Rule::Adam(Adam { betas, epsilon, decay, form: Decay::Decoupled })
            }
            Optimizer::Sgd { momentum, nesterov, decay } => {
                let lookahead = if nesterov { Lookahead::Nesterov } else { Lookahead::None };
                Rule::Sgd(Sgd { momentum, lookahead, decay })
            }
        }
    }
}

impl Falls {
    fn decay(self) -> RateDecay {
        match self {
            Falls::Constant => RateDecay::Constant,
            Falls::Steps { every, factor } => RateDecay::Steps { every, factor: factor.0 },
            Falls::Exponential { factor } => RateDecay::Exponential { factor: factor.0 },
            Falls::Cosine { floor } => RateDecay::Cosine { floor },
            Falls::Linear { floor } => RateDecay::Linear { floor },
        }
    }

    /// Whether the rate depends on how many updates there will be.
    pub fn knows_the_end(self) -> bool {
        matches!(self, Falls::Cosine { .. } | Falls::Linear { .. })
    }
}
