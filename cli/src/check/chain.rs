//! The right computation: the quantities of all steps, tied together by the states that each step hands to the next.

use std::collections::HashMap;

use gatewise_reference::{Formula, Moment, Quantity, Recorder, Step, Trace, TraceFilter};

use super::cell::Cell;

/// One quantity of one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    pub step: usize,
    /// Index in the step's quantities.
    pub at: usize,
}

/// The traced steps of one sequence. All steps have the same quantities.
pub struct Chain {
    steps: Vec<Step<f64>>,
    indices: HashMap<String, usize>,
    /// What was given to each step: weights, inputs, the previous state.
    given: Vec<HashMap<String, f64>>,
    /// For every quantity where its operands are computed, in the order of the formula.
    sources: Vec<Vec<Vec<Option<Place>>>>,
    /// Where a step computes the state that it hands to the next.
    states: Vec<usize>,
    pub hidden: usize,
}

impl Chain {
    pub fn new(cell: &Cell, h: &[f64], c: &[f64], inputs: &[Vec<f64>]) -> Self {
        let mut trace = Trace::new(TraceFilter::default());
        let (mut h_previous, mut c_previous) = (h.to_vec(), c.to_vec());
        for (step, x) in inputs.iter().enumerate() {
            trace.begin_step(0, step);
            let state = cell.step(&Moment { x, h_previous: &h_previous, c_previous: &c_previous }, &mut trace);
            (h_previous, c_previous) = (state.h, state.c);
        }
        let steps: Vec<Step<f64>> = trace.steps().cloned().collect();
        let symbols = steps[0].quantities.iter().map(|quantity| quantity.symbol.clone());
        let given = |step: &Step<f64>| step.given().into_iter().map(|named| (named.symbol, named.value)).collect();
        let mut chain = Chain {
            indices: symbols.enumerate().map(|(at, symbol)| (symbol, at)).collect(),
            given: steps.iter().map(given).collect(),
            sources: Vec::new(),
            states: Vec::new(),
            steps,
            hidden: h.len(),
        };
        chain.sources =
            (0..chain.steps()).map(|step| chain.places(step).map(|at| chain.find_sources(at)).collect()).collect();
        let is_state = |place: &Place| ["h", "c"].contains(&chain.quantity(*place).letter);
        chain.states = chain.places(0).filter(is_state).map(|place| place.at).collect();
        chain
    }

    pub fn steps(&self) -> usize {
        self.steps.len()
    }

    /// Every quantity, in the order of computation.
    pub fn places(&self, step: usize) -> impl Iterator<Item = Place> + use<> {
        (0..self.steps[step].quantities.len()).map(move |at| Place { step, at })
    }

    pub fn quantity(&self, place: Place) -> &Quantity<f64> {
        &self.steps[place.step].quantities[place.at]
    }

    /// The exact value.
    pub fn exact(&self, place: Place) -> f64 {
        self.quantity(place).value
    }

    pub fn given(&self, step: usize, symbol: &str) -> Option<f64> {
        self.given[step].get(symbol).copied()
    }

    /// The quantity with this letter of a unit, at a step.
    pub fn of_unit(&self, step: usize, unit: usize, letter: &str) -> Option<Place> {
        let fits = |quantity: &Quantity<f64>| quantity.unit == unit && quantity.letter == letter;
        self.steps[step].quantities.iter().position(fits).map(|at| Place { step, at })
    }

    /// Where a symbol of a step is computed: in the step, or in the one before if it is its state.
    pub fn source(&self, step: usize, symbol: &str) -> Option<Place> {
        if let Some(&at) = self.indices.get(symbol) {
            return Some(Place { step, at });
        }
        let (letter, index) = split(symbol);
        let state = match letter {
            "h⁻" => "h",
            "c⁻" => "c",
            _ => return None,
        };
        let at = *self.indices.get(&format!("{state}{index}"))?;
        Some(Place { step: step.checked_sub(1)?, at })
    }

