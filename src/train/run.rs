//! A run: epochs of updates, judged after each, that can be stopped anywhere and go on to the same bits.

use std::borrow::Cow;
use std::ops::ControlFlow;
use std::path::Path;

use super::batches::Batches;
use super::checkpoint::{Checkpoint, Progress, Tensor};
use super::clip;
use super::data::{Dataset, Gathered};
use super::early::{Best, EarlyStopping, Verdict};
use super::loss::{Loss, Objective, Rows};
use super::network::{Batch, Learner, Upstream};
use super::optimizer::{Optimizer, Rule, Shrinks, Slot};
use super::random::Random;
use super::schedule::{Plateau, Schedule};
use crate::error::{Error, Result};
use crate::network::blueprint::Blueprint;
use crate::sequence::layout::Layout;

/// How gradients are held in bounds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Clip {
    /// They are not.
    #[default]
    No,
    /// All are scaled so that their common norm is at most this (Pascanu et al. 2013).
    Norm(f64),
    /// Each value is limited to ± this.
    Value(f32),
}

/// How a [`Run`] learns.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Epochs at most.
    pub epochs: u64,
    /// Sequences of a batch.
    pub batch: usize,
    /// See [`Batches::window`].
    pub window: usize,
    /// What is to become small.
    pub objective: Objective,
    /// What an update does.
    pub rule: Rule,
    /// The learning rate over the run.
    pub schedule: Schedule,
    /// Bounds of the gradients.
    pub clip: Clip,
    /// Of everything that is of chance.
    pub seed: u64,
    /// Stops when the judging loss no longer falls.
    pub early_stopping: Option<EarlyStopping>,
    /// Lowers the rate when it no longer falls.
    pub plateau: Option<Plateau>,
    /// Truncated back-propagation: an update every so many steps; the state goes on, its gradient does not (Williams & Peng
    /// 1990). Only for models that read forwards and give a row a step.
    pub truncate: Option<usize>,
}

impl Plan {
    /// Adam at a rate of 0.001 for batches of 32 without order, nothing else.
    pub fn new(objective: Objective, epochs: u64) -> Self {
        Plan {
            epochs,
            batch: 32,
            window: 16,
            objective,
            rule: Rule::Adam(super::optimizer::Adam::default()),
            schedule: Schedule::constant(1e-3),
            clip: Clip::No,
            seed: 0,
            early_stopping: None,
            plateau: None,
            truncate: None,
        }
    }
}

/// How far an epoch is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    /// Which epoch, from 0.
    pub epoch: u64,
    /// Batches that are done, and all of the epoch.
    pub batch: usize,
    /// See `batch`.
    pub batches: usize,
    /// Over the epoch so far.
    pub loss: Loss,
    /// The gradients' norm before it was bounded.
    pub norm: f64,
    /// The learning rate.
    pub rate: f64,
}

/// What an epoch came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Epoch {
    /// Which, from 0.
    pub epoch: u64,
    /// The loss while it learnt: of weights that changed.
    pub training: Loss,
    /// The loss of the data that is not learnt from, if there is any.
    pub validation: Option<Loss>,
    /// The last learning rate.
    pub rate: f64,
    /// The largest norm of the gradients, before it was bounded.
    pub norm: f64,
    /// Whether it is the best so far, by the validation loss if there is one.
    pub best: bool,
    /// Whether the run is over.
    pub over: bool,
}

/// What became of [`Run::epoch`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    /// It was finished.
    Finished(Epoch),
    /// It was stopped; [`Run::epoch`] goes on where it was.
    Stopped,
}

