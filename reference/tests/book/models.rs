//! Whole sequential models: masks, directions and lengths on numbers that can be checked by hand, and against [`Network`].

use gatewise_reference::{
    AnyCell, Dense, Embedding, Function, Gives, Keep, Layer, Layout, Masked, Matrix, Merge, ModelError, ModelInput,
    ModelOutput, ModelRows, Network, NetworkInput, NoTrace, Recurrent, RowFunction, Sequence, SequentialLayer,
    SequentialModel, Shape, SimpleRnn, State, Trace, TraceFilter, log_softmax, softmax,
};

use crate::assert_all_near;
use crate::cells::Numbers;

/// Says "nothing here" in the stories below.
const NONE: f64 = 9.0;

/// A cell that adds up what it hears.
fn sum() -> AnyCell<f64> {
    let one = || Matrix::from_rows(&[[1.0]]);
    let activation = Function::Identity;
    SimpleRnn { input_weights: one(), recurrent_weights: one(), bias: vec![0.0], activation, clip: None }.into()
}

fn both(merge: Merge) -> Layer<AnyCell<f64>> {
    Layer::Both { forward: sum(), reverse: sum(), merge }
}

fn masking() -> SequentialLayer<f64> {
    SequentialLayer::Masking { value: NONE }
}

fn each(function: Function) -> SequentialLayer<f64> {
    SequentialLayer::Activation(RowFunction::Each(function))
}

fn run(layers: Vec<SequentialLayer<f64>>, input: &ModelInput<'_, f64>) -> Result<ModelOutput<f64>, ModelError> {
    SequentialModel { layers }.forward(input, &mut NoTrace)
}

/// One sequence of one feature.
fn story(x: &[f64]) -> ModelInput<'_, f64> {
    let rows = ModelRows::Features { features: 1, x };
    ModelInput { layout: Layout::BatchFirst, batch: 1, steps: x.len(), rows, lengths: None }
}

/// What a recurrent layer makes of 1, 2, 4 with masked steps before, between and behind.
fn masked(recurrent: Recurrent<f64>) -> Vec<f64> {
    let layers = vec![masking(), SequentialLayer::Recurrent(recurrent)];
    run(layers, &story(&[NONE, 1.0, 2.0, NONE, 4.0, NONE])).expect("layers that fit").y
}

#[test]
fn a_masked_step_keeps_the_state_and_repeats_the_output_or_gives_zeros() {
    let forward = Recurrent::new(Layer::Forward(sum()));
    assert_eq!(masked(forward.clone()), [0.0, 1.0, 3.0, 0.0, 7.0, 0.0]);
    assert_eq!(masked(Recurrent { masked: Masked::Repeat, ..forward.clone() }), [0.0, 1.0, 3.0, 3.0, 7.0, 7.0]);
    for (masked_step, expected) in [(Masked::Zeros, 0.0), (Masked::Repeat, 7.0)] {
        let last = Recurrent { masked: masked_step, gives: Gives::LastStep, ..forward.clone() };
        assert_eq!(masked(last), [expected], "{masked_step:?}");
    }
}

#[test]
fn a_masked_step_before_the_first_repeats_zeros_and_not_the_initial_state() {
    let initial = vec![State { h: vec![10.0], c: Vec::new() }];
    let forward = Recurrent { initial, masked: Masked::Repeat, ..Recurrent::new(Layer::Forward(sum())) };
    assert_eq!(masked(forward.clone()), [0.0, 11.0, 13.0, 13.0, 17.0, 17.0]);
    let last = Recurrent { gives: Gives::LastStep, ..forward };
    let nothing = [NONE; 3];
    for x in [&nothing[..], &[]] {
        let output =
            run(vec![masking(), SequentialLayer::Recurrent(last.clone())], &story(x)).expect("layers that fit");
        assert_eq!((output.y, output.h_n), (vec![10.0], vec![10.0]), "{x:?}");
    }
}

