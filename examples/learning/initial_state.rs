//! What a sequence begins with: zeros, random states from a seed, or states that are learned with the weights.
//!
//! A running mean of daily values is wanted, m' = 0.9·m + 0.1·x, over windows of 20 days that are cut out of a long record:
//! on the first day the true state is not zero, and unknown. The loop over updates is written out, as random states are
//! given with each batch.

mod plot;

use gatewise::activation::{Activation, Finish};
use gatewise::network::blueprint::{Blueprint, Layer, Operation, Recurrent, State};
use gatewise::train::loss::{Rows, Targets};
use gatewise::train::optimizer::{Adam, Rule, Shrinks, Slot};
use gatewise::train::{Batch, Initial, Learner, Objective, Optimizer, Options, Random, Upstream};
use gatewise::{Layout, Result};
use rayon::prelude::*;

use plot::{Axis, Curve, Figure, Panel};

const STEPS: usize = 20;
const BATCH: usize = 32;
const HIDDEN: usize = 8;
const UPDATES: usize = 2000;
const SEEDS: u64 = 10;
/// Windows to judge by.
const JUDGED: usize = 2000;

/// What sequences begin with.
#[derive(Clone, Copy, Debug)]
enum Begin {
    Zeros,
    /// Normal with deviation 1, another one for each sequence.
    Random,
    Learned,
}

/// The root mean squared error every 20 updates, and on each of the days after the last.
type Outcome = (Vec<f64>, Vec<f64>);

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let (mut over_updates, mut over_days) = (Vec::new(), Vec::new());
    println!("root mean squared error on day 1, 2, 5, 10, 20, after {UPDATES} updates, mean of {SEEDS} seeds");
    for (colour, begin, name) in
        [(2, Begin::Zeros, "zeros"), (0, Begin::Random, "random from a seed"), (1, Begin::Learned, "learned")]
    {
        let outcomes: Vec<Outcome> =
            (0..SEEDS).into_par_iter().map(|seed| learn(begin, seed)).collect::<Result<_>>()?;
        let losses = mean(outcomes.iter().map(|outcome| &outcome.0));
        let days = mean(outcomes.iter().map(|outcome| &outcome.1));
        println!("  {name:20} {:.3?}", [0, 1, 4, 9, 19].map(|day| days[day]));
        let points = losses.iter().enumerate().map(|(at, loss)| (20.0 * (at as f64 + 1.0), loss.log10())).collect();
        over_updates.push(Curve { name, points, colour, line: 2, dot: 0 });
        let points = days.iter().enumerate().map(|(day, error)| (day as f64 + 1.0, *error)).collect();
        over_days.push(Curve { name, points, colour, line: 2, dot: 3 });
    }
    // What no model can know: the mean before day 1 has the variance σ²·0.1²/(1 − 0.9²).
    let spread = |day: usize| 0.5 * 0.1 / 0.19_f64.sqrt() * 0.9_f64.powi(day as i32);
    println!("  {:20} {:.3?}", "the least possible", [0, 1, 4, 9, 19].map(|day| spread(day + 1)));
    let least = (1..=STEPS).map(|day| (day as f64, spread(day))).collect();
    over_days.push(Curve { name: "the least possible", points: least, colour: 4, line: 1, dot: 0 });

    let updates = Axis { label: "updates", range: 0.0..UPDATES as f64, write: |x| format!("{x:.0}") };
    let errors =
        Axis { label: "root mean squared error", range: -1.6..0.2, write: |y| format!("{:.2}", 10f64.powf(*y)) };
    let days = Axis { label: "day of the window", range: 0.5..20.5, write: |x| format!("{x:.0}") };
    let error = Axis { label: "root mean squared error", range: 0.0..0.25, write: |y| format!("{y:.2}") };
    plot::draw(&Figure {
        name: "initial_state",
        panels: vec![
            Panel { title: "all days, while learning", x: updates, y: errors, curves: over_updates },
            Panel { title: "day by day, after 2000 updates", x: days, y: error, curves: over_days },
        ],
    })
}

fn mean<'a>(all: impl Iterator<Item = &'a Vec<f64>>) -> Vec<f64> {
    all.fold(Vec::new(), |mut sums: Vec<f64>, values| {
        sums.resize(values.len(), 0.0);
        sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value / SEEDS as f64);
        sums
    })
}

