//! HDF5 files: groups, text attributes and tensors. The one file that knows the crate which reads them.

use std::cell::Cell;
use std::fmt::Display;

use hdf5_pure::{Dataset, Datatype, DatatypeByteOrder, File, FloatingPointLayout};

use crate::error::{Error, Result};
use crate::weights::check_finite;

/// Values may take so many bytes, and so many for each byte of the file: trained weights hardly shrink, and files are
/// usually not compressed at all. What claims more is no model.
const BYTES: usize = 32 << 20;
const BYTES_OF_EACH: usize = 32;

/// Groups of a file that are looked through, and how deep; one whose groups contain themselves has any number.
const GROUPS: usize = 20_000;
const DEPTH: usize = 8;

/// A type in an HDF5 file can be 8,000 types deep, and is read by recursion: this is room for it, taken only where it is used.
const STACK: usize = 64 << 20;

/// Does work that reads HDF5 where neither a deep type's recursion nor a panic of the crate reaches the caller.
///
/// # Errors
/// What `work` refuses; [`Error::Format`] where it panics.
pub(super) fn apart<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let unread = |error: std::io::Error| Error::Io { reason: error.to_string() };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work).map_err(unread)?;
        thread.join().unwrap_or_else(|_| Err(broken("its reader gave up on it: the file is damaged")))
    })
}

/// How many bytes may be made of a file (or of a zip's member) of this size.
pub(super) fn allowed(size: usize) -> usize {
    size.saturating_mul(BYTES_OF_EACH).saturating_add(BYTES)
}

/// An HDF5 file in memory.
pub(super) struct Hdf5File {
    file: File,
    /// Bytes that may still be read as values.
    budget: Cell<usize>,
    /// Groups that may still be looked through.
    groups: Cell<usize>,
}

/// A tensor whose values are not yet read.
pub(super) struct Stored<'a> {
    /// Its path in the file.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    dataset: Dataset,
    element: Element,
    budget: &'a Cell<usize>,
}

/// What one value is, and in which order its bytes stand.
#[derive(Clone, Copy)]
struct Element {
    kind: Kind,
    big_endian: bool,
}

#[derive(Clone, Copy)]
enum Kind {
    F16,
    Bf16,
    F32,
    F64,
}

impl Hdf5File {
    /// Takes a file's bytes and reads its first group.
    ///
    /// # Errors
    /// [`Error::Format`] if they are no HDF5 file.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self> {
        let length = bytes.len();
        let budget = Cell::new(allowed(length));
        let file = File::from_bytes(bytes).map_err(broken)?;
        let expected = file.superblock().eof_address;
        if (length as u64) < expected {
            return Err(broken(format!("it is cut short: {length} bytes, expected {expected}")));
        }
        file.root().attrs().map_err(broken)?;
        Ok(Hdf5File { file, budget, groups: Cell::new(GROUPS) })
    }

    /// Whether there is such a group.
    pub fn has_group(&self, path: &str) -> bool {
        self.file.group(path).is_ok()
    }

    /// The texts of a group's attribute, one or several; `None` if there is none.
    ///
    /// # Errors
    /// [`Error::Format`] if the group cannot be read or the attribute is no text.
    pub fn texts(&self, group: &str, attribute: &str) -> Result<Option<Vec<String>>> {
        let at = |error: hdf5_pure::Error| broken(format!("group {group}: {error}"));
        let group_attributes = match group {
            "" => self.file.root().attrs(),
            path => self.file.group(path).map_err(at)?.attrs(),
        };
        let attributes = group_attributes.map_err(at)?;
        let Some(value) = attributes.get(attribute) else { return Ok(None) };
        match value.as_strings() {
            Some(texts) => Ok(Some(texts.to_vec())),
            // What NumPy writes for an empty list: no values, of type f64.
            None if matches!(value, hdf5_pure::AttrValue::F64Array(values) if values.is_empty()) => {
                Ok(Some(Vec::new()))
            }
            None => Err(broken(format!("attribute {attribute} of group {group:?}: expected text"))),
        }
    }

    /// The names of the groups inside a group.
    ///
    /// # Errors
    /// [`Error::Format`] if it cannot be read.
    pub fn groups(&self, path: &str) -> Result<Vec<String>> {
        self.file.group(path).and_then(|group| group.groups()).map_err(|error| broken(format!("group {path}: {error}")))
    }

    /// The names of the tensors inside a group.
    ///
    /// # Errors
    /// [`Error::Format`] if it cannot be read.
    pub fn datasets(&self, path: &str) -> Result<Vec<String>> {
        self.file
            .group(path)
            .and_then(|group| group.datasets())
            .map_err(|error| broken(format!("group {path}: {error}")))
    }

    /// The paths of all tensors inside a group and its groups.
    ///
    /// # Errors
    /// [`Error::Format`] if one of them cannot be read, or for groups without end.
    pub fn all_datasets(&self, path: &str) -> Result<Vec<String>> {
        let (mut waiting, mut found) = (vec![(path.to_owned(), 0)], Vec::new());
        while let Some((path, depth)) = waiting.pop() {
            let left = self.groups.get().checked_sub(1).filter(|_| depth <= DEPTH);
            self.groups.set(left.ok_or_else(|| broken(format!("group {path}: groups without end")))?);
            found.extend(self.datasets(&path)?.iter().map(|name| format!("{path}/{name}")));
            waiting.extend(self.groups(&path)?.iter().map(|name| (format!("{path}/{name}"), depth + 1)));
        }
        found.sort_unstable();
        Ok(found)
    }

    /// The tensor at `path`, not yet its values.
    ///
    /// # Errors
    /// [`Error::Tensor`] if it is not there, cannot be read, or is of no type of floating-point numbers.
    pub fn tensor(&self, path: &str) -> Result<Stored<'_>> {
        let refuse = |reason: &dyn Display| Error::Tensor { message: format!("tensor {path}: {reason}") };
        let dataset = self.file.dataset(path).map_err(|error| refuse(&error))?;
        let shape = dataset.shape().map_err(|error| refuse(&error))?;
        let shape = shape.into_iter().map(usize::try_from).collect::<std::result::Result<Vec<usize>, _>>();
        let shape = shape.map_err(|error| refuse(&error))?;
        let element = element(&dataset).map_err(|reason| refuse(&reason))?;
        Ok(Stored { name: path.to_owned(), shape, dataset, element, budget: &self.budget })
    }
}

