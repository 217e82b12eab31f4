//! Runs a recorded step again with something changed: what would this mistake have given?

use std::collections::HashMap;

use crate::error::Error;
use crate::formula::Formula;
use crate::scalar::Scalar;
use crate::trace::Step;

/// What is different when a step is computed again.
///
/// ```
/// use gatewise_reference::{Cell, Changes, Formula, Function, Trace, TraceFilter, example};
///
/// let mut trace = Trace::new(TraceFilter::default());
/// example::worked_example::<f64>().step(&example::moment(), &mut trace);
/// let step = trace.step(0, 0).expect("the only step");
///
/// // Squash the candidate with σ instead of tanh, and see what it does to the hidden state.
/// let Formula::Apply { argument, .. } = &step.find("g").expect("the candidate").formula else { unreachable!() };
/// let mistake = Formula::Apply { function: Function::Sigmoid, argument: argument.clone() };
/// let wrong = step.evaluate_with(&Changes::new().replace("g", mistake))?;
/// assert_eq!(format!("{:.4}", step.find("h").unwrap().value), "0.9862");
/// assert_eq!(format!("{:.4}", wrong.find("h").unwrap().value), "0.9853");
///
/// // Without any change every number comes out the same.
/// assert_eq!(step, &step.evaluate_with(&Changes::new())?);
/// # Ok::<(), gatewise_reference::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Changes<S> {
    formulas: HashMap<String, Formula<S>>,
    values: HashMap<String, S>,
}

impl<S: Scalar> Changes<S> {
    /// Changes nothing yet.
    pub fn new() -> Self {
        Changes { formulas: HashMap::new(), values: HashMap::new() }
    }

    /// Computes the quantity with this symbol by another formula.
    #[must_use]
    pub fn replace(mut self, symbol: &str, formula: Formula<S>) -> Self {
        self.formulas.insert(symbol.to_string(), formula);
        self
    }

    /// Gives the number with this symbol another value, whether it was given to the step or computed in it.
    #[must_use]
    pub fn set(mut self, symbol: &str, value: S) -> Self {
        self.values.insert(symbol.to_string(), value);
        self
    }
}

impl<S: Scalar> Default for Changes<S> {
    fn default() -> Self {
        Changes::new()
    }
}

impl<S: Scalar> Step<S> {
    /// Computes the step again with the changes made, quantity after quantity in the recorded order.
    ///
    /// In the result every formula shows the numbers that it was computed with. A quantity whose value was set keeps its
    /// formula for reading, whatever that would give. In a new formula, a symbol that stands nowhere in the step, or only
    /// further down, has the number written beside it.
    ///
    /// # Errors
    /// [`Error::UnknownSymbol`] if a formula is replaced, or a value set, for a symbol that does not occur in the step.
    pub fn evaluate_with(&self, changes: &Changes<S>) -> Result<Step<S>, Error> {
        self.check_symbols(changes)?;
        let given = self.given().into_iter().map(|named| (named.symbol, named.value));
        let mut known: HashMap<String, S> = given.collect();
        known.extend(changes.values.iter().map(|(symbol, &value)| (symbol.clone(), value)));
        let mut quantities = Vec::with_capacity(self.quantities.len());
        for quantity in &self.quantities {
            let mut quantity = quantity.clone();
            let formula = changes.formulas.get(&quantity.symbol).unwrap_or(&quantity.formula);
            quantity.formula = formula.with_values(|symbol| known.get(symbol).copied());
            quantity.value = match changes.values.get(&quantity.symbol) {
                Some(&value) => value,
                None => quantity.formula.evaluate(|_| None),
            };
            known.insert(quantity.symbol.clone(), quantity.value);
            quantities.push(quantity);
        }
        Ok(Step { quantities, ..*self })
    }

    fn check_symbols(&self, changes: &Changes<S>) -> Result<(), Error> {
        let given = self.given();
        let computed = |symbol: &str| self.find(symbol).is_some();
        let occurs = |symbol: &str| computed(symbol) || given.iter().any(|named| named.symbol == symbol);
        for symbol in changes.formulas.keys() {
            if !computed(symbol) {
                return Err(Error::UnknownSymbol { symbol: symbol.clone() });
            }
        }
        for symbol in changes.values.keys() {
            if !occurs(symbol) {
                return Err(Error::UnknownSymbol { symbol: symbol.clone() });
            }
        }
        Ok(())
    }
}
