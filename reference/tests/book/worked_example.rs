//! The documents' numbers: the worked example, its variants, the two companies, and Gomez's example.

use gatewise_reference::example::{self, ROWS, STORIES, worked_example};
use gatewise_reference::{
    Cell, Coupling, Function, Gate, GateUse, Gru, GruOptions, Layout, Lstm, LstmOptions, Matrix, Moment, NoTrace,
    Reset, Sequence, Trace, TraceFilter, Update, forward,
};

use crate::{assert_all_near, assert_near};

fn traced(lstm: &Lstm<f64>) -> Trace<f64> {
    let mut trace = Trace::new(TraceFilter::default());
    lstm.step(&example::moment(), &mut trace);
    trace
}

fn value(trace: &Trace<f64>, letter: &str) -> f64 {
    trace.get(0, 0, letter).unwrap_or_else(|| panic!("{letter} is not in the trace")).value
}

#[test]
fn every_row_of_the_worked_example_is_computed_to_twelve_decimals() {
    let trace = traced(&worked_example());
    for row in ROWS {
        assert_near(value(&trace, row.symbol), row.value, 1e-12, row.symbol);
    }
}

#[test]
fn the_quantities_come_in_the_documents_order() {
    let trace = traced(&worked_example());
    let found: Vec<&str> = trace.quantities().map(|quantity| quantity.symbol.as_str()).collect();
    let expected = ["z_f", "f", "f·c⁻", "z_g", "g", "z_i", "i", "i·g", "c", "tanh(c)", "z_o", "o", "h"];
    assert_eq!(found, expected);
}

#[test]
fn the_document_prints_every_number_right_but_its_last() {
    for row in ROWS {
        let Some(printed) = row.printed else { continue };
        let right = format!("{:.2}", row.value) == printed;
        assert_eq!(right, row.mistake.is_none(), "{}: {} printed as {printed}", row.symbol, row.value);
    }
    let last = ROWS[ROWS.len() - 1];
    assert_eq!((last.label, last.symbol), (Some("final cell state"), "c"));
    let tanh_c = ROWS.iter().find(|row| row.symbol == "tanh(c)").expect("a row for tanh(c)");
    assert_eq!(last.printed, tanh_c.printed, "the wrong number is tanh(c)");
}

#[test]
fn the_two_companies_end_apart() {
    for story in STORIES {
        let input = Sequence { layout: Layout::BatchFirst, batch: 1, steps: 4, x: &story.x, h0: None, c0: None };
        let mut trace = Trace::new(TraceFilter::default());
        let output = forward(&worked_example(), &input, &mut trace).expect("a story that fits");
        assert_all_near(&output.y, &story.h, 1e-12, &format!("h of company {}", story.company));
        if let Some(expected) = story.c {
            let c: Vec<f64> = (0..4).map(|day| trace.get(day, 0, "c").expect("a cell state a day").value).collect();
            assert_all_near(&c, &expected, 1e-12, &format!("c of company {}", story.company));
        }
    }
    assert!(STORIES[1].c.is_some(), "company B's cell states are given");
}

#[test]
fn every_variant_gives_the_documents_numbers() {
    let lstm = LstmOptions::default();
    let none = [None, None, None];
    let one = GateUse::AlwaysOne;
    let identity = Function::Identity;
    let f_from_i = Coupling::ForgetIsOneMinusInput;
    let i_from_f = Coupling::InputIsOneMinusForget;
    // Options, peepholes p_i p_f p_o, and i f g c o h.
    let (i, f, g, c, o) = (0.986211011, 0.997400932, 0.966086929, 2.947567432, 0.991673907);
    let table = [
        (lstm, none, [i, f, g, c, o, 0.986229125]),
        (LstmOptions { input_gate: one, ..lstm }, none, [1.0, f, g, 2.960888793, o, 0.986371891]),
        (LstmOptions { forget_gate: one, ..lstm }, none, [i, 1.0, g, 2.952765567, o, 0.986285285]),
        (LstmOptions { output_gate: one, ..lstm }, none, [i, f, g, c, 1.0, 0.994509504]),
        (LstmOptions { input_activation: identity, ..lstm }, none, [i, f, 2.03, 3.996810218, o, 0.991004536]),
        (LstmOptions { output_activation: identity, ..lstm }, none, [i, f, g, c, o, 2.923025711]),
        (LstmOptions { coupling: f_from_i, ..lstm }, none, [i, 0.013788989, g, 0.980343544, o, 0.746943249]),
        (LstmOptions { coupling: i_from_f, ..lstm }, none, [0.002599068, f, g, 1.997312790, o, 0.955812235]),
        (
            lstm,
            [Some(0.1), Some(-0.2), Some(0.3)],
            [0.988682242, 0.996127597, g, 2.947408184, 0.996544141, 0.991070882],
        ),
    ];
    for (options, [p_i, p_f, p_o], expected) in table {
        let mut cell = worked_example();
        cell.options = options;
        cell.input_gate.peephole = p_i.map(|p| vec![p]);
        cell.forget_gate.peephole = p_f.map(|p| vec![p]);
        cell.output_gate.peephole = p_o.map(|p| vec![p]);
        let trace = traced(&cell);
        for (letter, expected) in ["i", "f", "g", "c", "o", "h"].into_iter().zip(expected) {
            assert_near(value(&trace, letter), expected, 6e-10, &format!("{letter} of {options:?}"));
        }
    }
}

