//! Golden cases from files, and the cells by autograd from the papers' equations among them, in f64 to twelve decimals.

#[path = "../../../tests/common/npz.rs"]
mod npz;

use std::fs::{self, File};
use std::io::BufReader;
use std::path::PathBuf;

use gatewise_reference::{
    AnyCell, Cell, ClockworkRnn, Coupling, DepthGated, Function, Gate, GateUse, Gru, GruOptions, Keep, Layer, Layout,
    Lstm, Matrix, Mutant, Mutation, Network, NetworkInput, NetworkOutput, NoTrace, Reset, Sequence, SimpleRnn, Trace,
    TraceFilter, Update, forward,
};
use npz::NpzArchive;
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

    /// How many arrays a file has.
    pub fn arrays(&self, file: &str) -> usize {
        let reader = BufReader::new(File::open(self.folder.join(file)).expect(file));
        NpzArchive::new(reader).expect("an npz file").array_names().count()
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

/// The folders whose names begin so, in alphabetical order.
pub fn names(start: &str) -> Vec<String> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(FOLDER);
    let entries = fs::read_dir(folder).expect("the fixtures");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("a folder").file_name().into_string().expect("a name in UTF-8"))
        .filter(|name| name.starts_with(start))
        .collect();
    names.sort();
    names
}

/// How many cells the papers' folders hold.
pub const VARIANTS: usize = 22;

#[test]
fn cells_of_the_papers_come_out_to_twelve_decimals() {
    let names = names("variant_");
    assert_eq!(names.len(), VARIANTS);
    for name in names {
        let fixture = Fixture::open(FOLDER, &name);
        let network = fixture.variant();
        if let [Layer::Forward(cell)] = network.layers.as_slice() {
            fixture.check(cell, Layout::TimeMajor);
        }
        let output = fixture.run(&network);
        let place = |array| format!("{name} {array}, as a network");
        assert_all_near(&output.y, &fixture.io("y"), TOLERANCE, &place("y"));
        assert_all_near(&output.h_n, &fixture.io("h_n"), TOLERANCE, &place("h_n"));
        assert_all_near(&output.c_n, &fixture.array("io.npz", "c_n").unwrap_or_default(), TOLERANCE, &place("c_n"));
    }
}

impl Fixture {
    fn run(&self, network: &Network<AnyCell<f64>>) -> NetworkOutput<f64> {
        let (x, h0, c0) = (self.io("x"), self.array("io.npz", "h0"), self.array("io.npz", "c0"));
        network
            .forward(&self.input([&x, &h0.unwrap_or_default(), &c0.unwrap_or_default()]), &mut NoTrace)
            .expect("fits")
    }

    /// What the papers' cells are fed: x, h0 and c0.
    pub fn input<'a>(&self, [x, h0, c0]: [&'a [f64]; 3]) -> NetworkInput<'a, f64> {
        let (steps, batch, layout) = (self.size("T"), self.size("B"), Layout::TimeMajor);
        let given = |state: &'a [f64]| (!state.is_empty()).then_some(state);
        let sequence = Sequence { layout, batch, steps, x, h0: given(h0), c0: given(c0) };
        NetworkInput { sequence, lengths: None, keep: Keep::LastStates }
    }
}

/// The cells of the `variant_*` folders, whose weights bear the equations' names; of several layers with the layer behind.
impl Fixture {
    /// The layers of the folder.
    pub fn variant(&self) -> Network<AnyCell<f64>> {
        let cells = match self.name.as_str() {
            "variant_depth_gated_two_layers" => vec![self.lstm("_l0").into(), self.depth_gated().into()],
            "variant_clockwork_from_0" | "variant_clockwork_from_1" => vec![self.clockwork().into()],
            "variant_mut1" => vec![self.mutant(Mutation::Mut1).into()],
            "variant_mut2" => vec![self.mutant(Mutation::Mut2).into()],
            "variant_mut3" => vec![self.mutant(Mutation::Mut3).into()],
            "variant_rnn_tanh" | "variant_rnn_relu" => vec![self.rnn().into()],
            "variant_gru_reset_before" | "variant_gru_reset_after" => vec![self.gru().into()],
            _ => vec![self.lstm("").into()],
        };
        Network { layers: cells.into_iter().map(Layer::Forward).collect() }
    }

