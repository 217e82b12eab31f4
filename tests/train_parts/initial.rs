//! Weights to begin with: bounds and moments, orthonormal columns, the same bits for the same seed.

use gatewise::Weights;
use gatewise::activation::{Activation, Finish};
use gatewise::train::initial::{Initial, orthogonal};
use gatewise::train::random::Random;

use crate::{assert_close, message};

const ALL: [Initial; 3] = [Initial::Torch, Initial::Keras, Initial::Zeros];

fn assert_bits(what: &str, found: &[f32], expected: &[f64]) {
    let expected: Vec<f32> = expected.iter().map(|value| *value as f32).collect();
    assert_eq!(found, expected, "{what}");
}

/// Even between ±bound: all within, some near it, the deviation bound/√3.
fn assert_even(what: &str, values: &[f32], bound: f64) {
    let most = values.iter().fold(0.0f32, |most, value| most.max(value.abs()));
    assert!(f64::from(most) <= bound * (1.0 + 1e-7) && f64::from(most) > bound * 0.99, "{what}: {most}, not {bound}");
    let count = values.len() as f64;
    let mean = values.iter().map(|value| f64::from(*value)).sum::<f64>() / count;
    let square = values.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>() / count;
    assert!(mean.abs() < 5.0 * bound / (3.0 * count).sqrt(), "{what}: mean {mean}");
    let expected = bound * bound / 3.0;
    assert!(
        (square / expected - 1.0).abs() < 5.0 * (0.8 / count).sqrt(),
        "{what}: mean square {square}, not {expected}"
    );
}

#[test]
fn the_first_weights_of_a_seed_are_these() {
    let lstm = Initial::Torch.lstm(1, 2, &mut Random::new(42)).unwrap();
    assert_bits(
        "torch",
        lstm.weight_ih(),
        &[
            -0.21460058860882353,
            -0.30306798695585035,
            -0.009231329598313298,
            -0.1868285149822595,
            0.460578487754292,
            -0.6119730345571168,
            -0.014146946580106956,
            -0.330189366628292,
        ],
    );
    let lstm = Initial::Keras.lstm(1, 2, &mut Random::new(42)).unwrap();
    assert_bits(
        "keras",
        lstm.weight_ih(),
        &[
            -0.24779941520311288,
            -0.3499527677034364,
            -0.01065942125712871,
            -0.21573098683461112,
            0.5318302277757825,
            -0.7066455924766872,
            -0.01633548683247199,
            -0.3812698394127929,
        ],
    );
}

/// numpy's `linalg.qr`, which is Householder's, with the signs of R's diagonal.
#[test]
fn the_orthogonal_matrix_is_the_q_of_a_normal_one() {
    let found = orthogonal(6, 3, &mut Random::new(42)).unwrap();
    let expected = [
        [-0.10187746754707261, -0.3459208022293977, 0.1477027226997427],
        [-0.38960948019939456, 0.2800123253067865, 0.4927417607877707],
        [0.8438084170180756, 0.16502895450454644, 0.4746650218583741],
        [-0.059521085540485345, -0.1099380683833889, 0.4747514698323572],
        [0.165333795138015, 0.6505502301984262, -0.4417340980042828],
        [0.30811485922581777, -0.5825764838588118, -0.2992734676836531],
    ];
    assert_close("Q", &found, expected.as_flattened(), 1e-7);
}

#[test]
fn columns_are_orthonormal() {
    for (rows, columns) in [(1, 1), (3, 3), (68, 17), (120, 30), (100, 100)] {
        let matrix = orthogonal(rows, columns, &mut Random::new(5)).unwrap();
        let dot = |a: usize, b: usize| -> f64 {
            let rows = matrix.chunks_exact(columns);
            rows.map(|row| f64::from(row[a]) * f64::from(row[b])).sum()
        };
        for a in 0..columns {
            for b in 0..columns {
                let expected = f64::from(u8::from(a == b));
                assert!((dot(a, b) - expected).abs() < 1e-6, "{rows} × {columns}, {a} and {b}: {}", dot(a, b));
            }
        }
    }
    assert!(message(orthogonal(2, 3, &mut Random::new(5))).starts_with("columns is 3"));
}

