//! What can be wrong with the buffers that a caller hands over.

use std::fmt;

use crate::direction::Place;

/// A buffer that does not fit, or a name that does not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// A flat buffer or a vector has the wrong number of values.
    Length {
        /// What the equations call the buffer: `x`, `h0`, `b_f`, `weight_ih` …
        buffer: &'static str,
        /// Number of values that fit.
        expected: usize,
        /// Number of values that came.
        found: usize,
    },
    /// A matrix has the wrong number of rows or columns.
    Shape {
        /// What the equations call the matrix: `W_f`, `R_f` …
        buffer: &'static str,
        /// Rows and columns that fit.
        expected: (usize, usize),
        /// Rows and columns that came.
        found: (usize, usize),
    },
    /// A class number that a one-hot vector has no place for.
    Class {
        /// Number of classes, so that 0 ..= classes − 1 are allowed.
        classes: usize,
        /// The number that came.
        found: usize,
    },
    /// The period of a clockwork unit is 0, or below that of the unit before it.
    Period {
        /// The unit, from 0.
        unit: usize,
        /// The smallest that fits.
        least: usize,
        /// The period that came.
        found: usize,
    },
    /// A name that ONNX has no activation for.
    Activation {
        /// The name that came.
        found: String,
    },
    /// The length of one sequence of a batch is beyond its steps.
    SequenceLength {
        /// Row of the batch, from 0.
        row: usize,
        /// T, the number of steps that there are.
        steps: usize,
        /// The length that came.
        found: usize,
    },
    /// A network without a layer.
    NoLayers,
    /// Something does not fit in one cell of a network.
    Within {
        /// Which cell.
        place: Place,
        /// What does not fit.
        error: Box<Error>,
    },
    /// A layer does not read as many features as there are in what it hears.
    Features {
        /// Number of values that the layer below computes a step, or the layer's forward direction reads.
        expected: usize,
        /// Number of features that the cell reads.
        found: usize,
    },
    /// The two directions of a layer have different widths, and are to be merged number by number.
    Merge {
        /// The layer, from 0.
        layer: usize,
        /// Width of the forward direction.
        expected: usize,
        /// Width of the reverse direction.
        found: usize,
    },
    /// A layer that is not the last keeps its two directions separate.
    Separate {
        /// The layer, from 0.
        layer: usize,
    },
    /// A buffer that memory cannot hold.
    Memory {
        /// What the buffer is called.
        buffer: &'static str,
        /// Number of values that it would have.
        expected: usize,
    },
    /// A symbol that occurs nowhere in the step.
    UnknownSymbol {
        /// The symbol that was asked for.
        symbol: String,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Length { buffer, expected, found } => {
                write!(f, "{buffer}: expected {expected} values, found {found}")
            }
            Error::Shape { buffer, expected, found } => {
                let ((rows, columns), (found_rows, found_columns)) = (expected, found);
                write!(f, "{buffer}: expected {rows} × {columns}, found {found_rows} × {found_columns}")
            }
            Error::Class { classes, found } => {
                write!(f, "one-hot: expected a class below {classes}, found {found}")
            }
            Error::Period { unit, least, found } => {
                write!(f, "periods[{unit}]: expected at least {least}, since periods rise from 1, found {found}")
            }
            Error::Activation { found } => write!(
                f,
                "activation: expected one of Relu, Tanh, Sigmoid, Affine, LeakyRelu, ThresholdedRelu, ScaledTanh, \
                 HardSigmoid, Elu, Softsign, Softplus, found {found}"
            ),
            Error::SequenceLength { row, steps, found } => {
                write!(f, "lengths[{row}]: expected at most {steps} steps, found {found}")
            }
            Error::NoLayers => write!(f, "layers: expected at least 1, found 0"),
            Error::Within { place, error } => write!(f, "{place}: {error}"),
            Error::Features { expected, found } => write!(f, "W: expected {expected} features, found {found}"),
            Error::Merge { layer, expected, found } => write!(
                f,
                "layer {layer}: expected two directions of the same width to merge, found {expected} forward and {found} \
                 reverse"
            ),
            Error::Separate { layer } => write!(
                f,
                "layer {layer}: expected a merge of its two directions, found them kept separate, which only the last \
                 layer may do"
            ),
            Error::Memory { buffer, expected } => {
                write!(f, "{buffer}: expected to hold {expected} values, found no memory for them")
            }
            Error::UnknownSymbol { symbol } => write!(f, "{symbol}: no such symbol in this step"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Within { error, .. } => Some(error.as_ref()),
            _ => None,
        }
    }
}

/// Checks the number of values in a buffer.
pub(crate) fn check_length(buffer: &'static str, expected: usize, found: usize) -> Result<(), Error> {
    if expected == found { Ok(()) } else { Err(Error::Length { buffer, expected, found }) }
}
