//! How much the starting weights decide: the accuracy that 20 seeds come to, cell by cell, and the best start saved.
//!
//! The best of the LSTM's starts at the longer gap is written to a checkpoint, read back, put into a model of another seed, and learned from
//! once more: it comes to the same bits.

mod cells;
mod plot;
mod sentences;
mod trial;

use std::error::Error;
use std::path::Path;

use gatewise::Result;
use gatewise::network::blueprint::Blueprint;
use gatewise::train::early::{Start, best_of};
use gatewise::train::{Checkpoint, Initial, Learner, Options, Run};
use rayon::prelude::*;

use cells::Cell;
use plot::{Axis, Curve, Figure, Panel};
use trial::{Trial, UPDATES};

const SEEDS: u64 = 20;
const GAPS: [usize; 2] = [12, 20];
const EPOCHS: u64 = 15;

/// The run and the accuracy after each of its epochs.
type Learned = (Run, Vec<f64>);

/// All seeds of a cell.
struct Swing {
    trial: Trial,
    best: Start<Learned>,
    /// What each came to, in rising order.
    accuracy: Vec<f64>,
}

fn main() -> std::result::Result<(), Box<dyn Error>> {
    let trials = GAPS.into_iter().flat_map(|gap| Cell::ALL.map(|cell| trial(cell, gap)));
    let swings: Vec<Swing> =
        trials.collect::<Vec<_>>().into_par_iter().with_max_len(1).map(each_seed).collect::<Result<_>>()?;

    let titles = GAPS.map(|gap| format!("gap {gap}, {} updates, {SEEDS} seeds", EPOCHS as usize * UPDATES));
    let mut panels = Vec::new();
    for (title, swings) in titles.iter().zip(swings.chunks(Cell::ALL.len())) {
        println!("{title}: accuracy on unseen sentences");
        panels.push(panel(title, swings));
    }
    let hard = swings.iter().rfind(|swing| swing.trial.cell == Cell::Lstm).ok_or("no LSTM")?;
    learn_again(hard)?;
    plot::draw(&Figure { name: "seeds", panels })
}

/// As the first seed has it.
fn trial(cell: Cell, gap: usize) -> Trial {
    Trial {
        cell,
        initial: Initial::Keras,
        hidden: 32,
        gaps: gap..=gap,
        judged: gap,
        rate: 2e-3,
        epochs: EPOCHS,
        seed: 0,
    }
}

fn each_seed(trial: Trial) -> Result<Swing> {
    let mut all = Vec::new();
    let best = best_of(0..SEEDS, |seed| {
        let trial = Trial { seed, ..trial.clone() };
        let (run, accuracy) = trial.learn(trial.model()?)?;
        let right = accuracy.last().copied().unwrap_or_default();
        all.push(right);
        Ok((1.0 - right, (run, accuracy)))
    })?;
    all.sort_by(f64::total_cmp);
    Ok(Swing { trial, best, accuracy: all })
}

fn panel<'a>(title: &'a str, swings: &[Swing]) -> Panel<'a> {
    let mut curves = Vec::new();
    for (colour, Swing { trial, best, accuracy }) in swings.iter().enumerate() {
        let name = trial.cell.name();
        let [worst, middle, highest] = [0, accuracy.len() / 2, accuracy.len() - 1].map(|at| 100.0 * accuracy[at]);
        println!("  {name:20} {worst:5.1} % to {highest:5.1} %, middle {middle:5.1} %; best seed {}", best.seed);
        let points = accuracy.iter().enumerate().map(|(rank, right)| (rank as f64 + 1.0, *right)).collect();
        curves.push(Curve { name, points, colour, line: 1, dot: 4 });
    }
    let range = 0.5..SEEDS as f64 + 0.5;
    Panel {
        title,
        x: Axis { label: "starts, from the worst to the best", range, write: |x| format!("{x:.0}") },
        y: Axis {
            label: "unseen sentences that were right",
            range: 0.0..1.04,
            write: |y| format!("{:.0} %", 100.0 * y),
        },
        curves,
    }
}

/// Saves the best start, puts it into the model of another seed, and learns from it as before.
fn learn_again(Swing { trial, best, .. }: &Swing) -> std::result::Result<(), Box<dyn Error>> {
    let path = std::env::temp_dir().join("gatewise-best-start.safetensors");
    let (run, accuracy) = &best.outcome;
    run.save(&path, format!("the best of {SEEDS} seeds: {}", best.seed))?;
    let other = Trial { seed: best.seed + 1, ..trial.clone() }.model()?;
    let (_, second) = Trial { seed: best.seed, ..trial.clone() }.learn(with_start_of(&path, other)?)?;
    println!("the start of seed {} from {}: the same once more: {}", best.seed, path.display(), second == *accuracy);
    Ok(())
}

/// The model with the starting weights of the checkpoint's run.
fn with_start_of(path: &Path, model: Blueprint) -> Result<Blueprint> {
    let checkpoint = Checkpoint::read(path)?;
    let mut learner = Learner::new(model, Options::default())?;
    learner.update(|parameters, _| {
        for (name, values) in parameters {
            let wanted = format!("start.{name}");
            if let Some(tensor) = checkpoint.tensors.iter().find(|tensor| tensor.name == wanted) {
                values.copy_from_slice(&tensor.values);
            }
        }
        Ok(())
    })?;
    Ok(learner.into_blueprint())
}
