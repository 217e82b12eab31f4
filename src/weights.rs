//! Weights by their meaning, checked; conversions from other orders live here and nowhere else.

use std::sync::Arc;

use crate::activation::Activation;
use crate::cell::gru::{GruOptions, Reset};
use crate::cell::lstm::LstmOptions;
use crate::cell::rnn::RnnOptions;
use crate::error::{Error, Result};

/// The tensors of one layer and direction as PyTorch names them, any cell: `weight_ih` (G·H × I), `weight_hh` (G·H × H, or
/// × P behind a projection), two biases (G·H each) or none, and the projection `weight_hr` (P × H) of an LSTM that has one.
#[derive(Clone, Debug, PartialEq)]
pub struct TorchTensors {
    /// Features of an input row (I).
    pub input_size: usize,
    /// Hidden units (H).
    pub hidden_size: usize,
    /// Row-major, G·H × I.
    pub weight_ih: Vec<f32>,
    /// Row-major, G·H × H (G·H × P with a projection).
    pub weight_hh: Vec<f32>,
    /// `bias_ih` and `bias_hh`, where the layer has a bias.
    pub biases: Option<[Vec<f32>; 2]>,
    /// `weight_hr`, row-major, P × H, where the layer has a projection.
    pub projection: Option<Vec<f32>>,
}

impl TorchTensors {
    /// [`LstmWeights::from_torch`] without a copy of the matrices.
    ///
    /// # Errors
    /// As [`LstmWeights::from_torch`].
    pub fn into_lstm(self) -> Result<LstmWeights> {
        self.lstm(Values::Unseen)
    }

    pub(crate) fn lstm(self, values: Values) -> Result<LstmWeights> {
        let bias = summed_bias(&self, 4)?;
        let TorchTensors { input_size, hidden_size, weight_ih, weight_hh, projection, .. } = self;
        let matrices = Matrices { weight_ih, weight_hh, bias, values };
        LstmWeights::from_parts([input_size, hidden_size], matrices, projection)
    }

    /// [`GruWeights::from_torch`] without a copy of the matrices.
    ///
    /// # Errors
    /// As [`GruWeights::from_torch`].
    pub fn into_gru(self) -> Result<GruWeights> {
        self.gru(Values::Unseen)
    }

    pub(crate) fn gru(self, values: Values) -> Result<GruWeights> {
        refuse_projection(&self, "a GRU")?;
        let hidden = self.hidden_size;
        let mut bias = summed_bias(&self, 3)?;
        let mut recurrent_bias = vec![0.0; hidden];
        if let Some([ih, hh]) = &self.biases {
            bias[2 * hidden..].copy_from_slice(&ih[2 * hidden..]);
            recurrent_bias.copy_from_slice(&hh[2 * hidden..]);
        }
        let matrices = Matrices { weight_ih: self.weight_ih, weight_hh: self.weight_hh, bias, values };
        GruWeights::from_parts([self.input_size, hidden], matrices, recurrent_bias)
    }

    /// [`RnnWeights::from_torch`] without a copy of the matrices.
    ///
    /// # Errors
    /// As [`RnnWeights::from_torch`].
    pub fn into_rnn(self, activation: Activation) -> Result<RnnWeights> {
        self.rnn(activation, Values::Unseen)
    }

    pub(crate) fn rnn(self, activation: Activation, values: Values) -> Result<RnnWeights> {
        refuse_projection(&self, "a simple RNN")?;
        let bias = summed_bias(&self, 1)?;
        let TorchTensors { input_size, hidden_size, weight_ih, weight_hh, .. } = self;
        let matrices = Matrices { weight_ih, weight_hh, bias, values };
        let weights = RnnWeights::from_parts([input_size, hidden_size], matrices)?;
        Ok(weights.with_options(RnnOptions { activation, clip: None }))
    }
}