#[test]
fn pytorchs_weights_are_even() {
    let mut random = Random::new(9);
    let bound = 1.0 / 40f64.sqrt();
    let lstm = Initial::Torch.lstm(30, 40, &mut random).unwrap();
    assert_even("lstm's W", lstm.weight_ih(), bound);
    assert_even("lstm's R", lstm.weight_hh(), bound);
    // Two biases are summed: the sum's bound is twice as wide, its square mean too.
    let square = lstm.bias().iter().map(|value| f64::from(*value).powi(2)).sum::<f64>() / 160.0;
    assert!(lstm.bias().iter().all(|value| f64::from(*value).abs() <= 2.0 * bound));
    assert!((square / (bound * bound * 2.0 / 3.0) - 1.0).abs() < 0.5, "{square}");
    let gru = Initial::Torch.gru(30, 40, &mut random).unwrap();
    assert_even("gru's R", gru.weight_hh(), bound);
    assert!(gru.recurrent_bias().iter().all(|value| *value != 0.0 && f64::from(*value).abs() <= bound));
    let rnn = Initial::Torch.rnn(30, 40, Activation::Tanh, &mut random).unwrap();
    assert_even("rnn's R", rnn.weight_hh(), bound);
    let finish = Finish::Each(Activation::Tanh);
    let dense = Initial::Torch.dense(50, 60, finish, &mut random).unwrap();
    assert_even("dense", &dense.weight, 1.0 / 50f64.sqrt());
    assert!(dense.bias.len() == 60 && dense.bias.iter().all(|value| f64::from(*value).abs() <= 1.0 / 50f64.sqrt()));
    let embedding = Initial::Torch.embedding(100, 100, &mut random).unwrap();
    let square = embedding.weight.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>() / 1e4;
    assert!((square - 1.0).abs() < 0.07, "{square}");
}

#[test]
fn kerass_weights_are_glorots_and_orthogonal_and_forget_gates_begin_open() {
    let mut random = Random::new(9);
    let lstm = Initial::Keras.lstm(30, 40, &mut random).unwrap();
    assert_even("lstm's W", lstm.weight_ih(), (6.0 / (30.0 + 160.0f64)).sqrt());
    let gates: Vec<&[f32]> = lstm.bias().chunks_exact(40).collect();
    assert_eq!(gates, [&[0.0; 40], &[1.0; 40], &[0.0; 40], &[0.0; 40]]);
    let gru = Initial::Keras.gru(30, 40, &mut random).unwrap();
    assert_even("gru's W", gru.weight_ih(), (6.0 / (30.0 + 120.0f64)).sqrt());
    assert!(gru.bias().iter().chain(gru.recurrent_bias()).all(|value| *value == 0.0));
    let rnn = Initial::Keras.rnn(30, 40, Activation::Tanh, &mut random).unwrap();
    for (name, matrix) in [("lstm", lstm.weight_hh()), ("gru", gru.weight_hh()), ("rnn", rnn.weight_hh())] {
        let length: f64 = matrix.iter().step_by(40).map(|value| f64::from(*value).powi(2)).sum();
        assert!((length - 1.0).abs() < 1e-6, "{name}'s R, first column: {length}");
    }
    let dense = Initial::Keras.dense(50, 60, Finish::Each(Activation::Tanh), &mut random).unwrap();
    assert_even("dense", &dense.weight, (6.0 / 110.0f64).sqrt());
    assert_eq!(dense.bias, [0.0; 60]);
    assert_even("embedding", &Initial::Keras.embedding(100, 100, &mut random).unwrap().weight, 0.05);
}

#[test]
fn seeds_give_the_same_and_different_weights() {
    for initial in ALL {
        let lstm = |seed| initial.lstm(3, 5, &mut Random::new(seed)).unwrap();
        assert_eq!(lstm(1), lstm(1), "{initial:?}");
        assert_eq!(lstm(1) == lstm(2), initial == Initial::Zeros, "{initial:?}");
    }
    let zeros = Initial::Zeros.gru(3, 5, &mut Random::new(1)).unwrap();
    assert!(zeros.weight_ih().iter().chain(zeros.weight_hh()).chain(zeros.bias()).all(|value| *value == 0.0));
}

#[test]
fn layers_without_a_size_or_without_an_end_are_refused() {
    let mut random = Random::new(0);
    for initial in ALL {
        assert!(message(initial.lstm(0, 5, &mut random)).starts_with("input_size is 0"));
        assert!(message(initial.gru(5, 0, &mut random)).starts_with("hidden_size is 0"));
        assert!(message(initial.rnn(5, usize::MAX, Activation::Tanh, &mut random).map(Weights::from)).contains("2^32"));
        assert!(message(initial.embedding(usize::MAX, 2, &mut random)).starts_with("rows is 1844"));
        assert!(message(initial.dense(3, 0, Finish::Each(Activation::Tanh), &mut random)).starts_with("output is 0"));
    }
    assert_eq!(random, Random::new(0), "nothing is drawn for a layer that is refused");
}
