//! The weights of a clockwork RNN.

use std::sync::Arc;

use super::{Matrices, Tensors, Weights};
use crate::cell::clockwork::ClockworkModule;
use crate::cell::rnn::RnnOptions;
use crate::error::{Error, Result};

/// The weights of one clockwork RNN layer (Koutník et al. 2014): those of a simple RNN whose units stand in modules. Clones
/// share the matrices.
///
/// A module fires at the steps with `(t + first_t) mod period = 0`, t being the steps of the sequence before this one (in the
/// reverse direction too); at all others its units keep their state, and nothing is computed for them. It hears the modules
/// whose period is at least its own: of R only that part is read, which is block upper triangular.
///
/// ```
/// use gatewise::{Activation, ClockworkWeights, Layout, Model, RnnOptions, Session};
///
/// // Two units that add up what they hear; the second one looks up at every other step only.
/// let sums = RnnOptions { activation: Activation::Identity, clip: None };
/// let weights = ClockworkWeights::new(1, 2, &[1.0, 1.0], &[1.0, 0.0, 0.0, 1.0], &[0.0, 0.0], &[1, 2])?;
/// let model = Model::new(weights.with_options(sums))?;
/// let mut y = [0.0; 6];
/// Session::new(&model, 1)?.run(&[1.0, 10.0, 100.0], Layout::TimeMajor, &mut y)?;
/// assert_eq!(y, [1.0, 1.0, 11.0, 1.0, 111.0, 101.0]);
/// # Ok::<(), gatewise::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ClockworkWeights {
    pub(super) tensors: Arc<Tensors>,
    modules: Vec<ClockworkModule>,
    first_t: usize,
    options: RnnOptions,
}

accessors!(ClockworkWeights, "", "");

impl ClockworkWeights {
    /// Takes row-major matrices `weight_ih` H × I, `weight_hh` H × H, `bias` H, and a period for each of as many modules of
    /// equal size. The first step counts as t = 0.
    ///
    /// # Errors
    /// [`Error::Size`] if a size or a period is 0, if the periods fall, or if H cannot be divided so; [`Error::Length`] if a
    /// buffer does not fit, [`Error::NotFinite`] for NaN or ∞.
    pub fn new(
        input_size: usize,
        hidden_size: usize,
        weight_ih: &[f32],
        weight_hh: &[f32],
        bias: &[f32],
        periods: &[usize],
    ) -> Result<Self> {
        if periods.is_empty() || !hidden_size.is_multiple_of(periods.len()) {
            let reason = "it does not divide into as many equal modules as there are periods";
            return Err(Error::Size { what: "hidden_size", value: hidden_size, reason });
        }
        let units = hidden_size / periods.len();
        let modules: Vec<_> = periods.iter().map(|period| ClockworkModule { period: *period, units }).collect();
        let matrices = Matrices::copied(weight_ih, weight_hh, bias);
        ClockworkWeights::from_parts(input_size, matrices, &modules)
    }

    /// The same with modules of any size; H is the sum of their units.
    ///
    /// # Errors
    /// As [`ClockworkWeights::new`].
    pub fn with_modules(
        input_size: usize,
        weight_ih: &[f32],
        weight_hh: &[f32],
        bias: &[f32],
        modules: &[ClockworkModule],
    ) -> Result<Self> {
        ClockworkWeights::from_parts(input_size, Matrices::copied(weight_ih, weight_hh, bias), modules)
    }

    pub(crate) fn from_parts(input: usize, matrices: Matrices, modules: &[ClockworkModule]) -> Result<Self> {
        let mut own: Vec<ClockworkModule> = Vec::with_capacity(modules.len());
        for module in modules {
            let refuse = |what, value, reason| Err(Error::Size { what, value, reason });
            if module.units == 0 {
                return refuse("units", 0, "a module has at least one");
            }
            let before = own.last().map_or(1, |module| module.period);
            if module.period < before {
                return refuse("period", module.period, "periods begin with 1 or more, and never fall");
            }
            match own.last_mut() {
                // Two of one period hear each other: they are one.
                Some(last) if last.period == module.period => last.units = last.units.saturating_add(module.units),
                _ => own.push(*module),
            }
        }
        let hidden = own.iter().fold(0usize, |sum, module| sum.saturating_add(module.units));
        let tensors = Tensors::new([1, input, hidden, hidden], matrices)?;
        Ok(ClockworkWeights { tensors, modules: own, first_t: 0, options: RnnOptions::default() })
    }

    /// Says what the first step of a sequence counts as: 0, or 1 where the first step is t = 1.
    #[must_use]
    pub fn with_first_t(mut self, first_t: usize) -> Self {
        self.first_t = first_t;
        self
    }

    /// Chooses the activation, clipping.
    #[must_use]
    pub fn with_options(mut self, options: RnnOptions) -> Self {
        self.options = options;
        self
    }

    /// The modules, periods rising; neighbours of the same period are one.
    pub fn modules(&self) -> &[ClockworkModule] {
        &self.modules
    }

    /// What the first step of a sequence counts as.
    pub fn first_t(&self) -> usize {
        self.first_t
    }

    /// Activation and clipping.
    pub fn options(&self) -> RnnOptions {
        self.options
    }

    /// Recurrent weights that are not read.
    pub(super) fn unheard(&self) -> usize {
        let mut before = 0;
        let parts = self.modules.iter().map(|module| {
            let unheard = module.units * before;
            before += module.units;
            unheard
        });
        parts.sum()
    }

    fn into_weights(self) -> Weights {
        Weights::Clockwork(self)
    }
}
