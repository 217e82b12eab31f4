//! The header of the `.npy` format: element type, order, shape.
//!
//! Source: <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>. The Python dictionary is read by the
//! parser below npyz. npyz's own reader of headers takes memory for whatever length is claimed, and multiplies the axes
//! unchecked.

use std::io::Read;

use anyhow::{Context, Result, bail, ensure};
use npyz::{DType, TypeStr};
use py_literal::Value;

use super::element;

const MAGIC: &[u8] = b"\x93NUMPY";

/// Bytes; NumPy's own readers refuse more.
const LONGEST: usize = 10_000;

/// NumPy's arrays have no more.
const AXES: usize = 64;

/// What a header says.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// What an element is.
    pub element: DType,
    /// Whether the first axis moves fastest.
    pub fortran: bool,
    /// Lengths of the axes.
    pub shape: Vec<usize>,
    /// Bytes of the header itself.
    length: u64,
    /// Bytes of an element.
    width: usize,
}

impl Header {
    /// Reads a header and leaves the first element next.
    pub fn read(file: &mut impl Read) -> Result<Self> {
        let mut start = [0; 8];
        file.read_exact(&mut start).context("its header cannot be read: too short for a .npy array")?;
        ensure!(start.starts_with(MAGIC), "its header cannot be read: it does not begin as a .npy array");
        let [.., major, _] = start;
        let mut bytes = [0; 4];
        let field = match major {
            1 => &mut bytes[..2],
            2 | 3 => &mut bytes[..],
            _ => bail!("its header cannot be read: version {major}, expected 1 to 3"),
        };
        file.read_exact(field).context("its header is cut short")?;
        let before = start.len() + field.len();
        let length = u32::from_le_bytes(bytes) as usize;
        ensure!(length <= LONGEST, "its header speaks of {length} bytes of header, expected at most {LONGEST}");
        let mut text = vec![0; length];
        file.read_exact(&mut text).context("its header is cut short")?;
        Header::parse(&text, (before + length) as u64).context("its header cannot be read")
    }

    fn parse(text: &[u8], length: u64) -> Result<Self> {
        // The parser tries every list in several ways: within each other, twenty of them take seconds.
        let lists = text.iter().filter(|byte| b"{[(".contains(byte)).count();
        ensure!(lists <= 2, "lists within lists, structured arrays among them, are not read: {}", element::EXPECTED);
        let Ok(Value::Dict(entries)) = std::str::from_utf8(text)?.trim_end().parse() else {
            bail!("expected a dictionary in Python's syntax")
        };
        let entry = |name: &str| {
            let found = entries.iter().find(|(key, _)| key.as_string().is_some_and(|key| key == name));
            found.map(|(_, value)| value).with_context(|| format!("{name} is missing"))
        };
        let descr = entry("descr")?.as_string().with_context(|| format!("descr: {}", element::EXPECTED))?;
        let element = DType::Plain(descr.parse::<TypeStr>().with_context(|| format!("descr: {}", element::EXPECTED))?);
        let fortran = entry("fortran_order")?.as_boolean().context("fortran_order: expected True or False")?;
        let axes = entry("shape")?.as_tuple().context("shape: expected a tuple")?;
        ensure!(axes.len() <= AXES, "shape: more than {AXES} axes");
        let size = |(index, axis): (usize, &Value)| {
            let size = axis.as_integer().and_then(|size| usize::try_from(size).ok());
            size.with_context(|| format!("shape: axis {index} is no length"))
        };
        let shape = axes.iter().enumerate().map(size).collect::<Result<_>>()?;
        let width = element::width(&element)?;
        Ok(Header { element, fortran, shape, length, width })
    }

    /// How many elements there are.
    pub fn count(&self) -> Result<usize> {
        // Strides are products of some axes only, so a zero elsewhere does not help.
        let bytes = self.shape.iter().try_fold(self.width, |product, axis| product.checked_mul((*axis).max(1)));
        let count = bytes.map(|_| self.shape.iter().product());
        count.with_context(|| format!("its header speaks of more values than any file holds: shape {:?}", self.shape))
    }

    /// Compares what is claimed with what is there.
    pub fn check_size(&self, file_bytes: u64) -> Result<()> {
        let there = file_bytes.saturating_sub(self.length);
        ensure!(
            (self.count()? * self.width) as u64 == there,
            "its header speaks of shape {:?} of {} bytes each, the file holds {there} bytes",
            self.shape,
            self.width
        );
        Ok(())
    }
}
