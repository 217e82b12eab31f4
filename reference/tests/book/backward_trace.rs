//! What is recorded of the way back: every d with its formula, in the order of computation.

use std::collections::HashMap;

use gatewise_reference::{
    AnyCell, Cell, Changes, Direction, Gradients, Layer, Layout, Learned, Length, LossGradients, Merge, Network,
    NoTrace, Place, Quantity, Recorder, Sequence, Step, Trace, TraceFilter, backward,
};
use serde_json::Value;

use crate::assert_near;
use crate::cells::{Numbers, every_cell};
use crate::networks::Input;

const STEPS: usize = 3;
const BATCH: usize = 2;

/// Walks back from a loss that hears y and the last states.
fn run(cell: &AnyCell<f64>, recorder: &mut impl Recorder<f64>) -> Gradients<f64, AnyCell<f64>> {
    let mut numbers = Numbers::new(71);
    let mut random = |width: usize| numbers.vector(BATCH * width);
    let (inputs, outputs, memory) = (cell.input_size(), cell.output_size(), cell.memory_size());
    let (x, h0, c0) = (random(STEPS * inputs), random(outputs), random(memory));
    let (y, h_n, c_n) = (random(STEPS * outputs), random(outputs), random(memory));
    let (layout, c0) = (Layout::BatchFirst, cell.has_cell_state().then_some(&c0[..]));
    let input = Sequence { layout, batch: BATCH, steps: STEPS, x: &x, h0: Some(&h0), c0 };
    let loss = LossGradients { y: Some(&y), y_reverse: None, h_n: Some(&h_n), c_n: Some(&c_n) };
    backward(cell, &input, &loss, recorder).expect("a sequence that fits")
}

fn full(cell: &AnyCell<f64>) -> Trace<f64> {
    let mut trace = Trace::new(TraceFilter::default());
    run(cell, &mut trace);
    trace
}

#[test]
fn recording_changes_no_bit() {
    for (name, cell) in every_cell::<f64>(2, 3, 72) {
        assert_eq!(run(&cell, &mut NoTrace), run(&cell, &mut Trace::new(TraceFilter::default())), "{name}");
    }
}

#[test]
fn every_formula_gives_its_value_and_uses_what_stands_above_it() {
    for (name, cell) in every_cell::<f64>(2, 3, 73) {
        for step in full(&cell).steps() {
            let mut above: HashMap<&str, f64> = HashMap::new();
            for quantity in &step.quantities {
                let place = format!("{name}, step {}, {}", step.step, quantity.symbol);
                assert_eq!(quantity.formula.evaluate(|_| None).to_bits(), quantity.value.to_bits(), "{place}");
                for named in quantity.formula.operands() {
                    let arriving = ["d y", "d h_n", "d c_n", "d h⁻(t+1)", "d c⁻(t+1)"];
                    let given =
                        !named.symbol.starts_with("d ") || arriving.iter().any(|start| named.symbol.starts_with(start));
                    assert!(given || above.get(&named.symbol[..]) == Some(&named.value), "{place}: {}", named.symbol);
                }
                assert!(quantity.symbol.starts_with("d "), "{place}");
                assert_eq!(above.insert(&quantity.symbol, quantity.value), None, "{place} twice");
            }
        }
    }
}

#[test]
fn a_step_hands_to_the_step_before_what_that_one_hears() {
    for (name, cell) in every_cell::<f64>(2, 3, 74) {
        let trace = full(&cell);
        let gradients = run(&cell, &mut NoTrace);
        for row in 0..BATCH {
            for (letter, before, first) in [("h", "h⁻", &gradients.h0), ("c", "c⁻", &gradients.c0)] {
                let width = first.len() / BATCH;
                for unit in 0..width {
                    let d = |step: usize| trace.step(row, step).expect("a step").get(unit, before).map(|d| d.value);
                    assert_eq!(d(0).unwrap_or(0.0), first[row * width + unit], "{name}: d {letter}0[{unit}]");
                    for step in 1..STEPS {
                        let heard = trace.step(row, step - 1).and_then(|step| step.get(unit, letter)).expect(letter);
                        let operands = heard.formula.operands();
                        let start = format!("d {before}(t+1)");
                        let found = operands.iter().find(|named| named.symbol.starts_with(&start));
                        let found = found.unwrap_or_else(|| panic!("{name}: {start}"));
                        assert_eq!(found.value, d(step).unwrap_or(0.0), "{name}: {}", found.symbol);
                    }
                }
            }
        }
    }
}

