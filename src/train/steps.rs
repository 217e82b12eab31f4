//! The rows of some sequences, step by step and without padding.

use crate::sequence::share::Way;

/// Sequences of falling length, and where the rows of each step are: those of step 0, then those of step 1, and so on. Of the
/// sequences of a step, which are the first ones, each has one row.
#[derive(Clone, Debug)]
pub(crate) struct Steps {
    lengths: Vec<usize>,
    /// Where each step begins, and the end.
    starts: Vec<usize>,
}

impl Steps {
    /// For sequences of these lengths, which fall.
    pub fn new(lengths: Vec<usize>) -> Self {
        let mut starts = vec![0];
        for step in 0..lengths.first().copied().unwrap_or(0) {
            starts.push(starts[step] + lengths.partition_point(|length| *length > step));
        }
        Steps { lengths, starts }
    }

    /// Sequences.
    pub fn sequences(&self) -> usize {
        self.lengths.len()
    }

    /// Steps of the longest sequence.
    pub fn count(&self) -> usize {
        self.starts.len() - 1
    }

    /// Rows of all steps.
    pub fn rows(&self) -> usize {
        self.starts[self.count()]
    }

    /// Where a step's rows begin; of the step after the last one, the end.
    pub fn start(&self, step: usize) -> usize {
        self.starts[step]
    }

    /// Sequences that have this step.
    pub fn active(&self, step: usize) -> usize {
        if step < self.count() { self.starts[step + 1] - self.starts[step] } else { 0 }
    }

    /// The row of a sequence at which a direction is after `step` steps.
    #[inline(always)]
    pub fn row(&self, way: Way, step: usize, sequence: usize) -> usize {
        let step = match way {
            Way::Forward => step,
            Way::Reverse => self.lengths[sequence] - 1 - step,
        };
        self.starts[step] + sequence
    }
}

impl Steps {
    /// Which of its own steps each sequence is at after `step` steps of a direction.
    pub fn times<'a>(&self, way: Way, step: usize, times: &'a mut [usize]) -> &'a [usize] {
        let times = &mut times[..self.active(step)];
        for (time, length) in times.iter_mut().zip(&self.lengths) {
            *time = if way == Way::Forward { step } else { length - 1 - step };
        }
        times
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_of_every_sequence_has_one_row_in_both_directions() {
        let lengths = vec![5, 5, 3, 1, 0];
        let steps = Steps::new(lengths.clone());
        assert_eq!((steps.rows(), steps.count(), steps.sequences()), (14, 5, 5));
        assert_eq!([0, 1, 2, 3, 4, 5].map(|step| steps.active(step)), [4, 3, 3, 2, 2, 0]);
        for way in [Way::Forward, Way::Reverse] {
            let mut rows = Vec::new();
            for step in 0..steps.count() {
                rows.extend((0..steps.active(step)).map(|sequence| steps.row(way, step, sequence)));
            }
            rows.sort_unstable();
            assert_eq!(rows, (0..14).collect::<Vec<_>>());
        }
        assert_eq!(steps.row(Way::Reverse, 0, 2), steps.row(Way::Forward, 2, 2));
    }
}
