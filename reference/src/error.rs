//! What can be wrong with the buffers that a caller hands over.

use std::fmt;

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
            Error::UnknownSymbol { symbol } => write!(f, "{symbol}: no such symbol in this step"),
        }
    }
}

impl std::error::Error for Error {}

/// Checks the number of values in a buffer.
pub(crate) fn check_length(buffer: &'static str, expected: usize, found: usize) -> Result<(), Error> {
    if expected == found { Ok(()) } else { Err(Error::Length { buffer, expected, found }) }
}
