//! The shapes that a recurrent node's inputs must have, as far as they are known.

use gatewise::Layout;

use super::slots::{Inputs, WEIGHTS};
use super::{Cell, Spec};
use crate::error::Result;

/// A shape of which some sizes may not be known yet.
pub(super) type Shape = Vec<Option<usize>>;

/// An expected size: what it is called, and its value where that is known.
struct Size(String, Option<usize>);

/// The sizes of a node whose inputs fit each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sizes {
    /// T.
    pub steps: Option<usize>,
    /// B.
    pub batch: Option<usize>,
    /// I.
    pub input: Option<usize>,
    /// H.
    pub hidden: Option<usize>,
}

/// The axes of X that are steps and batch.
pub(super) fn axes(layout: Layout) -> [usize; 2] {
    match layout {
        Layout::TimeMajor => [0, 1],
        Layout::BatchFirst => [1, 0],
    }
}

/// Checks the shapes of all inputs against each other; `shapes` are in the node's order.
pub(super) fn check(spec: &Spec, inputs: &Inputs, shapes: &[Shape]) -> Result<Sizes> {
    let shape = |place: Option<usize>| place.and_then(|place| shapes.get(place));
    let size = |place: Option<usize>, axis: usize| shape(place).and_then(|shape| shape.get(axis).copied().flatten());
    let [w, r, _, _] = inputs.weights;
    let [time_axis, batch_axis] = axes(spec.layout);
    let x = Some(inputs.x);
    let (steps, batch) = (size(x, time_axis), size(x, batch_axis));
    let hidden = spec.hidden.or_else(|| size(r, 2));
    let input = size(w, 2).or_else(|| size(x, 2));
    let sizes = Sizes { steps, batch, input, hidden };
    let named = |name: &str, size: Option<usize>| Size(name.to_owned(), size);
    let directions = || named("directions", Some(spec.direction.count()));
    let times = |factor: usize| Size(format!("{factor}·H"), hidden.and_then(|hidden| hidden.checked_mul(factor)));
    let gates = spec.cell.gates();
    let with_batch = |first: Size, batch: Size, last: Size| match spec.layout {
        Layout::TimeMajor => vec![first, batch, last],
        Layout::BatchFirst => vec![batch, first, last],
    };
    let expected: [(&str, Option<usize>, Vec<Size>); 8] = [
        ("X", x, with_batch(named("T", steps), named("B", batch), named("I", input))),
        ("W", w, vec![directions(), times(gates), named("I", input)]),
        ("R", r, vec![directions(), times(gates), named("H", hidden)]),
        ("B", inputs.weights[2], vec![directions(), times(2 * gates)]),
        ("P", inputs.weights[3], vec![directions(), times(3)]),
        ("sequence_lens", inputs.lengths, vec![named("B", batch)]),
        ("initial_h", inputs.initial_h, with_batch(directions(), named("B", batch), named("H", hidden))),
        ("initial_c", inputs.initial_c, with_batch(directions(), named("B", batch), named("H", hidden))),
    ];
    for (name, place, expected) in expected {
        let Some(found) = shape(place) else { continue };
        let fits = |(found, expected): (&Option<usize>, &Size)| match (found, expected.1) {
            (Some(found), Some(expected)) => *found == expected,
            _ => true,
        };
        if found.len() != expected.len() || !found.iter().zip(&expected).all(fits) {
            return Err(spec.error(mismatch(name, found, &expected)));
        }
    }
    Ok(sizes)
}

fn mismatch(name: &str, found: &Shape, expected: &[Size]) -> String {
    let write = |size: &Option<usize>| size.map_or("?".to_owned(), |size| size.to_string());
    let found: Vec<String> = found.iter().map(write).collect();
    let expected: Vec<String> =
        expected.iter().map(|Size(name, size)| size.map_or(name.clone(), |size| format!("{name} = {size}"))).collect();
    format!("input {name} has shape [{}], expected [{}]", found.join(", "), expected.join(", "))
}

/// The name of the node's input at `place`.
pub(super) fn name(inputs: &Inputs, place: usize) -> &'static str {
    let weights = WEIGHTS.iter().zip(inputs.weights).find(|(_, at)| *at == Some(place));
    let others = [("sequence_lens", inputs.lengths), ("initial_h", inputs.initial_h), ("initial_c", inputs.initial_c)];
    match weights {
        Some((name, _)) => name,
        None => others.iter().find(|(_, at)| *at == Some(place)).map_or("X", |(name, _)| name),
    }
}

/// Whether the cell has a state c beside h.
pub(super) fn has_memory(cell: Cell) -> bool {
    cell == Cell::Lstm
}
