//! Weights to begin with, as PyTorch and Keras draw them.

use super::random::Random;
use crate::activation::{Activation, Finish};
use crate::error::{Error, Result};
use crate::network::blueprint::{Dense, Embedding};
use crate::weights::{GruWeights, LstmWeights, RnnWeights, TorchTensors};

/// How weights begin. The same generator, at the same place, gives the same bits on every machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Initial {
    /// As PyTorch: everything recurrent, biases too, even between ±1/√H; a linear layer's even between ±1/√inputs; an
    /// embedding's normal with deviation 1.
    #[default]
    Torch,
    /// As Keras: [`glorot`] for what comes from an input, [`orthogonal`] for what comes from the state, biases 0 but an
    /// LSTM's forget gate, which begins open with 1 (Jozefowicz et al. 2015); an embedding's even between ±0.05.
    Keras,
    /// All 0.
    Zeros,
}

impl Initial {
    /// An LSTM of `input` features and `hidden` units.
    ///
    /// # Errors
    /// [`Error::Size`] if a size is 0 or larger than any layer is; so for all below.
    pub fn lstm(self, input: usize, hidden: usize, random: &mut Random) -> Result<LstmWeights> {
        let mut tensors = self.recurrent([4, input, hidden], random)?;
        if let (Initial::Keras, Some([bias, _])) = (self, &mut tensors.biases) {
            bias.iter_mut().skip(hidden).take(hidden).for_each(|forget| *forget = 1.0);
        }
        tensors.into_lstm()
    }

    /// A GRU of `input` features and `hidden` units, its reset after the product, as in PyTorch and Keras.
    ///
    /// # Errors
    /// As [`Initial::lstm`].
    pub fn gru(self, input: usize, hidden: usize, random: &mut Random) -> Result<GruWeights> {
        self.recurrent([3, input, hidden], random)?.into_gru()
    }

    /// A simple RNN of `input` features and `hidden` units.
    ///
    /// # Errors
    /// As [`Initial::lstm`].
    pub fn rnn(self, input: usize, hidden: usize, activation: Activation, random: &mut Random) -> Result<RnnWeights> {
        self.recurrent([1, input, hidden], random)?.into_rnn(activation)
    }

    /// A linear layer with biases, and the function behind it.
    ///
    /// # Errors
    /// As [`Initial::lstm`].
    pub fn dense(self, input: usize, output: usize, finish: Finish, random: &mut Random) -> Result<Dense> {
        check_sizes([("input", input), ("output", output)], input.saturating_mul(output))?;
        let count = input * output;
        let bound = 1.0 / (input as f64).sqrt();
        let (weight, bias) = match self {
            Initial::Torch => (uniform(count, bound, random), uniform(output, bound, random)),
            Initial::Keras => (glorot(output, input, random), vec![0.0; output]),
            Initial::Zeros => (vec![0.0; count], vec![0.0; output]),
        };
        Ok(Dense { input, output, weight, bias, finish })
    }

    /// A table of `rows` ids, `width` values each.
    ///
    /// # Errors
    /// As [`Initial::lstm`].
    pub fn embedding(self, rows: usize, width: usize, random: &mut Random) -> Result<Embedding> {
        check_sizes([("rows", rows), ("width", width)], rows.saturating_mul(width))?;
        let count = rows * width;
        let weight = match self {
            Initial::Torch => (0..count).map(|_| random.normal() as f32).collect(),
            Initial::Keras => uniform(count, 0.05, random),
            Initial::Zeros => vec![0.0; count],
        };
        Ok(Embedding { rows, width, weight, mask_zero: false })
    }

