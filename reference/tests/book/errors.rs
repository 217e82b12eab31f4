//! Buffers that do not fit are errors that say which, what was expected and what came.

use gatewise_reference::example::worked_example;
use gatewise_reference::{
    Cell, Error, Function, Gate, Gru, GruOptions, Layout, Lstm, LstmOptions, Matrix, NoTrace, PyTorchWeights, Reset,
    Sequence, SimpleRnn, Update, forward, one_hot, softmax,
};

fn lstm() -> Lstm<f64> {
    let gate = Gate::zeros(3, 2);
    Lstm {
        forget_gate: gate.clone(),
        input_gate: gate.clone(),
        candidate: gate.clone(),
        output_gate: gate,
        options: LstmOptions::default(),
        projection: None,
    }
}

fn gru() -> Gru<f64> {
    let gate = Gate::zeros(3, 2);
    Gru {
        reset_gate: gate.clone(),
        update_gate: gate.clone(),
        candidate: gate,
        recurrent_bias: Some(vec![0.0; 2]),
        reset: Reset::After,
        update: Update::KeepsOld,
        options: GruOptions::default(),
    }
}

fn rnn() -> SimpleRnn<f64> {
    SimpleRnn {
        input_weights: Matrix::zeros(2, 3),
        recurrent_weights: Matrix::zeros(2, 2),
        bias: vec![0.0; 2],
        activation: Function::Tanh,
        clip: None,
    }
}

#[track_caller]
fn assert_message<T: std::fmt::Debug>(result: Result<T, Error>, message: &str) {
    assert_eq!(result.expect_err(message).to_string(), message);
}

/// Runs a cell with 3 features on 2 rows of 4 steps.
fn run(cell: &impl Cell<f64>, x: usize, h0: Option<usize>, c0: Option<usize>) -> Result<(), Error> {
    let (x, h0, c0) = (vec![0.0; x], h0.map(|n| vec![0.0; n]), c0.map(|n| vec![0.0; n]));
    let (h0, c0) = (h0.as_deref(), c0.as_deref());
    let input = Sequence { layout: Layout::BatchFirst, batch: 2, steps: 4, x: &x, h0, c0 };
    forward(cell, &input, &mut NoTrace).map(drop)
}

#[test]
fn inputs_and_states_that_do_not_fit_are_named() {
    assert_eq!(run(&lstm(), 24, Some(4), Some(4)), Ok(()));
    assert_eq!(run(&lstm(), 24, None, None), Ok(()));
    assert_message(run(&lstm(), 23, None, None), "x: expected 24 values, found 23");
    assert_message(run(&lstm(), 24, Some(5), None), "h0: expected 4 values, found 5");
    assert_message(run(&lstm(), 24, None, Some(2)), "c0: expected 4 values, found 2");
    assert_message(run(&gru(), 24, None, Some(4)), "c0: expected 0 values, found 4");
    assert_message(run(&rnn(), 0, None, None), "x: expected 24 values, found 0");
}

#[test]
fn sizes_beyond_memory_are_errors_not_panics() {
    let input =
        Sequence { layout: Layout::TimeMajor, batch: usize::MAX, steps: usize::MAX, x: &[1.0], h0: None, c0: None };
    let error = forward(&worked_example::<f64>(), &input, &mut NoTrace);
    assert_eq!(error, Err(Error::Length { buffer: "x", expected: usize::MAX, found: 1 }));
    let input = Sequence { steps: 0, x: &[], ..input };
    let error = forward(&worked_example::<f64>(), &input, &mut NoTrace).map(drop);
    assert_message(error, "h0: expected to hold 18446744073709551615 values, found no memory for them");
}

