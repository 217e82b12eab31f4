//! The input file of a network: x, and h0, c0 and lengths where they are given, with every shape checked.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use gatewise::Layout;
use gatewise::network::{Flow, PassInfo, Rows};

use crate::arrays::{Array, Arrays, Integers, Tensor};

/// What a network is run on, beside x itself.
pub struct Inputs {
    /// T
    pub steps: usize,
    /// B
    pub batch: usize,
    /// Whether x came without an axis of sequences: the results then have none either.
    pub alone: bool,
    /// Whether it came without an axis of features, too: one value a step.
    pub flat: bool,
    /// B·P of each pass, zeros where the file has none; `None` if it has none at all.
    pub hidden: Option<Vec<f64>>,
    /// B·H of each pass that has a cell state.
    pub cell: Option<Vec<f64>>,
    /// The valid steps of each sequence, B of at most T; all of them where the file says nothing.
    pub lengths: Option<Vec<usize>>,
}

/// The rows of x: T·B·I or T·B, in the order of the file.
pub enum X {
    /// As the file has them.
    Features(Tensor),
    /// One id a row.
    Ids(Vec<i64>),
}

/// What a network asks of its input.
pub struct Expected<'a> {
    /// What a row is.
    pub input: Flow,
    /// Whose states there are.
    pub passes: &'a [PassInfo],
    /// The order of x's axes.
    pub layout: Layout,
}

/// The arrays that hold the states of some passes.
pub struct Named {
    /// Such as `h0`, or `h0.encoder` where the layers differ.
    pub name: String,
    /// Passes.
    pub count: usize,
    /// Values of each.
    pub width: usize,
}

/// Reads and checks; errors name the file, the array, what came and what was expected.
pub fn read(path: &Path, expected: &Expected<'_>) -> Result<(X, Inputs)> {
    read_checked(path, expected).with_context(|| path.display().to_string())
}

fn read_checked(path: &Path, expected: &Expected<'_>) -> Result<(X, Inputs)> {
    let mut arrays = Arrays::open(path)?;
    if arrays.names().iter().any(|name| name == "sequence_lens") {
        bail!("array sequence_lens: expected the sequences' lengths under the name lengths");
    }
    let (x, [steps, batch], axes) = read_x(&mut arrays, expected)?;
    let features = matches!(x, X::Features(_));
    let (alone, flat) = (axes < if features { 3 } else { 2 }, features && axes == 1);
    ensure!(batch > 0 && steps > 0, "array x has T = {steps} and B = {batch}: nothing to run");
    let mut states = |name: &str, width: fn(&PassInfo) -> usize| {
        let named = named(expected.passes, name, width);
        read_states(&mut arrays, &named, batch, alone)
    };
    let hidden = states("h0", |pass| pass.hidden)?;
    let cell = states("c0", |pass| pass.cell)?;
    let lengths = match arrays.read_integers("lengths")? {
        None => None,
        Some(lengths) => Some(check_lengths(lengths, steps, batch)?),
    };
    Ok((x, Inputs { steps, batch, alone, flat, hidden, cell, lengths }))
}

/// x with T, B, and the number of its axes.
fn read_x(arrays: &mut Arrays, expected: &Expected<'_>) -> Result<(X, [usize; 2], usize)> {
    let order = if expected.layout == Layout::BatchFirst { "B, T" } else { "T, B" };
    let (axes, what) = match expected.input.rows {
        Rows::Ids(count) => (format!("({order})"), format!("ids of shape ({order}) below {count}")),
        Rows::Features(width) => (format!("({order}, I)"), format!("float32 of shape ({order}, I) with I = {width}")),
    };
    let Some(x) = arrays.read_any("x")? else {
        match arrays.names() {
            [] => bail!("no array x: expected {what}, the file holds no arrays"),
            names => bail!("no array x: expected {what}, found {}", names.join(", ")),
        }
    };
    let shape = x.shape.clone();
    let (first, width) = match (expected.input.rows, &shape[..]) {
        (Rows::Ids(_), [first, second]) => ([*first, *second], 1),
        (Rows::Ids(_), [steps]) => ([*steps, 0], 1),
        (Rows::Features(_), [first, second, width]) => ([*first, *second], *width),
        (Rows::Features(_), [steps, width]) => ([*steps, 0], *width),
        (Rows::Features(1), [steps]) => ([*steps, 0], 1),
        (Rows::Features(_), _) => {
            bail!("array x has shape {shape:?}, expected three axes {axes}, or (T, I) of one sequence")
        }
        (Rows::Ids(_), _) => bail!("array x has shape {shape:?}, expected two axes {axes}, or (T) of one sequence"),
    };
    if let Rows::Features(expected) = expected.input.rows {
        ensure!(width == expected, "array x has shape {shape:?}, expected {axes} with I = {expected}");
    }
    let alone = shape.len() < if matches!(expected.input.rows, Rows::Ids(_)) { 2 } else { 3 };
    let sizes = match (alone, expected.layout) {
        (true, _) => [first[0], 1],
        (false, Layout::TimeMajor) => first,
        (false, Layout::BatchFirst) => [first[1], first[0]],
    };
    let x = match expected.input.rows {
        Rows::Features(_) => {
            ensure!(x.values.is_float(), "array x holds {}, expected float32 or float64", x.values.kind());
            X::Features(x)
        }
        Rows::Ids(count) => {
            let ids = x.values.to_i64().context("array x: expected ids")?;
            check_ids(&ids, &shape, count).context("array x")?;
            X::Ids(ids)
        }
    };
    Ok((x, sizes, shape.len()))
}

