//! The LSTM: gates i f g o, cell state, hidden state.

use crate::error::Result;
use crate::kernel::math::{gate, gated_tanh};
use crate::kernel::pack::{Panels, Shape, Weights};
use crate::kernel::tile::{Advanced, Cell};
use crate::simd::{Isa, Level, Token, Vector};
use crate::weights::LstmWeights;

/// Gates of an LSTM unit, in the order i f g o.
pub(crate) const GATES: usize = 4;

/// The update `c = σ(z_f)·c⁻ + σ(z_i)·tanh(z_g)`, `h = σ(z_o)·tanh(c)`
/// (Hochreiter & Schmidhuber 1997 with the forget gate of Gers et al. 2000).
#[derive(Clone, Copy)]
pub(crate) struct LstmCell;

impl Cell<GATES> for LstmCell {
    #[inline(always)]
    fn advance<I: Isa>(
        self,
        isa: I,
        input: [I::Vector; GATES],
        recurrent: [I::Vector; GATES],
        c: I::Vector,
    ) -> Advanced<I::Vector> {
        let z = |gate: usize| input[gate] + recurrent[gate];
        let (i, f, g, o) = (z(0), z(1), z(2), z(3));
        let c = gate(isa, f).mul_add(c, gated_tanh(isa, i, g));
        Advanced { memory: c, hidden: gated_tanh(isa, o, c) }
    }
}

/// An LSTM layer with its weights packed for one instruction set: immutable, shared by any number of sessions.
///
/// ```
/// use gatewise::{Lstm, LstmWeights, Session};
///
/// // One unit, one feature; rows in the order i f g o.
/// let weights = LstmWeights::new(1, 1, &[1.65, 1.63, 0.94, -0.19], &[2.0, 2.7, 1.41, 4.38], &[0.62, 1.62, -0.32, 0.59])?;
/// let model = Lstm::new(&weights)?;
/// let mut session = Session::new(&model, 1)?;
/// session.set_state(&[1.0], &[2.0])?;
/// let h = session.step(&[1.0])?;
/// assert!((h[0] - 0.986_229_1).abs() < 1e-6);
/// assert!((session.cell_state()[0] - 2.947_567_4).abs() < 1e-6);
/// # Ok::<(), gatewise::Error>(())
/// ```
#[derive(Clone)]
pub struct Lstm {
    panels: Panels,
    token: Token,
}

impl Lstm {
    /// Packs the weights for the fastest instruction set of this machine, or for the one that `GATEWISE_ISA` names.
    ///
    /// # Errors
    /// What [`Level::chosen`] returns.
    pub fn new(weights: &LstmWeights) -> Result<Self> {
        Lstm::with_level(weights, Level::chosen()?)
    }

    /// Packs the weights for `level`.
    ///
    /// # Errors
    /// [`Error::MissingLevel`](crate::Error::MissingLevel) if this machine does not have it.
    pub fn with_level(weights: &LstmWeights, level: Level) -> Result<Self> {
        let token = level.token()?;
        let shape = Shape { gates: GATES, input: weights.input_size(), hidden: weights.hidden_size() };
        let tensors = Weights { input: weights.weight_ih(), recurrent: weights.weight_hh(), bias: weights.bias() };
        Ok(Lstm { panels: Panels::pack(shape, level.lanes(), tensors), token })
    }

    /// Features of an input row (I).
    pub fn input_size(&self) -> usize {
        self.panels.shape().input
    }

    /// Hidden units (H).
    pub fn hidden_size(&self) -> usize {
        self.panels.shape().hidden
    }

    /// The instruction set that it runs on.
    pub fn level(&self) -> Level {
        self.token.level()
    }

    /// Bytes of packed weights.
    pub fn packed_bytes(&self) -> usize {
        self.panels.bytes()
    }

    /// Floating-point operations of the two products for one row and one step, `8·H·(I + H)`; activations not counted.
    pub fn flops_per_step(&self) -> usize {
        2 * GATES * self.hidden_size() * (self.input_size() + self.hidden_size())
    }

    pub(crate) fn panels(&self) -> &Panels {
        &self.panels
    }

    pub(crate) fn token(&self) -> Token {
        self.token
    }
}
