//! The way back: the published gradients, those of given ones, and those of small changes.

use serde_json::Value;

use crate::common::{Array, Folder, Npz, array, fixture, python_tuple, run};
use crate::files::{GOLDEN, Golden};
use crate::table::{printed, row, rows};

/// The sheet of Gomez' example.
const GOMEZ: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/explain/gomez.toml");

/// What Gomez prints for each gate: d W of both features, d R, d b.
const PRINTED: [(&str, [&str; 4]); 4] = [
    ("g", ["−0.02671622", "−0.09220113", "−0.01039609", "−0.03640839"]),
    ("i", ["−0.00220369", "−0.00663861", "−0.00059832", "−0.00276150"]),
    ("f", ["−0.00315327", "−0.01891963", "−0.00338228", "−0.00630654"]),
    ("o", ["−0.02592411", "−0.16260389", "−0.02969987", "−0.05361303"]),
];

fn json(arguments: &[&str]) -> Value {
    let text = run(&[&["explain", "--backward", "--json"][..], arguments].concat()).done("JSON");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("no JSON: {error}\n{text}"))
}

fn numbers(value: &Value) -> Vec<f64> {
    let values = value["values"].as_array().unwrap_or_else(|| panic!("no values in {value}"));
    values.iter().map(|value| value.as_f64().expect("a number")).collect()
}

#[track_caller]
fn assert_near(found: f64, expected: f64, tolerance: f64, what: &str) {
    assert!((found - expected).abs() <= tolerance * expected.abs(), "{what}: {found} for {expected}");
}

#[test]
fn the_worked_examples_gradients_have_twelve_digits() {
    let trace = json(&[]);
    let quantities = trace["steps"][0]["quantities"].as_array().expect("quantities");
    let page = run(&["explain", "--backward"]).done("table");
    for (symbol, expected) in [
        ("d z_f", 5.630331074064e-05),
        ("d z_g", 7.140954199171e-04),
        ("d z_i", 1.426707775390e-04),
        ("d z_o", 8.211435514613e-03),
        ("d c", 1.085966841792e-02),
        ("d c⁻", 1.083144340383e-02),
        ("d h⁻", 3.741032259017e-02),
        ("d x", -5.617418736078e-04),
    ] {
        let quantity = quantities.iter().find(|quantity| quantity["symbol"] == symbol);
        let value = quantity.unwrap_or_else(|| panic!("no {symbol}"))["value"].as_f64().expect("a number");
        assert_near(value, expected, 6e-13, symbol);
        assert_eq!(row(&page, symbol)[3], printed(expected, 6), "{symbol} in\n{page}");
    }
    // One step: each share is the whole gradient.
    assert_eq!(row(&page, "Σ d R_o")[1], printed(8.211435514613e-03, 6), "{page}");
    assert_eq!(row(&page, "d h0")[1], printed(3.741032259017e-02, 6), "{page}");
    assert_eq!(row(&page, "d c0")[1], printed(1.083144340383e-02, 6), "{page}");
    assert_eq!(row(&page, "d f")[1..3], ["d (f·c⁻)·c⁻", "0.0109·2"], "{page}");
}

#[test]
fn the_sheet_of_the_worked_example_has_the_same_gradients() {
    let sheet = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/worked.toml");
    assert_eq!(json(&["--sheet", sheet])["gradients"], json(&[])["gradients"]);
    let forward = run(&["explain", "--sheet", sheet, "--digits", "12"]).done("forward");
    assert_eq!(row(&forward, "h")[3], "0.986229125417", "{forward}");
}

