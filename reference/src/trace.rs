//! The trace: every quantity of every recorded step, with its formula.

use crate::direction::Place;
use crate::formula::{Formula, Named};
use crate::recorder::Recorder;
use crate::scalar::Scalar;

/// One computed number: what it is called, how it came about, what it is. Also of the way back ([`backward`](crate::backward)),
/// where the number is the gradient of another.
#[derive(Debug, Clone, PartialEq)]
pub struct Quantity<S> {
    /// What the equations call it, with the unit if there is more than one: `f`, `f[2]`, `(i·g)[2]`; a gradient `d f[2]`.
    pub symbol: String,
    /// The symbol without the unit: `f`, `i·g`; of a gradient `d f` too it is `f`.
    pub letter: &'static str,
    /// What the documents call it, or that of which it is the gradient: `forget gate`, `cell state` …
    pub name: &'static str,
    /// The hidden unit that it belongs to; of a projected h, which of its values; of d x, which feature.
    pub unit: usize,
    /// How it is computed.
    pub formula: Formula<S>,
    /// The number.
    pub value: S,
}

/// Everything recorded of one time step of one row of the batch, in the order of computation.
///
/// The formulas are a small program: each uses what is given to the step and quantities that stand above it.
/// [`Step::evaluate_with`] runs it again after a change.
#[derive(Debug, Clone, PartialEq)]
pub struct Step<S> {
    /// Which layer of a network, and which of its directions; `None` for a cell that runs alone.
    pub place: Option<Place>,
    /// Row of the batch, from 0.
    pub batch: usize,
    /// Time step, from 0.
    pub step: usize,
    /// The quantities. Unit after unit; only where a unit needs those of all others first (a GRU that resets before), the
    /// gates of all units come before the candidates of all units.
    pub quantities: Vec<Quantity<S>>,
}

impl<S: Scalar> Step<S> {
    /// Finds a quantity of a unit by its letter: `get(2, "f")` is `f[2]`.
    pub fn get(&self, unit: usize, letter: &str) -> Option<&Quantity<S>> {
        self.quantities.iter().find(|quantity| quantity.unit == unit && quantity.letter == letter)
    }

    /// Finds a quantity by its full symbol: `f`, `f[2]`, `(i·g)[2]`.
    pub fn find(&self, symbol: &str) -> Option<&Quantity<S>> {
        self.quantities.iter().find(|quantity| quantity.symbol == symbol)
    }

    /// Lists what was given to the step and not computed in it (weights, inputs, the previous state), in the order of first
    /// use. Where a filter left units out, their quantities count as given.
    pub fn given(&self) -> Vec<Named<S>> {
        let mut seen: std::collections::HashSet<&str> =
            self.quantities.iter().map(|quantity| quantity.symbol.as_str()).collect();
        let mut given = Vec::new();
        for quantity in &self.quantities {
            for named in quantity.formula.operands() {
                if seen.insert(&named.symbol) {
                    given.push(named.clone());
                }
            }
        }
        given
    }
}

/// Which quantities a [`Trace`] keeps; `None` keeps all. The others are computed all the same.
///
/// With `unit` set, the formulas refer to other units by the numbers that they had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TraceFilter {
    /// Only this row of the batch.
    pub batch: Option<usize>,
    /// Only this time step.
    pub step: Option<usize>,
    /// Only this hidden unit.
    pub unit: Option<usize>,
}

