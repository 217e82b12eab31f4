//! Files that are broken or hostile: an error within a second, never a panic.

use std::panic::catch_unwind;
use std::time::{Duration, Instant};

use gatewise::load::keras::read_weights;
use hdf5_pure::{Datatype, make_f32_type};
use serde_json::{Value, json};

use super::common::fixture;
use super::draft::{Draft, archive, hdf5, message, read};

/// Reads bytes, and says whether that was an error; never a panic, and not for long.
#[track_caller]
fn survives(bytes: &[u8], what: impl Fn() -> String) -> bool {
    let begun = Instant::now();
    let read = catch_unwind(|| read(bytes));
    // A debug build on a busy machine: a second's work may take some more.
    assert!(begun.elapsed() < Duration::from_secs(10), "{}: {:?}", what(), begun.elapsed());
    read.unwrap_or_else(|_| panic!("{}: a panic", what())).is_err()
}

fn bytes_of(file: &str) -> Vec<u8> {
    std::fs::read(fixture(file)).unwrap()
}

const FILES: [&str; 3] =
    ["keras_08_rnn_relu/model.keras", "keras_extra_legacy_sequential/model.h5", "keras_extra_two_h5/model.h5"];

#[test]
fn files_that_are_cut_short_are_errors() {
    for file in FILES {
        let bytes = bytes_of(file);
        for length in (0..bytes.len()).step_by(bytes.len() / 61) {
            assert!(survives(&bytes[..length], || format!("{file}, {length} bytes")), "{file}, {length} bytes: read");
        }
    }
}

#[test]
fn files_with_a_flipped_bit_are_read_or_refused() {
    for file in FILES {
        let bytes = bytes_of(file);
        // An odd stride: every bit's turn comes.
        flip(file, &bytes, (0..8 * bytes.len()).step_by(101));
    }
}

/// As above, every bit: minutes to an hour.
#[test]
#[ignore = "every bit of three files"]
fn files_with_any_flipped_bit_are_read_or_refused() {
    for file in FILES {
        let bytes = bytes_of(file);
        flip(file, &bytes, 0..8 * bytes.len());
    }
}

fn flip(file: &str, bytes: &[u8], bits: impl Iterator<Item = usize>) {
    for bit in bits {
        let mut broken = bytes.to_vec();
        broken[bit / 8] ^= 1 << (bit % 8);
        survives(&broken, || format!("{file}, bit {bit}"));
    }
}

#[test]
fn weights_with_flipped_bytes_behind_an_intact_archive_are_read_or_refused() {
    let draft = Draft::of("keras_00_lstm_last");
    for at in (0..draft.weights.len()).step_by(131) {
        let mut broken = draft.clone();
        broken.weights[at] ^= 0xff;
        let read = catch_unwind(|| _ = broken.read());
        assert!(read.is_ok(), "byte {at}: a panic");
    }
}

/// The weights of `keras_00_lstm_last` with other sizes for its kernel, 7 × 44.
fn resized(rows: u64, columns: u64) -> String {
    let mut draft = Draft::of("keras_00_lstm_last");
    let sizes = |rows: u64, columns: u64| [rows.to_le_bytes(), columns.to_le_bytes()].concat();
    let (old, new) = (sizes(7, 44), sizes(rows, columns));
    let places: Vec<usize> = (0..draft.weights.len() - 16).filter(|at| draft.weights[*at..*at + 16] == old).collect();
    assert!(!places.is_empty(), "the file has changed");
    for at in places {
        draft.weights[at..at + 16].copy_from_slice(&new);
    }
    draft.message()
}

#[test]
fn shapes_that_the_file_cannot_hold_are_refused_before_reading() {
    for rows in [1 << 60, u64::MAX, 1 << 40, 1 << 22] {
        let found = resized(rows, 44);
        assert!(found.contains("more than a file of this size can mean"), "{rows}: {found}");
    }
    let found = resized(8, 44);
    assert!(found.contains("not a readable HDF5 file: tensor layers/lstm/cell/vars/0"), "{found}");
}

#[test]
fn groups_that_contain_themselves_end() {
    for file in ["deep.weights.h5", "wide.weights.h5"] {
        let begun = Instant::now();
        let outline = "lstm".parse().unwrap();
        let found = message(read_weights(fixture("keras_cycles").join(file), &outline));
        assert!(found.contains("groups without end"), "{file}: {found}");
        assert!(begun.elapsed() < Duration::from_secs(10), "{file}: {:?}", begun.elapsed());
    }
}

#[test]
fn types_within_types_are_refused() {
    let build = || {
        let mut deep = make_f32_type();
        for _ in 0..8000 {
            let base_type = Box::new(deep);
            deep = Datatype::VariableLength { is_string: false, padding: None, charset: None, base_type };
        }
        hdf5("layers/lstm/cell/vars", &mut |vars| {
            for name in ["0", "1", "2"] {
                vars.create_dataset(name).with_raw_data(deep.clone(), vec![0; 16], 1);
            }
        })
    };
    // The builder is as deep as the reader.
    let weights = std::thread::Builder::new().stack_size(1 << 30).spawn(build).unwrap().join().unwrap();
    let found = Draft { weights, ..Draft::of("keras_00_lstm_last") }.message();
    assert!(found.contains("no floating-point numbers"), "{found}");
}

#[test]
fn configurations_that_are_no_configuration_are_refused() {
    let plain = Draft::of("keras_00_lstm_last");
    let with = |config: &str| {
        let metadata = plain.metadata.as_bytes();
        let members =
            [("config.json", config.as_bytes()), ("metadata.json", metadata), ("model.weights.h5", &plain.weights)];
        message(read(&archive(&members)))
    };
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(with(&nested(100)).contains("has no config"), "{}", with(&nested(100)));
    assert!(with(&nested(100_000)).contains("recursion limit"), "{}", with(&nested(100_000)));
    assert!(with(&"[0,".repeat(100)).contains("config.json"), "{}", with("["));
    let long = format!("[{}0]", "0,".repeat(5 << 20));
    assert!(with(&long).contains("config.json grows to more than"), "{}", with(&long));
    // Below the limit, and still many times as much in memory.
    let many = format!("[{}0]", "{},".repeat(1 << 20));
    assert!(with(&many).contains("has no config"), "{}", with(&many));
    for (place, value) in [
        ("/config", json!([])),
        ("/config/layers", json!({})),
        ("/config/layers/1", json!(1)),
        ("/config/layers/1/config", Value::Null),
        ("/config/layers/1/class_name", json!(["LSTM"])),
        ("/class_name", Value::Null),
    ] {
        assert!(plain.clone().with(place, value).read().is_err(), "{place}");
    }
}

#[test]
fn archives_that_grow_without_measure_are_refused() {
    let plain = Draft::of("keras_00_lstm_last");
    let config = serde_json::to_vec(&plain.config).unwrap();
    let bomb = vec![0; 200 << 20];
    let members =
        [("config.json", &config[..]), ("metadata.json", plain.metadata.as_bytes()), ("model.weights.h5", &bomb)];
    let file = archive(&members);
    let begun = Instant::now();
    let found = message(read(&file));
    assert!(found.contains("model.weights.h5 grows to more than"), "{found}");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}
