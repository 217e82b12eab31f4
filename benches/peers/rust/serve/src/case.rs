//! A case's folder: its sizes and its tensors.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::Result;

/// Of a library that computes no gradients.
pub const INFERENCE_ONLY: &str = "inference only";
/// Of one that does.
pub const NOT_MEASURED: &str = "learns, which is not measured here";

/// How the input comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feeding {
    /// All steps in one call.
    Sequences,
    /// One step after the other, the state carried.
    Stream,
    /// All steps in one call, and back.
    Train,
}

/// One direction's tensors as PyTorch has them: rows i f g o, or r z n.
#[derive(Clone, Debug)]
pub struct Pass {
    /// Input values of a row.
    pub input: usize,
    /// `[G·H, I]`
    pub weight_ih: Vec<f32>,
    /// `[G·H, H]`
    pub weight_hh: Vec<f32>,
    /// `[G·H]`
    pub bias_ih: Vec<f32>,
    /// `[G·H]`
    pub bias_hh: Vec<f32>,
}

/// One layer's directions: forward, then reverse if there is one.
pub type Layer = Vec<Pass>;

/// Cell, sizes, and the tensors.
#[derive(Clone, Debug)]
pub struct Case {
    /// `lstm`, `gru` or `rnn`.
    pub cell: String,
    /// T
    pub steps: usize,
    /// B
    pub batch: usize,
    /// I
    pub input: usize,
    /// H
    pub hidden: usize,
    /// 1 or 2.
    pub directions: usize,
    /// How the input comes.
    pub feeding: Feeding,
    /// `[T, B, I]`
    pub x: Vec<f32>,
    /// From the input up.
    pub layers: Vec<Layer>,
    folder: PathBuf,
}

impl Case {
    /// Reads a folder that run.py wrote.
    ///
    /// # Errors
    /// What is missing there.
    pub fn read(folder: &Path) -> Result<Case> {
        let text = std::fs::read_to_string(folder.join("case.txt"))?;
        let keys: HashMap<&str, &str> = text.lines().filter_map(|line| line.split_once(' ')).collect();
        let word = |key: &str| keys.get(key).copied().ok_or_else(|| format!("case.txt: no {key}"));
        let size = |key: &str| -> Result<usize> { Ok(word(key)?.parse()?) };
        let (input, hidden, directions) = (size("input")?, size("hidden")?, size("directions")?);
        let layer = |layer: usize| -> Result<Layer> {
            let width = if layer == 0 { input } else { directions * hidden };
            let suffixes = [format!("l{layer}"), format!("l{layer}_reverse")];
            suffixes[..directions.min(2)].iter().map(|suffix| Pass::read(folder, suffix, width)).collect()
        };
        Ok(Case {
            cell: word("cell")?.to_owned(),
            steps: size("steps")?,
            batch: size("batch")?,
            input,
            hidden,
            directions,
            feeding: match word("feeding")? {
                "stream" => Feeding::Stream,
                "train" => Feeding::Train,
                _ => Feeding::Sequences,
            },
            x: floats(&folder.join("x.f32"))?,
            layers: (0..size("layers")?).map(layer).collect::<Result<_>>()?,
            folder: folder.to_owned(),
        })
    }

    /// The case as an ONNX graph.
    pub fn graph(&self) -> PathBuf {
        self.folder.join("model.onnx")
    }

    /// Refuses the cells that a library has not, and learning with `no_learning`'s words.
    ///
    /// # Errors
    /// What is missing.
    pub fn needs_only(&self, cells: &[&str], no_learning: &str) -> Result<()> {
        if !cells.contains(&self.cell.as_str()) {
            return Err(format!("has no {}", if self.cell == "rnn" { "simple RNN" } else { &self.cell }).into());
        }
        if self.feeding == Feeding::Train {
            return Err(no_learning.into());
        }
        Ok(())
    }

    /// The first two axes swapped: `[rows, columns, width]` to `[columns, rows, width]`.
    pub fn swap_axes(values: &[f32], rows: usize, width: usize, columns: usize) -> Vec<f32> {
        let order = (0..columns).flat_map(|column| (0..rows).map(move |row| (row * columns + column) * width));
        order.flat_map(|at| values[at..at + width].iter().copied()).collect()
    }
}

impl Pass {
    fn read(folder: &Path, suffix: &str, input: usize) -> Result<Pass> {
        let tensor = |name: &str| floats(&folder.join(format!("{name}_{suffix}.f32")));
        Ok(Pass {
            input,
            weight_ih: tensor("weight_ih")?,
            weight_hh: tensor("weight_hh")?,
            bias_ih: tensor("bias_ih")?,
            bias_hh: tensor("bias_hh")?,
        })
    }
}

/// Little-endian values, nothing else.
fn floats(path: &Path) -> Result<Vec<f32>> {
    let bytes = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let (values, _) = bytes.as_chunks();
    Ok(values.iter().copied().map(f32::from_le_bytes).collect())
}
