//! Files that are cut, damaged or made to harm: an error or a model within a moment, never a panic.

use std::path::Path;
use std::time::{Duration, Instant};

use gatewise::Error;
use gatewise::load::json;

use crate::refused;

/// A small file of each format.
const FILES: [&str; 4] = [
    r#"{"in_shape": [null, null, 1], "layers": [
        {"type": "gru", "activation": "tanh", "shape": [null, null, 1],
         "weights": [[[0.5, -0.5, 2.0]], [[0.1, 0.2, 0.3]], [[0, 0, 0], [0, 0, 0.5]]]},
        {"type": "dense", "activation": "", "shape": [null, null, 1], "weights": [[[4.0]], [0.25]]}],
        "in_skip": 1, "metadata": {"name": "\u00e9", "samplerate": "48000"}}"#,
    r#"{"lstm.weight_ih_l0": [[1], [2], [3], [4]], "lstm.weight_hh_l0": [[1], [2], [3], [4]],
        "lstm.bias_ih_l0": [1, 2, 3, 4], "lstm.bias_hh_l0": [1, 2, 3, 4], "dense.weight": [[0.5]], "dense.bias": [1]}"#,
    r#"{"model_data": {"model": "SimpleRNN", "input_size": 1, "skip": 1, "output_size": 1, "unit_type": "RNN",
        "num_layers": 1, "hidden_size": 1, "bias_fl": true}, "state_dict": {"rec.weight_ih_l0": [[1]],
        "rec.weight_hh_l0": [[0.5]], "rec.bias_ih_l0": [1], "rec.bias_hh_l0": [0], "lin.weight": [[2]],
        "lin.bias": [0]}}"#,
    r#"{"version": "0.5.4", "metadata": {"name": "a"}, "architecture": "LSTM", "config": {"input_size": 1,
        "hidden_size": 1, "num_layers": 1}, "weights": [1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 0.5, 0.25, 1, 0],
        "sample_rate": 48000}"#,
];

/// What a refusal may take: some milliseconds, and much more on a busy machine without optimisation.
const MOMENT: Duration = Duration::from_secs(5);

/// The error that a text is refused with, soon.
#[track_caller]
fn refused_soon(text: &str) -> String {
    let start = Instant::now();
    let error = refused(text);
    assert!(start.elapsed() < MOMENT, "{:?} for {}…", start.elapsed(), &text[..text.len().min(40)]);
    assert!(error.len() < 2000, "an error of {} bytes", error.len());
    error
}

#[test]
fn a_file_cut_anywhere_is_an_error() {
    for file in FILES {
        assert!(json::from_bytes(file.as_bytes()).is_ok(), "{:?}", json::from_bytes(file.as_bytes()).err());
        for length in 0..file.len() {
            let found = json::from_bytes(&file.as_bytes()[..length]);
            assert!(matches!(found, Err(Error::Format { format: "JSON", .. })), "cut to {length} bytes: {found:?}");
        }
    }
}

#[test]
fn a_file_with_any_byte_changed_is_read_or_refused_and_never_a_panic() {
    for file in FILES {
        for at in 0..file.len() {
            for flip in [0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff] {
                let mut broken = file.as_bytes().to_vec();
                broken[at] ^= flip;
                if let Ok(blueprint) = json::from_bytes(&broken) {
                    assert!(blueprint.flow().is_ok());
                }
            }
        }
    }
}

#[test]
fn nested_lists_and_objects_are_refused() {
    for depth in [9, 100, 127, 128, 100_000] {
        let lists = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        for text in [
            lists.clone(),
            format!("{{\"layers\": {lists}}}"),
            format!("{{\"in_shape\": {lists}, \"layers\": {lists}}}"),
            format!(
                "{{\"in_shape\": [1], \"layers\": [{{\"type\": \"lstm\", \"shape\": [1], \"weights\": {lists}}}]}}"
            ),
            format!("{{\"lstm.weight_ih_l0\": {lists}}}"),
            format!("{{\"model_data\": {lists}, \"state_dict\": {lists}}}"),
            format!("{{\"architecture\": \"LSTM\", \"config\": {lists}, \"weights\": {lists}}}"),
            "[".repeat(depth),
            "{\"layers\":".repeat(depth),
            format!("{{\"weights\": {}1{}}}", "[".repeat(depth), "]".repeat(depth)),
        ] {
            refused_soon(&text);
        }
    }
}

#[test]
fn numbers_that_are_none_or_too_large_are_refused_with_their_place() {
    let with = |number: &str| FILES[3].replace("0.25", number);
    for (number, expected) in [
        ("1e999", "number out of range"),
        ("-1e999", "number out of range"),
        ("1e39", "tensor weights holds inf at index 13"),
        ("-1e39", "tensor weights holds -inf at index 13"),
        ("NaN", "NaN and Infinity are no weights"),
        ("Infinity", "NaN and Infinity are no weights"),
        ("-Infinity", "NaN and Infinity are no weights"),
        ("nan", "NaN and Infinity are no weights"),
        ("\"0.25\"", "weights: expected numbers"),
        ("null", "weights: expected numbers"),
        ("[0.25]", "weights: expected numbers"),
        ("0x10", "expected `,` or `]`"),
        (".5", "expected value"),
        ("01", "invalid number"),
    ] {
        let error = refused_soon(&with(number));
        assert!(error.contains(expected), "{error:?} for {number}");
    }
    let digits = with(&format!("0.{}", "1".repeat(1_000_000)));
    assert!(json::from_bytes(digits.as_bytes()).is_ok());
}

