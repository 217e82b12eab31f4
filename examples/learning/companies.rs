//! The two companies of the worked example: the same values on days 2 to 4, only day 1 tells what comes on day 5.
//!
//! One LSTM unit, whose h after day 4 is the forecast, learns both stories from random weights; a simple RNN of one unit
//! beside it. With so few weights some starts fail: 10 seeds are shown.

mod plot;

use std::error::Error;
use std::ops::ControlFlow;

use gatewise::network::blueprint::{Blueprint, Layer, Operation, Output, Recurrent};
use gatewise::train::{
    Batch, Dataset, Initial, Learner, Objective, Options, Plan, Random, Run, Step, Steps, Wanted, evaluate,
};
use gatewise::{Activation, Layout, Result, Weights};
use rayon::prelude::*;

use plot::{Axis, Curve, Figure, Panel};

/// Days 1 to 4 of company A, then of company B; and day 5 of both.
const DAYS: [f32; 8] = [0.0, 0.5, 0.25, 1.0, 1.0, 0.5, 0.25, 1.0];
const DAY_5: [f32; 2] = [0.0, 1.0];
const SEEDS: u64 = 10;
const UPDATES: u64 = 1500;

/// The loss before every update and after the last, and h after each day: 4 of A, 4 of B.
type Outcome = (Vec<f64>, Vec<f32>);

/// Weights of a seed.
type Draw = fn(u64) -> Result<Weights>;

fn main() -> std::result::Result<(), Box<dyn Error>> {
    let (mut losses, mut forecasts) = (Vec::new(), Vec::new());
    let draws: [(&str, Draw); 2] = [("simple RNN, 1 unit", rnn), ("LSTM, 1 unit", lstm)];
    for (colour, (name, draw)) in [0, 2].into_iter().zip(draws) {
        let outcomes: Vec<Outcome> =
            (0..SEEDS).into_par_iter().map(|seed| learn(draw(seed)?)).collect::<Result<_>>()?;
        let last = |outcome: &Outcome| outcome.0.last().copied().unwrap_or(f64::NAN);
        let learned = outcomes.iter().filter(|outcome| last(outcome) < 0.01).count();
        println!("{name}: {learned} of {SEEDS} starts came below a loss of 0.01");
        for (losses_of, _) in &outcomes {
            let points = losses_of.iter().enumerate().step_by(5).map(|(at, loss)| (at as f64, loss.log10())).collect();
            losses.push(Curve { name, points, colour, line: 1, dot: 0 });
        }
        let best = outcomes.iter().min_by(|a, b| last(a).total_cmp(&last(b))).ok_or("no seed")?;
        println!(
            "  the best: loss {:.1e}; h after days 1 to 4: A {:.3?}, B {:.3?}",
            last(best),
            &best.1[..4],
            &best.1[4..]
        );
        for h in best.1.chunks(4) {
            let points = h.iter().enumerate().map(|(day, h)| (day as f64 + 1.0, f64::from(*h))).collect();
            forecasts.push(Curve { name, points, colour, line: 2, dot: 4 });
        }
    }
    let wanted = DAY_5.map(|day_5| (5.0, f64::from(day_5))).to_vec();
    forecasts.push(Curve { name: "day 5: A 0, B 1", points: wanted, colour: 4, line: 0, dot: 5 });

    let (updates, days) = (0.0..UPDATES as f64, 0.8..5.2);
    plot::draw(&Figure {
        name: "companies",
        panels: vec![
            Panel {
                title: "loss, 10 starts each",
                x: Axis { label: "updates", range: updates, write: |x| format!("{x:.0}") },
                y: Axis { label: "mean squared error", range: -6.0..0.5, write: |y| format!("1e{y:.0}") },
                curves: losses,
            },
            Panel {
                title: "the best start's h, company A and B",
                x: Axis { label: "day", range: days, write: |x| format!("{x:.0}") },
                y: Axis { label: "h", range: -0.6..1.1, write: |y| format!("{:.1}", y + 1e-9) },
                curves: forecasts,
            },
        ],
    })
}

fn lstm(seed: u64) -> Result<Weights> {
    Ok(Initial::Torch.lstm(1, 1, &mut Random::new(seed))?.into())
}

fn rnn(seed: u64) -> Result<Weights> {
    Ok(Initial::Torch.rnn(1, 1, Activation::Tanh, &mut Random::new(seed))?.into())
}

fn learn(weights: Weights) -> Result<Outcome> {
    let data = Dataset::new(Steps::Features(DAYS.to_vec()), Wanted::Values(DAY_5.to_vec()), 4, 2);
    let mut plan = Plan::new(Objective::SquaredError, UPDATES);
    plan.schedule.rate = 0.03;
    let cell = Recurrent { output: Output::Last, ..Recurrent::forward(weights) };
    let layers = vec![Layer::new("cell", Operation::Recurrent(Box::new(cell)))];
    let learner = Learner::new(Blueprint { layers, ..Blueprint::default() }, Options::default())?;
    let mut run = Run::new(learner, plan, &data)?;

    // Both stories are one batch, so an epoch is one update, and its loss that of the weights before it.
    let mut losses = Vec::new();
    while let Step::Finished(epoch) = run.epoch(&data, None, &mut |_| ControlFlow::Continue(()))? {
        losses.push(epoch.training.mean());
        if epoch.over {
            break;
        }
    }
    losses.push(evaluate(run.learner(), Objective::SquaredError, &data, 2)?.mean());

    let mut blueprint = run.into_blueprint();
    for layer in &mut blueprint.layers {
        if let Operation::Recurrent(cell) = &mut layer.operation {
            cell.output = Output::Every;
        }
    }
    let mut every = Learner::new(blueprint, Options::default())?;
    let y = every.forward(&Batch::new(&DAYS, Layout::BatchFirst, 2))?.y.clone();
    Ok((losses, y))
}
