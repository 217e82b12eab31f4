//! The example that learns to pronounce: that its pair of GRUs learns, goes on to the same bits, and what was learnt.

#[path = "../examples/g2p_train/pair.rs"]
mod pair;

use gatewise::Level;
use gatewise::load::own;
use gatewise::load::safetensors::SafetensorsFile;
use gatewise::network::Network;
use gatewise::train::{Checkpoint, Random};
use pair::{Manner, Pair, Sizes, Word, pronounce};

/// Letters of the words that are to be reversed.
const LETTERS: usize = 6;

/// Of learning that.
const EPOCHS: usize = 60;

/// Every word of three letters, its "phonemes" the letters from the end, in an order of chance.
fn reversals() -> Vec<Word> {
    let letters = 0..LETTERS as i64;
    let mut words: Vec<Word> = letters
        .clone()
        .flat_map(|a| letters.clone().flat_map(move |b| (0..LETTERS as i64).map(move |c| [a, b, c])))
        .map(|[a, b, c]| Word { letters: vec![a, b, c], phonemes: vec![c + 1, b + 1, a + 1] })
        .collect();
    Random::new(7).shuffle(&mut words);
    words
}

fn tiny(hidden: usize, dropout: f64, threads: usize) -> Pair {
    let sizes = Sizes { letters: LETTERS, phonemes: LETTERS + 1, embedding: 8, hidden };
    Pair::new(sizes, Manner { seed: 3, threads, dropout }).unwrap()
}

#[test]
fn a_tiny_pair_learns_to_reverse_words_it_has_not_seen() {
    let words = reversals();
    let (unseen, seen) = words.split_at(words.len() / 6);
    let mut pair = tiny(32, 0.0, 1);
    let right = |pair: &Pair, words: &[Word]| {
        let letters: Vec<&[i64]> = words.iter().map(|word| &word.letters[..]).collect();
        let said = pronounce(&pair.networks().unwrap(), &letters).unwrap();
        words.iter().zip(said).filter(|(word, said)| word.phonemes == *said).count()
    };
    assert!(right(&pair, unseen) * 10 < unseen.len(), "it knew before it learnt");
    for epoch in 0..EPOCHS {
        for batch in seen.chunks(20) {
            pair.learn(&batch.iter().collect::<Vec<_>>(), if epoch < EPOCHS / 2 { 0.01 } else { 0.003 }).unwrap();
        }
    }
    let (right, all) = (right(&pair, unseen), unseen.len());
    assert!(right * 100 > all * 95, "{right} of {all} words that it has not seen");
}

#[test]
fn a_stopped_run_goes_on_to_the_same_bits_on_any_number_of_threads() {
    let words = reversals();
    let batches: Vec<Vec<&Word>> = words.chunks(16).take(6).map(|words| words.iter().collect()).collect();
    let mut whole = tiny(12, 0.3, 1);
    for batch in &batches {
        whole.learn(batch, 0.01).unwrap();
    }
    let mut first = tiny(12, 0.3, 1);
    for batch in &batches[..3] {
        first.learn(batch, 0.01).unwrap();
    }
    let bytes = first.checkpoint(0, 3, "six batches".to_owned()).to_bytes().unwrap();
    let checkpoint = Checkpoint::from_file(&SafetensorsFile::from_bytes(bytes).unwrap()).unwrap();
    assert_eq!((checkpoint.progress.batch, &checkpoint.text[..]), (3, "six batches"));
    let mut rest = tiny(12, 0.3, 2);
    assert_ne!(rest.blueprints(), first.blueprints());
    rest.resume(&checkpoint).unwrap();
    assert_eq!(rest.blueprints(), first.blueprints());
    for batch in &batches[3..] {
        rest.learn(batch, 0.01).unwrap();
    }
    assert_eq!(rest.blueprints(), whole.blueprints());
    assert_eq!(rest.checkpoint(1, 0, String::new()).to_bytes(), whole.checkpoint(1, 0, String::new()).to_bytes());

    let error = tiny(14, 0.3, 1).resume(&checkpoint).unwrap_err().to_string();
    assert!(error.contains("reader.weight_ih"), "{error}");
}

/// A file of the committed model.
fn committed(name: &str) -> String {
    format!("{}/models/g2p/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// The sample of held-out words: what espeak-ng says, and what the model said when it was written (docs/g2p.md).
#[test]
fn the_committed_model_pronounces_held_out_words_as_recorded() {
    let symbols: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(committed("symbols.json")).unwrap()).unwrap();
    let letters = symbols["letters"].as_str().unwrap();
    let phonemes: Vec<&str> = symbols["phonemes"].as_array().unwrap().iter().filter_map(|p| p.as_str()).collect();
    let sample = std::fs::read_to_string(committed("held_out.tsv")).unwrap();
    let lines: Vec<Vec<&str>> = sample.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!(lines.len(), 200);
    let ids = |word: &str| word.chars().map(|letter| letters.find(letter).unwrap() as i64).collect::<Vec<_>>();
    let words: Vec<Vec<i64>> = lines.iter().map(|line| ids(line[0])).collect();
    let words: Vec<&[i64]> = words.iter().map(Vec::as_slice).collect();

    let [encoder, decoder] = ["encoder", "decoder"].map(|name| own::read(committed(&format!("{name}.safetensors"))));
    let (encoder, decoder) = (encoder.unwrap(), decoder.unwrap());
    for level in Level::available() {
        let networks = [&encoder, &decoder].map(|blueprint| Network::with_level(blueprint, level).unwrap());
        let mut right = 0;
        for (line, said) in lines.iter().zip(pronounce(&networks, &words).unwrap()) {
            let said: Vec<&str> = said.iter().map(|id| phonemes[*id as usize - 1]).collect();
            assert_eq!(said.join(" "), line[2], "{} by {level}", line[0]);
            right += usize::from(said.join(" ") == line[1]);
        }
        // Of all 6387 held-out words it was a higher share: this is a sample.
        assert!(right >= 140, "{right} of 200 words as espeak-ng by {level}");
    }
}
