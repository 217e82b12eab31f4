//! ONNX's activations inside a cell, one by one, over a range of sums; and the one that jumps, on exact sums.

use gatewise::{Activation, Level, Model, RnnOptions, RnnWeights, Session};

use crate::common::cells::function;
use crate::common::levels;
use crate::common::networks::ACTIVATIONS;

/// A simple RNN without weights: a unit's state is the activation of its bias.
fn states(level: Level, activation: Activation, sums: &[f32]) -> Vec<f32> {
    let hidden = sums.len();
    let weights = RnnWeights::new(1, hidden, &vec![0.0; hidden], &vec![0.0; hidden * hidden], sums).unwrap();
    let weights = weights.with_options(RnnOptions { activation, clip: None });
    let model = Model::with_level(weights, level).unwrap();
    let mut session = Session::new(&model, 1).unwrap();
    session.step(&[0.0]).unwrap().to_vec()
}

#[test]
fn every_activation_of_onnx_is_the_references() {
    let sums: Vec<f32> = (-160..=160).map(|n| n as f32 / 16.0).chain([-95.0, -40.0, 40.0, 95.0, 1e-6, -1e-6]).collect();
    let threshold = Activation::ThresholdedRelu { alpha: 0.21 };
    for activation in ACTIVATIONS.into_iter().chain([threshold]) {
        for level in levels() {
            for (sum, found) in sums.iter().zip(states(level, activation, &sums)) {
                let expected = function(activation).apply(f64::from(*sum));
                let error = (f64::from(found) - expected).abs();
                // Affine cancels near its root: the larger of the two terms counts.
                let scale = expected.abs().max(if let Activation::Affine { beta, .. } = activation {
                    beta.into()
                } else {
                    1e-9
                });
                assert!(error <= 4e-7 * scale, "{level}: {activation:?} of {sum} is {found:e}, expected {expected:e}");
            }
        }
    }
}

/// "ThresholdedRelu(x) - x if x >= alpha, 0 otherwise", says the page that [`Activation`] cites.
#[test]
fn a_thresholded_relu_lets_its_own_threshold_pass() {
    let sums = [0.25, 0.249_999_99, -0.25, 0.250_000_03];
    for level in levels() {
        let found = states(level, Activation::ThresholdedRelu { alpha: 0.25 }, &sums);
        assert_eq!(found, [0.25, 0.0, 0.0, 0.250_000_03], "{level}: of {sums:?}");
    }
}
