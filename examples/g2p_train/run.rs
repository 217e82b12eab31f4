//! Epochs of updates, which Ctrl-C stops and `--resume` takes up.

use std::fmt;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use gatewise::train::batches::Batches;
use gatewise::train::schedule::RateDecay;
use gatewise::train::{Checkpoint, Loss, Schedule};
use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use crate::Result;
use crate::arguments::Arguments;
use crate::pair::{Pair, Word};

/// A pair on its way through the epochs.
pub struct Run<'a> {
    arguments: &'a Arguments,
    words: &'a [Word],
    /// Like lengths together.
    lengths: Vec<usize>,
    pair: Pair,
    /// Epochs that are finished, and batches of the next one.
    done: (u64, u64),
}

impl<'a> Run<'a> {
    /// Begins, or goes on from the checkpoint if the arguments say so.
    pub fn new(arguments: &'a Arguments, words: &'a [Word], pair: Pair) -> Result<Run<'a>> {
        let lengths = words.iter().map(|word| word.letters.len() + word.phonemes.len()).collect();
        let mut run = Run { arguments, words, lengths, pair, done: (0, 0) };
        if arguments.resume {
            let path = run.checkpoint_path();
            let checkpoint = Checkpoint::read(&path)?;
            if checkpoint.text != arguments.plan() {
                let (then, now) = (&checkpoint.text, arguments.plan());
                return Err(format!("{}: made with other options: {then}, not {now}", path.display()).into());
            }
            run.pair.resume(&checkpoint)?;
            run.done = (checkpoint.progress.epoch, checkpoint.progress.batch);
        }
        Ok(run)
    }

    pub fn pair(&self) -> &Pair {
        &self.pair
    }

    pub fn epochs_done(&self) -> u64 {
        self.done.0
    }

    pub fn is_over(&self) -> bool {
        self.done.0 >= self.arguments.epochs
    }

    /// Where the run is kept.
    pub fn checkpoint_path(&self) -> PathBuf {
        self.arguments.output.join("checkpoint.safetensors")
    }

    /// An epoch, or the rest of it, until `stop` is set; either way the checkpoint says how far it is.
    pub fn epoch(&mut self, stop: &AtomicBool) -> Result<ControlFlow<(), Loss>> {
        let Arguments { batch, seed, epochs, rate, .. } = *self.arguments;
        let (epoch, begun) = self.done;
        let batches = Batches { size: batch, window: 32, seed }.epoch(epoch, &self.lengths)?;
        let (count, mut loss) = (batches.len() as u64, Loss::default());
        let schedule = Schedule { rate, warmup: 200, decay: RateDecay::Cosine { floor: rate / 100.0 } };
        let bar = bar(epoch + 1, self.words.len(), batches.iter().take(begun as usize).map(Vec::len).sum());
        for batch in batches.iter().skip(begun as usize) {
            let words: Vec<&Word> = batch.iter().filter_map(|index| self.words.get(*index)).collect();
            let rate = schedule.at(epoch * count + self.done.1, epochs * count);
            loss.add(self.pair.learn(&words, rate)?);
            self.done.1 += 1;
            bar.inc(words.len() as u64);
            bar.set_message(format!("loss {:.4}", loss.mean()));
            if stop.load(Ordering::Relaxed) {
                bar.finish_and_clear();
                self.save()?;
                return Ok(ControlFlow::Break(()));
            }
        }
        bar.finish_and_clear();
        self.done = (epoch + 1, 0);
        self.save()?;
        Ok(ControlFlow::Continue(loss))
    }

    fn save(&self) -> Result<()> {
        let (epoch, batch) = self.done;
        Ok(self.pair.checkpoint(epoch, batch, self.arguments.plan()).write(self.checkpoint_path())?)
    }
}

/// Words of an epoch: how many are done, how many a second.
fn bar(epoch: u64, words: usize, done: usize) -> ProgressBar {
    let bar = ProgressBar::new(words as u64).with_prefix(epoch.to_string()).with_position(done as u64);
    // What a resumed epoch had done before was not done now.
    bar.reset_eta();
    let speed = |state: &ProgressState, out: &mut dyn fmt::Write| {
        // A bar has nobody to tell that it could not be drawn.
        let _ = write!(out, "{:.0}", state.per_sec());
    };
    let style = "epoch {prefix} {wide_bar} {pos}/{len} words, {speed} words/s, {msg}, {eta} left";
    match ProgressStyle::with_template(style) {
        Ok(style) => bar.with_style(style.with_key("speed", speed)),
        Err(_) => bar,
    }
}
