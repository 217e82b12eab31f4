//! Keras' files.

use std::io::{Cursor, Write};

use gatewise::load::keras::{read, read_weights};
use gatewise::load::outline::Outline;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::network::exercise;
use crate::on_disk::on_disk;

const HDF5: &[u8] = b"\x89HDF\r\n\x1a\n";

/// Reads a `.keras` or `.h5` file, or an HDF5 file that stands behind a text: an outline, or, where the text begins with `{`,
/// a `config.json` that is packed with it. Within an archive, changed bytes hardly ever have the checksum that it says.
pub fn keras(bytes: &[u8]) {
    let place = bytes.windows(HDF5.len()).position(|window| window == HDF5).filter(|place| *place > 0);
    let (text, weights) = bytes.split_at(place.unwrap_or_default());
    let blueprint = match std::str::from_utf8(text) {
        Ok(config) if config.starts_with('{') => on_disk(&archive(config, weights), |path| read(path)),
        Ok(text) if !text.is_empty() => {
            let Ok(outline) = text.parse::<Outline>() else { return };
            on_disk(weights, |path| read_weights(path, &outline))
        }
        _ => on_disk(bytes, |path| read(path)),
    };
    if let Ok(blueprint) = blueprint {
        exercise(&blueprint);
    }
}

fn archive(config: &str, weights: &[u8]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let metadata = br#"{"keras_version": "3.12.0"}"#;
    for (name, bytes) in
        [("config.json", config.as_bytes()), ("metadata.json", metadata), ("model.weights.h5", weights)]
    {
        zip.start_file(name, stored).expect("an archive in memory");
        zip.write_all(bytes).expect("an archive in memory");
    }
    zip.finish().expect("an archive in memory").into_inner()
}
