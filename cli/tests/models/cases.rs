//! The golden cases: their models, what their options are on the command line, and what is compared.

use std::fs;

use serde_json::Value;

use crate::common::{Folder, array, array_names, assert_close, fixture, run};

/// A model of a golden case and the options that it needs.
pub struct Case {
    pub name: String,
    pub model: String,
    pub options: Vec<&'static str>,
    pub tolerance: f64,
}

/// What the files of weights alone do not say.
const OUTLINES: [(&str, &str); 7] = [
    ("keras_00_lstm_last", "lstm last"),
    ("keras_04_lstm_backwards", "lstm backwards"),
    ("keras_08_rnn_relu", "rnn activation=relu last"),
    ("keras_12_stack_softmax", "lstm bidirectional, gru last, dense relu, dense softmax"),
    ("keras_extra_two_old_weights", "lstm, gru bidirectional, dense"),
    ("keras_extra_two_weights", "lstm, gru bidirectional, dense"),
    ("keras_extra_weights_stack", "embedding, gru bidirectional=sum, lstm, lstm, dense, gru reset_before, dense"),
];

/// What a case is fed.
const INPUTS: [&str; 5] = ["x", "X", "h0", "c0", "lengths"];

/// Every model of the cases whose names begin so; there are at least `least`.
pub fn cases(prefix: &str, least: usize) -> Vec<Case> {
    let names = |folder: &str| -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder}: {error}"));
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8")).collect();
        names.sort();
        names
    };
    let mut cases = Vec::new();
    for name in names(&fixture("", "")).into_iter().filter(|name| name.starts_with(prefix)) {
        let Ok(text) = fs::read_to_string(fixture(&name, "case.json")) else { continue };
        let said: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let is_model = |file: &String| file.starts_with("model.") || file.ends_with(".h5");
        for file in names(&fixture(&name, "")).into_iter().filter(is_model) {
            cases.push(Case {
                model: fixture(&name, &file),
                options: options(&name, &file, &said),
                tolerance: said["tolerance"].as_f64().unwrap_or(2e-6),
                name: name.clone(),
            });
        }
    }
    assert!(cases.len() >= least, "{prefix}: only {} models", cases.len());
    cases
}

fn options(name: &str, file: &str, said: &Value) -> Vec<&'static str> {
    let mut options = Vec::new();
    if file.ends_with("weights.h5") {
        let outline = OUTLINES.iter().find(|(case, _)| *case == name);
        options.extend(["--layers", outline.unwrap_or_else(|| panic!("{name}: no outline of {file}")).1]);
    }
    if said["options"]["batch_first"] == true {
        options.push("--batch-first");
    }
    if said["options"]["nonlinearity"] == "relu" {
        options.extend(["--nonlinearity", "relu"]);
    }
    options
}

impl Case {
    pub fn io(&self) -> String {
        fixture(&self.name, "io.npz")
    }

    /// The names of what the framework gave.
    pub fn expected(&self) -> Vec<String> {
        let names = array_names(&self.io()).into_iter();
        names.filter(|name| !INPUTS.contains(&name.as_str())).collect()
    }

    /// Runs the case into `output`, and returns the line about it.
    pub fn run(&self, output: &str, further: &[&str]) -> String {
        let io = self.io();
        let mut arguments = vec!["run", &self.model, "--input", &io, "--output", output];
        arguments.extend(self.options.iter().chain(further));
        run(&arguments).done(&format!("{} {}", self.model, further.join(" ")))
    }

    /// Runs the case and compares every array that the framework gave, by name, shape and value.
    pub fn check(&self, further: &[&str], tolerance: f64) {
        let folder = Folder::new();
        let output = folder.path("out.npz");
        let line = self.run(&output, further);
        let what = format!("{} {}", self.model, further.join(" "));
        assert!(line.starts_with(&output) && line.lines().count() == 1, "{what}: one line in {line:?}");
        let names = self.expected();
        assert!(!names.is_empty(), "{what}: nothing to compare");
        for name in names {
            let expected = array(&self.io(), &name).expect("listed");
            let found =
                array(&output, &name).unwrap_or_else(|| panic!("{what}: no {name}, but {:?}", array_names(&output)));
            assert_close(&found, &expected, tolerance, || format!("{what}, {name}"));
        }
        assert_eq!(folder.names(), ["out.npz"], "{what}: only the output is left");
    }
}
