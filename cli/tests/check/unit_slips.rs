//! Slips that need several units or several steps: rows, transposed matrices, states and inputs of other steps.

use super::sheets::{Numbers, Report, check};

/// A simple network of three units and two features, over three steps.
struct Network {
    r: Vec<Vec<f64>>,
    w: Vec<Vec<f64>>,
    b: Vec<f64>,
    x: Vec<Vec<f64>>,
    start: Vec<f64>,
}

impl Network {
    fn new(seed: u64) -> Self {
        let mut numbers = Numbers::new(seed);
        Network {
            r: numbers.matrix(3, 3),
            w: numbers.matrix(3, 2),
            b: numbers.vector(3),
            x: numbers.matrix(3, 2),
            start: numbers.vector(3),
        }
    }

    /// One unit's state from any numbers.
    fn unit(&self, unit: usize, x: &[f64], h: &[f64]) -> f64 {
        let inputs: f64 = (0..2).map(|k| self.w[unit][k] * x[k]).sum();
        let hidden: f64 = (0..3).map(|k| self.r[unit][k] * h[k]).sum();
        (inputs + hidden + self.b[unit]).tanh()
    }

    fn step(&self, x: &[f64], h: &[f64]) -> Vec<f64> {
        (0..3).map(|unit| self.unit(unit, x, h)).collect()
    }

    /// The three right states.
    fn states(&self) -> Vec<Vec<f64>> {
        let first = self.step(&self.x[0], &self.start);
        let second = self.step(&self.x[1], &first);
        let third = self.step(&self.x[2], &second);
        vec![first, second, third]
    }

    fn check(&self, states: &[Vec<f64>]) -> Report {
        let Network { r, w, b, x, start } = self;
        let mut text = format!("cell = \"rnn\"\n[weights]\nh = {r:?}\nx = {w:?}\nb = {b:?}\n[start]\nh = {start:?}\n");
        for (x, h) in x.iter().zip(states) {
            let h: Vec<String> = h.iter().map(|h| format!("{h:.6}")).collect();
            text += &format!("[[step]]\nx = {x:?}\nvalues.h = [{}]\n", h.join(", "));
        }
        check(&text)
    }
}

#[test]
fn another_units_row_is_named() {
    let network = Network::new(11);
    let mut states = network.states();
    states.truncate(1);
    states[0][1] = network.unit(2, &network.x[0], &network.start);
    network.check(&states).assert_first("the weights were those of unit 2 used for unit 1");
}

#[test]
fn a_transposed_matrix_is_named_for_every_unit() {
    let mut network = Network::new(12);
    let transpose = |r: &Vec<Vec<f64>>| (0..3).map(|i| (0..3).map(|j| r[j][i]).collect()).collect();
    network.r = transpose(&network.r);
    let states = network.states();
    network.r = transpose(&network.r);
    let report = network.check(&states);
    report.assert_first("the matrix R was read by columns");
    assert!(report.out.contains("for every unit"), "{}", report.out);
    // The other units, and the later steps, are no mistakes of their own.
    assert!(report.out.contains("\n0 right, 1 wrong, 8 follow from it\n"), "{}", report.out);
}

#[test]
fn a_term_of_several_is_named() {
    let network = Network::new(13);
    let mut states = network.states();
    states.truncate(1);
    let right = states[0][0].atanh();
    states[0][0] = (right - network.r[0][1] * network.start[1]).tanh();
    network.check(&states).assert_first("the term R[0,1]·h⁻[1] was forgotten");
    states[0][0] = (right - 2.0 * network.w[0][1] * network.x[0][1]).tanh();
    network.check(&states).assert_first("the term W[0,1]·x[1] was taken with the wrong sign");
}

#[test]
fn the_input_of_another_step_is_named() {
    let network = Network::new(14);
    let mut states = network.states();
    states[1] = network.step(&network.x[0], &states[0]);
    states[2] = network.step(&network.x[2], &states[1]);
    let report = network.check(&states);
    report.assert_first("x of step 0 was used where x of step 1 belongs");
    assert!(report.out.contains("\n3 right, 1 wrong, 5 follow from it\n"), "{}", report.out);
}

#[test]
fn an_older_state_is_named() {
    let network = Network::new(15);
    let mut states = network.states();
    states[1] = network.step(&network.x[1], &network.start);
    states[2] = network.step(&network.x[2], &states[1]);
    network.check(&states).assert_first("an older h was used");
    let mut states = network.states();
    states[2] = network.step(&network.x[2], &states[0]);
    network.check(&states).assert_first("an older h was used");
}

#[test]
fn a_slip_at_every_step_is_found_from_the_last_state_alone() {
    let mut network = Network::new(16);
    let bias = std::mem::replace(&mut network.b, vec![0.0; 3]);
    let states = network.states();
    network.b = bias;
    let Network { r, w, b, x, start } = &network;
    let last: Vec<String> = states[2].iter().map(|h| format!("{h:.6}")).collect();
    let report = check(&format!(
        "cell = \"rnn\"\n[weights]\nh = {r:?}\nx = {w:?}\nb = {b:?}\n[start]\nh = {start:?}\n\
         [[step]]\nx = {:?}\n[[step]]\nx = {:?}\n[[step]]\nx = {:?}\nvalues.h = [{}]\n",
        x[0],
        x[1],
        x[2],
        last.join(", ")
    ));
    report.assert_first("the bias b[0] was forgotten, for every unit, at every step");
    assert!(report.out.contains("\n0 right, 1 wrong, 2 follow from it\n"), "{}", report.out);
}
