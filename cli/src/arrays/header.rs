//! The header of the `.npy` format: element type, order, shape.
//!
//! Source: <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>. NumPy writes a Python dictionary of
//! three keys; of Python's syntax no more is read than that, so that a header costs no more than its own length.

use std::io::Read;

use anyhow::{Context, Result, bail, ensure};

use super::element::Encoding;

const MAGIC: &[u8] = b"\x93NUMPY";

/// NumPy's own readers refuse more than 10000 bytes.
const LONGEST: usize = 1 << 16;

/// NumPy's arrays have no more.
const AXES: usize = 64;

/// What a header says.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// What an element is.
    pub encoding: Encoding,
    /// Whether the first axis moves fastest.
    pub fortran: bool,
    /// Lengths of the axes.
    pub shape: Vec<usize>,
    /// Bytes of the header itself.
    pub length: u64,
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
        let text = std::str::from_utf8(&text).ok().context("its header cannot be read: it is no text")?;
        let header = Dictionary { rest: text }.parse().context("its header cannot be read")?;
        Ok(Header { length: (before + length) as u64, ..header })
    }

    /// Bytes of all elements.
    pub fn data_bytes(&self) -> Result<u64> {
        // Strides are products of some axes only, so a zero elsewhere does not help.
        let product =
            self.shape.iter().try_fold(self.encoding.width(), |product, axis| product.checked_mul((*axis).max(1)));
        let Some(product) = product else {
            bail!("its header speaks of more values than any file holds: shape {:?}", self.shape);
        };
        Ok(if self.shape.contains(&0) { 0 } else { product as u64 })
    }

    /// Compares what is claimed with what is there.
    pub fn check_size(&self, file_bytes: u64) -> Result<()> {
        let there = file_bytes.saturating_sub(self.length);
        ensure!(
            self.data_bytes()? == there,
            "its header speaks of shape {:?} of {} bytes each, the file holds {there} bytes",
            self.shape,
            self.encoding.width()
        );
        Ok(())
    }
}

/// A header of version 1 for elements in C order, up to the first element.
pub fn written(descr: &str, shape: &[usize]) -> Result<Vec<u8>> {
    let axes: Vec<String> = shape.iter().map(usize::to_string).collect();
    let comma = if shape.len() == 1 { "," } else { "" };
    let mut text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({}{comma}), }}", axes.join(", "));
    // The elements begin at a multiple of 64 bytes, behind a line's end.
    let before = MAGIC.len() + 4;
    let padding = (before + text.len() + 1).next_multiple_of(64) - before - text.len() - 1;
    text.extend(std::iter::repeat_n(' ', padding));
    text.push('\n');
    let length = u16::try_from(text.len()).context("an array of so many axes is not written")?;
    Ok([MAGIC, b"\x01\x00", &length.to_le_bytes(), text.as_bytes()].concat())
}

/// The text of a dictionary, as far as it was not read yet.
struct Dictionary<'a> {
    rest: &'a str,
}

impl<'a> Dictionary<'a> {
    fn parse(mut self) -> Result<Header> {
        let (mut descr, mut fortran, mut shape) = (None, None, None);
        self.expect("{")?;
        while !self.takes("}") {
            let key = self.text()?;
            self.expect(":")?;
            let twice = match key {
                "descr" => descr.replace(self.descr()?).is_some(),
                "fortran_order" => fortran.replace(self.truth()?).is_some(),
                "shape" => shape.replace(self.shape()?).is_some(),
                _ => bail!("unknown key {key:?}: expected descr, fortran_order and shape"),
            };
            ensure!(!twice, "{key:?} stands there twice");
            if !self.takes(",") {
                self.expect("}")?;
                break;
            }
        }
        ensure!(self.rest.trim().is_empty(), "more stands behind the dictionary");
        let missing = "descr, fortran_order or shape is missing";
        Ok(Header {
            encoding: Encoding::parse(descr.context(missing)?)?,
            fortran: fortran.context(missing)?,
            shape: shape.context(missing)?,
            length: 0,
        })
    }

    /// Goes over `token`, if it is the next one.
    fn takes(&mut self, token: &str) -> bool {
        self.rest = self.rest.trim_start();
        let Some(rest) = self.rest.strip_prefix(token) else { return false };
        self.rest = rest;
        true
    }

    fn expect(&mut self, token: &str) -> Result<()> {
        let taken = self.takes(token);
        ensure!(taken, "expected {token:?}, found {:?}", self.rest.chars().take(20).collect::<String>());
        Ok(())
    }

    /// A text between quotes, without escapes.
    fn text(&mut self) -> Result<&'a str> {
        let quote = if self.takes("'") { '\'' } else { '"' };
        if quote == '"' {
            self.expect("\"")?;
        }
        let (text, rest) = self.rest.split_once(quote).context("a text has no end")?;
        self.rest = rest;
        Ok(text)
    }

    fn descr(&mut self) -> Result<&'a str> {
        ensure!(
            !self.rest.trim_start().starts_with('['),
            "structured arrays are not read: expected float32 or float64, float16, integers of up to 64 bits or bool"
        );
        self.text()
    }

    fn truth(&mut self) -> Result<bool> {
        if self.takes("True") {
            return Ok(true);
        }
        self.expect("False").map(|()| false)
    }

    fn shape(&mut self) -> Result<Vec<usize>> {
        self.expect("(")?;
        let mut shape = Vec::new();
        while !self.takes(")") {
            self.rest = self.rest.trim_start();
            let digits = self.rest.len() - self.rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (number, rest) = self.rest.split_at(digits);
            let found = || format!("an axis: expected a length, found {:?}", rest.chars().take(20).collect::<String>());
            ensure!(digits > 0, found());
            ensure!(shape.len() < AXES, "more than {AXES} axes");
            shape.push(number.parse().with_context(|| format!("an axis: a length of {number}"))?);
            // Python 2 wrote long numbers so.
            self.rest = rest.strip_prefix('L').unwrap_or(rest);
            if !self.takes(",") {
                self.expect(")")?;
                break;
            }
        }
        Ok(shape)
    }
}
