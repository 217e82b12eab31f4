//! Any step, unit and sequence of a trained layer: PyTorch's hidden states in the last row, formulas in full on request.

use crate::common::{Array, Folder, Ran, array, fixture, run};
use crate::table::{printed, row, rows};

/// A golden case with the options that it needs.
pub struct Golden {
    pub case: &'static str,
    pub cell: &'static str,
    pub options: &'static [&'static str],
    pub batch_first: bool,
}

pub const GOLDEN: [Golden; 6] = [
    Golden { case: "torch_08_lstm_state", cell: "lstm", options: &[], batch_first: false },
    Golden { case: "torch_05_lstm_batch_first", cell: "lstm", options: &["--batch-first"], batch_first: true },
    Golden { case: "torch_18_gru_state", cell: "gru", options: &[], batch_first: false },
    Golden { case: "torch_15_gru_batch_first", cell: "gru", options: &["--batch-first"], batch_first: true },
    Golden { case: "torch_28_rnn_state", cell: "rnn", options: &[], batch_first: false },
    Golden {
        case: "torch_30_rnn_nonlinearity-relu",
        cell: "rnn",
        options: &["--nonlinearity", "relu"],
        batch_first: false,
    },
];

impl Golden {
    pub fn explain(&self, further: &[&str]) -> Ran {
        let (weights, input) = (fixture(self.case, "model.safetensors"), fixture(self.case, "io.npz"));
        let mut arguments = vec!["explain", "--weights", &weights, "--cell", self.cell, "--input", &input];
        arguments.extend(self.options.iter().chain(further));
        run(&arguments)
    }

    pub fn y(&self) -> Array {
        array(&fixture(self.case, "io.npz"), "y").expect("the fixture's y")
    }

    /// Steps, batch and units of its y.
    pub fn sizes(&self) -> [usize; 3] {
        let &[first, second, units] = &self.y().shape[..] else { panic!("{}: y has three axes", self.case) };
        if self.batch_first { [second, first, units] } else { [first, second, units] }
    }

    /// Where a value lies in y.
    pub fn at(&self, step: usize, batch: usize, unit: usize) -> usize {
        let [steps, batches, units] = self.sizes();
        let row = if self.batch_first { batch * steps + step } else { step * batches + batch };
        row * units + unit
    }
}

#[test]
fn every_step_unit_and_sequence_ends_in_pytorchs_hidden_state() {
    for golden in &GOLDEN {
        let (y, [steps, batches, units]) = (golden.y(), golden.sizes());
        for (step, batch, unit) in [(0, 0, 0), (steps - 1, batches - 1, units - 1), (1, batches / 2, units / 2)] {
            let [s, b, u] = [step, batch, unit].map(|index| index.to_string());
            let what = format!("{}, step {s}, sequence {b}, unit {u}", golden.case);
            let page = golden.explain(&["--step", &s, "--batch", &b, "--unit", &u, "--digits", "9"]).done(&what);
            assert!(page.contains(&format!("\nsequence {b}, step {s}\n")), "{what}: the heading in\n{page}");
            let expected = printed(y.values[golden.at(step, batch, unit)], 9);
            assert_eq!(row(&page, &format!("h[{u}]"))[3], expected, "{what}: h in\n{page}");
        }
    }
}

#[test]
fn all_steps_and_units_are_shown_on_request() {
    for golden in &GOLDEN {
        let (y, [steps, _, units]) = (golden.y(), golden.sizes());
        let page = golden.explain(&["--step", "all", "--unit", "all", "--batch", "1"]).done(golden.case);
        for unit in 0..units {
            let shown: Vec<&str> = rows(&page, &format!("h[{unit}]")).into_iter().map(|cells| cells[3]).collect();
            let expected: Vec<String> = (0..steps).map(|step| printed(y.values[golden.at(step, 1, unit)], 6)).collect();
            assert_eq!(shown, expected, "{}: h[{unit}] of every step", golden.case);
        }
        assert_eq!(page.matches("\nsequence 1, step ").count(), steps, "{}: headings", golden.case);
    }
}

