//! The model that learns: a GRU that reads letters, a GRU that says phonemes, one gradient through both.

use gatewise::activation::{Activation, Finish};
use gatewise::network::blueprint::{Blueprint, Layer, Operation, Output, Passes, Recurrent};
use gatewise::network::{Greedy, Network, NetworkSession};
use gatewise::train::checkpoint::{Progress, Tensor};
use gatewise::train::dropout::{self, Place};
use gatewise::train::loss::{Rows, Targets};
use gatewise::train::optimizer::{Shrinks, Slot};
use gatewise::train::{
    Adam, Checkpoint, Initial, Learner, Loss, Objective, Optimizer, Options, Random, Rule, Upstream,
};
use gatewise::train::{Batch, clip};
use gatewise::{Error, Layout, Merge, Result};
use std::borrow::Cow;

/// The symbol before a word's first phoneme and behind its last one.
pub const BOUNDARY: i64 = 0;

/// Phonemes after which a word that does not end is broken off.
const MOST: usize = 40;

/// The gradients' common norm is at most this.
const NORM: f64 = 1.0;

/// A word as ids.
#[derive(Clone, Debug, PartialEq)]
pub struct Word {
    /// Ids from 0.
    pub letters: Vec<i64>,
    /// Ids from 1, because 0 is the [`BOUNDARY`].
    pub phonemes: Vec<i64>,
}

/// How large the model is.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Letters that there are.
    pub letters: usize,
    /// Phonemes and the boundary.
    pub phonemes: usize,
    /// Values that stand for a letter or a phoneme.
    pub embedding: usize,
    /// Units of the decoder; each direction of the encoder has half as many.
    pub hidden: usize,
}

/// How it learns.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    pub seed: u64,
    pub threads: usize,
    /// The part of the encoder's state that is left out, at random, on its way to the decoder.
    pub dropout: f64,
}

/// The encoder and the decoder on their way, with one optimizer for both.
pub struct Pair {
    encoder: Learner,
    decoder: Learner,
    optimizer: Optimizer,
    manner: Manner,
    /// Updates so far.
    step: u64,
}

impl Pair {
    /// A pair that knows nothing yet.
    pub fn new(sizes: Sizes, manner: Manner) -> Result<Pair> {
        let Sizes { letters, phonemes, embedding, hidden } = sizes;
        let mut random = Random::new(manner.seed);
        let mut gru = |input, hidden| Initial::Keras.gru(input, hidden, &mut random);
        // What both directions have read at their ends is the decoder's first state.
        let (forward, reverse) = (gru(embedding, hidden / 2)?.into(), gru(embedding, hidden / 2)?.into());
        let mut reader = Recurrent::new(Passes::Both { forward, reverse, merge: Merge::Concat });
        reader.output = Output::Last;
        let speaker = Recurrent::forward(gru(embedding, hidden)?);
        let mut table = |rows| Initial::Torch.embedding(rows, embedding, &mut random).map(Operation::Embedding);
        let encoder =
            vec![Layer::new("letters", table(letters)?), Layer::new("reader", Operation::Recurrent(Box::new(reader)))];
        let table = table(phonemes)?;
        let scores = Initial::Keras.dense(hidden, phonemes, Finish::Each(Activation::Identity), &mut random)?;
        let decoder = vec![
            Layer::new("phonemes", table),
            Layer::new("speaker", Operation::Recurrent(Box::new(speaker))),
            Layer::new("scores", Operation::Dense(scores)),
        ];
        let learner = |name: &str, layers| {
            let blueprint = Blueprint { name: name.to_owned(), layout: Layout::BatchFirst, layers, sample_rate: None };
            Learner::new(blueprint, Options { threads: manner.threads, ..Options::default() })
        };
        let (encoder, decoder) = (learner("g2p encoder", encoder)?, learner("g2p decoder", decoder)?);
        let slot = |(_, values): (String, &[f32])| Slot { values: values.len(), shrinks: Shrinks::No };
        let slots = parameters(&encoder, &decoder).into_iter().map(slot).collect();
        let optimizer = Optimizer::new(Rule::Adam(Adam::default()), slots)?;
        Ok(Pair { encoder, decoder, optimizer, manner, step: 0 })
    }

    /// One update by some words; the loss is cross-entropy, a phoneme at a time, with the right phonemes before it
    /// given (teacher forcing).
    pub fn learn(&mut self, words: &[&Word], rate: f64) -> Result<Loss> {
        let read = Padded::new(words.iter().map(|word| word.letters.clone()), 0);
        let given = |word: &&Word| [&[BOUNDARY], &word.phonemes[..]].concat();
        let wanted = |word: &&Word| [&word.phonemes[..], &[BOUNDARY]].concat();
        let given = Padded::new(words.iter().map(given), BOUNDARY);
        // A label below 0 is left out.
        let wanted = Padded::new(words.iter().map(wanted), -1);

        let mut state = self.encoder.forward(&read.batch(None))?.y.clone();
        let mut mask = vec![1.0; state.len()];
        dropout::fill(Place { seed: self.manner.seed, step: self.step, layer: 0 }, self.manner.dropout, &mut mask)?;
        multiply(&mut state, &mask);
        let outcome = self.decoder.forward(&given.batch(Some(&state)))?;
        let mut gradient = vec![0.0; outcome.y.len()];
        let rows = Rows { width: outcome.y.len() / wanted.ids.len(), outputs: &outcome.y, counted: None };
        let loss = Objective::CrossEntropy.measure(rows, Targets::Classes(&wanted.ids), &mut gradient)?;

        self.encoder.zero_gradients();
        self.decoder.zero_gradients();
        let down = self.decoder.backward(Upstream { y: &gradient, ..Upstream::default() })?;
        let mut d_state = down.hidden.clone();
        multiply(&mut d_state, &mask);
        self.encoder.backward(Upstream { y: &d_state, ..Upstream::default() })?;
        self.update(rate)?;
        Ok(loss)
    }