#[test]
fn the_reverse_direction_reads_the_mask_in_reverse_and_restores_the_order() {
    let reverse = Recurrent::new(Layer::Reverse(sum()));
    assert_eq!(masked(reverse.clone()), [0.0, 7.0, 6.0, 0.0, 4.0, 0.0]);
    assert_eq!(masked(Recurrent { masked: Masked::Repeat, ..reverse.clone() }), [7.0, 7.0, 6.0, 4.0, 4.0, 0.0]);
    assert_eq!(masked(Recurrent { gives: Gives::LastStep, ..reverse.clone() }), [0.0]);
    assert_eq!(masked(Recurrent { gives: Gives::LastStep, masked: Masked::Repeat, ..reverse }), [7.0]);
}

#[test]
fn going_backwards_leaves_the_outputs_in_the_order_of_reading() {
    let backwards = Recurrent { go_backwards: true, ..Recurrent::new(Layer::Forward(sum())) };
    assert_eq!(masked(backwards.clone()), [0.0, 4.0, 0.0, 6.0, 7.0, 0.0]);
    let repeating = Recurrent { masked: Masked::Repeat, ..backwards };
    assert_eq!(masked(repeating.clone()), [0.0, 4.0, 4.0, 6.0, 7.0, 7.0]);

    // The mask goes on in its own order: the second layer hears 4, 4 and 7.
    let second = Recurrent { masked: Masked::Repeat, ..Recurrent::new(Layer::Forward(sum())) };
    let layers = vec![masking(), SequentialLayer::Recurrent(repeating.clone()), SequentialLayer::Recurrent(second)];
    let x = [NONE, 1.0, 2.0, NONE, 4.0, NONE];
    assert_eq!(run(layers, &story(&x)).expect("layers that fit").y, [0.0, 4.0, 8.0, 8.0, 15.0, 15.0]);

    let input = ModelInput { lengths: Some(&[3]), ..story(&[1.0, 2.0, 4.0, 8.0, 16.0]) };
    let output = run(vec![SequentialLayer::Recurrent(repeating)], &input).expect("a layer that fits");
    assert_eq!(output.y, [4.0, 6.0, 7.0, 0.0, 0.0], "from the sequence's own end");
}

#[test]
fn two_directions_are_merged_step_by_step_and_at_the_last_step() {
    for (merge, expected, last) in [
        (Merge::Sum, vec![0.0, 8.0, 9.0, 0.0, 11.0, 0.0], vec![14.0]),
        (Merge::Multiply, vec![0.0, 7.0, 18.0, 0.0, 28.0, 0.0], vec![49.0]),
        (Merge::Average, vec![0.0, 4.0, 4.5, 0.0, 5.5, 0.0], vec![7.0]),
        (Merge::Concat, vec![0.0, 0.0, 1.0, 7.0, 3.0, 6.0, 0.0, 0.0, 7.0, 4.0, 0.0, 0.0], vec![7.0, 7.0]),
    ] {
        assert_eq!(masked(Recurrent::new(both(merge))), expected, "{merge:?}");
        let repeating = Recurrent { masked: Masked::Repeat, ..Recurrent::new(both(merge)) };
        assert_eq!(masked(Recurrent { gives: Gives::LastStep, ..repeating }), last, "{merge:?}");
    }
}

