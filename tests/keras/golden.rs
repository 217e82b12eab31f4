//! Every case whose file says its layers: y as Keras computed it.

use std::path::Path;

use gatewise::load::keras;
use gatewise::network::blueprint::Blueprint;
use gatewise::network::{Network, NetworkSession, Rows};

use super::common::npz::NpzArchive;
use super::common::{array, fixture};

/// Runs a case's x and compares with its y.
#[track_caller]
pub fn check(name: &str, blueprint: &Blueprint) {
    let io = fixture(name).join("io.npz");
    let (x, expected) = (array(&io, "x").unwrap(), array(&io, "y").unwrap());
    let case = std::fs::read_to_string(fixture(name).join("case.json")).unwrap();
    let tolerance = serde_json::from_str::<serde_json::Value>(&case).unwrap()["tolerance"].as_f64().unwrap();
    let network = Network::new(blueprint).unwrap_or_else(|error| panic!("{name}: {error}"));
    let batch = sequences(&io);
    let mut session = NetworkSession::new(&network, batch).unwrap();
    let found = match network.input().rows {
        Rows::Ids(_) => {
            let ids: Vec<i64> = x.iter().map(|id| *id as i64).collect();
            session.forward(&ids[..], blueprint.layout, None)
        }
        Rows::Features(_) => {
            let rows: Vec<f32> = x.iter().map(|value| *value as f32).collect();
            session.forward(&rows[..], blueprint.layout, None)
        }
    };
    let found = found.unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(found.len(), expected.len(), "{name}: values of y");
    for (index, (found, expected)) in found.iter().zip(&expected).enumerate() {
        let error = (f64::from(*found) - expected).abs();
        assert!(error <= tolerance * expected.abs().max(1.0), "{name}, y[{index}]: {found} for {expected}");
    }
}

/// B: the first axis of x.
fn sequences(io: &Path) -> usize {
    let file = std::io::BufReader::new(std::fs::File::open(io).unwrap());
    let mut archive = NpzArchive::new(file).unwrap();
    archive.by_name("x").unwrap().unwrap().shape()[0] as usize
}

/// The file of a case.
pub fn file_of(name: &str) -> String {
    let case = std::fs::read_to_string(fixture(name).join("case.json")).unwrap();
    let case: serde_json::Value = serde_json::from_str(&case).unwrap();
    case["file"].as_str().unwrap_or("model.keras").to_owned()
}

/// The names of all cases.
pub fn cases() -> Vec<String> {
    let names = std::fs::read_dir(fixture("")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let is_case = |name: &String| name.starts_with("keras_") && fixture(name).join("case.json").exists();
    let mut names: Vec<String> = names.filter(is_case).collect();
    names.sort();
    assert!(names.len() >= 45, "only {} cases", names.len());
    names
}

#[test]
fn every_model_gives_what_keras_gave() {
    let mut wrong = Vec::new();
    for name in cases().iter().filter(|name| !file_of(name).contains("weights")) {
        let blueprint = keras::read(fixture(name).join(file_of(name))).unwrap_or_else(|error| panic!("{error}"));
        if let Err(panic) = std::panic::catch_unwind(|| check(name, &blueprint)) {
            wrong.push(panic.downcast_ref::<String>().cloned().unwrap_or_else(|| name.clone()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn names_and_order_of_the_axes_are_the_files() {
    let blueprint = keras::read(fixture("keras_12_stack_softmax/model.keras")).unwrap();
    assert_eq!(blueprint.name, "sequential_12");
    assert_eq!(blueprint.layout, gatewise::Layout::BatchFirst);
    assert_eq!(blueprint.layers[0].name, "bidirectional_2");
    let legacy = keras::read(fixture("keras_extra_two_h5/model.h5")).unwrap();
    assert_eq!((legacy.name.as_str(), legacy.layers[1].name.as_str()), ("model", "bidirectional"));
}
