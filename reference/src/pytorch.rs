//! Weights in PyTorch's order, taken apart into the gates that the equations speak of.

use crate::error::{Error, check_length};
use crate::function::Function;
use crate::gate::Gate;
use crate::gru::{Gru, Reset, Update};
use crate::lstm::Lstm;
use crate::matrix::Matrix;
use crate::rnn::SimpleRnn;
use crate::scalar::Scalar;
use crate::variants::{GruOptions, LstmOptions};

/// The four tensors of one PyTorch layer, flat, row after row; G gates below each other (LSTM: i f g o, GRU: r z n).
///
/// ```
/// use gatewise_reference::{Lstm, PyTorchWeights};
///
/// // One unit, one feature; the two biases are summed.
/// let lstm = Lstm::from_pytorch(&PyTorchWeights {
///     inputs: 1,
///     hidden: 1,
///     weight_ih: &[1.65, 1.63, 0.94, -0.19],
///     weight_hh: &[2.00, 2.70, 1.41, 4.38],
///     bias_ih: &[0.50, 1.50, -0.25, 0.50],
///     bias_hh: &[0.12, 0.12, -0.07, 0.09],
/// })?;
/// assert_eq!(lstm.forget_gate.input_weights.get(0, 0), 1.63);
/// assert_eq!(lstm.forget_gate.bias, [1.50 + 0.12]);
/// # Ok::<(), gatewise_reference::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PyTorchWeights<'a, S> {
    /// I, the number of features.
    pub inputs: usize,
    /// H, the number of hidden units.
    pub hidden: usize,
    /// G·H × I
    pub weight_ih: &'a [S],
    /// G·H × H; G·H × P with a projection
    pub weight_hh: &'a [S],
    /// G·H, or empty for a layer without biases.
    pub bias_ih: &'a [S],
    /// G·H, or empty for a layer without biases.
    pub bias_hh: &'a [S],
}

impl<S: Scalar> Lstm<S> {
    /// Takes the gates i f g o; the two biases are summed.
    ///
    /// # Errors
    /// [`Error::Length`] if a tensor has the wrong size.
    pub fn from_pytorch(weights: &PyTorchWeights<'_, S>) -> Result<Self, Error> {
        weights.check(4, weights.hidden)?;
        Ok(weights.lstm(weights.hidden))
    }

    /// Takes the gates i f g o of an LSTM with `proj_size`: h has `outputs` values (P), and `weight_hh` is 4·H × P.
    ///
    /// `weight_hr`: P × H.
    ///
    /// # Errors
    /// [`Error::Length`] if a tensor has the wrong size.
    ///
    /// ```
    /// use gatewise_reference::{Cell, Lstm, PyTorchWeights};
    ///
    /// // Two units that show one value.
    /// let weights = PyTorchWeights {
    ///     inputs: 3,
    ///     hidden: 2,
    ///     weight_ih: &[0.5; 24],
    ///     weight_hh: &[0.25; 8],
    ///     bias_ih: &[],
    ///     bias_hh: &[],
    /// };
    /// let lstm = Lstm::from_pytorch_projected(&weights, &[0.5, -1.0], 1)?;
    /// assert_eq!((lstm.input_size(), lstm.hidden_size(), lstm.output_size()), (3, 2, 1));
    /// # Ok::<(), gatewise_reference::Error>(())
    /// ```
    pub fn from_pytorch_projected(
        weights: &PyTorchWeights<'_, S>,
        weight_hr: &[S],
        outputs: usize,
    ) -> Result<Self, Error> {
        weights.check(4, outputs)?;
        check_length("weight_hr", outputs.saturating_mul(weights.hidden), weight_hr.len())?;
        let projection = Some(Matrix::from_flat(outputs, weights.hidden, weight_hr)?);
        Ok(Lstm { projection, ..weights.lstm(outputs) })
    }
}

