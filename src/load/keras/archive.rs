//! The file around a model: a zip with a configuration and an HDF5 file, or an HDF5 file with everything.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use serde_json::Value;
use zip::ZipArchive;

use super::no_keras;
use crate::error::{Error, Result};
use crate::load::hdf5::{Hdf5File, allowed};

/// A model of a thousand layers has 3 MB; the tree of what was read takes up to 70 times as much.
const CONFIG_BYTES: usize = 4 << 20;

const NO_CONFIG: &str =
    "it has weights, but not the layers: read_weights reads it with an outline of them (on the command line --layers)";

/// A model's file, opened.
pub(super) struct Archive {
    /// The tensors.
    pub weights: Hdf5File,
    /// `config.json` and `metadata.json` of a `.keras` file.
    texts: Option<[String; 2]>,
}

/// Which Keras wrote a file: they differ in what a hard sigmoid is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    /// The file does not say.
    Unknown,
    /// Keras 2 or older.
    Two,
    /// Keras 3 or newer.
    Three,
}

impl Archive {
    /// Opens a file by what it holds.
    pub fn open(path: &Path) -> Result<Self> {
        let unread = |error: std::io::Error| Error::Io { reason: error.to_string() };
        let mut file = File::open(path).map_err(unread)?;
        let mut start = Vec::new();
        Read::by_ref(&mut file).take(4).read_to_end(&mut start).map_err(unread)?;
        match start.as_slice() {
            // A second handle: the first has read some bytes already.
            b"PK\x03\x04" => Archive::unzip(File::open(path).map_err(unread)?),
            b"\x89HDF" => {
                let bytes = std::fs::read(path).map_err(unread)?;
                Ok(Archive { weights: Hdf5File::from_bytes(bytes)?, texts: None })
            }
            _ => Err(no_keras("neither a zip archive (.keras) nor an HDF5 file (.h5)")),
        }
    }

    fn unzip(file: File) -> Result<Self> {
        let mut zip = ZipArchive::new(BufReader::new(file)).map_err(no_keras)?;
        let config = text(&mut zip, "config.json")?;
        let metadata = text(&mut zip, "metadata.json")?;
        let bytes = member(&mut zip, "model.weights.h5", allowed)?;
        Ok(Archive { weights: Hdf5File::from_bytes(bytes)?, texts: Some([config, metadata]) })
    }

    /// Whether it is a `.keras` file.
    pub fn is_zip(&self) -> bool {
        self.texts.is_some()
    }

    /// The model's configuration.
    pub fn config(&self) -> Result<Value> {
        match &self.texts {
            Some([config, _]) => parse("config.json", config),
            None => match self.attribute("model_config")? {
                Some(config) => parse("model_config", &config),
                None => Err(no_keras(NO_CONFIG)),
            },
        }
    }

    /// Which Keras wrote it.
    pub fn version(&self) -> Result<Version> {
        let version = match &self.texts {
            Some([_, metadata]) => {
                parse("metadata.json", metadata)?.get("keras_version").and_then(Value::as_str).map(str::to_owned)
            }
            None => self.attribute("keras_version")?,
        };
        let major = version.and_then(|version| version.split('.').next()?.parse::<u32>().ok());
        Ok(match major {
            None => Version::Unknown,
            Some(..=2) => Version::Two,
            Some(_) => Version::Three,
        })
    }

    fn attribute(&self, name: &str) -> Result<Option<String>> {
        Ok(self.weights.texts("", name)?.and_then(|texts| texts.into_iter().next()))
    }
}

fn parse(what: &str, text: &str) -> Result<Value> {
    if text.len() > CONFIG_BYTES {
        return Err(no_keras(format!("{what} has {} bytes, more than {CONFIG_BYTES}", text.len())));
    }
    serde_json::from_str(text).map_err(|error| no_keras(format!("{what}: {error}")))
}

fn text(zip: &mut ZipArchive<BufReader<File>>, name: &str) -> Result<String> {
    let bytes = member(zip, name, |_| CONFIG_BYTES)?;
    String::from_utf8(bytes).map_err(|_| no_keras(format!("{name} is no UTF-8 text")))
}

/// A member of the archive, if it is no longer than what is allowed for its compressed size.
fn member(zip: &mut ZipArchive<BufReader<File>>, name: &str, allowed: impl Fn(usize) -> usize) -> Result<Vec<u8>> {
    let member = zip.by_name(name).map_err(|error| no_keras(format!("{name}: {error}")))?;
    let limit = allowed(usize::try_from(member.compressed_size()).unwrap_or(usize::MAX));
    let mut bytes = Vec::new();
    // What the archive says of its size may be untrue.
    let mut reader = member.take(limit as u64 + 1);
    reader.read_to_end(&mut bytes).map_err(|error| no_keras(format!("{name}: {error}")))?;
    match bytes.len() <= limit {
        true => Ok(bytes),
        false => Err(no_keras(format!("{name} grows to more than {limit} bytes, more than it can mean"))),
    }
}
