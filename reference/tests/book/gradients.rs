//! Golden gradients: the documents' cell, Gomez's example, the papers' cells by autograd, and PyTorch's layers.

use gatewise_reference::{
    AnyCell, Gate, Gradients, Gru, Layer, Layout, Learned, LossGradients, Lstm, Matrix, Network, NetworkInput, NoTrace,
    Sequence, SimpleRnn, Trace, TraceFilter, backward, example, forward,
};

use crate::fixtures::{FOLDER, Fixture, VARIANTS, names};
use crate::worked_example::{GOMEZ_X, gomez};
use crate::{assert_all_near, assert_near};

/// Autograd's gradients are f64, from the same f32 weights; relative to the largest of an array.
const TOLERANCE: f64 = 1e-13;

#[test]
fn the_documents_gradients_come_out_to_twelve_digits() {
    let input = Sequence {
        layout: Layout::BatchFirst,
        batch: 1,
        steps: 1,
        x: &[example::X],
        h0: Some(&[example::H_PREVIOUS]),
        c0: Some(&[example::C_PREVIOUS]),
    };
    let mut trace = Trace::new(TraceFilter::default());
    let cell = example::worked_example::<f64>();
    let loss = LossGradients { h_n: Some(&[1.0]), ..LossGradients::default() };
    let gradients = backward(&cell, &input, &loss, &mut trace).expect("a step that fits");
    let d = |letter| trace.get(0, 0, letter).unwrap_or_else(|| panic!("no d {letter}")).value;
    let table = [
        ("z_f", 5.630331074064e-05),
        ("z_g", 7.140954199171e-04),
        ("z_i", 1.426707775390e-04),
        ("z_o", 8.211435514613e-03),
        ("c", 1.085966841792e-02),
        ("c⁻", 1.083144340383e-02),
        ("h⁻", 3.741032259017e-02),
        ("x", -5.617418736078e-04),
    ];
    for (letter, expected) in table {
        assert_near(d(letter), expected, 6e-13 * expected.abs(), letter);
    }
    assert_eq!((gradients.x, gradients.h0, gradients.c0), (vec![d("x")], vec![d("h⁻")], vec![d("c⁻")]));
    let gate = gradients.weights.output_gate;
    let shares = (gate.input_weights.get(0, 0), gate.recurrent_weights.get(0, 0), gate.bias[0]);
    assert_eq!(shares, (d("W_o"), d("R_o"), d("b_o")));

    // And of c: ∂c/∂c⁻ = f.
    let loss = LossGradients { c_n: Some(&[1.0]), ..LossGradients::default() };
    let gradients = backward(&cell, &input, &loss, &mut NoTrace).expect("a step that fits");
    assert_near(gradients.c0[0], 0.997400932238, 1e-12, "∂c/∂c⁻");
}

#[test]
fn gomez_gradients_come_out_to_eight_digits() {
    let lstm = gomez();
    let input = Sequence { layout: Layout::BatchFirst, batch: 1, steps: 2, x: &GOMEZ_X, h0: None, c0: None };
    // The loss is ½(h − label)² at either step.
    let h = forward(&lstm, &input, &mut NoTrace).expect("a sequence that fits").y;
    let loss = LossGradients { y: Some(&[h[0] - 0.5, h[1] - 1.25]), ..LossGradients::default() };
    let Gradients { weights, .. } = backward(&lstm, &input, &loss, &mut NoTrace).expect("a sequence that fits");
    let table = [
        ("g", weights.candidate, [-0.02671622, -0.09220113, -0.01039609, -0.03640839]),
        ("i", weights.input_gate, [-0.00220369, -0.00663861, -0.00059832, -0.00276150]),
        ("f", weights.forget_gate, [-0.00315327, -0.01891963, -0.00338228, -0.00630654]),
        ("o", weights.output_gate, [-0.02592411, -0.16260389, -0.02969987, -0.05361303]),
    ];
    for (letter, gate, expected) in table {
        let w = &gate.input_weights;
        let found = [w.get(0, 0), w.get(0, 1), gate.recurrent_weights.get(0, 0), gate.bias[0]];
        assert_all_near(&found, &expected, 6e-9, &format!("d W, d R and d b of {letter}"));
    }
}

impl Fixture {
    fn gradient(&self, name: &str) -> Option<Vec<f64>> {
        self.array("grads.npz", name)
    }

    /// Walks back from the folder's loss.
    fn backward(
        &self,
        network: &Network<AnyCell<f64>>,
        input: &NetworkInput<'_, f64>,
    ) -> Gradients<f64, Network<AnyCell<f64>>> {
        let [y, h_n, c_n] = ["r_y", "r_h_n", "r_c_n"].map(|name| self.gradient(name));
        let loss = LossGradients { y: y.as_deref(), y_reverse: None, h_n: h_n.as_deref(), c_n: c_n.as_deref() };
        assert!(loss.y.is_some(), "{}: the loss hears y", self.name);
        network.backward(input, &loss, &mut NoTrace).expect("a fixture that fits")
    }

    /// Compares with a gradient of the folder, if it has it; says whether.
    fn compare(&self, name: &str, found: &[f64]) -> bool {
        let Some(expected) = self.gradient(name) else { return false };
        let largest = expected.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
        assert!(largest > 0.0, "{}: {name} is all zeros", self.name);
        assert_all_near(found, &expected, TOLERANCE * largest, &format!("{} d {name}", self.name));
        true
    }
}

