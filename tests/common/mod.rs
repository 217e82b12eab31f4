//! What the tests share: seeded data, the reference's answer, the levels of this machine, fixtures.
#![allow(dead_code, reason = "each test file uses a part of it")]

pub mod blueprints;
pub mod cells;
pub mod jobs;
pub mod network_jobs;
pub mod networks;
pub mod npz;
pub mod variants;

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use gatewise::{Level, LstmWeights};
use gatewise_reference as reference;
use npz::NpzArchive;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// The levels that this machine has; the others are named, never silently green.
pub fn levels() -> Vec<Level> {
    for level in Level::ALL.into_iter().filter(|level| !level.is_available()) {
        eprintln!("SKIPPED: this machine has no {level}");
    }
    Level::available().collect()
}

/// The sizes of a test.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    pub steps: usize,
    pub batch: usize,
    pub input: usize,
    pub hidden: usize,
}

/// A layer's tensors in PyTorch's order, an input and a state to start from.
#[derive(Clone, Debug)]
pub struct Case {
    pub sizes: Sizes,
    pub weight_ih: Vec<f32>,
    pub weight_hh: Vec<f32>,
    pub bias: Vec<f32>,
    /// Time-major.
    pub x: Vec<f32>,
    pub h0: Vec<f32>,
    pub c0: Vec<f32>,
}

impl Case {
    /// Weights from `±scale`, everything else from ±1 (c0 from ±2).
    pub fn random(sizes: Sizes, scale: f32, seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let mut uniform = |count: usize, scale: f32| -> Vec<f32> {
            (0..count).map(|_| random.random_range(-scale..=scale)).collect()
        };
        let Sizes { steps, batch, input, hidden } = sizes;
        Case {
            sizes,
            weight_ih: uniform(4 * hidden * input, scale),
            weight_hh: uniform(4 * hidden * hidden, scale),
            bias: uniform(4 * hidden, scale),
            x: uniform(steps * batch * input, 1.0),
            h0: uniform(batch * hidden, 1.0),
            c0: uniform(batch * hidden, 2.0),
        }
    }

    pub fn weights(&self) -> LstmWeights {
        let Sizes { input, hidden, .. } = self.sizes;
        LstmWeights::new(input, hidden, &self.weight_ih, &self.weight_hh, &self.bias).unwrap()
    }

    /// The same by the scalar reference in f64, time-major.
    pub fn reference(&self) -> reference::Output<f64> {
        let Sizes { steps, batch, input, hidden } = self.sizes;
        let [weight_ih, weight_hh, bias] = [&self.weight_ih, &self.weight_hh, &self.bias].map(|v| wide(v));
        let weights = reference::PyTorchWeights {
            inputs: input,
            hidden,
            weight_ih: &weight_ih,
            weight_hh: &weight_hh,
            bias_ih: &bias,
            bias_hh: &[],
        };
        let cell = reference::Lstm::from_pytorch(&weights).unwrap();
        let sequence = reference::Sequence {
            layout: reference::Layout::TimeMajor,
            batch,
            steps,
            x: &wide(&self.x),
            h0: Some(&wide(&self.h0)),
            c0: Some(&wide(&self.c0)),
        };
        reference::forward(&cell, &sequence, &mut reference::NoTrace).unwrap()
    }
}

pub fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().copied().map(f64::from).collect()
}

/// Every value within `tolerance`; the message says where and what.
#[track_caller]
pub fn assert_close(found: &[f32], expected: &[f64], tolerance: f64, what: impl Fn() -> String) {
    assert_eq!(found.len(), expected.len(), "{}: length", what());
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        let error = (f64::from(*found) - expected).abs();
        assert!(error <= tolerance, "{}, index {index}: {found} for {expected}, {error:e} off", what());
    }
}

/// Every value within `relative` of the largest one's magnitude: gradients of one tensor are compared so, because small ones
/// are sums of large ones that cancel.
#[track_caller]
pub fn assert_near(found: &[f32], expected: &[f64], relative: f64, what: impl Fn() -> String) {
    let largest = expected.iter().fold(0.0f64, |largest, value| largest.max(value.abs()));
    assert_close(found, expected, relative * largest.max(1e-12), what);
}

/// The same bits everywhere.
#[track_caller]
pub fn assert_same_bits(found: &[f32], expected: &[f32], what: impl Fn() -> String) {
    assert_eq!(found.len(), expected.len(), "{}: length", what());
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert_eq!(found.to_bits(), expected.to_bits(), "{}, index {index}: {found:e} for {expected:e}", what());
    }
}

pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// An array of an npz file as f64 in its own order; `None` if there is none of that name.
pub fn array(path: &Path, name: &str) -> Option<Vec<f64>> {
    let mut archive = NpzArchive::new(BufReader::new(File::open(path).unwrap())).unwrap();
    let array = archive.by_name(name).unwrap()?;
    match array.try_data::<f64>() {
        Ok(values) => Some(values.map(Result::unwrap).collect()),
        Err(array) => match array.try_data::<f32>() {
            Ok(values) => Some(values.map(|value| f64::from(value.unwrap())).collect()),
            // Lengths.
            Err(array) => match array.try_data::<i64>() {
                Ok(values) => Some(values.map(|value| value.unwrap() as f64).collect()),
                Err(array) => Some(array.into_vec::<i32>().unwrap().into_iter().map(f64::from).collect()),
            },
        },
    }
}

/// A trained model's folder; `None`, said aloud, if it is not there.
pub fn folder(name: &str) -> Option<PathBuf> {
    let beside = || concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/models").to_owned();
    let folder = Path::new(&std::env::var("GATEWISE_MODELS").unwrap_or_else(|_| beside())).join(name);
    if !folder.is_dir() {
        eprintln!("SKIPPED: no trained model {} (GATEWISE_MODELS names the folder)", folder.display());
        return None;
    }
    Some(folder)
}
