//! How the cells compute: every quantity goes through a recorder, which may keep how it came about.
//!
//! Computing and recording are the same lines of code, so a recorded formula cannot differ from what was computed. Symbols
//! are written out, and formulas stored, only for a recorder that wants them.

use crate::direction::Place;
use crate::expression::{Expression, Term};
use crate::formula::{empty_sum, signed_product};
use crate::function::Function;
use crate::operand::{Operand, Symbol};
use crate::scalar::Scalar;
use crate::trace::Quantity;

/// Receives every quantity that a cell computes, in the order of computation.
///
/// [`NoTrace`] wants none of them, [`Trace`](crate::Trace) keeps them.
pub trait Recorder<S: Scalar> {
    /// Announces which layer of a [`Network`](crate::Network), and which of its directions, the quantities that follow belong
    /// to. Called before [`Recorder::begin_sequence`], and only by a network.
    fn begin_direction(&mut self, _place: Place) {}

    /// Announces whose quantities follow: the cell's name.
    fn begin_sequence(&mut self, cell: &'static str);

    /// Announces when the quantities that follow are computed: the row of the batch and the time step.
    fn begin_step(&mut self, batch: usize, step: usize);

    /// Says whether the quantities of a unit are wanted at the present step.
    fn wants(&self, unit: usize) -> bool;

    /// Receives a quantity; called only where [`Recorder::wants`] says so.
    fn record(&mut self, quantity: Quantity<S>);

    /// Computes a sum of products, which `terms` adds one by one.
    fn sum(&mut self, label: Label, terms: impl FnOnce(&mut Sum<S>)) -> Operand<S> {
        let mut sum = Sum::new(self.wants(label.unit));
        terms(&mut sum);
        if let Some(terms) = sum.terms {
            self.record(label.quantity(&Expression::Sum(terms), sum.value));
        }
        Operand { symbol: label.symbol, value: sum.value }
    }

    /// Computes a product.
    fn product(&mut self, label: Label, factors: &[Operand<S>]) -> Operand<S> {
        self.sum(label, |sum| sum.add(factors))
    }

    /// Computes a function of a quantity.
    fn apply(&mut self, label: Label, function: Function, argument: Operand<S>) -> Operand<S> {
        let value = function.apply(argument.value);
        if self.wants(label.unit) {
            self.record(label.quantity(&Expression::Apply { function, argument }, value));
        }
        Operand { symbol: label.symbol, value }
    }
}

/// Records nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NoTrace;

impl<S: Scalar> Recorder<S> for NoTrace {
    fn begin_sequence(&mut self, _cell: &'static str) {}
    fn begin_step(&mut self, _batch: usize, _step: usize) {}
    fn wants(&self, _unit: usize) -> bool {
        false
    }
    fn record(&mut self, _quantity: Quantity<S>) {}
}

/// Which quantity of which unit is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Label {
    /// What the equations call it.
    pub symbol: Symbol,
    /// The unit that it belongs to.
    pub unit: usize,
    /// What the documents call it: `forget gate`, `cell state` …
    pub name: &'static str,
}

impl Label {
    pub(crate) fn quantity<S: Scalar>(self, expression: &Expression<S>, value: S) -> Quantity<S> {
        Quantity {
            symbol: self.symbol.to_string(),
            letter: self.symbol.letter(),
            name: self.name,
            unit: self.unit,
            formula: expression.formula(),
            value,
        }
    }
}

/// A sum that grows product by product.
#[derive(Debug, Clone, PartialEq)]
pub struct Sum<S> {
    pub(crate) value: S,
    /// What was added so far; `None` if nobody wants to know.
    pub(crate) terms: Option<Vec<Term<S>>>,
}

impl<S: Scalar> Sum<S> {
    /// Nothing yet; `kept` says whether somebody wants to know the terms.
    pub(crate) fn new(kept: bool) -> Self {
        Sum { value: empty_sum(), terms: kept.then(Vec::new) }
    }

    /// Adds the product of the factors.
    pub fn add(&mut self, factors: &[Operand<S>]) {
        self.add_signed(false, factors);
    }

    /// Subtracts the product of the factors.
    pub fn subtract(&mut self, factors: &[Operand<S>]) {
        self.add_signed(true, factors);
    }

    pub(crate) fn add_signed(&mut self, negative: bool, factors: &[Operand<S>]) {
        let product = signed_product(negative, factors.iter().map(|factor| factor.value));
        self.value = self.value + product;
        if let Some(terms) = &mut self.terms {
            terms.push(Term { negative, factors: factors.to_vec() });
        }
    }
}
