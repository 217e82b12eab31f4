//! The formulas of a step are a program: run again they give the same bits, and changes carry through.

use std::collections::HashSet;

use gatewise_reference::example::{self, worked_example};
use gatewise_reference::{
    AnyCell, Cell, Changes, Error, Formula, Function, Layout, Moment, Named, Product, Scalar, Sequence, Step, Trace,
    TraceFilter, forward, sigmoid,
};

use crate::assert_near;
use crate::cells::{Numbers, every_cell};

/// Records two rows of three steps.
fn record<S: Scalar>(cell: &AnyCell<S>, filter: TraceFilter) -> Trace<S> {
    let mut numbers = Numbers::new(7);
    let x = numbers.vector(2 * 3 * cell.input_size());
    let h0 = numbers.vector(2 * cell.output_size());
    let c0 = numbers.vector(2 * cell.memory_size());
    let c0 = cell.has_cell_state().then_some(c0.as_slice());
    let input = Sequence { layout: Layout::TimeMajor, batch: 2, steps: 3, x: &x, h0: Some(&h0), c0 };
    let mut trace = Trace::new(filter);
    forward(cell, &input, &mut trace).expect("a sequence that fits");
    trace
}

fn every_step_gives_the_same_bits<S: Scalar>(inputs: usize, hidden: usize, filter: TraceFilter) {
    for (name, cell) in every_cell::<S>(inputs, hidden, 1) {
        let trace = record(&cell, filter);
        assert!(trace.quantities().count() > 0, "{name}: nothing recorded");
        for step in trace.steps() {
            let again = step.evaluate_with(&Changes::new()).expect("no changes");
            assert_eq!(step.quantities.len(), again.quantities.len(), "{name}");
            for (quantity, again) in step.quantities.iter().zip(&again.quantities) {
                let bits = |value: S| value.to_f64().to_bits();
                let place = format!("{name}, row {}, step {}, {}", step.batch, step.step, quantity.symbol);
                assert_eq!(bits(quantity.value), bits(again.value), "{place}");
                assert_eq!(bits(quantity.value), bits(quantity.formula.evaluate(|_| None)), "{place}");
            }
        }
    }
}

#[test]
fn every_cell_gives_the_same_bits_again() {
    for (inputs, hidden) in [(1, 1), (1, 3), (4, 1), (2, 5)] {
        every_step_gives_the_same_bits::<f64>(inputs, hidden, TraceFilter::default());
        every_step_gives_the_same_bits::<f32>(inputs, hidden, TraceFilter::default());
    }
}

#[test]
fn a_single_unit_gives_the_same_bits_again() {
    let filter = TraceFilter { batch: Some(1), step: Some(2), unit: Some(3) };
    every_step_gives_the_same_bits::<f64>(2, 5, filter);
}

#[test]
fn every_symbol_is_given_or_computed_above_and_has_one_value() {
    for (inputs, hidden) in [(1, 1), (3, 2)] {
        for (name, cell) in every_cell::<f64>(inputs, hidden, 2) {
            for step in record(&cell, TraceFilter::default()).steps() {
                let computed: HashSet<&str> = step.quantities.iter().map(|quantity| quantity.symbol.as_str()).collect();
                assert_eq!(computed.len(), step.quantities.len(), "{name}: a symbol twice");
                let mut above: Vec<(&str, f64)> = Vec::new();
                for quantity in &step.quantities {
                    for named in quantity.formula.operands() {
                        let place = format!("{name}: {} in {}", named.symbol, quantity.symbol);
                        let known = above.iter().find(|(symbol, _)| *symbol == named.symbol);
                        match known {
                            Some((_, value)) => assert_eq!(*value, named.value, "{place}"),
                            None => {
                                assert!(!computed.contains(named.symbol.as_str()), "{place} is used too early");
                                above.push((&named.symbol, named.value));
                            }
                        }
                    }
                    above.push((&quantity.symbol, quantity.value));
                }
                let letters = step.given().into_iter().map(|named| named.symbol);
                for symbol in letters {
                    let given = ["W", "R", "b", "p", "x", "h⁻", "c⁻", "1"];
                    assert!(given.iter().any(|start| symbol.starts_with(start)), "{name}: {symbol} is not given");
                }
            }
        }
    }
}

