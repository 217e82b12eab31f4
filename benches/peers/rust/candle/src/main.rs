//! candle's LSTM and GRU, a layer after the other. Its `Direction::Backward` names the weights; turning the sequence is
//! left to the caller.

use candle_core::{Device, IndexOp, Tensor};
use candle_nn::rnn::Direction;
use candle_nn::{GRU, GRUConfig, LSTM, LSTMConfig, RNN, VarBuilder};
use serve::{Case, Feeding, NOT_MEASURED, Peer, Result};

/// One direction of a layer.
enum Cell {
    Lstm(LSTM),
    Gru(GRU),
}

impl Cell {
    /// `[B, T, I]` to `[B, T, H]`.
    fn run(&self, x: &Tensor) -> Result<Tensor> {
        // GRU's own states_to_tensor puts the steps side by side.
        let hs: Vec<Tensor> = match self {
            Cell::Lstm(lstm) => lstm.seq(x)?.into_iter().map(|state| state.h).collect(),
            Cell::Gru(gru) => gru.seq(x)?.into_iter().map(|state| state.h).collect(),
        };
        Ok(Tensor::stack(&hs, 1)?)
    }
}

/// The layers, x as `[B, T, I]`, and y; or the steps of a stream.
struct Candle {
    layers: Vec<Vec<Cell>>,
    x: Tensor,
    /// From a step's end to the next's beginning.
    turned: Tensor,
    steps: Vec<Tensor>,
}

impl Candle {
    fn sequences(&self) -> Result<Tensor> {
        let mut x = self.x.clone();
        for layer in &self.layers {
            let [forward, reverse @ ..] = layer.as_slice() else { return Err("a layer without a direction".into()) };
            let mut y = forward.run(&x)?;
            if let [reverse] = reverse {
                let back = reverse.run(&x.index_select(&self.turned, 1)?)?.index_select(&self.turned, 1)?;
                y = Tensor::cat(&[&y, &back], 2)?;
            }
            x = y;
        }
        Ok(x)
    }

    fn stream(&self, mut show: impl FnMut(&Tensor) -> Result<()>) -> Result<()> {
        let Some(Cell::Lstm(lstm)) = self.layers.first().and_then(|layer| layer.first()) else {
            return Err("only an LSTM is streamed here".into());
        };
        let mut state = lstm.zero_state(1)?;
        for x in &self.steps {
            state = lstm.step(x, &state)?;
            show(&state.h)?;
        }
        Ok(())
    }
}

impl Peer for Candle {
    fn load(case: &Case) -> Result<Self> {
        case.needs_only(&["lstm", "gru"], NOT_MEASURED)?;
        let cell = |layer: usize, direction: usize| -> Result<Cell> {
            let pass = &case.layers[layer][direction];
            let rows = pass.bias_ih.len();
            let suffix = if direction == 0 { "" } else { "_reverse" };
            let tensors = [
                ("weight_ih", &pass.weight_ih, vec![rows, pass.input]),
                ("weight_hh", &pass.weight_hh, vec![rows, case.hidden]),
                ("bias_ih", &pass.bias_ih, vec![rows]),
                ("bias_hh", &pass.bias_hh, vec![rows]),
            ];
            let named = |(name, values, shape): (&str, &Vec<f32>, Vec<usize>)| -> Result<(String, Tensor)> {
                let tensor = Tensor::from_slice(values, shape, &Device::Cpu)?;
                Ok((format!("{name}_l{layer}{suffix}"), tensor))
            };
            let named = tensors.into_iter().map(named).collect::<Result<_>>()?;
            let weights = VarBuilder::from_tensors(named, candle_core::DType::F32, &Device::Cpu);
            if case.cell == "gru" {
                return Ok(Cell::Gru(candle_nn::gru(pass.input, case.hidden, GRUConfig::default(), weights)?));
            }
            let direction = if direction == 0 { Direction::Forward } else { Direction::Backward };
            let config = LSTMConfig { layer_idx: layer, direction, ..LSTMConfig::default() };
            Ok(Cell::Lstm(candle_nn::lstm(pass.input, case.hidden, config, weights)?))
        };
        let layer = |layer: usize| (0..case.directions).map(|direction| cell(layer, direction)).collect();
        let x = Tensor::from_slice(&case.x, (case.steps, case.batch, case.input), &Device::Cpu)?;
        let stream = if case.feeding == Feeding::Stream { case.steps } else { 0 };
        let turned: Vec<u32> = (0..case.steps as u32).rev().collect();
        Ok(Candle {
            layers: (0..case.layers.len()).map(layer).collect::<Result<_>>()?,
            steps: (0..stream).map(|step| Ok(x.i(step)?)).collect::<Result<_>>()?,
            turned: Tensor::new(turned, &Device::Cpu)?,
            x: x.transpose(0, 1)?.contiguous()?,
        })
    }

    fn outputs(&mut self) -> Result<Vec<f32>> {
        if self.steps.is_empty() {
            return Ok(self.sequences()?.transpose(0, 1)?.flatten_all()?.to_vec1()?);
        }
        let mut all: Vec<f32> = Vec::new();
        self.stream(|h| {
            all.extend(h.flatten_all()?.to_vec1::<f32>()?);
            Ok(())
        })?;
        Ok(all)
    }

    fn call(&mut self) -> Result<()> {
        if self.steps.is_empty() {
            std::hint::black_box(self.sequences()?);
            return Ok(());
        }
        self.stream(|_| Ok(()))
    }
}

fn main() {
    serve::serve::<Candle>();
}
