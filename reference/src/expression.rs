//! Formulas whose symbols are not written out yet: cheap to make, and still known by letter and index.

use crate::formula::{Formula, Named, Product};
use crate::function::Function;
use crate::operand::Operand;
use crate::scalar::Scalar;

/// A [`Formula`] of operands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expression<S> {
    Sum(Vec<Term<S>>),
    Apply { function: Function, argument: Operand<S> },
}

/// A [`Product`] of operands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Term<S> {
    pub negative: bool,
    pub factors: Vec<Operand<S>>,
}

impl<S: Scalar> Expression<S> {
    /// Writes the symbols out.
    pub(crate) fn formula(&self) -> Formula<S> {
        match self {
            Expression::Sum(terms) => Formula::Sum(terms.iter().map(Term::product).collect()),
            Expression::Apply { function, argument } => {
                Formula::Apply { function: *function, argument: named(argument) }
            }
        }
    }
}

impl<S: Scalar> Term<S> {
    fn product(&self) -> Product<S> {
        Product { negative: self.negative, factors: self.factors.iter().map(named).collect() }
    }
}

fn named<S: Scalar>(operand: &Operand<S>) -> Named<S> {
    Named { symbol: operand.symbol.to_string(), value: operand.value }
}
