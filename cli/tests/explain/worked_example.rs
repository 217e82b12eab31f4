//! The worked example: every number, any number of digits, and what its one step does not have.

use crate::common::run;
use crate::table::{printed, row};

/// Symbol and value to twelve decimals, with the document's x = 1, h⁻ = 1, c⁻ = 2.
const VALUES: [(&str, f64); 13] = [
    ("z_f", 5.95),
    ("f", 0.997400932238),
    ("f·c⁻", 1.994801864475),
    ("z_g", 2.03),
    ("g", 0.966086928980),
    ("z_i", 4.27),
    ("i", 0.986211011494),
    ("i·g", 0.952765567420),
    ("c", 2.947567431895),
    ("tanh(c)", 0.994509504136),
    ("z_o", 4.78),
    ("o", 0.991673906902),
    ("h", 0.986229125417),
];

#[test]
fn every_number_is_there_with_its_formula() {
    let page = run(&["explain", "--digits", "12"]).done("explain");
    let order: Vec<&str> = page
        .lines()
        .filter_map(|line| VALUES.iter().find(|(symbol, _)| line.trim().split("  ").next() == Some(*symbol)))
        .map(|(symbol, _)| *symbol)
        .collect();
    assert_eq!(order, VALUES.map(|(symbol, _)| symbol), "the order of the rows");
    for (symbol, value) in VALUES {
        assert_eq!(row(&page, symbol)[3], printed(value, 12), "{symbol} in\n{page}");
    }
    assert_eq!(row(&page, "z_f")[1], "W_f·x + R_f·h⁻ + b_f");
    assert_eq!(row(&page, "f")[1..3], ["σ(z_f)", "σ(5.9500)"]);
    assert_eq!(row(&page, "c")[1..3], ["f·c⁻ + i·g", "1.9948 + 0.9528"]);
    assert_eq!(row(&page, "h")[1..], ["o·tanh(c)", "0.9917·0.9945", "0.986229125417", "hidden state"]);
}

#[test]
fn the_digits_are_as_many_as_asked_for() {
    for (digits, expected) in [("0", 0), ("2", 2), ("6", 6), ("10", 10)] {
        let page = run(&["explain", "--digits", digits]).done(digits);
        for (symbol, value) in VALUES {
            assert_eq!(row(&page, symbol)[3], printed(value, expected), "{symbol} with {digits} digits");
        }
    }
    let page = run(&["explain"]).done("no option");
    assert_eq!(row(&page, "h")[3], "0.986229", "six digits where none are asked for");
    let page = run(&["explain", "--digits", "17"]).done("17 digits");
    assert!(row(&page, "h")[3].starts_with("0.986229125417"), "{page}");
    run(&["explain", "--digits", "18"]).misused("18 digits", &["--digits", "18"]);
}

#[test]
fn all_is_the_only_step_and_unit() {
    let one = run(&["explain"]).done("explain");
    assert_eq!(run(&["explain", "--step", "all", "--unit", "all"]).done("all"), one);
    for option in ["--step", "--unit", "--batch"] {
        run(&["explain", option, "1"]).refused(option, &[&format!("{option} 1"), "expected 0 to 0"]);
    }
}

#[test]
fn options_that_need_a_file_say_so() {
    for (arguments, says) in [
        (&["explain", "--weights", "m.safetensors"][..], &["--cell", "--input"][..]),
        (&["explain", "--cell", "gru"], &["--weights"]),
        (&["explain", "--input", "x.npz"], &["--weights"]),
        (&["explain", "--batch-first"], &["--weights"]),
        (&["explain", "--step", "-1"], &[]),
        (&["explain", "--step", "first"], &["--step", "expected a number from 0, or all"]),
        (&["explain", "--unit", "1.5"], &["--unit", "expected a number from 0, or all"]),
    ] {
        run(arguments).misused(&arguments.join(" "), says);
    }
}
