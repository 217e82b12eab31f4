//! burn's LSTM, GRU and RNN on its CPU backend, a layer after the other, batch-first as they work inside.

use burn::module::Param;
use burn::nn::{
    BiLstm, BiLstmConfig, GateController, Gru, GruConfig, Linear, Lstm, LstmConfig, LstmState, Rnn, RnnConfig,
};
use burn::tensor::{Device, Tensor, TensorData};
use serve::{Case, Feeding, NOT_MEASURED, Pass, Peer, Result};

enum Layer {
    Lstm(Box<Lstm>),
    Both(Box<BiLstm>),
    Gru(Box<Gru>),
    Rnn(Box<Rnn>),
}

impl Layer {
    /// `[B, T, I]` to `[B, T, H]`.
    fn run(&self, x: Tensor<3>) -> Tensor<3> {
        match self {
            Layer::Lstm(lstm) => lstm.forward(x, None).0,
            Layer::Both(both) => both.forward(x, None).0,
            Layer::Gru(gru) => gru.forward(x, None),
            Layer::Rnn(rnn) => rnn.forward(x, None).0,
        }
    }
}

/// The layers, x as `[B, T, I]`; or the steps of a stream.
struct Burn {
    layers: Vec<Layer>,
    x: Tensor<3>,
    steps: Vec<Tensor<3>>,
    batch: usize,
    width: usize,
}

impl Burn {
    fn sequences(&self) -> Tensor<3> {
        self.layers.iter().fold(self.x.clone(), |x, layer| layer.run(x))
    }

    fn stream(&self, mut show: impl FnMut(Tensor<3>) -> Result<()>) -> Result<()> {
        let Some(Layer::Lstm(lstm)) = self.layers.first() else { return Err("only an LSTM is streamed here".into()) };
        let mut state: Option<LstmState<2>> = None;
        for x in &self.steps {
            let (y, next) = lstm.forward(x.clone(), state);
            state = Some(next);
            show(y)?;
        }
        Ok(())
    }
}

impl Peer for Burn {
    fn load(case: &Case) -> Result<Self> {
        case.needs_only(&["lstm", "gru", "rnn"], NOT_MEASURED)?;
        let device = Device::flex();
        let swapped = Case::swap_axes(&case.x, case.steps, case.input, case.batch);
        let x = Tensor::from_data(TensorData::new(swapped, [case.batch, case.steps, case.input]), &device);
        let stream = if case.feeding == Feeding::Stream { case.steps } else { 0 };
        Ok(Burn {
            layers: case.layers.iter().map(|passes| layer(case, passes, &device)).collect::<Result<_>>()?,
            steps: (0..stream).map(|step| x.clone().slice([0..1, step..step + 1, 0..case.input])).collect(),
            x,
            batch: case.batch,
            width: case.directions * case.hidden,
        })
    }

    fn outputs(&mut self) -> Result<Vec<f32>> {
        if self.steps.is_empty() {
            let y = values(self.sequences())?;
            return Ok(Case::swap_axes(&y, self.batch, self.width, y.len() / (self.batch * self.width)));
        }
        let mut all = Vec::new();
        self.stream(|y| {
            all.extend(values(y)?);
            Ok(())
        })?;
        Ok(all)
    }

    fn call(&mut self) -> Result<()> {
        if self.steps.is_empty() {
            std::hint::black_box(self.sequences());
            return Ok(());
        }
        self.stream(|_| Ok(()))
    }
}

fn layer(case: &Case, passes: &[Pass], device: &Device) -> Result<Layer> {
    let [pass, reverse @ ..] = passes else { return Err("a layer without a direction".into()) };
    let (input, hidden) = (pass.input, case.hidden);
    let gate = |of: usize| gate(pass, of, hidden, device);
    Ok(match (case.cell.as_str(), reverse) {
        ("lstm", []) => Layer::Lstm(Box::new(filled(LstmConfig::new(input, hidden, true).init(device), pass, device))),
        ("lstm", [reverse]) => {
            let mut both = BiLstmConfig::new(input, hidden, true).init(device);
            both.forward = filled(both.forward, pass, device);
            both.reverse = filled(both.reverse, reverse, device);
            Layer::Both(Box::new(both))
        }
        ("gru", []) => {
            let mut gru = GruConfig::new(input, hidden, true).init(device);
            (gru.reset_gate, gru.update_gate, gru.new_gate) = (gate(0), gate(1), gate(2));
            Layer::Gru(Box::new(gru))
        }
        ("rnn", []) => {
            let mut rnn = RnnConfig::new(input, hidden, true).init(device);
            rnn.gate = gate(0);
            Layer::Rnn(Box::new(rnn))
        }
        _ => return Err("only LSTMs were written in both directions here".into()),
    })
}

fn filled(mut lstm: Lstm, pass: &Pass, device: &Device) -> Lstm {
    let gate = |of: usize| gate(pass, of, lstm.d_hidden, device);
    let [i, f, g, o] = [0, 1, 2, 3].map(gate);
    (lstm.input_gate, lstm.forget_gate, lstm.cell_gate, lstm.output_gate) = (i, Some(f), g, o);
    lstm
}

/// A gate's rows, which burn keeps transposed.
fn gate(pass: &Pass, of: usize, hidden: usize, device: &Device) -> GateController {
    let linear = |matrix: &[f32], bias: &[f32]| {
        let width = matrix.len() / bias.len();
        let columns = Case::swap_axes(&matrix[of * hidden * width..][..hidden * width], hidden, 1, width);
        Linear {
            weight: Param::from_data(TensorData::new(columns, [width, hidden]), device),
            bias: Some(Param::from_data(TensorData::new(bias[of * hidden..][..hidden].to_vec(), [hidden]), device)),
        }
    };
    GateController {
        input_transform: linear(&pass.weight_ih, &pass.bias_ih),
        hidden_transform: linear(&pass.weight_hh, &pass.bias_hh),
    }
}

fn values(tensor: Tensor<3>) -> Result<Vec<f32>> {
    tensor.into_data().try_to_vec::<f32>().map_err(|error| format!("{error:?}").into())
}

fn main() {
    serve::serve::<Burn>();
}