/// The weights of one layer and direction, of whichever cell.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Weights {
    /// An LSTM.
    Lstm(LstmWeights),
    /// A GRU.
    Gru(GruWeights),
    /// A simple RNN.
    Rnn(RnnWeights),
    /// A clockwork RNN.
    Clockwork(ClockworkWeights),
    /// MUT1, MUT2 or MUT3.
    Mutant(MutantWeights),
    /// A depth-gated LSTM.
    DepthGated(DepthGatedWeights),
}

/// Whether a matrix was looked at for NaN and ∞, which takes as long as reading it.
#[derive(Clone, Copy)]
pub(crate) enum Values {
    Unseen,
    /// Where it was read, by the name that it has there.
    #[cfg_attr(not(feature = "safetensors"), allow(dead_code, reason = "only files are read so"))]
    Finite,
}

/// What every cell has, taken without a copy.
pub(crate) struct Matrices {
    pub weight_ih: Vec<f32>,
    pub weight_hh: Vec<f32>,
    pub bias: Vec<f32>,
    /// Of the two matrices, and of an LSTM's projection; a bias may be a sum, and is always looked at.
    pub values: Values,
}

impl Values {
    fn check(self, name: &str, values: &[f32]) -> Result<()> {
        match self {
            Values::Unseen => check_finite(name, values),
            Values::Finite => Ok(()),
        }
    }
}

impl Matrices {
    /// Copies, which nobody looked at.
    fn copied(weight_ih: &[f32], weight_hh: &[f32], bias: &[f32]) -> Self {
        let [weight_ih, weight_hh, bias] = [weight_ih, weight_hh, bias].map(<[f32]>::to_vec);
        Matrices { weight_ih, weight_hh, bias, values: Values::Unseen }
    }
}

/// What every cell has: sizes, and rows gate by gate.
#[derive(Clone, Debug, PartialEq)]
struct Tensors {
    input_size: usize,
    hidden_size: usize,
    weight_ih: Vec<f32>,
    weight_hh: Vec<f32>,
    bias: Vec<f32>,
}

impl Tensors {
    /// `recurrent` is the width of the fed-back state: H, or P behind a projection.
    fn new([gates, input, hidden, recurrent]: [usize; 4], matrices: Matrices) -> Result<Arc<Self>> {
        Tensors::hearing(gates, [gates, input, hidden, recurrent], matrices)
    }

    /// Of whose gates only the first `hearing` have recurrent weights.
    fn hearing(hearing: usize, [gates, input, hidden, recurrent]: [usize; 4], matrices: Matrices) -> Result<Arc<Self>> {
        let Matrices { weight_ih, weight_hh, bias, values } = matrices;
        check_sizes(input, hidden)?;
        Error::check_length("weight_ih", weight_ih.len(), &format!("{gates}·H·I"), &[gates, hidden, input])?;
        Error::check_length("weight_hh", weight_hh.len(), &format!("{hearing}·H·H"), &[hearing, hidden, recurrent])?;
        Error::check_length("bias", bias.len(), &format!("{gates}·H"), &[gates, hidden])?;
        values.check("weight_ih", &weight_ih)?;
        values.check("weight_hh", &weight_hh)?;
        check_finite("bias", &bias)?;
        Ok(Arc::new(Tensors { input_size: input, hidden_size: hidden, weight_ih, weight_hh, bias }))
    }
}

