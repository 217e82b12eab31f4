//! Every cell in every variant, with random weights.

use gatewise_reference::{
    Cell, Coupling, Error, Function, Gate, GateUse, Gru, Lstm, LstmOptions, Matrix, Moment, Recorder, Reset, Scalar,
    SimpleRnn, State, Update,
};

/// Any cell of the book.
#[derive(Debug, Clone)]
pub enum AnyCell<S> {
    Rnn(SimpleRnn<S>),
    Lstm(Lstm<S>),
    Gru(Gru<S>),
}

/// Calls the same method of whichever cell it is.
macro_rules! whichever {
    ($any:expr, $cell:ident => $call:expr) => {
        match $any {
            AnyCell::Rnn($cell) => $call,
            AnyCell::Lstm($cell) => $call,
            AnyCell::Gru($cell) => $call,
        }
    };
}

impl<S: Scalar> Cell<S> for AnyCell<S> {
    fn name(&self) -> &'static str {
        whichever!(self, cell => cell.name())
    }
    fn input_size(&self) -> usize {
        whichever!(self, cell => cell.input_size())
    }
    fn hidden_size(&self) -> usize {
        whichever!(self, cell => cell.hidden_size())
    }
    fn has_cell_state(&self) -> bool {
        whichever!(self, cell => cell.has_cell_state())
    }
    fn check(&self) -> Result<(), Error> {
        whichever!(self, cell => cell.check())
    }
    fn step(&self, now: &Moment<'_, S>, recorder: &mut impl Recorder<S>) -> State<S> {
        whichever!(self, cell => cell.step(now, recorder))
    }
}

/// Random numbers between −1 and 1 that `f32` and `f64` hold exactly.
pub struct Numbers(u64);

impl Numbers {
    pub fn new(seed: u64) -> Self {
        Numbers(seed)
    }

    pub fn next<S: Scalar>(&mut self) -> S {
        // Knuth's MMIX generator; the upper bits are the random ones.
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        let thousandths = (self.0 >> 33) % 2047;
        S::from_f64((thousandths as f64 - 1023.0) / 1024.0)
    }

    pub fn vector<S: Scalar>(&mut self, length: usize) -> Vec<S> {
        (0..length).map(|_| self.next()).collect()
    }

    fn matrix<S: Scalar>(&mut self, rows: usize, columns: usize) -> Matrix<S> {
        Matrix::from_flat(rows, columns, &self.vector(rows * columns)).expect("rows · columns values")
    }

    fn gate<S: Scalar>(&mut self, inputs: usize, hidden: usize) -> Gate<S> {
        Gate {
            input_weights: self.matrix(hidden, inputs),
            recurrent_weights: self.matrix(hidden, hidden),
            bias: self.vector(hidden),
            peephole: None,
        }
    }
}

/// Makes every cell in every variant, and says which it is.
pub fn every_cell<S: Scalar>(inputs: usize, hidden: usize, seed: u64) -> Vec<(String, AnyCell<S>)> {
    let mut numbers = Numbers::new(seed);
    let mut cells = Vec::new();
    for activation in [Function::Tanh, Function::Relu] {
        let Gate { input_weights, recurrent_weights, bias, .. } = numbers.gate(inputs, hidden);
        let rnn = SimpleRnn { input_weights, recurrent_weights, bias, activation };
        cells.push((format!("RNN {activation:?}"), AnyCell::Rnn(rnn)));
    }
    for options in every_lstm() {
        for peepholes in ["", "f", "o", "ifo"] {
            let mut lstm = Lstm {
                forget_gate: numbers.gate(inputs, hidden),
                input_gate: numbers.gate(inputs, hidden),
                candidate: numbers.gate(inputs, hidden),
                output_gate: numbers.gate(inputs, hidden),
                options,
            };
            for letter in peepholes.chars() {
                let gate = match letter {
                    'i' => &mut lstm.input_gate,
                    'f' => &mut lstm.forget_gate,
                    _ => &mut lstm.output_gate,
                };
                gate.peephole = Some(numbers.vector(hidden));
            }
            cells.push((format!("{options:?}, peepholes {peepholes}"), AnyCell::Lstm(lstm)));
        }
    }
    for reset in [Reset::Before, Reset::After] {
        for update in [Update::KeepsOld, Update::WritesNew] {
            for biased in [true, false] {
                let gru = Gru {
                    reset_gate: numbers.gate(inputs, hidden),
                    update_gate: numbers.gate(inputs, hidden),
                    candidate: numbers.gate(inputs, hidden),
                    recurrent_bias: biased.then(|| numbers.vector(hidden)),
                    reset,
                    update,
                };
                let name = format!("GRU {reset:?} {update:?}, recurrent bias {biased}");
                cells.push((name, AnyCell::Gru(gru)));
            }
        }
    }
    cells
}

fn every_lstm() -> Vec<LstmOptions> {
    let lstm = LstmOptions::default();
    vec![
        lstm,
        LstmOptions { input_gate: GateUse::AlwaysOne, ..lstm },
        LstmOptions { forget_gate: GateUse::AlwaysOne, ..lstm },
        LstmOptions { output_gate: GateUse::AlwaysOne, ..lstm },
        LstmOptions { input_activation: Function::Identity, ..lstm },
        LstmOptions { output_activation: Function::Identity, ..lstm },
        LstmOptions { output_activation: Function::Sigmoid, ..lstm },
        LstmOptions { output_activation: Function::Relu, ..lstm },
        LstmOptions { coupling: Coupling::ForgetIsOneMinusInput, ..lstm },
        LstmOptions { coupling: Coupling::InputIsOneMinusForget, ..lstm },
    ]
}
