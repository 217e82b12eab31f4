//! Golden cases from files, and the cells by autograd from the papers' equations among them, in f64 to twelve decimals.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::PathBuf;

use gatewise_reference::{
    Cell, Coupling, Function, Gate, GateUse, Gru, GruOptions, Layout, Lstm, Matrix, Reset, Sequence, SimpleRnn, Trace,
    TraceFilter, Update, forward,
};
use npyz::npz::NpzArchive;
use serde_json::Value;

use crate::assert_all_near;

/// The expected numbers are f64, from the same f32 weights. Seen: below 1e-15.
pub const TOLERANCE: f64 = 1e-12;

/// Where PyTorch's and the papers' cases lie.
pub const FOLDER: &str = "../tests/fixtures";

/// One folder of the fixtures.
pub struct Fixture {
    pub name: String,
    pub folder: PathBuf,
    pub case: Value,
}

impl Fixture {
    /// Opens a folder; `within` is where it lies, seen from this crate.
    pub fn open(within: &str, name: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(within).join(name);
        let case = fs::read(folder.join("case.json")).unwrap_or_else(|e| panic!("{name}: {e}"));
        let case = serde_json::from_slice(&case).expect("case.json is JSON");
        Fixture { name: name.to_string(), folder, case }
    }

    pub fn size(&self, letter: &str) -> usize {
        self.case[letter].as_u64().expect("a size in case.json") as usize
    }

    /// Reads an array of numbers; `None` if the file has none of this name.
    pub fn array(&self, file: &str, name: &str) -> Option<Vec<f64>> {
        let reader = BufReader::new(File::open(self.folder.join(file)).expect(file));
        let mut archive = NpzArchive::new(reader).expect("an npz file");
        let array = archive.by_name(name).expect("a readable array")?;
        assert_eq!(array.order(), npyz::Order::C, "{}: {name} is not row after row", self.name);
        match array.try_data::<f64>() {
            Ok(values) => Some(values.map(|value| value.expect("f64")).collect()),
            Err(array) => Some(array.into_vec::<f32>().expect("f32").into_iter().map(f64::from).collect()),
        }
    }

    /// Reads the lengths of the sequences, if they are not all the same.
    pub fn lengths(&self) -> Option<Vec<usize>> {
        let reader = BufReader::new(File::open(self.folder.join("io.npz")).expect("io.npz"));
        let mut archive = NpzArchive::new(reader).expect("an npz file");
        let array = archive.by_name("lengths").expect("a readable array")?;
        let lengths: Vec<i64> = match array.try_data::<i64>() {
            Ok(values) => values.map(|value| value.expect("i64")).collect(),
            Err(array) => array.into_vec::<i32>().expect("i32").into_iter().map(i64::from).collect(),
        };
        Some(lengths.into_iter().map(|length| usize::try_from(length).expect("a length")).collect())
    }

    pub fn io(&self, name: &str) -> Vec<f64> {
        self.array("io.npz", name).unwrap_or_else(|| panic!("{}: no {name}", self.name))
    }

    /// Runs a cell on the fixture's input and compares every output.
    fn check(&self, cell: &impl Cell<f64>, layout: Layout) {
        let (steps, batch, hidden) = (self.size("T"), self.size("B"), self.size("H"));
        let (x, h0, c0) = (self.io("x"), self.array("io.npz", "h0"), self.array("io.npz", "c0"));
        let input = Sequence { layout, batch, steps, x: &x, h0: h0.as_deref(), c0: c0.as_deref() };
        let mut trace = Trace::new(TraceFilter::default());
        let output = forward(cell, &input, &mut trace).expect("a fixture that fits");
        let place = |array| format!("{} {array}", self.name);
        assert_all_near(&output.y, &self.io("y"), TOLERANCE, &place("y"));
        assert_all_near(&output.h_n, &self.io("h_n"), TOLERANCE, &place("h_n"));
        let c_n = if cell.has_cell_state() { self.io("c_n") } else { Vec::new() };
        assert_all_near(&output.c_n, &c_n, TOLERANCE, &place("c_n"));
        if let Some(expected) = self.array("io.npz", "c_all") {
            let mut found = Vec::new();
            for step in 0..steps {
                for row in 0..batch {
                    let step = trace.step(row, step).expect("every step is recorded");
                    found.extend((0..hidden).map(|unit| step.get(unit, "c").expect("a cell state").value));
                }
            }
            assert_all_near(&found, &expected, TOLERANCE, &place("c_all"));
        }
    }
}

