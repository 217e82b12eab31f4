//! Losses by hand, and their gradients against differences in f64.

use gatewise::train::loss::{Loss, Objective, Rows, Targets, binary_cross_entropy, cross_entropy, squared_error};
use gatewise::train::random::Random;
use proptest::prelude::*;

use crate::{assert_close, message};

const LN_2: f64 = std::f64::consts::LN_2;

fn rows(outputs: &[f32], width: usize) -> Rows<'_> {
    Rows { outputs, width, counted: None }
}

fn assert_mean(loss: Loss, expected: f64) {
    let off = (loss.mean() - expected).abs();
    assert!(off <= 1e-6 * expected.abs(), "{loss:?}: mean {}, expected {expected}", loss.mean());
}

#[test]
fn the_squared_error_by_hand() {
    let mut gradient = [f32::NAN; 4];
    let loss = squared_error(rows(&[1.0, 2.0, 3.0, 4.0], 2), &[0.0, 2.0, 5.0, 4.5], &mut gradient).unwrap();
    assert_eq!(loss, Loss { total: 5.25, counted: 4, right: 0 });
    assert_eq!(loss.mean(), 1.3125);
    assert_eq!(gradient, [0.5, 0.0, -1.0, -0.25]);
}

#[test]
fn the_binary_cross_entropy_by_hand() {
    let mut gradient = [f32::NAN; 4];
    let outputs = [0.0, 0.0, 3f32.ln(), -(3f32.ln())];
    let loss = binary_cross_entropy(rows(&outputs, 1), &[1.0, 0.5, 1.0, 1.0], &mut gradient).unwrap();
    // σ = ½, ½, ¾, ¼.
    assert_mean(loss, (LN_2 + LN_2 + (4.0 / 3.0f64).ln() + 4.0f64.ln()) / 4.0);
    assert_close("gradient", &gradient, &[-0.125, 0.0, -0.0625, -0.1875], 1e-7);
    // 0 is on the lower side, as ½ is.
    assert_eq!((loss.counted, loss.right), (4, 2));
}

#[test]
fn the_cross_entropy_by_hand() {
    let mut gradient = [f32::NAN; 9];
    let outputs = [0.0, 0.0, 0.0, 2f32.ln(), 0.0, 0.0, 7.0, 5.0, 5.0];
    let loss = cross_entropy(rows(&outputs, 3), &[2, 0, -100], &mut gradient).unwrap();
    assert_mean(loss, (3f64.ln() + LN_2) / 2.0);
    let (third, sixth, quarter) = (1.0 / 3.0, 1.0 / 6.0, 0.25);
    let expected = [sixth, sixth, -third, -quarter, quarter / 2.0, quarter / 2.0, 0.0, 0.0, 0.0];
    assert_close("gradient", &gradient, &expected, 1e-7);
    // Of equal outputs the first is the answer: the row of zeros answers 0.
    assert_eq!((loss.counted, loss.right, loss.accuracy()), (2, 1, 0.5));
}

#[test]
fn large_logits_overflow_nothing() {
    let mut gradient = [f32::NAN; 4];
    let outputs = [1e38, -1e38, 200.0, -200.0];
    let loss = binary_cross_entropy(rows(&outputs, 1), &[1.0, 0.0, 0.0, 0.0], &mut gradient).unwrap();
    assert_mean(loss, 50.0);
    assert_eq!(gradient, [0.0, 0.0, 0.25, 0.0]);
    let outputs = [f32::MAX, -f32::MAX, 1000.0, 0.0];
    let loss = cross_entropy(rows(&outputs, 2), &[0, 1], &mut gradient).unwrap();
    assert_mean(loss, 500.0);
    assert_eq!(gradient, [0.0, 0.0, 0.5, -0.5]);
    let loss = squared_error(rows(&[f32::MAX], 1), &[-f32::MAX], &mut gradient[..1]).unwrap();
    assert!(loss.total.is_finite());
}

