//! A sequence of layers as the reference computes it, in double precision: every f32 is exact in f64.

use anyhow::{Result, bail};
use gatewise::activation::Finish;
use gatewise::network::blueprint::{self, Blueprint, Operation, Passes};
use gatewise::{Activation, Coupling, GateUse, LstmOptions, Merge, Mutation, Reset, RnnOptions, Weights};
use gatewise_reference as book;
use gatewise_reference::{AnyCell, Function, Gru, Lstm, PyTorchWeights, SequentialLayer, SequentialModel, SimpleRnn};

/// The reference's model of a blueprint.
pub fn model(blueprint: &Blueprint) -> Result<SequentialModel<f64>> {
    let layers = blueprint.layers.iter().map(|layer| layer_of(&layer.operation));
    Ok(SequentialModel { layers: layers.collect::<Result<_>>()? })
}

fn layer_of(operation: &Operation) -> Result<SequentialLayer<f64>> {
    Ok(match operation {
        Operation::Embedding(table) => SequentialLayer::Embedding(book::Embedding {
            weight: matrix(table.rows, table.width, &table.weight)?,
            mask_zero: table.mask_zero,
        }),
        Operation::OneHot { classes } => SequentialLayer::OneHot { classes: *classes },
        Operation::Masking { value } => SequentialLayer::Masking { value: f64::from(*value) },
        Operation::Recurrent(recurrent) => SequentialLayer::Recurrent(recurrent_of(recurrent)?),
        Operation::Dense(dense) => SequentialLayer::Dense(book::Dense {
            weight: matrix(dense.output, dense.input, &dense.weight)?,
            bias: wide(&dense.bias),
            function: row_function(dense.finish)?,
        }),
        Operation::Activation(finish) => SequentialLayer::Activation(row_function(*finish)?),
        Operation::AddInput { features } => SequentialLayer::AddInput { features: *features },
        other => bail!("the reference has no {other:?}"),
    })
}

fn recurrent_of(recurrent: &blueprint::Recurrent) -> Result<book::Recurrent<f64>> {
    let cells = match &recurrent.passes {
        Passes::Forward(weights) => book::Layer::Forward(cell(weights)?),
        Passes::Reverse(weights) => book::Layer::Reverse(cell(weights)?),
        Passes::Both { forward, reverse, merge } => {
            book::Layer::Both { forward: cell(forward)?, reverse: cell(reverse)?, merge: merge_of(*merge) }
        }
    };
    let state = |state: &blueprint::State| book::State { h: wide(&state.hidden), c: wide(&state.cell) };
    Ok(book::Recurrent {
        cells,
        gives: match recurrent.output {
            blueprint::Output::Every => book::Gives::EveryStep,
            blueprint::Output::Last => book::Gives::LastStep,
        },
        go_backwards: recurrent.go_backwards,
        masked: match recurrent.masked {
            blueprint::Masked::Zeros => book::Masked::Zeros,
            blueprint::Masked::Repeat => book::Masked::Repeat,
        },
        initial: recurrent.initial.iter().map(state).collect(),
    })
}

fn merge_of(merge: Merge) -> book::Merge {
    match merge {
        Merge::Concat => book::Merge::Concat,
        Merge::Sum => book::Merge::Sum,
        Merge::Mul => book::Merge::Multiply,
        Merge::Average => book::Merge::Average,
        Merge::None => book::Merge::Separate,
    }
}

