//! A number together with what the equations call it: `W_f[2,5]`, `h⁻[0]`, `c`.

use std::fmt;

use crate::matrix::Matrix;
use crate::scalar::Scalar;

/// What the equations call one number: a letter, and an index where there is more than one such number.
///
/// It is a few machine words and is written out only when a trace wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Symbol {
    letter: &'static str,
    index: Index,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Index {
    /// The only one of its kind.
    Only,
    /// One number of a vector.
    At(usize),
    /// One number of a matrix: row (unit) and column (feature, or unit of the previous step).
    Pair(usize, usize),
}

impl Symbol {
    /// A number that stands alone, such as the `1` of `1 − z`.
    pub fn constant(letter: &'static str) -> Self {
        Symbol { letter, index: Index::Only }
    }

    /// Number `at` of a vector of `length`; no index if the vector has a single number.
    pub fn of_vector(letter: &'static str, at: usize, length: usize) -> Self {
        let index = if length == 1 { Index::Only } else { Index::At(at) };
        Symbol { letter, index }
    }

    /// The symbol without its index.
    pub fn letter(&self) -> &'static str {
        self.letter
    }
}

/// Writes `f`, `f[2]`, `W_f[2,5]`; a letter that is itself a formula gets brackets before an index: `i·g`, `(i·g)[2]`.
impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.index {
            Index::Only => write!(f, "{}", self.letter),
            Index::At(at) if has_open_operator(self.letter) => write!(f, "({})[{at}]", self.letter),
            Index::At(at) => write!(f, "{}[{at}]", self.letter),
            Index::Pair(row, column) => write!(f, "{}[{row},{column}]", self.letter),
        }
    }
}

/// Whether a symbol has an operator outside of all brackets, so that it needs brackets of its own as a factor.
pub(crate) fn has_open_operator(symbol: &str) -> bool {
    let mut depth = 0;
    for character in symbol.chars() {
        match character {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            '·' | '+' | '−' if depth == 0 => return true,
            _ => {}
        }
    }
    false
}

/// A number that a formula uses, and what the equations call it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Operand<S> {
    /// What the equations call it.
    pub symbol: Symbol,
    /// The number.
    pub value: S,
}

impl<S: Scalar> Operand<S> {
    /// The constant 1.
    pub fn one() -> Self {
        Operand { symbol: Symbol::constant("1"), value: S::ONE }
    }

    /// Takes number `at` of a vector: `x[at]`, `b_f[at]`.
    pub fn of_vector(letter: &'static str, vector: &[S], at: usize) -> Self {
        Operand { symbol: Symbol::of_vector(letter, at, vector.len()), value: vector[at] }
    }

    /// Takes one number of a matrix: `W_f[row,column]`.
    pub fn of_matrix(letter: &'static str, matrix: &Matrix<S>, row: usize, column: usize) -> Self {
        let only = matrix.rows() == 1 && matrix.columns() == 1;
        let index = if only { Index::Only } else { Index::Pair(row, column) };
        Operand { symbol: Symbol { letter, index }, value: matrix.get(row, column) }
    }
}
