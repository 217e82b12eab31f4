//! The order of learning, and what is left out: the same for the same seed, everything once an epoch.

use gatewise::train::batches::Batches;
use gatewise::train::dropout::{self, Place};
use proptest::prelude::*;

use crate::message;

const LENGTHS: [usize; 11] = [5, 3, 9, 1, 7, 2, 8, 4, 6, 10, 3];

#[test]
fn batches_are_those_of_the_description() {
    let batches = Batches { size: 2, window: 2, seed: 7 };
    let first: [&[usize]; 6] = [&[2], &[5, 4], &[1, 7], &[6, 9], &[0, 8], &[3, 10]];
    assert_eq!(batches.epoch(0, &LENGTHS).unwrap(), first);
    let second: [&[usize]; 6] = [&[2, 9], &[3, 5], &[1], &[8, 4], &[7, 0], &[10, 6]];
    assert_eq!(batches.epoch(1, &LENGTHS).unwrap(), second);
}

#[test]
fn a_window_over_all_leaves_the_least_padding() {
    let lengths: Vec<usize> = (0..64).map(|index| 1 + index * 37 % 64).collect();
    let padding = |window| -> usize {
        let batches = Batches { size: 8, window, seed: 3 }.epoch(0, &lengths).unwrap();
        let waste = |batch: &Vec<usize>| {
            let longest = batch.iter().map(|index| lengths[*index]).max().unwrap();
            batch.iter().map(|index| longest - lengths[*index]).sum::<usize>()
        };
        batches.iter().map(waste).sum()
    };
    // Eight neighbours: 7 + 6 + … + 0 a batch.
    assert_eq!(padding(8), 8 * 28);
    assert!(padding(1) > padding(2) && padding(2) > padding(8), "{} {} {}", padding(1), padding(2), padding(8));
}

#[test]
fn sizes_of_zero_are_refused() {
    let refused = |size, window| message(Batches { size, window, seed: 0 }.epoch(0, &[1]));
    assert_eq!(refused(0, 1), "batch size is 0: expected at least 1");
    assert_eq!(refused(1, 0), "window is 0: expected at least 1");
    assert!(Batches { size: 1, window: 1, seed: 0 }.epoch(0, &[]).unwrap().is_empty());
}

proptest! {
    #[test]
    fn every_index_comes_once_an_epoch(
        lengths in prop::collection::vec(0usize..50, 0..200),
        size in 1usize..20,
        window in prop_oneof![1usize..6, Just(usize::MAX)],
        seed: u64,
        epoch: u64,
    ) {
        let batches = Batches { size, window, seed }.epoch(epoch, &lengths).unwrap();
        prop_assert_eq!(batches.len(), lengths.len().div_ceil(size));
        let smaller = batches.iter().filter(|batch| batch.len() != size).count();
        prop_assert_eq!(smaller, usize::from(lengths.len() % size != 0));
        let mut all: Vec<usize> = batches.into_iter().flatten().collect();
        all.sort_unstable();
        prop_assert_eq!(all, (0..lengths.len()).collect::<Vec<_>>());
    }

    #[test]
    fn epochs_and_seeds_have_orders_of_their_own(seed: u64, epoch in 0u64..1000) {
        let order = |seed, epoch| Batches { size: 4, window: 2, seed }.epoch(epoch, &[1; 40]).unwrap();
        prop_assert_eq!(order(seed, epoch), order(seed, epoch));
        prop_assert_ne!(order(seed, epoch), order(seed, epoch + 1));
        prop_assert_ne!(order(seed, epoch), order(seed ^ 1, epoch));
    }
}

#[test]
fn a_mask_is_that_of_its_place() {
    let place = Place { seed: 7, step: 100, layer: 1 };
    let mask = |place, rate| {
        let mut mask = [f32::NAN; 12];
        dropout::fill(place, rate, &mut mask).unwrap();
        mask
    };
    assert_eq!(mask(place, 0.5), [2.0, 0.0, 2.0, 2.0, 0.0, 0.0, 2.0, 0.0, 2.0, 0.0, 2.0, 0.0]);
    for other in [Place { seed: 8, ..place }, Place { step: 101, ..place }, Place { layer: 2, ..place }] {
        assert_ne!(mask(other, 0.5), mask(place, 0.5), "{other:?}");
    }
    assert_eq!(mask(place, 0.0), [1.0; 12]);
}

#[test]
fn a_mask_leaves_out_its_share_and_keeps_the_mean() {
    let mut mask = vec![0.0; 100_000];
    dropout::fill(Place { seed: 1, step: 2, layer: 3 }, 0.2, &mut mask).unwrap();
    let left_out = mask.iter().filter(|value| **value == 0.0).count();
    assert!((19_400..20_600).contains(&left_out), "{left_out} of 100 000");
    assert!(mask.iter().all(|value| *value == 0.0 || *value == 1.25));
}

#[test]
fn a_rate_that_is_no_share_is_refused() {
    for rate in [-0.1, 1.0, 1.5, f64::NAN] {
        let refused = message(dropout::fill(Place { seed: 0, step: 0, layer: 0 }, rate, &mut []));
        assert_eq!(refused, format!("dropout rate {rate}: expected at least 0 and less than 1"));
    }
}
