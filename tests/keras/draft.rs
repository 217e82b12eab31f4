//! Files that are made for a test.

use std::io::{Cursor, Read, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use gatewise::load::keras;
use gatewise::network::blueprint::Blueprint;
use gatewise::{Error, Result};
use hdf5_pure::{FileBuilder, GroupBuilder};
use serde_json::Value;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::common::fixture;

/// A `.keras` file under construction.
#[derive(Clone)]
pub struct Draft {
    pub config: Value,
    pub metadata: String,
    pub weights: Vec<u8>,
}

impl Draft {
    /// What a case's file holds.
    pub fn of(name: &str) -> Self {
        let file = std::fs::File::open(fixture(name).join("model.keras")).unwrap();
        let mut zip = ZipArchive::new(file).unwrap();
        let mut member = |name: &str| {
            let mut bytes = Vec::new();
            zip.by_name(name).unwrap().read_to_end(&mut bytes).unwrap();
            bytes
        };
        let config = serde_json::from_slice(&member("config.json")).unwrap();
        let metadata = String::from_utf8(member("metadata.json")).unwrap();
        Draft { config, metadata, weights: member("model.weights.h5") }
    }

    /// With another value at a place of the configuration; an entry that is not there is added.
    #[must_use]
    pub fn with(mut self, place: &str, value: Value) -> Self {
        let (parent, key) = place.rsplit_once('/').unwrap();
        match self.config.pointer_mut(parent).unwrap_or_else(|| panic!("no {parent}")) {
            Value::Object(map) => _ = map.insert(key.to_owned(), value),
            Value::Array(values) => values[key.parse::<usize>().unwrap()] = value,
            other => panic!("{other}"),
        }
        self
    }

    pub fn read(&self) -> Result<Blueprint> {
        let config = serde_json::to_vec(&self.config).unwrap();
        let members = [
            ("config.json", &config[..]),
            ("metadata.json", self.metadata.as_bytes()),
            ("model.weights.h5", &self.weights),
        ];
        read(&archive(&members))
    }

    /// The error's message, without the file.
    #[track_caller]
    pub fn message(&self) -> String {
        message(self.read())
    }
}

#[track_caller]
pub fn message(result: Result<Blueprint>) -> String {
    match result.unwrap_err() {
        Error::File { error, .. } => error.to_string(),
        other => panic!("an error without its file: {other}"),
    }
}

/// An HDF5 file with one group at `path`.
pub fn hdf5(path: &str, build: &mut dyn FnMut(&mut GroupBuilder)) -> Vec<u8> {
    let mut file = FileBuilder::new();
    let (first, rest) = path.split_once('/').unwrap();
    let mut group = file.create_group(first);
    fill(&mut group, rest, build);
    file.add_group(group.finish());
    file.finish().unwrap()
}

fn fill(group: &mut GroupBuilder, path: &str, build: &mut dyn FnMut(&mut GroupBuilder)) {
    let (first, rest) = path.split_once('/').unwrap_or((path, ""));
    let mut inner = group.create_group(first);
    match rest {
        "" => build(&mut inner),
        _ => fill(&mut inner, rest, build),
    }
    group.add_group(inner.finish());
}

/// A zip archive, its members deflated.
pub fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        zip.start_file(*name, SimpleFileOptions::default().compression_method(CompressionMethod::Deflated)).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// Reads a model from bytes, through a file of its own.
pub fn read(bytes: &[u8]) -> Result<Blueprint> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let name = format!("keras-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, bytes).unwrap();
    let read = keras::read(&path);
    std::fs::remove_file(&path).unwrap();
    read
}
