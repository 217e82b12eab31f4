//! What does not fit is refused with a message that names the layer, what was expected and what came.

use gatewise::network::blueprint::{
    Blueprint, Dense, Embedding, Finish, Layer, Masked, Operation, Output, Passes, Recurrent, State,
};
use gatewise::network::{Network, NetworkSession};
use gatewise::{Activation, GruWeights, Layout, Level, Merge, RnnWeights, Weights};

fn message<T>(result: gatewise::Result<T>) -> String {
    result.err().map_or_else(|| "no error".to_owned(), |error| error.to_string())
}

fn rnn(input: usize, hidden: usize) -> Weights {
    let zeros = vec![0.0; hidden * input.max(hidden)];
    let hh = &zeros[..hidden * hidden];
    RnnWeights::new(input, hidden, &zeros[..hidden * input], hh, &zeros[..hidden]).unwrap().into()
}

fn gru(input: usize, hidden: usize) -> Weights {
    let zeros = vec![0.0; 3 * hidden * input.max(hidden)];
    let (ih, hh) = (&zeros[..3 * hidden * input], &zeros[..3 * hidden * hidden]);
    GruWeights::new(input, hidden, ih, hh, &zeros[..3 * hidden], &zeros[..hidden]).unwrap().into()
}

fn recurrent(recurrent: Recurrent) -> Operation {
    Operation::Recurrent(Box::new(recurrent))
}

fn both(forward: Weights, reverse: Weights, merge: Merge) -> Recurrent {
    Recurrent::new(Passes::Both { forward, reverse, merge })
}

fn last(weights: Weights) -> Operation {
    recurrent(Recurrent { output: Output::Last, ..Recurrent::forward(weights) })
}

fn dense(input: usize, output: usize) -> Dense {
    let finish = Finish::Each(Activation::Identity);
    Dense { input, output, weight: vec![0.5; input * output], bias: Vec::new(), finish }
}

fn table(rows: usize, width: usize) -> Embedding {
    Embedding { rows, width, weight: vec![0.5; rows * width], mask_zero: true }
}

/// Layers with the names l0, l1 …; the last one has none.
fn blueprint(operations: Vec<Operation>) -> Blueprint {
    let count = operations.len();
    let name = |at: usize| if at + 1 == count { String::new() } else { format!("l{at}") };
    let layers = operations.into_iter().enumerate().map(|(at, operation)| Layer::new(name(at), operation));
    Blueprint { layers: layers.collect(), ..Default::default() }
}

