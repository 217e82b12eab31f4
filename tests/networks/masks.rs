//! Masks, directions, lengths on numbers that can be checked by hand: a cell that adds up what it hears.

use gatewise::network::blueprint::{Blueprint, Layer, Masked, Operation, Output, Passes, Recurrent, State};
use gatewise::network::{Network, NetworkSession};
use gatewise::{Activation, Layout, Merge, RnnOptions, RnnWeights, Weights};

use crate::common::levels;

/// Says "nothing here" in the stories below.
const NONE: f32 = 9.0;

/// Masked steps before, between and behind.
const STORY: [f32; 6] = [NONE, 1.0, 2.0, NONE, 4.0, NONE];

fn sum() -> Weights {
    let options = RnnOptions { activation: Activation::Identity, clip: None };
    RnnWeights::new(1, 1, &[1.0], &[1.0], &[0.0]).unwrap().with_options(options).into()
}

fn forward() -> Recurrent {
    Recurrent::forward(sum())
}

fn both(merge: Merge) -> Recurrent {
    Recurrent::new(Passes::Both { forward: sum(), reverse: sum(), merge })
}

fn masking(value: f32) -> Operation {
    Operation::Masking { value }
}

fn recurrent(recurrent: Recurrent) -> Operation {
    Operation::Recurrent(Box::new(recurrent))
}

/// The same rows on every level, checked.
#[track_caller]
fn assert_rows(operations: Vec<Operation>, x: &[f32], lengths: Option<&[usize]>, expected: &[f32]) {
    let layers = operations.into_iter().map(|operation| Layer::new("", operation)).collect();
    let blueprint = Blueprint { layers, ..Blueprint::default() };
    for level in levels() {
        let network = Network::with_level(&blueprint, level).unwrap();
        let batch = lengths.map_or(1, <[usize]>::len);
        let found = NetworkSession::new(&network, batch).unwrap().forward(x, Layout::BatchFirst, lengths).unwrap();
        assert_eq!(found, expected, "{level}");
    }
}

#[track_caller]
fn assert_masked(layer: Recurrent, expected: &[f32]) {
    assert_rows(vec![masking(NONE), recurrent(layer)], &STORY, None, expected);
}

#[test]
fn a_masked_step_keeps_the_state_and_gives_zeros_or_repeats() {
    assert_masked(forward(), &[0.0, 1.0, 3.0, 0.0, 7.0, 0.0]);
    assert_masked(Recurrent { masked: Masked::Repeat, ..forward() }, &[0.0, 1.0, 3.0, 3.0, 7.0, 7.0]);
    let reverse = || Recurrent::new(Passes::Reverse(sum()));
    assert_masked(reverse(), &[0.0, 7.0, 6.0, 0.0, 4.0, 0.0]);
    assert_masked(Recurrent { masked: Masked::Repeat, ..reverse() }, &[7.0, 7.0, 6.0, 4.0, 4.0, 0.0]);
    let backwards = || Recurrent { go_backwards: true, ..forward() };
    assert_masked(backwards(), &[0.0, 4.0, 0.0, 6.0, 7.0, 0.0]);
    assert_masked(Recurrent { masked: Masked::Repeat, ..backwards() }, &[0.0, 4.0, 4.0, 6.0, 7.0, 7.0]);
}

#[test]
fn two_directions_are_merged_step_by_step() {
    assert_masked(both(Merge::Sum), &[0.0, 8.0, 9.0, 0.0, 11.0, 0.0]);
    assert_masked(both(Merge::Mul), &[0.0, 7.0, 18.0, 0.0, 28.0, 0.0]);
    assert_masked(both(Merge::Average), &[0.0, 4.0, 4.5, 0.0, 5.5, 0.0]);
    assert_masked(both(Merge::Concat), &[0.0, 0.0, 1.0, 7.0, 3.0, 6.0, 0.0, 0.0, 7.0, 4.0, 0.0, 0.0]);
}

