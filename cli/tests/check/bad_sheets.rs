//! Sheets that cannot be read: one line says the file, the line and what was expected.

use super::sheets::{check, check_file};

const GOOD: &str = "\
cell = \"rnn\"
[weights]
h = 0.5
x = 0.4
[[step]]
x = 1
[step.values]
h = 0.38
";

/// Two units, two features.
const WIDE: &str = "\
cell = \"rnn\"
[weights]
h = [[0.5, 0.1], [0.2, 0.3]]
x = [[0.4, 0.7], [0.6, 0.9]]
b = [0.1, 0.2]
[[step]]
x = [1, 2]
[step.values]
h = [0.96, 0.99]
";

#[track_caller]
fn assert_refused(sheet: &str, line: usize, words: &str) {
    let report = check(sheet);
    assert_eq!((report.code, report.out.as_str()), (2, ""), "{}", report.err);
    let error = report.err.strip_suffix('\n').expect("a line");
    assert!(!error.contains('\n'), "more than a line: {error}");
    assert!(error.starts_with("error: ") && error.contains(".toml: "), "{error}");
    if line > 0 {
        assert!(error.contains(&format!(": line {line}: ")), "expected line {line}: {error}");
    }
    assert!(error.contains(words), "expected `{words}`: {error}");
}

#[test]
fn the_good_sheets_are_good() {
    assert_eq!(check(GOOD).code, 0);
    assert_eq!(check(WIDE).code, 0);
}

#[test]
fn unknown_names_are_refused_with_the_known_ones() {
    assert_refused(&GOOD.replace("cell = \"rnn\"", "cell = \"rmm\""), 1, "expected \"lstm\" or \"gru\" or \"rnn\"");
    assert_refused(&GOOD.replace("[weights]", "bias = 3\n[weights]"), 2, "unknown key `bias`");
    assert_refused(&GOOD.replace("x = 0.4", "y = 0.4"), 4, "unknown key `y`; [weights] may have h, x, b");
    assert_refused(&GOOD.replace("h = 0.38", "c = 0.38"), 8, "unknown quantity `c`; this cell has z, h");
    assert_refused(&GOOD.replace("x = 1\n", "x = 1\nvalue = 3\n"), 7, "unknown key `value`");
    let reset = GOOD.replace("[weights]", "reset = \"after\"\n[weights]");
    assert_refused(&reset, 2, "unknown key `reset`");
    let relu = GOOD.replace("[weights]", "nonlinearity = \"sigmoid\"\n[weights]");
    assert_refused(&relu, 2, "expected \"tanh\" or \"relu\"");
}

#[test]
fn what_is_missing_is_named() {
    assert_refused("", 0, "lacks `cell`");
    assert_refused("cell = \"lstm\"\n", 0, "lacks `weights`");
    assert_refused("cell = \"lstm\"\n[weights.forget]\nh = 1\nx = 1\n", 0, "lacks `candidate`");
    assert_refused(&GOOD.replace("x = 0.4\n", ""), 2, "lacks `x`");
    assert_refused(&GOOD.replace("x = 1\n", ""), 5, "lacks `x`");
    assert_refused(&GOOD.replace("h = 0.38\n", ""), 5, "nothing to check");
    assert_refused(&GOOD[..GOOD.find("[[step]]").expect("a step")], 0, "lacks `step`");
}

#[test]
fn wrong_shapes_are_refused_with_the_right_ones() {
    assert_refused(&WIDE.replace("b = [0.1, 0.2]", "b = [0.1]"), 5, "expected a list of 2 numbers");
    assert_refused(&WIDE.replace("b = [0.1, 0.2]", "b = 0.1"), 5, "expected a list of 2 numbers");
    assert_refused(&WIDE.replace("[0.2, 0.3]]", "[0.2]]"), 3, "expected 2 lists of 2 numbers");
    assert_refused(&WIDE.replace("[0.6, 0.9]]", "[0.6, 0.9], [1, 2]]"), 4, "expected 2 lists of 2 numbers");
    assert_refused(&WIDE.replace("x = [1, 2]", "x = [1, 2, 3]"), 7, "expected a list of 2 numbers");
    assert_refused(&WIDE.replace("h = [0.96, 0.99]", "h = 0.96"), 9, "expected a list of 2 numbers");
    assert_refused(&GOOD.replace("x = 1\n", "x = [1, 2]\n"), 6, "expected a number");
    assert_refused(&GOOD.replace("[[step]]", "[step]"), 5, "expected tables, [[step]]");
}

#[test]
fn what_is_no_number_is_refused() {
    for wrong in ["nan", "inf", "-inf", "\"0,38\"", "true", "\"one\"", "[[1]]"] {
        assert_refused(&GOOD.replace("h = 0.38", &format!("h = {wrong}")), 8, "expected a number");
    }
    assert_refused(&GOOD.replace("h = 0.38", "h = 1e400"), 8, "overflow");
    assert_refused(&GOOD.replace("h = 0.5", "h = nan"), 3, "expected a number");
    assert_refused(&GOOD.replace("x = 1\n", "x = 1e308\n").replace("x = 0.4", "x = 1e308"), 5, "overflows");
}

#[test]
fn what_is_no_toml_is_refused_on_its_line() {
    assert_refused(&GOOD.replace("h = 0.38", "h = 0,38"), 8, "not TOML");
    assert_refused(&GOOD.replace("h = 0.38", "f·c⁻ = 0.38"), 8, "a name with signs needs quotes: \"f·c⁻\"");
    assert_refused(&GOOD.replace("h = 0.38", "h = 0.38\nh = 0.39"), 9, "not TOML");
}

#[test]
fn a_number_given_twice_is_refused() {
    assert_refused(&format!("{GOOD}s = 0.38\n"), 9, "`s` is h, which this step already has");
}

#[test]
fn weights_of_a_coupled_gate_are_refused() {
    let gate = "h = 0.5\nx = 0.4\n";
    let mut sheet = "cell = \"lstm\"\ncoupling = \"forget-is-one-minus-input\"\n".to_string();
    for name in ["input", "candidate", "output", "forget"] {
        sheet += &format!("[weights.{name}]\n{gate}");
    }
    assert_refused(&sheet, 12, "the forget gate is coupled");
}

#[test]
fn a_missing_file_is_named() {
    let report = check_file(std::path::Path::new("no-such-sheet.toml"));
    assert_eq!((report.code, report.out.as_str()), (2, ""));
    assert!(report.err.starts_with("error: no-such-sheet.toml: cannot read the sheet"), "{}", report.err);
    assert_eq!(report.err.lines().count(), 1);
}