#[test]
fn weights_that_do_not_fit_are_named() {
    let mut cell = lstm();
    cell.forget_gate.input_weights = Matrix::zeros(2, 4);
    assert_message(run(&cell, 24, None, None), "W_f: expected 2 × 3, found 2 × 4");
    let mut cell = lstm();
    cell.input_gate.recurrent_weights = Matrix::zeros(3, 2);
    assert_message(run(&cell, 24, None, None), "R_i: expected 2 × 2, found 3 × 2");
    let mut cell = lstm();
    cell.candidate.bias = vec![0.0; 3];
    assert_message(run(&cell, 24, None, None), "b_g: expected 2 values, found 3");
    let mut cell = lstm();
    cell.output_gate.peephole = Some(vec![0.0]);
    assert_message(run(&cell, 24, None, None), "p_o: expected 2 values, found 1");
    let mut cell = lstm();
    cell.candidate.peephole = Some(vec![0.0; 2]);
    assert_message(run(&cell, 24, None, None), "p_g: expected 0 values, found 2");
    let mut cell = lstm();
    cell.projection = Some(Matrix::zeros(1, 3));
    assert_message(run(&cell, 24, None, None), "R_f: expected 2 × 1, found 2 × 2");
    for gate in [&mut cell.forget_gate, &mut cell.input_gate, &mut cell.candidate, &mut cell.output_gate] {
        gate.recurrent_weights = Matrix::zeros(2, 1);
    }
    assert_message(run(&cell, 24, None, None), "W_hr: expected 1 × 2, found 1 × 3");
    cell.projection = Some(Matrix::zeros(1, 2));
    assert_eq!(run(&cell, 24, Some(2), Some(4)), Ok(()));
    assert_message(run(&cell, 24, Some(4), Some(4)), "h0: expected 2 values, found 4");

    let mut cell = gru();
    cell.recurrent_bias = Some(Vec::new());
    assert_message(run(&cell, 24, None, None), "b_rn: expected 2 values, found 0");
    let mut cell = gru();
    cell.update_gate.peephole = Some(vec![0.0; 2]);
    assert_message(run(&cell, 24, None, None), "p_z: expected 0 values, found 2");
    let mut cell = gru();
    cell.reset_gate.bias.pop();
    assert_message(run(&cell, 24, None, None), "b_r: expected 2 values, found 1");

    let mut cell = rnn();
    cell.recurrent_weights = Matrix::zeros(2, 1);
    assert_message(run(&cell, 24, None, None), "R: expected 2 × 2, found 2 × 1");
    let mut cell = rnn();
    cell.bias.pop();
    assert_message(run(&cell, 24, None, None), "b: expected 2 values, found 1");
}

#[test]
fn pytorch_tensors_that_do_not_fit_are_named() {
    let numbers = [0.5; 64];
    let fits = PyTorchWeights {
        inputs: 3,
        hidden: 2,
        weight_ih: &numbers[..24],
        weight_hh: &numbers[..16],
        bias_ih: &numbers[..8],
        bias_hh: &numbers[..8],
    };
    assert!(Lstm::from_pytorch(&fits).is_ok());
    assert_message(Gru::from_pytorch(&fits), "weight_ih: expected 18 values, found 24");
    assert_message(SimpleRnn::from_pytorch(&fits, Function::Tanh), "weight_ih: expected 6 values, found 24");
    let wrong = PyTorchWeights { weight_hh: &numbers[..15], ..fits };
    assert_message(Lstm::from_pytorch(&wrong), "weight_hh: expected 16 values, found 15");
    let wrong = PyTorchWeights { bias_ih: &numbers[..9], ..fits };
    assert_message(Lstm::from_pytorch(&wrong), "bias_ih: expected 8 values, found 9");
    let wrong = PyTorchWeights { bias_hh: &numbers[..7], ..fits };
    assert_message(Lstm::from_pytorch(&wrong), "bias_hh: expected 8 values, found 7");
    let projected = PyTorchWeights { weight_hh: &numbers[..8], ..fits };
    assert!(Lstm::from_pytorch_projected(&projected, &numbers[..2], 1).is_ok());
    assert_message(Lstm::from_pytorch_projected(&fits, &numbers[..2], 1), "weight_hh: expected 8 values, found 16");
    assert_message(Lstm::from_pytorch_projected(&projected, &numbers[..3], 1), "weight_hr: expected 2 values, found 3");
    let one_bias = PyTorchWeights { bias_hh: &[], ..fits };
    assert_eq!(Lstm::from_pytorch(&one_bias).expect("one bias is enough").output_gate.bias, [0.5; 2]);
}

#[test]
fn matrices_and_classes_that_do_not_fit_are_errors() {
    assert_message(Matrix::from_flat(2, 3, &[0.0; 5]), "matrix: expected 6 values, found 5");
    assert_message(one_hot::<f64>(&[4, 10], 10), "one-hot: expected a class below 10, found 10");
    assert_eq!(softmax::<f64>(&[]), Vec::<f64>::new());
}
