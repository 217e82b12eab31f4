//! Steps that are left out: what is left is moved together, run with its own lengths, and moved apart again.

use crate::error::{Error, Result};
use crate::sequence::layout::Layout;
use crate::sequence::share::Way;

/// Where the row of a sequence and step stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axes {
    pub layout: Layout,
    pub batch: usize,
    pub steps: usize,
}

impl Axes {
    pub fn row(self, sequence: usize, step: usize) -> usize {
        match self.layout {
            Layout::TimeMajor => step * self.batch + sequence,
            Layout::BatchFirst => sequence * self.steps + step,
        }
    }

    pub fn rows(self) -> usize {
        self.batch * self.steps
    }
}

/// The steps that are left, sequence by sequence.
pub(super) struct Kept {
    axes: Axes,
    /// Of each sequence, in order.
    steps: Vec<Vec<usize>>,
    /// Steps of each sequence, with those left out.
    all: Vec<usize>,
}

/// What stands at a step that was left out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Gap {
    Zeros,
    /// The output of the last kept step before it.
    Before,
    /// The output of the first kept step behind it.
    Behind,
}

impl Kept {
    /// The steps that `mask` has, within each sequence's length.
    pub fn new(axes: Axes, mask: &[bool], lengths: Option<&[usize]>) -> Self {
        let all = lengths.map_or_else(|| vec![axes.steps; axes.batch], <[usize]>::to_vec);
        let kept =
            |(sequence, length): (usize, &usize)| (0..*length).filter(|step| mask[axes.row(sequence, *step)]).collect();
        Kept { axes, steps: all.iter().enumerate().map(kept).collect(), all }
    }

    /// Whether the step that is read last is left; true of a sequence that has no step.
    pub fn has_last(&self, sequence: usize, way: Way) -> bool {
        let (steps, length) = (&self.steps[sequence], self.all[sequence]);
        length == 0
            || match way {
                Way::Forward => steps.last() == Some(&(length - 1)),
                Way::Reverse => steps.first() == Some(&0),
            }
    }

    pub fn lengths(&self) -> Vec<usize> {
        self.steps.iter().map(Vec::len).collect()
    }

    /// The axes of what is left.
    pub fn axes(&self) -> Axes {
        Axes { steps: self.steps.iter().map(Vec::len).max().unwrap_or(0), ..self.axes }
    }

    /// The rows that are left, at the front of each sequence.
    pub fn together(&self, values: &[f32], width: usize) -> Vec<f32> {
        let axes = self.axes();
        let mut moved = vec![0.0; axes.rows() * width];
        for (sequence, steps) in self.steps.iter().enumerate() {
            for (to, from) in steps.iter().enumerate() {
                copy_row(values, self.axes.row(sequence, *from), &mut moved, axes.row(sequence, to), width);
            }
        }
        moved
    }

    /// The rows at their own steps again, and `gap` between them.
    pub fn apart(&self, moved: &[f32], width: usize, gap: Gap) -> Vec<f32> {
        let axes = self.axes();
        let mut values = vec![0.0; self.axes.rows() * width];
        for (sequence, steps) in self.steps.iter().enumerate() {
            let mut next = 0;
            for step in 0..self.axes.steps {
                let own = steps.get(next) == Some(&step);
                let from = match gap {
                    _ if own => Some(next),
                    Gap::Zeros => None,
                    Gap::Before => next.checked_sub(1),
                    Gap::Behind => Some(next).filter(|next| *next < steps.len()),
                };
                next += usize::from(own);
                if let Some(from) = from {
                    copy_row(moved, axes.row(sequence, from), &mut values, self.axes.row(sequence, step), width);
                }
            }
        }
        values
    }
}

/// Zeros for so many rows, if there is memory for them.
pub(super) fn zeros(what: &'static str, rows: usize, width: usize) -> Result<Vec<f32>> {
    let too_large = || Error::Size { what, value: rows, reason: "the values of its rows do not fit in memory" };
    let values = rows.checked_mul(width).ok_or_else(too_large)?;
    let mut zeros = Vec::new();
    zeros.try_reserve_exact(values).map_err(|_| too_large())?;
    zeros.resize(values, 0.0);
    Ok(zeros)
}

fn copy_row(from: &[f32], source: usize, to: &mut [f32], target: usize, width: usize) {
    to[target * width..][..width].copy_from_slice(&from[source * width..][..width]);
}

/// Turns the order of each sequence's steps; rows past its length are zeros.
pub(super) fn turned(values: &[f32], axes: Axes, width: usize, lengths: Option<&[usize]>) -> Vec<f32> {
    let mut turned = vec![0.0; values.len()];
    for sequence in 0..axes.batch {
        let length = lengths.map_or(axes.steps, |lengths| lengths[sequence]);
        for step in 0..length {
            let from = axes.row(sequence, length - 1 - step);
            copy_row(values, from, &mut turned, axes.row(sequence, step), width);
        }
    }
    turned
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_to_their_steps_and_gaps_are_filled() {
        let axes = Axes { layout: Layout::BatchFirst, batch: 2, steps: 5 };
        let values: Vec<f32> = (1..=10).map(|n| n as f32).collect();
        let mask = [false, true, false, true, false, true, true, true, true, true];
        let kept = Kept::new(axes, &mask, Some(&[5, 3]));
        assert_eq!(kept.lengths(), [2, 3]);
        let ends = [Way::Forward, Way::Reverse].map(|way| [0, 1].map(|sequence| kept.has_last(sequence, way)));
        assert_eq!(ends, [[false, true], [false, true]]);
        assert!(Kept::new(axes, &mask, Some(&[4, 0])).has_last(0, Way::Forward));
        let moved = kept.together(&values, 1);
        assert_eq!(moved, [2.0, 4.0, 0.0, 6.0, 7.0, 8.0]);
        assert_eq!(kept.apart(&moved, 1, Gap::Zeros), [0.0, 2.0, 0.0, 4.0, 0.0, 6.0, 7.0, 8.0, 0.0, 0.0]);
        assert_eq!(kept.apart(&moved, 1, Gap::Before), [0.0, 2.0, 2.0, 4.0, 4.0, 6.0, 7.0, 8.0, 8.0, 8.0]);
        assert_eq!(kept.apart(&moved, 1, Gap::Behind), [2.0, 2.0, 4.0, 4.0, 0.0, 6.0, 7.0, 8.0, 0.0, 0.0]);
    }

    #[test]
    fn turning_twice_changes_nothing_within_the_lengths() {
        for layout in [Layout::TimeMajor, Layout::BatchFirst] {
            let axes = Axes { layout, batch: 3, steps: 4 };
            let values: Vec<f32> = (1..=24).map(|n| n as f32).collect();
            let once = turned(&values, axes, 2, None);
            assert_eq!(once[axes.row(1, 0) * 2], values[axes.row(1, 3) * 2]);
            assert_eq!(turned(&once, axes, 2, None), values);
            let lengths = Some(&[4, 0, 3][..]);
            let once = turned(&values, axes, 2, lengths);
            assert_eq!(once[axes.row(2, 0) * 2], values[axes.row(2, 2) * 2]);
            assert_eq!(once[axes.row(2, 3) * 2], 0.0);
            let twice = turned(&once, axes, 2, lengths);
            for (sequence, step) in [(0, 0), (0, 3), (2, 0), (2, 2)] {
                let place = axes.row(sequence, step) * 2;
                assert_eq!(twice[place..][..2], values[place..][..2], "{layout:?}, sequence {sequence}, step {step}");
            }
        }
    }
}
