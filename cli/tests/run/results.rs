//! What a run computes: PyTorch's numbers, a trained model's, and the same bits for any number of threads.

use gatewise::Level;

use crate::common::{
    Array, Folder, Model, Npz, array, array_names, assert_close, fixture, gatewise, levels, noise, ran, run, trained,
};

/// Differences that float32 is allowed, and that double precision is.
const SINGLE: f64 = 2e-6;
const DOUBLE: f64 = 2e-12;

/// A golden case, its cell and the options that it needs.
struct Golden {
    case: &'static str,
    cell: &'static str,
    options: &'static [&'static str],
}

const fn golden(case: &'static str, cell: &'static str) -> Golden {
    Golden { case, cell, options: &[] }
}

/// Every kind of module that PyTorch writes.
const GOLDEN: [Golden; 33] = [
    golden("torch_00_lstm", "lstm"),
    golden("torch_01_lstm_bias-False", "lstm"),
    golden("torch_02_lstm_num_layers-3", "lstm"),
    golden("torch_03_lstm_bidirectional", "lstm"),
    golden("torch_04_lstm_num_layers-2_bidirectional", "lstm"),
    Golden { case: "torch_05_lstm_batch_first", cell: "lstm", options: &["--batch-first"] },
    golden("torch_06_lstm_packed", "lstm"),
    golden("torch_07_lstm_packed_bidirectional_num_layers-2", "lstm"),
    golden("torch_08_lstm_state", "lstm"),
    golden("torch_09_lstm_state_num_layers-2_bidirectional", "lstm"),
    golden("torch_10_gru", "gru"),
    golden("torch_11_gru_bias-False", "gru"),
    golden("torch_12_gru_num_layers-3", "gru"),
    golden("torch_13_gru_bidirectional", "gru"),
    golden("torch_14_gru_num_layers-2_bidirectional", "gru"),
    Golden { case: "torch_15_gru_batch_first", cell: "gru", options: &["--batch-first"] },
    golden("torch_16_gru_packed", "gru"),
    golden("torch_17_gru_packed_bidirectional_num_layers-2", "gru"),
    golden("torch_18_gru_state", "gru"),
    golden("torch_19_gru_state_num_layers-2_bidirectional", "gru"),
    golden("torch_20_rnn", "rnn"),
    golden("torch_21_rnn_bias-False", "rnn"),
    golden("torch_22_rnn_num_layers-3", "rnn"),
    golden("torch_23_rnn_bidirectional", "rnn"),
    golden("torch_24_rnn_num_layers-2_bidirectional", "rnn"),
    Golden { case: "torch_25_rnn_batch_first", cell: "rnn", options: &["--batch-first"] },
    golden("torch_26_rnn_packed", "rnn"),
    golden("torch_27_rnn_packed_bidirectional_num_layers-2", "rnn"),
    golden("torch_28_rnn_state", "rnn"),
    golden("torch_29_rnn_state_num_layers-2_bidirectional", "rnn"),
    Golden { case: "torch_30_rnn_nonlinearity-relu", cell: "rnn", options: &["--nonlinearity", "relu"] },
    golden("torch_31_lstm_proj_size-3", "lstm"),
    golden("torch_32_lstm_proj_size-2_num_layers-2_bidirectional_state", "lstm"),
];

/// Runs a case with further options and compares every array that PyTorch gave.
fn compare(golden: &Golden, further: &[&str], tolerance: f64, dtype: &str) {
    let Golden { case, cell, options } = golden;
    let folder = Folder::new();
    let (model, input, output) = (fixture(case, "model.safetensors"), fixture(case, "io.npz"), folder.path("out.npz"));
    let what = format!("{case} {}", further.join(" "));
    let mut arguments = vec!["run", &model, "--cell", cell, "--input", &input, "--output", &output];
    arguments.extend(options.iter().chain(further));
    let line = run(&arguments).done(&what);
    assert!(line.starts_with(&output) && line.lines().count() == 1, "{what}: one line about the output in {line:?}");

    let names: &[&str] = if *cell == "lstm" { &["c_n", "h_n", "y"] } else { &["h_n", "y"] };
    assert_eq!(array_names(&output), names, "{what}: arrays");
    for name in names {
        let found = array(&output, name).expect("listed above");
        let expected = array(&input, name).unwrap_or_else(|| panic!("{input} has no {name}"));
        assert_eq!(found.dtype, dtype, "{what}, {name}: element type");
        assert_close(&found, &expected, tolerance, || format!("{what}, {name}"));
    }
    assert_eq!(folder.names(), ["out.npz"], "{what}: only the output is left");
}

