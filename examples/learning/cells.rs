//! The cells that the examples compare.

use gatewise::train::{Initial, Random};
use gatewise::{Activation, LstmWeights, Result, Weights};

/// A cell of the standard form, and how it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    /// The simple RNN with tanh.
    Rnn,
    /// The GRU, its reset after the product.
    Gru,
    /// The LSTM.
    Lstm,
    /// The LSTM whose forget gate begins open: a bias of 5, so that σ(5) = 99.3 % of c is kept at each step.
    OpenLstm,
}

impl Cell {
    /// All of them.
    pub const ALL: [Cell; 4] = [Cell::Rnn, Cell::Gru, Cell::Lstm, Cell::OpenLstm];

    /// As tables and legends call it.
    pub fn name(self) -> &'static str {
        match self {
            Cell::Rnn => "simple RNN",
            Cell::Gru => "GRU",
            Cell::Lstm => "LSTM",
            Cell::OpenLstm => "LSTM, forget bias 5",
        }
    }

    /// Weights of `input` features and `hidden` units, drawn as `initial` says.
    pub fn draw(self, initial: Initial, input: usize, hidden: usize, random: &mut Random) -> Result<Weights> {
        Ok(match self {
            Cell::Rnn => initial.rnn(input, hidden, Activation::Tanh, random)?.into(),
            Cell::Gru => initial.gru(input, hidden, random)?.into(),
            Cell::Lstm => initial.lstm(input, hidden, random)?.into(),
            Cell::OpenLstm => open(&initial.lstm(input, hidden, random)?)?.into(),
        })
    }
}

/// The same weights with other biases of the forget gate, whose rows are the second of four.
fn open(lstm: &LstmWeights) -> Result<LstmWeights> {
    let hidden = lstm.hidden_size();
    let mut bias = lstm.bias().to_vec();
    bias.iter_mut().skip(hidden).take(hidden).for_each(|forget| *forget = 5.0);
    LstmWeights::new(lstm.input_size(), hidden, lstm.weight_ih(), lstm.weight_hh(), &bias)
}
