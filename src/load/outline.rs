//! What a file of weights alone does not say: which layers there are, in words.

use std::str::FromStr;

use crate::activation::Activation;
use crate::cell::gru::Reset;
use crate::error::{Error, Result};
use crate::model::Merge;
use crate::network::blueprint::{Finish, Output};

/// The layers of a model, from the input up, as a person describes them: `embedding, lstm bidirectional, gru last, dense
/// softmax`.
///
/// Layers are divided by commas; each begins with its kind, which may be followed by `:` and the layer's name in the file,
/// and then by its options.
///
/// | kind | options |
/// |---|---|
/// | `lstm`, `gru`, `rnn` | `bidirectional` or `bidirectional=sum` (concat, sum, mul, ave), `last`, `backwards`, `activation=relu`, `recurrent_activation=hard_sigmoid`, for a GRU `reset_before` |
/// | `dense` | the function after it, such as `softmax` |
/// | `embedding` | `mask_zero` |
/// | `one_hot=29`, `masking=0`, `add_input=1` | |
/// | a function | |
///
/// Functions: `linear`, `sigmoid`, `tanh`, `relu`, `leaky_relu`, `hard_sigmoid` (Keras 3's `x/6 + 0.5`), `keras2_hard_sigmoid`
/// (`0.2·x + 0.5`), `elu`, `softsign`, `softplus`, `softmax`, `log_softmax`. `-` and `_` are the same.
///
/// ```
/// use gatewise::load::outline::Outline;
/// let outline: Outline = "embedding:letters mask_zero, gru:encoder bidirectional=sum last, dense:head softmax".parse()?;
/// assert_eq!(outline.layers.len(), 3);
/// assert_eq!(outline.layers[1].name.as_deref(), Some("encoder"));
/// assert!("gru sideways".parse::<Outline>().is_err());
/// # Ok::<(), gatewise::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Outline {
    /// From the input up.
    pub layers: Vec<OutlineLayer>,
}

/// One layer of an [`Outline`].
#[derive(Clone, Debug, PartialEq)]
pub struct OutlineLayer {
    /// What it is.
    pub kind: Kind,
    /// Where the file has its tensors, if that was said.
    pub name: Option<String>,
}

/// What a layer of an [`Outline`] is.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// A table with a row for each id.
    Embedding {
        /// Whether the id 0 says "nothing here".
        mask_zero: bool,
    },
    /// A row of zeros and a one for each id.
    OneHot {
        /// Values of a row.
        classes: usize,
    },
    /// Leaves out the steps whose features all have this value.
    Masking {
        /// The value.
        value: f32,
    },
    /// A recurrent layer.
    Recurrent(RecurrentOutline),
    /// A linear layer and the function after it.
    Dense(Finish),
    /// A function.
    Activation(Finish),
    /// Adds the model's own input.
    AddInput {
        /// How many of its features.
        features: usize,
    },
}

/// A recurrent layer of an [`Outline`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RecurrentOutline {
    /// Which cell.
    pub cell: CellName,
    /// How two directions become one; `None` for one direction.
    pub merge: Option<Merge>,
    /// Every step's output or the last one's.
    pub output: Output,
    /// Keras' `go_backwards`.
    pub go_backwards: bool,
    /// Of the candidate, and of an LSTM's cell state on its way to h; tanh if nothing was said.
    pub activation: Option<Activation>,
    /// Of the gates; sigmoid if nothing was said.
    pub recurrent_activation: Option<Activation>,
    /// Where a GRU's reset stands.
    pub reset: Reset,
}

/// A cell by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CellName {
    /// LSTM
    Lstm,
    /// GRU
    Gru,
    /// Simple RNN
    Rnn,
}

impl FromStr for Outline {
    type Err = Error;

    /// # Errors
    /// [`Error::Model`] that names the word which is not understood, and what was expected.
    fn from_str(text: &str) -> Result<Self> {
        let layers = text.split(',').map(layer).collect::<Result<Vec<_>>>()?;
        Ok(Outline { layers })
    }
}

/// The function that frameworks call `name`.
///
/// # Errors
/// [`Error::Model`] for a name that is none of those in [`Outline`]'s table.
pub fn function(name: &str) -> Result<Finish> {
    Ok(Finish::Each(match name.replace('-', "_").as_str() {
        "linear" => Activation::Identity,
        "sigmoid" => Activation::Sigmoid,
        "tanh" => Activation::Tanh,
        "relu" => Activation::Relu,
        "leaky_relu" => Activation::LeakyRelu { alpha: 0.2 },
        "hard_sigmoid" => Activation::HardSigmoid { alpha: 1.0 / 6.0, beta: 0.5 },
        "keras2_hard_sigmoid" => Activation::HardSigmoid { alpha: 0.2, beta: 0.5 },
        "elu" => Activation::Elu { alpha: 1.0 },
        "softsign" => Activation::Softsign,
        "softplus" => Activation::Softplus,
        "softmax" => return Ok(Finish::Softmax),
        "log_softmax" => return Ok(Finish::LogSoftmax),
        _ => {
            return refuse(format!(
                "unknown function {name:?}: expected linear, sigmoid, tanh, relu, leaky_relu, hard_sigmoid, \
                 keras2_hard_sigmoid, elu, softsign, softplus, softmax or log_softmax"
            ));
        }
    }))
}