/// A model on its way.
///
/// ```
/// use gatewise::network::blueprint::{Blueprint, Layer, Operation, Output, Recurrent};
/// use gatewise::train::{Dataset, Initial, Learner, Objective, Options, Plan, Random, Run, Step, Steps, Wanted};
/// use gatewise::activation::{Activation, Finish};
/// use std::ops::ControlFlow;
///
/// // Is there a one among three bits? 8 sequences, 2 classes.
/// let bits = |n: usize| (0..3).map(move |bit| (n >> bit & 1) as f32);
/// let x = Steps::Features((0..8).flat_map(bits).collect());
/// let wanted = Wanted::Classes((0..8).map(|n| i64::from(n > 0)).collect());
/// let data = Dataset::new(x, wanted, 3, 8);
///
/// let mut random = Random::new(1);
/// let mut lstm = Recurrent::forward(Initial::Keras.lstm(1, 4, &mut random)?);
/// lstm.output = Output::Last;
/// let head = Initial::Keras.dense(4, 2, Finish::Each(Activation::Identity), &mut random)?;
/// let layers = vec![Layer::new("lstm", Operation::Recurrent(Box::new(lstm))), Layer::new("head", Operation::Dense(head))];
/// let learner = Learner::new(Blueprint { layers, ..Blueprint::default() }, Options::default())?;
///
/// let mut plan = Plan::new(Objective::CrossEntropy, 40);
/// (plan.batch, plan.schedule.rate) = (4, 0.05);
/// let mut run = Run::new(learner, plan, &data)?;
/// while let Step::Finished(epoch) = run.epoch(&data, None, &mut |_| ControlFlow::Continue(()))? {
///     if epoch.over {
///         assert!(epoch.training.accuracy() > 0.99);
///         break;
///     }
/// }
/// # Ok::<(), gatewise::Error>(())
/// ```
pub struct Run {
    learner: Learner,
    plan: Plan,
    optimizer: Optimizer,
    progress: Progress,
    /// The weights of the best epoch so far, in the learner's order.
    best: Vec<Vec<f32>>,
    /// Those that the run began with.
    start: Vec<Vec<f32>>,
    /// Of the epoch that is under way.
    loss: Loss,
    norm: f64,
}

impl Run {
    /// Begins a run from the learner's present weights.
    ///
    /// # Errors
    /// What [`Dataset::check`] and [`Optimizer::new`] refuse; [`Error::Training`] for a plan that makes no sense.
    pub fn new(learner: Learner, plan: Plan, data: &Dataset) -> Result<Self> {
        data.check("training data", learner.blueprint())?;
        check(&learner, &plan)?;
        // As most do: biases and states do not decay.
        let slot = |(name, values): (String, &[f32])| {
            let shrinks =
                if name.contains("weight") || name.contains("projection") { Shrinks::Yes } else { Shrinks::No };
            Slot { values: values.len(), shrinks }
        };
        let optimizer = Optimizer::new(plan.rule, learner.parameters().into_iter().map(slot).collect())?;
        let progress = Progress {
            epoch: 0,
            batch: 0,
            step: 0,
            seed: plan.seed,
            random: Random::new(plan.seed),
            early_stopping: plan.early_stopping.clone(),
            plateau: plan.plateau.clone(),
        };
        let start = weights(&learner);
        let (loss, norm) = (Loss::default(), 0.0);
        Ok(Run { learner, plan, optimizer, progress, best: Vec::new(), start, loss, norm })
    }

    /// Goes on where a checkpoint was; the learner is of the same layers, with any weights.
    ///
    /// # Errors
    /// As [`Run::new`]; [`Error::Tensor`], [`Error::Shape`] or [`Error::Training`] for a checkpoint of another model or
    /// plan.
    pub fn resume(learner: Learner, plan: Plan, data: &Dataset, checkpoint: &Checkpoint<'_>) -> Result<Self> {
        let mut run = Run::new(learner, plan, data)?;
        let shapes: Vec<(String, Vec<usize>)> =
            run.learner.parameters().into_iter().map(|(name, values)| (name, vec![values.len()])).collect();
        checkpoint.check_parameters(shapes.iter().map(|(name, shape)| (&name[..], &shape[..])))?;
        let progress = checkpoint.progress.clone();
        if progress.seed != run.plan.seed || *checkpoint.optimizer.rule() != run.plan.rule {
            let message = format!(
                "the checkpoint is of another plan: seed {} and {:?}, not seed {} and {:?}",
                progress.seed,
                checkpoint.optimizer.rule(),
                run.plan.seed,
                run.plan.rule
            );
            return Err(Error::Training { message });
        }
        let count = shapes.len();
        let values = |range: std::ops::Range<usize>| -> Vec<Vec<f32>> {
            checkpoint.tensors.get(range).unwrap_or_default().iter().map(|tensor| tensor.values.to_vec()).collect()
        };
        run.put(&values(0..count))?;
        run.start = values(count..2 * count);
        run.best = values(2 * count..3 * count);
        run.optimizer = checkpoint.optimizer.clone().into_owned();
        run.progress = progress;
        Ok(run)
    }

