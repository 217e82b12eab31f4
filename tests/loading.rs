//! What loading costs: memory near the weights and the packed weights, and of hostile files nearly nothing.
#![cfg(feature = "safetensors")]

use std::alloc::System;
use std::fs;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use gatewise::Error;
use gatewise::load::Cell;
use gatewise::load::safetensors::{SafetensorsFile, read_model};
use safetensors::tensor::{Dtype, TensorView, serialize};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static GLOBAL: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// What is allocated is counted for the whole process, so that one test runs at a time.
fn alone() -> MutexGuard<'static, ()> {
    static RUNNING: Mutex<()> = Mutex::new(());
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Calls `f`; what it returned, how many bytes it has asked for altogether, and how long it took.
fn counted<T>(f: impl FnOnce() -> T) -> (T, usize, Duration) {
    let region = Region::new(GLOBAL);
    let start = Instant::now();
    let result = f();
    let took = start.elapsed();
    (result, region.change().bytes_allocated, took)
}

const INPUT: usize = 300;
const HIDDEN: usize = 700;
const ROWS: usize = 4 * HIDDEN;

/// An LSTM's file, its values small exact fractions.
fn lstm(dtype: Dtype, bytes: impl Fn(f32) -> Vec<u8>) -> Vec<u8> {
    let tensors: [(&str, &[usize]); 4] = [
        ("weight_ih_l0", &[ROWS, INPUT]),
        ("weight_hh_l0", &[ROWS, HIDDEN]),
        ("bias_ih_l0", &[ROWS]),
        ("bias_hh_l0", &[ROWS]),
    ];
    let value = |index: usize| (index % 251) as f32 / 1024.0;
    let data = tensors.map(|(_, shape)| (0..shape.iter().product()).flat_map(|n| bytes(value(n))).collect::<Vec<u8>>());
    let views = tensors.iter().zip(&data).map(|((name, shape), data)| {
        (*name, TensorView::new(dtype, shape.to_vec(), data).expect("a consistent tensor"))
    });
    serialize(views, None).expect("a safetensors file")
}

#[test]
fn a_model_is_loaded_in_the_memory_of_its_weights_and_its_packed_weights() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let weights = size_of::<f32>() * ROWS * (INPUT + HIDDEN);
    for (what, bytes) in [
        ("f32", lstm(Dtype::F32, |value| value.to_le_bytes().to_vec())),
        ("f16", lstm(Dtype::F16, |value| half::f16::from_f32(value).to_le_bytes().to_vec())),
        ("f64", lstm(Dtype::F64, |value| f64::from(value).to_le_bytes().to_vec())),
    ] {
        fs::write(&path, bytes).unwrap();
        let (model, allocated, _) = counted(|| read_model(&path, None, Cell::Lstm).unwrap());
        let needed = weights + model.packed_bytes();
        assert!(allocated < needed + needed / 20, "{what}: {allocated} bytes for {needed}");
    }
}

/// A file of `header` and `data` bytes of values.
fn with_header(header: &[u8], data: usize) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes()[..], header, &vec![0; data]].concat()
}

#[test]
fn hostile_headers_cost_a_moment_and_less_than_200_mb() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let millions = |part: &str, count: usize| part.repeat(count).into_bytes();
    let entry = |shape: &str| {
        format!("{{\"a\":{{\"dtype\":\"F32\",\"data_offsets\":[0,4],\"shape\":[{shape}]}}}}").into_bytes()
    };
    let overflow = "4294967296,4294967296,4294967296";
    for (what, bytes) in [
        ("a length of 2^64 − 1", [&[0xff; 8][..], b"{}"].concat()),
        ("a length beyond the file", [&1000u64.to_le_bytes()[..], b"{}"].concat()),
        ("100 MB of spaces", with_header(&millions(" ", 100_000_000), 0)),
        ("16 MB of spaces", with_header(&millions(" ", 16_000_000), 0)),
        ("16 MB of nested lists", with_header(&millions("[", 16_000_000), 0)),
        ("16 MB of nested objects", with_header(&millions("{\"a\":", 3_200_000), 0)),
        ("8 million axes", with_header(&entry(&"1,".repeat(8_000_000)), 4)),
        ("2 million tensors of nothing", with_header(&millions("{\"a\":{},", 2_000_000), 0)),
        ("a million lists in a tensor", with_header(&entry(&"[],".repeat(1_000_000)), 4)),
        ("a shape that overflows", with_header(&entry(overflow), 4)),
        ("a shape of other bytes", with_header(&entry("2"), 4)),
        ("values beyond the file", with_header(&entry("1"), 3)),
        ("more than the header speaks of", with_header(&entry("1"), 5)),
    ] {
        fs::write(&path, bytes).unwrap();
        let (result, allocated, took) = counted(|| SafetensorsFile::read(&path).map(|_| ()));
        let Err(Error::File { error, .. }) = result else { panic!("{what}: {result:?}") };
        assert!(matches!(*error, Error::Format { .. }), "{what}: {error:?}");
        assert!(allocated < 200_000_000, "{what}: {allocated} bytes");
        // A tenth of a second on a free machine.
        assert!(took < Duration::from_secs(5), "{what}: {took:?}");
    }
}