    fn recurrent(self, [gates, input, hidden]: [usize; 3], random: &mut Random) -> Result<TorchTensors> {
        let rows = gates.saturating_mul(hidden);
        check_sizes([("input_size", input), ("hidden_size", hidden)], rows.saturating_mul(input.max(hidden)))?;
        let bound = 1.0 / (hidden as f64).sqrt();
        let (weight_ih, weight_hh, biases) = match self {
            Initial::Torch => (
                uniform(rows * input, bound, random),
                uniform(rows * hidden, bound, random),
                [(); 2].map(|()| uniform(rows, bound, random)),
            ),
            Initial::Keras => {
                (glorot(rows, input, random), orthogonal(rows, hidden, random)?, [(); 2].map(|()| vec![0.0; rows]))
            }
            Initial::Zeros => (vec![0.0; rows * input], vec![0.0; rows * hidden], [(); 2].map(|()| vec![0.0; rows])),
        };
        let biases = Some(biases);
        Ok(TorchTensors { input_size: input, hidden_size: hidden, weight_ih, weight_hh, biases, projection: None })
    }
}

/// Values evenly distributed between −`bound` and `bound`.
pub fn uniform(count: usize, bound: f64, random: &mut Random) -> Vec<f32> {
    (0..count).map(|_| random.uniform(-bound, bound) as f32).collect()
}

/// A matrix of `rows` × `columns` values, evenly distributed between ±√(6/(rows + columns)) (Glorot & Bengio 2010).
/// Keras takes all gates as one matrix, so the rows are G·H.
pub fn glorot(rows: usize, columns: usize, random: &mut Random) -> Vec<f32> {
    uniform(rows.saturating_mul(columns), (6.0 / (rows as f64 + columns as f64)).sqrt(), random)
}

/// A random matrix Q, row-major, rows × columns, whose columns are orthonormal, QᵀQ = 1 (Saxe et al. 2014): the Q of
/// the decomposition Q·R of a normal matrix, with R's diagonal positive. Keras' recurrent kernel is the transpose.
///
/// # Errors
/// [`Error::Size`] if there are more columns than rows.
pub fn orthogonal(rows: usize, columns: usize, random: &mut Random) -> Result<Vec<f32>> {
    if columns > rows {
        let reason = "orthonormal columns are no more than the rows";
        return Err(Error::Size { what: "columns", value: columns, reason });
    }
    let mut basis: Vec<Vec<f64>> = Vec::with_capacity(columns);
    for _ in 0..columns {
        let mut column: Vec<f64> = (0..rows).map(|_| random.normal()).collect();
        // Gram-Schmidt, whose R has a positive diagonal by itself; twice is enough (Kahan, in Parlett 1998).
        for _ in 0..2 {
            for other in &basis {
                let share = dot(other, &column);
                column.iter_mut().zip(other).for_each(|(value, other)| *value -= share * other);
            }
        }
        let length = dot(&column, &column).sqrt();
        column.iter_mut().for_each(|value| *value /= length);
        basis.push(column);
    }
    let row = |row: usize| basis.iter().filter_map(move |column| column.get(row).map(|value| *value as f32));
    Ok((0..rows).flat_map(row).collect())
}

/// Eight sums side by side, which stand in registers; the same on every machine.
fn dot(left: &[f64], right: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    for (left, right) in left.chunks(8).zip(right.chunks(8)) {
        for ((sum, left), right) in sums.iter_mut().zip(left).zip(right) {
            *sum += left * right;
        }
    }
    sums.iter().sum()
}

/// Refuses what no layer has, before it is drawn; `product` is the values of the largest matrix.
fn check_sizes(sizes: [(&'static str, usize); 2], product: usize) -> Result<()> {
    let refused = |(what, value), reason| Err(Error::Size { what, value, reason });
    if let Some(zero) = sizes.into_iter().find(|(_, value)| *value == 0) {
        return refused(zero, "a layer has at least one");
    }
    // 16 GiB, or what an address space holds.
    if product as u64 > (1 << 32).min(isize::MAX as u64 / 8) {
        let [first, second] = sizes;
        return refused(if first.1 > second.1 { first } else { second }, "the layer would have more than 2^32 weights");
    }
    Ok(())
}
