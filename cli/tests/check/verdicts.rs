//! Verdicts: right numbers at every precision and size, early rounding, cutting, carried mistakes, gaps; the shipped sheets.

use std::path::Path;

use super::sheets::{Numbers, Report, check, check_file, sigmoid};

fn shipped(name: &str) -> Report {
    check_file(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name))
}

#[test]
fn the_worked_example_is_all_right() {
    let report = shipped("worked.toml");
    assert_eq!((report.code, report.err.as_str()), (0, ""));
    assert!(report.out.ends_with("\n8 right, 0 wrong\n"), "{}", report.out);
}

#[test]
fn the_printed_final_cell_state_is_recognised_as_tanh_of_it() {
    let report = shipped("slip-cell-state.toml");
    report.assert_first("0.99 is tanh(c) (squashed cell state), not c");
    assert!(report.out.ends_with("\n7 right, 1 wrong\n"), "{}", report.out);
}

#[test]
fn the_old_memory_is_recognised_and_the_last_step_follows_from_it() {
    let report = shipped("slip-old-memory.toml");
    report.assert_first("the old cell state c⁻ was used where the new c belongs, for every unit");
    assert!(report.out.contains("follows from your h of step 1"), "{}", report.out);
    assert!(report.out.ends_with("\n22 right, 1 wrong, 9 follow from it\n"), "{}", report.out);
}

