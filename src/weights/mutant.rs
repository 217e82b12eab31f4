//! The weights of MUT1, MUT2 and MUT3.

use std::sync::Arc;

use super::{Matrices, Tensors, Weights};
use crate::cell::mutant::Mutation;
use crate::error::Result;

/// The weights of one layer of MUT1, MUT2 or MUT3 (Jozefowicz et al. 2015; [`Mutation`]): rows gate by gate in the order r z n.
/// Clones share the matrices.
#[derive(Clone, Debug, PartialEq)]
pub struct MutantWeights {
    pub(super) tensors: Arc<Tensors>,
    mutation: Mutation,
}

accessors!(MutantWeights, "3", ", gates r z n");

impl MutantWeights {
    /// Takes row-major matrices whose rows go r z n: `weight_ih` 3·H × I, `weight_hh` 3·H × H, `bias` 3·H. MUT1 has no R_z:
    /// those rows are not read, and do not count as parameters.
    ///
    /// # Errors
    /// [`Error::Size`](crate::Error::Size) if a size is 0, [`Error::Length`](crate::Error::Length) if a buffer does not fit,
    /// [`Error::NotFinite`](crate::Error::NotFinite) for NaN or ∞.
    pub fn new(
        mutation: Mutation,
        input_size: usize,
        hidden_size: usize,
        weight_ih: &[f32],
        weight_hh: &[f32],
        bias: &[f32],
    ) -> Result<Self> {
        let matrices = Matrices::copied(weight_ih, weight_hh, bias);
        MutantWeights::from_parts(mutation, [input_size, hidden_size], matrices)
    }

    pub(crate) fn from_parts(mutation: Mutation, [input, hidden]: [usize; 2], matrices: Matrices) -> Result<Self> {
        Ok(MutantWeights { tensors: Tensors::new([3, input, hidden, hidden], matrices)?, mutation })
    }

    /// Which of the three it is.
    pub fn mutation(&self) -> Mutation {
        self.mutation
    }

    /// Recurrent weights that are not read.
    pub(super) fn unheard(&self) -> usize {
        if self.mutation == Mutation::Mut1 { self.hidden_size() * self.hidden_size() } else { 0 }
    }

    fn into_weights(self) -> Weights {
        Weights::Mutant(self)
    }
}
