//! The input file of a module: x, and h0, c0 and lengths where they are given, with every shape checked.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use crate::arrays::{Array, Arrays, Integers};

/// What a module is run on.
pub struct Inputs {
    /// T
    pub steps: usize,
    /// B
    pub batch: usize,
    /// T·B·I, time-major whatever the file's order was.
    pub x: Vec<f64>,
    /// N·B·P, zeros where the file has none.
    pub h0: Vec<f64>,
    /// N·B·H, zeros where the file has none; empty for a cell without cell state.
    pub c0: Vec<f64>,
    /// The valid steps of each sequence, B of at most T; all of them where the file says nothing.
    pub lengths: Option<Vec<usize>>,
}

/// What the module asks of its input.
#[derive(Clone, Copy)]
pub struct Expected {
    /// I
    pub input: usize,
    /// N: layers · directions.
    pub passes: usize,
    /// P: values of h.
    pub state: usize,
    /// H where the cell has a cell state c.
    pub memory: Option<usize>,
    /// Whether x is (B, T, I) and not (T, B, I).
    pub batch_first: bool,
}

/// Reads and checks; errors name the file, the array, what came and what was expected.
pub fn read(path: &Path, expected: Expected) -> Result<Inputs> {
    read_checked(path, expected).with_context(|| path.display().to_string())
}

fn read_checked(path: &Path, expected: Expected) -> Result<Inputs> {
    let mut arrays = Arrays::open(path)?;
    let axes = if expected.batch_first { "(B, T, I)" } else { "(T, B, I)" };
    if arrays.names().iter().any(|name| name == "sequence_lens") {
        bail!("array sequence_lens: expected the sequences' lengths under the name lengths");
    }
    let x = arrays.require("x", &format!("float32 of shape {axes} with I = {}", expected.input))?;
    let &[first, second, features] = &x.shape[..] else {
        bail!("array x has shape {:?}, expected three axes {axes}", x.shape);
    };
    let input = expected.input;
    ensure!(features == input, "array x has shape {:?}, expected {axes} with I = {input}", x.shape);
    let (steps, batch) = if expected.batch_first { (second, first) } else { (first, second) };
    ensure!(batch > 0 && steps > 0, "array x has shape {:?}: nothing to run", x.shape);
    let x = if expected.batch_first { swap_first_axes(&x.values, batch, steps, input) } else { x.values };

    let passes = expected.passes;
    let mut state = |name: &str, width: usize| match arrays.read(name)? {
        None => Ok(vec![0.0; passes * batch * width]),
        Some(Array { shape, values }) if shape == [passes, batch, width] => Ok(values),
        Some(Array { shape, values }) if passes == 1 && shape == [batch, width] => Ok(values),
        Some(Array { shape, .. }) if passes == 1 => {
            bail!("array {name} has shape {shape:?}, expected [1, {batch}, {width}] or [{batch}, {width}]")
        }
        Some(Array { shape, .. }) => {
            bail!("array {name} has shape {shape:?}, expected [{passes}, {batch}, {width}] (layers · directions first)")
        }
    };
    let h0 = state("h0", expected.state)?;
    let c0 = expected.memory.map_or(Ok(Vec::new()), |hidden| state("c0", hidden))?;
    let lengths = match arrays.read_integers("lengths")? {
        None => None,
        Some(lengths) => Some(check_lengths(lengths, steps, batch)?),
    };
    Ok(Inputs { steps, batch, x, h0, c0, lengths })
}

fn check_lengths(lengths: Integers, steps: usize, batch: usize) -> Result<Vec<usize>> {
    let Integers { shape, values } = lengths;
    ensure!(shape == [batch], "array lengths has shape {shape:?}, expected [{batch}], one for each sequence of x");
    let length = |(row, value): (usize, i128)| {
        let length = usize::try_from(value).ok().filter(|length| *length <= steps);
        length.with_context(|| format!("array lengths: sequence {row} has length {value}, expected 0 to T = {steps}"))
    };
    values.into_iter().enumerate().map(length).collect()
}

/// From `first × second × width` to `second × first × width`.
pub fn swap_first_axes(values: &[f64], first: usize, second: usize, width: usize) -> Vec<f64> {
    let mut swapped = Vec::with_capacity(values.len());
    for b in 0..second {
        for a in 0..first {
            swapped.extend_from_slice(&values[(a * second + b) * width..][..width]);
        }
    }
    swapped
}