macro_rules! accessors {
    ($weights:ident, $gates:literal, $order:literal) => {
        accessors!($weights, $gates, $gates, $order);
    };
    ($weights:ident, $gates:literal, $hearing:literal, $order:literal) => {
        impl $weights {
            /// Features of an input row (I).
            pub fn input_size(&self) -> usize {
                self.tensors.input_size
            }

            /// Hidden units (H).
            pub fn hidden_size(&self) -> usize {
                self.tensors.hidden_size
            }

            #[doc = concat!("Input weights W, row-major, ", $gates, "·H × I", $order, ".")]
            pub fn weight_ih(&self) -> &[f32] {
                &self.tensors.weight_ih
            }

            #[doc = concat!("Recurrent weights R, row-major, ", $hearing, "·H × H", $order, ".")]
            pub fn weight_hh(&self) -> &[f32] {
                &self.tensors.weight_hh
            }

            #[doc = concat!("Biases b, ", $gates, "·H", $order, ".")]
            pub fn bias(&self) -> &[f32] {
                &self.tensors.bias
            }
        }

        impl From<$weights> for Weights {
            fn from(weights: $weights) -> Weights {
                weights.into_weights()
            }
        }

        impl From<&$weights> for Weights {
            fn from(weights: &$weights) -> Weights {
                weights.clone().into_weights()
            }
        }
    };
}

mod clockwork;
mod depth_gated;
mod mutant;

pub use clockwork::ClockworkWeights;
pub use depth_gated::DepthGatedWeights;
pub use mutant::MutantWeights;

/// The weights of one LSTM layer: rows gate by gate in the order i f g o, biases summed. Clones share the matrices.
#[derive(Clone, Debug, PartialEq)]
pub struct LstmWeights {
    tensors: Arc<Tensors>,
    peepholes: Option<[Vec<f32>; 3]>,
    projection: Option<Arc<Vec<f32>>>,
    options: LstmOptions,
}

accessors!(LstmWeights, "4", ", gates i f g o");

impl LstmWeights {
    /// Takes row-major matrices whose rows go i f g o: `weight_ih` 4·H × I, `weight_hh` 4·H × H, `bias` 4·H.
    ///
    /// # Errors
    /// [`Error::Size`] if a size is 0, [`Error::Length`] if a buffer does not fit, [`Error::NotFinite`] for NaN or ∞.
    pub fn new(
        input_size: usize,
        hidden_size: usize,
        weight_ih: &[f32],
        weight_hh: &[f32],
        bias: &[f32],
    ) -> Result<Self> {
        LstmWeights::from_parts([input_size, hidden_size], Matrices::copied(weight_ih, weight_hh, bias), None)
    }

    /// Takes PyTorch's tensors (`torch.nn.LSTM`, gate order i f g o) and sums the two biases.
    ///
    /// # Errors
    /// As [`LstmWeights::new`].
    pub fn from_torch(tensors: &TorchTensors) -> Result<Self> {
        tensors.clone().into_lstm()
    }

    /// The parts, and the projection W_hr (P × H) if there is one: `weight_hh` is then 4·H × P.
    pub(crate) fn from_parts(
        [input, hidden]: [usize; 2],
        matrices: Matrices,
        projection: Option<Vec<f32>>,
    ) -> Result<Self> {
        check_sizes(input, hidden)?;
        let width = projection.as_ref().map_or(hidden, |projection| projection.len() / hidden);
        if let Some(projection) = &projection {
            if width == 0 || width > hidden {
                let reason = "a projection has at least one row and at most H";
                return Err(Error::Size { what: "proj_size", value: width, reason });
            }
            Error::check_length("weight_hr", projection.len(), "P·H", &[width, hidden])?;
            matrices.values.check("weight_hr", projection)?;
        }
        let tensors = Tensors::new([4, input, hidden, width], matrices)?;
        let projection = projection.map(Arc::new);
        Ok(LstmWeights { tensors, peepholes: None, projection, options: LstmOptions::default() })
    }

    /// Adds peepholes `p_i`, `p_f`, `p_o` of H values each (Gers & Schmidhuber 2000); `None` for a gate that has none.
    ///
    /// # Errors
    /// [`Error::Length`] or [`Error::NotFinite`].
    pub fn with_peepholes(mut self, peepholes: [Option<&[f32]>; 3]) -> Result<Self> {
        self.peepholes = Some(self::peepholes(self.hidden_size(), peepholes)?);
        Ok(self)
    }