impl Stored<'_> {
    /// An error that says which shape was expected.
    pub fn shape_error(&self, expected: String) -> Error {
        Error::Shape { name: self.name.clone(), expected, found: self.shape.clone() }
    }

    /// Its values as f32: f16 and bf16 widen exactly, f64 is rounded.
    ///
    /// # Errors
    /// [`Error::Format`] if they cannot be read, or are more than such a file can mean; [`Error::NotFinite`] for NaN or ∞.
    pub fn values(&self) -> Result<Vec<f32>> {
        let at = |reason: String| broken(format!("tensor {}: {reason}", self.name));
        let bytes = self.shape.iter().copied().try_fold(self.element.kind.size(), usize::checked_mul);
        let Some(left) = bytes.and_then(|bytes| self.budget.get().checked_sub(bytes)) else {
            return Err(at(format!("shape {:?} is more than a file of this size can mean", self.shape)));
        };
        self.budget.set(left);
        let raw = self.dataset.read_raw().map_err(|error| at(error.to_string()))?;
        if Some(raw.len()) != bytes {
            return Err(at(format!("{} bytes, expected as many as shape {:?} asks for", raw.len(), self.shape)));
        }
        let values = self.element.decode(&raw);
        check_finite(&self.name, &values)?;
        Ok(values)
    }
}

/// What the values of a dataset are; the error says what else they are.
fn element(dataset: &Dataset) -> std::result::Result<Element, String> {
    let datatype = dataset.datatype().map_err(|error| error.to_string())?;
    let expected = "expected f16, bf16, f32 or f64";
    match &datatype {
        Datatype::FloatingPoint { size, byte_order, layout } => {
            let kind =
                kind(*size, layout).ok_or_else(|| format!("floating-point numbers of {size} bytes: {expected}"))?;
            match byte_order {
                DatatypeByteOrder::LittleEndian => Ok(Element { kind, big_endian: false }),
                DatatypeByteOrder::BigEndian => Ok(Element { kind, big_endian: true }),
                DatatypeByteOrder::Vax => Err(format!("floating-point numbers of a VAX: {expected}")),
            }
        }
        // HDF5 has no bf16: Keras stores two opaque bytes and says what they are.
        Datatype::Opaque { size: 2, .. } => {
            let attributes = dataset.attrs().map_err(|error| error.to_string())?;
            match attributes.get("dtype").and_then(|value| value.as_str()) {
                Some("bfloat16") => Ok(Element { kind: Kind::Bf16, big_endian: false }),
                _ => Err(format!("opaque bytes: {expected}")),
            }
        }
        _ => Err(format!("no floating-point numbers: {expected}")),
    }
}

fn kind(size: u32, layout: &FloatingPointLayout) -> Option<Kind> {
    match (size, layout.exponent_size, layout.mantissa_size) {
        (2, 5, 10) => Some(Kind::F16),
        (2, 8, 7) => Some(Kind::Bf16),
        (4, ..) if *layout == FloatingPointLayout::IEEE754_BINARY32 => Some(Kind::F32),
        (8, ..) if *layout == FloatingPointLayout::IEEE754_BINARY64 => Some(Kind::F64),
        _ => None,
    }
}

impl Kind {
    /// Bytes of a value.
    fn size(self) -> usize {
        match self {
            Kind::F16 | Kind::Bf16 => 2,
            Kind::F32 => 4,
            Kind::F64 => 8,
        }
    }
}

impl Element {
    fn decode(self, raw: &[u8]) -> Vec<f32> {
        match self.kind {
            Kind::F16 => self.each(raw, |bytes| half::f16::from_le_bytes(bytes).to_f32()),
            Kind::Bf16 => self.each(raw, |bytes| half::bf16::from_le_bytes(bytes).to_f32()),
            Kind::F32 => self.each(raw, f32::from_le_bytes),
            Kind::F64 => self.each(raw, |bytes| f64::from_le_bytes(bytes) as f32),
        }
    }

    fn each<const SIZE: usize>(self, raw: &[u8], value: impl Fn([u8; SIZE]) -> f32) -> Vec<f32> {
        let ordered = |mut bytes: [u8; SIZE]| {
            if self.big_endian {
                bytes.reverse();
            }
            bytes
        };
        raw.as_chunks::<SIZE>().0.iter().map(|bytes| value(ordered(*bytes))).collect()
    }
}

fn broken(reason: impl Display) -> Error {
    Error::Format { format: "HDF5", reason: reason.to_string() }
}