/// One cell with its options.
fn cell(weights: &Weights) -> Result<AnyCell<f64>> {
    Ok(match weights {
        Weights::Lstm(weights) => {
            let sizes = [weights.input_size(), weights.hidden_size(), weights.output_size()];
            let matrices = [weights.weight_ih(), weights.weight_hh(), weights.bias()];
            let peepholes = weights.peepholes().map_or(&[][..], |all| &all[..]);
            lstm(sizes, matrices, weights.projection(), peepholes, weights.options())?.into()
        }
        Weights::DepthGated(weights) => {
            let (input, hidden) = (weights.input_size(), weights.hidden_size());
            // The depth gate's rows stand behind the others.
            let (weight_ih, depth_weights) = weights.weight_ih().split_at(4 * hidden * input);
            let (bias, depth_bias) = weights.bias().split_at(4 * hidden);
            let [peepholes @ .., previous, below] = weights.peepholes();
            let matrices = [weight_ih, weights.weight_hh(), bias];
            AnyCell::DepthGated(book::DepthGated {
                lstm: lstm([input, hidden, hidden], matrices, None, peepholes, weights.options())?,
                depth_weights: matrix(hidden, input, depth_weights)?,
                depth_bias: wide(depth_bias),
                previous_peephole: wide(previous),
                below_peephole: wide(below),
            })
        }
        Weights::Mutant(weights) => {
            let (hidden, sizes) = (weights.hidden_size(), [weights.input_size(), weights.hidden_size()]);
            let tensors = [weights.weight_ih(), weights.weight_hh(), weights.bias()].map(wide);
            let gru = Gru::from_pytorch(&pytorch(sizes, &tensors, &vec![0.0; 3 * hidden]))?;
            AnyCell::Mutant(book::Mutant {
                update_gate: gru.update_gate,
                reset_gate: gru.reset_gate,
                candidate: gru.candidate,
                mutation: match weights.mutation() {
                    Mutation::Mut1 => book::Mutation::Mut1,
                    Mutation::Mut2 => book::Mutation::Mut2,
                    Mutation::Mut3 => book::Mutation::Mut3,
                },
            })
        }
        Weights::Gru(weights) => {
            let hidden = weights.hidden_size();
            let mut recurrent = vec![0.0; 3 * hidden];
            recurrent[2 * hidden..].copy_from_slice(&wide(weights.recurrent_bias()));
            let sizes = [weights.input_size(), hidden];
            let tensors = [weights.weight_ih(), weights.weight_hh(), weights.bias()].map(wide);
            let mut gru = Gru::from_pytorch(&pytorch(sizes, &tensors, &recurrent))?;
            let options = weights.options();
            gru.reset = match options.reset {
                Reset::Before => book::Reset::Before,
                Reset::After => book::Reset::After,
            };
            gru.options = book::GruOptions {
                gate_activation: function(options.gate)?,
                candidate_activation: function(options.candidate)?,
                clip: options.clip.map(f64::from),
            };
            gru.into()
        }
        Weights::Rnn(weights) => {
            let sizes = [weights.input_size(), weights.hidden_size()];
            rnn(sizes, [weights.weight_ih(), weights.weight_hh(), weights.bias()], weights.options())?.into()
        }
        Weights::Clockwork(weights) => {
            let sizes = [weights.input_size(), weights.hidden_size()];
            let matrices = [weights.weight_ih(), weights.weight_hh(), weights.bias()];
            let periods = weights.modules().iter().flat_map(|module| vec![module.period; module.units]).collect();
            let (rnn, first_t) = (rnn(sizes, matrices, weights.options())?, weights.first_t());
            AnyCell::Clockwork(book::ClockworkRnn { rnn, periods, first_t })
        }
        other => bail!("the reference has no cell of {} gates such as this", other.gates()),
    })
}

fn rnn(sizes: [usize; 2], matrices: [&[f32]; 3], options: RnnOptions) -> Result<SimpleRnn<f64>> {
    let given = matrices.map(wide);
    let rnn = SimpleRnn::from_pytorch(&pytorch(sizes, &given, &vec![0.0; sizes[1]]), function(options.activation)?)?;
    Ok(SimpleRnn { clip: options.clip.map(f64::from), ..rnn })
}

