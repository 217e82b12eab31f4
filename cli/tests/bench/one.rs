//! `gatewise bench` as a process: one line of JSON with the fields of the case, and values that are refused.

use crate::common::{gatewise, levels, ran, run};
use gatewise::Level;
use serde_json::Value;

/// The line of a bench, checked to be one object with exactly the fields that are promised.
#[track_caller]
fn measured(options: &[&str]) -> Value {
    let what = options.join(" ");
    let page = run(&[&["bench", "--json"], options].concat()).done(&what);
    assert!(page.ends_with('\n') && page.lines().count() == 1, "{what}: one line in {page:?}");
    let line: Value = serde_json::from_str(&page).unwrap_or_else(|error| panic!("{what}: {error} in {page:?}"));
    let fields = [
        "case",
        "cell",
        "T",
        "B",
        "I",
        "H",
        "L",
        "bidirectional",
        "isa",
        "threads",
        "median_us",
        "min_us",
        "calls",
        "gflops",
        "fma_peak_gflops",
    ];
    let object = line.as_object().unwrap_or_else(|| panic!("{what}: an object in {page:?}"));
    for field in fields {
        assert!(object.contains_key(field), "{what}: no {field} in {page:?}");
    }
    assert_eq!(object.len(), fields.len(), "{what}: fields of {page:?}");

    let number = |field: &str| line[field].as_f64().unwrap_or_else(|| panic!("{what}: no number {field} in {page:?}"));
    let [median, least, calls] = ["median_us", "min_us", "calls"].map(number);
    assert!(0.0 < least && least <= median, "{what}: {least} µs least, {median} µs median");
    assert!(calls >= 15.0, "{what}: {calls} calls");
    // All calls took 0.3 s together, so not every one of them can have been shorter than its share.
    assert!(calls * least <= 0.3e6 + 2.0 * median * 15.0, "{what}: {calls} calls of {least} µs");
    // Whatever share it is, the products alone cannot beat a loop that does nothing else. (The machine may drift.)
    let [gflops, peak] = ["gflops", "fma_peak_gflops"].map(number);
    assert!(0.0 < gflops && gflops < 1.5 * peak, "{what}: {gflops} of {peak} GFLOP/s");
    line
}

/// Operations of the products of a call, by the speed and the time that the line gives.
fn operations(line: &Value) -> f64 {
    line["gflops"].as_f64().unwrap() * line["median_us"].as_f64().unwrap() * 1e3
}

#[track_caller]
fn assert_operations(line: &Value, expected: f64) {
    // Both numbers have three decimals.
    let found = operations(line);
    assert!((found / expected - 1.0).abs() < 1e-2, "{found} operations for {expected} in {line}");
}

#[test]
fn the_line_names_the_case_and_counts_the_products() {
    let options = ["--cell", "lstm", "--steps", "20", "--batch", "4", "--input", "24", "--hidden", "32"];
    let line = measured(&options);
    for (field, expected) in [("T", 20), ("B", 4), ("I", 24), ("H", 32), ("L", 1), ("threads", 1)] {
        assert_eq!(line[field], expected, "{field} in {line}");
    }
    assert_eq!((&line["cell"], &line["bidirectional"]), (&Value::from("lstm"), &Value::from(false)));
    assert_eq!(line["case"], "lstm_T20_B4_I24_H32");
    assert_eq!(line["isa"], Level::best().name());
    assert_operations(&line, (8 * 32 * (24 + 32) * 20 * 4) as f64);
}

#[test]
fn layers_directions_and_threads_are_those_of_the_options() {
    let options =
        ["--cell", "gru", "--steps", "12", "--batch", "2", "--hidden", "16", "--layers", "2", "--bidirectional"];
    let line = measured(&[&options[..], &["--threads", "2"]].concat());
    for (field, expected) in [("T", 12), ("B", 2), ("I", 16), ("H", 16), ("L", 2), ("threads", 2)] {
        assert_eq!(line[field], expected, "{field} in {line}");
    }
    assert_eq!((&line["cell"], &line["bidirectional"]), (&Value::from("gru"), &Value::from(true)));
    assert_eq!(line["case"], "gru_T12_B2_I16_H16_L2_bidirectional");
    // The second layer reads both directions of the first.
    assert_operations(&line, (6 * 16 * 2 * ((16 + 16) + (32 + 16)) * 12 * 2) as f64);
}