/// The names and the numbers of a step, x first.
type Values = Vec<(&'static str, Vec<f64>)>;

/// An LSTM of any size, calculated with loops; returns the sheet without values, and the values of every step by name.
fn lstm(seed: u64, hidden: usize, inputs: usize, steps: usize) -> (String, Vec<Values>) {
    let mut numbers = Numbers::new(seed);
    let mut head = "cell = \"lstm\"\n".to_string();
    let mut gates = Vec::new();
    for name in ["forget", "candidate", "input", "output"] {
        let (r, w, b) = (numbers.matrix(hidden, hidden), numbers.matrix(hidden, inputs), numbers.vector(hidden));
        head += &format!("[weights.{name}]\nh = {r:?}\nx = {w:?}\nb = {b:?}\n");
        gates.push((r, w, b));
    }
    let (mut h, mut c) = (numbers.vector(hidden), numbers.vector(hidden));
    head += &format!("[start]\nh = {h:?}\nc = {c:?}\n");
    let mut all = Vec::new();
    for _ in 0..steps {
        let x = numbers.vector(inputs);
        let sums = |(r, w, b): &(Vec<Vec<f64>>, Vec<Vec<f64>>, Vec<f64>)| -> Vec<f64> {
            let dot = |row: &[f64], with: &[f64]| row.iter().zip(with).map(|(a, b)| a * b).sum::<f64>();
            (0..hidden).map(|unit| dot(&w[unit], &x) + dot(&r[unit], &h) + b[unit]).collect()
        };
        let z: Vec<Vec<f64>> = gates.iter().map(sums).collect();
        let each = |value: &dyn Fn(usize) -> f64| (0..hidden).map(value).collect::<Vec<f64>>();
        let (f, g) = (each(&|u| sigmoid(z[0][u])), each(&|u| z[1][u].tanh()));
        let (i, o) = (each(&|u| sigmoid(z[2][u])), each(&|u| sigmoid(z[3][u])));
        c = each(&|u| f[u] * c[u] + i[u] * g[u]);
        h = each(&|u| o[u] * c[u].tanh());
        let written = each(&|u| i[u] * g[u]);
        let values = [("x", x), ("z_f", z[0].clone()), ("f", f), ("c~", g), ("i", i), ("o", o), ("ig", written)];
        let mut values = values.to_vec();
        values.extend([("C", c.clone()), ("hidden state", h.clone())]);
        all.push(values);
    }
    (head, all)
}

#[test]
fn right_numbers_are_right_at_every_precision_and_size() {
    for (seed, (hidden, inputs, steps)) in
        [(1, 1, 1), (1, 3, 2), (2, 1, 3), (3, 2, 2), (4, 5, 3)].into_iter().enumerate()
    {
        let (head, all) = lstm(seed as u64 + 1, hidden, inputs, steps);
        for decimals in [2, 3, 4, 6] {
            let mut sheet = head.clone();
            for values in &all {
                let (_, x) = &values[0];
                sheet += &format!("[[step]]\nx = {x:?}\n[step.values]\n");
                for (name, numbers) in &values[1..] {
                    let numbers: Vec<String> = numbers.iter().map(|number| format!("{number:.decimals$}")).collect();
                    sheet += &format!("\"{name}\" = [{}]\n", numbers.join(", "));
                }
            }
            let report = check(&sheet);
            assert_eq!(report.code, 0, "H = {hidden}, I = {inputs}, {decimals} decimals\n{}{}", report.out, report.err);
            let expected = format!("\n{} right, 0 wrong\n", 8 * hidden * steps);
            assert!(report.out.ends_with(&expected), "{expected}\n{}", report.out);
        }
    }
}

/// The worked example with these values.
fn worked(values: &str) -> Report {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/worked.toml");
    let text = std::fs::read_to_string(path).expect("the worked example");
    let at = text.find("[step.values]").expect("values");
    check(&format!("{}[step.values]\n{values}", &text[..at]))
}

#[test]
fn numbers_that_come_of_earlier_rounding_are_no_mistakes() {
    // 0.99·0.97 = 0.9603, while the exact product is 0.9528.
    let report = worked("g = 0.97\ni = 0.99\nig = 0.96\n");
    assert_eq!(report.code, 0);
    report.assert_mark("~", "i·g");
    assert!(report.line("i·g").contains("0.95, but this comes of your rounded"), "{}", report.out);
    assert!(report.out.ends_with("\n2 right, 1 rounded early, 0 wrong\n"), "{}", report.out);
    // Nothing was written down, but rounding everything to two decimals gives 0.96 as well.
    let report = worked("ig = 0.96\n");
    report.assert_mark("~", "i·g");
    assert!(report.line("i·g").contains("rounding every number to 2 decimals"), "{}", report.out);
}

#[test]
fn the_number_that_was_rounded_early_is_named_if_one_is_enough() {
    // 1.0·2 = 2.000, while the exact product is 1.995.
    let report = worked("f = 1.0\nfc = 2.000\n");
    report.assert_mark("~", "f·c⁻");
    assert!(report.line("f·c⁻").contains("comes of your rounded f = 1.0"), "{}", report.out);
}

#[test]
fn what_follows_from_early_rounding_is_no_mistake_either() {
    let report = worked("f = 1.0\nfc = 2.000\nc = 2.953\n");
    report.assert_mark("~", "c");
    assert_eq!(report.code, 0);
}

#[test]
fn cut_numbers_are_right_with_a_note() {
    let report = worked("f = 0.99\ng = 0.96\no = 0.991\n");
    assert_eq!(report.code, 0);
    for quantity in ["f", "g", "o"] {
        report.assert_mark("✓", quantity);
        assert!(report.line(quantity).contains("cut, not rounded"), "{}", report.out);
    }
    assert!(report.out.ends_with("\n3 right, 0 wrong\n"), "{}", report.out);
}

#[test]
fn a_carried_mistake_is_told_from_the_mistake() {
    // The candidate without its bias, and everything after it calculated correctly, with more decimals than are shown.
    let g = 2.35f64.tanh();
    let c = sigmoid(5.95) * 2.0 + sigmoid(4.27) * g;
    let o = sigmoid(4.78);
    let values = format!("f = 0.9974\ng = {g:.4}\ni = 0.9862\nc = {c:.4}\no = {o:.4}\nh = {:.5}\n", o * c.tanh());
    let report = worked(&values);
    report.assert_first("the bias b_g was forgotten");
    report.assert_mark("✗", "g");
    report.assert_mark("↳", "c");
    assert!(report.line("c").contains("follows from your g"), "{}", report.out);
    assert!(report.line("h").contains("follows from your c"), "{}", report.out);
    assert!(report.out.ends_with("\n3 right, 1 wrong, 2 follow from it\n"), "{}", report.out);
}

#[test]
fn a_second_mistake_is_not_taken_for_a_carried_one() {
    let report = worked("f = 0.9974\ng = 0.8\nc = 2.7838\no = 0.5000\n");
    report.assert_mark("✗", "g");
    report.assert_mark("↳", "c");
    report.assert_mark("✗", "o");
    assert!(report.out.contains("Mend the first mistake and check again"), "{}", report.out);
}

#[test]
fn where_nothing_usual_fits_the_right_computation_is_shown() {
    let report = worked("f = 0.123457\n");
    assert_eq!(report.code, 1);
    assert!(report.out.contains("None of the usual mistakes gives this number"), "{}", report.out);
    assert!(report.out.contains("= W_f·x + R_f·h⁻ + b_f"), "{}", report.out);
}

#[test]
fn gaps_are_left_alone() {
    let report = worked("f = \"?\"\nh = \"0.99\"\n");
    assert_eq!(report.code, 0);
    assert!(report.out.ends_with("\n1 right, 0 wrong\n"), "{}", report.out);
}

#[test]
fn the_exact_column_has_as_many_decimals_as_wanted() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/worked.toml");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_gatewise"))
        .args(["check", "--digits", "9"])
        .arg(path)
        .output()
        .expect("the binary runs");
    assert!(String::from_utf8_lossy(&output.stdout).contains("0.997400932"));
}

#[test]
fn the_sheet_of_the_help_is_a_good_one() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_gatewise")).args(["check", "--help"]).output();
    let help = String::from_utf8(output.expect("the binary runs").stdout).expect("UTF-8");
    let start = help.find("  title = ").expect("the sheet begins");
    let end = help.find("Write as many decimals").expect("the sheet ends");
    let report = check(&help[start..end]);
    assert_eq!(report.code, 0, "{}{}", report.out, report.err);
    assert!(report.out.ends_with("\n4 right, 0 wrong\n"), "{}", report.out);
}
