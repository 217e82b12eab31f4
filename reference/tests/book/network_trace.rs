//! What a trace keeps of a network, of a projection and of clipped sums.

use gatewise_reference::{
    AnyCell, Changes, Direction, Keep, Layer, Layout, Lstm, LstmOptions, Merge, Network, NetworkInput, NetworkOutput,
    NoTrace, Place, Recorder, Sequence, Trace, TraceFilter, forward,
};
use serde_json::Value;

use crate::cells::Numbers;

const STEPS: usize = 3;
const BATCH: usize = 2;
const LENGTHS: [usize; BATCH] = [3, 2];

/// An LSTM that shows two of its three units' values in both directions, under a GRU that walks in reverse.
fn network() -> Network<AnyCell<f64>> {
    let mut numbers = Numbers::new(21);
    let (forward, reverse) = (numbers.lstm(2, 3, 2).into(), numbers.lstm(2, 3, 2).into());
    let both = Layer::Both { forward, reverse, merge: Merge::Concat };
    Network { layers: vec![both, Layer::Reverse(numbers.gru(4, 2).into())] }
}

fn run(recorder: &mut impl Recorder<f64>) -> NetworkOutput<f64> {
    let x = Numbers::new(22).vector(BATCH * STEPS * 2);
    let sequence = Sequence { layout: Layout::BatchFirst, batch: BATCH, steps: STEPS, x: &x, h0: None, c0: None };
    let input = NetworkInput { sequence, lengths: Some(&LENGTHS), keep: Keep::EveryCellState };
    network().forward(&input, recorder).expect("an input that fits")
}

fn place(layer: usize, direction: Direction) -> Place {
    Place { layer, direction }
}

#[test]
fn every_valid_step_of_every_cell_is_recorded_where_it_belongs() {
    let mut trace = Trace::new(TraceFilter::default());
    let output = run(&mut trace);
    assert_eq!(output, run(&mut NoTrace));
    assert_eq!(trace.steps().count(), 3 * LENGTHS.iter().sum::<usize>());
    for (row, length) in LENGTHS.into_iter().enumerate() {
        for step in 0..STEPS {
            for (at, cell) in [(0, place(0, Direction::Forward)), (1, place(0, Direction::Reverse))] {
                let recorded = trace.step_in(cell, row, step);
                assert_eq!(recorded.is_some(), step < length, "{cell}, row {row}, step {step}");
                for unit in 0..3 {
                    let c = recorded.map_or(0.0, |recorded| recorded.get(unit, "c").expect("c").value);
                    assert_eq!(output.c_all[at][(row * STEPS + step) * 3 + unit], c, "{cell}, row {row}, step {step}");
                }
            }
            if let Some(recorded) = trace.step_in(place(1, Direction::Reverse), row, step) {
                for unit in 0..2 {
                    let h = recorded.get(unit, "h").expect("h").value;
                    assert_eq!(output.y[(row * STEPS + step) * 2 + unit], h, "row {row}, step {step}");
                }
            }
        }
    }
    // The second layer reads what both directions of the first computed.
    let read = trace.step_in(place(1, Direction::Reverse), 1, 0).expect("a step").given();
    for (at, direction) in [(0, Direction::Forward), (2, Direction::Reverse)] {
        let heard = trace.step_in(place(0, direction), 1, 0).expect("a step");
        for output in 0..2 {
            let symbol = format!("x[{}]", at + output);
            let x = read.iter().find(|named| named.symbol == symbol).expect("a feature").value;
            assert_eq!(heard.get(output, "h").expect("h").value, x, "{symbol}");
        }
    }
    assert!(output.c_all[2].is_empty(), "a GRU has no cell state");
    assert_eq!((output.h_n.len(), output.c_n.len()), (BATCH * (2 + 2 + 2), BATCH * (3 + 3)));
}

#[test]
fn the_reverse_direction_is_recorded_in_the_order_of_computation() {
    let only = place(1, Direction::Reverse);
    let mut trace = Trace::new(TraceFilter::default()).only(only);
    run(&mut trace);
    let found: Vec<_> = trace.steps().map(|step| (step.place, step.batch, step.step)).collect();
    let expected = [(0, 2), (0, 1), (0, 0), (1, 1), (1, 0)].map(|(row, step)| (Some(only), row, step));
    assert_eq!(found, expected);
}