/// Windows of the record, `[T, B]`: values around 1, and their running mean, which began long before.
fn windows(count: usize, random: &mut Random) -> [Vec<f32>; 2] {
    let [mut x, mut wanted] = [(); 2].map(|()| vec![0.0; STEPS * count]);
    for window in 0..count {
        let mut mean = 1.0 + 0.5 * 0.1 / 0.19_f64.sqrt() * random.normal();
        for step in 0..STEPS {
            let value = 1.0 + 0.5 * random.normal();
            mean = 0.9 * mean + 0.1 * value;
            (x[step * count + window], wanted[step * count + window]) = (value as f32, mean as f32);
        }
    }
    [x, wanted]
}

fn model(begin: Begin, random: &mut Random) -> Result<Blueprint> {
    let mut lstm = Recurrent::forward(Initial::Keras.lstm(1, HIDDEN, random)?);
    if let Begin::Learned = begin {
        lstm.initial = vec![State { hidden: vec![0.0; HIDDEN], cell: vec![0.0; HIDDEN] }];
    }
    let head = Initial::Keras.dense(HIDDEN, 1, Finish::Each(Activation::Identity), random)?;
    let layers =
        vec![Layer::new("lstm", Operation::Recurrent(Box::new(lstm))), Layer::new("mean", Operation::Dense(head))];
    Ok(Blueprint { layers, ..Blueprint::default() })
}

/// Forward propagation; `None` of the states lets the model begin as it is made: with zeros, or with its own.
fn forward<'a>(learner: &'a mut Learner, begin: Begin, x: &[f32], random: &mut Random) -> Result<&'a [f32]> {
    let count = x.len() / STEPS;
    let states: Option<[Vec<f32>; 2]> = match begin {
        Begin::Random => Some([(); 2].map(|()| (0..count * HIDDEN).map(|_| random.normal() as f32).collect())),
        Begin::Zeros | Begin::Learned => None,
    };
    let [hidden, cell] = [0, 1].map(|which| states.as_ref().map(|states| &states[which][..]));
    Ok(&learner.forward(&Batch { hidden, cell, ..Batch::new(x, Layout::TimeMajor, count) })?.y)
}

fn learn(begin: Begin, seed: u64) -> Result<Outcome> {
    let mut random = Random::new(seed);
    let mut learner = Learner::new(model(begin, &mut random)?, Options::default())?;
    let slots = learner.parameters().into_iter().map(|(_, values)| Slot { values: values.len(), shrinks: Shrinks::No });
    let mut adam = Optimizer::new(Rule::Adam(Adam::default()), slots.collect())?;
    let (mut losses, mut sum) = (Vec::new(), 0.0);
    for update in 1..=UPDATES {
        let [x, wanted] = windows(BATCH, &mut random);
        let y = forward(&mut learner, begin, &x, &mut random)?;
        let mut gradient = vec![0.0; y.len()];
        let rows = Rows { outputs: y, width: 1, counted: None };
        sum += Objective::SquaredError.measure(rows, Targets::Values(&wanted), &mut gradient)?.mean() / 20.0;
        learner.zero_gradients();
        learner.backward(Upstream { y: &gradient, ..Upstream::default() })?;
        learner.update(|parameters, gradients| {
            let mut values: Vec<&mut [f32]> = parameters.iter_mut().map(|(_, values)| &mut **values).collect();
            adam.step(&mut values, gradients, 3e-3)
        })?;
        if update % 20 == 0 {
            losses.push(std::mem::take(&mut sum).sqrt());
        }
    }
    let [x, wanted] = windows(JUDGED, &mut random);
    let y = forward(&mut learner, begin, &x, &mut random)?;
    let square = |(y, wanted): (&f32, &f32)| f64::from(y - wanted).powi(2) / JUDGED as f64;
    let day = |(y, wanted): (&[f32], &[f32])| y.iter().zip(wanted).map(square).sum::<f64>().sqrt();
    Ok((losses, y.chunks(JUDGED).zip(wanted.chunks(JUDGED)).map(day).collect()))
}