/// An LSTM by its sizes I, H and P, its matrices W, R and b, and p_i, p_f, p_o, empty for a gate that has none.
fn lstm(
    [input, hidden, output]: [usize; 3],
    matrices: [&[f32]; 3],
    projection: Option<&[f32]>,
    peepholes: &[Vec<f32>],
    options: LstmOptions,
) -> Result<Lstm<f64>> {
    let (tensors, zeros) = (matrices.map(wide), vec![0.0; 4 * hidden]);
    let given = pytorch([input, hidden], &tensors, &zeros);
    let mut lstm = match projection {
        Some(projection) => Lstm::from_pytorch_projected(&given, &wide(projection), output)?,
        None => Lstm::from_pytorch(&given)?,
    };
    let used = |used: GateUse| match used {
        GateUse::Learned => book::GateUse::Learned,
        GateUse::AlwaysOne => book::GateUse::AlwaysOne,
    };
    lstm.options = book::LstmOptions {
        input_gate: used(options.input_gate),
        forget_gate: used(options.forget_gate),
        output_gate: used(options.output_gate),
        coupling: match options.coupling {
            Coupling::None => book::Coupling::Independent,
            Coupling::ForgetFromInput => book::Coupling::ForgetIsOneMinusInput,
            Coupling::InputFromForget => book::Coupling::InputIsOneMinusForget,
        },
        gate_activation: function(options.gate)?,
        input_activation: function(options.input)?,
        output_activation: function(options.output)?,
        clip: options.clip.map(f64::from),
    };
    let gates = [&mut lstm.input_gate, &mut lstm.forget_gate, &mut lstm.output_gate];
    for (gate, peephole) in gates.into_iter().zip(peepholes).filter(|(_, peephole)| !peephole.is_empty()) {
        gate.peephole = Some(wide(peephole));
    }
    Ok(lstm)
}

fn pytorch<'a>(
    [inputs, hidden]: [usize; 2],
    [weight_ih, weight_hh, bias_ih]: &'a [Vec<f64>; 3],
    bias_hh: &'a [f64],
) -> PyTorchWeights<'a, f64> {
    PyTorchWeights { inputs, hidden, weight_ih, weight_hh, bias_ih, bias_hh }
}

fn matrix(rows: usize, columns: usize, values: &[f32]) -> Result<book::Matrix<f64>> {
    Ok(book::Matrix::from_flat(rows, columns, &wide(values))?)
}

/// In double precision.
pub fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().copied().map(f64::from).collect()
}

fn row_function(finish: Finish) -> Result<book::RowFunction> {
    Ok(match finish {
        Finish::Each(activation) => book::RowFunction::Each(function(activation)?),
        Finish::Softmax => book::RowFunction::Softmax,
        Finish::LogSoftmax => book::RowFunction::LogSoftmax,
        other => bail!("the reference has no {other:?}"),
    })
}

fn function(activation: Activation) -> Result<Function> {
    Ok(match activation {
        Activation::Identity => Function::Identity,
        Activation::Sigmoid => Function::Sigmoid,
        Activation::Tanh => Function::Tanh,
        Activation::Relu => Function::Relu,
        Activation::Affine { alpha, beta } => Function::Affine { alpha: alpha.into(), beta: beta.into() },
        Activation::LeakyRelu { alpha } => Function::LeakyRelu { alpha: alpha.into() },
        Activation::ThresholdedRelu { alpha } => Function::ThresholdedRelu { alpha: alpha.into() },
        Activation::ScaledTanh { alpha, beta } => Function::ScaledTanh { alpha: alpha.into(), beta: beta.into() },
        Activation::HardSigmoid { alpha, beta } => Function::HardSigmoid { alpha: alpha.into(), beta: beta.into() },
        Activation::Elu { alpha } => Function::Elu { alpha: alpha.into() },
        Activation::Softsign => Function::Softsign,
        Activation::Softplus => Function::Softplus,
        other => bail!("the reference has no {other:?}"),
    })
}
