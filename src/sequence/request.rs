//! What a call of a session reads and writes.

use super::layout::Layout;

/// Sequences for [`Session::forward`](crate::Session::forward).
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    pub(super) x: &'a [f32],
    pub(super) layout: Layout,
    pub(super) lengths: Option<&'a [usize]>,
}

impl<'a> Batch<'a> {
    /// Takes the input, T × B × I time-major.
    pub fn new(x: &'a [f32]) -> Self {
        Batch { x, layout: Layout::TimeMajor, lengths: None }
    }

    /// Says in which order the axes are, of input and outputs alike.
    #[must_use]
    pub fn layout(mut self, layout: Layout) -> Self {
        self.layout = layout;
        self
    }

    /// Gives each sequence's own length, B values of at most T, in any order; 0 is allowed.
    ///
    /// As in PyTorch's packed sequences and ONNX's `sequence_lens`: outputs past a sequence's length are 0, final states are
    /// those of its last valid step, and the reverse direction begins there. Padding costs no time.
    #[must_use]
    pub fn lengths(mut self, lengths: &'a [usize]) -> Self {
        self.lengths = Some(lengths);
        self
    }
}

/// What [`Session::forward`](crate::Session::forward) writes; what is not asked for costs nothing.
#[derive(Debug, Default)]
pub struct Outputs<'a> {
    pub(super) hidden: Option<&'a mut [f32]>,
    pub(super) reverse: Option<&'a mut [f32]>,
    pub(super) cells: Option<&'a mut [f32]>,
}

impl<'a> Outputs<'a> {
    /// Only the final states, which the session keeps.
    pub fn none() -> Self {
        Outputs::default()
    }

    /// Every hidden state of the last layer: T × B × O, or B × T × O batch-first.
    #[must_use]
    pub fn hidden(mut self, y: &'a mut [f32]) -> Self {
        self.hidden = Some(y);
        self
    }

    /// Every hidden state of the last layer's reverse direction, where [`Merge::None`](crate::Merge::None) keeps it apart; O values a row.
    #[must_use]
    pub fn reverse(mut self, y: &'a mut [f32]) -> Self {
        self.reverse = Some(y);
        self
    }

    /// Every cell state of the last layer, its directions side by side: T × B × (directions · H).
    #[must_use]
    pub fn cells(mut self, c: &'a mut [f32]) -> Self {
        self.cells = Some(c);
        self
    }
}
