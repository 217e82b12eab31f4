//! What stands behind the recurrent layers, linear layers, activations, softmax and its logarithm, against f64 on every level.

mod common;

use common::cells::function;
use common::networks::ACTIVATIONS;
use common::{assert_close, assert_same_bits, levels, wide};
use gatewise::network::blueprint::{Blueprint, Dense, Finish, Layer, Operation};
use gatewise::network::{Network, NetworkSession};
use gatewise::{Activation, Layout, Level};
use gatewise_reference as reference;
use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Half an ulp of 1.
const HALF: f64 = 1.0 / (1u64 << 24) as f64;

const IDENTITY: Finish = Finish::Each(Activation::Identity);

fn run(level: Level, operations: Vec<Operation>, x: &[f32], threads: usize) -> Vec<f32> {
    let layers = operations.into_iter().map(|operation| Layer::new("", operation)).collect();
    let network = Network::with_level(&Blueprint { layers, ..Blueprint::default() }, level).unwrap();
    let mut session = NetworkSession::new(&network, 1).unwrap().with_threads(threads);
    session.forward(x, Layout::TimeMajor, None).unwrap()
}

/// A linear layer that changes no finite number, and the function after it.
fn unchanged(width: usize, finish: Finish) -> Dense {
    let mut weight = vec![0.0; width * width];
    weight.iter_mut().step_by(width + 1).for_each(|one| *one = 1.0);
    Dense { input: width, output: width, weight, bias: Vec::new(), finish }
}

/// The function of rows on each level: after a linear layer and alone the same bits, on AVX2 and AVX-512 too.
#[track_caller]
fn on_every_level(finish: Finish, width: usize, x: &[f32]) -> Vec<(Level, Vec<f32>)> {
    let mut all: Vec<(Level, Vec<f32>)> = Vec::new();
    for level in levels() {
        let within = run(level, vec![Operation::Dense(unchanged(width, finish))], x, 1);
        let alone = vec![Operation::Dense(unchanged(width, IDENTITY)), Operation::Activation(finish)];
        assert_same_bits(&run(level, alone, x, 1), &within, || format!("{finish:?} alone, {level}, width {width}"));
        all.push((level, within));
    }
    let vectors: Vec<_> = all.iter().filter(|(level, _)| *level != Level::Portable).collect();
    for pair in vectors.windows(2) {
        let what = || format!("{finish:?}, {} and {}, width {width}", pair[0].0, pair[1].0);
        assert_same_bits(&pair[0].1, &pair[1].1, what);
    }
    all
}

fn uniform(random: &mut StdRng, count: usize, scale: f32) -> Vec<f32> {
    (0..count).map(|_| random.random_range(-scale..=scale)).collect()
}