#[test]
fn gomez_example_comes_out_as_printed() {
    let options = ["--sheet", GOMEZ, "--step", "all", "--backward", "--loss", "half-squared:0.5,1.25", "--digits", "8"];
    let page = run(&[&["explain"][..], &options].concat()).done("Gomez");
    for (gate, [first, second, recurrent, bias]) in PRINTED {
        let shown = |letter: &str| row(&page, &format!("Σ d {letter}_{gate}"))[1].to_owned();
        assert_eq!(shown("W"), format!("{first}, {second}"), "d W_{gate} in\n{page}");
        assert_eq!((shown("R"), shown("b")), (recurrent.to_owned(), bias.to_owned()), "{gate} in\n{page}");
    }
    // From the last step to the first, where d h is d y and what comes from the step behind.
    let order: Vec<&str> = page.lines().filter(|line| line.starts_with("sequence")).collect();
    assert_eq!(order, ["sequence 0, step 1", "sequence 0, step 0"], "{page}");
    let formulas: Vec<&str> = rows(&page, "d h").into_iter().map(|cells| cells[1]).collect();
    assert_eq!(formulas, ["d y", "d y + d h⁻(t+1)"], "{page}");
}

/// The shares of the steps are what the sums at the end are made of.
#[test]
fn shares_add_up_to_the_gradients() {
    let trace = json(&["--sheet", GOMEZ, "--step", "all", "--loss", "half-squared:0.5,1.25"]);
    let steps = trace["steps"].as_array().expect("steps");
    for weight in trace["gradients"]["weights"].as_array().expect("weights") {
        let letter = weight["letter"].as_str().expect("a letter");
        for (index, gradient) in numbers(weight).into_iter().enumerate() {
            let shares = steps.iter().map(|step| {
                let own = step["quantities"].as_array().expect("quantities").iter();
                let mut own = own.filter(|quantity| quantity["letter"] == letter);
                own.nth(index).map_or(0.0, |quantity| quantity["value"].as_f64().expect("a number"))
            });
            let sum: f64 = shares.sum();
            assert_near(sum, gradient, 1e-14, &format!("{letter} {index}"));
        }
    }
}

#[test]
fn given_gradients_are_those_of_the_loss() {
    let folder = Folder::new();
    let targets = json(&["--sheet", GOMEZ, "--step", "all", "--loss", "half-squared:0.5,1.25"]);
    // h − target, from the way there.
    let forward = run(&["explain", "--sheet", GOMEZ, "--step", "all", "--json"]).done("forward");
    let forward: Value = serde_json::from_str(&forward).expect("JSON");
    let h: Vec<f64> = (0..2)
        .map(|step| {
            let quantities = forward["steps"][step]["quantities"].as_array().expect("quantities");
            quantities.last().expect("h")["value"].as_f64().expect("a number")
        })
        .collect();
    let d_y: Vec<u8> = [h[0] - 0.5, h[1] - 1.25].iter().flat_map(|value| value.to_le_bytes()).collect();
    for shape in ["(2, 1, 1)", "(2, 1)", "(2,)"] {
        let given = folder.put("d.npz", &Npz::new().with_raw("d_y", ["'<f8'", "False", shape], &d_y).bytes());
        let found = json(&["--sheet", GOMEZ, "--step", "all", "--gradients", &given]);
        assert_eq!(found["gradients"], targets["gradients"], "d_y of shape {shape}");
    }
}

/// The fixture's input with a changed x.
fn changed_input(golden: &Golden, x: &Array, index: usize, by: f64) -> Vec<u8> {
    let io = fixture(golden.case, "io.npz");
    let shape = |array: &Array| array.shape.iter().map(|axis| *axis as u64).collect::<Vec<u64>>();
    let mut values = x.values.clone();
    values[index] += by;
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let mut npz = Npz::new().with_raw("x", ["'<f8'", "False", &python_tuple(&shape(x))], &bytes);
    for name in ["h0", "c0"] {
        if let Some(state) = array(&io, name) {
            let values: Vec<f32> = state.values.iter().map(|value| *value as f32).collect();
            npz = npz.with(name, &shape(&state), &values);
        }
    }
    npz.bytes()
}

