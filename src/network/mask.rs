//! Steps that are left out: what is left is moved together, run with its own lengths, and moved apart again.

use crate::sequence::layout::Layout;

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
        let kept = |sequence: usize| {
            let length = lengths.map_or(axes.steps, |lengths| lengths[sequence]);
            (0..length).filter(|step| mask[axes.row(sequence, *step)]).collect()
        };
        Kept { axes, steps: (0..axes.batch).map(kept).collect() }
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

fn copy_row(from: &[f32], source: usize, to: &mut [f32], target: usize, width: usize) {
    to[target * width..][..width].copy_from_slice(&from[source * width..][..width]);
}

/// Turns the order of all steps.
pub(super) fn turned(values: &[f32], axes: Axes, width: usize) -> Vec<f32> {
    let mut turned = vec![0.0; values.len()];
    for sequence in 0..axes.batch {
        for step in 0..axes.steps {
            let from = axes.row(sequence, axes.steps - 1 - step);
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
        let moved = kept.together(&values, 1);
        assert_eq!(moved, [2.0, 4.0, 0.0, 6.0, 7.0, 8.0]);
        assert_eq!(kept.apart(&moved, 1, Gap::Zeros), [0.0, 2.0, 0.0, 4.0, 0.0, 6.0, 7.0, 8.0, 0.0, 0.0]);
        assert_eq!(kept.apart(&moved, 1, Gap::Before), [0.0, 2.0, 2.0, 4.0, 4.0, 6.0, 7.0, 8.0, 8.0, 8.0]);
        assert_eq!(kept.apart(&moved, 1, Gap::Behind), [2.0, 2.0, 4.0, 4.0, 0.0, 6.0, 7.0, 8.0, 0.0, 0.0]);
    }

    #[test]
    fn turning_twice_changes_nothing() {
        for layout in [Layout::TimeMajor, Layout::BatchFirst] {
            let axes = Axes { layout, batch: 3, steps: 4 };
            let values: Vec<f32> = (0..24).map(|n| n as f32).collect();
            let once = turned(&values, axes, 2);
            assert_eq!(once[axes.row(1, 0) * 2], values[axes.row(1, 3) * 2]);
            assert_eq!(turned(&once, axes, 2), values);
        }
    }
}
