//! What a run of a network writes.

use std::time::Duration;

use gatewise::network::PassInfo;

use super::inputs::{Inputs, named};
use crate::arrays::{Tensor, Values};

/// What was computed, y and c in the order of the input file's axes.
pub struct Computed<T> {
    /// T·B·O, or B·O where only the last step is given.
    pub y: Vec<T>,
    /// T·B·D·H where it was asked for.
    pub cells: Option<Vec<T>>,
    /// Each part's h of all passes.
    pub hidden: Vec<Vec<T>>,
    /// Each part's c of all passes that have one.
    pub cell: Vec<Vec<T>>,
    /// Sequences of each part.
    pub parts: Vec<usize>,
    /// How it was computed, for the closing line.
    pub how: String,
    /// Without reading and writing.
    pub took: Duration,
}

/// The shape of the results.
pub struct Shape<'a> {
    /// The axes before the last of y and c: T and B in the file's order, or B alone.
    pub rows: Vec<usize>,
    /// The axes before the last of c.
    pub steps: Vec<usize>,
    /// Values of a row of y.
    pub width: usize,
    /// Whose states there are.
    pub passes: &'a [PassInfo],
}

impl<T: Copy> Computed<T> {
    /// Nothing computed yet.
    pub fn empty(cells: bool, how: String) -> Self {
        Computed {
            y: Vec::new(),
            cells: cells.then(Vec::new),
            hidden: Vec::new(),
            cell: Vec::new(),
            parts: Vec::new(),
            how,
            took: Duration::ZERO,
        }
    }

    /// y, h_n and c_n, and c where it was asked for, with their names.
    pub fn arrays(self, shape: &Shape<'_>, inputs: &Inputs, wrap: fn(Vec<T>) -> Values) -> Vec<(String, Tensor)> {
        let alone = inputs.alone;
        // One value a step came, one value a step goes.
        let y = if inputs.flat && shape.width == 1 { shape.rows.clone() } else { with(&shape.rows, shape.width) };
        let mut arrays = vec![("y".to_owned(), Tensor { shape: y, values: wrap(self.y) })];
        let states = [
            ("h_n", &self.hidden, (|pass| pass.hidden) as fn(&PassInfo) -> usize),
            ("c_n", &self.cell, |pass| pass.cell),
        ];
        for (name, parts, width) in states {
            let widths: Vec<usize> = shape.passes.iter().map(width).filter(|width| *width > 0).collect();
            let mut passes = passes_of(parts, &self.parts, &widths).into_iter();
            for named in named(shape.passes, name, width) {
                let values: Vec<T> = passes.by_ref().take(named.count).flatten().collect();
                let axes = if alone { vec![named.count] } else { vec![named.count, inputs.batch] };
                arrays.push((named.name, Tensor { shape: with(&axes, named.width), values: wrap(values) }));
            }
        }
        if let Some(cells) = self.cells {
            let width = cells.len() / shape.steps.iter().product::<usize>().max(1);
            arrays.push(("c".to_owned(), Tensor { shape: with(&shape.steps, width), values: wrap(cells) }));
        }
        arrays
    }
}

fn with(axes: &[usize], last: usize) -> Vec<usize> {
    axes.iter().copied().chain([last]).collect()
}

/// Each pass's states of all sequences, from parts that hold all passes of some sequences.
fn passes_of<T: Copy>(parts: &[Vec<T>], sequences: &[usize], widths: &[usize]) -> Vec<Vec<T>> {
    let mut starts = vec![0; parts.len()];
    let pass = |width: &usize| {
        let mut states = Vec::new();
        for ((part, start), sequences) in parts.iter().zip(&mut starts).zip(sequences) {
            states.extend_from_slice(&part[*start..*start + sequences * width]);
            *start += sequences * width;
        }
        states
    };
    widths.iter().map(pass).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_of_parts_are_sorted_by_pass() {
        // Two passes of 1 and 2 values; three sequences in parts of two and one.
        let parts = [vec![1, 2, 10, 11, 20, 21], vec![3, 30, 31]];
        assert_eq!(passes_of(&parts, &[2, 1], &[1, 2]), [vec![1, 2, 3], vec![10, 11, 20, 21, 30, 31]]);
    }
}
