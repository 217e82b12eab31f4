//! Small tasks that a few units learn in a second, and the files of a training.

use std::fs;

use crate::common::{Folder, Npz, Ran, noise, run};

/// A task: the configuration without `[learning]`, and sequences.
pub struct Task {
    pub name: &'static str,
    pub config: &'static str,
    pub data: fn(seed: u64) -> Npz,
    /// The training loss that is reached.
    pub loss: f64,
}

/// Sequences of each.
pub const COUNT: usize = 96;

/// Steps of each.
pub const STEPS: usize = 6;

pub const TASKS: [Task; 4] = [
    // Was the first step's feature positive?
    Task {
        name: "a class for a sequence",
        config: "[model]\ncell = \"lstm\"\nhidden = [8]\n[output]\nevery = \"sequence\"\nloss = \"cross_entropy\"\n",
        data: |seed| {
            let x = noise(COUNT * STEPS * 2, 1.0, seed);
            let y: Vec<i64> = x.chunks(STEPS * 2).map(|sequence| i64::from(sequence[0] > 0.0)).collect();
            features(&x, 2).with_ids("y", &[COUNT as u64], &y)
        },
        loss: 0.2,
    },
    // Which id stood one step before? Sequences of different lengths.
    Task {
        name: "a class for every step",
        config: "[model]\ncell = \"gru\"\nhidden = [8, 6]\nembedding = 4\n[output]\nevery = \"step\"\nloss = \"cross_entropy\"\n",
        data: |seed| {
            let ids: Vec<i64> = noise(COUNT * STEPS, 1.5, seed).iter().map(|value| (value + 1.5) as i64).collect();
            let before = |at: usize| if at.is_multiple_of(STEPS) { 0 } else { ids[at - 1] };
            let y: Vec<i64> = (0..ids.len()).map(before).collect();
            let lengths: Vec<i64> = (0..COUNT).map(|row| (STEPS - row % 3) as i64).collect();
            let shape = [COUNT as u64, STEPS as u64];
            Npz::new().with_ids("x", &shape, &ids).with_ids("y", &shape, &y).with_ids("lengths", &shape[..1], &lengths)
        },
        loss: 0.2,
    },
    // The mean of all steps.
    Task {
        name: "values for a sequence",
        config: "[model]\ncell = \"rnn\"\nhidden = [8]\nbidirectional = true\n[output]\nevery = \"sequence\"\nloss = \"squared_error\"\n",
        data: |seed| {
            let x = noise(COUNT * STEPS, 1.0, seed);
            let mean = |sequence: &[f32]| sequence.iter().sum::<f32>() / STEPS as f32;
            let y: Vec<f32> = x.chunks(STEPS).map(mean).collect();
            features(&x, 1).with("y", &[COUNT as u64], &y)
        },
        loss: 0.01,
    },
    // Each feature with that of the step before, and whether both are positive.
    Task {
        name: "values for every step",
        config: "[model]\ncell = \"lstm\"\nhidden = [10]\ninitial = \"keras\"\n[output]\nevery = \"step\"\nloss = \"binary_cross_entropy\"\n",
        data: |seed| {
            let x = noise(COUNT * STEPS, 1.0, seed);
            let positive = |at: usize| x[at] > 0.0;
            let before = |at: usize| !at.is_multiple_of(STEPS) && positive(at - 1);
            let y = (0..x.len())
                .flat_map(|at| [positive(at), positive(at) && before(at)].map(|is| f32::from(u8::from(is))));
            features(&x, 1).with("y", &[COUNT as u64, STEPS as u64, 2], &y.collect::<Vec<f32>>())
        },
        loss: 0.15,
    },
];

fn features(x: &[f32], width: usize) -> Npz {
    Npz::new().with("x", &[COUNT as u64, STEPS as u64, width as u64], x)
}

/// A folder with the files of a training.
pub struct Training {
    pub folder: Folder,
    pub config: String,
    pub data: String,
    pub validation: String,
}

impl Training {
    /// Of a task; `learning` is the rest of the configuration.
    pub fn new(task: &Task, learning: &str) -> Self {
        let folder = Folder::new();
        let config = folder.put("config.toml", format!("{}[learning]\n{learning}", task.config).as_bytes());
        let data = folder.put("train.npz", &(task.data)(1).bytes());
        let validation = folder.put("validation.npz", &(task.data)(2).bytes());
        Training { folder, config, data, validation }
    }

    /// Another configuration in the place of this one.
    pub fn relearn(&self, task: &Task, learning: &str) {
        self.folder.put("config.toml", format!("{}[learning]\n{learning}", task.config).as_bytes());
    }

    pub fn arguments<'a>(&'a self, output: &'a str, further: &[&'a str]) -> Vec<&'a str> {
        [&["train", &self.config, "--data", &self.data, "--output", output][..], further].concat()
    }

    pub fn train(&self, output: &str, further: &[&str]) -> Ran {
        let output = self.folder.path(output);
        run(&self.arguments(&output, further))
    }

    pub fn bytes(&self, name: &str) -> Vec<u8> {
        let path = self.folder.path(name);
        fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// The curve's lines of numbers; empty cells are NaN.
    pub fn curve(&self, name: &str) -> Vec<Vec<f64>> {
        let text = String::from_utf8(self.bytes(name)).expect("text");
        let header =
            "epoch,training_loss,training_accuracy,validation_loss,validation_accuracy,rate,gradient_norm,seconds";
        assert_eq!(text.lines().next(), Some(header), "{name}");
        let number = |cell: &str| if cell.is_empty() { f64::NAN } else { cell.parse().expect("a number") };
        text.lines().skip(1).map(|line| line.split(',').map(number).collect()).collect()
    }
}
