//! Orders of other frameworks: Keras' kernels, gates and biases as weights by their meaning.

use crate::cell::gru::GruOptions;
use crate::cell::lstm::LstmOptions;
#[cfg(feature = "keras")]
use crate::cell::rnn::RnnOptions;
use crate::error::{Error, Result};
#[cfg(feature = "keras")]
use crate::weights::RnnWeights;
use crate::weights::{GruWeights, LstmWeights, Weights, check_sizes};

/// Keras' gates z r h, as places of our r z n.
const GRU_ORDER: [usize; 3] = [1, 0, 2];

/// The tensors of one layer and direction as Keras has them: columns gate by gate, i f c o of an LSTM, z r h of a GRU.
pub(super) struct KerasTensors {
    /// Features of an input row (I).
    pub input: usize,
    /// Hidden units (H).
    pub hidden: usize,
    /// Row-major, I × G·H.
    pub kernel: Vec<f32>,
    /// Row-major, H × G·H.
    pub recurrent: Vec<f32>,
    /// G·H values, or of a GRU 2 × 3·H, the input's row before the recurrent one; empty for none.
    pub bias: Vec<f32>,
}

/// Turns a row-major matrix of inputs × outputs (Keras' kernels) into one of outputs × inputs; the caller has checked that
/// it has as many values.
pub(super) fn transposed(values: &[f32], inputs: usize, outputs: usize) -> Vec<f32> {
    (0..outputs).flat_map(|output| values.iter().skip(output).step_by(outputs).take(inputs).copied()).collect()
}

impl KerasTensors {
    /// An LSTM.
    ///
    /// # Errors
    /// [`Error::Size`] for a size of 0, [`Error::Length`] if a tensor does not fit, [`Error::NotFinite`] for NaN or ∞.
    pub fn lstm(&self, options: LstmOptions) -> Result<Weights> {
        let Matrices { kernel, recurrent } = self.matrices(4)?;
        let bias = self.one_bias(4)?;
        Ok(LstmWeights::new(self.input, self.hidden, &kernel, &recurrent, &bias)?.with_options(options).into())
    }

    /// A GRU; `options` say where its reset is applied.
    ///
    /// # Errors
    /// As [`KerasTensors::lstm`].
    pub fn gru(&self, options: GruOptions) -> Result<Weights> {
        let hidden = self.hidden;
        let Matrices { kernel, recurrent } = self.matrices(3)?;
        let (kernel, recurrent) = (reordered(&kernel, GRU_ORDER), reordered(&recurrent, GRU_ORDER));
        // 3·H < 2^26, as `matrices` has seen.
        let (input, inner) = match self.bias.split_at_checked(3 * hidden) {
            Some((input, inner)) if !inner.is_empty() => {
                Error::check_length("bias", self.bias.len(), "2·3·H", &[2, 3, hidden])?;
                (reordered(input, GRU_ORDER), reordered(inner, GRU_ORDER))
            }
            _ => (reordered(&self.one_bias(3)?, GRU_ORDER), vec![0.0; 3 * hidden]),
        };
        // b_rn alone stays apart.
        let gates = 2 * hidden;
        let added = |(at, (input, inner)): (usize, (&f32, &f32))| if at < gates { input + inner } else { *input };
        let bias: Vec<f32> = input.iter().zip(&inner).enumerate().map(added).collect();
        let candidate: Vec<f32> = inner.into_iter().skip(gates).collect();
        let weights = GruWeights::new(self.input, hidden, &kernel, &recurrent, &bias, &candidate)?;
        Ok(weights.with_options(options).into())
    }

    /// A simple RNN.
    ///
    /// # Errors
    /// As [`KerasTensors::lstm`].
    #[cfg(feature = "keras")]
    pub fn rnn(&self, options: RnnOptions) -> Result<Weights> {
        let Matrices { kernel, recurrent } = self.matrices(1)?;
        let bias = self.one_bias(1)?;
        Ok(RnnWeights::new(self.input, self.hidden, &kernel, &recurrent, &bias)?.with_options(options).into())
    }

    /// Both kernels with a row for every column, in Keras' order of gates.
    fn matrices(&self, gates: usize) -> Result<Matrices> {
        let (input, hidden) = (self.input, self.hidden);
        check_sizes(input, hidden)?;
        Error::check_length("kernel", self.kernel.len(), &format!("I·{gates}·H"), &[input, gates, hidden])?;
        let letters = format!("H·{gates}·H");
        Error::check_length("recurrent_kernel", self.recurrent.len(), &letters, &[hidden, gates, hidden])?;
        Ok(Matrices {
            kernel: transposed(&self.kernel, input, gates * hidden),
            recurrent: transposed(&self.recurrent, hidden, gates * hidden),
        })
    }

    /// One bias a row, zeros where there is none.
    fn one_bias(&self, gates: usize) -> Result<Vec<f32>> {
        if self.bias.is_empty() {
            return Ok(vec![0.0; gates * self.hidden]);
        }
        Error::check_length("bias", self.bias.len(), &format!("{gates}·H"), &[gates, self.hidden])?;
        Ok(self.bias.clone())
    }
}

/// Row-major, G·H × I and G·H × H.
struct Matrices {
    kernel: Vec<f32>,
    recurrent: Vec<f32>,
}

/// Equal blocks of values in another order: block `k` of the result is block `order[k]` of what came.
fn reordered<const BLOCKS: usize>(values: &[f32], order: [usize; BLOCKS]) -> Vec<f32> {
    let length = values.len() / BLOCKS;
    order.into_iter().flat_map(|block| values.iter().skip(block * length).take(length).copied()).collect()
}