    /// Chooses coupled gates, activations, clipping.
    #[must_use]
    pub fn with_options(mut self, options: LstmOptions) -> Self {
        self.options = options;
        self
    }

    /// Values of h: H, or fewer behind a projection (P).
    pub fn output_size(&self) -> usize {
        self.projection.as_ref().map_or(self.hidden_size(), |projection| projection.len() / self.hidden_size())
    }

    /// The projection W_hr, row-major, P × H, if there is one.
    pub fn projection(&self) -> Option<&[f32]> {
        self.projection.as_deref().map(Vec::as_slice)
    }

    /// The peepholes p_i, p_f, p_o, H values each (none of a gate that has none), if there are any.
    pub fn peepholes(&self) -> Option<&[Vec<f32>; 3]> {
        self.peepholes.as_ref()
    }

    /// Which LSTM it is.
    pub fn options(&self) -> LstmOptions {
        self.options
    }

    /// Which LSTM it is, to change.
    pub fn options_mut(&mut self) -> &mut LstmOptions {
        &mut self.options
    }

    fn into_weights(self) -> Weights {
        Weights::Lstm(self)
    }
}

/// The weights of one GRU layer: rows gate by gate in the order r z n. Clones share the matrices.
#[derive(Clone, Debug, PartialEq)]
pub struct GruWeights {
    tensors: Arc<Tensors>,
    recurrent_bias: Vec<f32>,
    options: GruOptions,
}

accessors!(GruWeights, "3", ", gates r z n");

impl GruWeights {
    /// Takes row-major matrices whose rows go r z n: `weight_ih` 3·H × I, `weight_hh` 3·H × H, `bias` 3·H, and
    /// `recurrent_bias` b_rn (H), which stays inside `r·(…)` when the reset comes after and is only added when before.
    ///
    /// # Errors
    /// [`Error::Size`] if a size is 0, [`Error::Length`] if a buffer does not fit, [`Error::NotFinite`] for NaN or ∞.
    pub fn new(
        input_size: usize,
        hidden_size: usize,
        weight_ih: &[f32],
        weight_hh: &[f32],
        bias: &[f32],
        recurrent_bias: &[f32],
    ) -> Result<Self> {
        let matrices = Matrices::copied(weight_ih, weight_hh, bias);
        GruWeights::from_parts([input_size, hidden_size], matrices, recurrent_bias.to_vec())
    }

    /// Takes PyTorch's tensors (`torch.nn.GRU`, gate order r z n): the biases of r and z are summed.
    ///
    /// # Errors
    /// As [`GruWeights::new`]; [`Error::Tensor`] for a projection, which a GRU has none of.
    pub fn from_torch(tensors: &TorchTensors) -> Result<Self> {
        tensors.clone().into_gru()
    }

    /// The parts, and b_rn.
    pub(crate) fn from_parts(
        [input, hidden]: [usize; 2],
        matrices: Matrices,
        recurrent_bias: Vec<f32>,
    ) -> Result<Self> {
        let tensors = Tensors::new([3, input, hidden, hidden], matrices)?;
        Error::check_length("recurrent_bias", recurrent_bias.len(), "H", &[hidden])?;
        check_finite("recurrent_bias", &recurrent_bias)?;
        Ok(GruWeights { tensors, recurrent_bias, options: GruOptions::default() })
    }

    /// Chooses where the reset is applied, activations, clipping.
    #[must_use]
    pub fn with_options(mut self, options: GruOptions) -> Self {
        self.options = options;
        self
    }

    /// The candidate's recurrent bias b_rn, H values.
    pub fn recurrent_bias(&self) -> &[f32] {
        &self.recurrent_bias
    }

    /// Which GRU it is.
    pub fn options(&self) -> GruOptions {
        self.options
    }

    /// Which GRU it is, to change.
    pub fn options_mut(&mut self) -> &mut GruOptions {
        &mut self.options
    }

