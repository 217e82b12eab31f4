//! rust-lstm's networks: in f64, with one column for each sequence. Its GRU resets before the product, another cell.

use ndarray::Array2;
use rust_lstm::layers::bilstm_network::BiLSTMNetwork;
use rust_lstm::layers::lstm_cell::LSTMCell;
use rust_lstm::models::lstm_network::{LSTMNetwork, LSTMState};
use serve::{Case, Feeding, NOT_MEASURED, Pass, Peer, Result};

enum Network {
    Sequences(LSTMNetwork),
    Both(BiLSTMNetwork),
    Stream(LSTMNetwork, LSTMState),
}

/// A network, and x as a matrix of columns for each step.
struct RustLstm {
    network: Network,
    steps: Vec<Array2<f64>>,
}

impl RustLstm {
    /// The last layer's hidden states, a matrix a step.
    fn run(&mut self) -> Vec<Array2<f64>> {
        match &mut self.network {
            Network::Sequences(network) => network.forward_sequence(&self.steps),
            Network::Both(network) => network.forward_sequence(&self.steps),
            Network::Stream(network, state) => {
                let step = |x| {
                    let (h, next) = network.forward(x, state);
                    *state = next;
                    h
                };
                self.steps.iter().map(step).collect()
            }
        }
    }
}

impl Peer for RustLstm {
    fn load(case: &Case) -> Result<Self> {
        if case.cell == "gru" {
            return Err("its GRU resets before the product, another cell".into());
        }
        case.needs_only(&["lstm"], NOT_MEASURED)?;
        let (input, hidden, layers) = (case.input, case.hidden, case.layers.len());
        let passes = |direction: usize| case.layers.iter().filter_map(move |layer| layer.get(direction));
        let network = if case.directions == 2 {
            let mut network = BiLSTMNetwork::new_concat(input, hidden, layers);
            fill(network.get_forward_cells_mut(), passes(0))?;
            fill(network.get_backward_cells_mut(), passes(1))?;
            network.eval();
            Network::Both(network)
        } else {
            let mut network = LSTMNetwork::new(input, hidden, layers);
            fill(network.get_cells_mut(), passes(0))?;
            network.eval();
            let state = network.zero_state(case.batch);
            let stream = case.feeding == Feeding::Stream;
            if stream { Network::Stream(network, state) } else { Network::Sequences(network) }
        };
        let step = |x: &[f32]| matrix(x, case.batch, input).map(|rows| rows.reversed_axes());
        let steps = case.x.chunks_exact(case.batch * input).map(step).collect::<Result<_>>()?;
        Ok(RustLstm { network, steps })
    }

    fn outputs(&mut self) -> Result<Vec<f32>> {
        Ok(self.run().iter().flat_map(|h| h.t().iter().map(|value| *value as f32).collect::<Vec<_>>()).collect())
    }

    fn call(&mut self) -> Result<()> {
        std::hint::black_box(self.run());
        Ok(())
    }
}

/// Puts PyTorch's tensors in the cells, whose gates go in the same order.
fn fill<'a>(cells: &mut [LSTMCell], passes: impl Iterator<Item = &'a Pass>) -> Result<()> {
    for (cell, pass) in cells.iter_mut().zip(passes) {
        let rows = pass.bias_ih.len();
        cell.w_ih = matrix(&pass.weight_ih, rows, pass.input)?;
        cell.w_hh = matrix(&pass.weight_hh, rows, cell.hidden_size)?;
        cell.b_ih = matrix(&pass.bias_ih, rows, 1)?;
        cell.b_hh = matrix(&pass.bias_hh, rows, 1)?;
    }
    Ok(())
}

fn matrix(values: &[f32], rows: usize, columns: usize) -> Result<Array2<f64>> {
    Ok(Array2::from_shape_vec((rows, columns), values.iter().copied().map(f64::from).collect())?)
}

fn main() {
    serve::serve::<RustLstm>();
}