/// With the sum of the last h as the loss, against the difference that a small change of x makes.
#[test]
fn every_cells_gradients_are_those_of_small_changes() {
    for golden in &GOLDEN {
        let text = golden.explain(&["--backward", "--json", "--batch", "1"]).done(golden.case);
        let trace: Value = serde_json::from_str(&text).expect("JSON");
        let x = array(&fixture(golden.case, "io.npz"), "x").expect("x");
        let ([steps, batch, _], features) = (golden.sizes(), x.shape[2]);
        let gradient = numbers(&trace["gradients"]["x"]);
        assert_eq!(gradient.len(), steps * features, "{}: d x", golden.case);
        let folder = Folder::new();
        for (step, feature) in [(0, 0), (steps - 1, features - 1)] {
            let place = if golden.batch_first { steps + step } else { step * batch + 1 };
            let loss = |by: f64| {
                let input = folder.put("in.npz", &changed_input(golden, &x, place * features + feature, by));
                let weights = fixture(golden.case, "model.safetensors");
                let arguments = ["explain", "--weights", &weights, "--cell", golden.cell, "--input", &input];
                let further = ["--backward", "--json", "--batch", "1"];
                let text = run(&[&arguments[..], &further, golden.options].concat()).done(golden.case);
                let found: Value = serde_json::from_str(&text).expect("JSON");
                found["loss"]["value"].as_f64().expect("the loss")
            };
            let slope = (loss(1e-5) - loss(-1e-5)) / 2e-5;
            let found = gradient[step * features + feature];
            assert!((found - slope).abs() < 1e-8, "{}: d x({step})[{feature}] {found} for {slope}", golden.case);
        }
    }
}

#[test]
fn a_loss_that_does_not_fit_is_refused() {
    let folder = Folder::new();
    let back = |further: &[&str]| run(&[&["explain", "--sheet", GOMEZ, "--backward"][..], further].concat());
    back(&["--loss", "half-squared:0.5"]).refused("too few", &["--loss: 1 targets, expected 2", "2·1"]);
    for loss in ["squared:1,2", "half-squared:", "half-squared:1,x", "half-squared:1,inf"] {
        back(&["--loss", loss]).misused(loss, &["expected half-squared: and numbers"]);
    }
    let npz =
        |name: &str, shape: &[u64], values: &[f32]| folder.put("d.npz", &Npz::new().with(name, shape, values).bytes());
    let wrong = npz("d_y", &[3, 1, 1], &[0.0; 3]);
    back(&["--gradients", &wrong]).refused("shape", &[&wrong, "array d_y has shape [3, 1, 1], expected [2, 1, 1]"]);
    let wrong = npz("d_h", &[1], &[0.0]);
    back(&["--gradients", &wrong]).refused("name", &[&wrong, "array d_h: expected d_y, d_h_n, d_c_n"]);
    let wrong = npz("d_h_n", &[1], &[f32::NAN]);
    back(&["--gradients", &wrong]).refused("NaN", &[&wrong, "array d_h_n holds NaN at index 0"]);
    run(&["explain", "--loss", "half-squared:1"]).misused("forwards", &["--backward"]);
}

#[test]
fn a_sheet_that_is_none_is_refused_by_line() {
    let folder = Folder::new();
    let gomez = std::fs::read_to_string(GOMEZ).expect("the sheet");
    for (what, from, to, says) in [
        ("a key", "title", "titel", "line 2: unknown field `titel`"),
        ("a cell", "\"lstm\"", "\"lstn\"", "line 3: unknown variant `lstn`"),
        ("no TOML", "h = 0.15", "h = ", "line 6: "),
        ("too few weights", "[0.95, 0.8]", "[0.95]", "weights.input.x: 1 numbers, expected 2"),
        ("another gate", "[weights.output]", "[weights.update]", "[weights.update]: this cell has no such gate"),
        ("a feature too many", "x = [1, 2]", "x = [1, 2, 3]", "x of step 0: 3 numbers, expected 2"),
    ] {
        assert!(gomez.contains(from), "{what}: the sheet has {from}");
        let sheet = folder.put("sheet.toml", gomez.replacen(from, to, 1).as_bytes());
        run(&["explain", "--sheet", &sheet]).refused(what, &[&sheet, says]);
    }
    let nowhere = folder.path("nowhere.toml");
    run(&["explain", "--sheet", &nowhere]).refused("no file", &[&nowhere]);
}
