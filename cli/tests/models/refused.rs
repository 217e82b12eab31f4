//! What is refused, in one line that names it, with nothing left behind.

use serde_json::json;

use crate::common::{Folder, Npz, array, fixture, noise, run};
use crate::made;

/// Runs a model, whose bytes go under this name, on x of these sizes; refused with `says` and the file's name.
#[track_caller]
fn refuses(name: &str, model: &[u8], says: &str) {
    let folder = Folder::new();
    let model = folder.put(name, model);
    let input = folder.put("in.npz", &Npz::new().with("x", &[4, 1, 1], &[0.5; 4]).bytes());
    let found = run(&["run", &model, "--input", &input, "--output", &folder.path("out.npz")]);
    found.refused(says, &[&model, says]);
    let mut left = [name, "in.npz"];
    left.sort_unstable();
    assert_eq!(folder.names(), left, "{says}: what is left in the folder");
    run(&["inspect", &model]).refused(says, &[&model, says]);
}

#[test]
fn operators_and_attributes_that_nobody_computes_are_named() {
    let lstm = "onnx_00_lstm_direction-forward";
    for (case, from, to, says) in [
        (lstm, "LSTM", "LSTX", "node \"Y\": the operator LSTX is not supported"),
        (lstm, "hidden_size", "hidden_sizf", "node \"Y\" (LSTM): attribute \"hidden_sizf\": not an attribute"),
        (
            lstm,
            "forward",
            "forwart",
            "attribute \"direction\": expected forward, reverse or bidirectional, found \"forwart\"",
        ),
        ("onnx_38_rnn_activations-Relu", "Relu", "Gelu", "attribute \"activations\": unknown activation \"Gelu\""),
    ] {
        refuses("model.onnx", &made::changed(case, "model.onnx", from, to), says);
    }
}

#[test]
fn keras_layers_and_options_that_are_not_computed_are_named() {
    let lstm = "keras_01_lstm_seq";
    for (case, from, to, says) in [
        (lstm, "\"LSTM\"", "\"ConvLSTM1D\"", "layer lstm_1 (ConvLSTM1D) is not supported"),
        (
            lstm,
            "\"activation\": \"tanh\"",
            "\"activation\": \"gelu\"",
            "layer lstm_1 (LSTM) has activation: unknown function \"gelu\"",
        ),
        (
            "keras_12_stack_softmax",
            "\"softmax\"",
            "\"mish\"",
            "layer dense_2 (Dense) has activation: unknown function \"mish\"",
        ),
        ("keras_10_bi_sum_last", "\"sum\"", "\"max\"", "max"),
        (
            lstm,
            "\"Sequential\"",
            "\"Subclassed\"",
            "Subclassed is not supported: expected a Sequential or a Functional model",
        ),
    ] {
        refuses("model.keras", &made::keras(case, from, to), says);
    }
}

#[test]
fn other_architectures_and_layers_of_json_are_named() {
    let with = |mut document: serde_json::Value, pointer: &str, value: serde_json::Value| {
        *document.pointer_mut(pointer).unwrap_or_else(|| panic!("no {pointer}")) = value;
        document.to_string().into_bytes()
    };
    let nam = || serde_json::from_slice(&made::nam(3, 1, 1.0)).expect("JSON");
    for (name, document, says) in [
        (
            "model.json",
            with(made::rtneural(), "/layers/0/type", json!("conv1d")),
            "layers[0]: layer \"conv1d\" is not computed",
        ),
        (
            "model.json",
            with(made::rtneural(), "/layers/1/activation", json!("prelu")),
            "function \"prelu\" is not known",
        ),
        ("model.nam", with(nam(), "/architecture", json!("WaveNet")), "architecture: \"WaveNet\" is not run"),
        ("model.nam", with(nam(), "/version", json!("1.0.0")), "version: version \"1.0.0\" is not known"),
        ("model.nam", with(nam(), "/config/hidden_size", json!(4)), "weights: has shape [70], expected [109]"),
        ("model.json", with(made::guitarml(), "/model_data/unit_type", json!("WaveNet")), "\"WaveNet\" is not known"),
        ("model.json", with(made::guitarml(), "/model_data/skip", json!("yes")), "skip"),
        ("model.json", json!({"net": [], "loss": 0.5}).to_string().into_bytes(), "no model that is known"),
        ("model.json", b"[1, 2]".to_vec(), "model.json"),
        ("model.json", b"{\"layers\": ".to_vec(), "not a readable JSON file"),
    ] {
        refuses(name, &document, says);
    }
}