    /// Where the operands of a quantity are computed, in the order of its formula; nothing for what was given.
    pub fn sources(&self, place: Place) -> &[Option<Place>] {
        &self.sources[place.step][place.at]
    }

    /// The quantities that make up the state after a step.
    pub fn states(&self, step: usize) -> impl Iterator<Item = Place> {
        self.states.iter().map(move |&at| Place { step, at })
    }

    /// The number of quantities of a step.
    pub fn width(&self) -> usize {
        self.steps[0].quantities.len()
    }

    /// The letter of a symbol in a formula: `f` of `f[2]`, `W_f` of `W_f[0,1]`, `i·g` of `(i·g)[2]`.
    pub fn letter<'a>(&'a self, symbol: &'a str) -> &'a str {
        match self.indices.get(symbol) {
            Some(&at) => self.steps[0].quantities[at].letter,
            None => split(symbol).0,
        }
    }

    /// The same symbol with another letter, if the step knows such a number: `f[2]` → `i[2]`, `c⁻[2]` → `(i·g)[2]`.
    pub fn with_letter(&self, step: usize, symbol: &str, letter: &str) -> Option<String> {
        let index = split(symbol).1;
        let candidates = [format!("{letter}{index}"), format!("({letter}){index}")];
        candidates.into_iter().find(|symbol| self.value(step, symbol).is_some())
    }

    /// The exact value of anything that occurs in a step.
    pub fn value(&self, step: usize, symbol: &str) -> Option<f64> {
        let computed = self.source(step, symbol).map(|place| self.exact(place));
        computed.or_else(|| self.given(step, symbol))
    }

    /// The letters of a unit's quantities, in the order of computation.
    pub fn letters(&self) -> impl Iterator<Item = &'static str> {
        self.steps[0].quantities.iter().filter(|quantity| quantity.unit == 0).map(|quantity| quantity.letter)
    }

    /// The letter of what a quantity is a function of, if it is one.
    pub fn function_of(&self, place: Place) -> Option<&str> {
        match &self.quantity(place).formula {
            Formula::Apply { argument, .. } => Some(self.letter(&argument.symbol)),
            Formula::Sum(_) => None,
        }
    }

    /// The letters of the gates.
    pub fn gates(&self) -> Vec<&'static str> {
        let quantities = self.steps[0].quantities.iter().filter(|quantity| quantity.unit == 0);
        let gates = quantities.filter(|quantity| quantity.name.ends_with(" gate") && quantity.letter != "1−z");
        gates.map(|quantity| quantity.letter).collect()
    }

    fn find_sources(&self, place: Place) -> Vec<Option<Place>> {
        let operands = self.quantity(place).formula.operands();
        operands.into_iter().map(|named| self.source(place.step, &named.symbol)).collect()
    }

    /// The first quantity that is not a finite number.
    pub fn overflow(&self) -> Option<Place> {
        let places = (0..self.steps()).flat_map(|step| self.places(step));
        places.into_iter().find(|&place| !self.exact(place).is_finite())
    }
}

/// Letter and index: `W_f[0,1]` → (`W_f`, `[0,1]`), `(i·g)[2]` → (`i·g`, `[2]`), `tanh(c)` → (`tanh(c)`, ``).
pub fn split(symbol: &str) -> (&str, &str) {
    let Some(at) = symbol.strip_suffix(']').and_then(|symbol| symbol.rfind('[')) else {
        return (symbol, "");
    };
    let (letter, index) = symbol.split_at(at);
    let inner = letter.strip_prefix('(').and_then(|letter| letter.strip_suffix(')'));
    (inner.unwrap_or(letter), index)
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn symbols_are_split_into_letter_and_index() {
        assert_eq!(split("f"), ("f", ""));
        assert_eq!(split("W_f[0,1]"), ("W_f", "[0,1]"));
        assert_eq!(split("(i·g)[2]"), ("i·g", "[2]"));
        assert_eq!(split("tanh(c)[2]"), ("tanh(c)", "[2]"));
        assert_eq!(split("h⁻[0]"), ("h⁻", "[0]"));
    }
}
