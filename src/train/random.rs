//! Random numbers that are the same on every machine, and whose place can be saved.
//!
//! The words are those of ChaCha with 8 rounds (Bernstein 2008), as `rand` has it; what is made of them is made here,
//! because a run that is resumed next year must draw what it would have drawn today.

use std::fmt;
use std::str::FromStr;

use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// A generator of random numbers; the same key gives the same numbers everywhere.
#[derive(Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Random {
    key: [u64; 4],
    words: ChaCha8Rng,
}

impl Random {
    /// The generator of a seed: [`Random::keyed`] with the seed and zeros.
    pub fn new(seed: u64) -> Self {
        Random::keyed([seed, 0, 0, 0])
    }

    /// The generator of a key, from its beginning. Different keys, such as a seed with a purpose, an epoch and a layer,
    /// give numbers that have nothing to do with each other. The key's words are ChaCha's, little-endian.
    pub fn keyed(key: [u64; 4]) -> Self {
        let mut bytes = [0; 32];
        for (bytes, word) in bytes.chunks_exact_mut(8).zip(key) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        Random { key, words: ChaCha8Rng::from_seed(bytes) }
    }

    /// 32 random bits.
    pub fn bits32(&mut self) -> u32 {
        self.words.next_u32()
    }

    /// 64 random bits: two words, the low one first.
    pub fn bits64(&mut self) -> u64 {
        self.words.next_u64()
    }

    /// Evenly distributed in [0, 1): a multiple of 2⁻⁵³.
    pub fn unit(&mut self) -> f64 {
        (self.bits64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Evenly distributed in [0, 1): a multiple of 2⁻²⁴.
    pub fn unit_f32(&mut self) -> f32 {
        (self.bits32() >> 8) as f32 * (1.0 / (1u32 << 24) as f32)
    }

    /// Evenly distributed from `low` to `high`; rounding may give `high` itself.
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Normally distributed with mean 0 and deviation 1 (Box & Muller 1958).
    ///
    /// The second number of each pair is not kept, so that a key and a place are all there is to save.
    pub fn normal(&mut self) -> f64 {
        // 1 − u is never 0, whose logarithm would be infinite.
        let radius = (-2.0 * libm::log(1.0 - self.unit())).sqrt();
        radius * libm::cos(std::f64::consts::TAU * self.unit())
    }

    /// A whole number below `bound`, each equally likely (Lemire 2019); 0 where the bound is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        // Of the 2⁶⁴ words, so many would make the first numbers likelier.
        let surplus = bound.wrapping_neg().checked_rem(bound).unwrap_or(0);
        loop {
            let product = u128::from(self.bits64()) * u128::from(bound);
            if product as u64 >= surplus {
                return (product >> 64) as u64;
            }
        }
    }

    /// Whether something of this probability happens.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Brings values into a random order, each equally likely (Fisher & Yates, as Durstenfeld 1964 has it).
    pub fn shuffle<T>(&mut self, values: &mut [T]) {
        for last in (1..values.len()).rev() {
            // Drawn as u64, so that 32-bit machines draw the same; it is at most `last`.
            values.swap(last, self.below(last as u64 + 1) as usize);
        }
    }

    /// Words drawn since the beginning.
    fn place(&self) -> u128 {
        self.words.get_word_pos()
    }
}

impl Clone for Random {
    fn clone(&self) -> Self {
        let mut random = Random::keyed(self.key);
        random.words.set_word_pos(self.place());
        random
    }
}

impl PartialEq for Random {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key && self.place() == other.place()
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Random({self})")
    }
}

/// The key and the place, as `chacha8 KEY KEY KEY KEY PLACE`: words in hexadecimal digits, the place in decimal ones.
impl fmt::Display for Random {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d] = self.key;
        write!(out, "chacha8 {a:x} {b:x} {c:x} {d:x} {}", self.place())
    }
}

/// Takes what `Display` writes; the generator goes on where it was.
impl FromStr for Random {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        parse(text).ok_or_else(|| Error::Training {
            message: format!("random state {text:?}: expected \"chacha8\", four words of a key, and a place"),
        })
    }
}

fn parse(text: &str) -> Option<Random> {
    let words: Vec<&str> = text.strip_prefix("chacha8 ")?.split(' ').collect();
    let [a, b, c, d, place] = words[..] else { return None };
    let word = |digits: &str| u64::from_str_radix(digits, 16).ok();
    let mut random = Random::keyed([word(a)?, word(b)?, word(c)?, word(d)?]);
    // 2⁶⁴ blocks of 16 words, then it would begin again.
    let place = place.parse().ok().filter(|place| *place < 1u128 << 68)?;
    random.words.set_word_pos(place);
    Some(random)
}

impl TryFrom<String> for Random {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Random> for String {
    fn from(random: Random) -> String {
        random.to_string()
    }
}
