//! The run of one seed: epoch after epoch, each with its line, its checkpoint and its place in the curve.

use std::ops::ControlFlow;
use std::time::Instant;

use anyhow::{Context, Result};
use gatewise::network::blueprint::Blueprint;
use gatewise::train::checkpoint::Checkpoint;
use gatewise::train::{Dataset, Epoch, Learner, Moment, Run, Step};

use super::config::Config;
use super::curve::{self, Judged, Row};
use super::data::Widths;
use super::files::Files;
use super::progress::Bar;
use super::saved::{Best, Part, Saved};
use super::{interrupt, model, plot};

/// What all seeds have in common.
pub struct Task<'a> {
    pub config: &'a Config,
    pub files: &'a Files,
    pub training: &'a Dataset,
    pub validation: Option<&'a Dataset>,
    pub widths: Widths,
    /// Of all data.
    pub fingerprint: u64,
}

/// How the run of a seed ended.
pub enum Ended {
    /// Somebody wants to go on another time; what a checkpoint holds, in words.
    Stopped(String),
    /// As planned.
    Over(Best, Blueprint),
    /// Its numbers left the range of numbers; the checkpoint is that of the last good epoch.
    Diverged(String),
}

/// A run on its way.
struct Attempt<'a> {
    task: &'a Task<'a>,
    run: Run,
    saved: Saved,
    rows: Vec<Row>,
    seed: u64,
    bar: Bar,
}

impl Task<'_> {
    /// Learns with one of the seeds, from its beginning or from a checkpoint of it.
    pub fn attempt(
        &self,
        seed_index: usize,
        seed: u64,
        best: Option<Best>,
        resumed: Option<(Checkpoint<'static>, Saved)>,
    ) -> Result<Ended> {
        let blueprint = model::draw(self.config, self.widths, seed)?;
        if let Some(validation) = self.validation {
            validation.check("validation data", &blueprint)?;
        }
        let learner = Learner::new(blueprint, model::options(self.config))?;
        let plan = self.config.plan(seed);
        let epochs = self.config.learning.epochs.get();
        let saved = Saved {
            config: self.config.clone(),
            data: self.fingerprint,
            seed_index,
            over: false,
            best,
            part: Part::default(),
        };
        let (run, saved, rows, over) = match resumed {
            None => (Run::new(learner, plan, self.training)?, saved, Vec::new(), false),
            Some((checkpoint, before)) => {
                let run = Run::resume(learner, plan, self.training, &checkpoint)
                    .with_context(|| self.files.checkpoint.display().to_string())?;
                let done = run.progress().epoch;
                // A run that stopped by itself stays so; one that had all its epochs goes on if there are more now.
                let over = done >= epochs || before.over && done < before.config.learning.epochs.get();
                (run, Saved { part: before.part, ..saved }, curve::read(&self.files.curve(seed), done)?, over)
            }
        };
        let mut attempt = Attempt { task: self, run, saved, rows, seed, bar: Bar::new() };
        if over { attempt.end() } else { attempt.learn() }
    }
}

impl Attempt<'_> {
    fn learn(&mut self) -> Result<Ended> {
        if self.run.progress().step == 0 {
            self.save()?;
        }
        let Task { config, training, validation, .. } = *self.task;
        let (objective, epochs) = (config.objective(), config.learning.epochs.get());
        loop {
            let (began, before, mut last) = (Instant::now(), self.saved.part, None);
            let bar = &self.bar;
            let step = self.run.epoch(training, validation, &mut |moment: &Moment| {
                bar.show(moment, Judged::new(before.with(moment.loss), objective), epochs);
                last = Some(*moment);
                // Behind the last batch, the judgement is all that is left.
                if interrupt::asked() && moment.batch < moment.batches {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            });
            let seconds = before.seconds + began.elapsed().as_secs_f64();
            match (step, last) {
                (Err(error), _) => return Ok(Ended::Diverged(error.to_string())),
                (Ok(Step::Finished(epoch)), _) => {
                    self.finish(epoch, before, seconds)?;
                    if epoch.over {
                        return self.end();
                    }
                }
                (Ok(Step::Stopped), Some(moment)) => return self.stop(&moment, seconds),
                (Ok(Step::Stopped), None) => {}
            }
        }
    }

    /// What belongs to the end of an epoch.
    fn finish(&mut self, epoch: Epoch, before: Part, seconds: f64) -> Result<()> {
        let whole = Epoch { training: before.with(epoch.training), norm: epoch.norm.max(before.norm), ..epoch };
        let row = Row::new(&whole, self.task.config.objective(), seconds);
        (self.saved.part, self.saved.over) = (Part::default(), epoch.over);
        self.rows.push(row);
        curve::write(&self.task.files.curve(self.seed), &self.rows)?;
        plot::write(&self.task.files.plot(self.seed), &self.rows)?;
        self.save()?;
        self.bar.finish(&row, self.task.config.learning.epochs.get(), epoch.best)
    }

    /// What belongs to the end of the batch behind which somebody stops it.
    fn stop(&mut self, moment: &Moment, seconds: f64) -> Result<Ended> {
        let (epoch, checkpoint) = (moment.epoch + 1, self.task.files.checkpoint.display());
        // Without validation data an epoch is judged by its own loss, which is that of all its batches.
        if self.task.validation.is_none() {
            return Ok(Ended::Stopped(format!(
                "stopped in epoch {epoch}; {checkpoint} holds what was before that epoch"
            )));
        }
        let loss = self.saved.part.with(moment.loss);
        let norm = self.saved.part.norm.max(moment.norm);
        self.saved.part = Part { total: loss.total, counted: loss.counted, right: loss.right, norm, seconds };
        self.save()?;
        let words = format!("stopped in epoch {epoch} behind batch {} of {}", moment.batch, moment.batches);
        Ok(Ended::Stopped(format!("{words}; {checkpoint} holds all of it")))
    }

    fn end(&mut self) -> Result<Ended> {
        let Some(best) = self.run.best() else {
            return Ok(Ended::Diverged("no epoch came to its end".to_owned()));
        };
        self.run.take_best()?;
        let blueprint = self.run.learner().blueprint().clone();
        Ok(Ended::Over(Best { seed: self.seed, epoch: best.epoch + 1, loss: best.loss }, blueprint))
    }

    fn save(&self) -> Result<()> {
        Ok(self.run.save(&self.task.files.checkpoint, self.saved.write()?)?)
    }
}
