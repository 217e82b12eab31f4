//! Layers by loops in f64, of PyTorch's tensors: nothing here knows a file.

/// Rows of a sequence.
pub type Rows = Vec<Vec<f64>>;

/// One layer and direction.
#[derive(Clone)]
pub struct Tensors {
    pub weight_ih: Rows,
    pub weight_hh: Rows,
    pub bias_ih: Vec<f64>,
    pub bias_hh: Vec<f64>,
}

pub fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

pub fn times(matrix: &Rows, x: &[f64], bias: &[f64]) -> Vec<f64> {
    matrix.iter().zip(bias).map(|(row, bias)| row.iter().zip(x).map(|(w, x)| w * x).sum::<f64>() + bias).collect()
}

/// A function of single values.
pub type Function = fn(f64) -> f64;

/// Functions of an LSTM: of the gates, of the candidate and the state.
pub type Functions = (Function, Function);

pub const STANDARD: Functions = (sigmoid, f64::tanh);

impl Tensors {
    pub fn hidden(&self) -> usize {
        self.weight_hh[0].len()
    }

    fn sums(&self, x: &[f64], h: &[f64]) -> (Vec<f64>, Vec<f64>) {
        (times(&self.weight_ih, x, &self.bias_ih), times(&self.weight_hh, h, &self.bias_hh))
    }

    /// Gates i f g o.
    pub fn lstm(&self, x: &Rows, state: [Vec<f64>; 2], (gate, function): Functions) -> Rows {
        let (hidden, [mut h, mut c]) = (self.hidden(), state);
        let mut y = Vec::new();
        for x in x {
            let (input, own) = self.sums(x, &h);
            let at = |gate: usize, unit: usize| input[gate * hidden + unit] + own[gate * hidden + unit];
            for (unit, c) in c.iter_mut().enumerate() {
                *c = gate(at(1, unit)) * *c + gate(at(0, unit)) * function(at(2, unit));
            }
            h = (0..hidden).map(|unit| gate(at(3, unit)) * function(c[unit])).collect();
            y.push(h.clone());
        }
        y
    }

    pub fn lstm_from_zeros(&self, x: &Rows) -> Rows {
        self.lstm(x, [(); 2].map(|()| vec![0.0; self.hidden()]), STANDARD)
    }

    /// Gates r z n, reset after.
    pub fn gru(&self, x: &Rows) -> Rows {
        let hidden = self.hidden();
        let mut h = vec![0.0; hidden];
        let step = |x: &Vec<f64>| {
            let (input, own) = self.sums(x, &h);
            h = (0..hidden)
                .map(|unit| {
                    let r = sigmoid(input[unit] + own[unit]);
                    let z = sigmoid(input[hidden + unit] + own[hidden + unit]);
                    let n = (input[2 * hidden + unit] + r * own[2 * hidden + unit]).tanh();
                    (1.0 - z) * n + z * h[unit]
                })
                .collect();
            h.clone()
        };
        x.iter().map(step).collect()
    }

    /// Gates r z n, the reset on h before the product; only `bias_ih` counts.
    pub fn gru_reset_before(&self, x: &Rows) -> Rows {
        let hidden = self.hidden();
        let mut h = vec![0.0; hidden];
        let step = |x: &Vec<f64>| {
            let none = vec![0.0; 3 * hidden];
            let (input, own) = (times(&self.weight_ih, x, &self.bias_ih), times(&self.weight_hh, &h, &none));
            let reset: Vec<f64> = (0..hidden).map(|unit| sigmoid(input[unit] + own[unit]) * h[unit]).collect();
            let candidate = times(&self.weight_hh, &reset, &none);
            h = (0..hidden)
                .map(|unit| {
                    let z = sigmoid(input[hidden + unit] + own[hidden + unit]);
                    let n = (input[2 * hidden + unit] + candidate[2 * hidden + unit]).tanh();
                    (1.0 - z) * n + z * h[unit]
                })
                .collect();
            h.clone()
        };
        x.iter().map(step).collect()
    }

    pub fn rnn(&self, x: &Rows) -> Rows {
        let mut h = vec![0.0; self.hidden()];
        let step = |x: &Vec<f64>| {
            let (input, own) = self.sums(x, &h);
            h = input.iter().zip(&own).map(|(a, b)| (a + b).tanh()).collect();
            h.clone()
        };
        x.iter().map(step).collect()
    }
}
