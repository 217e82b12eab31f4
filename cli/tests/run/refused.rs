//! What a run refuses: broken, hostile and mistaken files. Each in one line that names the file, and nothing is left behind.

use std::fs;

use crate::common::{Folder, Model, Npz, array, fixture, gatewise, noise, ran};

/// An LSTM with I = 2, H = 3.
fn model() -> Model {
    Model::layer(4, 2, 3)
}

/// x of T = 4, B = 2, I = 2.
fn input() -> Npz {
    Npz::new().with("x", &[4, 2, 2], &noise(16, 1.0, 1))
}

/// A run that must fail.
struct Attempt {
    model: Vec<u8>,
    input: Vec<u8>,
    options: Vec<&'static str>,
}

impl Attempt {
    fn model(bytes: Vec<u8>) -> Self {
        Attempt { model: bytes, input: input().bytes(), options: vec!["--cell", "lstm"] }
    }

    fn input(bytes: Vec<u8>) -> Self {
        Attempt { model: model().bytes(), input: bytes, options: vec!["--cell", "lstm"] }
    }

    fn options(mut self, options: &[&'static str]) -> Self {
        self.options = options.to_vec();
        self
    }

    /// Refused with one line that holds `says`, no output file, no temporary file.
    #[track_caller]
    fn fails(self, what: &str, says: &[&str]) {
        let folder = Folder::new();
        let (model, input) = (folder.put("model.safetensors", &self.model), folder.put("in.npz", &self.input));
        let output = folder.path("out.npz");
        let mut command = gatewise();
        command.args(["run", &model, "--input", &input, "--output", &output]).args(&self.options);
        ran(&mut command).refused(what, says);
        assert_eq!(folder.names(), ["in.npz", "model.safetensors"], "{what}: what is left in the folder");
    }
}

#[test]
fn files_that_are_not_there_are_named() {
    let folder = Folder::new();
    let (model, input) = (folder.put("model.safetensors", &model().bytes()), folder.put("in.npz", &input().bytes()));
    let (nowhere, output) = (folder.path("nowhere"), folder.path("out.npz"));
    let place = folder.path("");
    for (what, model, input, name) in [
        ("no model", &nowhere, &input, &nowhere),
        ("no input", &model, &nowhere, &nowhere),
        ("a folder for a model", &place, &input, &place),
        ("a folder for an input", &model, &place, &place),
    ] {
        let mut command = gatewise();
        command.args(["run", model, "--cell", "lstm", "--input", input, "--output", &output]);
        ran(&mut command).refused(what, &[name]);
        assert_eq!(folder.names(), ["in.npz", "model.safetensors"], "{what}: what is left in the folder");
    }
}

#[test]
fn broken_model_files_are_refused() {
    let whole = model().bytes();
    let says = ["model.safetensors: not a readable safetensors file: "];
    for length in [0, 7, 8, 9, 100, whole.len() / 2, whole.len() - 1] {
        Attempt::model(whole[..length].to_vec()).fails(&format!("cut to {length} bytes"), &says);
    }
    Attempt::model([&whole[..], b"x"].concat()).fails("one byte too many", &says);
    Attempt::model(b"this is no model, only a line of text\n".to_vec()).fails("a text", &says);
    Attempt::model(input().bytes()).fails("an npz", &says);
    Attempt::model([&u64::MAX.to_le_bytes()[..], b"{}"].concat()).fails("a header of 2^64 bytes", &says);
}

#[test]
fn models_that_are_no_layer_are_refused_by_tensor() {
    let weight_hh = |shape: &[usize]| model().with("weight_hh_l0", shape);
    let cases: [(&str, Model, &[&str]); 12] = [
        ("nothing recurrent", Model::default().with("dense.weight", &[3, 2]), &["weight_ih_l0", "dense.weight"]),
        ("no tensors", Model::default(), &["weight_ih_l0"]),
        ("no weight_hh_l0", model().without("weight_hh_l0"), &["weight_hh_l0 is missing"]),
        ("one bias", model().without("bias_hh_l0"), &["bias_hh_l0 is missing"]),
        ("weight_hh of other rows", weight_hh(&[11, 3]), &["weight_hh_l0 has shape [11, 3], expected [12, 3]"]),
        ("weight_hh of one axis", weight_hh(&[36]), &["weight_hh_l0 has shape [36], expected two axes"]),
        (
            "weight_ih of other rows",
            model().with("weight_ih_l0", &[9, 2]),
            &["weight_ih_l0 has shape [9, 2], expected [12, I]"],
        ),
        ("a bias of other length", model().with("bias_ih_l0", &[11]), &["bias_ih_l0 has shape [11], expected [12]"]),
        ("a GRU", Model::layer(3, 2, 3), &["weight_hh_l0 has shape [9, 3], expected [12, 3] for an LSTM", "a GRU"]),
        ("H = 0", Model::layer(4, 2, 0), &["hidden_size is 0"]),
        ("I = 0", Model::layer(4, 0, 3), &["input_size is 0"]),
        (
            "two layers to choose from",
            model().renamed(|name| format!("a.{name}")).and(model().renamed(|name| format!("b.{name}"))),
            &["\"a.\", \"b.\""],
        ),
    ];
    for (what, model, says) in cases {
        let bytes = model.bytes();
        for options in [&["--cell", "lstm"][..], &["--cell", "lstm", "--reference"]] {
            let says = [&["model.safetensors: "], says].concat();
            Attempt::model(bytes.clone()).options(options).fails(what, &says);
        }
    }
}

#[test]
fn weights_that_are_not_finite_are_refused_by_tensor_and_index() {
    for (tensor, index, value, shown) in [
        ("weight_hh_l0", 7, f32::NAN, "NaN"),
        ("weight_ih_l0", 0, f32::INFINITY, "inf"),
        ("bias_hh_l0", 11, f32::NEG_INFINITY, "-inf"),
    ] {
        let bytes = model().with_value(tensor, index, value).bytes();
        let says = ["model.safetensors: ", &format!("tensor {tensor} holds {shown} at index {index}")];
        for options in [&["--cell", "lstm"][..], &["--cell", "lstm", "--reference"]] {
            Attempt::model(bytes.clone()).options(options).fails(tensor, &says);
        }
    }
}

#[test]
fn inputs_of_the_wrong_shape_are_refused() {
    let x = |shape: &[u64]| Npz::new().with("x", shape, &vec![0.5; shape.iter().product::<u64>() as usize]);
    let state =
        |name: &str, shape: &[u64]| input().with(name, shape, &vec![0.5; shape.iter().product::<u64>() as usize]);
    let cases: [(&str, Npz, &[&str]); 14] = [
        ("no x", Npz::new().with("z", &[2], &[0.0; 2]), &["no array x", "(T, B, I) with I = 2", "found z"]),
        ("nothing", Npz::new(), &["no array x", "holds no arrays"]),
        ("one axis", x(&[4]), &["array x has shape [4], expected three axes (T, B, I), or (T, I) of one sequence"]),
        ("four axes", x(&[4, 2, 2, 1]), &["array x has shape [4, 2, 2, 1], expected three axes (T, B, I)"]),
        ("another I of one sequence", x(&[4, 3]), &["array x has shape [4, 3], expected (T, B, I) with I = 2"]),
        ("no axes", x(&[]), &["array x has shape [], expected three axes (T, B, I)"]),
        ("another I", x(&[4, 2, 3]), &["array x has shape [4, 2, 3], expected (T, B, I) with I = 2"]),
        ("T = 0", x(&[0, 2, 2]), &["array x has T = 0 and B = 2: nothing to run"]),
        ("B = 0", x(&[4, 0, 2]), &["array x has T = 4 and B = 0: nothing to run"]),
        ("I = 0", x(&[4, 2, 0]), &["array x has shape [4, 2, 0], expected (T, B, I) with I = 2"]),
        ("h0 of another H", state("h0", &[1, 2, 4]), &["array h0 has shape [1, 2, 4], expected [1, 2, 3] or [2, 3]"]),
        ("h0 of another B", state("h0", &[1, 3, 3]), &["array h0 has shape [1, 3, 3], expected [1, 2, 3] or [2, 3]"]),
        ("c0 of two layers", state("c0", &[2, 2, 3]), &["array c0 has shape [2, 2, 3], expected [1, 2, 3]"]),
        ("c0 of one axis", state("c0", &[6]), &["array c0 has shape [6], expected [1, 2, 3]"]),
    ];
    for (what, npz, says) in cases {
        let bytes = npz.bytes();
        for options in [&["--cell", "lstm"][..], &["--cell", "lstm", "--reference"]] {
            Attempt::input(bytes.clone()).options(options).fails(what, &[&["in.npz: "], says].concat());
        }
    }
    let batch_first = ["--cell", "lstm", "--batch-first"];
    Attempt::input(x(&[4, 2, 3]).bytes())
        .options(&batch_first)
        .fails("another I, batch first", &["in.npz: ", "expected (B, T, I) with I = 2"]);
}

#[test]
fn arrays_that_are_not_floats_are_refused() {
    for (descr, data) in [
        ("'<i8'", 8),
        ("'<u2'", 2),
        ("'|b1'", 1),
        ("'<c8'", 8),
        ("'|S4'", 4),
        ("'<U1'", 4),
        ("[('a', '<f4'), ('b', '<i4')]", 8),
    ] {
        let npz = Npz::new().with_raw("x", [descr, "False", "(4, 2, 2)"], &vec![0; 16 * data]);
        Attempt::input(npz.bytes()).fails(descr, &["in.npz: array x", "expected float32 or float64"]);
    }
    let pickled = Npz::new().with_raw("x", ["'|O'", "False", "(4, 2, 2)"], b"\x80\x04K\x01.");
    Attempt::input(pickled.bytes()).fails("a pickle", &["in.npz: array x: "]);
}

#[test]
fn broken_input_files_are_refused() {
    let whole = input().with("h0", &[1, 2, 3], &[0.5; 6]).bytes();
    for length in [0, 1, 30, 100, whole.len() / 2, whole.len() - 30, whole.len() - 1] {
        Attempt::input(whole[..length].to_vec()).fails(&format!("cut to {length} bytes"), &["in.npz: "]);
    }
    Attempt::input(model().bytes()).fails("a safetensors", &["in.npz: not a readable npz file"]);
    Attempt::input(b"x,y\n1,2\n".to_vec()).fails("a text", &["in.npz: not a readable npz file"]);
}

#[test]
fn a_changed_bit_in_the_data_is_noticed() {
    // NumPy's savez does not compress: the value lies in the file as it is.
    let io = fixture("torch_08_lstm_state", "io.npz");
    let mut bytes = fs::read(&io).expect("the fixture");
    let value = array(&io, "x").expect("the fixture's x").values[5] as f32;
    let at = bytes.windows(4).position(|window| window == value.to_le_bytes()).expect("x is not compressed");
    bytes[at] ^= 1;
    let model = fs::read(fixture("torch_08_lstm_state", "model.safetensors")).expect("the fixture");
    let options = vec!["--cell", "lstm"];
    Attempt { model, input: bytes, options }.fails("a flipped bit", &["in.npz: array x: ", "checksum"]);
}

#[test]
fn array_headers_that_lie_are_refused() {
    let says: [&str; 2] = ["in.npz: array x: ", "header"];
    let half = "9223372036854775808";
    for (what, shape) in [
        ("10^18 values", "(1000000000000000000, 1, 2)".to_owned()),
        ("an overflowing product", format!("({half}, {half}, 2)")),
        ("an overflowing product with a zero", format!("(0, {half}, {half})")),
        ("a zero behind an overflow", format!("({half}, {half}, 0)")),
        ("one value too many", "(17, 1, 1)".to_owned()),
        ("one value too few", "(5, 1, 3)".to_owned()),
        ("a negative axis", "(-4, 2, 2)".to_owned()),
        ("no number at all", "('a', 2, 2)".to_owned()),
        ("an axis beyond 2^64", "(18446744073709551616, 2, 2)".to_owned()),
        ("a deep nest", format!("{}4{}", "(".repeat(20_000), ")".repeat(20_000))),
        ("no Python", "(4, 2, 2".to_owned()),
    ] {
        for fortran in ["False", "True"] {
            let npz = Npz::new().with_raw("x", ["'<f4'", fortran, &shape], &[0; 64]);
            Attempt::input(npz.bytes()).fails(&format!("{what}, fortran_order {fortran}"), &says);
        }
    }
}

/// Whatever happens to the bytes, the command computes or says in one line why not; it never panics.
#[test]
fn damaged_files_never_panic() {
    let (model, input) = (model().bytes(), input().with("h0", &[1, 2, 3], &[0.5; 6]).bytes());
    let folder = Folder::new();
    let output = folder.path("out.npz");
    for round in 0..120u64 {
        let damage = |bytes: &[u8], seed: u64| {
            let mut bytes = bytes.to_vec();
            for pair in noise(6, 1.0, seed).chunks_exact(2) {
                let at = ((pair[0] + 1.0) / 2.0 * bytes.len() as f32) as usize;
                let at = at.min(bytes.len() - 1);
                bytes[at] = (pair[1] * 128.0) as i8 as u8;
            }
            bytes
        };
        let (model, input) = if round % 2 == 0 {
            (damage(&model, round), input.clone())
        } else {
            (model.clone(), damage(&input, round))
        };
        let (model, input) = (folder.put("model.safetensors", &model), folder.put("in.npz", &input));
        let mut command = gatewise();
        command.args(["run", &model, "--cell", "lstm", "--input", &input, "--output", &output]);
        let found = ran(&mut command);
        match found.code {
            Some(0) => fs::remove_file(&output).expect("a run that succeeds leaves its output"),
            _ => found
                .refused(&format!("round {round}"), &["model.safetensors: ", "in.npz: "][(round % 2) as usize..][..1]),
        }
        assert_eq!(folder.names(), ["in.npz", "model.safetensors"], "round {round}: what is left in the folder");
    }
}