    /// Biases as the kernel adds them: b_rn joins b_n where the reset comes before.
    pub(crate) fn packed_bias(&self) -> Vec<f32> {
        let mut bias = self.tensors.bias.clone();
        if self.options.reset == Reset::Before {
            for (bias, recurrent) in bias[2 * self.hidden_size()..].iter_mut().zip(&self.recurrent_bias) {
                *bias += recurrent;
            }
        }
        bias
    }

    fn into_weights(self) -> Weights {
        Weights::Gru(self)
    }
}

/// The weights of one simple RNN layer. Clones share the matrices.
#[derive(Clone, Debug, PartialEq)]
pub struct RnnWeights {
    tensors: Arc<Tensors>,
    options: RnnOptions,
}

accessors!(RnnWeights, "", "");

impl RnnWeights {
    /// Takes row-major matrices: `weight_ih` H × I, `weight_hh` H × H, `bias` H.
    ///
    /// # Errors
    /// [`Error::Size`] if a size is 0, [`Error::Length`] if a buffer does not fit, [`Error::NotFinite`] for NaN or ∞.
    pub fn new(
        input_size: usize,
        hidden_size: usize,
        weight_ih: &[f32],
        weight_hh: &[f32],
        bias: &[f32],
    ) -> Result<Self> {
        RnnWeights::from_parts([input_size, hidden_size], Matrices::copied(weight_ih, weight_hh, bias))
    }

    /// Takes PyTorch's tensors (`torch.nn.RNN`) and sums the two biases. The file does not say which `activation`
    /// (PyTorch's `nonlinearity`) it was trained with.
    ///
    /// # Errors
    /// As [`RnnWeights::new`]; [`Error::Tensor`] for a projection, which a simple RNN has none of.
    pub fn from_torch(tensors: &TorchTensors, activation: Activation) -> Result<Self> {
        tensors.clone().into_rnn(activation)
    }

    pub(crate) fn from_parts([input, hidden]: [usize; 2], matrices: Matrices) -> Result<Self> {
        let tensors = Tensors::new([1, input, hidden, hidden], matrices)?;
        Ok(RnnWeights { tensors, options: RnnOptions::default() })
    }

    /// Chooses the activation, clipping.
    #[must_use]
    pub fn with_options(mut self, options: RnnOptions) -> Self {
        self.options = options;
        self
    }

    /// Which simple RNN it is.
    pub fn options(&self) -> RnnOptions {
        self.options
    }

    fn into_weights(self) -> Weights {
        Weights::Rnn(self)
    }
}

/// An LSTM's peepholes, in order.
const PEEPHOLES: [&str; 3] = ["peephole_i", "peephole_f", "peephole_o"];

impl Weights {
    fn shared(&self) -> &Tensors {
        match self {
            Weights::Lstm(weights) => &weights.tensors,
            Weights::Gru(weights) => &weights.tensors,
            Weights::Rnn(weights) => &weights.tensors,
            Weights::Clockwork(weights) => &weights.tensors,
            Weights::Mutant(weights) => &weights.tensors,
            Weights::DepthGated(weights) => &weights.tensors,
        }
    }

    /// Features of an input row (I).
    pub fn input_size(&self) -> usize {
        self.shared().input_size
    }

    /// Hidden units (H).
    pub fn hidden_size(&self) -> usize {
        self.shared().hidden_size
    }

    /// Values of h: H, or fewer behind a projection (P).
    pub fn output_size(&self) -> usize {
        match self {
            Weights::Lstm(weights) => weights.output_size(),
            _ => self.hidden_size(),
        }
    }

    /// Values of c: H for an LSTM, 0 for a cell that has none.
    pub fn cell_size(&self) -> usize {
        match self {
            Weights::Lstm(_) | Weights::DepthGated(_) => self.hidden_size(),
            _ => 0,
        }
    }