#[test]
fn long_sums_are_shortened_unless_all_terms_are_asked_for() {
    for (golden, symbol) in [(&GOLDEN[0], "z_f[2]"), (&GOLDEN[2], "z_r[2]"), (&GOLDEN[5], "z[2]")] {
        let short = golden.explain(&["--unit", "2"]).done(golden.case);
        let long = golden.explain(&["--unit", "2", "--all-terms"]).done(golden.case);
        let weights = array_shape(golden);
        let (short, long) = (row(&short, symbol), row(&long, symbol));
        assert!(short[1].contains("terms …") && short[2].contains("terms …"), "{}: {short:?}", golden.case);
        for cell in &long[1..3] {
            assert!(!cell.contains('…'), "{}: {cell}", golden.case);
            assert_eq!(cell.matches('·').count(), weights, "{}: products of {symbol} in {cell}", golden.case);
        }
        assert_eq!(short[3], long[3], "{}: the value", golden.case);
    }
}

/// I + H: the products of a gate's sum.
fn array_shape(golden: &Golden) -> usize {
    let x = array(&fixture(golden.case, "io.npz"), "x").expect("the fixture's x");
    x.shape[2] + golden.sizes()[2]
}

#[test]
fn steps_units_and_sequences_that_are_not_there_are_refused() {
    for golden in &GOLDEN {
        let [steps, batches, units] = golden.sizes();
        for (option, count) in [("--step", steps), ("--batch", batches), ("--unit", units)] {
            for index in [count.to_string(), usize::MAX.to_string()] {
                let says = [&format!("{option} {index}: out of range, expected 0 to {}", count - 1)[..]];
                golden.explain(&[option, &index]).refused(&format!("{} {option} {index}", golden.case), &says);
            }
        }
    }
}

#[test]
fn a_sequence_is_explained_up_to_its_own_length() {
    let case = "torch_06_lstm_packed";
    let (weights, input) = (fixture(case, "model.safetensors"), fixture(case, "io.npz"));
    let y = array(&input, "y").expect("the fixture's y");
    let &[steps, batches, units] = &y.shape[..] else { panic!("{case}: y has three axes") };
    let mut shortened = 0;
    for row in 0..batches {
        // PyTorch writes zeros past a length.
        let valid = (0..steps).filter(|step| y.values[(step * batches + row) * units] != 0.0).count();
        shortened += usize::from(valid < steps);
        let explain = |step: &str| {
            let row = row.to_string();
            let arguments = ["explain", "--weights", &weights, "--cell", "lstm", "--input", &input, "--digits", "9"];
            run(&[&arguments[..], &["--batch", &row, "--step", step]].concat())
        };
        let page = explain("all").done(case);
        let shown: Vec<&str> = rows(&page, "h[0]").into_iter().map(|cells| cells[3]).collect();
        let expected: Vec<String> =
            (0..valid).map(|step| printed(y.values[(step * batches + row) * units], 9)).collect();
        assert_eq!(shown, expected, "sequence {row}: h[0] of every valid step");
        let says = [&format!("--step {valid}: out of range, expected 0 to {}", valid - 1)[..]];
        explain(&valid.to_string()).refused(&format!("sequence {row}"), &says);
    }
    assert!(shortened > 0, "{case} has a sequence shorter than T");
}

#[test]
fn more_than_one_layer_is_refused_by_tensor() {
    for (case, says) in
        [("torch_02_lstm_num_layers-3", "weight_ih_l1"), ("torch_03_lstm_bidirectional", "weight_ih_l0_reverse")]
    {
        let (weights, input) = (fixture(case, "model.safetensors"), fixture(case, "io.npz"));
        let arguments = ["explain", "--weights", &weights, "--cell", "lstm", "--input", &input];
        run(&arguments).refused(case, &[&weights, says, "one layer of one direction"]);
    }
}

#[test]
fn files_that_do_not_fit_are_refused_as_in_a_run() {
    let folder = Folder::new();
    let (weights, input) =
        (fixture("torch_08_lstm_state", "model.safetensors"), fixture("torch_08_lstm_state", "io.npz"));
    let text = folder.put("text.npz", b"no array\n");
    let nowhere = folder.path("nowhere");
    for (what, weights, cell, input, says) in [
        ("another cell", &weights, "gru", &input, &[&weights[..], "weight_hh_l0 has shape [20, 5]", "an LSTM"][..]),
        ("no weights", &nowhere, "lstm", &input, &[&nowhere]),
        ("no input", &weights, "lstm", &nowhere, &[&nowhere]),
        ("a text", &weights, "lstm", &text, &[&text, "not a readable npz file"]),
        ("weights for input", &weights, "lstm", &weights, &[&weights, "not a readable npz file"]),
    ] {
        run(&["explain", "--weights", weights, "--cell", cell, "--input", input]).refused(what, says);
    }
}
