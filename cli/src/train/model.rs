//! The model of a configuration, with weights to begin with.

use std::num::NonZeroUsize;
use std::thread::available_parallelism;

use anyhow::Result;
use gatewise::activation::{Activation, Finish};
use gatewise::network::blueprint::Output as Gives;
use gatewise::network::blueprint::{Blueprint, Layer, Operation, Passes, Recurrent};
use gatewise::train::{self, Options, Random};
use gatewise::{Layout, Merge, Weights};

use super::config::{Cell, Config, Every, Initial, Loss, Nonlinearity};
use super::data::Widths;

/// The layers, their weights drawn from a seed: the same for the same seed, so that they can be drawn again.
pub fn draw(config: &Config, widths: Widths, seed: u64) -> Result<Blueprint> {
    let (model, random) = (&config.model, &mut Random::new(seed));
    let initial = match model.initial {
        Initial::Torch => train::Initial::Torch,
        Initial::Keras => train::Initial::Keras,
        Initial::Zeros => train::Initial::Zeros,
    };
    let (mut layers, mut width) = (Vec::new(), widths.input);
    if let Some(embedding) = model.embedding {
        let table = initial.embedding(widths.input, embedding.get(), random)?;
        layers.push(Layer::new("embedding", Operation::Embedding(table)));
        width = embedding.get();
    } else if model.one_hot {
        layers.push(Layer::new("one_hot", Operation::OneHot { classes: widths.input }));
    }
    for (index, hidden) in model.hidden.iter().enumerate() {
        let cell = |random: &mut Random| -> gatewise::Result<Weights> {
            Ok(match model.cell {
                Cell::Lstm => initial.lstm(width, hidden.get(), random)?.into(),
                Cell::Gru => initial.gru(width, hidden.get(), random)?.into(),
                Cell::Rnn => initial.rnn(width, hidden.get(), activation(model.nonlinearity), random)?.into(),
            })
        };
        let forward = cell(random)?;
        let passes = match model.bidirectional {
            false => Passes::Forward(forward),
            true => Passes::Both { forward, reverse: cell(random)?, merge: Merge::Concat },
        };
        let mut recurrent = Recurrent::new(passes);
        if index + 1 == model.hidden.len() && config.output.every == Every::Sequence {
            recurrent.output = Gives::Last;
        }
        width = recurrent.output_size();
        layers.push(Layer::new(format!("layer{index}"), Operation::Recurrent(Box::new(recurrent))));
    }
    // The loss contains this function while it learns; a run of the model applies it.
    let finish = match config.output.loss {
        Loss::CrossEntropy => Finish::Softmax,
        Loss::BinaryCrossEntropy => Finish::Each(Activation::Sigmoid),
        Loss::SquaredError => Finish::Each(Activation::Identity),
    };
    layers.push(Layer::new("head", Operation::Dense(initial.dense(width, widths.output, finish, random)?)));
    Ok(Blueprint { layout: Layout::BatchFirst, layers, ..Blueprint::default() })
}

fn activation(nonlinearity: Option<Nonlinearity>) -> Activation {
    match nonlinearity {
        Some(Nonlinearity::Relu) => Activation::Relu,
        Some(Nonlinearity::Tanh) | None => Activation::Tanh,
    }
}

/// How the model learns.
pub fn options(config: &Config) -> Options {
    let all = || available_parallelism().map_or(1, NonZeroUsize::get);
    Options {
        threads: config.run.threads.map_or_else(all, NonZeroUsize::get),
        memory: config.memory(),
        dropout: config.model.dropout.into(),
        logits: true,
        ..Options::default()
    }
}