    fn update(&mut self, rate: f64) -> Result<()> {
        let Pair { encoder, decoder, optimizer, .. } = self;
        let mut gradients = encoder.gradients_mut();
        gradients.extend(decoder.gradients_mut());
        clip::by_norm(&mut gradients, NORM)?;
        encoder.update(|parameters, gradients| {
            decoder.update(|others, their_gradients| {
                let mut values: Vec<&mut [f32]> = parameters.iter_mut().map(|(_, values)| &mut **values).collect();
                values.extend(others.iter_mut().map(|(_, values)| &mut **values));
                optimizer.step(&mut values, &[gradients, their_gradients].concat(), rate)
            })
        })?;
        self.step += 1;
        Ok(())
    }

    /// Both models, with their present weights.
    pub fn blueprints(&self) -> [&Blueprint; 2] {
        [self.encoder.blueprint(), self.decoder.blueprint()]
    }

    /// Both, packed to be used.
    pub fn networks(&self) -> Result<[Network; 2]> {
        let [encoder, decoder] = self.blueprints();
        Ok([Network::new(encoder)?, Network::new(decoder)?])
    }

    /// All that [`Pair::resume`] needs, between two updates: `batch` batches of epoch `epoch` are done.
    pub fn checkpoint(&self, epoch: u64, batch: u64, text: String) -> Checkpoint<'_> {
        let tensor = |(name, values): (String, &'_ [f32])| (name, vec![values.len()], values.to_vec());
        let tensors = parameters(&self.encoder, &self.decoder).into_iter().map(tensor);
        let tensors = tensors.map(|(name, shape, values)| Tensor { name, shape, values: Cow::Owned(values) }).collect();
        let Manner { seed, .. } = self.manner;
        let progress = Progress {
            epoch,
            batch,
            step: self.step,
            seed,
            // What is of chance hangs on the seed, the epoch and the update, so no generator is on its way.
            random: Random::new(seed),
            early_stopping: None,
            plateau: None,
        };
        Checkpoint { progress, tensors, optimizer: Cow::Borrowed(&self.optimizer), text }
    }

    /// Goes on where a checkpoint was: the pair is of the same sizes, with any weights.
    pub fn resume(&mut self, checkpoint: &Checkpoint<'_>) -> Result<()> {
        let own = parameters(&self.encoder, &self.decoder);
        let shapes: Vec<_> = own.into_iter().map(|(name, values)| (name, [values.len()])).collect();
        checkpoint.check_parameters(shapes.iter().map(|(name, shape)| (&name[..], &shape[..])))?;
        if checkpoint.progress.seed != self.manner.seed {
            let message = format!("the checkpoint's seed is {}, not {}", checkpoint.progress.seed, self.manner.seed);
            return Err(Error::Training { message });
        }
        let mut saved = checkpoint.tensors.iter();
        for learner in [&mut self.encoder, &mut self.decoder] {
            learner.update(|parameters, _| {
                for ((_, own), saved) in parameters.iter_mut().zip(&mut saved) {
                    own.copy_from_slice(&saved.values);
                }
                Ok(())
            })?;
        }
        self.optimizer = checkpoint.optimizer.clone().into_owned();
        self.step = checkpoint.progress.step;
        Ok(())
    }
}

/// What the decoder says to each word, greedily: always the most likely phoneme.
pub fn pronounce([encoder, decoder]: &[Network; 2], words: &[&[i64]]) -> Result<Vec<Vec<i64>>> {
    let read = Padded::new(words.iter().map(|word| word.to_vec()), 0);
    let mut reading = NetworkSession::new(encoder, words.len())?;
    let state = reading.forward(&read.ids[..], Layout::BatchFirst, Some(&read.lengths))?;
    let mut speaking = NetworkSession::new(decoder, words.len())?;
    speaking.set_state(&state, &[])?;
    Greedy { start: BOUNDARY, stop: BOUNDARY, most: MOST }.decode(&mut speaking)
}

/// Sequences of ids side by side, as long as the longest of them.
struct Padded {
    ids: Vec<i64>,
    lengths: Vec<usize>,
}

impl Padded {
    fn new(rows: impl Iterator<Item = Vec<i64>>, padding: i64) -> Padded {
        let rows: Vec<Vec<i64>> = rows.collect();
        let lengths: Vec<usize> = rows.iter().map(Vec::len).collect();
        let steps = lengths.iter().copied().max().unwrap_or(0);
        let row = |row: Vec<i64>| row.into_iter().chain(std::iter::repeat(padding)).take(steps);
        Padded { ids: rows.into_iter().flat_map(row).collect(), lengths }
    }

    fn batch<'a>(&'a self, hidden: Option<&'a [f32]>) -> Batch<'a> {
        let batch = Batch::new(&self.ids[..], Layout::BatchFirst, self.lengths.len());
        Batch { lengths: Some(&self.lengths), hidden, ..batch }
    }
}

fn multiply(values: &mut [f32], factors: &[f32]) {
    values.iter_mut().zip(factors).for_each(|(value, factor)| *value *= factor);
}

/// Every tensor of both, in the optimizer's order.
fn parameters<'a>(encoder: &'a Learner, decoder: &'a Learner) -> Vec<(String, &'a [f32])> {
    encoder.parameters().into_iter().chain(decoder.parameters()).collect()
}
