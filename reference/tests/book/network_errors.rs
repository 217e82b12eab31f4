//! Networks that do not fit are errors that say where, what was expected and what came.

use gatewise_reference::{
    AnyCell, Error, Gate, Keep, Layer, Layout, Lstm, Merge, Network, NetworkInput, NoTrace, Sequence,
};

use crate::cells::Numbers;

fn lstm(inputs: usize, hidden: usize, outputs: usize) -> AnyCell<f64> {
    Numbers::new(31).lstm(inputs, hidden, outputs).into()
}

fn both(merge: Merge) -> Layer<AnyCell<f64>> {
    Layer::Both { forward: lstm(3, 4, 4), reverse: lstm(3, 4, 2), merge }
}

/// Runs layers that read 3 features on 2 rows of 4 steps.
fn run(layers: &[Layer<AnyCell<f64>>], lengths: Option<&[usize]>, states: Option<[usize; 2]>) -> Result<(), Error> {
    let x = vec![0.5; 2 * 4 * 3];
    let states = states.map(|[h0, c0]| (vec![0.5; h0], vec![0.5; c0]));
    let (h0, c0) = states.as_ref().map(|(h0, c0)| (h0.as_slice(), c0.as_slice())).unzip();
    let sequence = Sequence { layout: Layout::BatchFirst, batch: 2, steps: 4, x: &x, h0, c0 };
    let input = NetworkInput { sequence, lengths, keep: Keep::LastStates };
    Network { layers: layers.to_vec() }.forward(&input, &mut NoTrace).map(drop)
}

#[track_caller]
fn assert_message(result: Result<(), Error>, message: &str) {
    assert_eq!(result.expect_err(message).to_string(), message);
}

#[test]
fn layers_that_do_not_fit_each_other_are_named() {
    assert_message(run(&[], None, None), "layers: expected at least 1, found 0");
    let layers = [both(Merge::Concat), Layer::Reverse(lstm(6, 5, 5))];
    assert_eq!(run(&layers, None, None), Ok(()));
    let layers = [both(Merge::Concat), Layer::Reverse(lstm(4, 5, 5))];
    assert_message(run(&layers, None, None), "layer 1, reverse: W: expected 6 features, found 4");
    let layers = [Layer::Both { forward: lstm(3, 1, 1), reverse: lstm(2, 1, 1), merge: Merge::Sum }];
    assert_message(run(&layers, None, None), "layer 0, reverse: W: expected 3 features, found 2");

    let mut broken: Lstm<f64> = Numbers::new(32).lstm(6, 5, 5);
    broken.output_gate = Gate::zeros(6, 4);
    let layers = [both(Merge::Concat), Layer::Forward(broken.into())];
    assert_message(run(&layers, None, None), "layer 1, forward: W_o: expected 5 × 6, found 4 × 6");
}

#[test]
fn merges_that_are_impossible_are_named() {
    for merge in [Merge::Sum, Merge::Multiply, Merge::Average] {
        let message = "layer 0: expected two directions of the same width to merge, found 4 forward and 2 reverse";
        assert_message(run(&[both(merge)], None, None), message);
    }
    assert_eq!(run(&[both(Merge::Separate)], None, None), Ok(()), "each keeps its width");
    let layers = [both(Merge::Separate), Layer::Forward(lstm(4, 5, 5))];
    let message = "layer 0: expected a merge of its two directions, found them kept separate, which only the last layer \
                   may do";
    assert_message(run(&layers, None, None), message);
}

#[test]
fn lengths_and_states_that_do_not_fit_are_named() {
    let layers = [both(Merge::Concat)];
    assert_eq!(run(&layers, Some(&[0, 4]), Some([2 * 6, 2 * 8])), Ok(()));
    assert_message(run(&layers, Some(&[4]), None), "lengths: expected 2 values, found 1");
    assert_message(run(&layers, Some(&[4, 5]), None), "lengths[1]: expected at most 4 steps, found 5");
    assert_message(run(&layers, None, Some([8, 16])), "h0: expected 12 values, found 8");
    assert_message(run(&layers, None, Some([12, 12])), "c0: expected 16 values, found 12");
    let rnn = [Layer::Forward(Numbers::new(33).rnn(3, 2).into())];
    assert_message(run(&rnn, None, Some([4, 4])), "c0: expected 0 values, found 4");
    let layers = [Layer::Forward(lstm(4, 1, 1))];
    assert_message(run(&layers, None, None), "x: expected 32 values, found 24");
}

#[test]
fn sizes_beyond_memory_are_errors_not_panics() {
    let network = Network { layers: vec![Layer::Forward(lstm(3, 2, 2))] };
    let sequence = Sequence { layout: Layout::BatchFirst, batch: usize::MAX, steps: 0, x: &[], h0: None, c0: None };
    let error = network.forward(&NetworkInput::from(sequence), &mut NoTrace).expect_err("no memory");
    assert_eq!(error, Error::Memory { buffer: "h0", expected: usize::MAX });
}
