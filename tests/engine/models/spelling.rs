//! English spelling to phonemes: an encoder reads the letters, its last state starts a decoder that hears its own answers.

use std::fs;

use gatewise::{Batch, GruWeights, Level, Model, Outputs, Session};
use safetensors::SafeTensors;
use serde_json::Value;

use super::{Dense, folder, json};
use crate::common::{assert_same_bits, levels};
use crate::fixtures::{tensor, torch};

const HIDDEN: usize = 256;
/// Steps of the decoder at most.
const MOST: usize = 20;

struct Speller {
    encoder: Model,
    decoder: Model,
    letters: Vec<f32>,
    phonemes: Vec<f32>,
    head: Dense,
    /// The names of the letters and of the phonemes, by their rows.
    names: [Vec<String>; 2],
}

impl Speller {
    fn row(&self, side: usize, name: &str) -> usize {
        self.names[side].iter().position(|own| own == name).unwrap_or_else(|| panic!("no {name}"))
    }

    /// The letters of a word and its end, as vectors.
    fn spelled(&self, word: &str) -> Vec<f32> {
        let letters = word.chars().map(|letter| letter.to_string()).chain(["</s>".to_owned()]);
        letters.flat_map(|letter| self.letters[self.row(0, &letter) * HIDDEN..][..HIDDEN].to_vec()).collect()
    }

    fn pronounce(&self, state: &[f32]) -> Vec<String> {
        let mut decoder = Session::new(&self.decoder, 1).unwrap();
        decoder.set_state(state, &[]).unwrap();
        let (mut said, mut last) = (Vec::new(), self.row(1, "<s>"));
        let end = self.row(1, "</s>");
        for _ in 0..MOST {
            let h = decoder.step(&self.phonemes[last * HIDDEN..][..HIDDEN]).unwrap();
            let scores = self.head.apply(&h.iter().copied().map(f64::from).collect::<Vec<_>>());
            last = (0..scores.len()).max_by(|a, b| scores[*a].total_cmp(&scores[*b])).unwrap();
            if last == end {
                break;
            }
            said.push(self.names[1][last].clone());
        }
        said
    }
}

fn strings(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_word_is_spoken_with_its_phonemes() {
    let Some(folder) = folder("g2p_encoder_decoder") else { return };
    let case = json(&folder.join("case.json"));
    let file = fs::read(folder.join("model.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&file).unwrap();
    let expected = case["expected"].as_object().unwrap();
    assert!(expected.len() >= 50, "{} words", expected.len());
    let words: Vec<&str> = expected.keys().map(String::as_str).collect();
    let find = |name: &str| tensor(&tensors, name).unwrap();
    for level in levels() {
        let model = |prefix: &str, level: Level| {
            let tensors = torch(&tensors, prefix, "l0", [HIDDEN, HIDDEN]);
            Model::with_level(GruWeights::from_torch(&tensors).unwrap(), level).unwrap()
        };
        let speller = Speller {
            encoder: model("encoder.", level),
            decoder: model("decoder.", level),
            letters: find("encoder_embedding.weight"),
            phonemes: find("decoder_embedding.weight"),
            head: Dense::linear(find("head.weight"), find("head.bias")),
            names: [strings(&case["graphemes"]), strings(&case["phonemes"])],
        };
        // All words as one batch, each of its own length.
        let spelled: Vec<Vec<f32>> = words.iter().map(|word| speller.spelled(word)).collect();
        let lengths: Vec<usize> = spelled.iter().map(|letters| letters.len() / HIDDEN).collect();
        let steps = lengths.iter().max().copied().unwrap_or(0);
        let padded = spelled
            .iter()
            .flat_map(|letters| letters.iter().copied().chain([f32::NAN].into_iter().cycle()).take(steps * HIDDEN));
        let x: Vec<f32> = padded.collect();
        let mut together = Session::new(&speller.encoder, words.len()).unwrap().with_threads(2);
        let batch = Batch::new(&x).layout(gatewise::Layout::BatchFirst).lengths(&lengths);
        together.forward(batch, Outputs::none()).unwrap();

        for ((word, letters), state) in words.iter().zip(&spelled).zip(together.hidden_state().chunks(HIDDEN)) {
            let mut alone = Session::new(&speller.encoder, 1).unwrap();
            for letter in letters.chunks(HIDDEN) {
                alone.step(letter).unwrap();
            }
            assert_same_bits(state, alone.hidden_state(), || {
                format!("{word}, {level}: in a batch beside letter by letter")
            });
            assert_eq!(speller.pronounce(state), strings(&expected[*word]), "{word}, {level}");
        }
    }
}