/// Refuses what is no id below `count`; the ids fill an array of this shape.
pub fn check_ids(ids: &[i64], shape: &[usize], count: usize) -> Result<()> {
    let known = |id: &i64| usize::try_from(*id).is_ok_and(|id| id < count);
    let Some(at) = ids.iter().position(|id| !known(id)) else { return Ok(()) };
    let place = match *shape {
        [_, columns] if columns > 0 => format!("[{}, {}]", at / columns, at % columns),
        _ => format!("[{at}]"),
    };
    bail!("id {} at {place}: expected 0 to {}", ids[at], count - 1)
}

/// The arrays of the states that `width` is of: one for all passes where they are alike, else one a layer.
pub fn named(passes: &[PassInfo], name: &str, width: fn(&PassInfo) -> usize) -> Vec<Named> {
    let alike = passes.windows(2).all(|pair| (pair[0].hidden, pair[0].cell) == (pair[1].hidden, pair[1].cell));
    let mut named: Vec<Named> = Vec::new();
    for pass in passes.iter().filter(|pass| width(pass) > 0) {
        let name = if alike { name.to_owned() } else { format!("{name}.{}", pass.layer) };
        match named.last_mut().filter(|last| last.name == name && last.width == width(pass)) {
            Some(last) => last.count += 1,
            None => named.push(Named { name, count: 1, width: width(pass) }),
        }
    }
    named
}

fn read_states(arrays: &mut Arrays, named: &[Named], batch: usize, alone: bool) -> Result<Option<Vec<f64>>> {
    let (mut states, mut any) = (Vec::new(), false);
    for Named { name, count, width } in named {
        let (count, width) = (*count, *width);
        match arrays.read(name)? {
            None => states.resize(states.len() + count * batch * width, 0.0),
            Some(Array { shape, values })
                if shape == [count, batch, width]
                    || (count == 1 && shape == [batch, width])
                    || (alone && shape == [count, width]) =>
            {
                states.extend(values);
                any = true;
            }
            Some(Array { shape, .. }) if count == 1 => {
                bail!("array {name} has shape {shape:?}, expected [1, {batch}, {width}] or [{batch}, {width}]")
            }
            Some(Array { shape, .. }) => {
                bail!(
                    "array {name} has shape {shape:?}, expected [{count}, {batch}, {width}] (layers · directions first)"
                )
            }
        }
    }
    Ok(any.then_some(states))
}

fn check_lengths(lengths: Integers, steps: usize, batch: usize) -> Result<Vec<usize>> {
    let Integers { shape, values } = lengths;
    ensure!(shape == [batch], "array lengths has shape {shape:?}, expected [{batch}], one for each sequence of x");
    let length = |(row, value): (usize, i64)| {
        let length = usize::try_from(value).ok().filter(|length| *length <= steps);
        length.with_context(|| format!("array lengths: sequence {row} has length {value}, expected 0 to T = {steps}"))
    };
    values.into_iter().enumerate().map(length).collect()
}

/// From `first × second × width` to `second × first × width`.
pub fn swap_first_axes<T: Copy>(values: &[T], first: usize, second: usize, width: usize) -> Vec<T> {
    let mut swapped = Vec::with_capacity(values.len());
    for b in 0..second {
        for a in 0..first {
            swapped.extend_from_slice(&values[(a * second + b) * width..][..width]);
        }
    }
    swapped
}