    /// One epoch, or the rest of one that was stopped. `watch` is called after every batch and may stop it.
    ///
    /// # Errors
    /// [`Error::Training`] if the loss or the gradients are no longer numbers, or the run is over; the weights are then those
    /// of the last update, and what was written before stays.
    pub fn epoch(
        &mut self,
        data: &Dataset,
        validation: Option<&Dataset>,
        watch: &mut dyn FnMut(&Moment) -> ControlFlow<()>,
    ) -> Result<Step> {
        let epoch = self.progress.epoch;
        if epoch >= self.plan.epochs {
            let message = format!("the run is over: it had {epoch} epochs of {}", self.plan.epochs);
            return Err(Error::Training { message });
        }
        let order = Batches { size: self.plan.batch, window: self.plan.window, seed: self.plan.seed };
        let batches = order.epoch(epoch, &data.lengths)?;
        let total = self.plan.epochs.saturating_mul(batches.len() as u64);
        let mut rate = 0.0;
        for (index, batch) in batches.iter().enumerate().skip(self.progress.batch as usize) {
            let gathered = Gathered::new(data, batch, !self.learner.gives_last());
            rate = self.plan.schedule.at(epoch * batches.len() as u64 + index as u64, total)
                * self.progress.plateau.as_ref().map_or(1.0, Plateau::scale);
            self.learn(&gathered, rate).map_err(|error| Error::Training {
                message: format!("epoch {epoch}, batch {index} of {}: {error}", batches.len()),
            })?;
            self.progress.batch += 1;
            let (batch, batches) = (index + 1, batches.len());
            let moment = Moment { epoch, batch, batches, loss: self.loss, norm: self.norm, rate };
            if watch(&moment).is_break() {
                return Ok(Step::Stopped);
            }
        }
        let judged = validation.map(|data| evaluate(&mut self.learner, self.plan.objective, data, self.plan.batch));
        let validation = judged.transpose()?;
        let training = std::mem::take(&mut self.loss);
        let loss = validation.unwrap_or(training).mean();
        if let Some(plateau) = &mut self.progress.plateau {
            plateau.observe(epoch, loss)?;
        }
        let mut stopping = self.progress.early_stopping.take().unwrap_or(EarlyStopping::new(u64::MAX, 0.0));
        let verdict = stopping.observe(epoch, loss)?;
        let best = verdict == Verdict::Better;
        if best {
            self.best = weights(&self.learner);
        }
        self.progress.early_stopping = Some(stopping);
        (self.progress.epoch, self.progress.batch) = (epoch + 1, 0);
        let over = verdict == Verdict::Stop || epoch + 1 == self.plan.epochs;
        let norm = std::mem::take(&mut self.norm);
        Ok(Step::Finished(Epoch { epoch, training, validation, rate, norm, best, over }))
    }

    /// The updates of a batch.
    fn learn(&mut self, batch: &Gathered, rate: f64) -> Result<()> {
        let Some(truncate) = self.plan.truncate.filter(|steps| *steps < batch.steps) else {
            self.update(batch, None, rate)?;
            return Ok(());
        };
        let mut states: Option<(Vec<f32>, Vec<f32>)> = None;
        for first in (0..batch.steps).step_by(truncate) {
            let window = batch.window(first, batch.steps.min(first + truncate));
            if window.counted.contains(&true) {
                states = Some(self.update(&window, states.as_ref(), rate)?);
            }
        }
        Ok(())
    }

    /// One update; returns the states after the batch.
    fn update(
        &mut self,
        batch: &Gathered,
        states: Option<&(Vec<f32>, Vec<f32>)>,
        rate: f64,
    ) -> Result<(Vec<f32>, Vec<f32>)> {
        let input = Batch {
            lengths: Some(&batch.lengths),
            hidden: states.map(|(hidden, _)| &hidden[..]),
            cell: states.map(|(_, cell)| &cell[..]),
            dropout: Some((self.plan.seed, self.progress.step)),
            ..Batch::new(batch.input(), Layout::BatchFirst, batch.lengths.len())
        };
        let width = self.learner.output_size();
        let outcome = self.learner.forward(&input)?;
        let mut gradient = vec![0.0; outcome.y.len()];
        let rows = Rows { outputs: &outcome.y, width, counted: Some(&batch.counted) };
        let loss = self.plan.objective.measure(rows, batch.targets(), &mut gradient)?;
        let after = (outcome.hidden.clone(), outcome.cell.clone());
        self.loss.add(loss);
        self.learner.zero_gradients();
        self.learner.backward(Upstream { y: &gradient, ..Upstream::default() })?;
        let mut gradients = self.learner.gradients_mut();
        let norm = match self.plan.clip {
            Clip::Norm(limit) => clip::by_norm(&mut gradients, limit)?,
            _ => clip::norm(&gradients)?,
        };
        if let Clip::Value(limit) = self.plan.clip {
            clip::by_value(&mut gradients, limit)?;
        }
        self.norm = self.norm.max(norm);
        let optimizer = &mut self.optimizer;
        self.learner.update(|parameters, gradients| {
            let mut values: Vec<&mut [f32]> = parameters.iter_mut().map(|(_, values)| &mut **values).collect();
            optimizer.step(&mut values, gradients, rate)
        })?;
        self.progress.step += 1;
        Ok(after)
    }

