//! The data: Debian's list of English words, and what espeak-ng says to each of them.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use gatewise::train::Random;
use indicatif::ProgressIterator;
use serde_json::{Value, json};

use crate::Result;
use crate::pair::Word;

/// What Debian's package wamerican installs.
const LIST: &str = "/usr/share/dict/american-english";

/// Words that one process of espeak-ng is given.
const AT_ONCE: usize = 2000;

/// Of so many words one is held out: it is judged by and never learnt from.
const HELD_OUT: usize = 10;

/// Letters at a word's end that may tell relatives apart: walk, walks, walked, walking.
const ENDING: usize = 3;

/// Letters that relatives have in common, at least.
const STEM: usize = 3;

/// Sets the draw apart from others of the seed.
const PURPOSE: u64 = u64::from_le_bytes(*b"held out");

/// A word as it is spelt, and its phonemes in the alphabet of the IPA.
pub type Entry = (String, Vec<String>);

/// The words with their phonemes, from the file in `folder` or, the first time, from espeak-ng, which takes a minute.
pub fn entries(folder: &Path) -> Result<Vec<Entry>> {
    let path = folder.join("words.tsv");
    if !path.exists() {
        prepare(&path)?;
    }
    let entry = |line: &str| {
        let (word, phonemes) = line.split_once('\t').ok_or_else(|| format!("{}: no tab: {line}", path.display()))?;
        Ok((word.to_owned(), phonemes.split(' ').map(str::to_owned).collect()))
    };
    fs::read_to_string(&path)?.lines().map(entry).collect()
}

/// Words of the small letters a to z, and the letters themselves: no names, no possessives, no accents.
fn prepare(path: &Path) -> Result<()> {
    let list = fs::read_to_string(LIST)
        .map_err(|error| format!("{LIST}: {error}: it comes with Debian's package wamerican"))?;
    let plain = |word: &&str| word.bytes().all(|letter| letter.is_ascii_lowercase());
    let words: Vec<&str> = list.lines().filter(plain).collect();
    println!("asking espeak-ng for the phonemes of {} words", words.len());
    let (mut text, asked) = (String::new(), path.with_extension("asked"));
    for words in words.chunks(AT_ONCE).progress() {
        for (word, said) in words.iter().zip(say(words, &asked)?) {
            text += &format!("{word}\t{said}\n");
        }
    }
    fs::remove_file(&asked)?;
    fs::write(path, text)?;
    Ok(())
}

/// The phonemes of some words, spaces between them.
fn say(words: &[&str], asked: &Path) -> Result<Vec<String>> {
    // An empty line ends a sentence: each word is spoken alone, and has a line of its own.
    fs::write(asked, words.iter().map(|word| format!("{word}\n\n")).collect::<String>())?;
    let mut command = Command::new("espeak-ng");
    command.args(["-q", "--ipa", "--sep=_", "-v", "en-us", "-f"]).arg(asked).stderr(Stdio::inherit());
    let output =
        command.output().map_err(|error| format!("espeak-ng: {error}: it comes with Debian's package espeak-ng"))?;
    if !output.status.success() {
        return Err(format!("espeak-ng: {}", output.status).into());
    }
    let said = String::from_utf8(output.stdout)?;
    // Some phonemes are written as nothing.
    let phonemes = |line: &str| line.split(['_', ' ']).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    let said: Vec<String> = said.lines().map(phonemes).collect();
    if said.len() != words.len() {
        return Err(format!("espeak-ng said {} lines to {} words", said.len(), words.len()).into());
    }
    Ok(said)
}

/// The letters and phonemes that there are; a symbol's id is its place, but that phonemes begin at 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Symbols {
    pub letters: Vec<char>,
    pub phonemes: Vec<String>,
}

impl Symbols {
    /// Those of some words, the phonemes in the order of their code points.
    pub fn of(entries: &[Entry]) -> Symbols {
        let mut phonemes: Vec<String> = entries.iter().flat_map(|(_, phonemes)| phonemes.iter().cloned()).collect();
        phonemes.sort();
        phonemes.dedup();
        Symbols { letters: ('a'..='z').collect(), phonemes }
    }

    /// The words as ids; letters and phonemes that are not known are left out.
    pub fn words(&self, entries: &[Entry]) -> Vec<Word> {
        let place = |(place, phoneme): (usize, &String)| (phoneme.clone(), place as i64 + 1);
        let places: BTreeMap<String, i64> = self.phonemes.iter().enumerate().map(place).collect();
        let word = |(word, phonemes): &Entry| Word {
            letters: self.letters(word),
            phonemes: phonemes.iter().filter_map(|phoneme| places.get(phoneme).copied()).collect(),
        };
        entries.iter().map(word).collect()
    }

    /// A word's letters as ids.
    pub fn letters(&self, word: &str) -> Vec<i64> {
        let place = |letter: char| self.letters.iter().position(|known| *known == letter);
        word.chars().filter_map(place).map(|place| place as i64).collect()
    }

    /// Letters from ids.
    pub fn spell(&self, ids: &[i64]) -> String {
        ids.iter().filter_map(|id| self.letters.get(usize::try_from(*id).ok()?)).collect()
    }

    /// Phonemes from ids, spaces between them.
    pub fn phonemes(&self, ids: &[i64]) -> String {
        let phoneme = |id: &i64| self.phonemes.get(usize::try_from(id - 1).ok()?).map(String::as_str);
        ids.iter().filter_map(phoneme).collect::<Vec<_>>().join(" ")
    }

    /// As they stand beside the weights.
    pub fn json(&self) -> Value {
        json!({ "letters": self.letters.iter().collect::<String>(), "phonemes": self.phonemes })
    }
}

/// Words to learn from and words that are held out, by chance but the same for the same seed. The draw knows nothing of
/// word families: a held-out word's plural may be learnt from.
pub fn split(mut words: Vec<Word>, seed: u64) -> (Vec<Word>, Vec<Word>) {
    Random::keyed([seed, PURPOSE, 0, 0]).shuffle(&mut words);
    let held_out = words.split_off(words.len() - words.len() / HELD_OUT);
    (words, held_out)
}

/// The words that no learnt word is a relative of: none begins with all their letters but the last three.
pub fn strangers(words: &[Word], learnt: &[Word]) -> Vec<Word> {
    let beginnings =
        |word: &'_ Word| (0..word.letters.len()).map(|end| word.letters[..=end].to_vec()).collect::<Vec<_>>();
    let known: HashSet<Vec<i64>> = learnt.iter().flat_map(beginnings).collect();
    let stem = |word: &Word| word.letters.len().saturating_sub(ENDING).max(STEM).min(word.letters.len());
    words.iter().filter(|word| !known.contains(&word.letters[..stem(word)])).cloned().collect()
}
