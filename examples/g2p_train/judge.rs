//! How many words are pronounced right.

use std::fmt;

use gatewise::network::Network;

use crate::Result;
use crate::pair::{Word, pronounce};
use crate::words::Symbols;

/// Words that are pronounced side by side.
const SIDE_BY_SIDE: usize = 500;

#[derive(Clone, Copy, Debug, Default)]
pub struct Judged {
    words: usize,
    /// Words whose phonemes are all right.
    right: usize,
    /// Words that are right but for the place of the stress.
    right_but_stress: usize,
}

impl Judged {
    /// Compares what the model says, greedily, with what it should have said.
    pub fn new(networks: &[Network; 2], symbols: &Symbols, words: &[Word]) -> Result<Judged> {
        let mut judged = Judged { words: words.len(), ..Judged::default() };
        let plain = |ids: &[i64]| symbols.phonemes(ids).replace(['ˈ', 'ˌ'], "");
        for words in words.chunks(SIDE_BY_SIDE) {
            let letters: Vec<&[i64]> = words.iter().map(|word| &word.letters[..]).collect();
            for (word, said) in words.iter().zip(pronounce(networks, &letters)?) {
                judged.right += usize::from(said == word.phonemes);
                judged.right_but_stress += usize::from(plain(&said) == plain(&word.phonemes));
            }
        }
        Ok(judged)
    }
}

impl fmt::Display for Judged {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = |count: usize| 100.0 * count as f64 / self.words.max(1) as f64;
        let (right, but_stress) = (share(self.right), share(self.right_but_stress));
        write!(out, "{right:.1} % of {} held-out words right, {but_stress:.1} % but for the stress", self.words)
    }
}

/// Some words with their right phonemes and those that the model says, a line each, tabs between.
pub fn samples(networks: &[Network; 2], symbols: &Symbols, words: &[Word]) -> Result<String> {
    let letters: Vec<&[i64]> = words.iter().map(|word| &word.letters[..]).collect();
    let said = pronounce(networks, &letters)?;
    let line = |(word, said): (&Word, &Vec<i64>)| {
        let Word { letters, phonemes } = word;
        format!("{}\t{}\t{}\n", symbols.spell(letters), symbols.phonemes(phonemes), symbols.phonemes(said))
    };
    Ok(words.iter().zip(&said).map(line).collect())
}