#[test]
fn the_shares_of_all_steps_are_the_gradient() {
    for (name, cell) in every_cell::<f64>(2, 3, 75) {
        let trace = full(&cell);
        let mut sums: HashMap<&str, f64> = HashMap::new();
        for quantity in trace.quantities() {
            *sums.entry(&quantity.symbol).or_default() += quantity.value;
        }
        let mut told = 0;
        for weight in run(&cell, &mut NoTrace).weights.weights() {
            for (at, &expected) in weight.values.iter().enumerate() {
                let (row, column) = (at / weight.columns, at % weight.columns);
                let symbol = match (weight.values.len(), weight.letter.chars().next()) {
                    (1, _) => format!("d {}", weight.letter),
                    (_, Some('W' | 'R')) => format!("d {}[{row},{column}]", weight.letter),
                    _ => format!("d {}[{row}]", weight.letter),
                };
                let found = sums.get(&symbol[..]);
                told += usize::from(found.is_some());
                assert_near(found.copied().unwrap_or(0.0), expected, 1e-12, &format!("{name}, {symbol}"));
            }
        }
        assert!(told > 0, "{name}: no share was told");
    }
}

#[test]
fn a_filter_keeps_what_a_full_trace_has_there_and_every_feature() {
    for (name, cell) in every_cell::<f64>(2, 3, 76) {
        let full = full(&cell);
        for choice in 0..8 {
            let only = |bit: u32| (choice & (1 << bit) != 0).then_some(1);
            let (batch, step, unit) = (only(0), only(1), only(2));
            let mut filtered = Trace::new(TraceFilter { batch, step, unit });
            run(&cell, &mut filtered);
            let fits = |only: Option<usize>, at: usize| only.is_none_or(|only| only == at);
            let kept = |quantity: &&Quantity<f64>| fits(unit, quantity.unit) || quantity.letter == "x";
            let expected: Vec<_> = full
                .steps()
                .filter(|at| fits(batch, at.batch) && fits(step, at.step))
                .map(|at| Step { quantities: at.quantities.iter().filter(kept).cloned().collect(), ..*at })
                .collect();
            assert_eq!(filtered.steps().cloned().collect::<Vec<_>>(), expected, "{name}, {batch:?} {step:?} {unit:?}");
        }
    }
}

#[test]
fn a_network_is_recorded_from_its_end_with_what_comes_from_above() {
    let mut numbers = Numbers::new(77);
    let both = Layer::Both {
        forward: numbers.lstm(2, 2, 2).into(),
        reverse: numbers.lstm(2, 2, 2).into(),
        merge: Merge::Average,
    };
    let above: AnyCell<f64> = numbers.depth_gated(2, 2, 1).into();
    let network = Network { layers: vec![both, Layer::Reverse(above)] };
    let input = Input { lengths: vec![2, 1], ..Input::new(&mut numbers, &network, 2, 2) };
    let output = input.run(&network);
    let y = numbers.vector(output.y.len());
    let mut trace = Trace::new(TraceFilter::default());
    let loss = LossGradients { y: Some(&y), ..LossGradients::default() };
    network.backward(&input.given(), &loss, &mut trace).expect("an input that fits");

    let place = |layer, direction| Place { layer, direction };
    let (ahead, back) = (place(0, Direction::Forward), place(0, Direction::Reverse));
    let above = place(1, Direction::Reverse);
    let found: Vec<_> = trace.steps().map(|step| (step.place, step.batch, step.step)).collect();
    let of = |place, steps: [(usize, usize); 3]| steps.map(|(batch, step)| (Some(place), batch, step));
    let expected =
        [of(above, [(0, 0), (0, 1), (1, 0)]), of(ahead, [(0, 1), (0, 0), (1, 0)]), of(back, [(0, 0), (0, 1), (1, 0)])];
    assert_eq!(found, expected.concat());

    let formula = |place, symbol| {
        let step = trace.step_in(place, 0, 0).expect("a step");
        let quantity = step.find(symbol).unwrap_or_else(|| panic!("no {symbol} in {place}"));
        quantity.formula.with_symbols(Length::Full)
    };
    assert_eq!(formula(above, "d h"), "d y", "walked last, and h_n is not heard");
    assert_eq!(formula(above, "d (d·c_below)[1]"), "d c[1]");
    assert_eq!(formula(above, "d d[1]"), "d (d·c_below)[1]·c_below[1]");
    assert_eq!(formula(above, "d c_below[0]"), "d (d·c_below)[0]·d[0] + d z_d[0]·w_ld[0]");
    let of_c = "d c⁻(t+1)[1] + d tanh(c)[1]·(1−tanh(c)[1]²)";
    assert_eq!(formula(ahead, "d c[1]"), of_c, "the depth gate above walks in reverse");
    assert_eq!(formula(back, "d c[1]"), "d c_below(l+1)[1] + d tanh(c)[1]·(1−tanh(c)[1]²)");
    assert_eq!(formula(ahead, "d h[0]"), "d y[0] + d h⁻(t+1)[0]");

    // Half of d x above arrives at either direction.
    let x = trace.step_in(above, 0, 0).and_then(|step| step.find("d x[0]")).expect("d x[0]").value;
    let d_h = &trace.step_in(ahead, 0, 0).and_then(|step| step.find("d h[0]")).expect("d h[0]").formula;
    assert_eq!(d_h.operands()[0].value, x / 2.0);
}

