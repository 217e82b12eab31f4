//! "I stay in India … I speak Hindi": which cell still knows the country when many words stand between?
//!
//! On the left each model learns sentences of one gap only: all that could teach it comes from that far back. On the right
//! the sentences' gaps are mixed, 0 to 80, so that short ones lead to long ones. Every cell has the same sentences, the same
//! number of updates and the same starts and learning rates to choose from; its best is shown.

mod cells;
mod plot;
mod sentences;
mod trial;

use std::error::Error;
use std::ops::RangeInclusive;

use gatewise::train::Initial;
use rayon::prelude::*;

use cells::Cell;
use plot::{Axis, Curve, Figure, Panel};
use trial::{Trial, UPDATES};

const GAPS: [usize; 5] = [5, 10, 20, 40, 80];
const MIXED: RangeInclusive<usize> = 0..=80;
const STARTS: [Initial; 2] = [Initial::Torch, Initial::Keras];
const RATES: [f64; 2] = [1e-3, 4e-3];

/// A trial and what came of it.
type Outcome = (Trial, Vec<f64>);

fn main() -> Result<(), Box<dyn Error>> {
    let one = |gap: usize| trials(gap..=gap, gap, 40);
    let mut all: Vec<Trial> = trials(MIXED, 80, 160);
    all.extend(GAPS.iter().rev().flat_map(|gap| one(*gap)));
    // Longest first, each on a thread of its own.
    let learned: Vec<Outcome> = all
        .into_par_iter()
        .with_max_len(1)
        .map(|trial| trial.learn(trial.model()?).map(|(_, accuracy)| (trial, accuracy)))
        .collect::<Result<_, _>>()?;

    let mut fixed = Vec::new();
    println!("sentences of one gap: accuracy on unseen ones, updates, and the start and rate that were best");
    for (colour, cell) in Cell::ALL.into_iter().enumerate() {
        let mut points = Vec::new();
        for gap in GAPS {
            let (trial, accuracy) = best(&learned, cell, &(gap..=gap))?;
            points.push(((gap as f64 / 5.0).log2(), last(accuracy)));
            report(&format!("{:20} gap {gap:2}", cell.name()), trial, accuracy);
        }
        fixed.push(Curve { name: cell.name(), points, colour, line: 2, dot: 4 });
    }

    let mut mixed = Vec::new();
    println!("gaps from 0 to 80: accuracy at gap 80");
    for (colour, cell) in Cell::ALL.into_iter().enumerate() {
        let (trial, accuracy) = best(&learned, cell, &MIXED)?;
        report(cell.name(), trial, accuracy);
        let points = accuracy.iter().enumerate().map(|(epoch, right)| (((epoch + 1) * UPDATES) as f64, *right));
        mixed.push(Curve { name: cell.name(), points: points.collect(), colour, line: 2, dot: 0 });
    }

    let percent = || Axis {
        label: "unseen sentences that were right",
        range: 0.0..1.02,
        write: |y| format!("{:.0} %", 100.0 * y),
    };
    let gap = Axis { label: "gap (words)", range: -0.3..4.3, write: |x| format!("{:.0}", 5.0 * x.exp2()) };
    let updates = Axis { label: "updates", range: 0.0..6400.0, write: |x| format!("{x:.0}") };
    plot::draw(&Figure {
        name: "recall",
        panels: vec![
            Panel { title: "one gap, 1600 updates", x: gap, y: percent(), curves: fixed },
            Panel { title: "gaps 0 to 80 mixed, judged at 80", x: updates, y: percent(), curves: mixed },
        ],
    })
}

/// Each cell with each start and rate.
fn trials(gaps: RangeInclusive<usize>, judged: usize, epochs: u64) -> Vec<Trial> {
    let mut all = Vec::new();
    for (cell, initial) in Cell::ALL.into_iter().flat_map(|cell| STARTS.map(|initial| (cell, initial))) {
        all.extend(RATES.map(|rate| Trial {
            cell,
            initial,
            hidden: 32,
            gaps: gaps.clone(),
            judged,
            rate,
            epochs,
            seed: 1,
        }));
    }
    all
}

/// The outcome that was right most often, the soonest of equals.
fn best<'a>(learned: &'a [Outcome], cell: Cell, gaps: &RangeInclusive<usize>) -> Result<&'a Outcome, &'static str> {
    let of_these = learned.iter().filter(|(trial, _)| trial.cell == cell && trial.gaps == *gaps);
    let better = |a: &&Outcome, b: &&Outcome| last(&a.1).total_cmp(&last(&b.1)).then(b.1.len().cmp(&a.1.len()));
    of_these.max_by(better).ok_or("no trial of this cell")
}

fn last(accuracy: &[f64]) -> f64 {
    accuracy.last().copied().unwrap_or_default()
}

fn report(what: &str, trial: &Trial, accuracy: &[f64]) {
    let (right, updates) = (100.0 * last(accuracy), accuracy.len() * UPDATES);
    println!("  {what:30} {right:5.1} % after {updates:4} updates ({:?}, {})", trial.initial, trial.rate);
}
