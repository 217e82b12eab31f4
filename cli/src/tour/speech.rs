//! The documents' sentences in phonemes, by a network that gatewise itself has trained (docs/g2p.md).

use std::time::Instant;

use anyhow::{Context, Result};
use gatewise::Layout;
use gatewise::load::own;
use gatewise::network::{Greedy, Network, NetworkSession};
use serde_json::Value;

use crate::text;

/// The sentence whose end needs its beginning, and what the two stories are about.
const SENTENCES: [&str; 4] =
    ["I stay in India", "I speak Hindi", "What happens on day five", "is what the cell remembers of day one"];

/// Before a word's first phoneme and behind its last one.
const BOUNDARY: i64 = 0;

/// Phonemes after which a word that does not end is broken off.
const MOST: usize = 40;

/// Times that the sentences are spoken to be timed; the median counts.
const ROUNDS: usize = 7;

/// Prints each sentence as soon as it is spoken, then how fast they all are.
pub fn print() -> Result<()> {
    let mut speaker = Speaker::new()?;
    text::print("\nLearnt by gatewise itself: a GRU reads a word's letters, a GRU says its phonemes\n\n")?;
    for sentence in SENTENCES {
        text::print(&format!("  {sentence:<39}{}\n", speaker.say_all(sentence)?.join(" ")))?;
    }
    let (mut words, mut times) = (0, Vec::new());
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        words = speaker.say_all(&SENTENCES.join(" "))?.len();
        times.push(begun.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    let speed = words as f64 / times[ROUNDS / 2];
    text::print(&format!("\n  {speed:.0} words a second, one after the other on one thread\n"))
}

/// Reads a word's letters with one network, and says its phonemes with the other, which is fed what it said.
struct Speaker {
    reading: NetworkSession<Network>,
    speaking: NetworkSession<Network>,
    letters: String,
    phonemes: Vec<String>,
}

impl Speaker {
    fn new() -> Result<Self> {
        let encoder = include_bytes!("../../../models/g2p/encoder.safetensors");
        let decoder = include_bytes!("../../../models/g2p/decoder.safetensors");
        let symbols: Value = serde_json::from_str(include_str!("../../../models/g2p/symbols.json"))?;
        let session = |bytes: &[u8]| NetworkSession::new(Network::new(&own::from_bytes(bytes.to_vec())?)?, 1);
        let letters = symbols["letters"].as_str().context("symbols.json: expected letters")?.to_owned();
        let phonemes = symbols["phonemes"].as_array().context("symbols.json: expected phonemes")?;
        let phonemes = phonemes.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        Ok(Speaker { reading: session(encoder)?, speaking: session(decoder)?, letters, phonemes })
    }

    fn say_all(&mut self, sentence: &str) -> Result<Vec<String>> {
        sentence.split(' ').map(|word| self.say(word)).collect()
    }

    fn say(&mut self, word: &str) -> Result<String> {
        let place = |letter: char| self.letters.chars().position(|known| known == letter.to_ascii_lowercase());
        let letters: Vec<i64> = word.chars().filter_map(place).map(|place| place as i64).collect();
        self.reading.reset()?;
        let state = self.reading.forward(&letters[..], Layout::BatchFirst, None)?;
        self.speaking.set_state(&state, &[])?;
        let said = Greedy { start: BOUNDARY, stop: BOUNDARY, most: MOST }.decode(&mut self.speaking)?;
        // Ids of phonemes follow the boundary's.
        let phoneme = |id: &i64| self.phonemes.get(usize::try_from(*id - 1).ok()?).map(String::as_str);
        Ok(said.iter().flatten().filter_map(phoneme).collect())
    }
}