impl<S: Scalar> Gru<S> {
    /// Takes the gates r z n; the two biases are summed for r and z, and kept apart for n. Reset after, z keeps the old.
    ///
    /// # Errors
    /// [`Error::Length`] if a tensor has the wrong size.
    pub fn from_pytorch(weights: &PyTorchWeights<'_, S>) -> Result<Self, Error> {
        weights.check(3, weights.hidden)?;
        let mut candidate = weights.gate(2, weights.hidden);
        candidate.bias = weights.bias(weights.bias_ih, 2);
        Ok(Gru {
            reset_gate: weights.gate(0, weights.hidden),
            update_gate: weights.gate(1, weights.hidden),
            candidate,
            recurrent_bias: (!weights.bias_hh.is_empty()).then(|| weights.bias(weights.bias_hh, 2)),
            reset: Reset::After,
            update: Update::KeepsOld,
            options: GruOptions::default(),
        })
    }
}

impl<S: Scalar> SimpleRnn<S> {
    /// Takes the only sum; the two biases are added. PyTorch's file does not say which activation it was trained with.
    ///
    /// # Errors
    /// [`Error::Length`] if a tensor has the wrong size.
    pub fn from_pytorch(weights: &PyTorchWeights<'_, S>, activation: Function) -> Result<Self, Error> {
        weights.check(1, weights.hidden)?;
        let Gate { input_weights, recurrent_weights, bias, .. } = weights.gate(0, weights.hidden);
        Ok(SimpleRnn { input_weights, recurrent_weights, bias, activation, clip: None })
    }
}

impl<S: Scalar> PyTorchWeights<'_, S> {
    /// Checks the sizes; `outputs` is the number of values of h.
    fn check(&self, gates: usize, outputs: usize) -> Result<(), Error> {
        let rows = gates.saturating_mul(self.hidden);
        check_length("weight_ih", rows.saturating_mul(self.inputs), self.weight_ih.len())?;
        check_length("weight_hh", rows.saturating_mul(outputs), self.weight_hh.len())?;
        for (buffer, bias) in [("bias_ih", self.bias_ih), ("bias_hh", self.bias_hh)] {
            if !bias.is_empty() {
                check_length(buffer, rows, bias.len())?;
            }
        }
        Ok(())
    }

    /// Takes the gates i f g o; `outputs` is the number of values of h.
    fn lstm(&self, outputs: usize) -> Lstm<S> {
        Lstm {
            input_gate: self.gate(0, outputs),
            forget_gate: self.gate(1, outputs),
            candidate: self.gate(2, outputs),
            output_gate: self.gate(3, outputs),
            options: LstmOptions::default(),
            projection: None,
        }
    }

    /// Takes the rows of one gate; the two biases are summed.
    fn gate(&self, gate: usize, outputs: usize) -> Gate<S> {
        let mut bias = self.bias(self.bias_ih, gate);
        let recurrent_bias = self.bias(self.bias_hh, gate);
        for unit in 0..self.hidden {
            bias[unit] = bias[unit] + recurrent_bias[unit];
        }
        Gate {
            input_weights: self.rows(self.weight_ih, self.inputs, gate),
            recurrent_weights: self.rows(self.weight_hh, outputs, gate),
            bias,
            peephole: None,
        }
    }

    fn rows(&self, tensor: &[S], columns: usize, gate: usize) -> Matrix<S> {
        let mut rows = Matrix::zeros(self.hidden, columns);
        for unit in 0..self.hidden {
            for column in 0..columns {
                rows.set(unit, column, tensor[(gate * self.hidden + unit) * columns + column]);
            }
        }
        rows
    }

    /// Takes one gate's part of a bias; zeros if there is none.
    fn bias(&self, tensor: &[S], gate: usize) -> Vec<S> {
        if tensor.is_empty() {
            return vec![S::ZERO; self.hidden];
        }
        tensor[gate * self.hidden..(gate + 1) * self.hidden].to_vec()
    }
}
