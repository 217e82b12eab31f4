//! A case to time: random weights of PyTorch's initial scale or a model's own, random input, and a session that keeps its
//! state.

use std::hint::black_box;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use gatewise::load::{TorchLayer, TorchModule};
use gatewise::network::Network;
use gatewise::network::blueprint::Blueprint;
use gatewise::train::{Batch, Learner, Options, Upstream};
use gatewise::{Layout, Level, Model, Session, TorchTensors};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};

use super::file;
use crate::model::{CellKind, Nonlinearity};

/// How the input comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Feeding {
    /// All steps in one call.
    #[default]
    Sequences,
    /// One step after the other.
    Steps,
    /// All steps in one call, and back: every gradient of the sum of all outputs.
    Training,
}

/// Cell, sizes, and how the input comes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Case {
    /// What it is called; else by its sizes.
    pub name: Option<String>,
    /// A model's file, which says cell and sizes.
    pub model: Option<PathBuf>,
    pub cell: CellKind,
    pub nonlinearity: Nonlinearity,
    /// T
    pub steps: u32,
    /// B
    pub batch: u32,
    /// I, else as many as hidden units.
    pub input: Option<u32>,
    /// H
    pub hidden: u32,
    /// L
    pub layers: u32,
    pub bidirectional: bool,
    pub feeding: Feeding,
}

impl Default for Case {
    fn default() -> Self {
        Case {
            name: None,
            model: None,
            cell: CellKind::Lstm,
            nonlinearity: Nonlinearity::Tanh,
            steps: 100,
            batch: 1,
            input: None,
            hidden: 256,
            layers: 1,
            bidirectional: false,
            feeding: Feeding::Sequences,
        }
    }
}

/// What a call costs, whatever computes it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Floating-point operations of the products.
    pub operations: f64,
    /// Bytes of recurrent weights that every step reads again, all steps together.
    pub traffic: f64,
    /// The largest of these matrices.
    pub bytes: usize,
    /// Units computed: steps × sequences × hidden units of all layers and directions.
    pub cells: f64,
}

/// Recurrent weights.
pub struct Recurrent {
    /// Bytes of all, and of the largest matrix.
    pub all: usize,
    pub largest: usize,
    /// Hidden units of all layers and directions.
    pub units: usize,
}

/// Values that a case may have at most, 4 GiB of them: weights, input and output.
const ROOM: usize = 1 << 30;

/// Weights and what they are packed as.
pub enum Subject {
    /// Nothing but recurrent layers.
    Layers(Model),
    /// Any sequence of layers.
    Network(Network),
}

impl Case {
    /// T
    pub fn steps(&self) -> usize {
        self.steps as usize
    }

    /// B
    pub fn batch(&self) -> usize {
        self.batch as usize
    }

    fn directions(&self) -> usize {
        if self.bidirectional { 2 } else { 1 }
    }

    /// I
    pub fn input(&self) -> usize {
        self.input.unwrap_or(self.hidden) as usize
    }

    /// Such as `lstm_T64_B16_I512_H512_L4`; what is as usual goes without saying.
    pub fn name(&self) -> String {
        if let Some(name) = &self.name {
            return name.clone();
        }
        let Case { steps, batch, hidden, layers, feeding, .. } = self;
        let feeding = match feeding {
            Feeding::Sequences => "",
            Feeding::Steps => "_stream",
            Feeding::Training => "_train",
        };
        if let Some(model) = &self.model {
            let model = model.file_name().unwrap_or_default().to_string_lossy();
            return format!("{model}_T{steps}_B{batch}{feeding}");
        }
        let layers = if *layers == 1 { String::new() } else { format!("_L{layers}") };
        let relu = if self.nonlinearity == Nonlinearity::Relu { "_relu" } else { "" };
        let directions = if self.bidirectional { "_bidirectional" } else { "" };
        let (cell, input) = (self.cell.option(), self.input());
        format!("{cell}{relu}_T{steps}_B{batch}_I{input}_H{hidden}{layers}{directions}{feeding}")
    }

