//! A case to time: random weights of PyTorch's initial scale, random input, and a session that keeps its state.

use std::hint::black_box;

use anyhow::{Result, ensure};
use gatewise::load::{Cell, TorchLayer, TorchModule};
use gatewise::network::blueprint::Blueprint;
use gatewise::train::{Batch, Learner, Options, Upstream};
use gatewise::{Layout, Level, Model, Session, TorchTensors};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::timing::{Times, time};
use crate::model::CellKind;

/// How the input comes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Feeding {
    /// All steps in one call.
    Sequences,
    /// One step after the other.
    Steps,
    /// All steps in one call, and back: every gradient of the sum of all outputs.
    Training,
}

/// Cell, sizes, and how the input comes.
#[derive(Clone, Copy)]
pub struct Case {
    pub cell: Cell,
    /// T
    pub steps: usize,
    /// B
    pub batch: usize,
    /// I
    pub input: usize,
    /// H
    pub hidden: usize,
    /// L
    pub layers: usize,
    /// 1, or 2 with the reverse one.
    pub directions: usize,
    pub feeding: Feeding,
}

/// Values that a case may have at most, 4 GiB of them: weights, input and output.
const ROOM: usize = 1 << 30;

impl Case {
    /// Such as `lstm_T64_B16_I512_H512_L4`; what is as usual goes without saying.
    pub fn name(&self, cell: CellKind) -> String {
        let Case { steps, batch, input, hidden, layers, directions, feeding, .. } = self;
        let layers = if *layers == 1 { String::new() } else { format!("_L{layers}") };
        let relu = if self.cell == Cell::Rnn(gatewise::Activation::Relu) { "_relu" } else { "" };
        let directions = if *directions == 1 { "" } else { "_bidirectional" };
        let feeding = match feeding {
            Feeding::Sequences => "",
            Feeding::Steps => "_stream",
            Feeding::Training => "_train",
        };
        let cell = cell.option();
        format!("{cell}{relu}_T{steps}_B{batch}_I{input}_H{hidden}{layers}{directions}{feeding}")
    }

    /// Refuses a case that no machine has the memory for, before it is tried.
    pub fn check_room(&self) -> Result<()> {
        let (gates, rows) = (self.cell.gates() as u128, (self.steps * self.batch) as u128);
        let [input, hidden, layers, directions] =
            [self.input, self.hidden, self.layers, self.directions].map(|size| size as u128);
        let first = gates * hidden * (input + hidden) * directions;
        let further = gates * hidden * (directions * hidden + hidden) * directions * (layers - 1);
        let values = first + further + rows * (input + directions * hidden);
        ensure!(
            values <= ROOM as u128,
            "the case has {values} values of weights, input and output: expected at most {ROOM} (4 GiB)"
        );
        Ok(())
    }

    /// Weights uniform in ±1/√H, as PyTorch begins.
    pub fn model(&self, level: Level) -> Result<Model> {
        Ok(self.module().builder()?.level(level).build()?)
    }

    fn module(&self) -> TorchModule {
        let mut random = StdRng::seed_from_u64(1);
        let layers = (0..self.layers).map(|layer| {
            let input = if layer == 0 { self.input } else { self.directions * self.hidden };
            let forward = self.tensors(input, &mut random);
            TorchLayer { forward, reverse: (self.directions == 2).then(|| self.tensors(input, &mut random)) }
        });
        TorchModule { cell: self.cell, layers: layers.collect() }
    }

    /// Operations of a call's products; back there are two for each there: the input's gradient and the weights'.
    pub fn operations(&self, model: &Model) -> f64 {
        let there = (model.flops_per_step() * self.batch * self.steps) as f64;
        if self.feeding == Feeding::Training { 3.0 * there } else { there }
    }

    fn tensors(&self, input: usize, random: &mut StdRng) -> TorchTensors {
        let (hidden, rows) = (self.hidden, self.cell.gates() * self.hidden);
        let scale = 1.0 / (hidden as f32).sqrt();
        let mut values = |count: usize| uniform(count, scale, random);
        TorchTensors {
            input_size: input,
            hidden_size: hidden,
            weight_ih: values(rows * input),
            weight_hh: values(rows * hidden),
            biases: Some([values(rows), values(rows)]),
            projection: None,
        }
    }

    /// Times calls with up to `threads` threads of the current pool.
    pub fn time(&self, model: &Model, threads: usize) -> Result<Times> {
        let Case { steps, batch, input, .. } = *self;
        let x = uniform(steps * batch * input, 1.0, &mut StdRng::seed_from_u64(2));
        let mut session = Session::new(model, batch)?.with_threads(threads);
        match self.feeding {
            Feeding::Sequences => {
                let mut y = vec![0.0; steps * batch * model.output_size()];
                time(|| Ok(session.run(black_box(&x), Layout::TimeMajor, black_box(&mut y))?))
            }
            Feeding::Steps => time(|| {
                for x in x.chunks_exact(batch * input) {
                    black_box(session.step(black_box(x))?);
                }
                Ok(())
            }),
            Feeding::Training => {
                let layers = self.module().into_layers("")?;
                let options = Options { threads, level: Some(model.level()), ..Options::default() };
                let mut learner = Learner::new(Blueprint { layers, ..Blueprint::default() }, options)?;
                let ones = vec![1.0; steps * batch * model.output_size()];
                time(|| {
                    learner.forward(&Batch::new(black_box(&x), Layout::TimeMajor, batch))?;
                    learner.zero_gradients();
                    learner.backward(Upstream { y: black_box(&ones), ..Upstream::default() })?;
                    Ok(())
                })
            }
        }
    }
}

fn uniform(count: usize, scale: f32, random: &mut StdRng) -> Vec<f32> {
    (0..count).map(|_| random.random_range(-scale..=scale)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_that_fits_no_machine_is_refused_before_it_is_tried() {
        let case = Case {
            cell: Cell::Gru,
            steps: 1 << 24,
            batch: 1 << 24,
            input: 1 << 20,
            hidden: 1 << 20,
            layers: 1 << 10,
            directions: 2,
            feeding: Feeding::Sequences,
        };
        assert!(case.check_room().is_err(), "the largest case that the options allow");
        // 3·16·(16 + 16) weights, and 32 values of every step: 2^25 − 48 steps just fit.
        let least = Case { steps: (1 << 25) - 48, batch: 1, input: 16, hidden: 16, layers: 1, directions: 1, ..case };
        least.check_room().expect("exactly the room there is");
        assert!(Case { steps: least.steps + 1, ..least }.check_room().is_err(), "one step more");
    }
}