    fn weights(&self, name: &str) -> Vec<f64> {
        self.array("weights.npz", name).unwrap_or_else(|| panic!("{}: no {name}", self.name))
    }

    /// A matrix with a row a unit.
    fn matrix(&self, name: &str) -> Matrix<f64> {
        let (values, rows) = (self.weights(name), self.size("H"));
        Matrix::from_flat(rows, values.len() / rows, &values).expect(name)
    }

    fn gate(&self, letter: &str) -> Gate<f64> {
        let matrix = |name: &str| self.matrix(&format!("{name}_{letter}"));
        Gate {
            input_weights: matrix("W"),
            recurrent_weights: matrix("R"),
            bias: self.weights(&format!("b_{letter}")),
            peephole: self.array("weights.npz", &format!("p_{letter}")),
        }
    }

    fn clockwork(&self) -> ClockworkRnn<f64> {
        let units = self.size("units_per_module");
        let periods = self.case["periods"].as_array().expect("periods").iter();
        let periods = periods.map(|period| period.as_u64().expect("a period") as usize);
        ClockworkRnn {
            rnn: self.rnn(),
            periods: periods.flat_map(|period| std::iter::repeat_n(period, units)).collect(),
            first_t: self.size("first_t"),
        }
    }

    fn depth_gated(&self) -> DepthGated<f64> {
        DepthGated {
            lstm: self.lstm("_l1"),
            depth_weights: self.matrix("W_d_l1"),
            depth_bias: self.weights("b_d_l1"),
            previous_peephole: self.weights("w_cd_l1"),
            below_peephole: self.weights("w_ld_l1"),
        }
    }

    fn mutant(&self, mutation: Mutation) -> Mutant<f64> {
        let mut update_gate = Gate { input_weights: self.matrix("W_z"), bias: self.weights("b_z"), ..self.zeros() };
        if mutation != Mutation::Mut1 {
            update_gate.recurrent_weights = self.matrix("R_z");
        }
        Mutant { update_gate, reset_gate: self.gate("r"), candidate: self.gate("h"), mutation }
    }

    fn zeros(&self) -> Gate<f64> {
        Gate::zeros(self.size("I"), self.size("H"))
    }

    fn rnn(&self) -> SimpleRnn<f64> {
        SimpleRnn {
            input_weights: self.matrix("W"),
            recurrent_weights: self.matrix("R"),
            bias: self.weights("b"),
            activation: if self.name.ends_with("relu") { Function::Relu } else { Function::Tanh },
            clip: None,
        }
    }

    fn gru(&self) -> Gru<f64> {
        let after = self.name.ends_with("after");
        Gru {
            reset_gate: self.gate("r"),
            update_gate: self.gate("z"),
            candidate: self.gate("n"),
            recurrent_bias: after.then(|| self.weights("b_rn")),
            reset: if after { Reset::After } else { Reset::Before },
            update: Update::KeepsOld,
            options: GruOptions::default(),
        }
    }

    fn lstm(&self, layer: &str) -> Lstm<f64> {
        let gate = |letter: char| self.gate(&format!("{letter}{layer}"));
        let mut lstm = Lstm {
            forget_gate: self.zeros(),
            input_gate: self.zeros(),
            candidate: gate('g'),
            output_gate: self.zeros(),
            options: Default::default(),
            projection: None,
        };
        for (option, value) in self.case["options"].as_object().unwrap_or(&serde_json::Map::new()) {
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
            lstm.input_gate = gate('i');
        }
        if options.forget_gate == GateUse::Learned && options.coupling != Coupling::ForgetIsOneMinusInput {
            lstm.forget_gate = gate('f');
        }
        if options.output_gate == GateUse::Learned {
            lstm.output_gate = gate('o');
        }
        lstm
    }
}
