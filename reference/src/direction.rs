//! The two directions in which a cell can walk a sequence, and which layer of a network does so.

use std::fmt;

/// In which order a cell sees the steps of a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Direction {
    /// From the first step to the last.
    #[default]
    Forward,
    /// From the last step of each sequence to its first.
    Reverse,
}

impl Direction {
    /// The direction as a word: `forward`, `reverse`.
    pub fn name(self) -> &'static str {
        match self {
            Direction::Forward => "forward",
            Direction::Reverse => "reverse",
        }
    }

    /// The step that a cell computes after `count` others of a sequence with so many steps.
    ///
    /// ```
    /// use gatewise_reference::Direction;
    /// assert_eq!([0, 1, 2].map(|count| Direction::Forward.step(count, 3)), [0, 1, 2]);
    /// assert_eq!([0, 1, 2].map(|count| Direction::Reverse.step(count, 3)), [2, 1, 0]);
    /// ```
    ///
    /// # Panics
    /// If `count` is not below `length`.
    pub fn step(self, count: usize, length: usize) -> usize {
        assert!(count < length, "step {count} of a sequence with {length} steps");
        match self {
            Direction::Forward => count,
            Direction::Reverse => length - 1 - count,
        }
    }
}

/// One cell of a network: the layer, and which of its directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    /// The layer, from 0.
    pub layer: usize,
    /// The direction.
    pub direction: Direction,
}

/// Writes `layer 1, reverse`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "layer {}, {}", self.layer, self.direction.name())
    }
}
