//! The sequences of a `.npz` file, with what should come out of them.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use gatewise::train::{Dataset, Steps, Wanted};

use super::config::{Config, Every, Loss};
use crate::arrays::{Arrays, Tensor};

/// The widths that follow from the data where the configuration does not say them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Widths {
    /// Features of a row of x, or how many ids there are.
    pub input: usize,
    /// Values of a row of y, or classes.
    pub output: usize,
}

/// Reads the arrays x, y and, if it is there, lengths; errors name the file and the array.
pub fn read(path: &Path, config: &Config) -> Result<(Dataset, Widths)> {
    read_arrays(path, config).with_context(|| path.display().to_string())
}

fn read_arrays(path: &Path, config: &Config) -> Result<(Dataset, Widths)> {
    let mut arrays = Arrays::open(path)?;
    let names = arrays.names().join(", ");
    let mut array = |name: &str| -> Result<Tensor> {
        arrays.read_any(name)?.with_context(|| format!("no array {name}, found {names}"))
    };
    let (x, y) = (array("x")?, array("y")?);
    let (count, steps) = match x.shape[..] {
        [count, steps] | [count, steps, _] => (count, steps),
        _ => bail!("array x has shape {:?}, expected [N, T, I], or [N, T] of ids or single features", x.shape),
    };
    ensure!(count > 0, "array x has shape {:?}: no sequence to learn from", x.shape);
    ensure!(steps > 0, "array x has shape {:?}: its sequences have no steps", x.shape);
    let lengths = match arrays.read_integers("lengths")? {
        None => vec![steps; count],
        Some(lengths) => {
            ensure!(
                lengths.shape == [count],
                "array lengths has shape {:?}, expected [{count}], one for each sequence of x",
                lengths.shape
            );
            let length = |(row, value): (usize, &i64)| {
                let length = usize::try_from(*value).ok().filter(|length| *length <= steps);
                length.with_context(|| {
                    format!("array lengths: sequence {row} has length {value}, expected 0 to T = {steps}")
                })
            };
            lengths.values.iter().enumerate().map(length).collect::<Result<_>>()?
        }
    };
    let (x, input) = read_x(x, config)?;
    let each_step = config.output.every == Every::Step;
    let rows = if each_step { vec![count, steps] } else { vec![count] };
    let (mut wanted, output) = read_y(y, config, &rows)?;
    if each_step {
        clear_padding(&mut wanted, &lengths, steps);
    }
    let widths = Widths { input, output: config.output.size.map_or(output, |size| size.get()) };
    Ok((Dataset { x, wanted, lengths, steps }, widths))
}

fn read_x(x: Tensor, config: &Config) -> Result<(Steps, usize)> {
    if !config.takes_ids() {
        let features = x.shape.get(2).copied().unwrap_or(1);
        ensure!(features > 0, "array x has shape {:?}: its steps have no features", x.shape);
        ensure!(
            x.values.is_float(),
            "array x holds {}, expected float32 or float64 (or model.embedding or model.one_hot, which take ids)",
            x.values.kind()
        );
        return Ok((Steps::Features(x.values.into_f32().context("array x")?), features));
    }
    ensure!(x.shape.len() == 2, "array x has shape {:?}, expected [N, T] of ids", x.shape);
    ensure!(!x.values.is_float(), "array x holds {}, expected ids, which are integers", x.values.kind());
    let ids = x.values.to_i64().context("array x")?;
    let highest =
        ids.iter().copied().max().and_then(|id| usize::try_from(id).ok()).map_or(1, |id| id.saturating_add(1));
    Ok((Steps::Ids(ids), config.model.ids.map_or(highest, |ids| ids.get())))
}

fn read_y(y: Tensor, config: &Config, rows: &[usize]) -> Result<(Wanted, usize)> {
    let shape = y.shape.clone();
    if config.output.loss == Loss::CrossEntropy {
        ensure!(
            shape == rows,
            "array y has shape {shape:?}, expected {rows:?}, a class for every {}",
            if rows.len() == 1 { "sequence" } else { "step" }
        );
        ensure!(!y.values.is_float(), "array y holds {}, expected classes, which are integers", y.values.kind());
        let classes = y.values.to_i64().context("array y")?;
        let highest = classes.iter().copied().max().and_then(|class| usize::try_from(class).ok());
        let highest = highest.context("array y: expected classes from 0: all are below and left out")?;
        return Ok((Wanted::Classes(classes), highest.saturating_add(1)));
    }
    let width = match shape.strip_prefix(rows) {
        Some([]) => 1,
        Some([width]) if *width > 0 => *width,
        _ => bail!(
            "array y has shape {shape:?}, expected {rows:?} or {rows:?} and the values of a row as a further axis"
        ),
    };
    let values = y.values.into_f32().context("array y")?;
    if config.output.loss == Loss::BinaryCrossEntropy {
        let outside = values.iter().find(|value| !(0.0..=1.0).contains(*value));
        ensure!(
            outside.is_none(),
            "array y holds {}: binary_cross_entropy takes values from 0 to 1",
            outside.unwrap_or(&0.0)
        );
    }
    Ok((Wanted::Values(values), width))
}

/// What stands past a sequence's length is nobody's, whatever it is.
fn clear_padding(wanted: &mut Wanted, lengths: &[usize], steps: usize) {
    fn clear<T: Copy>(values: &mut [T], lengths: &[usize], steps: usize, nothing: T) {
        let width = values.len() / (lengths.len() * steps).max(1);
        for (sequence, length) in values.chunks_exact_mut((steps * width).max(1)).zip(lengths) {
            sequence[length * width..].fill(nothing);
        }
    }
    match wanted {
        Wanted::Values(values) => clear(values, lengths, steps, 0.0),
        Wanted::Classes(classes) => clear(classes, lengths, steps, -1),
    }
}

/// A number that other data would most likely not have: FNV-1a over words, its bits turned after each.
pub fn fingerprint<'a>(sets: impl IntoIterator<Item = &'a Dataset>) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut add = |word: u64| hash = (hash ^ word).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(29);
    for set in sets {
        add(set.steps as u64);
        set.lengths.iter().for_each(|length| add(*length as u64));
        match &set.x {
            Steps::Features(x) => x.iter().for_each(|value| add(u64::from(value.to_bits()))),
            Steps::Ids(ids) => ids.iter().for_each(|id| add(*id as u64)),
        }
        match &set.wanted {
            Wanted::Values(values) => values.iter().for_each(|value| add(u64::from(value.to_bits()))),
            Wanted::Classes(classes) => classes.iter().for_each(|class| add(*class as u64)),
        }
    }
    hash
}