#[test]
fn slopes_are_written_as_the_textbooks_have_them() {
    let cells = every_cell::<f64>(1, 2, 78);
    let of = |start: &str, symbol: &str| {
        let (_, cell) = cells.iter().find(|(name, _)| name.starts_with(start)).expect(start);
        let trace = full(cell);
        let quantity = trace.step(0, 1).and_then(|step| step.find(symbol)).expect(symbol);
        quantity.formula.with_symbols(Length::Full)
    };
    assert_eq!(of("RNN Tanh, clip None", "d z[1]"), "d h[1]·(1−h[1]²)");
    assert_eq!(of("RNN Relu, clip Some", "d clip(z)[1]"), "d h[1]·relu′(clip(z)[1])");
    assert_eq!(of("RNN Relu, clip Some", "d z[1]"), "d clip(z)[1]·clip′(z[1])");
    assert_eq!(of("GRU After KeepsOld, recurrent bias true", "d z_r[0]"), "d r[0]·r[0]·(1−r[0])");
    assert_eq!(of("GRU After KeepsOld, recurrent bias true", "d z[0]"), "d (z·h⁻)[0]·h⁻[0] − d (1−z)[0]");
}

#[test]
fn json_and_table_have_every_quantity() {
    let (name, cell) = every_cell::<f64>(2, 3, 79).swap_remove(20);
    let trace = full(&cell);
    let json: Value = serde_json::from_str(&trace.to_json()).expect("JSON");
    let mut symbols = Vec::new();
    for step in json["steps"].as_array().expect("steps") {
        symbols.extend(step["quantities"].as_array().expect("quantities").iter().map(|at| at["symbol"].clone()));
    }
    let expected: Vec<Value> = trace.quantities().map(|quantity| quantity.symbol.clone().into()).collect();
    assert_eq!(symbols, expected, "{name}");
    let lines = trace.to_string().lines().filter(|line| line.starts_with("d ")).count();
    assert_eq!(lines, expected.len(), "{name}");
}

#[test]
fn the_way_back_is_a_program_too() {
    let mut trace = Trace::new(TraceFilter { batch: Some(0), step: Some(1), unit: None });
    run(&Numbers::new(80).lstm(2, 3, 3).into(), &mut trace);
    let step = trace.step(0, 1).expect("a step");
    assert_eq!(step, &step.evaluate_with(&Changes::new()).expect("no changes"));
    let silent = (0..3).fold(Changes::new(), |all, unit| all.set(&format!("d h[{unit}]"), 0.0));
    let silent = (0..3).fold(silent, |all, unit| all.set(&format!("d c[{unit}]"), 0.0));
    for quantity in step.evaluate_with(&silent).expect("known symbols").quantities {
        assert_eq!(quantity.value, 0.0, "{}", quantity.symbol);
    }
}
