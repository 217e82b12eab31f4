//! One layer of a network: a cell that walks forward, one that walks in reverse, or both and what becomes of their outputs.

use crate::direction::Direction;
use crate::scalar::Scalar;
use crate::sequence::Cell;

/// One layer of a [`Network`](crate::Network).
#[derive(Debug, Clone, PartialEq)]
pub enum Layer<C> {
    /// One cell from the first step to the last.
    Forward(C),
    /// One cell from the last step of each sequence to the first. Its outputs are stored at the steps that they belong to, as
    /// ONNX does (Keras' `go_backwards` leaves them in the order of computation).
    Reverse(C),
    /// A cell for each direction; both read the same features.
    Both {
        /// The cell that walks from the first step to the last.
        forward: C,
        /// The cell that walks from the last step to the first.
        reverse: C,
        /// How their outputs become one.
        merge: Merge,
    },
}

/// How the outputs of two directions, step by step, become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Merge {
    /// One behind the other: `[forward, reverse]` (PyTorch, and Keras' default).
    #[default]
    Concat,
    /// forward + reverse.
    Sum,
    /// forward · reverse.
    Multiply,
    /// (forward + reverse) / 2.
    Average,
    /// They stay two sequences (Keras' `merge_mode=None`, ONNX' second dimension of Y). Only for the last layer.
    Separate,
}

impl<C> Layer<C> {
    /// Lists the cells and their directions, forward before reverse.
    pub fn cells(&self) -> Vec<(Direction, &C)> {
        match self {
            Layer::Forward(cell) => vec![(Direction::Forward, cell)],
            Layer::Reverse(cell) => vec![(Direction::Reverse, cell)],
            Layer::Both { forward, reverse, .. } => {
                vec![(Direction::Forward, forward), (Direction::Reverse, reverse)]
            }
        }
    }

    /// Which of [`Layer::cells`] a cell of this direction stands above: the one of the same direction, or the only one.
    pub(crate) fn side(&self, direction: Direction) -> usize {
        match (self, direction) {
            (Layer::Both { .. }, Direction::Reverse) => 1,
            _ => 0,
        }
    }

    /// How many values the layer computes a step: what the next layer reads. Of separate directions, those of the forward one.
    pub fn output_size<S: Scalar>(&self) -> usize
    where
        C: Cell<S>,
    {
        match self {
            Layer::Forward(cell) | Layer::Reverse(cell) => cell.output_size(),
            Layer::Both { forward, reverse, merge: Merge::Concat } => forward.output_size() + reverse.output_size(),
            Layer::Both { forward, .. } => forward.output_size(),
        }
    }
}

impl Merge {
    /// Merges the outputs of two directions that are so wide, step after step.
    ///
    /// ```
    /// use gatewise_reference::Merge;
    /// let (forward, reverse) = ([1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]);
    /// let merged = |merge: Merge| merge.apply(&forward, &reverse, [2, 2]);
    /// assert_eq!(merged(Merge::Concat), [1.0, 2.0, 5.0, 6.0, 3.0, 4.0, 7.0, 8.0]);
    /// assert_eq!(merged(Merge::Sum), [6.0, 8.0, 10.0, 12.0]);
    /// assert_eq!(merged(Merge::Multiply), [5.0, 12.0, 21.0, 32.0]);
    /// assert_eq!(merged(Merge::Average), [3.0, 4.0, 5.0, 6.0]);
    /// assert_eq!(merged(Merge::Separate), forward);
    /// ```
    ///
    /// # Panics
    /// If one has fewer steps than the other, or if they are merged number by number and differ in width.
    pub fn apply<S: Scalar>(self, forward: &[S], reverse: &[S], widths: [usize; 2]) -> Vec<S> {
        let two = S::ONE + S::ONE;
        match self {
            Merge::Concat => concat(forward, reverse, widths),
            Merge::Sum => pairwise(forward, reverse, |a, b| a + b),
            Merge::Multiply => pairwise(forward, reverse, |a, b| a * b),
            Merge::Average => pairwise(forward, reverse, |a, b| (a + b) / two),
            Merge::Separate => forward.to_vec(),
        }
    }
}

fn concat<S: Scalar>(forward: &[S], reverse: &[S], [left, right]: [usize; 2]) -> Vec<S> {
    let mut joined = Vec::with_capacity(forward.len() + reverse.len());
    let steps = (forward.len() + reverse.len()).checked_div(left + right).unwrap_or(0);
    for step in 0..steps {
        joined.extend(&forward[step * left..(step + 1) * left]);
        joined.extend(&reverse[step * right..(step + 1) * right]);
    }
    joined
}

fn pairwise<S: Scalar>(forward: &[S], reverse: &[S], merge: impl Fn(S, S) -> S) -> Vec<S> {
    assert_eq!(forward.len(), reverse.len(), "two directions of different widths");
    let mut merged = Vec::with_capacity(forward.len());
    for at in 0..forward.len() {
        merged.push(merge(forward[at], reverse[at]));
    }
    merged
}
