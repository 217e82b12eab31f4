//! Computes a quantity again after something has changed: other numbers put in, a slip made, every number rounded.
//!
//! Only what the quantity needs is computed, across steps: the state that a step hands on is changed with it.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use gatewise_reference::Formula;

use super::chain::{Chain, Place};
use super::slip::Made;
use super::written;

/// How each intermediate number is shortened before it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shortening {
    Rounded(i32),
    Cut(i32),
}

/// One computation with changes.
pub struct Rerun<'a> {
    chain: &'a Chain,
    numbers: HashMap<Place, f64>,
    slip: Option<&'a Made>,
    shortening: Option<Shortening>,
    /// Before this step nothing is changed.
    first_step: usize,
    /// The values so far, step after step from the first changed one.
    known: RefCell<Vec<Option<f64>>>,
}

impl<'a> Rerun<'a> {
    pub fn new(chain: &'a Chain) -> Self {
        let first_step = chain.steps();
        let known = RefCell::default();
        Rerun { chain, numbers: HashMap::new(), slip: None, shortening: None, first_step, known }
    }

    /// Puts a number in for a quantity.
    pub fn put(mut self, place: Place, number: f64) -> Self {
        self.numbers.insert(place, number);
        self.first_step = self.first_step.min(place.step);
        self
    }

    /// Makes a slip.
    pub fn slip(mut self, slip: &'a Made) -> Self {
        self.slip = Some(slip);
        self.first_step = self.first_step.min(slip.scope.step.unwrap_or(0));
        self
    }

    /// Shortens every computed number before it is used.
    pub fn shorten(mut self, shortening: Shortening) -> Self {
        self.shortening = Some(shortening);
        self.first_step = 0;
        self
    }

    /// The value of a quantity.
    pub fn value(&self, place: Place) -> f64 {
        // Step by step, so that the depth of the recursion is that of one step.
        for step in self.first_step..place.step {
            for state in self.chain.states(step) {
                self.compute(state);
            }
        }
        self.compute(place)
    }

    /// The formula that a quantity is computed by, with the numbers that it is computed from.
    pub fn formula(&self, place: Place) -> Formula<f64> {
        let formula = self.slipped(place).unwrap_or_else(|| self.chain.quantity(place).formula.clone());
        formula.with_values(|symbol| self.operand(place.step, symbol))
    }

    fn compute(&self, place: Place) -> f64 {
        if place.step < self.first_step {
            return self.chain.exact(place);
        }
        if let Some(&number) = self.numbers.get(&place) {
            return number;
        }
        let index = (place.step - self.first_step) * self.chain.width() + place.at;
        if let Some(&Some(value)) = self.known.borrow().get(index) {
            return value;
        }
        // A slip can make a circle (a gate that sees the new cell state); it is cut open with the exact number.
        self.remember(index, self.chain.exact(place));
        let value = match self.slipped(place) {
            Some(formula) => formula.evaluate(|symbol| self.operand(place.step, symbol)),
            None => {
                // The formula asks for its operands in their order; looking them up by name would be slow.
                let (sources, next) = (self.chain.sources(place), Cell::new(0));
                self.chain.quantity(place).formula.evaluate(|_| {
                    let source = sources[next.get()];
                    next.set(next.get() + 1);
                    source.map(|source| self.used(source))
                })
            }
        };
        self.remember(index, value);
        value
    }

    fn remember(&self, index: usize, value: f64) {
        let mut known = self.known.borrow_mut();
        if known.len() <= index {
            known.resize(index + 1, None);
        }
        known[index] = Some(value);
    }

    fn slipped(&self, place: Place) -> Option<Formula<f64>> {
        self.slip.and_then(|slip| slip.formula(self.chain, place))
    }

    /// The number that a formula uses for a symbol; a leading minus sign takes its negative.
    fn operand(&self, step: usize, symbol: &str) -> Option<f64> {
        if let Some(symbol) = symbol.strip_prefix('−') {
            return self.operand(step, symbol).map(|value| -value);
        }
        self.chain.source(step, symbol).map(|place| self.used(place))
    }

    /// The value of a quantity as other formulas use it.
    fn used(&self, place: Place) -> f64 {
        let value = self.compute(place);
        match self.shortening {
            Some(Shortening::Rounded(decimals)) => written::round(value, decimals),
            Some(Shortening::Cut(decimals)) => written::cut(value, decimals),
            None => value,
        }
    }
}