/// [`function`], where only one of single values will do.
pub(crate) fn pointwise(name: &str) -> Result<Activation> {
    match function(name)? {
        Finish::Each(activation) => Ok(activation),
        _ => refuse(format!("{name} is no activation of a cell: it needs the whole row")),
    }
}

fn refuse<T>(message: String) -> Result<T> {
    Err(Error::Model { message })
}

/// The words of one layer: its head, and options that are taken out as they are understood.
struct Words<'a> {
    head: &'a str,
    /// Names with `_` for `-`, and what stands behind a `=`.
    options: Vec<(String, Option<&'a str>)>,
}

impl<'a> Words<'a> {
    fn split(text: &'a str) -> Result<(Self, String, Option<&'a str>)> {
        let divided = |word: &'a str| match word.split_once('=') {
            Some((key, value)) => (key.replace('-', "_"), Some(value)),
            None => (word.replace('-', "_"), None),
        };
        let mut words = text.split_whitespace();
        let Some(head) = words.next() else {
            return refuse("a layer is missing: nothing stands before or behind a comma".to_owned());
        };
        let (kind, value) = divided(head);
        Ok((Words { head, options: words.map(divided).collect() }, kind, value))
    }

    /// Whether the option is there; it takes no value.
    fn flag(&mut self, name: &str) -> bool {
        self.take(|(key, value)| key == name && value.is_none()).is_some()
    }

    /// What stands behind `name=`.
    fn value(&mut self, name: &str) -> Option<&'a str> {
        self.take(|(key, value)| key == name && value.is_some())?.1
    }

    fn take(&mut self, wanted: impl Fn(&(String, Option<&'a str>)) -> bool) -> Option<(String, Option<&'a str>)> {
        let place = self.options.iter().position(wanted)?;
        Some(self.options.remove(place))
    }

    /// Refuses what was not understood.
    fn end(self) -> Result<()> {
        match self.options.first() {
            None => Ok(()),
            Some((key, Some(value))) => refuse(format!("{}: unknown option {key}={value}", self.head)),
            Some((key, None)) => refuse(format!("{}: unknown option {key}", self.head)),
        }
    }
}

fn layer(text: &str) -> Result<OutlineLayer> {
    let (mut words, kind, value) = Words::split(text)?;
    let (kind, name) = match kind.split_once(':') {
        // The name as it was written: a `-` in it is the file's.
        Some((kind, _)) => {
            let name = words.head.split_once(':').map(|(_, name)| name.to_owned());
            (kind.to_owned(), name)
        }
        None => (kind, None),
    };
    if name.is_some() && value.is_some() {
        return refuse(format!("{}: expected a name or a value", words.head));
    }
    let number = |what: &str| {
        let unread = || Error::Model { message: format!("{kind}: expected {what}, such as {kind}=1") };
        value.ok_or_else(unread)?.parse::<f32>().map_err(|_| unread())
    };
    let count = || match number("a count")? {
        count if count >= 1.0 && count.fract() == 0.0 && count <= 16_777_216.0 => Ok(count as usize),
        _ => refuse(format!("{kind}: expected a count of at least one")),
    };
    let found = match kind.as_str() {
        "one_hot" => Kind::OneHot { classes: count()? },
        "add_input" => Kind::AddInput { features: count()? },
        "masking" => match number("a value")? {
            value if value.is_finite() => Kind::Masking { value },
            _ => return refuse(format!("{}: expected a finite value", words.head)),
        },
        _ if value.is_some() => return refuse(format!("{}: {kind} takes no value", words.head)),
        "embedding" => Kind::Embedding { mask_zero: words.flag("mask_zero") },
        "lstm" => recurrent(CellName::Lstm, &mut words)?,
        "gru" => recurrent(CellName::Gru, &mut words)?,
        "rnn" | "simple_rnn" => recurrent(CellName::Rnn, &mut words)?,
        "dense" => match words.take(|(_, value)| value.is_none()) {
            Some((name, _)) => Kind::Dense(function(&name)?),
            None => Kind::Dense(Finish::Each(Activation::Identity)),
        },
        _ => match function(&kind) {
            Ok(finish) => Kind::Activation(finish),
            Err(_) => {
                return refuse(format!(
                    "unknown layer {kind:?}: expected lstm, gru, rnn, dense, embedding, one_hot, masking, add_input or a \
                     function such as relu or softmax"
                ));
            }
        },
    };
    words.end()?;
    Ok(OutlineLayer { kind: found, name })
}

fn recurrent(cell: CellName, words: &mut Words<'_>) -> Result<Kind> {
    let merge = match words.value("bidirectional") {
        None => words.flag("bidirectional").then_some(Merge::Concat),
        Some("concat") => Some(Merge::Concat),
        Some("sum") => Some(Merge::Sum),
        Some("mul") => Some(Merge::Mul),
        Some("ave") => Some(Merge::Average),
        Some(other) => return refuse(format!("bidirectional={other}: expected concat, sum, mul or ave")),
    };
    let reset = words.flag("reset_before");
    if reset && cell != CellName::Gru {
        return refuse(format!("{}: only a GRU has a reset", words.head));
    }
    Ok(Kind::Recurrent(RecurrentOutline {
        cell,
        merge,
        output: if words.flag("last") { Output::Last } else { Output::Every },
        go_backwards: words.flag("backwards"),
        activation: words.value("activation").map(pointwise).transpose()?,
        recurrent_activation: words.value("recurrent_activation").map(pointwise).transpose()?,
        reset: if reset { Reset::Before } else { Reset::After },
    }))
}
