//! The fixtures: a file, its inputs and the outputs that its framework gave.

#![allow(dead_code, reason = "every test file uses a part")]

pub mod build;
#[path = "../../../tests/common/npz.rs"]
mod npz;

use std::fs::File;
use std::path::{Path, PathBuf};

use gatewise_onnx::{Array, Values};
use npz::NpzArchive;

/// A fixture's folder.
pub struct Fixture {
    pub name: String,
    pub folder: PathBuf,
    /// Of `case.json`.
    pub case: serde_json::Value,
}

/// Every fixture whose name begins so, in order.
pub fn fixtures(prefix: &str) -> Vec<Fixture> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures");
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with(prefix))
        .collect();
    names.sort();
    names.into_iter().map(|name| fixture(&name)).collect()
}

/// The fixture of that name.
pub fn fixture(name: &str) -> Fixture {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures").join(name);
    let case = serde_json::from_reader(File::open(folder.join("case.json")).unwrap()).unwrap();
    Fixture { name: name.to_owned(), folder, case }
}

impl Fixture {
    /// The model's file.
    pub fn path(&self) -> PathBuf {
        self.folder.join("model.onnx")
    }

    /// Its bytes.
    pub fn bytes(&self) -> Vec<u8> {
        std::fs::read(self.path()).unwrap()
    }

    /// The largest difference allowed.
    pub fn tolerance(&self) -> f32 {
        self.case["tolerance"].as_f64().unwrap() as f32
    }

    /// An array of `io.npz`.
    pub fn array(&self, name: &str) -> Array {
        let mut archive =
            NpzArchive::new(std::io::BufReader::new(File::open(self.folder.join("io.npz")).unwrap())).unwrap();
        let file = archive.by_name(name).unwrap().unwrap_or_else(|| panic!("{}: no array {name}", self.name));
        let shape: Vec<usize> = file.shape().iter().map(|size| *size as usize).collect();
        let npyz::DType::Plain(kind) = file.dtype() else { panic!("{}: {name} is no plain array", self.name) };
        let values = match kind.to_string().trim_start_matches(['\'', '<', '|']).trim_end_matches('\'') {
            "f4" => Values::F32(file.into_vec().unwrap()),
            "f8" => Values::F64(file.into_vec().unwrap()),
            "i4" => Values::I32(file.into_vec().unwrap()),
            "i8" => Values::I64(file.into_vec().unwrap()),
            other => panic!("{}: {name} has elements {other}", self.name),
        };
        Array::new(&shape, values).unwrap()
    }
}

/// Asserts that the arrays have one shape and differ by no more than the tolerance.
pub fn assert_close(found: &Array, expected: &Array, tolerance: f32, what: &str) {
    assert_eq!(found.shape, expected.shape, "{what}");
    let expected: Vec<f32> = match &expected.values {
        Values::F32(values) => values.clone(),
        Values::F64(values) => values.iter().map(|value| *value as f32).collect(),
        other => panic!("{what}: expected values are {other:?}"),
    };
    let found = found.values.as_f32().unwrap_or_else(|| panic!("{what}: {:?}", found.values.element()));
    for (index, (found, expected)) in found.iter().zip(&expected).enumerate() {
        assert!((found - expected).abs() <= tolerance, "{what}, index {index}: {found} and {expected}");
    }
}