#[test]
fn files_of_no_known_format_are_refused() {
    refuses("model.bin", b"hello, world", "no model that is known: expected .safetensors, .onnx, .keras, .h5");
    refuses("model", b"", "no model that is known");
    refuses("model.onnx", b"hello, world", "model.onnx");
    refuses("model.keras", b"hello, world", "not a readable Keras file");
    refuses("model.h5", b"\x89HDF\r\n\x1a\n", "not a readable");
    for (case, file) in [("keras_12_stack_softmax", "model.keras"), ("onnx_00_lstm_direction-forward", "model.onnx")] {
        let whole = std::fs::read(fixture(case, file)).expect("the fixture");
        refuses(file, &whole[..whole.len() / 2], file);
    }
}

/// Refused before anything is written.
#[track_caller]
fn does_not_run(model: &str, npz: &[u8], options: &[&str], says: &[&str]) {
    let folder = Folder::new();
    let input = folder.put("in.npz", npz);
    let output = folder.path("out.npz");
    let found = run(&[&["run", model, "--input", &input, "--output", &output][..], options].concat());
    found.refused(&format!("{model} {options:?}"), says);
    assert_eq!(folder.names(), ["in.npz"], "{says:?}: what is left in the folder");
}

#[test]
fn options_that_a_format_does_not_need_are_refused() {
    let onnx = fixture("onnx_00_lstm_direction-forward", "model.onnx");
    let keras = fixture("keras_01_lstm_seq", "model.keras");
    let folder = Folder::new();
    let nam = folder.put("amp.nam", &made::nam(3, 1, 1.0));
    let own = folder.path("own.safetensors");
    run(&["convert", &keras, &own]).done("convert");
    let x = Npz::new().with("x", &[1, 3, 7], &[0.5; 21]).bytes();
    for model in [&onnx, &keras, &nam, &own] {
        for option in [["--cell", "lstm"], ["--prefix", "rnn"], ["--nonlinearity", "relu"]] {
            let says = [option[0], "only PyTorch's weights need it", model];
            does_not_run(model, &x, &option, &says);
            run(&["inspect", model, option[0], option[1]]).refused(model, &says);
        }
    }
    for model in [&onnx, &nam, &own] {
        does_not_run(model, &x, &["--layers", "lstm"], &["--layers: ", model, "says itself which layers it has"]);
    }
    for option in ["--batch-first", "--cells", "--reference"] {
        does_not_run(&onnx, &x, &[option], &[option, &onnx, "is a graph"]);
    }
    let torch = fixture("torch_00_lstm", "model.safetensors");
    for option in [["--cell", "lstm"], ["--prefix", ""], ["--nonlinearity", "tanh"]] {
        let found = run(&["inspect", &torch, "--layers", "lstm", option[0], option[1]]);
        found.misused(option[0], &["--layers", option[0]]);
    }
}

#[test]
fn ids_that_are_none_are_refused_by_place() {
    let keras = fixture("keras_13_embed_mask", "model.keras");
    let ids = |ids: [i64; 6]| Npz::new().with_ids("x", &[2, 3], &ids);
    for options in [&[][..], &["--reference"]] {
        for (npz, says) in [
            (ids([1, 2, 3, 4, 5, -1]), "in.npz: array x: id -1 at [1, 2]: expected 0 to 22"),
            (ids([1, 23, 3, 4, 5, 6]), "in.npz: array x: id 23 at [0, 1]: expected 0 to 22"),
            (ids([i64::MIN, 2, 3, 4, 5, 6]), "in.npz: array x: id -9223372036854775808 at [0, 0]"),
            (Npz::new().with_ids("x", &[2], &[1, 99]), "in.npz: array x: id 99 at [1]: expected 0 to 22"),
            (Npz::new().with("x", &[1, 2], &[1.0, 2.5]), "in.npz: array x: expected ids: 2.5 at index 1"),
            (Npz::new().with("x", &[1, 2], &[1.0, f32::NAN]), "in.npz: array x: expected ids: NaN at index 1"),
        ] {
            does_not_run(&keras, &npz.bytes(), options, &[says]);
        }
    }
}

