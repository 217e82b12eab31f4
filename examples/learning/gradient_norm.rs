//! How fast gradients vanish: ‖∂h_T/∂h_{T−k}‖ against the lag k, cell beside cell, before and after learning.
//!
//! The first two panels show fresh weights as PyTorch and as Keras draw them, means of the logarithm over 20 seeds. The
//! third shows weights that have learned the sentences of `recall` with gaps from 0 to 80.

mod cells;
mod jacobian;
mod plot;
mod sentences;
mod trial;

use gatewise::network::blueprint::Operation;
use gatewise::train::{Initial, Random};
use gatewise::{Error, Result, Weights};
use rayon::prelude::*;

use cells::Cell;
use jacobian::log_norms;
use plot::{Axis, Curve, Figure, Panel};
use trial::{Trial, UPDATES};

const LAGS: usize = 100;
/// Steps before the last lag, in which the state leaves its zeros.
const SETTLING: usize = 50;
const INPUT: usize = 16;
const HIDDEN: usize = 32;
const SEEDS: u64 = 20;

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let torch = each_cell(|cell| mean_of_seeds(|random| cell.draw(Initial::Torch, INPUT, HIDDEN, random)))?;
    let keras = each_cell(|cell| mean_of_seeds(|random| cell.draw(Initial::Keras, INPUT, HIDDEN, random)))?;
    let learned = each_cell(after_learning)?;
    let panels =
        [("fresh, as PyTorch draws", torch), ("fresh, as Keras draws", keras), ("after learning to recall", learned)];
    for (title, curves) in &panels {
        println!("{title}: log10 of the norm at lag 20, 60, 100");
        for (cell, logs) in Cell::ALL.iter().zip(curves) {
            println!("  {:20} {:7.2} {:7.2} {:7.2}", cell.name(), logs[20], logs[60], logs[100]);
        }
    }
    let panels = panels.iter().map(|(title, curves)| panel(title, curves)).collect();
    plot::draw(&Figure { name: "gradient_norm", panels })
}

fn each_cell(norms: impl Fn(Cell) -> Result<Vec<f64>> + Sync) -> Result<Vec<Vec<f64>>> {
    Cell::ALL.par_iter().map(|cell| norms(*cell)).collect()
}

/// Inputs as words that are looked up are: normal, with deviation 1.
fn inputs(seed: u64) -> Vec<f32> {
    let mut random = Random::keyed([seed, 3, 0, 0]);
    (0..(SETTLING + LAGS) * INPUT).map(|_| random.normal() as f32).collect()
}

/// The mean of the logarithms for every lag; each seed has weights and inputs of its own.
fn mean_of_seeds(draw: impl Fn(&mut Random) -> Result<Weights>) -> Result<Vec<f64>> {
    let mut mean = vec![0.0; LAGS + 1];
    for seed in 0..SEEDS {
        let logs = log_norms(&draw(&mut Random::new(seed))?, &inputs(seed))?;
        mean.iter_mut().zip(logs).for_each(|(mean, log)| *mean += log / SEEDS as f64);
    }
    Ok(mean)
}

fn after_learning(cell: Cell) -> Result<Vec<f64>> {
    let trial = Trial {
        cell,
        initial: Initial::Keras,
        hidden: HIDDEN,
        gaps: 0..=80,
        judged: 80,
        rate: 4e-3,
        epochs: 40,
        seed: 1,
    };
    let (run, accuracy) = trial.learn(trial.model()?)?;
    let (right, updates) = (accuracy.last().copied().unwrap_or_default(), accuracy.len() * UPDATES);
    println!("{}: {:.1} % right at gap 80 after {updates} updates", cell.name(), 100.0 * right);
    let recurrent = run.into_blueprint().layers.into_iter().find_map(|layer| match layer.operation {
        Operation::Recurrent(recurrent) => Some(recurrent),
        _ => None,
    });
    let weights = recurrent.and_then(|recurrent| recurrent.passes.each().next().cloned());
    let weights = weights.ok_or_else(|| Error::Model { message: "no recurrent layer".to_owned() })?;
    mean_of_seeds(|_| Ok(weights.clone()))
}

fn panel<'a>(title: &'a str, norms: &[Vec<f64>]) -> Panel<'a> {
    let curve = |(colour, (cell, logs)): (usize, (&Cell, &Vec<f64>))| {
        let points = logs.iter().enumerate().map(|(lag, log)| (lag as f64, *log)).collect();
        Curve { name: cell.name(), points, colour, line: 2, dot: 0 }
    };
    Panel {
        title,
        x: Axis { label: "lag k (steps)", range: 0.0..LAGS as f64, write: |x| format!("{x:.0}") },
        y: Axis { label: "‖∂h_T/∂h_{T−k}‖ / √H", range: -30.0..1.0, write: |y| format!("1e{y:.0}") },
        curves: Cell::ALL.iter().zip(norms).enumerate().map(curve).collect(),
    }
}