#[test]
fn every_module_gives_what_pytorch_gives_on_every_level() {
    for level in levels() {
        for golden in &GOLDEN {
            compare(golden, &["--isa", level.name()], SINGLE, "'<f4'");
        }
    }
}

#[test]
fn every_module_without_options_gives_what_pytorch_gives() {
    for golden in &GOLDEN {
        compare(golden, &[], SINGLE, "'<f4'");
    }
}

#[test]
fn the_reference_gives_what_pytorch_gives_in_double_precision_for_every_module() {
    for golden in &GOLDEN {
        compare(golden, &["--reference"], DOUBLE, "'<f8'");
    }
}

#[test]
fn a_trained_voice_detector_hears_the_same_on_every_level_and_by_the_reference() {
    let file = |name| trained("silero_vad_lstm", name);
    let (Some(model), Some(input)) = (file("model.safetensors"), file("io.npz")) else { return };
    let expected = ["y", "h_n", "c_n"].map(|name| (name, array(&input, name).expect("the model's own output")));
    let folder = Folder::new();
    let output = folder.path("out.npz");
    let check = |how: &str, isa: Option<Level>, further: &[&str]| {
        let mut command = gatewise();
        command.args(["run", &model, "--cell", "lstm", "--input", &input, "--output", &output]).args(further);
        if let Some(level) = isa {
            command.env(Level::VARIABLE, level.name());
        }
        let line = ran(&mut command).done(how);
        for (name, expected) in &expected {
            let found = array(&output, name).unwrap_or_else(|| panic!("{how}: no {name}"));
            // Its c reaches 11, where 2e-6 is two units in float32's last place: there the difference is relative.
            let largest = expected.values.iter().fold(1.0f64, |largest, value| largest.max(value.abs()));
            assert_close(&found, expected, SINGLE * largest, || format!("{how}, {name}"));
        }
        line
    };
    for level in levels() {
        for line in [
            check(&format!("--isa {level}"), None, &["--isa", level.name()]),
            check(&format!("{}={level}", Level::VARIABLE), Some(level), &[]),
        ] {
            assert!(line.contains(&format!("by {level}, ")), "the line names {level}: {line:?}");
        }
    }
    let line = check("--reference", None, &["--reference"]);
    assert!(line.contains("by the reference (f64)"), "{line:?}");
}

/// A layer and a batch that no tile fits: I = 5, H = 19, B = 37, T = 4, from a state.
struct Odd {
    folder: Folder,
    model: String,
    input: String,
}

impl Odd {
    const STEPS: u64 = 4;
    const BATCH: u64 = 37;
    const INPUT: u64 = 5;
    const HIDDEN: u64 = 19;

    fn new() -> Self {
        let folder = Folder::new();
        let model = folder.put("model.safetensors", &Model::layer(4, 5, 19).bytes());
        let (x, h0, c0) = Odd::values();
        let state = [1, Odd::BATCH, Odd::HIDDEN];
        let npz = Npz::new().with("x", &[Odd::STEPS, Odd::BATCH, Odd::INPUT], &x);
        let input = folder.put("in.npz", &npz.with("h0", &state, &h0).with("c0", &state, &c0).bytes());
        Odd { folder, model, input }
    }

    fn values() -> (Vec<f32>, Vec<f32>, Vec<f32>) {
        let state = (Odd::BATCH * Odd::HIDDEN) as usize;
        let x = noise((Odd::STEPS * Odd::BATCH * Odd::INPUT) as usize, 1.0, 1);
        (x, noise(state, 1.0, 2), noise(state, 2.0, 3))
    }

    fn run(&self, input: &str, options: &[&str]) -> [Array; 3] {
        let output = self.folder.path("out.npz");
        let mut arguments = vec!["run", &self.model, "--cell", "lstm", "--input", input, "--output", &output];
        arguments.extend(options);
        run(&arguments).done(&options.join(" "));
        ["y", "h_n", "c_n"].map(|name| array(&output, name).unwrap_or_else(|| panic!("{options:?}: no {name}")))
    }
}