#[test]
fn rows_that_do_not_count_are_as_if_they_were_not_there() {
    let counted = Some(&[true, false, true][..]);
    let outputs = [0.5, -1.0, f32::NAN, 1.0, 0.25, 2.0];
    let few = [0.5, -1.0, 0.25, 2.0];
    let all = Rows { outputs: &outputs, width: 2, counted };
    let (mut gradient, mut expected) = ([f32::NAN; 6], [f32::NAN; 4]);
    let found = binary_cross_entropy(all, &[0.0, 1.0, f32::NAN, 0.0, 1.0, 0.0], &mut gradient).unwrap();
    assert_eq!(found, binary_cross_entropy(rows(&few, 2), &[0.0, 1.0, 1.0, 0.0], &mut expected).unwrap());
    let spread = |few: [f32; 4]| [few[0], few[1], 0.0, 0.0, few[2], few[3]];
    assert_eq!(gradient, spread(expected));
    // A label that is no class is not looked at in a row that does not count.
    let found = cross_entropy(all, &[1, 99, 0], &mut gradient).unwrap();
    assert_eq!(found, cross_entropy(rows(&few, 2), &[1, 0], &mut expected).unwrap());
    assert_eq!(gradient, spread(expected));
}

#[test]
fn losses_of_parts_add_up() {
    let (outputs, targets) = ([0.5, -1.0, 0.25, 2.0, 0.0, 1.0], [1.0, 0.0, 1.0, 1.0, 0.5, 1.0]);
    let measure = |range: std::ops::Range<usize>| {
        let mut gradient = vec![0.0; range.len()];
        squared_error(rows(&outputs[range.clone()], 1), &targets[range], &mut gradient).unwrap()
    };
    let mut sum = Loss::default();
    assert_eq!((sum.mean(), sum.accuracy()), (0.0, 0.0));
    sum.add(measure(0..4));
    sum.add(measure(4..6));
    assert_eq!(sum, measure(0..6));
}

/// ln Σ e^z − z[label], in f64, as the formula stands.
fn cross_entropy_in_f64(outputs: &[f64], width: usize, labels: &[i64]) -> f64 {
    let counted = labels.iter().filter(|label| **label >= 0).count();
    let rows = outputs.chunks_exact(width).zip(labels).filter(|(_, label)| **label >= 0);
    let lost = rows.map(|(row, label)| row.iter().map(|z| z.exp()).sum::<f64>().ln() - row[*label as usize]);
    lost.sum::<f64>() / counted as f64
}

fn binary_in_f64(outputs: &[f64], targets: &[f32]) -> f64 {
    let lost = outputs.iter().zip(targets).map(|(z, t)| {
        let (sigmoid, t) = (1.0 / (1.0 + (-z).exp()), f64::from(*t));
        -t * sigmoid.ln() - (1.0 - t) * (1.0 - sigmoid).ln()
    });
    lost.sum::<f64>() / outputs.len() as f64
}

fn squared_in_f64(outputs: &[f64], targets: &[f32]) -> f64 {
    let lost = outputs.iter().zip(targets).map(|(y, t)| (y - f64::from(*t)).powi(2));
    lost.sum::<f64>() / outputs.len() as f64
}

/// Central differences of `loss`, whose error is of the order of 1e-10.
fn differences(outputs: &[f32], loss: impl Fn(&[f64]) -> f64) -> (f64, Vec<f64>) {
    let mut outputs: Vec<f64> = outputs.iter().map(|output| f64::from(*output)).collect();
    let (whole, count) = (loss(&outputs), outputs.len());
    let mut one = |index: usize| {
        let (here, away) = (outputs[index], 1e-5);
        let mut at = |output: f64| {
            outputs[index] = output;
            loss(&outputs)
        };
        let slope = (at(here + away) - at(here - away)) / (2.0 * away);
        outputs[index] = here;
        slope
    };
    (whole, (0..count).map(&mut one).collect())
}

