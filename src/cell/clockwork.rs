//! The clockwork RNN: a simple RNN whose units are computed at their own pace (Koutník et al. 2014).
//!
//! `h = φ(W x + R h⁻ + b)` at the steps of a module's own clock, `h = h⁻` at all others. The update is the simple RNN's; what is
//! here is which modules there are, and when each fires.

use std::ops::Range;

/// Units of a clockwork RNN that are computed at the same steps; modules stand in the order of rising periods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClockworkModule {
    /// Every how many steps it is computed, from 1.
    pub period: usize,
    /// Its units.
    pub units: usize,
}

impl ClockworkModule {
    /// Whether it fires at step t of a sequence whose first step counts as `first_t`: `(t + first_t) mod period = 0`.
    pub fn fires(&self, t: usize, first_t: usize) -> bool {
        t.saturating_add(first_t).is_multiple_of(self.period)
    }
}

/// Rows that are at the same step of their sequences, as ranges with that step.
pub(crate) fn same_step(steps: &[usize]) -> impl Iterator<Item = (Range<usize>, usize)> {
    let mut start = 0;
    steps.chunk_by(|a, b| a == b).map(move |rows| {
        let range = start..start + rows.len();
        start = range.end;
        (range, rows[0])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_at_the_same_step_are_one_range() {
        let found: Vec<_> = same_step(&[3, 3, 1, 1, 1, 3]).collect();
        assert_eq!(found, [(0..2, 3), (2..5, 1), (5..6, 3)]);
        assert_eq!(same_step(&[]).count(), 0);
    }
}
