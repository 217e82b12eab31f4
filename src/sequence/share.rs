//! Which sequences of a batch go together, and where their rows are.

/// In which order a layer reads its steps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Way {
    /// First to last.
    Forward,
    /// From each sequence's own end.
    Reverse,
}

/// Which sequences of the batch, longest first.
#[derive(Clone, Copy)]
pub(crate) struct Share<'a> {
    /// Their places in the batch; without it they are `first ..`.
    pub order: Option<&'a [usize]>,
    /// The first one's place.
    pub first: usize,
    /// How many.
    pub count: usize,
    /// Their lengths, falling; without it all have `steps`.
    pub lengths: Option<&'a [usize]>,
    /// T.
    pub steps: usize,
}

impl Share<'_> {
    /// The place in the batch.
    #[inline(always)]
    pub fn place(&self, row: usize) -> usize {
        self.order.map_or(self.first + row, |order| order[row])
    }

    /// The length of a sequence.
    #[inline(always)]
    pub fn length(&self, row: usize) -> usize {
        self.lengths.map_or(self.steps, |lengths| lengths[row])
    }

    /// The step of a sequence at which a direction is after `step` steps.
    #[inline(always)]
    pub fn at(&self, way: Way, step: usize, row: usize) -> usize {
        match way {
            Way::Forward => step,
            Way::Reverse => self.length(row) - 1 - step,
        }
    }

    /// Sequences that still run at `step`.
    #[inline(always)]
    pub fn active(&self, step: usize) -> usize {
        match self.lengths {
            None if step < self.steps => self.count,
            None => 0,
            Some(lengths) => lengths.partition_point(|length| *length > step),
        }
    }
}

/// Where the rows of an array are: of the batch, or of a share alone.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    /// Values from one step to the next.
    pub step: usize,
    /// Values from one row to the next.
    pub row: usize,
    /// Values before the row's own.
    pub column: usize,
    /// The first step that the array holds.
    pub first_step: usize,
    /// Whether rows go by their place in the batch or in the share.
    pub of: Of,
}

/// What an array's rows are counted by.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Of {
    /// The batch.
    Batch,
    /// The share.
    Share,
}

impl Place {
    #[inline(always)]
    pub fn at(&self, share: &Share<'_>, step: usize, row: usize) -> usize {
        let row = if self.of == Of::Batch { share.place(row) } else { row };
        (step - self.first_step) * self.step + row * self.row + self.column
    }
}