    /// Numbers that were trained.
    pub fn parameters(&self) -> usize {
        let all: usize = self.tensors().iter().map(|(_, values)| values.len()).sum();
        match self {
            Weights::Clockwork(weights) => all - weights.unheard(),
            Weights::Mutant(weights) => all - weights.unheard(),
            _ => all,
        }
    }

    /// W and R.
    pub(crate) fn matrices(&self) -> (&[f32], &[f32]) {
        let tensors = self.shared();
        (&tensors.weight_ih, &tensors.weight_hh)
    }

    /// W_hr of an LSTM that has one.
    pub(crate) fn projection(&self) -> Option<&[f32]> {
        match self {
            Weights::Lstm(weights) => weights.projection(),
            _ => None,
        }
    }

    /// Every tensor that is trained, by its name: `weight_ih`, `weight_hh`, `bias`; of a GRU `recurrent_bias`; of an LSTM that
    /// has them any of `peephole_i`, `peephole_f`, `peephole_o` and `projection`; of a depth-gated one `depth_peephole` and
    /// `below_peephole` as well. Shapes as in the constructors.
    pub fn tensors(&self) -> Vec<(&'static str, &[f32])> {
        let tensors = self.shared();
        let mut all: Vec<(&'static str, &[f32])> =
            vec![("weight_ih", &tensors.weight_ih), ("weight_hh", &tensors.weight_hh), ("bias", &tensors.bias)];
        match self {
            Weights::Lstm(weights) => {
                let peepholes = weights.peepholes.iter().flatten().map(|values| &values[..]);
                all.extend(PEEPHOLES.into_iter().zip(peepholes).filter(|(_, values)| !values.is_empty()));
                all.extend(weights.projection().map(|projection| ("projection", projection)));
            }
            Weights::Gru(weights) => all.push(("recurrent_bias", &weights.recurrent_bias)),
            Weights::DepthGated(weights) => {
                let peepholes = weights.peepholes.iter().map(|values| &values[..]);
                all.extend(depth_gated::PEEPHOLES.into_iter().zip(peepholes).filter(|(_, values)| !values.is_empty()));
            }
            Weights::Rnn(_) | Weights::Clockwork(_) | Weights::Mutant(_) => {}
        }
        all
    }

    /// As [`Weights::tensors`], to change. What holds a copy of these weights keeps its own.
    pub(crate) fn tensors_mut(&mut self) -> Vec<(&'static str, &mut [f32])> {
        let mut rest: Vec<(&'static str, &mut [f32])> = Vec::new();
        let tensors = match self {
            Weights::Lstm(weights) => {
                let peepholes = weights.peepholes.iter_mut().flatten().map(|values| &mut values[..]);
                rest.extend(PEEPHOLES.into_iter().zip(peepholes).filter(|(_, values)| !values.is_empty()));
                let projection = weights.projection.as_mut();
                rest.extend(projection.map(|projection| ("projection", &mut Arc::make_mut(projection)[..])));
                &mut weights.tensors
            }
            Weights::Gru(weights) => {
                rest.push(("recurrent_bias", &mut weights.recurrent_bias));
                &mut weights.tensors
            }
            Weights::DepthGated(weights) => {
                let peepholes = weights.peepholes.iter_mut().map(|values| &mut values[..]);
                rest.extend(depth_gated::PEEPHOLES.into_iter().zip(peepholes).filter(|(_, values)| !values.is_empty()));
                &mut weights.tensors
            }
            Weights::Rnn(weights) => &mut weights.tensors,
            Weights::Clockwork(weights) => &mut weights.tensors,
            Weights::Mutant(weights) => &mut weights.tensors,
        };
        let tensors = Arc::make_mut(tensors);
        let mut all: Vec<(&'static str, &mut [f32])> = vec![
            ("weight_ih", &mut tensors.weight_ih),
            ("weight_hh", &mut tensors.weight_hh),
            ("bias", &mut tensors.bias),
        ];
        all.append(&mut rest);
        all
    }

    /// Gates of a unit: 4 for an LSTM, 5 for a depth-gated one, 3 for a GRU or MUT1 to MUT3, 1 for a simple RNN, clockwork or
    /// not.
    pub fn gates(&self) -> usize {
        match self {
            Weights::Lstm(_) => 4,
            Weights::DepthGated(_) => 5,
            Weights::Gru(_) | Weights::Mutant(_) => 3,
            Weights::Rnn(_) | Weights::Clockwork(_) => 1,
        }
    }
}

impl From<&Weights> for Weights {
    fn from(weights: &Weights) -> Weights {
        weights.clone()
    }
}

/// Copies of p_i, p_f, p_o, checked; empty for none.
fn peepholes(hidden: usize, given: [Option<&[f32]>; 3]) -> Result<[Vec<f32>; 3]> {
    let mut all = [(); 3].map(|()| Vec::new());
    for ((given, name), own) in given.into_iter().zip(["p_i", "p_f", "p_o"]).zip(&mut all) {
        if let Some(given) = given {
            Error::check_length(name, given.len(), "H", &[hidden])?;
            check_finite(name, given)?;
            *own = given.to_vec();
        }
    }
    Ok(all)
}

/// `bias_ih + bias_hh`, or zeros.
fn summed_bias(tensors: &TorchTensors, gates: usize) -> Result<Vec<f32>> {
    check_sizes(tensors.input_size, tensors.hidden_size)?;
    match &tensors.biases {
        None => Ok(vec![0.0; gates * tensors.hidden_size]),
        Some([ih, hh]) => {
            let sizes = [gates, tensors.hidden_size];
            Error::check_length("bias_ih", ih.len(), &format!("{gates}·H"), &sizes)?;
            Error::check_length("bias_hh", hh.len(), &format!("{gates}·H"), &sizes)?;
            Ok(ih.iter().zip(hh).map(|(ih, hh)| ih + hh).collect())
        }
    }
}

fn refuse_projection(tensors: &TorchTensors, cell: &str) -> Result<()> {
    match tensors.projection {
        None => Ok(()),
        Some(_) => Err(Error::Tensor { message: format!("weight_hr: {cell} has no projection (proj_size)") }),
    }
}

/// Refuses sizes of zero, and such whose packed weights would not fit an address space.
pub(crate) fn check_sizes(input_size: usize, hidden_size: usize) -> Result<()> {
    for (what, value) in [("input_size", input_size), ("hidden_size", hidden_size)] {
        if value == 0 {
            return Err(Error::Size { what, value, reason: "a layer has at least one" });
        }
        // Far above any layer, far below the overflow of 4·(H + 15)·(1 + I + H).
        if value > 1 << 24 {
            return Err(Error::Size { what, value, reason: "more than 2^24 is no layer that could be run" });
        }
    }
    Ok(())
}

/// Refuses NaN and infinities, by tensor and index.
pub(crate) fn check_finite(name: &str, values: &[f32]) -> Result<()> {
    check_finite_from(name, 0, values)
}

/// The same for a part of a tensor, whose first value has the index `first`.
pub(crate) fn check_finite_from(name: &str, first: usize, values: &[f32]) -> Result<()> {
    // A block at a time without a way out of the loop: only then is it compared in registers.
    const BLOCK: usize = 256;
    let odd = |block: &[f32]| block.iter().fold(false, |odd, value| odd | !value.is_finite());
    let block = values.chunks(BLOCK).position(odd);
    let found =
        block.and_then(|block| values.iter().enumerate().skip(block * BLOCK).find(|(_, value)| !value.is_finite()));
    match found {
        None => Ok(()),
        Some((index, value)) => Err(Error::NotFinite { name: name.to_owned(), index: first + index, value: *value }),
    }
}