    /// Refuses what cannot be timed: sizes of 0, a case that no machine has the memory for, before it is tried.
    pub fn check(&self) -> Result<()> {
        self.cell.cell(self.nonlinearity)?;
        let sizes = [
            ("steps", self.steps),
            ("batch", self.batch),
            ("input", self.input.unwrap_or(1)),
            ("hidden", self.hidden),
            ("layers", self.layers),
        ];
        for (name, size) in sizes {
            ensure!(size > 0, "{name}: 0, expected at least 1");
        }
        ensure!(self.feeding != Feeding::Steps || !self.bidirectional, "steps cannot be fed to both directions");
        let rows = u128::from(self.steps) * u128::from(self.batch);
        let values = match self.model {
            Some(_) => rows,
            None => {
                let gates = self.cell.cell(self.nonlinearity)?.gates() as u128;
                let [input, hidden, layers, directions] =
                    [self.input(), self.hidden as usize, self.layers as usize, self.directions()].map(|n| n as u128);
                let first = gates * hidden * (input + hidden) * directions;
                let further = gates * hidden * (directions * hidden + hidden) * directions * (layers - 1);
                first + further + rows * (input + directions * hidden)
            }
        };
        ensure!(
            values <= ROOM as u128,
            "the case has {values} values of weights, input and output: expected at most {ROOM} (4 GiB)"
        );
        Ok(())
    }

    /// The layers: weights uniform in ±1/√H, as PyTorch begins, or those of the file.
    pub fn blueprint(&self) -> Result<Blueprint> {
        match &self.model {
            Some(path) => file::read(path),
            None => Ok(Blueprint { layers: self.module()?.into_layers("")?, ..Blueprint::default() }),
        }
    }

    /// Packs them.
    pub fn subject(&self, level: Level) -> Result<Subject> {
        Ok(match &self.model {
            Some(path) => Subject::Network(
                Network::with_level(&file::read(path)?, level).with_context(|| path.display().to_string())?,
            ),
            None => Subject::Layers(self.module()?.builder()?.level(level).build()?),
        })
    }

    /// Random weights as PyTorch's module.
    pub fn module(&self) -> Result<TorchModule> {
        let mut random = StdRng::seed_from_u64(1);
        let cell = self.cell.cell(self.nonlinearity)?;
        let (directions, hidden, gates) = (self.directions(), self.hidden as usize, cell.gates());
        let layers = (0..self.layers).map(|layer| {
            let input = if layer == 0 { self.input() } else { directions * hidden };
            let forward = tensors([input, hidden, gates], &mut random);
            let reverse = (directions == 2).then(|| tensors([input, hidden, gates], &mut random));
            TorchLayer { forward, reverse }
        });
        Ok(TorchModule { cell, layers: layers.collect() })
    }

    /// What a call costs. Back there are two products for each there: the input's gradient and the weights'.
    pub fn cost(&self, subject: &Subject) -> Result<Cost> {
        let flops = match subject {
            Subject::Layers(model) => model.flops_per_step(),
            Subject::Network(network) => network.flops_per_step(),
        };
        let Recurrent { all, largest, units } = match &self.model {
            Some(path) => file::recurrent(&file::read(path)?),
            None => {
                let (hidden, passes) = (self.hidden as usize, self.layers as usize * self.directions());
                let gates = self.cell.cell(self.nonlinearity)?.gates();
                let largest = size_of::<f32>() * gates * hidden * hidden;
                Recurrent { all: passes * largest, largest, units: passes * hidden }
            }
        };
        let ways = if self.feeding == Feeding::Training { 3.0 } else { 1.0 };
        let rows = (self.steps() * self.batch()) as f64;
        Ok(Cost {
            operations: ways * flops as f64 * rows,
            traffic: ways.min(2.0) * (all * self.steps()) as f64,
            bytes: largest,
            cells: units as f64 * rows,
        })
    }