#[test]
fn other_layers_compute_masked_steps_and_pass_the_mask_on() {
    let double =
        Dense { weight: Matrix::from_rows(&[[2.0]]), bias: vec![1.0], function: RowFunction::Each(Function::Identity) };
    let recurrent = SequentialLayer::Recurrent(Recurrent::new(Layer::Forward(sum())));
    let x = [NONE, 1.0, NONE, 2.0];
    let layers = [masking(), SequentialLayer::Dense(double), SequentialLayer::AddInput { features: 1 }, recurrent];
    assert_eq!(run(layers[..1].to_vec(), &story(&x)).expect("a mask").y, [0.0, 1.0, 0.0, 2.0]);
    assert_eq!(run(layers[..2].to_vec(), &story(&x)).expect("a linear layer").y, [1.0, 3.0, 1.0, 5.0]);
    let with_input = run(layers[..3].to_vec(), &story(&x)).expect("the input added");
    assert_eq!(with_input.y, [1.0 + NONE, 4.0, 1.0 + NONE, 7.0]);
    assert_eq!(run(layers.to_vec(), &story(&x)).expect("all layers").y, [0.0, 4.0, 0.0, 11.0]);
    // Another mask says itself which steps are there, whatever the first one said.
    let layers = vec![masking(), SequentialLayer::Masking { value: 1.0 }, layers[3].clone()];
    assert_eq!(run(layers, &story(&x)).expect("two masks").y, [0.0, 0.0, 0.0, 2.0]);
}