#[test]
fn layers_that_do_not_fit_are_named() {
    let mask = || Operation::Masking { value: 0.0 };
    let softmax = || Operation::Activation(Finish::Softmax);
    let add = |features| Operation::AddInput { features };
    let state = |hidden: usize, cell: usize| State { hidden: vec![0.0; hidden], cell: vec![0.0; cell] };
    let from = |initial| recurrent(Recurrent { initial, ..Recurrent::forward(rnn(3, 2)) });
    let nothing =
        "no layer says how many features the input has: expected a recurrent or a dense layer, or an embedding";
    for (operations, expected) in [
        (vec![], "a model has at least one layer"),
        (vec![softmax(), mask()], nothing),
        (
            vec![Operation::Dense(dense(3, 2)), Operation::Embedding(table(4, 2))],
            "layer 1 looks up ids, but 2 features stand before it",
        ),
        (
            vec![Operation::Dense(dense(3, 2)), Operation::OneHot { classes: 4 }],
            "layer 1 takes ids, but 2 features stand before it",
        ),
        (vec![softmax(), Operation::Embedding(table(4, 2))], "layer l0 takes features, but ids stand before it"),
        (vec![mask(), Operation::OneHot { classes: 4 }], "layer l0 masks features, but ids stand before it"),
        (vec![Operation::OneHot { classes: 0 }], "layer 0 has 0 classes, too few for ids below 0"),
        (
            vec![Operation::OneHot { classes: usize::MAX }],
            "layer 0 has 18446744073709551615 classes: expected at most 16777216",
        ),
        (
            vec![Operation::Embedding(Embedding { weight: vec![0.0; 7], ..table(4, 2) })],
            "layer 0 is not whole: embedding has 7 values, expected 8 (rows·width = 4·2)",
        ),
        (
            vec![Operation::Embedding(Embedding { width: 0, ..table(4, 2) })],
            "layer 0 is not whole: width is 0: a layer has at least one value on each side",
        ),
        (
            vec![Operation::Embedding(Embedding { weight: vec![f32::NAN; 8], ..table(4, 2) })],
            "layer 0 is not whole: tensor embedding holds NaN at index 0: weights must be finite",
        ),
        (vec![last(rnn(3, 2)), mask()], "layer 1 masks steps, but only the last step is left of the layer below"),
        (
            vec![last(rnn(3, 2)), last(rnn(2, 2))],
            "layer 1 reads steps, but only the last step is left of the layer below",
        ),
        (
            vec![last(rnn(3, 2)), add(1)],
            "layer 1 adds the input's steps, but only the last step is left of the layer below",
        ),
        (
            vec![Operation::Dense(dense(3, 2)), recurrent(Recurrent::forward(rnn(3, 2)))],
            "layer 1 takes 3 features, but 2 stand before it",
        ),
        (
            vec![Operation::Dense(dense(3, 2)), Operation::Dense(dense(3, 2))],
            "layer 1 takes 3 features, but 2 stand before it",
        ),
        (
            vec![Operation::Dense(Dense { weight: vec![0.0; 5], ..dense(3, 2) })],
            "layer 0 is not whole: weight has 5 values, expected 6 (outputs·inputs = 2·3)",
        ),
        (
            vec![Operation::Dense(Dense { bias: vec![0.0; 3], ..dense(3, 2) })],
            "layer 0 is not whole: bias has 3 values, expected 2 (outputs = 2)",
        ),
        (
            vec![Operation::Dense(Dense { bias: vec![0.0, f32::INFINITY], ..dense(3, 2) })],
            "layer 0 is not whole: tensor bias holds inf at index 1: weights must be finite",
        ),
        (
            vec![Operation::Dense(Dense { output: 0, ..dense(3, 2) })],
            "layer 0 is not whole: width is 0: a layer has at least one value on each side",
        ),
        (
            vec![recurrent(Recurrent { go_backwards: true, ..Recurrent::new(Passes::Reverse(rnn(3, 2))) })],
            "layer 0 goes backwards, which only a forward layer can",
        ),
        (
            vec![recurrent(both(rnn(3, 2), rnn(3, 1), Merge::Concat))],
            "layer 0 has two directions of different sizes or cells",
        ),
        (
            vec![recurrent(both(rnn(3, 2), gru(3, 2), Merge::Concat))],
            "layer 0 has two directions of different sizes or cells",
        ),
        (
            vec![mask(), recurrent(Recurrent { masked: Masked::Repeat, ..both(rnn(3, 2), rnn(3, 2), Merge::Sum) })],
            "layer 1 reads in both directions and repeats what was masked: expected zeros there",
        ),
        (
            vec![recurrent(both(rnn(3, 2), rnn(3, 2), Merge::None))],
            "layer 0 keeps its two directions apart (merge None): nothing can follow it",
        ),
        (vec![from(vec![state(2, 0); 2])], "layer 0 has 2 initial states, expected one for each of 1 directions"),
        (vec![from(vec![state(3, 0)])], "layer 0 is not whole: initial h has 3 values, expected 2 (H = 2)"),
        (vec![from(vec![state(2, 2)])], "layer 0 is not whole: initial c has 2 values, expected 0 (H = 0)"),
        (
            vec![from(vec![State { hidden: vec![0.0, f32::NAN], cell: Vec::new() }])],
            "layer 0 is not whole: tensor initial h holds NaN at index 1: weights must be finite",
        ),
        (vec![Operation::Embedding(table(4, 2)), add(1)], "layer 1 adds the model's input, which is ids"),
        (vec![Operation::Dense(dense(3, 2)), add(0)], "layer 1 adds 0 of 3 input features to 2: expected 1 or 2"),
        (vec![Operation::Dense(dense(3, 4)), add(4)], "layer 1 adds 4 of 3 input features to 4: expected 1 or 4"),
    ] {
        let blueprint = blueprint(operations);
        assert_eq!(message(blueprint.flow()), expected);
        assert_eq!(message(Network::new(&blueprint)), expected);
    }
}

