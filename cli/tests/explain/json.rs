//! The trace as JSON: the same quantities as the table, in full, whole or as much as the reader wants.

use std::io::Read;
use std::process::Stdio;

use serde_json::Value;

use crate::common::{fixture, gatewise, run};
use crate::files::GOLDEN;
use crate::table::{printed, row};

fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("no JSON: {error}\n{text}"))
}

fn list<'a>(value: &'a Value, key: &str) -> &'a Vec<Value> {
    value[key].as_array().unwrap_or_else(|| panic!("no list {key} in {value}"))
}

#[test]
fn the_worked_example_is_the_same_as_in_the_table() {
    let json = parse(&run(&["explain", "--json"]).done("JSON"));
    let page = run(&["explain", "--digits", "12"]).done("table");
    assert_eq!(json["cell"], "LSTM");
    let steps = list(&json, "steps");
    assert_eq!(steps.len(), 1, "steps");
    let quantities = list(&steps[0], "quantities");
    assert_eq!(quantities.len(), 13, "quantities");
    for quantity in quantities {
        let (symbol, value) = (quantity["symbol"].as_str().unwrap(), quantity["value"].as_f64().unwrap());
        let cells = row(&page, symbol);
        assert_eq!(cells[3], printed(value, 12), "{symbol}: value");
        assert_eq!(cells[4], quantity["name"].as_str().unwrap(), "{symbol}: name");
    }
}

#[test]
fn every_hidden_state_is_pytorchs_and_every_formula_gives_its_value() {
    for golden in &GOLDEN {
        let (y, [steps, batches, units]) = (golden.y(), golden.sizes());
        for batch in 0..batches {
            let number = batch.to_string();
            let text =
                golden.explain(&["--json", "--step", "all", "--unit", "all", "--batch", &number]).done(golden.case);
            let json = parse(&text);
            assert_eq!(list(&json, "steps").len(), steps, "{}: steps", golden.case);
            for (step, traced) in list(&json, "steps").iter().enumerate() {
                assert_eq!(
                    (traced["step"].as_u64(), traced["batch"].as_u64()),
                    (Some(step as u64), Some(batch as u64))
                );
                let mut hidden_states = 0;
                for quantity in list(traced, "quantities") {
                    let what = || format!("{}, sequence {batch}, step {step}, {}", golden.case, quantity["symbol"]);
                    let value = quantity["value"].as_f64().unwrap();
                    let again = evaluate(&quantity["formula"]);
                    assert!((again - value).abs() <= 1e-14, "{}: its formula gives {again}, not {value}", what());
                    if quantity["letter"] == "h" {
                        let expected = y.values[golden.at(step, batch, quantity["unit"].as_u64().unwrap() as usize)];
                        assert!((value - expected).abs() <= 1e-12, "{}: {value} for {expected}", what());
                        hidden_states += 1;
                    }
                }
                assert_eq!(hidden_states, units, "{}, step {step}: hidden states", golden.case);
            }
        }
    }
}

/// A formula with its numbers put in.
fn evaluate(formula: &Value) -> f64 {
    let number = |named: &Value| named["value"].as_f64().unwrap_or_else(|| panic!("no number in {named}"));
    if let Some(products) = formula["sum"].as_array() {
        return products
            .iter()
            .map(|product| {
                let magnitude: f64 = list(product, "factors").iter().map(number).product();
                if product["negative"] == true { -magnitude } else { magnitude }
            })
            .sum();
    }
    let x = number(&formula["argument"]);
    match formula["apply"].as_str() {
        Some("sigmoid") => 1.0 / (1.0 + (-x).exp()),
        Some("tanh") => x.tanh(),
        Some("relu") => x.max(0.0),
        other => panic!("no function {other:?} in {formula}"),
    }
}

#[test]
fn one_unit_of_one_step_is_the_same_as_in_the_table() {
    for golden in &GOLDEN {
        let pick = ["--step", "1", "--unit", "2", "--batch", "1"];
        let json = parse(&golden.explain(&[&pick[..], &["--json"]].concat()).done(golden.case));
        let page = golden.explain(&pick).done(golden.case);
        let steps = list(&json, "steps");
        assert_eq!(steps.len(), 1, "{}: steps", golden.case);
        for quantity in list(&steps[0], "quantities") {
            let (symbol, value) = (quantity["symbol"].as_str().unwrap(), quantity["value"].as_f64().unwrap());
            assert_eq!(row(&page, symbol)[3], printed(value, 6), "{}: {symbol}", golden.case);
        }
    }
}

/// As with `| head`: the reader takes a little and goes. More is written than a pipe holds.
#[test]
fn a_reader_that_goes_away_is_no_error() {
    let [model, input] = ["model.safetensors", "io.npz"].map(|file| fixture("torch_10_gru", file));
    let long = ["explain", "--weights", &model, "--cell", "gru", "--input", &input, "--step", "all", "--unit", "all"];
    for arguments in [[&long[..], &["--json"]].concat(), [&long[..], &["--all-terms"]].concat(), vec!["explain"]] {
        for read in [0, 10] {
            let mut child = gatewise()
                .args(&arguments)
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .expect("the command starts");
            let mut stdout = child.stdout.take().expect("a pipe");
            stdout.read_exact(&mut vec![0; read]).expect("the first bytes");
            drop(stdout);
            let output = child.wait_with_output().expect("the command ends");
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert_eq!((output.status.code(), &*stderr), (Some(0), ""), "{arguments:?} read to {read} bytes");
        }
    }
}
