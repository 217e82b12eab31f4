//! Which sequences are learnt from together: every one once an epoch, in an order of chance, like lengths together.

use super::random::Random;
use crate::error::{Error, Result};

/// Sets the keys apart from those of other uses of a seed.
const PURPOSE: u64 = u64::from_le_bytes(*b"batches\0");

/// How sequences are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batches {
    /// Sequences of a batch; the last one may have fewer.
    pub size: usize,
    /// Batches whose sequences are sorted by length together. 1: none are, batches are of chance alone. More: sequences
    /// of a batch are of about one length, so that less is padding, and batches are less of chance.
    pub window: usize,
    /// Of the whole run.
    pub seed: u64,
}

impl Batches {
    /// The batches of an epoch, as indices into `lengths`: each index once. The same seed, epoch and lengths give the
    /// same batches on every machine.
    ///
    /// All indices are shuffled; within windows of `window·size` they are sorted by length and cut into batches; the
    /// batches are shuffled.
    ///
    /// # Errors
    /// [`Error::Size`] if `size` or `window` is 0.
    pub fn epoch(&self, epoch: u64, lengths: &[usize]) -> Result<Vec<Vec<usize>>> {
        for (what, value) in [("batch size", self.size), ("window", self.window)] {
            if value == 0 {
                return Err(Error::Size { what, value, reason: "expected at least 1" });
            }
        }
        let mut random = Random::keyed([self.seed, PURPOSE, epoch, 0]);
        let mut order: Vec<(usize, usize)> = lengths.iter().copied().enumerate().collect();
        random.shuffle(&mut order);
        if self.window > 1 {
            // Stable: among equal lengths the order stays that of chance.
            let window = self.size.saturating_mul(self.window);
            order.chunks_mut(window).for_each(|window| window.sort_by_key(|(_, length)| *length));
        }
        let batch = |batch: &[(usize, usize)]| batch.iter().map(|(index, _)| *index).collect();
        let mut batches: Vec<Vec<usize>> = order.chunks(self.size).map(batch).collect();
        random.shuffle(&mut batches);
        Ok(batches)
    }
}
