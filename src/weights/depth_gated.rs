//! The weights of a depth-gated LSTM.

use std::sync::Arc;

use super::{Matrices, Tensors, Weights, check_finite};
use crate::cell::lstm::LstmOptions;
use crate::error::{Error, Result};
use crate::sequence::share::Way;

/// The weights of one depth-gated LSTM layer (Yao et al. 2015): rows gate by gate in the order i f g o d, of which d hears no
/// h⁻. Clones share the matrices.
///
/// `c = d·c_below + f·c⁻ + i·g` with `d = σ(W_d x + b_d + w_cd·c⁻ + w_ld·c_below)`, where `c_below` is what the layer below
/// computes at the same step: an LSTM or another depth-gated one of as many units, in the same one direction, without a
/// projection. All else is the LSTM's, whose gates i f o have peepholes in the paper.
///
/// ```
/// use gatewise::{DepthGatedWeights, LstmWeights, Model};
///
/// let lowest = LstmWeights::new(3, 2, &[0.1; 24], &[0.1; 16], &[0.0; 8])?;
/// let above = DepthGatedWeights::new(2, 2, &[0.1; 20], &[0.1; 16], &[0.0; 10], [&[0.1; 2], &[0.1; 2]])?;
/// let model = Model::builder().layer(lowest).layer(&above).build()?;
/// assert_eq!(model.layers(), 2);
/// assert!(Model::new(above).is_err());
/// # Ok::<(), gatewise::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct DepthGatedWeights {
    pub(super) tensors: Arc<Tensors>,
    /// p_i, p_f, p_o, any of which may be empty, w_cd, w_ld.
    pub(super) peepholes: [Vec<f32>; 5],
    options: LstmOptions,
}

/// The peepholes' names, in order.
pub(super) const PEEPHOLES: [&str; 5] = ["peephole_i", "peephole_f", "peephole_o", "depth_peephole", "below_peephole"];

accessors!(DepthGatedWeights, "5", "4", ", gates i f g o d (R: i f g o)");

impl DepthGatedWeights {
    /// Takes row-major matrices `weight_ih` 5·H × I, rows i f g o d, `weight_hh` 4·H × H, rows i f g o, `bias` 5·H, and the depth
    /// gate's peepholes w_cd and w_ld, H values each.
    ///
    /// # Errors
    /// [`Error::Size`] if a size is 0, [`Error::Length`] if a buffer does not fit, [`Error::NotFinite`] for NaN or ∞.
    pub fn new(
        input_size: usize,
        hidden_size: usize,
        weight_ih: &[f32],
        weight_hh: &[f32],
        bias: &[f32],
        depth_peepholes: [&[f32]; 2],
    ) -> Result<Self> {
        let matrices = Matrices::copied(weight_ih, weight_hh, bias);
        DepthGatedWeights::from_parts([input_size, hidden_size], matrices, depth_peepholes.map(<[f32]>::to_vec))
    }

    pub(crate) fn from_parts(
        [input, hidden]: [usize; 2],
        matrices: Matrices,
        [previous, below]: [Vec<f32>; 2],
    ) -> Result<Self> {
        let tensors = Tensors::hearing(4, [5, input, hidden, hidden], matrices)?;
        let peepholes = [Vec::new(), Vec::new(), Vec::new(), previous, below];
        for (name, values) in ["w_cd", "w_ld"].into_iter().zip(&peepholes[3..]) {
            Error::check_length(name, values.len(), "H", &[hidden])?;
            check_finite(name, values)?;
        }
        Ok(DepthGatedWeights { tensors, peepholes, options: LstmOptions::default() })
    }

    /// Adds peepholes `p_i`, `p_f`, `p_o` of H values each; `None` for a gate that has none.
    ///
    /// # Errors
    /// [`Error::Length`] or [`Error::NotFinite`].
    pub fn with_peepholes(mut self, peepholes: [Option<&[f32]>; 3]) -> Result<Self> {
        let own = super::peepholes(self.hidden_size(), peepholes)?;
        for (target, own) in self.peepholes.iter_mut().zip(own) {
            *target = own;
        }
        Ok(self)
    }

    /// Chooses the options of the LSTM that it is beside the depth gate.
    #[must_use]
    pub fn with_options(mut self, options: LstmOptions) -> Self {
        self.options = options;
        self
    }

    /// p_i, p_f and p_o, any of which may be empty, w_cd and w_ld; H values each.
    pub fn peepholes(&self) -> &[Vec<f32>; 5] {
        &self.peepholes
    }

    /// Which LSTM it is beside the depth gate.
    pub fn options(&self) -> LstmOptions {
        self.options
    }

    /// What is wrong with the layer below, if something is. `own` and `below` are the directions of the layers.
    pub(crate) fn refuses(own: &[(Way, &Weights)], below: Option<&[(Way, &Weights)]>) -> Option<String> {
        if !own.iter().any(|(_, weights)| matches!(weights, Weights::DepthGated(_))) {
            return None;
        }
        let [(direction, weights)] = own else {
            return Some("reads in both directions, which a depth-gated LSTM cannot".to_owned());
        };
        let hidden = weights.hidden_size();
        let found = match below {
            None => "there is none".to_owned(),
            Some([(other, _)]) if other != direction => "it reads in the other direction".to_owned(),
            Some([(_, Weights::Lstm(lstm))]) if lstm.projection().is_some() => "it has a projection".to_owned(),
            Some([(_, below)]) if below.cell_size() == hidden => return None,
            Some([(_, below)]) if below.cell_size() == 0 => "its cell has no memory".to_owned(),
            Some([(_, below)]) => format!("it has {} units", below.cell_size()),
            Some(_) => "it reads in both directions".to_owned(),
        };
        Some(format!("is depth-gated: expected an LSTM of {hidden} units right below it, but {found}"))
    }

    fn into_weights(self) -> Weights {
        Weights::DepthGated(self)
    }
}
