//! PyTorch's layers, and cells by autograd from the papers' equations, in f64 to twelve decimals.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::PathBuf;

use gatewise_reference::{
    Cell, Coupling, Function, Gate, GateUse, Gru, Layout, Lstm, Matrix, PyTorchWeights, Reset, Sequence, SimpleRnn,
    Trace, TraceFilter, Update, forward,
};
use npyz::npz::NpzArchive;
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;

use crate::assert_all_near;

const TOLERANCE: f64 = 1e-12;

/// One folder of the fixtures.
struct Fixture {
    name: String,
    folder: PathBuf,
    case: Value,
}

impl Fixture {
    fn open(name: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures").join(name);
        let case = fs::read(folder.join("case.json")).unwrap_or_else(|e| panic!("{name}: {e}"));
        let case = serde_json::from_slice(&case).expect("case.json is JSON");
        Fixture { name: name.to_string(), folder, case }
    }

    fn size(&self, letter: &str) -> usize {
        self.case[letter].as_u64().expect("a size in case.json") as usize
    }

    /// Reads an array of numbers; `None` if the file has none of this name.
    fn array(&self, file: &str, name: &str) -> Option<Vec<f64>> {
        let reader = BufReader::new(File::open(self.folder.join(file)).expect(file));
        let mut archive = NpzArchive::new(reader).expect("an npz file");
        let array = archive.by_name(name).expect("a readable array")?;
        assert_eq!(array.order(), npyz::Order::C, "{}: {name} is not row after row", self.name);
        match array.try_data::<f64>() {
            Ok(values) => Some(values.map(|value| value.expect("f64")).collect()),
            Err(array) => Some(array.into_vec::<f32>().expect("f32").into_iter().map(f64::from).collect()),
        }
    }

    fn io(&self, name: &str) -> Vec<f64> {
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
fn pytorch_layers_come_out_to_twelve_decimals() {
    for name in [
        "torch_00_lstm",
        "torch_01_lstm_bias-False",
        "torch_05_lstm_batch_first",
        "torch_08_lstm_state",
        "torch_10_gru",
        "torch_11_gru_bias-False",
        "torch_15_gru_batch_first",
        "torch_18_gru_state",
        "torch_20_rnn",
        "torch_21_rnn_bias-False",
        "torch_25_rnn_batch_first",
        "torch_28_rnn_state",
        "torch_30_rnn_nonlinearity-relu",
    ] {
        let fixture = Fixture::open(name);
        let file = fs::read(fixture.folder.join("model.safetensors")).expect("model.safetensors");
        let tensors = SafeTensors::deserialize(&file).expect("safetensors");
        let tensor = |name: &str| -> Vec<f64> {
            let Ok(tensor) = tensors.tensor(name) else {
                return Vec::new();
            };
            assert_eq!(tensor.dtype(), Dtype::F32, "{name}");
            let bytes = tensor.data().chunks_exact(4);
            bytes.map(|bytes| f64::from(f32::from_le_bytes(bytes.try_into().expect("4 bytes")))).collect()
        };
        let biased = fixture.case["options"]["bias"] != false;
        assert_eq!(tensor("bias_hh_l0").is_empty(), !biased, "{name}: a bias exactly if there is one");
        let weights = PyTorchWeights {
            inputs: fixture.size("I"),
            hidden: fixture.size("H"),
            weight_ih: &tensor("weight_ih_l0"),
            weight_hh: &tensor("weight_hh_l0"),
            bias_ih: &tensor("bias_ih_l0"),
            bias_hh: &tensor("bias_hh_l0"),
        };
        let batch_first = fixture.case["options"]["batch_first"] == true;
        let layout = if batch_first { Layout::BatchFirst } else { Layout::TimeMajor };
        match fixture.case["cell"].as_str() {
            Some("LSTM") => fixture.check(&Lstm::from_pytorch(&weights).expect("an LSTM"), layout),
            Some("GRU") => fixture.check(&Gru::from_pytorch(&weights).expect("a GRU"), layout),
            Some("RNN") => {
                let relu = fixture.case["options"]["nonlinearity"] == "relu";
                let activation = if relu { Function::Relu } else { Function::Tanh };
                let rnn = SimpleRnn::from_pytorch(&weights, activation).expect("an RNN");
                fixture.check(&rnn, layout);
            }
            other => panic!("{name}: unknown cell {other:?}"),
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
        let fixture = Fixture::open(name);
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
