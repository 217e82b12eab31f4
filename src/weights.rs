//! Weights by their meaning, checked; conversions from other orders live here and nowhere else.

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
        let bias = summed_bias(&self, 4)?;
        let TorchTensors { input_size, hidden_size, weight_ih, weight_hh, projection, .. } = self;
        LstmWeights::from_parts([input_size, hidden_size], [weight_ih, weight_hh, bias], projection)
    }

    /// [`GruWeights::from_torch`] without a copy of the matrices.
    ///
    /// # Errors
    /// As [`GruWeights::from_torch`].
    pub fn into_gru(self) -> Result<GruWeights> {
        refuse_projection(&self, "a GRU")?;
        let hidden = self.hidden_size;
        let mut bias = summed_bias(&self, 3)?;
        let mut recurrent_bias = vec![0.0; hidden];
        if let Some([ih, hh]) = &self.biases {
            bias[2 * hidden..].copy_from_slice(&ih[2 * hidden..]);
            recurrent_bias.copy_from_slice(&hh[2 * hidden..]);
        }
        GruWeights::from_parts([self.input_size, hidden], [self.weight_ih, self.weight_hh, bias], recurrent_bias)
    }

    /// [`RnnWeights::from_torch`] without a copy of the matrices.
    ///
    /// # Errors
    /// As [`RnnWeights::from_torch`].
    pub fn into_rnn(self, activation: Activation) -> Result<RnnWeights> {
        refuse_projection(&self, "a simple RNN")?;
        let bias = summed_bias(&self, 1)?;
        let TorchTensors { input_size, hidden_size, weight_ih, weight_hh, .. } = self;
        let weights = RnnWeights::from_parts([input_size, hidden_size], [weight_ih, weight_hh, bias])?;
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
}

/// `weight_ih`, `weight_hh` and `bias`, taken without a copy.
pub(crate) type Matrices = [Vec<f32>; 3];

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
    fn new([gates, input, hidden, recurrent]: [usize; 4], [weight_ih, weight_hh, bias]: Matrices) -> Result<Self> {
        check_sizes(input, hidden)?;
        Error::check_length("weight_ih", weight_ih.len(), &format!("{gates}·H·I"), &[gates, hidden, input])?;
        Error::check_length("weight_hh", weight_hh.len(), &format!("{gates}·H·H"), &[gates, hidden, recurrent])?;
        Error::check_length("bias", bias.len(), &format!("{gates}·H"), &[gates, hidden])?;
        for (name, values) in [("weight_ih", &weight_ih), ("weight_hh", &weight_hh), ("bias", &bias)] {
            check_finite(name, values)?;
        }
        Ok(Tensors { input_size: input, hidden_size: hidden, weight_ih, weight_hh, bias })
    }
}

impl Tensors {
    fn parameters(&self) -> usize {
        self.weight_ih.len() + self.weight_hh.len() + self.bias.len()
    }
}

macro_rules! accessors {
    ($weights:ident, $gates:literal, $order:literal) => {
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

            #[doc = concat!("Recurrent weights R, row-major, ", $gates, "·H × H", $order, ".")]
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

/// The weights of one LSTM layer: rows gate by gate in the order i f g o, biases summed.
#[derive(Clone, Debug, PartialEq)]
pub struct LstmWeights {
    tensors: Tensors,
    peepholes: Option<[Vec<f32>; 3]>,
    projection: Option<Vec<f32>>,
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
        LstmWeights::from_parts([input_size, hidden_size], [weight_ih, weight_hh, bias].map(<[f32]>::to_vec), None)
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
            check_finite("weight_hr", projection)?;
        }
        let tensors = Tensors::new([4, input, hidden, width], matrices)?;
        Ok(LstmWeights { tensors, peepholes: None, projection, options: LstmOptions::default() })
    }

    /// Adds peepholes `p_i`, `p_f`, `p_o` of H values each (Gers & Schmidhuber 2000); `None` for a gate that has none.
    ///
    /// # Errors
    /// [`Error::Length`] or [`Error::NotFinite`].
    pub fn with_peepholes(mut self, peepholes: [Option<&[f32]>; 3]) -> Result<Self> {
        let hidden = self.hidden_size();
        let mut all = [(); 3].map(|()| vec![0.0; hidden]);
        for ((given, name), own) in peepholes.into_iter().zip(["p_i", "p_f", "p_o"]).zip(&mut all) {
            if let Some(given) = given {
                Error::check_length(name, given.len(), "H", &[hidden])?;
                check_finite(name, given)?;
                own.copy_from_slice(given);
            }
        }
        self.peepholes = Some(all);
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
        self.projection.as_deref()
    }

    /// The peepholes p_i, p_f, p_o, H values each, if there are any.
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

/// The weights of one GRU layer: rows gate by gate in the order r z n.
#[derive(Clone, Debug, PartialEq)]
pub struct GruWeights {
    tensors: Tensors,
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
        let matrices = [weight_ih, weight_hh, bias].map(<[f32]>::to_vec);
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

/// The weights of one simple RNN layer.
#[derive(Clone, Debug, PartialEq)]
pub struct RnnWeights {
    tensors: Tensors,
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
        RnnWeights::from_parts([input_size, hidden_size], [weight_ih, weight_hh, bias].map(<[f32]>::to_vec))
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

impl Weights {
    /// Features of an input row (I).
    pub fn input_size(&self) -> usize {
        match self {
            Weights::Lstm(weights) => weights.input_size(),
            Weights::Gru(weights) => weights.input_size(),
            Weights::Rnn(weights) => weights.input_size(),
        }
    }

    /// Hidden units (H).
    pub fn hidden_size(&self) -> usize {
        match self {
            Weights::Lstm(weights) => weights.hidden_size(),
            Weights::Gru(weights) => weights.hidden_size(),
            Weights::Rnn(weights) => weights.hidden_size(),
        }
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
            Weights::Lstm(weights) => weights.hidden_size(),
            _ => 0,
        }
    }

    /// Numbers that were trained.
    pub fn parameters(&self) -> usize {
        match self {
            Weights::Lstm(weights) => {
                let peepholes = weights.peepholes.iter().flatten().map(Vec::len).sum::<usize>();
                weights.tensors.parameters() + peepholes + weights.projection.as_ref().map_or(0, Vec::len)
            }
            Weights::Gru(weights) => weights.tensors.parameters() + weights.recurrent_bias.len(),
            Weights::Rnn(weights) => weights.tensors.parameters(),
        }
    }

    /// Gates of a unit: 4 for an LSTM, 3 for a GRU, 1 for a simple RNN.
    pub fn gates(&self) -> usize {
        match self {
            Weights::Lstm(_) => 4,
            Weights::Gru(_) => 3,
            Weights::Rnn(_) => 1,
        }
    }
}

impl From<&Weights> for Weights {
    fn from(weights: &Weights) -> Weights {
        weights.clone()
    }
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
    // A block at a time without a way out of the loop: only then is it compared in registers.
    const BLOCK: usize = 256;
    let odd = |block: &[f32]| block.iter().fold(false, |odd, value| odd | !value.is_finite());
    let block = values.chunks(BLOCK).position(odd);
    let found =
        block.and_then(|block| values.iter().enumerate().skip(block * BLOCK).find(|(_, value)| !value.is_finite()));
    match found {
        None => Ok(()),
        Some((index, value)) => Err(Error::NotFinite { name: name.to_owned(), index, value: *value }),
    }
}
