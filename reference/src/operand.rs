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
    role: Role,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Index {
    /// The same number everywhere.
    Constant,
    /// The only one of its kind.
    Only,
    /// One number of a vector.
    At(usize),
    /// One number of a matrix: row (unit) and column (feature, or unit of the previous step).
    Pair(usize, usize),
}

/// What of the number that has this letter and index is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// The number.
    Itself,
    /// What the loss hears of it: `d f`.
    Gradient,
    /// What σ's slope has beside σ: `1−f`.
    OneMinus,
    /// The slope of tanh: `1−g²`.
    OneMinusSquare,
    /// The slope of any function, at the number: `relu′(z)`.
    Slope(&'static str),
}

impl Symbol {
    /// A number that stands alone, such as the `1` of `1 − z`.
    pub fn constant(letter: &'static str) -> Self {
        Symbol { letter, index: Index::Constant, role: Role::Itself }
    }

    /// Number `at` of a vector of `length`; no index if the vector has a single number.
    pub fn of_vector(letter: &'static str, at: usize, length: usize) -> Self {
        let index = if length == 1 { Index::Only } else { Index::At(at) };
        Symbol { letter, index, role: Role::Itself }
    }

    /// What the loss hears of this number: `d f`.
    pub fn gradient(self) -> Self {
        Symbol { role: Role::Gradient, ..self }
    }

    pub(crate) fn one_minus(self) -> Self {
        Symbol { role: Role::OneMinus, ..self }
    }

    pub(crate) fn one_minus_square(self) -> Self {
        Symbol { role: Role::OneMinusSquare, ..self }
    }

    /// The slope of a function, at this number.
    pub(crate) fn slope(self, function: &'static str) -> Self {
        Symbol { role: Role::Slope(function), ..self }
    }

    /// Where the number stands among all of its letter, row after row of `columns`; `None` for a constant.
    pub(crate) fn position(&self, columns: usize) -> Option<usize> {
        match self.index {
            Index::Constant => None,
            Index::Only => Some(0),
            Index::At(at) => Some(at),
            Index::Pair(row, column) => Some(row * columns + column),
        }
    }

    /// The symbol without its index.
    pub fn letter(&self) -> &'static str {
        self.letter
    }
}

/// Writes `f`, `f[2]`, `W_f[2,5]`; a letter that is itself a formula gets brackets before an index: `i·g`, `(i·g)[2]`, and
/// behind a d: `d f`, `d (i·g)`.
impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let open = has_open_operator(self.letter);
        let number = match self.index {
            Index::Constant | Index::Only if open && self.role == Role::Gradient => format!("({})", self.letter),
            Index::Constant | Index::Only => self.letter.to_string(),
            Index::At(at) if open => format!("({})[{at}]", self.letter),
            Index::At(at) => format!("{}[{at}]", self.letter),
            Index::Pair(row, column) => format!("{}[{row},{column}]", self.letter),
        };
        match self.role {
            Role::Itself => write!(f, "{number}"),
            Role::Gradient => write!(f, "d {number}"),
            Role::OneMinus => write!(f, "1−{number}"),
            Role::OneMinusSquare => write!(f, "1−{number}²"),
            Role::Slope(function) => write!(f, "{function}′({number})"),
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

    /// The constant 0.
    pub(crate) fn zero() -> Self {
        Operand { symbol: Symbol::constant("0"), value: S::ZERO }
    }

    /// Takes number `at` of a vector: `x[at]`, `b_f[at]`.
    pub fn of_vector(letter: &'static str, vector: &[S], at: usize) -> Self {
        Operand { symbol: Symbol::of_vector(letter, at, vector.len()), value: vector[at] }
    }

    /// Takes one number of a matrix: `W_f[row,column]`.
    pub fn of_matrix(letter: &'static str, matrix: &Matrix<S>, row: usize, column: usize) -> Self {
        let only = matrix.rows() == 1 && matrix.columns() == 1;
        let index = if only { Index::Only } else { Index::Pair(row, column) };
        Operand { symbol: Symbol { letter, index, role: Role::Itself }, value: matrix.get(row, column) }
    }
}
