//! Which values are left out at a step of learning (Srivastava et al. 2014).

use super::random::Random;
use crate::error::{Error, Result};

/// Sets the keys apart from those of other uses of a seed.
const PURPOSE: u64 = u64::from_le_bytes(*b"dropout\0");

/// Which mask: the same place gives the same one, so a run that is resumed leaves out what it would have left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Of the whole run.
    pub seed: u64,
    /// Updates made so far.
    pub step: u64,
    /// Which layer's outputs.
    pub layer: u64,
}

/// Fills `mask` with what each value is multiplied by: 0 with probability `rate`, else 1/(1 − rate).
///
/// Scaled while learning ("inverted"), so that nothing is to be done afterwards and the expected value stays what it
/// was. For a mask that stays the same for all steps of a sequence (Gal & Ghahramani 2016), fill one of B·H values and
/// use it T times.
///
/// # Errors
/// [`Error::Training`] unless 0 ≤ `rate` < 1.
pub fn fill(place: Place, rate: f64, mask: &mut [f32]) -> Result<()> {
    if !(0.0..1.0).contains(&rate) {
        return Err(Error::Training { message: format!("dropout rate {rate}: expected at least 0 and less than 1") });
    }
    let mut random = Random::keyed([place.seed, PURPOSE, place.step, place.layer]);
    let (left_out, kept) = ((rate * 2f64.powi(32)) as u64, (1.0 / (1.0 - rate)) as f32);
    mask.fill_with(|| if u64::from(random.bits32()) < left_out { 0.0 } else { kept });
    Ok(())
}
