//! Learning rates by hand.

use std::num::NonZeroU64;

use gatewise::train::schedule::{Plateau, RateDecay, Schedule};

use crate::message;

fn rates(schedule: Schedule, steps: impl IntoIterator<Item = u64>, total: u64) -> Vec<f64> {
    // Rounded to 12 digits, as the values by hand are.
    steps.into_iter().map(|step| (schedule.at(step, total) * 1e12).round() / 1e12).collect()
}

#[test]
fn a_constant_rate_is_warmed_up() {
    assert_eq!(rates(Schedule::constant(0.5), [0, 1, 99, 100, 1000], 100), [0.5; 5]);
    let warmed = Schedule { warmup: 4, ..Schedule::constant(0.5) };
    assert_eq!(rates(warmed, 0..6, 100), [0.125, 0.25, 0.375, 0.5, 0.5, 0.5]);
}

#[test]
fn rates_fall_behind_the_warm_up() {
    let falling = |decay| Schedule { rate: 0.8, warmup: 2, decay };
    let every = NonZeroU64::new(3).unwrap();
    let steps = falling(RateDecay::Steps { every, factor: 0.5 });
    assert_eq!(rates(steps, 0..9, 9), [0.4, 0.8, 0.8, 0.8, 0.8, 0.4, 0.4, 0.4, 0.2]);
    let exponential = falling(RateDecay::Exponential { factor: 0.5 });
    assert_eq!(rates(exponential, 0..6, 6), [0.4, 0.8, 0.8, 0.4, 0.2, 0.1]);
    let cosine = falling(RateDecay::Cosine { floor: 0.2 });
    // 0.2 + 0.6·(1 + cos 0°, 60°, 90°, 120°, 180°)/2.
    assert_eq!(rates(cosine, [1, 2, 4, 5, 6, 8, 9], 8), [0.8, 0.8, 0.65, 0.5, 0.35, 0.2, 0.2]);
    let linear = falling(RateDecay::Linear { floor: 0.2 });
    assert_eq!(rates(linear, [1, 2, 3, 5, 8, 20], 8), [0.8, 0.8, 0.7, 0.5, 0.2, 0.2]);
}

#[test]
fn a_run_that_is_all_warm_up_has_rates_too() {
    let cosine = Schedule { rate: 1.0, warmup: 4, decay: RateDecay::Cosine { floor: 0.25 } };
    assert_eq!(rates(cosine, [0, 3, 4, u64::MAX], 0), [0.25, 1.0, 0.25, 0.25]);
}

#[test]
fn a_plateau_lowers_the_rate_once_its_patience_is_over() {
    let mut plateau = Plateau::new(0.5, 1);
    (plateau.min_delta, plateau.floor) = (0.1, 0.2);
    let losses = [3.0, 2.0, 1.95, 1.91, 1.92, 1.93, 1.5, 1.5, 1.5, 1.5, 1.5];
    let scales: Vec<f64> = losses.iter().zip(0..).map(|(loss, epoch)| plateau.observe(epoch, *loss).unwrap()).collect();
    // Two epochs that are no better lower it: the one is borne, the next is not.
    assert_eq!(scales, [1.0, 1.0, 1.0, 0.5, 0.5, 0.25, 0.25, 0.25, 0.2, 0.2, 0.2]);
    assert!(message(plateau.observe(11, f64::INFINITY)).contains("the loss of epoch 11 is inf"));
    assert_eq!(plateau.scale(), 0.2);
}