/// Like the largest of what is added up: W·x + b in f64, and |W|·|x| + |b|.
fn products(dense: &Dense, x: &[f32]) -> (Vec<f64>, Vec<f64>) {
    let (mut sums, mut sizes) = (Vec::new(), Vec::new());
    for row in x.chunks_exact(dense.input) {
        for (k, weights) in dense.weight.chunks_exact(dense.input).enumerate() {
            let bias = dense.bias.get(k).copied().map_or(0.0, f64::from);
            let terms = || weights.iter().zip(row).map(|(w, x)| f64::from(*w) * f64::from(*x));
            sums.push(bias + terms().sum::<f64>());
            sizes.push(bias.abs() + terms().map(f64::abs).sum::<f64>());
        }
    }
    (sums, sizes)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn linear_layers_of_any_size_are_within_a_millionth_of_what_they_add_up(
        input in 1usize..71, output in 1usize..71, rows in 1usize..71, biased in any::<bool>(), seed in any::<u64>()
    ) {
        let mut random = StdRng::seed_from_u64(seed);
        let weight = uniform(&mut random, input * output, 1.0);
        let bias = uniform(&mut random, if biased { output } else { 0 }, 1.0);
        let x = uniform(&mut random, rows * input, 2.0);
        let dense = Dense { input, output, weight, bias, finish: IDENTITY };
        let (expected, sizes) = products(&dense, &x);
        let mut vectors: Vec<Vec<f32>> = Vec::new();
        for level in levels() {
            let found = run(level, vec![Operation::Dense(dense.clone())], &x, 1);
            let what = || format!("{level}, {input} → {output}, {rows} rows, biased: {biased}");
            for (index, ((found, expected), size)) in found.iter().zip(&expected).zip(&sizes).enumerate() {
                let error = (f64::from(*found) - expected).abs();
                prop_assert!(error <= 1e-6 * size, "{}, index {}: {} for {}", what(), index, found, expected);
            }
            assert_same_bits(&run(level, vec![Operation::Dense(dense.clone())], &x, 3), &found, what);
            if level != Level::Portable {
                vectors.push(found);
            }
        }
        for pair in vectors.windows(2) {
            assert_same_bits(&pair[0], &pair[1], || format!("AVX2, AVX-512, {input} → {output}, {rows} rows"));
        }
    }

    #[test]
    fn softmax_of_any_width_is_as_exact_as_its_exponents(
        width in 1usize..71, rows in 1usize..6, scale in prop::sample::select(vec![1.0f32, 10.0, 100.0, 1e4, 1e30]),
        seed in any::<u64>()
    ) {
        let x = uniform(&mut StdRng::seed_from_u64(seed), rows * width, scale);
        for (level, found) in on_every_level(Finish::Softmax, width, &x) {
            for (row, (x, found)) in x.chunks_exact(width).zip(found.chunks_exact(width)).enumerate() {
                let x = wide(x);
                let most = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                for (k, expected) in reference::softmax(&x).into_iter().enumerate() {
                    // x − max is rounded to its own half ulp, which the exponential makes relative; below e^−87 is zero.
                    let tolerance = expected * HALF * (most - x[k] + 16.0) + 1.7e-38;
                    let what = || format!("{level}, ±{scale}, row {row} of width {width}, {k}");
                    assert_close(&found[k..=k], &[expected], tolerance, what);
                }
            }
        }
        for (level, found) in on_every_level(Finish::LogSoftmax, width, &x) {
            for (row, (x, found)) in x.chunks_exact(width).zip(found.chunks_exact(width)).enumerate() {
                let x = wide(x);
                let most = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                for (k, expected) in reference::log_softmax(&x).into_iter().enumerate() {
                    let tolerance = HALF * (most - x[k] + expected.abs() + 24.0);
                    let what = || format!("logarithm, {level}, ±{scale}, row {row} of width {width}, {k}");
                    assert_close(&found[k..=k], &[expected], tolerance, what);
                }
            }
        }
    }
}

/// More operations than one thread takes.
#[test]
fn a_large_linear_layer_gives_the_same_bits_on_any_number_of_threads() {
    let mut random = StdRng::seed_from_u64(4);
    let (input, output, rows) = (67, 131, 300);
    let (weight, bias) = (uniform(&mut random, input * output, 1.0), uniform(&mut random, output, 1.0));
    let dense = Dense { input, output, weight, bias, finish: Finish::LogSoftmax };
    let x = uniform(&mut random, rows * input, 1.0);
    for level in levels() {
        let found = run(level, vec![Operation::Dense(dense.clone())], &x, 1);
        for threads in [2, 3, 7] {
            let shared = run(level, vec![Operation::Dense(dense.clone())], &x, threads);
            assert_same_bits(&shared, &found, || format!("{level}, {threads} threads"));
        }
    }
}

#[test]
fn every_activation_is_exact_to_a_few_ulp_from_tiny_to_huge() {
    let mut random = StdRng::seed_from_u64(5);
    for width in [1, 7, 37] {
        let mut x = uniform(&mut random, 40 * width, 1.0);
        for (at, x) in x.iter_mut().enumerate() {
            *x *= [1e-30, 1e-5, 1.0, 8.0, 100.0, 1e30][at % 6];
        }
        for activation in ACTIVATIONS {
            let function = function(activation);
            // Two summands may cancel: α·x + β.
            let sums = matches!(activation, Activation::Affine { .. } | Activation::HardSigmoid { .. });
            for (level, found) in on_every_level(Finish::Each(activation), width, &x) {
                for (x, found) in x.iter().zip(found) {
                    let expected = function.apply(f64::from(*x));
                    let terms = if sums { 2.0 * HALF * (f64::from(*x).abs() + 1.0) } else { 0.0 };
                    let tolerance = 8.0 * HALF * expected.abs() + terms + 1e-45;
                    assert_close(&[found], &[expected], tolerance, || format!("{activation:?} of {x:e}, {level}"));
                }
            }
        }
    }
}