#[test]
fn a_gate_that_is_left_out_stays_one_when_coupled() {
    let mut cell = worked_example::<f64>();
    cell.options.forget_gate = GateUse::AlwaysOne;
    cell.options.coupling = Coupling::ForgetIsOneMinusInput;
    assert_eq!(value(&traced(&cell), "f"), 1.0);
    cell.options = LstmOptions::default();
    cell.options.input_gate = GateUse::AlwaysOne;
    cell.options.coupling = Coupling::InputIsOneMinusForget;
    assert_eq!(value(&traced(&cell), "i"), 1.0);
}

#[test]
fn the_gru_gives_the_documents_numbers_in_every_form() {
    let Lstm { forget_gate, input_gate, candidate, .. } = worked_example::<f64>();
    let bias = candidate.bias.clone();
    let without_bias = Gate { bias: vec![0.0], ..candidate.clone() };
    // The candidate's bias on the input side, or on the recurrent side.
    let input_side = (candidate.clone(), None);
    let recurrent_side = (without_bias, Some(bias));
    let table = [
        (Reset::Before, &input_side, 0.965841715, 0.999528992, 0.966312723),
        (Reset::Before, &recurrent_side, 0.965841715, 0.999528992, 0.966312723),
        (Reset::After, &input_side, 0.965841715, 0.999528992, 0.966312723),
        (Reset::After, &recurrent_side, 0.965897519, 0.999529761, 0.966367758),
    ];
    for (reset, (candidate, recurrent_bias), n, keeps_old, writes_new) in table {
        for (update, h) in [(Update::KeepsOld, keeps_old), (Update::WritesNew, writes_new)] {
            let gru = Gru {
                reset_gate: forget_gate.clone(),
                update_gate: input_gate.clone(),
                candidate: candidate.clone(),
                recurrent_bias: recurrent_bias.clone(),
                reset,
                update,
                options: GruOptions::default(),
            };
            let now = Moment { x: &[1.0], h_previous: &[1.0], c_previous: &[] };
            let mut trace = Trace::new(TraceFilter::default());
            gru.step(&now, &mut trace);
            let place = format!("{reset:?} {update:?}, recurrent bias {recurrent_bias:?}");
            for (letter, expected) in [("r", 0.997400932), ("z", 0.986211011), ("n", n), ("h", h)] {
                assert_near(value(&trace, letter), expected, 6e-10, &format!("{letter} of {place}"));
            }
        }
    }
}

/// Gomez's cell (2016, "Backpropagating an LSTM: a numerical example").
pub fn gomez() -> Lstm<f64> {
    let gate = |input: [f64; 2], recurrent: f64, bias: f64| Gate {
        input_weights: Matrix::from_rows(&[input]),
        recurrent_weights: Matrix::from_rows(&[[recurrent]]),
        bias: vec![bias],
        peephole: None,
    };
    Lstm {
        candidate: gate([0.45, 0.25], 0.15, 0.2),
        input_gate: gate([0.95, 0.8], 0.8, 0.65),
        forget_gate: gate([0.7, 0.45], 0.1, 0.15),
        output_gate: gate([0.6, 0.4], 0.25, 0.1),
        options: LstmOptions::default(),
        projection: None,
    }
}

/// Its features at two steps.
pub const GOMEZ_X: [f64; 4] = [1.0, 2.0, 0.5, 3.0];

#[test]
fn gomez_forward_values_come_out_to_eight_digits() {
    let lstm = gomez();
    let expected = [
        [0.81775408, 0.96083428, 0.85195280, 0.81757448, 0.78572615, 0.53631340],
        [0.84980402, 0.98118397, 0.87030197, 0.84993334, 1.51763310, 0.77198111],
    ];
    let input = Sequence { layout: Layout::BatchFirst, batch: 1, steps: 2, x: &GOMEZ_X, h0: None, c0: None };
    let mut trace = Trace::new(TraceFilter::default());
    let output = forward(&lstm, &input, &mut trace).expect("a sequence that fits");
    for (step, expected) in expected.into_iter().enumerate() {
        for (letter, expected) in ["g", "i", "f", "o", "c", "h"].into_iter().zip(expected) {
            let found = trace.get(step, 0, letter).expect("a quantity of the LSTM").value;
            assert_near(found, expected, 6e-9, &format!("{letter} at step {step}"));
        }
    }
    assert_eq!(forward(&lstm, &input, &mut NoTrace), Ok(output));
}
