//! What the examples of docs/learning.md show, in small: gradients that vanish and gradients that do not.

#[path = "../examples/learning/cells.rs"]
mod cells;
#[path = "../examples/learning/jacobian.rs"]
mod jacobian;
#[path = "../examples/learning/sentences.rs"]
mod sentences;
#[path = "../examples/learning/trial.rs"]
mod trial;

use gatewise::network::blueprint::{Blueprint, Layer, Operation, Recurrent};
use gatewise::train::{Batch, Initial, Learner, Options, Random};
use gatewise::{Layout, Weights};

use cells::Cell;
use jacobian::log_norms;
use trial::{Trial, UPDATES};

const INPUT: usize = 4;

fn inputs(steps: usize) -> Vec<f32> {
    let mut random = Random::new(7);
    (0..steps * INPUT).map(|_| random.normal() as f32).collect()
}

#[test]
fn every_gated_cell_learns_sentences_with_a_short_gap() {
    for cell in Cell::ALL.into_iter().filter(|cell| *cell != Cell::Rnn) {
        let trial = Trial {
            cell,
            initial: Initial::Keras,
            hidden: 16,
            gaps: 3..=3,
            judged: 3,
            rate: 0.01,
            epochs: 10,
            seed: 1,
        };
        let (_, accuracy) = trial.learn(trial.model().unwrap()).unwrap();
        let right = accuracy[accuracy.len() - 1];
        assert!(right > 0.99, "{}: {right} after {} updates", cell.name(), accuracy.len() * UPDATES);
    }
}

#[test]
fn a_simple_rnn_has_lost_the_gradient_that_an_lstm_still_has() {
    for (initial, apart) in [(Initial::Torch, 2.0), (Initial::Keras, 2.0)] {
        let [rnn, _, lstm, open] = Cell::ALL.map(|cell| {
            let weights = cell.draw(initial, INPUT, 16, &mut Random::new(1)).unwrap();
            log_norms(&weights, &inputs(90)).unwrap()[60]
        });
        println!("{initial:?}: {rnn:.2} {lstm:.2} {open:.2}");
        assert!(rnn < lstm - apart, "{initial:?}: simple RNN 1e{rnn:.1}, LSTM 1e{lstm:.1}");
        assert!(rnn < open - 6.0 && open > -4.0, "{initial:?}: simple RNN 1e{rnn:.1}, open LSTM 1e{open:.1}");
    }
}

#[test]
fn the_norms_are_those_of_differences() {
    for cell in Cell::ALL {
        let weights = cell.draw(Initial::Torch, INPUT, 5, &mut Random::new(3)).unwrap();
        let x = inputs(12);
        let logs = log_norms(&weights, &x).unwrap();
        for lag in [1, 2, 5] {
            let expected = by_differences(&weights, &x, lag);
            let log = logs[lag];
            assert!((log - expected).abs() < 2e-3, "{}, lag {lag}: {log}, by differences {expected}", cell.name());
        }
    }
}

/// log₁₀ of the norm, from small changes of each unit of h, up and down.
fn by_differences(weights: &Weights, x: &[f32], lag: usize) -> f64 {
    let layers = vec![Layer::new("cell", Operation::Recurrent(Box::new(Recurrent::forward(weights.clone()))))];
    let mut learner = Learner::new(Blueprint { layers, ..Blueprint::default() }, Options::default()).unwrap();
    let (before, after) = x.split_at(x.len() - lag * INPUT);
    let state = learner.forward(&Batch::new(before, Layout::TimeMajor, 1)).unwrap().clone();
    let mut squares = 0.0;
    for unit in 0..state.hidden.len() {
        let [up, down] = [0.01, -0.01].map(|change| {
            let mut hidden = state.hidden.clone();
            hidden[unit] += change;
            let rows = Batch::new(after, Layout::TimeMajor, 1);
            let batch = Batch { hidden: Some(&hidden), cell: Some(&state.cell), ..rows };
            learner.forward(&batch).unwrap().hidden.clone()
        });
        squares += up.iter().zip(&down).map(|(up, down)| (f64::from(up - down) / 0.02).powi(2)).sum::<f64>();
    }
    (squares / state.hidden.len() as f64).sqrt().log10()
}