/// What Keras 3.15 gives: zeros where `zero_output_for_mask` is set and the last step that is read is masked.
#[test]
fn the_last_step_is_the_state_or_zeros_where_it_is_masked_and_such_steps_give_zeros() {
    let last = |masked: Masked, layer: Recurrent| Recurrent { masked, output: Output::Last, ..layer };
    assert_masked(last(Masked::Repeat, forward()), &[7.0]);
    assert_masked(last(Masked::Zeros, forward()), &[0.0]);
    assert_masked(last(Masked::Repeat, both(Merge::Concat)), &[7.0, 7.0]);
    let rows = |layer: Recurrent| vec![masking(NONE), recurrent(last(Masked::Zeros, layer))];
    assert_rows(rows(both(Merge::Concat)), &[1.0, 2.0, NONE], None, &[0.0, 3.0]);
    assert_rows(rows(both(Merge::Sum)), &[NONE, 1.0, 2.0], None, &[3.0]);
    assert_rows(rows(forward()), &[NONE, 1.0, 2.0], None, &[3.0]);
    assert_rows(rows(Recurrent { go_backwards: true, ..forward() }), &[NONE, 1.0, 2.0], None, &[0.0]);
    // A sequence ends at its own length.
    assert_rows(rows(forward()), &[1.0, 2.0, NONE, 1.0, 2.0, NONE, 5.0, 5.0, 5.0], Some(&[2, 3, 0]), &[3.0, 0.0, 0.0]);
}

#[test]
fn what_stands_before_the_first_step_is_zeros_and_the_state_the_initial_one() {
    let initial = vec![State { hidden: vec![10.0], cell: Vec::new() }];
    let layer = || Recurrent { initial: initial.clone(), masked: Masked::Repeat, ..forward() };
    assert_masked(layer(), &[0.0, 11.0, 13.0, 13.0, 17.0, 17.0]);
    let last = || vec![masking(NONE), recurrent(Recurrent { output: Output::Last, ..layer() })];
    assert_rows(last(), &[NONE; 4], None, &[10.0]);
    assert_rows(last(), &[], None, &[10.0]);
    assert_rows(last(), &[1.0, 2.0, 4.0, NONE, NONE, 1.0], Some(&[0, 3]), &[10.0, 11.0]);
}

#[test]
fn going_backwards_begins_at_each_sequences_own_end() {
    let backwards = || recurrent(Recurrent { go_backwards: true, ..forward() });
    let x = [1.0, 2.0, 4.0, 8.0, 1.0, 2.0, 4.0, 8.0];
    let once = [8.0, 12.0, 14.0, 15.0, 4.0, 6.0, 7.0, 0.0];
    assert_rows(vec![backwards()], &x, Some(&[4, 3]), &once);
    let twice = [15.0, 29.0, 41.0, 49.0, 7.0, 13.0, 17.0, 0.0];
    assert_rows(vec![backwards(), backwards()], &x, Some(&[4, 3]), &twice);
    let then = [8.0, 20.0, 34.0, 49.0, 4.0, 10.0, 17.0, 0.0];
    assert_rows(vec![backwards(), recurrent(forward())], &x, Some(&[4, 3]), &then);
}

#[test]
fn masks_go_on_and_later_ones_replace_them() {
    let repeating = || recurrent(Recurrent { masked: Masked::Repeat, ..forward() });
    // The first layer's 1, 3, 7, summed; what it repeats is masked still.
    let stacked = [0.0, 1.0, 4.0, 4.0, 11.0, 11.0];
    assert_rows(vec![masking(NONE), repeating(), repeating()], &STORY, None, &stacked);
    // The mask keeps its order: the second layer hears 4, 4 and 7 of 0 4 4 6 7 7.
    let backwards = recurrent(Recurrent { go_backwards: true, masked: Masked::Repeat, ..forward() });
    let turned = [0.0, 4.0, 8.0, 8.0, 15.0, 15.0];
    assert_rows(vec![masking(NONE), backwards, repeating()], &STORY, None, &turned);
    // A mask of its own between the layers: 0 3 3 0 7 7 without the threes, and with what the first mask left out.
    let replaced = [0.0, 0.0, 1.0, 1.0, 8.0, 15.0];
    assert_rows(vec![masking(NONE), repeating(), masking(3.0), repeating()], &[1.0, 2.0], None, &[1.0, 1.0]);
    let x = [NONE, NONE, 1.0, 2.0, 4.0, NONE];
    assert_rows(vec![masking(NONE), repeating(), masking(3.0), repeating()], &x, None, &replaced);
}