    /// Prepares calls of the whole batch on up to `threads` threads of the current pool, and hands them to `work`.
    pub fn with_calls<R>(
        &self,
        subject: &Subject,
        threads: usize,
        work: impl FnOnce(Call<'_>) -> Result<R>,
    ) -> Result<R> {
        let (steps, batch) = (self.steps(), self.batch());
        let model = match (subject, self.feeding) {
            (Subject::Network(network), feeding) => return file::with_calls(network, self, feeding, threads, work),
            (Subject::Layers(model), Feeding::Training) => return self.with_lessons(model.level(), threads, work),
            (Subject::Layers(model), _) => model,
        };
        let x = self.input_values(model.input_size());
        let mut session = Session::new(model, batch)?.with_threads(threads);
        if self.feeding == Feeding::Steps {
            return work(&mut || {
                for x in x.chunks_exact(batch * model.input_size()) {
                    black_box(session.step(black_box(x))?);
                }
                Ok(())
            });
        }
        let mut y = vec![0.0; steps * batch * model.output_size()];
        work(&mut || Ok(session.run(black_box(&x), Layout::TimeMajor, black_box(&mut y))?))
    }

    /// Forward and backward propagation.
    fn with_lessons<R>(&self, level: Level, threads: usize, work: impl FnOnce(Call<'_>) -> Result<R>) -> Result<R> {
        let blueprint = self.blueprint()?;
        let outputs = self.directions() * self.hidden as usize;
        let options = Options { threads, level: Some(level), ..Options::default() };
        let mut learner = Learner::new(blueprint, options)?;
        let x = self.input_values(self.input());
        let ones = vec![1.0; self.steps() * self.batch() * outputs];
        work(&mut || {
            learner.forward(&Batch::new(black_box(&x), Layout::TimeMajor, self.batch()))?;
            learner.zero_gradients();
            learner.backward(Upstream { y: black_box(&ones), ..Upstream::default() })?;
            Ok(())
        })
    }

    /// T × B × `width` values in ±1.
    pub fn input_values(&self, width: usize) -> Vec<f32> {
        uniform(self.steps() * self.batch() * width, 1.0, &mut StdRng::seed_from_u64(2))
    }
}

/// A call that is timed.
pub type Call<'a> = &'a mut dyn FnMut() -> Result<()>;

fn tensors([input, hidden, gates]: [usize; 3], random: &mut StdRng) -> TorchTensors {
    let rows = gates * hidden;
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

fn uniform(count: usize, scale: f32, random: &mut StdRng) -> Vec<f32> {
    (0..count).map(|_| random.random_range(-scale..=scale)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_that_fits_no_machine_is_refused_before_it_is_tried() {
        let case = Case {
            cell: CellKind::Gru,
            steps: 1 << 24,
            batch: 1 << 24,
            input: Some(1 << 20),
            hidden: 1 << 20,
            layers: 1 << 10,
            bidirectional: true,
            ..Case::default()
        };
        assert!(case.check().is_err(), "the largest case that the options allow");
        // 3·16·(16 + 16) weights, and 32 values of every step: 2^25 − 48 steps just fit.
        let least = Case {
            steps: (1 << 25) - 48,
            batch: 1,
            input: Some(16),
            hidden: 16,
            layers: 1,
            bidirectional: false,
            ..case
        };
        least.check().expect("exactly the room there is");
        assert!(Case { steps: least.steps + 1, ..least }.check().is_err(), "one step more");
    }

    #[test]
    fn the_cost_of_a_call_is_that_of_its_products_and_of_the_weights_that_each_step_reads() {
        let case = Case { steps: 10, batch: 3, input: Some(5), hidden: 7, layers: 2, ..Case::default() };
        let cost = case.cost(&case.subject(Level::Portable).unwrap()).unwrap();
        assert_eq!(cost.operations, (2 * 4 * 7 * (5 + 7 + 7 + 7) * 10 * 3) as f64);
        assert_eq!((cost.traffic, cost.bytes), ((2 * 4 * 4 * 7 * 7 * 10) as f64, 4 * 4 * 7 * 7));
        assert_eq!(cost.cells, (2 * 7 * 10 * 3) as f64);
        let training = Case { feeding: Feeding::Training, ..case };
        let back = training.cost(&training.subject(Level::Portable).unwrap()).unwrap();
        assert_eq!(back.operations, 3.0 * cost.operations);
    }
}
