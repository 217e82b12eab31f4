//! `gatewise decode`: what a loop of runs gives, and what is refused.

use crate::common::{Folder, Model, Npz, Ran, array, fixture, run};

const ENCODER: &str = "embedding:letters, gru:encoder";
const DECODER: &str = "embedding:sounds, gru:decoder, dense:head";
const SOUNDS: usize = 6;

/// Letters 0 to 4, sounds 0 to 5, states of 4 values.
fn speller() -> Model {
    let of = |name: &'static str| move |own: &str| format!("{name}.{own}");
    let table = |count: usize, seed: u64| crate::common::noise(count, 3.0, seed);
    Model::layer(3, 3, 4)
        .renamed(of("encoder"))
        .and(Model::layer(3, 3, 4).renamed(of("decoder")))
        .and(Model::layer(3, 3, 5).renamed(of("larger")))
        .and(Model::layer(4, 3, 4).renamed(of("lstm")))
        .with_values("letters.weight", &[5, 3], &table(15, 1))
        .with_values("sounds.weight", &[SOUNDS, 3], &table(18, 2))
        .with_values("head.weight", &[SOUNDS, 4], &table(24, 3))
        .with("head.bias", &[SOUNDS])
        .with("wide.weight", &[SOUNDS + 1, 4])
}

/// Two words of four and two letters.
fn words() -> Npz {
    Npz::new().with_ids("x", &[2, 4], &[1, 2, 3, 4, 4, 0, 0, 0]).with_ids("lengths", &[2], &[4, 2])
}

struct Place {
    folder: Folder,
    model: String,
}

impl Place {
    fn new() -> Self {
        let folder = Folder::new();
        let model = folder.put("speller.safetensors", &speller().bytes());
        Place { folder, model }
    }

    /// Decodes with these options in the place of the usual ones of the same name.
    fn decode(&self, words: &[u8], changes: &[(&str, &str)]) -> Ran {
        let (input, output) = (self.folder.put("words.npz", words), self.folder.path("said.npz"));
        let mut options = vec![
            ("--encoder", ENCODER),
            ("--decoder", DECODER),
            ("--start", "0"),
            ("--stop", "5"),
            ("--steps", "7"),
            ("--input", &input),
            ("--output", &output),
        ];
        for (name, value) in changes {
            options.retain(|(other, _)| other != name);
            options.push((name, value));
        }
        let mut arguments = vec!["decode", &self.model];
        arguments.extend(options.iter().flat_map(|(name, value)| [*name, *value]));
        run(&arguments)
    }

    /// An array of a run of some layers, which begins with the state `h0`.
    fn layers(&self, layers: &str, npz: Npz, name: &str) -> Vec<f32> {
        let (input, output) = (self.folder.put("step.npz", &npz.bytes()), self.folder.path("stepped.npz"));
        let options = ["run", &self.model, "--layers", layers, "--batch-first", "--input", &input, "--output", &output];
        run(&options).done(layers);
        array(&output, name).expect(name).values.iter().map(|value| *value as f32).collect()
    }

    /// The same, by a process a symbol.
    fn by_runs(&self, word: &[i64], start: i64, stop: i64, most: usize) -> Vec<i64> {
        let letters = Npz::new().with_ids("x", &[1, word.len() as u64], word);
        let mut state = self.layers(ENCODER, letters, "h_n");
        let (mut said, mut last) = (Vec::new(), start);
        while said.len() < most {
            let step = || Npz::new().with_ids("x", &[1, 1], &[last]).with("h0", &[1, 1, 4], &state);
            let scores = self.layers(DECODER, step(), "y");
            state = self.layers(DECODER, step(), "h_n");
            let best = (0..SOUNDS).max_by(|a, b| scores[*a].total_cmp(&scores[*b])).expect("sounds");
            last = best as i64;
            if last == stop {
                break;
            }
            said.push(last);
        }
        said
    }
}

#[test]
fn symbols_are_those_of_a_loop_of_runs() {
    let place = Place::new();
    let most = 7;
    let expected = [[1, 2, 3, 4].as_slice(), &[4, 0]].map(|word| place.by_runs(word, 0, 5, most));
    // One that ends, or one that does not, would be half a test: so every symbol has its turn to be the end.
    let mut lengths_seen = Vec::new();
    for stop in 0..SOUNDS as i64 {
        let line = place.decode(&words().bytes(), &[("--stop", &stop.to_string())]).done("decode");
        assert!(line.contains("2 sequences, "), "{line:?}");
        let said = place.folder.path("said.npz");
        let (y, lengths) = (array(&said, "y").expect("y"), array(&said, "lengths").expect("lengths"));
        let width = y.shape[1];
        for (row, free) in expected.iter().enumerate() {
            // Without an end among them, the first seven are the same for any.
            let free = if free.len() == most {
                free.clone()
            } else {
                place.by_runs([&[1, 2, 3, 4][..], &[4, 0]][row], 0, -1, most)
            };
            let until: Vec<i64> = free.iter().copied().take_while(|symbol| *symbol != stop).collect();
            let padded = until.iter().copied().chain(std::iter::repeat(-1)).take(width).map(|symbol| symbol as f64);
            assert_eq!(lengths.values[row], until.len() as f64, "stop {stop}, sequence {row}");
            assert!(padded.eq(y.values[row * width..][..width].iter().copied()), "stop {stop}, sequence {row}: {y:?}");
            lengths_seen.push(until.len());
        }
    }
    assert!(lengths_seen.contains(&most) && lengths_seen.iter().any(|length| *length < most), "{lengths_seen:?}");
}