#[test]
fn x_of_another_shape_is_refused_for_each_kind() {
    let folder = Folder::new();
    let nam = folder.put("amp.nam", &made::nam(3, 1, 1.0));
    let keras = |case: &str| fixture(case, "model.keras");
    let x = |shape: &[u64]| Npz::new().with("x", shape, &noise(shape.iter().product::<u64>() as usize, 1.0, 1));
    let (stack, words) = (keras("keras_12_stack_softmax"), keras("keras_13_embed_mask"));
    let torch = fixture("torch_10_gru", "model.safetensors");
    for (model, npz, says) in [
        (&stack, x(&[2, 3, 4]), "array x has shape [2, 3, 4], expected (B, T, I) with I = 3"),
        (&stack, x(&[3, 4]), "array x has shape [3, 4], expected (B, T, I) with I = 3"),
        (&stack, x(&[3]), "array x has shape [3], expected three axes (B, T, I), or (T, I) of one sequence"),
        (&torch, x(&[2, 3, 4]), "array x has shape [2, 3, 4], expected (T, B, I) with I = 8"),
        (&torch, x(&[1, 2, 3, 8]), "array x has shape [1, 2, 3, 8], expected three axes (T, B, I)"),
        (&nam, x(&[3, 2]), "array x has shape [3, 2], expected (T, B, I) with I = 1"),
        (&nam, x(&[0]), "array x has T = 0"),
        (&words, x(&[2, 3, 4]), "array x has shape [2, 3, 4], expected two axes (B, T), or (T) of one sequence"),
        (&words, Npz::new().with("ids", &[1], &[0.0]), "no array x: expected ids of shape (B, T) below 23, found ids"),
        (&stack, x(&[2, 3, 3]).with_ids("lengths", &[2], &[3, 4]), "array lengths: sequence 1 has length 4"),
    ] {
        let npz = npz.bytes();
        for options in [&[][..], &["--reference"]] {
            does_not_run(model, &npz, options, &["in.npz: ", says]);
        }
    }
    let h0 = x(&[2, 3, 3]).with("h0.gru_3", &[1, 2, 5], &[0.0; 10]);
    does_not_run(&stack, &h0.bytes(), &[], &["array h0.gru_3 has shape [1, 2, 5], expected [1, 2, 11] or [2, 11]"]);
}

#[test]
fn inputs_of_a_graph_are_asked_for_by_name() {
    let graph = fixture("export_stream_lstm_torchscript", "model.onnx");
    let io = fixture("export_stream_lstm_torchscript", "io.npz");
    let given = |name: &str| array(&io, name).expect("an input").values.iter().map(|value| *value as f32).collect();
    let (x, h0, c0): (Vec<f32>, Vec<f32>, Vec<f32>) = (given("x"), given("h0"), given("c0"));
    let npz = || Npz::new().with("x", &[4, 2, 7], &x);
    let whole = || npz().with("h0", &[1, 2, 11], &h0);
    for (npz, says) in [
        (npz(), "in.npz: no array h0: the graph takes h0: float32 [1, 2, 11], found x"),
        (whole(), "in.npz: no array c0: the graph takes c0: float32 [1, 2, 11], found x, h0"),
        (Npz::new(), "in.npz: no array x: the graph takes x: float32 [T, 2, 7], the file holds no arrays"),
        (whole().with("c0", &[2, 11], &c0), "input \"c0\": its shape is [2, 11], expected c0: float32 [1, 2, 11]"),
        (whole().with_ids("c0", &[1, 2, 11], &[0; 22]), "input \"c0\""),
    ] {
        does_not_run(&graph, &npz.bytes(), &[], &[says]);
    }
}

#[test]
fn cells_without_a_cell_state_or_with_a_head_have_none_to_write() {
    let keras = |case: &str| fixture(case, "model.keras");
    let x = |width: u64| Npz::new().with("x", &[1, 2, width], &vec![0.5; 2 * width as usize]);
    let ids = || Npz::new().with_ids("x", &[1, 2], &[1, 2]);
    for (model, npz, says) in [
        (fixture("torch_10_gru", "model.safetensors"), x(8), "--cells: a GRU has no cell state"),
        (fixture("torch_20_rnn", "model.safetensors"), x(1), "--cells: a simple RNN has no cell state"),
        (keras("keras_06_gru_reset_before"), x(2), "--cells: a GRU has no cell state"),
        (keras("keras_12_stack_softmax"), x(3), "--cells: "),
        (keras("keras_13_embed_mask"), ids(), "--cells: layer embedding is not recurrent"),
        (keras("keras_00_lstm_last"), x(7), "--cells: layer lstm gives its last step only or reads backwards"),
        (keras("keras_04_lstm_backwards"), x(3), "--cells: layer lstm_4 gives its last step only or reads backwards"),
    ] {
        does_not_run(&model, &npz.bytes(), &["--cells"], &[says]);
    }
    let lstm = keras("keras_01_lstm_seq");
    does_not_run(
        &lstm,
        &x(7).bytes(),
        &["--cells", "--reference"],
        &["--cells --reference: only a PyTorch module has both"],
    );
}