#[test]
fn tensors_that_overlap_or_leave_gaps_are_refused() {
    let _alone = alone();
    let tensor = |name: &str, from: usize, to: usize| {
        format!("\"{name}\":{{\"dtype\":\"F32\",\"shape\":[{}],\"data_offsets\":[{from},{to}]}}", (to - from) / 4)
    };
    for (what, tensors) in [
        ("an overlap", [tensor("a", 0, 8), tensor("b", 4, 12)]),
        ("twice the same", [tensor("a", 0, 12), tensor("b", 0, 12)]),
        ("a gap", [tensor("a", 0, 4), tensor("b", 8, 12)]),
    ] {
        let file = with_header(format!("{{{}}}", tensors.join(",")).as_bytes(), 12);
        let result = SafetensorsFile::from_bytes(file).map(|_| ());
        assert!(matches!(result, Err(Error::Format { .. })), "{what}: {result:?}");
    }
}

#[test]
fn a_file_that_shrinks_while_it_is_open_is_an_error() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let bytes = lstm(Dtype::F32, |value| value.to_le_bytes().to_vec());
    fs::write(&path, &bytes).unwrap();
    let file = SafetensorsFile::read(&path).unwrap();
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(bytes.len() as u64 / 2).unwrap();
    let error = file.model(None, Cell::Lstm).map(|_| ()).unwrap_err();
    assert!(matches!(&error, Error::Io { reason } if reason.contains("tensor weight_")), "{error:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_pipe_is_read_to_its_end() {
    use std::io::Write;
    use std::os::fd::AsRawFd;

    let _alone = alone();
    let bytes = lstm(Dtype::F32, |value| value.to_le_bytes().to_vec());
    let from_memory = SafetensorsFile::from_bytes(bytes.clone()).unwrap().layer(None, 4).unwrap();
    for (cut, says) in [(0, None), (1, Some("the file holds"))] {
        let (reader, mut writer) = std::io::pipe().unwrap();
        let path = format!("/proc/self/fd/{}", reader.as_raw_fd());
        let result = std::thread::scope(|scope| {
            let part = &bytes[..bytes.len() - cut];
            scope.spawn(move || writer.write_all(part).unwrap());
            SafetensorsFile::read(path)
        });
        match (result, says) {
            (Ok(file), None) => assert_eq!(file.layer(None, 4).unwrap(), from_memory),
            (Err(error), Some(says)) => assert!(error.to_string().contains(says), "{error}"),
            (result, _) => panic!("cut by {cut}: {:?}", result.map(|file| file.tensors())),
        }
    }
}

#[test]
fn an_open_file_is_read_by_several_threads_at_once() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let bytes = lstm(Dtype::F16, |value| half::f16::from_f32(value).to_le_bytes().to_vec());
    fs::write(&path, &bytes).unwrap();
    let expected = SafetensorsFile::from_bytes(bytes).unwrap().layer(None, 4).unwrap();
    let file = SafetensorsFile::read(&path).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(file.layer(None, 4).unwrap(), expected));
        }
    });
    let model = file.model(None, Cell::Lstm).unwrap().build().unwrap();
    assert_eq!((model.input_size(), model.hidden_size()), (INPUT, HIDDEN));
}

#[cfg(feature = "json")]
#[test]
fn hostile_json_of_100_mb_costs_less_than_200_mb() {
    use gatewise::load::json;

    const BYTES: usize = 100_000_000;
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.nam");
    let many = |element: &str| element.repeat(BYTES / element.len());
    let keys = |width: usize| (0..BYTES / (width + 5)).map(|key| format!("\"{key:0width$}\":1,")).collect::<String>();
    for (what, text) in [
        ("numbers of one digit, then null", format!("[{}null]", many("1,"))),
        ("numbers of six digits, then null", format!("[{}null]", many("0.123456,"))),
        ("keys", format!("{{{}\"\":1}}", keys(8))),
        ("long keys", format!("{{{}\"\":1}}", keys(120))),
        ("objects", format!("[{}1]", many("{\"a\":{}},"))),
        ("a long text", format!("[\"{}\"]", many("\\n"))),
        ("a long number", format!("[0.{}]", many("1"))),
        ("nested lists", many("[")),
    ] {
        fs::write(&path, text).unwrap();
        let (result, allocated, _) = counted(|| json::read(&path).map(|_| ()));
        let Err(Error::File { error, .. }) = result else { panic!("{what}: {result:?}") };
        assert!(matches!(*error, Error::Format { .. }), "{what}: {error:?}");
        assert!(allocated < 200_000_000, "{what}: {allocated} bytes");
    }
}