#[test]
fn a_single_score_is_certain_and_a_much_larger_one_wins_wherever_it_stands() {
    for (_, found) in on_every_level(Finish::Softmax, 1, &[0.0, -1e30, 1e30, 5.5]) {
        assert_eq!(found, [1.0; 4]);
    }
    for (_, found) in on_every_level(Finish::LogSoftmax, 1, &[0.0, -1e30, 1e30, 5.5]) {
        assert_eq!(found, [0.0; 4]);
    }
    for width in 1..70 {
        for (large, small) in [(1e30, 0.0), (1000.0, -1000.0), (-1e30, -3e38)] {
            let row = |k: usize| (0..width).map(move |at| if at == k { large } else { small });
            let x: Vec<f32> = (0..width).flat_map(row).collect();
            let ones = unchanged(width, IDENTITY).weight;
            for (level, found) in on_every_level(Finish::Softmax, width, &x) {
                assert_eq!(found, ones, "{level}, {large} among {small}, width {width}");
            }
        }
    }
}

/// What a score of the rows below is.
#[derive(Clone, Copy, Debug)]
enum Score {
    Finite(f32),
    Above,
    Below,
    Nan,
}

/// Scores that overflow where the input is 3e38 and are finite where it is 0, and a function of them.
fn overflowing(scores: &[Score], finish: Finish) -> Vec<Operation> {
    const LARGE: f32 = 3e38;
    let (mut weight, mut bias) = (Vec::new(), Vec::new());
    for (k, score) in scores.iter().enumerate() {
        let (large, own) = match score {
            Score::Finite(value) => (0.0, *value),
            Score::Above | Score::Nan => (LARGE, k as f32),
            Score::Below => (-LARGE, k as f32),
        };
        weight.push(large);
        bias.push(own);
    }
    let dense = |finish| Operation::Dense(Dense { input: 1, output: scores.len(), weight, bias, finish });
    match has_nan(scores) {
        // x/(1 + |x|) of ∞.
        true => {
            vec![
                dense(IDENTITY),
                Operation::Activation(Finish::Each(Activation::Softsign)),
                Operation::Activation(finish),
            ]
        }
        false => vec![dense(finish)],
    }
}

fn has_nan(scores: &[Score]) -> bool {
    scores.iter().any(|score| matches!(score, Score::Nan))
}

#[test]
fn nan_and_infinite_scores_are_what_f64_says_and_stay_in_their_rows() {
    let x = [0.0, 3e38, 0.0, 3e38];
    for width in 1..40 {
        for special in [Score::Above, Score::Below, Score::Nan] {
            for place in [0, width / 2, width - 1] {
                let mut scores: Vec<Score> = (0..width).map(|k| Score::Finite(k as f32 / 8.0)).collect();
                scores[place] = special;
                check_rows(&scores, &x);
            }
            check_rows(&vec![special; width], &x);
        }
    }
}

fn check_rows(scores: &[Score], x: &[f32]) {
    let finishes = ACTIVATIONS.map(Finish::Each);
    for finish in finishes.into_iter().chain([Finish::Softmax, Finish::LogSoftmax]) {
        for level in levels() {
            let found = run(level, overflowing(scores, finish), x, 1);
            for (x, found) in x.iter().zip(found.chunks_exact(scores.len())) {
                let expected = expected_row(scores, *x == 0.0, finish);
                for (k, (found, expected)) in found.iter().zip(expected).enumerate() {
                    let same = match expected {
                        _ if expected.is_nan() => found.is_nan(),
                        _ if expected.is_infinite() => f64::from(*found) == expected,
                        _ => (f64::from(*found) - expected).abs() <= 1e-6 * (expected.abs() + 1.0),
                    };
                    assert!(same, "{finish:?}, {level}, x = {x:e}, {k} of {scores:?}: {found} for {expected}");
                }
            }
        }
    }
}

fn expected_row(scores: &[Score], finite: bool, finish: Finish) -> Vec<f64> {
    let number = |(k, score): (usize, &Score)| match score {
        Score::Finite(value) => f64::from(*value),
        _ if finite => k as f64,
        Score::Above | Score::Nan => f64::INFINITY,
        Score::Below => f64::NEG_INFINITY,
    };
    let mut row: Vec<f64> = scores.iter().enumerate().map(number).collect();
    if has_nan(scores) {
        row = row.into_iter().map(reference::softsign).collect();
    }
    match finish {
        Finish::Each(activation) => row.into_iter().map(|x| function(activation).apply(x)).collect(),
        Finish::Softmax => reference::softmax(&row),
        Finish::LogSoftmax => reference::log_softmax(&row),
        other => panic!("no function of the reference for {other:?}"),
    }
}