#[track_caller]
fn assert_same_bits(found: &[Array; 3], expected: &[Array; 3], what: &str) {
    for ((found, expected), name) in found.iter().zip(expected).zip(["y", "h_n", "c_n"]) {
        assert_eq!(found.shape, expected.shape, "{what}, {name}: shape");
        for (index, (found, expected)) in found.values.iter().zip(&expected.values).enumerate() {
            assert_eq!(
                found.to_bits(),
                expected.to_bits(),
                "{what}, {name}, index {index}: {found:e} for {expected:e}"
            );
        }
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let odd = Odd::new();
    for level in levels() {
        let isa = ["--isa", level.name()];
        let one = odd.run(&odd.input, &[&isa[..], &["--threads", "1"]].concat());
        for threads in ["2", "3", "64"] {
            let more = odd.run(&odd.input, &[&isa[..], &["--threads", threads]].concat());
            assert_same_bits(&more, &one, &format!("{level}, {threads} threads"));
        }
    }
}

#[test]
fn avx2_and_avx512_give_the_same_bits() {
    if !(Level::Avx2.is_available() && Level::Avx512.is_available()) {
        eprintln!("SKIPPED: this machine does not have both avx2 and avx512");
        return;
    }
    let odd = Odd::new();
    let avx2 = odd.run(&odd.input, &["--isa", "avx2"]);
    assert_same_bits(&odd.run(&odd.input, &["--isa", "avx512"]), &avx2, "avx512 against avx2");
}

#[test]
fn the_order_and_the_precision_of_the_input_file_change_nothing() {
    let odd = Odd::new();
    let expected = odd.run(&odd.input, &[]);
    let (x, h0, c0) = Odd::values();
    let bytes =
        |values: &[f32]| -> Vec<u8> { values.iter().flat_map(|value| f64::from(*value).to_le_bytes()).collect() };
    let mut fortran = Vec::new();
    let (steps, batch, input) = (Odd::STEPS as usize, Odd::BATCH as usize, Odd::INPUT as usize);
    for i in 0..input {
        for b in 0..batch {
            for t in 0..steps {
                fortran.extend_from_slice(&x[(t * batch + b) * input + i].to_be_bytes());
            }
        }
    }
    // float64 states without the leading axis, and a big-endian x with its first axis fastest.
    let npz = Npz::new()
        .with_raw("x", ["'>f4'", "True", "(4, 37, 5)"], &fortran)
        .with_raw("h0", ["'<f8'", "False", "(37, 19)"], &bytes(&h0))
        .with_raw("c0", ["'<f8'", "False", "(1, 37, 19)"], &bytes(&c0));
    let other = odd.folder.put("other.npz", &npz.bytes());
    assert_same_bits(&odd.run(&other, &[]), &expected, "the other file");
}

#[test]
fn float16_is_read_as_the_numbers_that_it_holds() {
    let odd = Odd::new();
    // Among them the smallest that there is, 2^-24.
    let kinds = [(0x3800u16, 0.5f32), (0xbd00, -1.25), (0x4000, 2.0), (0x0001, 5.960_464_5e-8), (0x0000, 0.0)];
    let numbers = || kinds.iter().cycle().take((Odd::STEPS * Odd::BATCH * Odd::INPUT) as usize);
    let halves: Vec<u8> = numbers().flat_map(|(bits, _)| bits.to_le_bytes()).collect();
    let half = Npz::new().with_raw("x", ["'<f2'", "False", "(4, 37, 5)"], &halves);
    let values: Vec<f32> = numbers().map(|(_, value)| *value).collect();
    let single = Npz::new().with("x", &[Odd::STEPS, Odd::BATCH, Odd::INPUT], &values);
    let [half, single] =
        [("half.npz", half), ("single.npz", single)].map(|(name, npz)| odd.folder.put(name, &npz.bytes()));
    assert_same_bits(&odd.run(&half, &[]), &odd.run(&single, &[]), "float16 against float32");
}

#[test]
fn without_a_state_the_layer_starts_from_zeros() {
    let odd = Odd::new();
    let (x, ..) = Odd::values();
    let state = (Odd::BATCH * Odd::HIDDEN) as usize;
    let npz = || Npz::new().with("x", &[Odd::STEPS, Odd::BATCH, Odd::INPUT], &x);
    let without = odd.folder.put("without.npz", &npz().bytes());
    let shape = [1, Odd::BATCH, Odd::HIDDEN];
    let zeros = vec![0.0; state];
    let with = odd.folder.put("with.npz", &npz().with("h0", &shape, &zeros).with("c0", &shape, &zeros).bytes());
    assert_same_bits(&odd.run(&without, &[]), &odd.run(&with, &[]), "no state against zeros");
}

#[test]
fn a_prefix_chooses_one_of_several_layers() {
    let odd = Odd::new();
    let expected = odd.run(&odd.input, &[]);
    let layer = |prefix: &'static str| move |name: &str| format!("{prefix}.{name}");
    let file = Model::layer(4, 5, 19).renamed(layer("voice.rnn")).and(Model::layer(4, 3, 2).renamed(layer("other")));
    let model = odd.folder.put("two.safetensors", &file.bytes());
    for prefix in ["voice.rnn", "voice.rnn."] {
        let found = Odd { folder: Folder::new(), model: model.clone(), input: String::new() }
            .run(&odd.input, &["--prefix", prefix]);
        assert_same_bits(&found, &expected, prefix);
    }
}
