//! A recorder for one step that keeps every formula with its operands, for the walk back.

use crate::expression::Expression;
use crate::function::Function;
use crate::operand::Operand;
use crate::recorder::{Label, Recorder, Sum};
use crate::scalar::Scalar;
use crate::trace::Quantity;

/// What one step computed, in the order of computation.
#[derive(Debug, Clone)]
pub(super) struct Tape<S> {
    pub lines: Vec<Line<S>>,
}

/// One computed number.
#[derive(Debug, Clone)]
pub(super) struct Line<S> {
    pub label: Label,
    pub expression: Expression<S>,
    pub value: S,
}

impl<S: Scalar> Tape<S> {
    fn keep(&mut self, label: Label, expression: Expression<S>, value: S) -> Operand<S> {
        self.lines.push(Line { label, expression, value });
        Operand { symbol: label.symbol, value }
    }
}

/// Takes sums and functions as they come; nothing is written out, so nothing is left to [`Recorder::record`].
impl<S: Scalar> Recorder<S> for Tape<S> {
    fn begin_sequence(&mut self, _cell: &'static str) {}
    fn begin_step(&mut self, _batch: usize, _step: usize) {}
    fn wants(&self, _unit: usize) -> bool {
        false
    }
    fn record(&mut self, _quantity: Quantity<S>) {}

    fn sum(&mut self, label: Label, terms: impl FnOnce(&mut Sum<S>)) -> Operand<S> {
        let mut sum = Sum::new(true);
        terms(&mut sum);
        self.keep(label, Expression::Sum(sum.terms.unwrap_or_default()), sum.value)
    }

    fn apply(&mut self, label: Label, function: Function, argument: Operand<S>) -> Operand<S> {
        self.keep(label, Expression::Apply { function, argument }, function.apply(argument.value))
    }
}