#[test]
fn a_word_alone_says_what_it_says_in_a_batch() {
    let place = Place::new();
    place.decode(&words().bytes(), &[]).done("a batch");
    let said = place.folder.path("said.npz");
    let (y, lengths) = (array(&said, "y").expect("y"), array(&said, "lengths").expect("lengths"));
    place.decode(&Npz::new().with_ids("x", &[1, 4], &[1, 2, 3, 4]).bytes(), &[]).done("alone");
    let alone = array(&said, "y").expect("y");
    let count = lengths.values[0] as usize;
    assert_eq!(alone.values[..count], y.values[..count]);
    assert_eq!(array(&said, "lengths").expect("lengths").values, [count as f64]);
}

#[test]
fn networks_and_words_that_do_not_fit_are_refused() {
    let place = Place::new();
    let good = words().bytes();
    let ids = |ids: &[i64]| Npz::new().with_ids("x", &[1, ids.len() as u64], ids).bytes();
    let keras = fixture("keras_13_embed_mask", "model.keras");
    let floats = Npz::new().with("x", &[1, 2, 3], &[0.5; 6]).bytes();
    for (what, words, changes, says) in [
        (
            "an encoder of features",
            &good,
            &[("--encoder", "gru:encoder")][..],
            "--encoder: expected ids, found 3 features",
        ),
        (
            "a decoder of features",
            &good,
            &[("--decoder", "gru:decoder, dense:head")],
            "--decoder: expected ids, found 3 features",
        ),
        ("other states", &good, &[("--decoder", "embedding:sounds, gru:larger"), ("--stop", "4")], "expected the same"),
        ("another cell", &good, &[("--decoder", "embedding:sounds, lstm:lstm, dense:head")], "expected the same"),
        (
            "more scores than sounds",
            &good,
            &[("--decoder", "embedding:sounds, gru:decoder, dense:wide")],
            "7 scores, but ids below 6 are taken",
        ),
        (
            "a decoder of whole sequences",
            &good,
            &[("--decoder", "embedding:sounds, gru:decoder last, dense:head")],
            "feed whole sequences",
        ),
        (
            "a tensor that is not there",
            &good,
            &[("--encoder", "embedding:words, gru:encoder")],
            "--encoder: tensor words.weight",
        ),
        ("a start that is no sound", &good, &[("--start", "6")], "--start: symbol 6: expected 0 to 5"),
        ("a stop that is no sound", &good, &[("--stop", "6")], "--stop: symbol 6: expected 0 to 5"),
        ("a letter that is none", &ids(&[1, 5]), &[], "words.npz: array x: id 5 at [0, 1]: expected 0 to 4"),
        ("a negative letter", &ids(&[-1, 2]), &[], "words.npz: array x: id -1 at [0, 0]: expected 0 to 4"),
        ("no letters", &ids(&[]), &[], "words.npz: array x has T = 0"),
        ("features", &floats, &[], "words.npz: array x has shape [1, 2, 3], expected two axes (B, T)"),
        ("no x", &Npz::new().bytes(), &[], "words.npz: no array x"),
        ("half a file", &good[..40].to_vec(), &[], "words.npz: "),
        ("no folder", &good, &[("--output", "/no/such/said.npz")], "cannot write"),
    ] {
        place.decode(words, changes).refused(what, &[says]);
        assert_eq!(place.folder.names(), ["speller.safetensors", "words.npz"], "{what}: what is left in the folder");
    }
    let other = Place { model: keras.clone(), ..place };
    other.decode(&good, &[]).refused("a Keras file", &[&keras, "not a readable safetensors file"]);
    assert_eq!(other.folder.names(), ["speller.safetensors", "words.npz"]);
}

#[test]
fn options_that_are_no_numbers_or_layers_are_refused() {
    let place = Place::new();
    for (changes, says) in [
        (("--encoder", "gru sideways"), ["--encoder", "unknown option sideways"]),
        (("--decoder", "speaker"), ["--decoder", "unknown layer \"speaker\""]),
        (("--start", "first"), ["--start", "first"]),
        (("--steps", "0"), ["--steps", "0"]),
        (("--isa", "sse9"), ["--isa", "sse9"]),
    ] {
        place.decode(&words().bytes(), &[changes]).misused(says[0], &says);
    }
    run(&["decode", &place.model]).misused("nothing said", &["--encoder", "--decoder", "--start", "--stop"]);
    assert_eq!(place.folder.names(), ["speller.safetensors", "words.npz"]);
}
