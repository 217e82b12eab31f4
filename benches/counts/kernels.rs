//! What is counted: small sizes, because valgrind runs some fifty times slower. Blocks of units, tiles and chains of the
//! products are in them all the same.

use gatewise::activation;
use gatewise::load::Cell;
use gatewise::load::safetensors::SafetensorsFile;
use gatewise::network::blueprint::{Blueprint, Dense, Finish, Layer, Operation, Recurrent};
use gatewise::network::{Network, NetworkSession};
use gatewise::train::{self, Learner, Memory, Options, Upstream};
use gatewise::{Batch, Layout, Level, Model, Outputs, Reset, Result, Session, Weights};
use safetensors::tensor::{Dtype, TensorView, serialize};

use crate::weights::{clockwork, gru, lstm, mutant, peepholes, projected, rnn, softplus, tensors, uniform};

/// A call that can be made again and again; what is made before does not count.
pub type Call = Box<dyn FnMut()>;

pub struct Kernel {
    pub name: &'static str,
    pub make: fn(Level) -> Call,
}

/// T and B of the batches.
const STEPS: usize = 8;
const BATCH: usize = 16;

pub const KERNELS: [Kernel; 26] = [
    kernel("lstm-batch", |level| batch(level, lstm(64, 64))),
    kernel("lstm-one-sequence", |level| sequences(level, lstm(128, 128), &[STEPS])),
    kernel("lstm-ragged", |level| sequences(level, lstm(64, 64), &[8, 0, 3, 7, 1, 5, 8, 2, 6, 4, 0, 7, 3, 8, 1, 5])),
    kernel("lstm-step-16", |level| steps(level, lstm(1, 16))),
    kernel("lstm-step-64", |level| steps(level, lstm(1, 64))),
    kernel("lstm-peepholes", |level| batch(level, peepholes(64))),
    kernel("lstm-projection", |level| batch(level, projected(64, 32))),
    kernel("lstm-softplus-gates", |level| batch(level, softplus(64))),
    kernel("gru-reset-after", |level| batch(level, gru(64, 64, Reset::After))),
    kernel("gru-reset-before", |level| batch(level, gru(64, 64, Reset::Before))),
    kernel("gru-step-16", |level| steps(level, gru(1, 16, Reset::After))),
    kernel("rnn-batch", |level| batch(level, rnn(64, 64))),
    kernel("rnn-step-16", |level| steps(level, rnn(1, 16))),
    kernel("clockwork-batch", |level| batch(level, clockwork(64))),
    kernel("mut1-batch", |level| batch(level, mutant(64))),
    kernel("softmax-head", softmax_head),
    kernel("sigmoid", |level| values(level, activation::sigmoid)),
    kernel("tanh", |level| values(level, activation::tanh)),
    kernel("learn-lstm", |level| learn(level, lstm(64, 64), Memory::Keep)),
    kernel("learn-lstm-recompute", |level| learn(level, lstm(64, 64), Memory::Recompute)),
    kernel("learn-gru", |level| learn(level, gru(64, 64, Reset::After), Memory::Keep)),
    kernel("learn-rnn", |level| learn(level, rnn(64, 64), Memory::Keep)),
    kernel("learn-clockwork", |level| learn(level, clockwork(64), Memory::Keep)),
    kernel("pack-lstm", |level| pack(level, lstm(64, 64))),
    kernel("pack-gru", |level| pack(level, gru(64, 64, Reset::After))),
    kernel("load-safetensors", load),
];

const fn kernel(name: &'static str, make: fn(Level) -> Call) -> Kernel {
    Kernel { name, make }
}

/// A batch in one call.
fn batch(level: Level, weights: Weights) -> Call {
    sequences(level, weights, &[STEPS; BATCH])
}