#[test]
fn streamed_steps_are_timed_by_the_sequence() {
    let line = measured(&["--cell", "rnn", "--steps", "300", "--input", "3", "--hidden", "16", "--stream"]);
    assert_eq!(line["case"], "rnn_T300_B1_I3_H16_stream");
    assert_operations(&line, (2 * 16 * (3 + 16) * 300) as f64);
    let relu = ["--cell", "rnn", "--nonlinearity", "relu", "--steps", "9", "--hidden", "8", "--stream", "--batch", "2"];
    assert_eq!(measured(&relu)["case"], "rnn_relu_T9_B2_I8_H8_stream");
}

#[test]
fn learning_is_timed_with_three_times_the_products() {
    let line =
        measured(&["--cell", "gru", "--steps", "20", "--batch", "3", "--hidden", "16", "--train", "--threads", "2"]);
    assert_eq!(line["case"], "gru_T20_B3_I16_H16_train");
    assert_operations(&line, (3 * 6 * 16 * (16 + 16) * 20 * 3) as f64);
}

#[test]
fn every_level_can_be_asked_for() {
    for level in levels() {
        let line = measured(&["--steps", "5", "--hidden", "8", "--isa", level.name()]);
        assert_eq!(line["isa"], level.name());
        let page = ran(gatewise().args(["bench", "--steps", "5", "--hidden", "8"]).env(Level::VARIABLE, level.name()));
        let page = page.done(level.name());
        assert_eq!(page.lines().count(), 2, "{level}: two lines in {page:?}");
        for part in [&format!("lstm_T5_B1_I8_H8, {level}, 1 thread: "), " a call, ", " GFLOP/s, ", " % of the "] {
            assert!(page.contains(part), "{level}: no {part:?} in {page:?}");
        }
    }
}

#[test]
fn values_that_make_no_case_are_refused() {
    for (options, says) in [
        (&["--steps", "0"][..], &["--steps", "0"][..]),
        (&["--batch", "0"], &["--batch", "0"]),
        (&["--input", "0"], &["--input", "0"]),
        (&["--hidden", "0"], &["--hidden", "0"]),
        (&["--layers", "0"], &["--layers", "0"]),
        (&["--threads", "0"], &["--threads", "0"]),
        (&["--hidden", "-1"], &["-1"]),
        (&["--hidden", "many"], &["--hidden", "many"]),
        (&["--hidden", "99999999999999999999"], &["--hidden"]),
        (&["--cell", "cnn"], &["cnn", "lstm, gru, rnn"]),
        (&["--isa", "sse9"], &["--isa", "sse9", "avx512, avx2 or portable"]),
        (&["--stream", "--bidirectional"], &["--stream", "--bidirectional"]),
    ] {
        run(&[&["bench", "--json"], options].concat()).misused(&options.join(" "), says);
    }
    for (options, says) in [
        (&["--stream", "--threads", "2"][..], &["--threads 2", "--stream", "one thread"][..]),
        (&["--cell", "gru", "--nonlinearity", "relu"], &["--nonlinearity relu", "--cell rnn", "gru"]),
        (&["--hidden", "1000000"], &["8000200000000 values", "4 GiB"]),
        (&["--steps", "10000000", "--batch", "10000000"], &["values", "4 GiB"]),
    ] {
        run(&[&["bench", "--json"], options].concat()).refused(&options.join(" "), says);
    }
    let found = ran(gatewise().args(["bench", "--json"]).env(Level::VARIABLE, "sse9"));
    found.refused("sse9", &[Level::VARIABLE, "\"sse9\"", "expected avx512, avx2 or portable"]);
}
