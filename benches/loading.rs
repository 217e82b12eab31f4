//! How long does it take to load and pack a large model, beside reading its file alone?

use std::fs;
use std::hint::black_box;
use std::path::Path;

use gatewise::load::Cell;
use gatewise::load::safetensors::{SafetensorsFile, read_model};
use gatewise::{LstmWeights, measure};
use half::f16;
use safetensors::tensor::{Dtype, TensorView, serialize};

/// Times that each task is measured.
const ROUNDS: usize = 5;

/// Writes the file of an LSTM with I = H.
fn write(path: &Path, hidden: usize, dtype: Dtype) {
    let rows = 4 * hidden;
    let shapes: [(&str, &[usize]); 4] = [
        ("weight_ih_l0", &[rows, hidden]),
        ("weight_hh_l0", &[rows, hidden]),
        ("bias_ih_l0", &[rows]),
        ("bias_hh_l0", &[rows]),
    ];
    let data = shapes.map(|(_, shape)| match dtype {
        Dtype::F16 => (0..shape.iter().product()).flat_map(|n| f16::from_f32(value(n)).to_le_bytes()).collect(),
        _ => (0..shape.iter().product()).flat_map(|n| value(n).to_le_bytes()).collect::<Vec<u8>>(),
    });
    let views = shapes.iter().zip(&data).map(|((name, shape), data)| {
        (*name, TensorView::new(dtype, shape.to_vec(), data).expect("a consistent tensor"))
    });
    let file = serialize(views, None).expect("a safetensors file");
    fs::write(path, file).expect("a file in the temporary folder");
}

/// Small fractions that are exact in f16.
fn value(index: usize) -> f32 {
    (index % 251) as f32 / 1024.0
}

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    println!("file                 reading alone        loading and packing   ratio");
    // About 100 MB each; with `--test` both are small, and loaded once.
    let smoke = std::env::args().any(|argument| argument == "--test");
    let (sizes, rounds) = if smoke { ([64, 64], 1) } else { ([1768, 2500], ROUNDS) };
    for (hidden, dtype) in sizes.into_iter().zip([Dtype::F32, Dtype::F16]) {
        let path = folder.path().join("model.safetensors");
        write(&path, hidden, dtype);
        check(&path, hidden);
        let megabytes = fs::metadata(&path).expect("the file").len() as f64 / 1e6;
        let times = measure::in_turn(
            rounds,
            &mut [&mut || drop(black_box(fs::read(&path).expect("the file"))), &mut || {
                drop(black_box(read_model(&path, None, Cell::Lstm).expect("the model")))
            }],
        );
        let shown: Vec<String> =
            times.iter().map(|time| format!("{:5.0} ms {:5.0} MB/s", time / 1e6, megabytes / time * 1e9)).collect();
        let ratio = times.last().copied().unwrap_or_default() / times.first().copied().unwrap_or_default();
        println!("{dtype:?} H={hidden} {megabytes:4.0} MB {:>22} {:>22} {ratio:6.1}", shown[0], shown[1]);
    }
}

/// The file holds what was written.
fn check(path: &Path, hidden: usize) {
    let tensors = SafetensorsFile::read(path).and_then(|file| file.layer(None, 4)).expect("the weights");
    let weights: LstmWeights = tensors.into_lstm().expect("the weights");
    assert_eq!(weights.hidden_size(), hidden);
    for (index, found) in weights.weight_hh().iter().enumerate() {
        assert_eq!(*found, value(index), "weight_hh, index {index}");
    }
    for (index, found) in weights.bias().iter().enumerate() {
        assert_eq!(*found, 2.0 * value(index), "bias, index {index}");
    }
}
