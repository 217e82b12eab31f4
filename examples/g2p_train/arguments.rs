//! The command line.

use std::path::PathBuf;

use crate::Result;

pub const HELP: &str = "\
Learns how English words are pronounced.

Usage: g2p_train [OPTIONS]

  --output DIR     where words, checkpoint and weights go [default: target/g2p]
  --resume         goes on from the checkpoint there
  --epochs N       [default: 40]
  --words N        words to learn from at most, for a trial
  --hidden N       units of the decoder, an even number [default: 384]
  --embedding N    values that stand for a letter or a phoneme [default: 64]
  --batch N        words of an update [default: 64]
  --rate R         the highest learning rate [default: 0.002]
  --dropout R      part of the encoder's state that is left out while learning [default: 0.3]
  --threads N      [default: 2]
  --seed N         [default: 1]
";

pub struct Arguments {
    pub output: PathBuf,
    pub resume: bool,
    pub epochs: u64,
    pub words: usize,
    pub hidden: usize,
    pub embedding: usize,
    pub batch: usize,
    pub rate: f64,
    pub dropout: f64,
    pub threads: usize,
    pub seed: u64,
}

impl Default for Arguments {
    fn default() -> Self {
        Arguments {
            output: "target/g2p".into(),
            resume: false,
            epochs: 40,
            words: usize::MAX,
            hidden: 384,
            embedding: 64,
            batch: 64,
            rate: 2e-3,
            dropout: 0.3,
            threads: 2,
            seed: 1,
        }
    }
}

impl Arguments {
    /// `None` where help is asked for.
    pub fn read(mut given: impl Iterator<Item = String>) -> Result<Option<Arguments>> {
        let mut arguments = Arguments::default();
        while let Some(option) = given.next() {
            let mut value = || given.next().ok_or_else(|| format!("{option}: a value is missing"));
            match &option[..] {
                "-h" | "--help" => return Ok(None),
                "--resume" => arguments.resume = true,
                "--output" => arguments.output = value()?.into(),
                "--epochs" => arguments.epochs = value()?.parse()?,
                "--words" => arguments.words = value()?.parse()?,
                "--hidden" => arguments.hidden = value()?.parse()?,
                "--embedding" => arguments.embedding = value()?.parse()?,
                "--batch" => arguments.batch = value()?.parse()?,
                "--rate" => arguments.rate = value()?.parse()?,
                "--dropout" => arguments.dropout = value()?.parse()?,
                "--threads" => arguments.threads = value()?.parse()?,
                "--seed" => arguments.seed = value()?.parse()?,
                _ => return Err(format!("{option}: no such option\n\n{HELP}").into()),
            }
        }
        Ok(Some(arguments))
    }

    /// What a checkpoint must have been made with, if the run is to go on to the same bits.
    pub fn plan(&self) -> String {
        let Arguments { epochs, words, hidden, embedding, batch, rate, dropout, seed, .. } = self;
        format!("{epochs} {words} {hidden} {embedding} {batch} {rate} {dropout} {seed}")
    }
}