#[test]
fn autograd_on_the_papers_equations_finds_the_same() {
    let names = names("variant_");
    assert_eq!(names.len(), VARIANTS);
    for name in names {
        let fixture = Fixture::open(FOLDER, &name);
        let network = fixture.variant();
        let [h0, c0] = ["h0", "c0"].map(|name| fixture.array("io.npz", name).unwrap_or_default());
        let x = fixture.io("x");
        let mut gradients = fixture.backward(&network, &fixture.input([&x, &h0, &c0]));
        assert!(fixture.compare("x", &gradients.x) && fixture.compare("h0", &gradients.h0), "{name}: d x and d h0");
        assert_eq!(fixture.compare("c0", &gradients.c0), !c0.is_empty(), "{name}: d c0");
        let mut compared = 0;
        for (number, layer) in gradients.weights.layers.iter_mut().enumerate() {
            let Layer::Forward(cell) = layer else { panic!("{name}: one direction") };
            for weight in cell.weights() {
                let suffix = if name.contains("two_layers") { format!("_l{number}") } else { String::new() };
                match fixture.compare(&format!("{}{suffix}", weight.letter), weight.values) {
                    true => compared += 1,
                    false => assert!(weight.values.iter().all(|&d| d == 0.0), "{name}: {} is read", weight.letter),
                }
            }
        }
        assert_eq!(compared, fixture.arrays("weights.npz"), "{name}: every weight");
    }
}

/// The tensors of a cell in PyTorch's order: weight_ih, weight_hh, bias_ih, bias_hh, weight_hr.
fn pytorch(cell: AnyCell<f64>) -> [Vec<f64>; 5] {
    let (gates, recurrent_bias, mut projection) = match cell {
        AnyCell::Lstm(Lstm { input_gate, forget_gate, candidate, output_gate, projection, .. }) => {
            (vec![input_gate, forget_gate, candidate, output_gate], None, projection)
        }
        AnyCell::Gru(Gru { reset_gate, update_gate, candidate, recurrent_bias, .. }) => {
            (vec![reset_gate, update_gate, candidate], recurrent_bias, None)
        }
        AnyCell::Rnn(SimpleRnn { input_weights, recurrent_weights, bias, .. }) => {
            (vec![Gate { input_weights, recurrent_weights, bias, peephole: None }], None, None)
        }
        other => panic!("PyTorch has no {other:?}"),
    };
    let flat = |matrix: &Matrix<f64>| -> Vec<f64> {
        let rows = (0..matrix.rows()).flat_map(|row| (0..matrix.columns()).map(move |column| (row, column)));
        rows.map(|(row, column)| matrix.get(row, column)).collect()
    };
    let [weight_ih, weight_hh] = [
        gates.iter().flat_map(|gate| flat(&gate.input_weights)).collect(),
        gates.iter().flat_map(|gate| flat(&gate.recurrent_weights)).collect(),
    ];
    let bias_ih: Vec<f64> = gates.iter().flat_map(|gate| gate.bias.clone()).collect();
    let mut bias_hh = bias_ih.clone();
    if let Some(recurrent_bias) = recurrent_bias {
        let candidate = bias_hh.len() - recurrent_bias.len();
        bias_hh[candidate..].copy_from_slice(&recurrent_bias);
    }
    let weight_hr = projection.take().map(|projection| flat(&projection)).unwrap_or_default();
    [weight_ih, weight_hh, bias_ih, bias_hh, weight_hr]
}

#[test]
fn pytorch_finds_the_same() {
    let names = names("torch_");
    assert_eq!(names.len(), 33, "all of PyTorch's cases");
    for name in names {
        let fixture = Fixture::open(FOLDER, &name);
        let network = fixture.network();
        let [h0, c0] = ["h0", "c0"].map(|name| fixture.array("io.npz", name).unwrap_or_default());
        let (x, lengths) = (fixture.io("x"), fixture.lengths());
        let mut input = NetworkInput { lengths: lengths.as_deref(), ..fixture.input([&x, &h0, &c0]) };
        if fixture.option("batch_first") == true {
            input.sequence.layout = Layout::BatchFirst;
        }
        let gradients = fixture.backward(&network, &input);
        assert!(fixture.compare("x", &gradients.x), "{name}: d x");
        assert_eq!(fixture.compare("h0", &gradients.h0), !h0.is_empty(), "{name}: d h0");
        assert_eq!(fixture.compare("c0", &gradients.c0), !c0.is_empty(), "{name}: d c0");
        let mut compared = 0;
        for (place, cell) in gradients.weights.cells() {
            let reverse = if place.direction.name() == "reverse" { "_reverse" } else { "" };
            let tensors = ["weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr"];
            for (tensor, found) in tensors.into_iter().zip(pytorch(cell.clone())) {
                compared += usize::from(fixture.compare(&format!("param.{tensor}_l{}{reverse}", place.layer), &found));
            }
        }
        let others = ["r_y", "r_h_n", "r_c_n", "x", "h0", "c0"];
        let others = others.iter().filter(|&name| fixture.gradient(name).is_some()).count();
        assert_eq!(compared + others, fixture.arrays("grads.npz"), "{name}: every parameter");
    }
}