proptest! {
    #[test]
    fn gradients_are_those_of_differences(count in 1usize..6, width in 1usize..40, seed: u64, scale in 0.1f64..8.0) {
        let mut random = Random::new(seed);
        let outputs: Vec<f32> = (0..count * width).map(|_| random.uniform(-scale, scale) as f32).collect();
        let targets: Vec<f32> = outputs.iter().map(|_| random.unit_f32()).collect();
        let mut labels: Vec<i64> = (0..count).map(|_| random.below(width as u64 + 2) as i64 - 2).collect();
        labels[0] = labels[0].max(0);
        let mut gradient = vec![f32::NAN; outputs.len()];

        let loss = squared_error(rows(&outputs, width), &targets, &mut gradient).unwrap();
        let (expected, slopes) = differences(&outputs, |outputs| squared_in_f64(outputs, &targets));
        assert_mean(loss, expected);
        assert_close("squared error", &gradient, &slopes, 1e-6);

        let loss = binary_cross_entropy(rows(&outputs, width), &targets, &mut gradient).unwrap();
        let (expected, slopes) = differences(&outputs, |outputs| binary_in_f64(outputs, &targets));
        assert_mean(loss, expected);
        assert_close("binary cross-entropy", &gradient, &slopes, 2e-7);

        let loss = cross_entropy(rows(&outputs, width), &labels, &mut gradient).unwrap();
        let (expected, slopes) = differences(&outputs, |outputs| cross_entropy_in_f64(outputs, width, &labels));
        let off = (loss.mean() - expected).abs();
        prop_assert!(off <= 1e-6 * expected + 1e-7, "{}, expected {expected}", loss.mean());
        assert_close("cross-entropy", &gradient, &slopes, 2e-7);
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let mut gradient = [0.0; 4];
    let outputs = [0.0; 4];
    let classes =
        |width, labels: &[i64], gradient: &mut [f32]| message(cross_entropy(rows(&outputs, width), labels, gradient));
    assert_eq!(classes(2, &[0, 2], &mut gradient), "label 2 of row 1: expected a class from 0 to 1");
    assert_eq!(
        classes(2, &[0, i64::MAX], &mut gradient),
        "label 9223372036854775807 of row 1: expected a class from 0 to 1"
    );
    assert!(classes(2, &[-1, -100], &mut gradient).starts_with("no row counts"));
    assert!(classes(2, &[0], &mut gradient).starts_with("labels has 1 values, expected 2"));
    assert!(classes(3, &[0], &mut gradient).starts_with("outputs has 4 values, expected 3"));
    assert!(classes(2, &[0, 0], &mut gradient[..3]).starts_with("gradient has 3 values, expected 4"));
    assert!(classes(0, &[], &mut gradient).starts_with("width is 0"));
    let squared = |rows: Rows<'_>, targets: &[f32]| message(squared_error(rows, targets, &mut [0.0; 4]));
    let none = Rows { counted: Some(&[false, false]), ..rows(&outputs, 2) };
    assert!(squared(none, &[0.0; 4]).starts_with("no row counts"));
    let short = Rows { counted: Some(&[true]), ..rows(&outputs, 2) };
    assert!(squared(short, &[0.0; 4]).starts_with("counted has 1 values, expected 2"));
    assert!(squared(rows(&outputs, 2), &[0.0; 2]).starts_with("targets has 2 values, expected 4"));
    let odd = [0.0, 0.0, 0.0, f32::INFINITY];
    assert_eq!(squared(rows(&outputs, 2), &odd), "target 1 of row 1 is inf: expected a number");
    let binary = message(binary_cross_entropy(rows(&outputs, 2), &[0.0, 1.0, 1.5, 0.0], &mut gradient));
    assert_eq!(binary, "target 0 of row 1 is 1.5: expected 0 to 1");
}

#[test]
fn outputs_that_are_no_numbers_are_told() {
    for (odd, name) in [(f32::NAN, "NaN"), (f32::INFINITY, "inf"), (f32::NEG_INFINITY, "-inf")] {
        let outputs = [0.0, 0.0, 0.0, 0.0, odd, 0.0];
        let expected = format!("the loss exploded: output 1 of row 1 is {name}");
        let mut gradient = [0.0; 6];
        assert_eq!(message(squared_error(rows(&outputs, 3), &[0.0; 6], &mut gradient)), expected);
        assert_eq!(message(binary_cross_entropy(rows(&outputs, 3), &[0.0; 6], &mut gradient)), expected);
        assert_eq!(message(cross_entropy(rows(&outputs, 3), &[0, 0], &mut gradient)), expected);
    }
}

#[test]
fn an_objective_takes_its_own_kind_of_targets() {
    let measure = |objective: Objective, targets| objective.measure(rows(&[0.0, 0.0], 2), targets, &mut [0.0; 2]);
    let (values, classes) = (Targets::Values(&[1.0, 0.0]), Targets::Classes(&[1]));
    assert_eq!(measure(Objective::SquaredError, values).unwrap().mean(), 0.5);
    assert_mean(measure(Objective::BinaryCrossEntropy, values).unwrap(), LN_2);
    assert_mean(measure(Objective::CrossEntropy, classes).unwrap(), LN_2);
    assert!(message(measure(Objective::CrossEntropy, values)).contains("takes a class a row"));
    assert!(message(measure(Objective::SquaredError, classes)).contains("SquaredError takes a value an output"));
}
