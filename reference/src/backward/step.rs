//! One step backwards: the step's own formulas, from the last to the first.

use super::learned::Learned;
use super::shares::Shares;
use super::tape::{Line, Tape};
use crate::expression::Expression;
use crate::gate::{Moment, Surroundings};
use crate::operand::{Operand, Symbol};
use crate::recorder::Recorder;
use crate::scalar::Scalar;

/// One step of one row of the batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Back<'a, S> {
    pub now: Moment<'a, S>,
    pub surroundings: Surroundings<'a, S>,
    /// What arrives at h: the letter whose d it is, and a number for each value of h; none where nothing arrives.
    pub arriving_h: [(&'static str, &'a [S]); 2],
    /// What arrives at c, likewise.
    pub arriving_c: [(&'static str, &'a [S]); 2],
}

/// What the loss hears of what the step was given.
#[derive(Debug, Clone)]
pub(super) struct Given<S> {
    pub x: Vec<S>,
    pub h_previous: Vec<S>,
    pub c_previous: Vec<S>,
    pub c_below: Vec<S>,
}

impl<S: Scalar> Back<'_, S> {
    /// Computes the step once more, and walks it back; adds the weights' shares to `gradient`.
    pub(super) fn run<C: Learned<S>>(&self, cell: &C, gradient: &mut C, recorder: &mut impl Recorder<S>) -> Given<S> {
        let mut tape = Tape { lines: Vec::new() };
        cell.step_in(&self.now, self.surroundings, &mut tape);

        let units = cell.hidden_size().max(cell.output_size());
        let wanted = (0..units).any(|unit| recorder.wants(unit));
        let mut shares = Shares::new(wanted);
        for weight in gradient.weights() {
            shares.begin(weight.letter, weight.columns, weight.values.len());
        }
        for (letter, _, given) in self.given() {
            shares.begin(letter, 1, given.len());
        }
        for (letter, arriving) in [("h", self.arriving_h), ("c", self.arriving_c)] {
            arrive(letter, arriving, &mut shares);
        }
        for line in tape.lines.iter().rev() {
            line.back(&mut shares, recorder);
        }
        self.finish(gradient, &shares, wanted, recorder)
    }

    /// Letter, name and numbers of what the step was given beside the weights.
    fn given(&self) -> [(&'static str, &'static str, &[S]); 4] {
        [
            ("x", "feature", self.now.x),
            ("h⁻", "previous hidden state", self.now.h_previous),
            ("c⁻", "previous cell state", self.now.c_previous),
            ("c_below", "cell state of the layer below", self.surroundings.c_below),
        ]
    }

    /// Hands out what arrived at everything that was given.
    fn finish<C: Learned<S>>(
        &self,
        gradient: &mut C,
        shares: &Shares<S>,
        wanted: bool,
        recorder: &mut impl Recorder<S>,
    ) -> Given<S> {
        let [x, h_previous, c_previous, c_below] = self.given().map(|(letter, name, _)| {
            let mut values = Vec::new();
            for (unit, share) in shares.of(letter).iter().enumerate() {
                values.push(share.value());
                // A feature belongs to no unit; it is told with any of them.
                if recorder.wants(unit) || letter == "x" && wanted {
                    share.record_given(name, unit, recorder);
                }
            }
            values
        });
        for weight in gradient.weights() {
            for (at, share) in shares.of(weight.letter).iter().enumerate() {
                weight.values[at] = weight.values[at] + share.value();
                let unit = at / weight.columns;
                if recorder.wants(unit) {
                    share.record_given(weight.name, unit, recorder);
                }
            }
        }
        Given { x, h_previous, c_previous, c_below }
    }
}

/// What comes from later steps, and from above, is the first that the state hears.
fn arrive<S: Scalar>(letter: &'static str, arriving: [(&'static str, &[S]); 2], shares: &mut Shares<S>) {
    for (from, values) in arriving {
        for (unit, &value) in values.iter().enumerate() {
            let symbol = Symbol::of_vector(from, unit, values.len()).gradient();
            shares.add(Symbol::of_vector(letter, unit, values.len()), false, &[Operand { symbol, value }]);
        }
    }
}

impl<S: Scalar> Line<S> {
    /// Passes d of this number on to all that it was computed from.
    fn back(&self, shares: &mut Shares<S>, recorder: &mut impl Recorder<S>) {
        let share = shares.take(self.label.symbol);
        let d = Operand { symbol: self.label.symbol.gradient(), value: share.value() };
        if recorder.wants(self.label.unit) {
            share.record(self.label, recorder);
        }
        match &self.expression {
            // d of a factor is d of the sum times the other factors.
            Expression::Sum(terms) => {
                for term in terms {
                    for (at, factor) in term.factors.iter().enumerate() {
                        let mut factors = vec![d];
                        factors.extend(&term.factors[..at]);
                        factors.extend(&term.factors[at + 1..]);
                        shares.add(factor.symbol, term.negative, &factors);
                    }
                }
            }
            // d of an argument is d of the value times the slope.
            Expression::Apply { function, argument } => {
                let value = Operand { symbol: self.label.symbol, value: self.value };
                let mut factors = vec![d];
                factors.extend(function.slope(*argument, value));
                shares.add(argument.symbol, false, &factors);
            }
        }
    }
}