#[test]
fn cells_of_the_papers_come_out_to_twelve_decimals() {
    for name in [
        "variant_rnn_tanh",
        "variant_rnn_relu",
        "variant_lstm",
        "variant_no_input_gate",
        "variant_no_forget_gate",
        "variant_no_output_gate",
        "variant_no_input_activation",
        "variant_no_output_activation",
        "variant_coupled_f_is_1_minus_i",
        "variant_coupled_i_is_1_minus_f",
        "variant_coupled_peephole",
        "variant_peephole_all",
        "variant_peephole_forget_only",
        "variant_peephole_output_only",
        "variant_gru_reset_before",
        "variant_gru_reset_after",
    ] {
        let fixture = Fixture::open(FOLDER, name);
        if name.starts_with("variant_rnn") {
            fixture.check(&fixture.rnn(), Layout::TimeMajor);
        } else if name.starts_with("variant_gru") {
            fixture.check(&fixture.gru(), Layout::TimeMajor);
        } else {
            fixture.check(&fixture.lstm(), Layout::TimeMajor);
        }
    }
}

/// The cells of the `variant_*` folders, whose weights bear the equations' names.
impl Fixture {
    fn weights(&self, name: &str) -> Vec<f64> {
        self.array("weights.npz", name).unwrap_or_else(|| panic!("{}: no {name}", self.name))
    }

    fn matrix(&self, name: &str, columns: usize) -> Matrix<f64> {
        Matrix::from_flat(self.size("H"), columns, &self.weights(name)).expect(name)
    }

    fn gate(&self, letter: char) -> Gate<f64> {
        Gate {
            input_weights: self.matrix(&format!("W_{letter}"), self.size("I")),
            recurrent_weights: self.matrix(&format!("R_{letter}"), self.size("H")),
            bias: self.weights(&format!("b_{letter}")),
            peephole: self.array("weights.npz", &format!("p_{letter}")),
        }
    }

    fn rnn(&self) -> SimpleRnn<f64> {
        SimpleRnn {
            input_weights: self.matrix("W", self.size("I")),
            recurrent_weights: self.matrix("R", self.size("H")),
            bias: self.weights("b"),
            activation: if self.name.ends_with("relu") { Function::Relu } else { Function::Tanh },
            clip: None,
        }
    }

    fn gru(&self) -> Gru<f64> {
        let after = self.name.ends_with("after");
        Gru {
            reset_gate: self.gate('r'),
            update_gate: self.gate('z'),
            candidate: self.gate('n'),
            recurrent_bias: after.then(|| self.weights("b_rn")),
            reset: if after { Reset::After } else { Reset::Before },
            update: Update::KeepsOld,
            options: GruOptions::default(),
        }
    }

    fn lstm(&self) -> Lstm<f64> {
        let zeros = || Gate::zeros(self.size("I"), self.size("H"));
        let mut lstm = Lstm {
            forget_gate: zeros(),
            input_gate: zeros(),
            candidate: self.gate('g'),
            output_gate: zeros(),
            options: Default::default(),
            projection: None,
        };
        for (option, value) in self.case["options"].as_object().expect("options in case.json") {
            match (option.as_str(), value.as_str()) {
                ("no_input_gate", _) => lstm.options.input_gate = GateUse::AlwaysOne,
                ("no_forget_gate", _) => lstm.options.forget_gate = GateUse::AlwaysOne,
                ("no_output_gate", _) => lstm.options.output_gate = GateUse::AlwaysOne,
                ("no_input_activation", _) => lstm.options.input_activation = Function::Identity,
                ("no_output_activation", _) => lstm.options.output_activation = Function::Identity,
                ("coupled", Some("f=1-i")) => lstm.options.coupling = Coupling::ForgetIsOneMinusInput,
                ("coupled", Some("i=1-f")) => lstm.options.coupling = Coupling::InputIsOneMinusForget,
                other => panic!("{}: unknown option {other:?}", self.name),
            }
        }
        let options = lstm.options;
        if options.input_gate == GateUse::Learned && options.coupling != Coupling::InputIsOneMinusForget {
            lstm.input_gate = self.gate('i');
        }
        if options.forget_gate == GateUse::Learned && options.coupling != Coupling::ForgetIsOneMinusInput {
            lstm.forget_gate = self.gate('f');
        }
        if options.output_gate == GateUse::Learned {
            lstm.output_gate = self.gate('o');
        }
        lstm
    }
}
