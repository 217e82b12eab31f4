//! The states that a session keeps: where they begin, what sets them, what they are called.

use gatewise::Layout;
use gatewise::network::blueprint::{Blueprint, Layer, Operation, Passes, Recurrent, State};
use gatewise::network::{Network, NetworkSession};
use gatewise::{GruWeights, LstmWeights, Merge, Weights};
use proptest::prelude::*;

use crate::common::blueprints::{Family, Pair};
use crate::common::jobs::Lengths;
use crate::common::levels;
use crate::common::network_jobs::{NetworkJob, network};

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_reset_begins_again_and_states_that_were_taken_go_on_elsewhere(
        seed in any::<u64>(), steps in 1usize..8, batch in 1usize..5
    ) {
        let pair = Pair::random(Family::Any, seed);
        let job = NetworkJob::random(&pair, [steps, batch], Lengths::Equal, seed);
        for level in levels() {
            let network = network(&pair, level);
            let what = |how: &str| format!("{how}, {level}, {job:?}, {:?}", pair.blueprint);
            let mut session = NetworkSession::new(&network, batch).unwrap();
            let begin = (session.hidden_states(), session.cell_states());
            let first = job.run_in(&mut session, Layout::TimeMajor);
            let second = job.run_in(&mut session, Layout::TimeMajor);

            let mut other = NetworkSession::new(&network, batch).unwrap();
            other.set_state(&first.h, &first.c).unwrap();
            job.run_in(&mut other, Layout::TimeMajor).assert_same_bits(&second, || what("from its states"));

            session.reset().unwrap();
            assert_eq!((session.hidden_states(), session.cell_states()), begin, "{}", what("after a reset"));
            job.run_in(&mut session, Layout::TimeMajor).assert_same_bits(&first, || what("again"));
        }
    }
}

fn lstm(input: usize, hidden: usize) -> Weights {
    let zeros = |count: usize| vec![0.0; count];
    let (ih, hh) = (zeros(4 * hidden * input), zeros(4 * hidden * hidden));
    LstmWeights::new(input, hidden, &ih, &hh, &zeros(4 * hidden)).unwrap().into()
}

fn gru(input: usize, hidden: usize) -> Weights {
    let zeros = |count: usize| vec![0.0; count];
    let (ih, hh) = (zeros(3 * hidden * input), zeros(3 * hidden * hidden));
    GruWeights::new(input, hidden, &ih, &hh, &zeros(3 * hidden), &zeros(hidden)).unwrap().into()
}

/// An LSTM that goes backwards beside a stack of a GRU and two LSTMs: two models for the engine, four passes for the caller.
#[test]
fn passes_are_named_in_order_and_begin_where_the_blueprint_says() {
    let state = |hidden: f32, cell: &[f32]| State { hidden: vec![hidden; 2], cell: cell.to_vec() };
    let first =
        Recurrent { go_backwards: true, initial: vec![state(0.5, &[3.0, 4.0])], ..Recurrent::forward(lstm(1, 2)) };
    let second = Recurrent::forward(gru(2, 3));
    let passes = Passes::Both { forward: lstm(3, 2), reverse: lstm(3, 2), merge: Merge::Sum };
    let third =
        Recurrent { initial: vec![state(0.25, &[5.0, 6.0]), state(0.75, &[7.0, 8.0])], ..Recurrent::new(passes) };
    let layer = |name: &str, recurrent| Layer::new(name, Operation::Recurrent(Box::new(recurrent)));
    let layers = vec![layer("a", first), layer("b", second), layer("c", third)];
    let network = Network::new(&Blueprint { layers, ..Blueprint::default() }).unwrap();
    let passes: Vec<_> =
        network.passes().iter().map(|pass| (pass.layer.as_str(), pass.reverse, pass.hidden, pass.cell)).collect();
    assert_eq!(passes, [("a", true, 2, 2), ("b", false, 3, 0), ("c", false, 2, 2), ("c", true, 2, 2)]);

    let mut session = NetworkSession::new(&network, 2).unwrap();
    let hidden = [&[0.5; 4][..], &[0.0; 6], &[0.25; 4], &[0.75; 4]].concat();
    let cell = [3.0, 4.0, 3.0, 4.0, 5.0, 6.0, 5.0, 6.0, 7.0, 8.0, 7.0, 8.0];
    assert_eq!(session.hidden_states(), hidden);
    assert_eq!(session.cell_states(), cell);
    let own: Vec<f32> = (0..18).map(|n| n as f32).collect();
    session.set_state(&own, &own[..12]).unwrap();
    assert_eq!((session.hidden_states(), session.cell_states()), (own.clone(), own[..12].to_vec()));
    for (h, c, message) in [
        (17, 12, "hidden has 17 values, expected 18 (B·(H of all passes) = 2·9)"),
        (18, 13, "cell has 13 values, expected 12 (B·(H of all passes) = 2·6)"),
    ] {
        assert_eq!(session.set_state(&vec![1.0; h], &vec![1.0; c]).unwrap_err().to_string(), message);
        assert_eq!(session.hidden_states(), own, "unchanged by: {message}");
    }
    session.reset().unwrap();
    assert_eq!((session.hidden_states(), session.cell_states()), (hidden, cell.to_vec()));
}
