//! Models written as JSON: trained ones of others, random ones beside f64 loops, and files that are broken, hostile or
//! ask for what is not computed.

mod common;
#[path = "json_formats/expected.rs"]
mod expected;
#[path = "json_formats/guitarml.rs"]
mod guitarml;
#[path = "json_formats/hostile.rs"]
mod hostile;
#[path = "json_formats/nam.rs"]
mod nam;
#[path = "json_formats/rtneural.rs"]
mod rtneural;
#[path = "json_formats/state_dict.rs"]
mod state_dict;
#[path = "json_formats/trained.rs"]
mod trained;

use gatewise::Layout;
use gatewise::load::json;
use gatewise::network::blueprint::Blueprint;
use gatewise::network::{Network, NetworkSession};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use common::{assert_close, levels};

/// Random numbers that are exact in f32, for a file and an f64 loop alike.
struct Random(StdRng);

impl Random {
    fn new(seed: u64) -> Self {
        Random(StdRng::seed_from_u64(seed))
    }

    fn value(&mut self, scale: f32) -> f64 {
        f64::from(self.0.random_range(-scale..=scale))
    }

    fn row(&mut self, count: usize) -> Vec<f64> {
        (0..count).map(|_| self.value(0.8)).collect()
    }

    fn matrix(&mut self, rows: usize, columns: usize) -> Vec<Vec<f64>> {
        (0..rows).map(|_| self.row(columns)).collect()
    }
}

/// A matrix as Keras has it: a column for each of PyTorch's rows.
fn turned(rows: &[Vec<f64>]) -> Vec<Vec<f64>> {
    (0..rows[0].len()).map(|column| rows.iter().map(|row| row[column]).collect()).collect()
}

/// An object of JSON, in this order.
fn object(entries: &[(&str, String)]) -> String {
    let entries: Vec<String> = entries.iter().map(|(key, value)| format!("{key:?}: {value}")).collect();
    format!("{{{}}}", entries.join(", "))
}

#[track_caller]
fn read(text: &str) -> Blueprint {
    json::from_bytes(text.as_bytes()).unwrap_or_else(|error| panic!("{error}"))
}

/// The error that a text is refused with.
#[track_caller]
fn refused(text: &str) -> String {
    json::from_bytes(text.as_bytes()).expect_err("no model").to_string()
}

/// Runs a model over one sequence, whole and step by step, on all levels.
#[track_caller]
fn assert_gives(blueprint: &Blueprint, x: &[Vec<f64>], expected: &[Vec<f64>], tolerance: f64, what: &str) {
    let x: Vec<f32> = x.iter().flatten().map(|value| *value as f32).collect();
    let expected: Vec<f64> = expected.concat();
    assert_eq!(blueprint.layout, Layout::TimeMajor, "{what}");
    for level in levels() {
        let network = Network::with_level(blueprint, level).unwrap();
        let mut session = NetworkSession::new(&network, 1).unwrap();
        let whole = session.forward(&x[..], Layout::TimeMajor, None).unwrap();
        assert_close(&whole, &expected, tolerance, || format!("{what}, {level}"));
        if network.streams() {
            session.reset().unwrap();
            let steps = x.chunks(network.input().width());
            let streamed: Vec<f32> = steps.flat_map(|x| session.step(x).unwrap().to_vec()).collect();
            assert_close(&streamed, &expected, tolerance, || format!("{what}, {level}, streamed"));
        }
    }
}
