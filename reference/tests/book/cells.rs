//! Every cell in every variant, with random weights.

use gatewise_reference::{
    AnyCell, ClockworkRnn, Coupling, DepthGated, Function, Gate, GateUse, Gru, GruOptions, Lstm, LstmOptions, Matrix,
    Mutant, Mutation, Reset, Scalar, SimpleRnn, Update,
};

/// Random numbers between −1 and 1 that `f32` and `f64` hold exactly.
pub struct Numbers(u64);

impl Numbers {
    pub fn new(seed: u64) -> Self {
        Numbers(seed)
    }

    fn random(&mut self) -> u64 {
        // Knuth's MMIX generator; the upper bits are the random ones.
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        self.0 >> 33
    }

    pub fn next<S: Scalar>(&mut self) -> S {
        let thousandths = self.random() % 2047;
        S::from_f64((thousandths as f64 - 1023.0) / 1024.0)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.random() % bound as u64) as usize
    }

    pub fn vector<S: Scalar>(&mut self, length: usize) -> Vec<S> {
        (0..length).map(|_| self.next()).collect()
    }

    pub fn matrix<S: Scalar>(&mut self, rows: usize, columns: usize) -> Matrix<S> {
        Matrix::from_flat(rows, columns, &self.vector(rows * columns)).expect("rows · columns values")
    }

    fn gate<S: Scalar>(&mut self, inputs: usize, hidden: usize, outputs: usize) -> Gate<S> {
        Gate {
            input_weights: self.matrix(hidden, inputs),
            recurrent_weights: self.matrix(hidden, outputs),
            bias: self.vector(hidden),
            peephole: None,
        }
    }

    /// An LSTM; with a projection if h has other than `hidden` values.
    pub fn lstm<S: Scalar>(&mut self, inputs: usize, hidden: usize, outputs: usize) -> Lstm<S> {
        Lstm {
            forget_gate: self.gate(inputs, hidden, outputs),
            input_gate: self.gate(inputs, hidden, outputs),
            candidate: self.gate(inputs, hidden, outputs),
            output_gate: self.gate(inputs, hidden, outputs),
            options: LstmOptions::default(),
            projection: (outputs != hidden).then(|| self.matrix(outputs, hidden)),
        }
    }

    /// A GRU that resets after, with a recurrent bias.
    pub fn gru<S: Scalar>(&mut self, inputs: usize, hidden: usize) -> Gru<S> {
        Gru {
            reset_gate: self.gate(inputs, hidden, hidden),
            update_gate: self.gate(inputs, hidden, hidden),
            candidate: self.gate(inputs, hidden, hidden),
            recurrent_bias: Some(self.vector(hidden)),
            reset: Reset::After,
            update: Update::KeepsOld,
            options: GruOptions::default(),
        }
    }

    /// MUT1, MUT2 or MUT3.
    pub fn mutant<S: Scalar>(&mut self, inputs: usize, hidden: usize, mutation: Mutation) -> Mutant<S> {
        Mutant {
            update_gate: self.gate(inputs, hidden, hidden),
            reset_gate: self.gate(inputs, hidden, hidden),
            candidate: self.gate(inputs, hidden, hidden),
            mutation,
        }
    }

    /// A clockwork RNN whose periods rise by 1 or not at all.
    pub fn clockwork<S: Scalar>(&mut self, inputs: usize, hidden: usize, first_t: usize) -> ClockworkRnn<S> {
        let mut period = 1;
        let mut periods = Vec::new();
        for _ in 0..hidden {
            periods.push(period);
            period += self.below(2);
        }
        ClockworkRnn { rnn: self.rnn(inputs, hidden), periods, first_t }
    }

    /// A depth-gated LSTM with all peepholes.
    pub fn depth_gated<S: Scalar>(&mut self, inputs: usize, hidden: usize, outputs: usize) -> DepthGated<S> {
        let mut lstm = self.lstm(inputs, hidden, outputs);
        for gate in [&mut lstm.input_gate, &mut lstm.forget_gate, &mut lstm.output_gate] {
            gate.peephole = Some(self.vector(hidden));
        }
        DepthGated {
            lstm,
            depth_weights: self.matrix(hidden, inputs),
            depth_bias: self.vector(hidden),
            previous_peephole: self.vector(hidden),
            below_peephole: self.vector(hidden),
        }
    }

    /// A simple RNN with tanh.
    pub fn rnn<S: Scalar>(&mut self, inputs: usize, hidden: usize) -> SimpleRnn<S> {
        let Gate { input_weights, recurrent_weights, bias, .. } = self.gate(inputs, hidden, hidden);
        SimpleRnn { input_weights, recurrent_weights, bias, activation: Function::Tanh, clip: None }
    }
}

