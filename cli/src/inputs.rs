//! The input file of a layer: x, and h0 and c0 where they are given, with every shape checked.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use crate::arrays::{Array, Arrays};

/// What a layer is run on.
pub struct Inputs {
    /// T
    pub steps: usize,
    /// B
    pub batch: usize,
    /// T·B·I, time-major whatever the file's order was.
    pub x: Vec<f64>,
    /// B·H, zeros where the file has none.
    pub h0: Vec<f64>,
    /// B·H, zeros where the file has none; empty for a cell without cell state.
    pub c0: Vec<f64>,
}

/// What the layer asks of its input.
#[derive(Clone, Copy)]
pub struct Expected {
    /// I
    pub input_size: usize,
    /// H
    pub hidden_size: usize,
    /// Whether the cell has a cell state c.
    pub cell_state: bool,
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
    if let Some(name) = arrays.names().iter().find(|name| matches!(name.as_str(), "lengths" | "sequence_lens")) {
        bail!("array {name}: sequences of different lengths are not supported yet");
    }
    let x = arrays.require("x", &format!("float32 of shape {axes} with I = {}", expected.input_size))?;
    let &[first, second, features] = &x.shape[..] else {
        bail!("array x has shape {:?}, expected three axes {axes}", x.shape);
    };
    let input_size = expected.input_size;
    ensure!(features == input_size, "array x has shape {:?}, expected {axes} with I = {input_size}", x.shape);
    let (steps, batch) = if expected.batch_first { (second, first) } else { (first, second) };
    ensure!(batch > 0 && steps > 0, "array x has shape {:?}: nothing to run", x.shape);
    let x = if expected.batch_first { swap_first_axes(&x.values, batch, steps, input_size) } else { x.values };

    let mut state = |name: &str| -> Result<Vec<f64>> {
        let hidden = expected.hidden_size;
        match arrays.read(name)? {
            None => Ok(vec![0.0; batch * hidden]),
            Some(Array { shape, values }) => {
                ensure!(
                    shape == [1, batch, hidden] || shape == [batch, hidden],
                    "array {name} has shape {shape:?}, expected [1, {batch}, {hidden}] or [{batch}, {hidden}]"
                );
                Ok(values)
            }
        }
    };
    let h0 = state("h0")?;
    let c0 = if expected.cell_state { state("c0")? } else { Vec::new() };
    Ok(Inputs { steps, batch, x, h0, c0 })
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