#[test]
fn keys_that_stand_twice_are_refused() {
    for (from, to) in [
        ("\"version\"", "\"weights\": [], \"version\""),
        ("\"input_size\": 1", "\"input_size\": 1, \"input_size\": 2"),
        ("\"name\": \"a\"", "\"name\": \"a\", \"name\": \"b\""),
    ] {
        let error = refused_soon(&FILES[3].replace(from, to));
        assert!(error.contains("stands twice"), "{error}");
    }
}

#[test]
fn floods_are_refused_before_they_fill_the_memory() {
    let many = |element: &str| format!("[{}]", vec![element; 1_200_000].join(","));
    for element in ["{}", "null", "\"\"", "[1],[2,3]", "1,null", "[1],[[1]]"] {
        let text = format!("{{\"weights\": {}}}", many(element));
        assert!(refused_soon(&text).contains("no regular lists of numbers"), "{element}");
    }
    // Numbers are cheap until the last element shows that they are no list of numbers.
    let mixed = format!("{{\"weights\": {}}}", many("1").replace("1]", "null]"));
    assert!(refused_soon(&mixed).contains("no regular lists of numbers"));
    let keys: Vec<String> = (0..1_200_000).map(|key| format!("\"{key}\":1")).collect();
    assert!(refused_soon(&format!("{{{}}}", keys.join(","))).contains("no regular lists of numbers"));
    let long = "k".repeat(3_000_000);
    assert!(refused_soon(&format!("{{{long:?}: 1}}")).contains("a key of 3000000 bytes"));
    let text = format!("{{\"architecture\": {long:?}, \"version\": {long:?}}}");
    assert!(refused_soon(&text).contains("kkk"));
}

#[test]
fn texts_of_100_mb_are_refused_before_they_are_parsed() {
    const BYTES: usize = 100_000_000;
    for (element, last, expected) in [
        ("1,", "null", "50000003 values, expected at most 12500"),
        ("{},", "1", "66666669 values, expected at most 12500"),
        ("[0.1234],", "null", "22222225 values, expected at most 12500"),
        ("\\n,abcdefgh", "", "a text or a number of 100000001 bytes, expected at most 16777216"),
    ] {
        let quote = if last.is_empty() { "\"" } else { "" };
        let text = format!("{{\"weights\": [{quote}{}{last}{quote}]}}", element.repeat(BYTES / element.len()));
        let error = refused_soon(&text);
        assert!(error.contains(expected), "{error}");
    }
    // Many texts and long keys are kept one by one, up to 32 MiB.
    let text = format!("{{\"a\": [{}1]}}", format!("\"{}\",", "a".repeat(10_000_000)).repeat(4));
    assert!(refused_soon(&text).contains("no regular lists of numbers"));
    let keys: Vec<String> = (0..200_000).map(|key| format!("\"{key:0200}\":1")).collect();
    assert!(refused_soon(&format!("{{{}}}", keys.join(","))).contains("no regular lists of numbers"));
}

#[test]
fn a_million_weights_of_one_digit_are_read() {
    // 4·350·(1 + 350) + 6·350 values of the layer and 351 of the head.
    let (hidden, total) = (350, 4 * 350 * 351 + 6 * 350 + 351);
    let text = format!(
        "{{\"architecture\": \"LSTM\", \"config\": {{\"input_size\": 1, \"hidden_size\": {hidden}, \"num_layers\": 1}}, \
         \"weights\": [{}0]}}",
        "0,".repeat(total - 1)
    );
    assert!(json::from_bytes(text.as_bytes()).is_ok());
}

#[test]
fn many_modules_are_refused_soon() {
    let module = |at: usize| format!("\"m{at}.weight_ih_l0\": [[1]], \"m{at}.weight_hh_l0\": [[1]]");
    let modules = |count: usize| format!("{{{}}}", (0..count).map(module).collect::<Vec<_>>().join(", "));
    assert!(refused_soon(&modules(100_000)).contains("from 1 to 512 tensors"));
    let start = Instant::now();
    assert_eq!(json::from_bytes(modules(256).as_bytes()).unwrap().layers.len(), 256);
    assert!(start.elapsed() < 4 * MOMENT, "{:?}", start.elapsed());
}

#[test]
fn json_that_is_no_model_says_what_was_looked_for() {
    let error = refused_soon("{\"bn.weight\": [1], \"eps\": 1e-5}");
    for expected in ["RTNeural", "GuitarML", "Neural Amp Modeler", "lstm.weight_ih_l0", "\"bn.weight\", \"eps\""] {
        assert!(error.contains(expected), "{error}");
    }
    for text in ["[]", "3", "null", "\"layers\"", "{}"] {
        assert!(refused_soon(text).contains("the file's keys: none"), "{text}");
    }
    assert!(refused_soon("{} {}").contains("trailing characters"));
    assert!(refused_soon("").contains("EOF"));
}

#[test]
fn files_that_cannot_be_read_are_named() {
    for path in ["/no/such/file.nam", env!("CARGO_MANIFEST_DIR"), "/dev/zero"] {
        if path.starts_with("/dev") && !Path::new(path).exists() {
            continue;
        }
        let error = json::read(path).expect_err("nothing to read");
        assert!(matches!(&error, Error::File { error, .. } if matches!(**error, Error::Io { .. })), "{error}");
        assert!(error.to_string().contains(path), "{error}");
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let error = json::read(path).expect_err("no JSON").to_string();
    assert!(error.contains("Cargo.toml: not a readable JSON file: expected value at line 1"), "{error}");
}