#[test]
fn a_level_that_this_machine_does_not_have_is_refused() {
    let blueprint = blueprint(vec![Operation::Dense(dense(3, 2))]);
    for level in Level::ALL {
        assert_eq!(Network::with_level(&blueprint, level).is_ok(), level.is_available(), "{level}");
    }
}

#[test]
fn inputs_that_do_not_fit_are_refused_and_change_nothing() {
    let network = Network::new(&blueprint(vec![recurrent(Recurrent::forward(rnn(3, 2)))])).unwrap();
    let mut session = NetworkSession::new(&network, 2).unwrap();
    session.set_state(&[1.0, 2.0, 3.0, 4.0], &[]).unwrap();
    let x = [0.5; 12];
    let mut forward = |x: &[f32], lengths: Option<&[usize]>| {
        let found = message(session.forward(x, Layout::BatchFirst, lengths));
        assert_eq!(session.hidden_states(), [1.0, 2.0, 3.0, 4.0], "unchanged by: {found}");
        found
    };
    assert_eq!(forward(&x[1..], None), "x has 11 values, expected 6 (T·B·I = 1·2·3)");
    assert_eq!(forward(&x, Some(&[1])), "lengths has 1 values, expected 2 (B = 2)");
    assert_eq!(forward(&x, Some(&[2, 3])), "sequence 1 has length 3, but x has 2 steps");
    let ids = message(session.forward(&[1i64, 2], Layout::BatchFirst, None));
    assert_eq!(ids, "ids came, but the network takes 3 features a step");
    assert_eq!(message(session.step(&x)), "x has 12 values, expected 6 (B·I = 2·3)");
    assert_eq!(message(session.step(&x[..5])), "x has 5 values, expected 6 (B·I = 2·3)");
    assert_eq!(session.hidden_states(), [1.0, 2.0, 3.0, 4.0]);
}

#[test]
fn ids_out_of_range_and_features_for_ids_are_refused() {
    let layers = vec![Operation::Embedding(table(4, 3)), recurrent(Recurrent::forward(rnn(3, 2)))];
    let network = Network::new(&blueprint(layers)).unwrap();
    let mut session = NetworkSession::new(&network, 1).unwrap();
    let mut forward = |ids: &[i64]| message(session.forward(ids, Layout::BatchFirst, None));
    assert_eq!(forward(&[0, 3, 4]), "id 4 at row 2: expected 0 to 3");
    assert_eq!(forward(&[-1]), "id -1 at row 0: expected 0 to 3");
    assert_eq!(forward(&[0, i64::MIN]), "id -9223372036854775808 at row 1: expected 0 to 3");
    assert_eq!(forward(&[0, 1, 2, 3]), "no error");
    let features = message(session.forward(&[0.5f32], Layout::BatchFirst, None));
    assert_eq!(features, "features came, but the network takes an id below 4 a step");
}

#[test]
fn steps_are_refused_where_a_layer_needs_the_whole() {
    let expected = "a layer reads backwards, gives its last step only or leaves steps out: feed whole sequences";
    let backwards = recurrent(Recurrent { go_backwards: true, ..Recurrent::forward(rnn(3, 2)) });
    let reverse = recurrent(Recurrent::new(Passes::Reverse(rnn(3, 2))));
    let masks = [Operation::Masking { value: 0.0 }, Operation::Dense(dense(3, 2))];
    for operations in [vec![backwards], vec![reverse], vec![last(rnn(3, 2))], masks.to_vec()] {
        let network = Network::new(&blueprint(operations)).unwrap();
        assert!(!network.streams());
        assert_eq!(message(NetworkSession::new(&network, 1).unwrap().step(&[0.5f32; 3])), expected);
    }
}

#[test]
fn batches_of_nothing_or_of_too_much_are_refused() {
    for operations in [vec![Operation::Dense(dense(3, 2))], vec![last(rnn(3, 2))]] {
        let network = Network::new(&blueprint(operations)).unwrap();
        let expected = "batch is 0: a session runs at least one sequence";
        assert_eq!(message(NetworkSession::new(&network, 0)), expected);
        for batch in [usize::MAX, usize::MAX / 2, usize::MAX / 8] {
            let found = message(NetworkSession::new(&network, batch));
            assert!(found.starts_with(&format!("batch is {batch}: ")), "{found}");
        }
    }
}
