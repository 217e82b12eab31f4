//! NumPy's `.npy` and `.npz` files.

use std::io::{Cursor, Write};
use std::path::Path;

use gatewise_cli::arrays::{Arrays, NpyReader};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::on_disk::on_disk;

/// Reads a file as an array that is streamed, and as an archive. An array is read from an archive around it too, because
/// changed bytes within an archive hardly ever have the checksum that it says.
pub fn arrays(bytes: &[u8]) {
    if bytes.starts_with(b"\x93NUMPY") {
        on_disk(bytes, stream);
        on_disk(&archive(bytes), unpack);
    } else {
        on_disk(bytes, unpack);
    }
}

fn stream(path: &Path) {
    let Ok(mut array) = NpyReader::open(path) else { return };
    let row: usize = array.shape().iter().skip(1).product();
    let rows = array.shape().first().copied().unwrap_or_default();
    // A row may have no values; then a file has any number of them.
    for first in (0..rows).step_by(3).take(1000) {
        let Ok(values) = array.read_rows(3) else { return };
        assert_eq!(values.len(), row * 3.min(rows - first), "values of the rows from {first} on");
    }
}

fn unpack(path: &Path) {
    let Ok(mut arrays) = Arrays::open(path) else { return };
    for name in arrays.names().to_vec().iter().take(4) {
        if let Ok(Some(tensor)) = arrays.read_any(name) {
            assert_eq!(tensor.values.count(), tensor.shape.iter().product::<usize>(), "values of {name}");
            let _ = (tensor.values.to_f32(), tensor.values.to_f64(), tensor.values.to_i64());
        }
        let _ = arrays.read(name);
        let _ = arrays.read_integers(name);
    }
}

fn archive(array: &[u8]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    zip.start_file("x.npy", stored).expect("an archive in memory");
    zip.write_all(array).expect("an archive in memory");
    zip.finish().expect("an archive in memory").into_inner()
}