/// Every unit's hidden state must depend on everything that the equations let it hear.
#[test]
fn changing_what_is_given_gives_what_the_cell_computes_from_it() {
    for (name, cell) in every_cell::<f64>(2, 3, 3) {
        let trace = record(&cell, TraceFilter::default());
        let step = trace.step(0, 0).expect("the first step");
        let number = |symbol: &str| {
            let given = step.given().into_iter().find(|named| named.symbol == symbol);
            given.map_or(0.0, |named| named.value)
        };
        let vector = |letter: &str, length: usize| -> Vec<f64> {
            (0..length).map(|at| number(&format!("{letter}[{at}]"))).collect()
        };
        let (mut x, mut h_previous) = (vector("x", 2), vector("h⁻", cell.output_size()));
        let c_previous = vector("c⁻", cell.memory_size());
        x[1] = 0.625;
        h_previous[1] = -0.375;
        let now = Moment { x: &x, h_previous: &h_previous, c_previous: &c_previous };
        let mut expected = Trace::new(TraceFilter::default());
        cell.step(&now, &mut expected);
        let found = step.evaluate_with(&Changes::new().set("x[1]", 0.625).set("h⁻[1]", -0.375));
        let found = found.expect("symbols of the step");
        let expected = expected.step(0, 0).expect("the only step");
        assert_eq!(&found, expected, "{name}");
        assert_ne!(found.quantities, step.quantities, "{name}: the change changed nothing");
    }
}

fn worked_step() -> Step<f64> {
    let mut trace = Trace::new(TraceFilter::default());
    worked_example().step(&example::moment(), &mut trace);
    trace.step(0, 0).expect("the only step").clone()
}

fn value(step: &Step<f64>, symbol: &str) -> f64 {
    step.find(symbol).expect("a quantity of the LSTM").value
}

#[test]
fn a_changed_formula_carries_through_to_the_hidden_state() {
    // The bias of the forget gate is forgotten.
    let step = worked_step();
    let Formula::Sum(mut products) = step.find("z_f").expect("z_f").formula.clone() else { panic!("z_f is a sum") };
    products.retain(|product| product.factors[0].symbol != "b_f");
    let wrong = step.evaluate_with(&Changes::new().replace("z_f", Formula::Sum(products)));
    let wrong = wrong.expect("a known symbol");
    let f = sigmoid(1.63_f64 + 2.70);
    let c = f * 2.0 + value(&step, "i·g");
    assert_near(value(&wrong, "f"), f, 1e-15, "f");
    assert_near(value(&wrong, "c"), c, 1e-15, "c");
    assert_near(value(&wrong, "h"), value(&step, "o") * c.tanh(), 1e-15, "h");
    assert_eq!(value(&wrong, "o"), value(&step, "o"), "o does not depend on z_f");
    let shown = &wrong.find("f").expect("f").formula;
    assert_eq!(shown.operands()[0].value, value(&wrong, "z_f"), "formulas show the new numbers");
}

#[test]
fn a_new_formula_may_use_any_quantity_above_it() {
    let step = worked_step();
    let named = |symbol: &str| Named::new(symbol, f64::NAN);
    let product = |symbols: [&str; 2]| Product { negative: false, factors: symbols.map(named).to_vec() };
    // The gates are exchanged: c = i·c⁻ + f·g. The numbers come from the step, not from the new formula.
    let swapped = Formula::Sum(vec![product(["i", "c⁻"]), product(["f", "g"])]);
    let wrong = step.evaluate_with(&Changes::new().replace("c", swapped)).expect("a known symbol");
    let expected = value(&step, "i") * 2.0 + value(&step, "f") * value(&step, "g");
    assert_near(value(&wrong, "c"), expected, 1e-15, "c");
    let later = Formula::Apply { function: Function::Identity, argument: Named::new("h", 0.25) };
    let wrong = step.evaluate_with(&Changes::new().replace("f", later)).expect("a known symbol");
    assert_eq!(value(&wrong, "f"), 0.25, "h is not computed yet when f is");
}

#[test]
fn a_quantity_can_be_set() {
    let step = worked_step();
    let rounded = step.evaluate_with(&Changes::new().set("f", 1.0).set("c⁻", 3.0)).expect("known");
    assert_eq!(value(&rounded, "f"), 1.0);
    assert_eq!(value(&rounded, "f·c⁻"), 3.0);
    assert_eq!(value(&rounded, "c"), 3.0 + value(&step, "i·g"));
}

#[test]
fn an_unknown_symbol_is_an_error() {
    let step = worked_step();
    let unknown = |symbol: &str| Err(Error::UnknownSymbol { symbol: symbol.to_string() });
    assert_eq!(step.evaluate_with(&Changes::new().set("q", 1.0)), unknown("q"));
    let formula = step.find("f").expect("f").formula.clone();
    let changes = Changes::new().replace("x", formula);
    assert_eq!(step.evaluate_with(&changes), unknown("x"), "x is given, it has no formula");
    let error = step.evaluate_with(&changes).expect_err("an unknown symbol");
    assert_eq!(error.to_string(), "x: no such symbol in this step");
}
