//! States and inputs that decay to nothing: no subnormal number ever comes out, so that time does not depend on the values.

use gatewise::{GruWeights, Layout, LstmWeights, Merge, Model, RnnWeights, Session, TorchTensors, Weights};

use crate::common::jobs::{Job, Lengths};
use crate::common::levels;
use crate::common::networks::{KINDS, Kind, Plan, Twin, Ways};

/// The first subnormal number among `values`, with its index.
fn subnormal(values: &[f32]) -> Option<(usize, f32)> {
    values.iter().copied().enumerate().find(|(_, value)| value.is_subnormal())
}

/// Inputs from ±1 down to the smallest subnormal numbers within 160 steps, then some of those, then nothing.
fn decaying(job: &mut Job) {
    let row = job.batch * job.widths.input;
    for (step, x) in job.x.chunks_mut(row).enumerate() {
        for value in x {
            *value = if step < 200 { *value * 2f32.powi(-(step.min(145) as i32)) } else { 0.0 };
        }
    }
    assert!(job.x.iter().any(|value| value.is_subnormal()), "the input reaches the subnormal numbers");
}

#[test]
fn decaying_input_leaves_no_subnormal_number_and_agrees_with_the_reference() {
    for (index, kind) in KINDS.into_iter().enumerate() {
        for ways in [Ways::Forward, Ways::Both(Merge::Sum), Ways::Both(Merge::Mul)] {
            for layers in 1..3 {
                let twin = Twin::new(&Plan::stack(kind, 5, 11, layers, ways), index as u64);
                let mut job = Job::random(&twin, 400, 3, Lengths::Equal, 3);
                decaying(&mut job);
                let expected = job.expected(&twin);
                for level in levels() {
                    let found = job.run(&twin.model(level), 1);
                    let what = || format!("{level}, {:?}", twin.plan);
                    found.assert_close(&expected, 1e-6, what);
                    for (name, found, _) in found.pairs(&expected) {
                        assert_eq!(subnormal(found), None, "{name}, {}", what());
                    }
                }
            }
        }
    }
}

/// Cells without biases, whose states vanish: about halved at every step.
fn vanishing(kind: Kind) -> Weights {
    let hidden = 9;
    // Signs by a fixed pattern; small enough that a simple RNN's state shrinks too.
    let matrix = |rows: usize, columns: usize| -> Vec<f32> {
        (0..rows * columns).map(|n| if n * n % 7 < 3 { 0.06 } else { -0.04 }).collect()
    };
    let zeros = vec![0.0; 4 * hidden];
    match kind {
        Kind::Lstm => LstmWeights::new(2, hidden, &matrix(36, 2), &matrix(36, hidden), &zeros).unwrap().into(),
        Kind::GruAfter => {
            let (ih, hh) = (matrix(27, 2), matrix(27, hidden));
            GruWeights::new(2, hidden, &ih, &hh, &zeros[..27], &zeros[..9]).unwrap().into()
        }
        _ => RnnWeights::new(2, hidden, &matrix(9, 2), &matrix(9, hidden), &zeros[..9]).unwrap().into(),
    }
}

#[test]
fn a_vanishing_state_becomes_zero_without_a_subnormal_number_on_the_way() {
    for kind in [Kind::Lstm, Kind::GruAfter, Kind::RnnTanh] {
        for level in levels() {
            let model = Model::with_level(vanishing(kind), level).unwrap();
            let mut session = Session::new(&model, 1).unwrap();
            let cell = vec![1.0; session.cell_state().len()];
            session.set_state(&[1.0; 9], &cell).unwrap();
            let mut smallest = f32::INFINITY;
            for step in 0..300 {
                session.step(&[0.0; 2]).unwrap();
                for values in [session.hidden_state(), session.cell_state()] {
                    assert_eq!(subnormal(values), None, "{kind:?}, {level}, step {step}");
                    let sizes = values.iter().map(|value| value.abs()).filter(|value| *value > 0.0);
                    smallest = sizes.fold(smallest, f32::min);
                }
            }
            // Otherwise the state did not vanish, and the test above could not fail.
            assert!(smallest < 1e-15, "{kind:?}, {level}: the smallest state on the way was {smallest:e}");
            assert!(session.hidden_state().iter().all(|value| *value == 0.0), "{kind:?}, {level}: h at the end");
        }
    }
}

#[test]
fn a_vanishing_batch_becomes_zero_without_a_subnormal_number_on_the_way() {
    let (steps, batch) = (300, 5);
    for kind in [Kind::Lstm, Kind::GruAfter, Kind::RnnTanh] {
        for level in levels() {
            let model = Model::builder().layer(vanishing(kind)).level(level).build().unwrap();
            let mut session = Session::new(&model, batch).unwrap();
            let cell = vec![1.0; session.cell_state().len()];
            session.set_state(&vec![1.0; 9 * batch], &cell).unwrap();
            let mut y = vec![f32::NAN; steps * batch * 9];
            session.run(&vec![0.0; steps * batch * 2], Layout::TimeMajor, &mut y).unwrap();
            assert_eq!(subnormal(&y), None, "{kind:?}, {level}: y (value {} of a step)", 9 * batch);
            assert_eq!(y[y.len() - 9..], [0.0; 9], "{kind:?}, {level}: h at the end");
        }
    }
}

/// Where the forward direction has nearly vanished and the reverse one as well, their product is smaller still.
#[test]
fn a_product_of_vanishing_directions_is_no_subnormal_number() {
    for level in levels() {
        let (forward, reverse) = (vanishing(Kind::GruAfter), vanishing(Kind::GruAfter));
        let model = Model::builder().bidirectional(forward, reverse, Merge::Mul).level(level).build().unwrap();
        for steps in (20..200).step_by(5) {
            let mut session = Session::new(&model, 1).unwrap();
            session.set_state(&[1.0; 18], &[]).unwrap();
            let mut y = vec![f32::NAN; steps * 9];
            session.run(&vec![0.0; steps * 2], Layout::TimeMajor, &mut y).unwrap();
            assert_eq!(subnormal(&y), None, "{level}, T = {steps}");
        }
    }
}

/// What a nearly closed output gate shows of a small cell state, through small projection weights.
#[test]
fn a_projection_of_nearly_nothing_is_no_subnormal_number() {
    let (hidden, width) = (6, 3);
    let mut bias = vec![0.0; 4 * hidden];
    // Forget gates open, input gates and output gates closed.
    for unit in 0..hidden {
        (bias[unit], bias[hidden + unit], bias[3 * hidden + unit]) = (-30.0, 20.0, -30.0);
    }
    let tensors = TorchTensors {
        input_size: 1,
        hidden_size: hidden,
        weight_ih: vec![0.0; 4 * hidden],
        weight_hh: vec![0.5; 4 * hidden * width],
        biases: Some([bias, vec![0.0; 4 * hidden]]),
        projection: Some(vec![1e-8; width * hidden]),
    };
    for level in levels() {
        let model = Model::with_level(LstmWeights::from_torch(&tensors).unwrap(), level).unwrap();
        let mut session = Session::new(&model, 1).unwrap();
        session.set_state(&[0.0; 3], &[1e-19; 6]).unwrap();
        let mut y = [0.0; 6];
        session.run(&[0.0; 2], Layout::TimeMajor, &mut y).unwrap();
        assert_eq!(subnormal(&y), None, "{level}: {y:?}");
    }
}
