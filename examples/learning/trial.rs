//! A model that learns sentences, new ones in every epoch, until it makes no mistake.

use std::ops::{ControlFlow, RangeInclusive};

use gatewise::Result;
use gatewise::network::blueprint::Blueprint;
use gatewise::train::{Clip, Initial, Learner, Objective, Options, Plan, Random, Run, Step, evaluate};

use super::cells::Cell;
use super::sentences::{model, sentences};

/// What is learned, and how.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The cell.
    pub cell: Cell,
    /// How its weights begin.
    pub initial: Initial,
    /// Its units.
    pub hidden: usize,
    /// The words between the country and "I speak", in the sentences to learn from.
    pub gaps: RangeInclusive<usize>,
    /// The words between in those to judge by.
    pub judged: usize,
    /// Adam's learning rate.
    pub rate: f64,
    /// Epochs at most.
    pub epochs: u64,
    /// Of the weights and of the sentences to learn from; those to judge by are always the same.
    pub seed: u64,
}

/// Sentences of a batch.
const BATCH: usize = 50;

/// Updates of an epoch.
pub const UPDATES: usize = 40;

impl Trial {
    /// The model, with the weights that its seed gives.
    pub fn model(&self) -> Result<Blueprint> {
        model(self.cell, self.initial, self.hidden, &mut Random::new(self.seed))
    }

    /// Learns from the model's weights; gives the run and the accuracy on the same 500 unseen sentences after every epoch.
    pub fn learn(&self, model: Blueprint) -> Result<(Run, Vec<f64>)> {
        let mut random = Random::keyed([self.seed, 1, 0, 0]);
        let mut draw = || sentences(UPDATES * BATCH, self.gaps.clone(), &mut random);
        let held_out = sentences(500, self.judged..=self.judged, &mut Random::keyed([0, 2, 0, 0]));

        let mut plan = Plan::new(Objective::CrossEntropy, self.epochs);
        (plan.batch, plan.schedule.rate, plan.clip, plan.seed) = (BATCH, self.rate, Clip::Norm(1.0), self.seed);
        let mut data = draw();
        let mut run = Run::new(Learner::new(model, Options::default())?, plan, &data)?;

        let mut accuracy = Vec::new();
        while let Step::Finished(epoch) = run.epoch(&data, None, &mut |_| ControlFlow::Continue(()))? {
            let right = evaluate(run.learner(), Objective::CrossEntropy, &held_out, 100)?.accuracy();
            accuracy.push(right);
            if epoch.over || right == 1.0 {
                break;
            }
            data = draw();
        }
        Ok((run, accuracy))
    }
}