    /// How far it is.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// The epoch with the lowest loss, if there was one.
    pub fn best(&self) -> Option<Best> {
        self.progress.early_stopping.as_ref().and_then(EarlyStopping::best)
    }

    /// The model, with its present weights.
    pub fn learner(&mut self) -> &mut Learner {
        &mut self.learner
    }

    /// Puts back the weights of the best epoch; nothing if there was none yet.
    ///
    /// # Errors
    /// [`Error::NotFinite`], which cannot be: they were looked at.
    pub fn take_best(&mut self) -> Result<()> {
        if self.best.is_empty() { Ok(()) } else { self.put(&self.best.clone()) }
    }

    /// The model with the present weights.
    pub fn into_blueprint(self) -> Blueprint {
        self.learner.into_blueprint()
    }

    fn put(&mut self, values: &[Vec<f32>]) -> Result<()> {
        self.learner.update(|parameters, _| {
            for ((name, own), values) in parameters.iter_mut().zip(values) {
                Error::check_length(name, values.len(), "values", &[own.len()])?;
                own.copy_from_slice(values);
            }
            Ok(())
        })
    }

    /// Writes all that [`Run::resume`] needs, whole or not at all, with any text: present, starting and best weights.
    ///
    /// # Errors
    /// As [`Checkpoint::write`].
    pub fn save(&self, path: impl AsRef<Path>, text: String) -> Result<()> {
        let names: Vec<String> = self.learner.parameters().into_iter().map(|(name, _)| name).collect();
        let present = weights(&self.learner);
        let best = if self.best.is_empty() { &self.start } else { &self.best };
        let all = [("", &present), ("start.", &self.start), ("best.", best)];
        let tensors = all.iter().flat_map(|(kind, values)| {
            names.iter().zip(values.iter()).map(move |(name, values)| Tensor {
                name: format!("{kind}{name}"),
                shape: vec![values.len()],
                values: Cow::Borrowed(&values[..]),
            })
        });
        let checkpoint = Checkpoint {
            progress: self.progress.clone(),
            tensors: tensors.collect(),
            optimizer: Cow::Borrowed(&self.optimizer),
            text,
        };
        checkpoint.write(path)
    }
}

fn weights(learner: &Learner) -> Vec<Vec<f32>> {
    learner.parameters().into_iter().map(|(_, values)| values.to_vec()).collect()
}

fn check(learner: &Learner, plan: &Plan) -> Result<()> {
    let refuse = |message: &str| Err(Error::Training { message: message.to_owned() });
    if plan.epochs == 0 {
        return refuse("epochs: expected at least 1");
    }
    match plan.truncate {
        Some(0) => refuse("truncate: expected at least 1 step"),
        Some(_) if learner.gives_last() || !learner.streams() => {
            refuse("truncated back-propagation takes a model that reads forwards and gives a row a step")
        }
        _ => Ok(()),
    }
}

/// The loss of data that is not learnt from, in batches of `batch` sequences in their order.
///
/// # Errors
/// What [`Dataset::check`] refuses; [`Error::Training`] for outputs that are no numbers.
pub fn evaluate(learner: &mut Learner, objective: Objective, data: &Dataset, batch: usize) -> Result<Loss> {
    data.check("validation data", learner.blueprint())?;
    // Like lengths together: less is padding.
    let mut order: Vec<usize> = (0..data.len()).collect();
    order.sort_by_key(|index| data.lengths[*index]);
    let (mut total, width) = (Loss::default(), learner.output_size());
    for indices in order.chunks(batch.max(1)) {
        let gathered = Gathered::new(data, indices, !learner.gives_last());
        if !gathered.counted.contains(&true) {
            continue;
        }
        let input = Batch {
            lengths: Some(&gathered.lengths),
            ..Batch::new(gathered.input(), Layout::BatchFirst, indices.len())
        };
        let outcome = learner.forward(&input)?;
        let mut gradient = vec![0.0; outcome.y.len()];
        let rows = Rows { outputs: &outcome.y, width, counted: Some(&gathered.counted) };
        total.add(objective.measure(rows, gathered.targets(), &mut gradient)?);
    }
    Ok(total)
}