/// A recorder that keeps the quantities which its filter lets through.
///
/// ```
/// use gatewise_reference::{Cell, Trace, TraceFilter, example};
///
/// let mut trace = Trace::new(TraceFilter::default());
/// example::worked_example::<f64>().step(&example::moment(), &mut trace);
/// let f = trace.get(0, 0, "f").expect("the forget gate of unit 0 at step 0");
/// assert_eq!(format!("{:.2}", f.value), "1.00");
/// println!("{trace:.2}");
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Trace<S> {
    /// The names of the cells that were traced, and where; a cell that ran alone has no place.
    cells: Vec<(Option<Place>, &'static str)>,
    filter: TraceFilter,
    /// The only layer and direction that are kept; all if there is none.
    only: Option<Place>,
    steps: Vec<Step<S>>,
    /// The layer and direction, the row of the batch and the time step that are being computed.
    now: (Option<Place>, usize, usize),
    /// Whether the next quantity opens a new step.
    begins: bool,
}

impl<S: Scalar> Trace<S> {
    /// Makes an empty trace.
    pub fn new(filter: TraceFilter) -> Self {
        Trace { cells: Vec::new(), filter, only: None, steps: Vec::new(), now: (None, 0, 0), begins: true }
    }

    /// Keeps only one layer of a network, in one direction.
    #[must_use]
    pub fn only(mut self, place: Place) -> Self {
        self.only = Some(place);
        self
    }

    /// The name of the cell that was traced last: `LSTM`, `GRU`, `simple RNN`; empty if only single steps were taken.
    pub fn cell(&self) -> &'static str {
        self.cells.last().map_or("", |&(_, cell)| cell)
    }

    /// The name of the cell that computed a step; empty if it was taken alone.
    pub(crate) fn cell_of(&self, step: &Step<S>) -> &'static str {
        self.cells.iter().rfind(|&&(place, _)| place == step.place).map_or("", |&(_, cell)| cell)
    }

    /// Walks the recorded steps, in the order of computation.
    pub fn steps(&self) -> std::slice::Iter<'_, Step<S>> {
        self.steps.iter()
    }

    /// Walks all recorded quantities, in the order of computation.
    pub fn quantities(&self) -> impl Iterator<Item = &Quantity<S>> {
        self.steps.iter().flat_map(|step| &step.quantities)
    }

    /// Finds a recorded step by the row of the batch and the time step; of a network, in the first place that was recorded.
    pub fn step(&self, batch: usize, step: usize) -> Option<&Step<S>> {
        self.steps.iter().find(|recorded| recorded.batch == batch && recorded.step == step)
    }

    /// Finds a recorded step of a network by layer and direction, row of the batch and time step.
    pub fn step_in(&self, place: Place, batch: usize, step: usize) -> Option<&Step<S>> {
        let found =
            |recorded: &&Step<S>| recorded.place == Some(place) && recorded.batch == batch && recorded.step == step;
        self.steps.iter().find(found)
    }

    /// Finds a quantity by time step, unit and letter, in the first recorded row of the batch.
    pub fn get(&self, step: usize, unit: usize, letter: &str) -> Option<&Quantity<S>> {
        self.steps.iter().find(|recorded| recorded.step == step)?.get(unit, letter)
    }
}

impl<S: Scalar> Recorder<S> for Trace<S> {
    fn begin_direction(&mut self, place: Place) {
        self.now.0 = Some(place);
    }

    fn begin_sequence(&mut self, cell: &'static str) {
        self.cells.push((self.now.0, cell));
    }

    fn begin_step(&mut self, batch: usize, step: usize) {
        self.now = (self.now.0, batch, step);
        self.begins = true;
    }

    fn wants(&self, unit: usize) -> bool {
        let fits = |only: Option<usize>, at: usize| only.is_none_or(|only| only == at);
        let (place, batch, step) = self.now;
        let here = self.only.is_none() || self.only == place;
        here && fits(self.filter.batch, batch) && fits(self.filter.step, step) && fits(self.filter.unit, unit)
    }

    fn record(&mut self, quantity: Quantity<S>) {
        let (place, batch, step) = self.now;
        match self.steps.last_mut() {
            Some(last) if !self.begins => last.quantities.push(quantity),
            _ => self.steps.push(Step { place, batch, step, quantities: vec![quantity] }),
        }
        self.begins = false;
    }
}
