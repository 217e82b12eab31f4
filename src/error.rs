//! What can go wrong, said so that the caller knows what to change.

use crate::simd::Level;

/// The result of everything here that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A buffer does not have the length that the sizes ask for.
    #[error("{what} has {found} values, expected {expected} ({shape})")]
    Length {
        /// The buffer, by the name of the argument or tensor.
        what: String,
        /// The length that the sizes ask for.
        expected: usize,
        /// The length that came.
        found: usize,
        /// The shape as a product, such as `T·B·I = 3·2·4`.
        shape: String,
    },
    /// A tensor does not have the shape that the others imply.
    #[error("tensor {name} has shape {found:?}, expected {expected}")]
    Shape {
        /// The tensor's name.
        name: String,
        /// What the other tensors imply.
        expected: String,
        /// The shape that came.
        found: Vec<usize>,
    },
    /// A size that must be at least one is zero, or so large that a product of sizes overflows.
    #[error("{what} is {value}: {reason}")]
    Size {
        /// The size, by name.
        what: &'static str,
        /// Its value.
        value: usize,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A weight is NaN or infinite.
    #[error("tensor {name} holds {value} at index {index}: weights must be finite")]
    NotFinite {
        /// The tensor's name.
        name: String,
        /// Index into the flattened tensor.
        index: usize,
        /// The value found.
        value: f32,
    },
    /// A tensor that the layer needs is not in the file.
    #[error("{message}")]
    Tensor {
        /// Which tensor, what was expected, what is there.
        message: String,
    },
    /// The file is not what its ending says, or ends too early.
    #[error("not a readable {format} file: {reason}")]
    Format {
        /// The format, such as `safetensors`.
        format: &'static str,
        /// What its reader found.
        reason: String,
    },
    /// What is wrong is in this file.
    #[error("{path}: {error}")]
    File {
        /// The file, as the caller named it.
        path: String,
        /// What is wrong.
        error: Box<Error>,
    },
    /// The operating system could not read it.
    #[error("{reason}")]
    Io {
        /// What the operating system said.
        reason: String,
    },
    /// Layers that do not fit each other, or a request that the model cannot fulfil.
    #[error("{message}")]
    Model {
        /// Which layer or request, what was expected, what came.
        message: String,
    },
    /// Learning that cannot go on, or was asked for something that makes no sense.
    #[error("{message}")]
    Training {
        /// What happened, where, and what was expected.
        message: String,
    },
    /// The length of a sequence is more than the steps that came.
    #[error("sequence {row} has length {length}, but x has {steps} steps")]
    SequenceLength {
        /// Which sequence of the batch.
        row: usize,
        /// Its length.
        length: usize,
        /// T.
        steps: usize,
    },
    /// The name of an activation that ONNX does not have.
    #[error(
        "unknown activation {name:?}: expected Sigmoid, Tanh, Relu, Affine, LeakyRelu, ThresholdedRelu, ScaledTanh, \
         HardSigmoid, Elu, Softsign or Softplus"
    )]
    UnknownActivation {
        /// The name that came.
        name: String,
    },
    /// The name of an instruction set that gatewise does not know.
    #[error("unknown instruction set {name:?}: expected avx512, avx2 or portable")]
    UnknownLevel {
        /// The name that came.
        name: String,
    },
    /// An instruction set that this machine does not have.
    #[error("this machine does not have {level}: it has {}", available())]
    MissingLevel {
        /// The level asked for.
        level: Level,
    },
}

fn available() -> String {
    let names: Vec<&str> = Level::available().map(Level::name).collect();
    names.join(", ")
}

impl Error {
    /// The error, with the file that it is about.
    #[cfg(any(feature = "safetensors", feature = "keras", feature = "json"))]
    pub(crate) fn of_file(self, path: &std::path::Path) -> Self {
        Error::File { path: path.display().to_string(), error: Box::new(self) }
    }

    /// `Ok` if `found` is the product of `sizes`; the message names the product by `letters`.
    pub(crate) fn check_length(what: &str, found: usize, letters: &str, sizes: &[usize]) -> Result<()> {
        let expected = sizes.iter().try_fold(1usize, |product, size| product.checked_mul(*size));
        if expected == Some(found) {
            return Ok(());
        }
        let numbers: Vec<String> = sizes.iter().map(usize::to_string).collect();
        Err(Error::Length {
            what: what.to_owned(),
            expected: expected.unwrap_or(usize::MAX),
            found,
            shape: format!("{letters} = {}", numbers.join("·")),
        })
    }
}