#[test]
fn words_become_rows_and_the_word_0_can_be_masked() {
    let weight = Matrix::from_rows(&[[5.0, 6.0], [1.0, 2.0], [3.0, 4.0]]);
    let ids = [2, 0, 1];
    let rows = ModelRows::Ids(&ids);
    let input = ModelInput { layout: Layout::TimeMajor, batch: 1, steps: 3, rows, lengths: None };
    let pair = |mask_zero| {
        let mut numbers = Numbers::new(3);
        let recurrent = Recurrent::new(Layer::Forward(AnyCell::from(numbers.gru::<f64>(2, 3))));
        vec![
            SequentialLayer::Embedding(Embedding { weight: weight.clone(), mask_zero }),
            SequentialLayer::Recurrent(recurrent),
        ]
    };
    let table = run(pair(true)[..1].to_vec(), &input).expect("a table");
    assert_eq!((table.y, table.shape), (vec![3.0, 4.0, 5.0, 6.0, 1.0, 2.0], Shape::Steps(2)));
    let [with, without] = [true, false].map(|mask_zero| run(pair(mask_zero), &input).expect("two layers").h_n);
    let shorter = ModelInput { steps: 2, rows: ModelRows::Ids(&[2, 1]), ..input };
    assert_eq!(with, run(pair(false), &shorter).expect("two layers").h_n);
    assert_ne!(with, without);
    let one_hot = run(vec![SequentialLayer::OneHot { classes: 3 }], &input).expect("words");
    assert_eq!(one_hot.y, [0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
}

#[test]
fn functions_of_rows_and_their_logarithms_agree() {
    let mut numbers = Numbers::new(7);
    for width in 1..20 {
        let row: Vec<f64> = numbers.vector(width).iter().map(|x: &f64| 30.0 * x).collect();
        let logarithms: Vec<f64> = softmax(&row).iter().map(|p| p.ln()).collect();
        assert_all_near(&log_softmax(&row), &logarithms, 1e-13, "log_softmax");
        for function in [RowFunction::Softmax, RowFunction::LogSoftmax, RowFunction::Each(Function::Tanh)] {
            let input = ModelInput { rows: ModelRows::Features { features: width, x: &row }, steps: 1, ..story(&[]) };
            let found = run(vec![SequentialLayer::Activation(function)], &input).expect("a function").y;
            assert_eq!(found, function.apply(&row), "{function:?}");
        }
    }
    let nothing: Vec<f64> = log_softmax(&[]);
    assert_eq!(nothing, [0.0; 0]);
    for row in [[f64::NAN, 1.0, 2.0], [1.0, f64::NAN, 2.0], [0.0, f64::INFINITY, 1.0], [f64::NEG_INFINITY; 3]] {
        assert!(log_softmax(&row).iter().all(|y| y.is_nan()), "{row:?}");
        assert!(softmax(&row).iter().all(|y| y.is_nan()), "{row:?}");
    }
    assert_eq!(log_softmax(&[0.0, f64::NEG_INFINITY]), [0.0, f64::NEG_INFINITY]);
}

/// Three layers of other cells, directions and widths, with lengths, from given states.
#[test]
fn recurrent_layers_alone_are_the_network_of_the_same_layers() {
    let mut numbers = Numbers::new(11);
    let cells = vec![
        Layer::Forward(AnyCell::from(numbers.lstm::<f64>(3, 5, 2))),
        Layer::Both {
            forward: AnyCell::from(numbers.gru(2, 4)),
            reverse: AnyCell::from(numbers.gru(2, 4)),
            merge: Merge::Concat,
        },
        Layer::Reverse(AnyCell::from(numbers.lstm(8, 3, 3))),
    ];
    let (steps, batch, lengths) = (6, 4, [6, 0, 3, 5]);
    let x: Vec<f64> = numbers.vector(steps * batch * 3);
    let network = Network { layers: cells.clone() };
    let mut layers = Vec::new();
    let (mut h0, mut c0) = (Vec::new(), Vec::new());
    for cells in cells {
        let mut initial = Vec::new();
        for (_, cell) in cells.cells() {
            use gatewise_reference::Cell;
            let state = State { h: numbers.vector(cell.output_size()), c: numbers.vector(cell.memory_size()) };
            h0.extend(state.h.repeat(batch));
            c0.extend(state.c.repeat(batch));
            initial.push(state);
        }
        layers.push(SequentialLayer::Recurrent(Recurrent { initial, ..Recurrent::new(cells) }));
    }
    for layout in [Layout::BatchFirst, Layout::TimeMajor] {
        let sequence = Sequence { layout, batch, steps, x: &x, h0: Some(&h0), c0: Some(&c0) };
        let expected = NetworkInput { sequence, lengths: Some(&lengths), keep: Keep::LastStates };
        let expected = network.forward(&expected, &mut NoTrace).expect("a network that fits");
        let rows = ModelRows::Features { features: 3, x: &x };
        let input = ModelInput { layout, batch, steps, rows, lengths: Some(&lengths) };
        let found = run(layers.clone(), &input).expect("layers that fit");
        assert_eq!(found.y, expected.y, "{layout:?}");
        assert_eq!((found.h_n, found.c_n), (expected.h_n, expected.c_n), "{layout:?}");
    }
}

#[test]
fn cells_and_linear_layers_are_traced_with_the_layers_number() {
    let dense = Dense {
        weight: Matrix::from_rows(&[[0.5], [-1.0]]),
        bias: vec![0.25, 1.0],
        function: RowFunction::Each(Function::Relu),
    };
    let recurrent = SequentialLayer::Recurrent(Recurrent::new(Layer::Forward(sum())));
    let model = SequentialModel { layers: vec![masking(), recurrent, SequentialLayer::Dense(dense)] };
    let mut trace = Trace::new(TraceFilter::default());
    model.forward(&story(&[3.0, NONE]), &mut trace).expect("layers that fit");
    assert_eq!(
        format!("{trace:.2}"),
        "\
simple RNN, layer 1, forward, batch row 0, step 0
z = 1·3 + 1·0 + 0 = 3  sum
h = 3             = 3  hidden state

linear layer, layer 2, forward, batch row 0, step 0
z[0] = 0.50·3 + 0.25 = 1.75  linear layer's sum
y[0] = relu(1.75)    = 1.75  output
z[1] = (−1)·3 + 1    = −2    linear layer's sum
y[1] = relu(−2)      = 0     output

linear layer, layer 2, forward, batch row 0, step 1
z[0] = 0.50·0 + 0.25 = 0.25  linear layer's sum
y[0] = relu(0.25)    = 0.25  output
z[1] = (−1)·0 + 1    = 1     linear layer's sum
y[1] = relu(1)       = 1     output
"
    );
}

#[test]
fn what_does_not_fit_is_named() {
    let recurrent = |recurrent| SequentialLayer::Recurrent(recurrent);
    let forward = || Recurrent::new(Layer::Forward(sum()));
    let dense = |weight: Matrix<f64>, bias: Vec<f64>| {
        SequentialLayer::Dense(Dense { weight, bias, function: RowFunction::Softmax })
    };
    let last = || recurrent(Recurrent { gives: Gives::LastStep, ..forward() });
    let wide = AnyCell::from(Numbers::new(1).gru::<f64>(1, 2));
    let state = |h: usize| State { h: vec![0.0; h], c: Vec::new() };
    let table = SequentialLayer::Embedding(Embedding { weight: Matrix::zeros(2, 1), mask_zero: false });
    for (layers, message) in [
        (vec![], "layers: expected at least 1, found 0"),
        (vec![table.clone()], "layer 0: expected ids, found 1 features a step"),
        (vec![masking(), SequentialLayer::OneHot { classes: 3 }], "layer 1: expected ids, found 1 features a step"),
        (vec![last(), masking()], "layer 1: expected a row a step, found 1 features a sequence"),
        (vec![last(), last()], "layer 1: expected a row a step, found 1 features a sequence"),
        (
            vec![SequentialLayer::AddInput { features: 2 }],
            "layer 0: expected 2 features to add to 1, found 1 features a step",
        ),
        (vec![dense(Matrix::zeros(3, 2), vec![])], "layer 0: W: expected 1 features, found 2"),
        (vec![dense(Matrix::zeros(3, 1), vec![0.0])], "layer 0: b: expected 3 values, found 1"),
        (
            vec![dense(Matrix::zeros(3, 1), vec![]), recurrent(forward())],
            "layer 1, forward: W: expected 3 features, found 1",
        ),
        (
            vec![recurrent(Recurrent::new(both(Merge::Separate)))],
            "layer 0: expected a merge of the two directions, found them kept separate",
        ),
        (
            vec![recurrent(Recurrent::new(Layer::Both { forward: sum(), reverse: wide, merge: Merge::Sum }))],
            "layer 0: expected two directions of the same width to merge, found 1 forward and 2 reverse",
        ),
        (
            vec![recurrent(Recurrent { go_backwards: true, ..Recurrent::new(Layer::Reverse(sum())) })],
            "layer 0: expected a forward cell to go backwards, found another direction",
        ),
        (
            vec![recurrent(Recurrent { initial: vec![state(1); 2], ..forward() })],
            "layer 0: initial states: expected 1 values, found 2",
        ),
        (
            vec![recurrent(Recurrent { initial: vec![state(2)], ..forward() })],
            "layer 0: h0: expected 1 values, found 2",
        ),
    ] {
        assert_eq!(run(layers, &story(&[1.0, 2.0])).expect_err(message).to_string(), message);
    }
    let ids = ModelInput { rows: ModelRows::Ids(&[1, 2]), ..story(&[1.0, 2.0]) };
    let message = |layers, input: &ModelInput<'_, f64>| run(layers, input).expect_err("an error").to_string();
    assert_eq!(message(vec![each(Function::Tanh)], &ids), "layer 0: expected features, found ids");
    assert_eq!(message(vec![table], &ids), "layer 0: expected an id below 2, found 2");
    let found = message(vec![SequentialLayer::OneHot { classes: 2 }], &ids);
    assert_eq!(found, "layer 0: one-hot: expected a class below 2, found 2");
    let x = [1.0; 3];
    let input = ModelInput { batch: 2, ..story(&x) };
    assert_eq!(message(vec![each(Function::Tanh)], &input), "x: expected 6 values, found 3");
    let input = ModelInput { lengths: Some(&[4]), ..story(&x) };
    assert_eq!(message(vec![each(Function::Tanh)], &input), "lengths[0]: expected at most 3 steps, found 4");
    let input = ModelInput { lengths: Some(&[1, 1]), ..story(&x) };
    assert_eq!(message(vec![each(Function::Tanh)], &input), "lengths: expected 1 values, found 2");
}
