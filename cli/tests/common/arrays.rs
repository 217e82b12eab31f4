//! Array files, written and read back.

#[path = "../../../tests/common/npz.rs"]
mod npz;

use std::fs::File;
use std::io::{BufReader, Cursor, Read, Write};

use npyz::{NpyFile, Order};
use npz::NpzArchive;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// An npz file under construction.
pub struct Npz(ZipWriter<Cursor<Vec<u8>>>);

impl Npz {
    pub fn new() -> Self {
        Npz(ZipWriter::new(Cursor::new(Vec::new())))
    }

    /// Adds a float32 array in C order.
    pub fn with(self, name: &str, shape: &[u64], values: &[f32]) -> Self {
        assert_eq!(values.len() as u64, shape.iter().product::<u64>(), "{name}: values for the shape");
        self.with_file(name, &npy_floats(shape, values))
    }

    /// Adds an int64 array in C order.
    pub fn with_ids(self, name: &str, shape: &[u64], ids: &[i64]) -> Self {
        let data: Vec<u8> = ids.iter().flat_map(|id| id.to_le_bytes()).collect();
        self.with_raw(name, ["'<i8'", "False", &python_tuple(shape)], &data)
    }

    /// Adds an array whose header says what it likes, as Python would write it: `'<f4'`, `False`, `(2, 3)`.
    pub fn with_raw(self, name: &str, header: [&str; 3], data: &[u8]) -> Self {
        self.with_file(name, &npy(header, data))
    }

    fn with_file(mut self, name: &str, npy: &[u8]) -> Self {
        self.0.start_file(format!("{name}.npy"), SimpleFileOptions::default()).expect("an entry");
        self.0.write_all(npy).expect("in memory");
        self
    }

    pub fn bytes(self) -> Vec<u8> {
        self.0.finish().expect("in memory").into_inner()
    }
}

/// A `.npy` file whose header says what it likes: element type, order, shape.
pub fn npy([descr, fortran, shape]: [&str; 3], data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}\n");
    let length = u16::try_from(header.len()).expect("a header of version 1");
    [&b"\x93NUMPY\x01\x00"[..], &length.to_le_bytes(), header.as_bytes(), data].concat()
}

/// A `.npy` file of float32.
pub fn npy_floats(shape: &[u64], values: &[f32]) -> Vec<u8> {
    let data: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    npy(["'<f4'", "False", &python_tuple(shape)], &data)
}

/// Such as `(2, 3)`.
pub fn python_tuple(shape: &[u64]) -> String {
    format!("({})", shape.iter().map(|axis| format!("{axis},")).collect::<String>())
}

/// An array read back: shape, element type as NumPy writes it, and values in C order.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    pub shape: Vec<usize>,
    pub dtype: String,
    pub values: Vec<f64>,
}

/// The names of the arrays in a file.
pub fn array_names(path: &str) -> Vec<String> {
    let mut names: Vec<String> = open(path).array_names().map(str::to_owned).collect();
    names.sort();
    names
}

/// An array of a file; `None` if there is none of that name.
pub fn array(path: &str, name: &str) -> Option<Array> {
    let mut archive = open(path);
    let file = archive.by_name(name).unwrap_or_else(|error| panic!("{path}, array {name}: {error}"))?;
    Some(read(file))
}

/// The array of a `.npy` file.
pub fn npy_array(path: &str) -> Array {
    let file = File::open(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    read(NpyFile::new(BufReader::new(file)).unwrap_or_else(|error| panic!("{path}: {error}")))
}

fn read(file: NpyFile<impl Read>) -> Array {
    let shape: Vec<usize> = file.shape().iter().map(|axis| *axis as usize).collect();
    let (dtype, order) = (file.dtype().descr(), file.order());
    let values = numbers(file);
    let values = if order == Order::Fortran { in_c_order(&shape, &values) } else { values };
    Array { shape, dtype, values }
}

fn numbers(file: NpyFile<impl Read>) -> Vec<f64> {
    let file = match file.try_data::<f64>() {
        Ok(values) => return values.map(|value| value.expect("a value")).collect(),
        Err(file) => file,
    };
    let file = match file.try_data::<f32>() {
        Ok(values) => return values.map(|value| f64::from(value.expect("a value"))).collect(),
        Err(file) => file,
    };
    match file.try_data::<i64>() {
        Ok(values) => values.map(|value| value.expect("a value") as f64).collect(),
        Err(file) => file.into_vec::<i32>().expect("floats or integers").into_iter().map(f64::from).collect(),
    }
}

fn open(path: &str) -> NpzArchive<BufReader<File>> {
    NpzArchive::open(path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn in_c_order(shape: &[usize], values: &[f64]) -> Vec<f64> {
    let &[first, second, third] = shape else { panic!("three axes, found {shape:?}") };
    let mut ordered = Vec::with_capacity(values.len());
    for i in 0..first {
        for j in 0..second {
            for k in 0..third {
                ordered.push(values[i + first * (j + second * k)]);
            }
        }
    }
    ordered
}

/// The same shape and the same bits.
#[track_caller]
pub fn assert_same(found: &Array, expected: &Array, what: impl Fn() -> String) {
    assert_eq!(found.shape, expected.shape, "{}: shape", what());
    for (index, (found, expected)) in found.values.iter().zip(&expected.values).enumerate() {
        assert_eq!(found.to_bits(), expected.to_bits(), "{}, index {index}: {found:e} for {expected:e}", what());
    }
}

/// The same shape, and every value within `tolerance`.
#[track_caller]
pub fn assert_close(found: &Array, expected: &Array, tolerance: f64, what: impl Fn() -> String) {
    assert_eq!(found.shape, expected.shape, "{}: shape", what());
    for (index, (found, expected)) in found.values.iter().zip(&expected.values).enumerate() {
        let error = (found - expected).abs();
        assert!(error <= tolerance, "{}, index {index}: {found} for {expected}, {error:e} off", what());
    }
}