/// The activations that ONNX has beside sigmoid, tanh and ReLU, with parameters that are none's default.
pub const ACTIVATIONS: [Function; 8] = [
    Function::Affine { alpha: 0.75, beta: 0.125 },
    Function::LeakyRelu { alpha: 0.0625 },
    Function::ThresholdedRelu { alpha: 0.25 },
    Function::ScaledTanh { alpha: 1.125, beta: 0.625 },
    Function::HardSigmoid { alpha: 0.25, beta: 0.4375 },
    Function::Elu { alpha: 0.875 },
    Function::Softsign,
    Function::Softplus,
];

/// Makes every cell in every variant, and says which it is; all but those that hear the time step or the layer below.
pub fn every_cell<S: Scalar>(inputs: usize, hidden: usize, seed: u64) -> Vec<(String, AnyCell<S>)> {
    let mut numbers = Numbers::new(seed);
    let mut cells = Vec::new();
    for activation in [Function::Tanh, Function::Relu].into_iter().chain(ACTIVATIONS) {
        for clip in [None, Some(0.5)] {
            let rnn = SimpleRnn { activation, clip, ..numbers.rnn(inputs, hidden) };
            cells.push((format!("RNN {activation:?}, clip {clip:?}"), AnyCell::Rnn(rnn)));
        }
    }
    for options in every_lstm() {
        for peepholes in ["", "f", "o", "ifo"] {
            // One value less in h than in c, where that leaves any.
            for outputs in [hidden, hidden.saturating_sub(1).max(1)] {
                let mut lstm = Lstm { options, ..numbers.lstm(inputs, hidden, outputs) };
                for letter in peepholes.chars() {
                    let gate = match letter {
                        'i' => &mut lstm.input_gate,
                        'f' => &mut lstm.forget_gate,
                        _ => &mut lstm.output_gate,
                    };
                    gate.peephole = Some(numbers.vector(hidden));
                }
                if hidden == 1 && outputs == 1 {
                    lstm.projection = Some(numbers.matrix(1, 1));
                }
                cells.push((format!("{options:?}, peepholes {peepholes}, P = {outputs}"), AnyCell::Lstm(lstm)));
            }
        }
    }
    for mutation in [Mutation::Mut1, Mutation::Mut2, Mutation::Mut3] {
        cells.push((format!("{mutation:?}"), numbers.mutant(inputs, hidden, mutation).into()));
    }
    for reset in [Reset::Before, Reset::After] {
        for update in [Update::KeepsOld, Update::WritesNew] {
            for biased in [true, false] {
                for options in every_gru() {
                    let mut gru = Gru { reset, update, options, ..numbers.gru(inputs, hidden) };
                    if !biased {
                        gru.recurrent_bias = None;
                    }
                    let name = format!("GRU {reset:?} {update:?}, recurrent bias {biased}, {options:?}");
                    cells.push((name, AnyCell::Gru(gru)));
                }
            }
        }
    }
    cells
}

fn every_lstm() -> Vec<LstmOptions> {
    let lstm = LstmOptions::default();
    let mut variants = vec![
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
        LstmOptions { clip: Some(0.5), ..lstm },
        LstmOptions { clip: Some(0.5), coupling: Coupling::ForgetIsOneMinusInput, ..lstm },
    ];
    for (at, output_activation) in ACTIVATIONS.into_iter().enumerate() {
        // The three that are exchanged are never the same.
        let gate_activation = ACTIVATIONS[(at + 1) % ACTIVATIONS.len()];
        let input_activation = ACTIVATIONS[(at + 2) % ACTIVATIONS.len()];
        // Gates that nothing bounds would let the cell state grow beyond f32 in a few steps.
        let clip = Some(0.75);
        variants.push(LstmOptions { gate_activation, input_activation, output_activation, clip, ..lstm });
    }
    variants
}

fn every_gru() -> Vec<GruOptions> {
    let gru = GruOptions::default();
    let mut variants = vec![gru, GruOptions { clip: Some(0.5), ..gru }];
    for (at, gate_activation) in ACTIVATIONS.into_iter().enumerate() {
        let candidate_activation = ACTIVATIONS[(at + 1) % ACTIVATIONS.len()];
        variants.push(GruOptions { gate_activation, candidate_activation, clip: Some(0.75) });
    }
    variants
}