#[test]
fn table_and_json_say_which_cell_it_was() {
    let mut trace = Trace::new(TraceFilter { batch: Some(1), step: Some(1), unit: None });
    run(&mut trace);
    let table = trace.to_string();
    let headings: Vec<&str> = table.lines().filter(|line| line.contains("batch row")).collect();
    let expected = [
        "LSTM, layer 0, forward, batch row 1, step 1",
        "LSTM, layer 0, reverse, batch row 1, step 1",
        "GRU, layer 1, reverse, batch row 1, step 1",
    ];
    assert_eq!(headings, expected);
    let json: Value = serde_json::from_str(&trace.to_json()).expect("JSON");
    let steps = json["steps"].as_array().expect("a list");
    let places: Vec<_> = steps.iter().map(|step| (step["layer"].as_u64(), step["direction"].as_str())).collect();
    assert_eq!(places, [(Some(0), Some("forward")), (Some(0), Some("reverse")), (Some(1), Some("reverse"))]);
}

fn symbols(lstm: &Lstm<f64>) -> Trace<f64> {
    let sequence = Sequence { layout: Layout::BatchFirst, batch: 1, steps: 1, x: &[0.5], h0: None, c0: None };
    let mut trace = Trace::new(TraceFilter::default());
    forward(lstm, &sequence, &mut trace).expect("a sequence that fits");
    trace
}

#[test]
fn a_projection_is_recorded_after_all_units() {
    let trace = symbols(&Numbers::new(23).lstm(1, 2, 1));
    let found: Vec<&str> = trace.quantities().map(|quantity| quantity.symbol.as_str()).collect();
    let unit = ["z_f", "f", "f·c⁻", "z_g", "g", "z_i", "i", "i·g", "c", "tanh(c)", "z_o", "o", "o·tanh(c)"];
    assert_eq!(found.len(), 2 * unit.len() + 1);
    assert_eq!((found[0], found[12], found[25], found[26]), ("z_f[0]", "(o·tanh(c))[0]", "(o·tanh(c))[1]", "h"));
    let h = trace.get(0, 0, "h").expect("h");
    let symbols = h.formula.with_symbols(Default::default());
    assert_eq!(symbols, "W_hr[0,0]·(o·tanh(c))[0] + W_hr[0,1]·(o·tanh(c))[1]");
    assert_eq!(trace.get(0, 1, "o·tanh(c)").map(|shown| shown.name), Some("unprojected hidden state"));
    // What is projected is a program too.
    let step = trace.step(0, 0).expect("the only step");
    let muted = step.evaluate_with(&Changes::new().set("o[0]", 0.0).set("o[1]", 0.0)).expect("known symbols");
    assert_eq!(muted.find("h").expect("h").value, 0.0);
}

#[test]
fn clipped_sums_are_recorded_between_the_sum_and_what_squashes_it() {
    let mut lstm: Lstm<f64> = Numbers::new(24).lstm(1, 1, 1);
    lstm.forget_gate.bias = vec![7.0];
    lstm.candidate.bias = vec![-7.0];
    lstm.options = LstmOptions { clip: Some(0.25), ..lstm.options };
    let trace = symbols(&lstm);
    let found: Vec<&str> = trace.quantities().map(|quantity| quantity.symbol.as_str()).collect();
    let expected = [
        "z_f",
        "clip(z_f)",
        "f",
        "f·c⁻",
        "z_g",
        "clip(z_g)",
        "g",
        "z_i",
        "clip(z_i)",
        "i",
        "i·g",
        "c",
        "tanh(c)",
        "z_o",
        "clip(z_o)",
        "o",
        "h",
    ];
    assert_eq!(found, expected);
    let value = |letter| trace.get(0, 0, letter).expect(letter).value;
    assert_eq!((value("clip(z_f)"), value("clip(z_g)")), (0.25, -0.25));
    assert_eq!(value("g"), (-0.25_f64).tanh());
    assert_eq!(trace.get(0, 0, "f").expect("f").formula.with_symbols(Default::default()), "σ(clip(z_f))");
    let clipped = trace.get(0, 0, "clip(z_f)").expect("clip(z_f)");
    assert_eq!(clipped.formula.with_symbols(Default::default()), "clip(z_f; 0.25)");
    assert_eq!(clipped.name, "forget gate's clipped sum");
}