/// Sequences of these lengths in one call.
fn sequences(level: Level, weights: Weights, lengths: &[usize]) -> Call {
    let model = Model::with_level(weights, level).unwrap();
    let rows = STEPS * lengths.len();
    let (x, mut y) = (uniform(rows * model.input_size(), 1.0), vec![0.0; rows * model.output_size()]);
    let ragged = lengths.iter().any(|length| *length != STEPS);
    let lengths = lengths.to_vec();
    let mut session = Session::new(model, lengths.len()).unwrap();
    Box::new(move || {
        let mut input = Batch::new(&x).layout(Layout::TimeMajor);
        if ragged {
            input = input.lengths(&lengths);
        }
        session.forward(input, Outputs::none().hidden(&mut y)).unwrap();
    })
}

/// Steps of one sequence, a call each.
fn steps(level: Level, weights: Weights) -> Call {
    let x = uniform(STEPS * weights.input_size(), 1.0);
    let mut session = Session::new(Model::with_level(weights, level).unwrap(), 1).unwrap();
    Box::new(move || {
        for x in x.chunks_exact(session.model().input_size()) {
            session.step(x).unwrap();
        }
    })
}

fn softmax_head(level: Level) -> Call {
    let (input, output) = (64, 40);
    let (weight, bias) = (uniform(output * input, 0.1), uniform(output, 0.1));
    let dense = Operation::Dense(Dense { input, output, weight, bias, finish: Finish::Softmax });
    let blueprint = Blueprint { layers: vec![Layer::new("head", dense)], ..Blueprint::default() };
    let mut session = NetworkSession::new(Network::with_level(&blueprint, level).unwrap(), BATCH).unwrap();
    let x = uniform(STEPS * BATCH * input, 1.0);
    Box::new(move || drop(session.forward(&x, Layout::TimeMajor, None).unwrap()))
}

fn values(level: Level, function: fn(Level, &mut [f32]) -> Result<()>) -> Call {
    let x = uniform(1000, 8.0);
    let mut y = x.clone();
    Box::new(move || {
        y.copy_from_slice(&x);
        function(level, &mut y).unwrap();
    })
}

/// There and back, and every gradient of the sum of all outputs.
fn learn(level: Level, weights: Weights, memory: Memory) -> Call {
    let rows = STEPS * BATCH;
    let (x, ones) = (uniform(rows * weights.input_size(), 1.0), vec![1.0; rows * weights.output_size()]);
    let layers = vec![Layer::new("cell", Operation::Recurrent(Box::new(Recurrent::forward(weights))))];
    let options = Options { level: Some(level), memory, ..Options::default() };
    let mut learner = Learner::new(Blueprint { layers, ..Blueprint::default() }, options).unwrap();
    Box::new(move || {
        learner.forward(&train::Batch::new(&x, Layout::TimeMajor, BATCH)).unwrap();
        learner.zero_gradients();
        learner.backward(Upstream { y: &ones, ..Upstream::default() }).unwrap();
    })
}

fn pack(level: Level, weights: Weights) -> Call {
    Box::new(move || drop(Model::with_level(weights.clone(), level).unwrap()))
}

/// A file that is in memory: its header, its values as f32, packed.
fn load(level: Level) -> Call {
    let (hidden, tensors) = (64, tensors(4, 64, 64));
    let [bias_ih, bias_hh] = tensors.biases.unwrap();
    let parts = [
        ("weight_ih_l0", vec![4 * hidden, hidden], tensors.weight_ih),
        ("weight_hh_l0", vec![4 * hidden, hidden], tensors.weight_hh),
        ("bias_ih_l0", vec![4 * hidden], bias_ih),
        ("bias_hh_l0", vec![4 * hidden], bias_hh),
    ];
    let bytes = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let parts = parts.map(|(name, shape, values)| (name, shape, bytes(&values)));
    let views =
        parts.iter().map(|(name, shape, bytes)| (name, TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap()));
    let file = serialize(views, None).unwrap();
    Box::new(move || {
        let file = SafetensorsFile::from_bytes(file.clone()).unwrap();
        drop(file.model(None, Cell::Lstm).unwrap().level(level).build().unwrap());
    })
}
