//! PyTorch's safetensors: fixtures made by PyTorch, every element type, and files that are broken or hostile.
#![cfg(feature = "safetensors")]

mod common;

use std::collections::BTreeMap;
use std::path::Path;

use common::{array, assert_close, fixture, levels};
use gatewise::load::Cell;
use gatewise::load::safetensors::{SafetensorsFile, read_lstm, read_model};
use gatewise::{Activation, Batch, Error, Layout, LstmWeights, Model, Outputs, Session};
use npyz::npz::NpzArchive;
use safetensors::tensor::{Dtype, TensorView, serialize};

/// A case that PyTorch computed, and what its file does not say.
struct Golden {
    case: &'static str,
    cell: Cell,
    layout: Layout,
}

const fn golden(case: &'static str, cell: Cell) -> Golden {
    Golden { case, cell, layout: Layout::TimeMajor }
}

const TANH: Cell = Cell::Rnn(Activation::Tanh);

/// The valid steps of each sequence, where a case has them.
fn lengths(path: &Path) -> Option<Vec<usize>> {
    let mut archive = NpzArchive::open(path).unwrap();
    let lengths = archive.by_name("lengths").unwrap()?.into_vec::<i64>().unwrap();
    Some(lengths.into_iter().map(|length| usize::try_from(length).unwrap()).collect())
}

/// Stacks, both directions, projections, no biases, states, sequences of their own lengths.
const GOLDEN: [Golden; 20] = [
    golden("torch_00_lstm", Cell::Lstm),
    golden("torch_01_lstm_bias-False", Cell::Lstm),
    golden("torch_02_lstm_num_layers-3", Cell::Lstm),
    golden("torch_03_lstm_bidirectional", Cell::Lstm),
    golden("torch_04_lstm_num_layers-2_bidirectional", Cell::Lstm),
    Golden { case: "torch_05_lstm_batch_first", cell: Cell::Lstm, layout: Layout::BatchFirst },
    golden("torch_07_lstm_packed_bidirectional_num_layers-2", Cell::Lstm),
    golden("torch_09_lstm_state_num_layers-2_bidirectional", Cell::Lstm),
    golden("torch_11_gru_bias-False", Cell::Gru),
    golden("torch_12_gru_num_layers-3", Cell::Gru),
    golden("torch_14_gru_num_layers-2_bidirectional", Cell::Gru),
    golden("torch_17_gru_packed_bidirectional_num_layers-2", Cell::Gru),
    golden("torch_19_gru_state_num_layers-2_bidirectional", Cell::Gru),
    golden("torch_22_rnn_num_layers-3", TANH),
    golden("torch_24_rnn_num_layers-2_bidirectional", TANH),
    golden("torch_27_rnn_packed_bidirectional_num_layers-2", TANH),
    golden("torch_29_rnn_state_num_layers-2_bidirectional", TANH),
    golden("torch_30_rnn_nonlinearity-relu", Cell::Rnn(Activation::Relu)),
    golden("torch_31_lstm_proj_size-3", Cell::Lstm),
    golden("torch_32_lstm_proj_size-2_num_layers-2_bidirectional_state", Cell::Lstm),
];

#[test]
fn pytorch_modules_come_out_whole_on_every_level() {
    for Golden { case, cell, layout } in GOLDEN {
        let folder = fixture(case);
        let io = |name: &str| array(&folder.join("io.npz"), name);
        let narrow = |values: Vec<f64>| values.into_iter().map(|value| value as f32).collect::<Vec<f32>>();
        let file = SafetensorsFile::read(folder.join("model.safetensors")).unwrap();
        let (x, y, h_n) = (narrow(io("x").unwrap()), io("y").unwrap(), io("h_n").unwrap());
        let lengths = lengths(&folder.join("io.npz"));
        for level in levels() {
            let model = file.model(None, cell).unwrap().level(level).build().unwrap();
            // h_n is layers · directions × B × P.
            let mut session = Session::new(&model, h_n.len() / model.layers() / model.output_size()).unwrap();
            if let Some(h0) = io("h0") {
                session.set_state(&narrow(h0), &narrow(io("c0").unwrap_or_default())).unwrap();
            }
            let mut found = vec![f32::NAN; y.len()];
            let mut sequences = Batch::new(&x).layout(layout);
            if let Some(lengths) = &lengths {
                sequences = sequences.lengths(lengths);
            }
            session.forward(sequences, Outputs::none().hidden(&mut found)).unwrap();
            assert_close(&found, &y, 1e-6, || format!("{case} y, {level}"));
            assert_close(&session.hidden_states(), &h_n, 1e-6, || format!("{case} h_n, {level}"));
            assert_close(&session.cell_states(), &io("c_n").unwrap_or_default(), 1e-6, || {
                format!("{case} c_n, {level}")
            });
        }
    }
}

/// A file under construction: name → type, shape, bytes.
#[derive(Clone, Default)]
struct Draft(BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>);

impl Draft {
    /// An LSTM with I = 2, H = 3 whose weights are small exact fractions, behind a prefix.
    fn lstm(prefix: &str) -> Self {
        let mut draft = Draft::default();
        draft.set(&format!("{prefix}weight_ih_l0"), &[12, 2], 1.0 / 64.0);
        draft.set(&format!("{prefix}weight_hh_l0"), &[12, 3], -1.0 / 128.0);
        draft.set(&format!("{prefix}bias_ih_l0"), &[12], 1.0 / 16.0);
        draft.set(&format!("{prefix}bias_hh_l0"), &[12], 1.0 / 32.0);
        draft
    }

    /// Values step, 2·step, 3·step … as f32.
    fn set(&mut self, name: &str, shape: &[usize], step: f32) {
        let count: usize = shape.iter().product();
        let bytes = (1..=count).flat_map(|n| (n as f32 * step).to_le_bytes()).collect();
        self.0.insert(name.to_owned(), (Dtype::F32, shape.to_vec(), bytes));
    }

    fn without(mut self, name: &str) -> Self {
        self.0.remove(name).expect("the draft has it");
        self
    }

    fn with(mut self, name: &str, shape: &[usize]) -> Self {
        self.set(name, shape, 0.01);
        self
    }

    /// Adds a layer and direction with H = 3, each tensor's values its own.
    fn and_layer(self, prefix: &str, suffix: &str, inputs: usize) -> Self {
        let count = self.0.len();
        let shapes: [(&str, &[usize]); 4] =
            [("weight_ih", &[12, inputs]), ("weight_hh", &[12, 3]), ("bias_ih", &[12]), ("bias_hh", &[12])];
        shapes.into_iter().enumerate().fold(self, |mut draft, (index, (stem, shape))| {
            draft.set(&format!("{prefix}{stem}{suffix}"), shape, (count + index + 1) as f32 / 4096.0);
            draft
        })
    }

    fn first_value(&self, name: &str) -> f32 {
        f32::from_le_bytes(self.0[name].2[..4].try_into().unwrap())
    }

    fn map(mut self, dtype: Dtype, convert: impl Fn(f32) -> Vec<u8>) -> Self {
        for (kind, _, bytes) in self.0.values_mut() {
            *kind = dtype;
            *bytes = bytes.as_chunks::<4>().0.iter().flat_map(|b| convert(f32::from_le_bytes(*b))).collect();
        }
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let views = self.0.iter().map(|(name, (dtype, shape, bytes))| {
            (name.clone(), TensorView::new(*dtype, shape.clone(), bytes).expect("a consistent draft"))
        });
        serialize(views, None).expect("a consistent draft")
    }

    fn layer(&self) -> gatewise::Result<LstmWeights> {
        self.layer_behind(None)
    }

    fn layer_behind(&self, prefix: Option<&str>) -> gatewise::Result<LstmWeights> {
        let tensors = SafetensorsFile::from_bytes(self.bytes())?.layer(prefix, 4)?;
        LstmWeights::from_torch(&tensors)
    }
}

#[track_caller]
fn assert_error(result: gatewise::Result<LstmWeights>, parts: &[&str]) {
    let message = result.expect_err("must be refused").to_string();
    for part in parts {
        assert!(message.contains(part), "{message:?} does not say {part:?}");
    }
    assert!(!message.contains('\n'), "{message:?} is more than one line");
}

#[test]
fn biases_are_summed_and_halves_widened_exactly() {
    let single = Draft::lstm("").layer().unwrap();
    assert_eq!(single.bias()[4], 5.0 / 16.0 + 5.0 / 32.0);
    assert_eq!((single.input_size(), single.hidden_size()), (2, 3));
    let half = Draft::lstm("").map(Dtype::F16, |value| half::f16::from_f32(value).to_le_bytes().to_vec());
    assert_eq!(half.layer().unwrap(), single);
    let brain = Draft::lstm("").map(Dtype::BF16, |value| half::bf16::from_f32(value).to_le_bytes().to_vec());
    assert_eq!(brain.layer().unwrap(), single);
}

#[test]
fn a_cell_without_layer_numbers_and_a_layer_without_biases_are_read() {
    let mut cell = Draft::default();
    cell.set("weight_ih", &[12, 2], 1.0 / 64.0);
    cell.set("weight_hh", &[12, 3], -1.0 / 128.0);
    let weights = cell.layer().unwrap();
    assert_eq!(weights.weight_ih(), Draft::lstm("").layer().unwrap().weight_ih());
    assert_eq!(weights.bias(), [0.0; 12]);
}

#[test]
fn a_prefix_is_found_alone_and_chosen_among_several() {
    let expected = Draft::lstm("").layer().unwrap();
    let one = Draft::lstm("encoder.rnn.").with("head.weight", &[1, 3]);
    assert_eq!(one.layer().unwrap(), expected);
    let mut two = one.clone();
    two.0.extend(Draft::lstm("decoder.").0);
    assert_eq!(two.layer_behind(Some("decoder.")).unwrap(), expected);
    assert_eq!(two.layer_behind(Some("encoder.rnn")).unwrap(), expected);
    assert_error(two.layer(), &["several", "\"decoder.\"", "\"encoder.rnn.\""]);
    assert_error(two.layer_behind(Some("decode")), &["\"decode\"", "\"decoder.\""]);
}

#[test]
fn what_is_missing_or_does_not_fit_is_named() {
    let lstm = || Draft::lstm("rnn.");
    assert_error(lstm().without("rnn.weight_hh_l0").layer(), &["rnn.weight_hh_l0", "missing"]);
    assert_error(lstm().without("rnn.bias_hh_l0").layer(), &["rnn.bias_hh_l0", "missing"]);
    assert_error(lstm().without("rnn.weight_ih_l0").layer(), &["no recurrent layer", "weight_ih_l0", "rnn.bias_hh_l0"]);
    assert_error(Draft::default().layer(), &["no recurrent layer"]);
    assert_error(lstm().with("rnn.weight_ih_l0", &[11, 2]).layer(), &["rnn.weight_ih_l0", "[11, 2]", "[12, I]"]);
    assert_error(lstm().with("rnn.weight_ih_l0", &[24]).layer(), &["rnn.weight_ih_l0", "two axes"]);
    assert_error(lstm().with("rnn.weight_hh_l0", &[9, 3]).layer(), &["rnn.weight_hh_l0", "[12, 3]", "a GRU"]);
    assert_error(lstm().with("rnn.weight_hh_l0", &[12, 3, 1]).layer(), &["rnn.weight_hh_l0", "two axes"]);
    assert_error(lstm().with("rnn.bias_ih_l0", &[11]).layer(), &["rnn.bias_ih_l0", "[11]", "[12]"]);
    assert_error(lstm().with("rnn.weight_hh_l0", &[0, 0]).layer(), &["hidden_size", "0"]);
    assert_error(lstm().with("rnn.weight_ih_l0", &[12, 0]).layer(), &["input_size", "0"]);
}

#[test]
fn one_layer_is_not_read_out_of_a_file_that_has_more() {
    let lstm = || Draft::lstm("rnn.");
    assert_error(lstm().and_layer("rnn.", "_l1", 3).layer(), &["rnn.weight_ih_l1", "stacked"]);
    assert_error(lstm().and_layer("rnn.", "_l0_reverse", 2).layer(), &["rnn.weight_ih_l0_reverse", "bidirectional"]);
    let projected = lstm().with("rnn.weight_hh_l0", &[12, 2]).with("rnn.weight_hr_l0", &[2, 3]).layer().unwrap();
    assert_eq!((projected.hidden_size(), projected.output_size()), (3, 2));
}

#[test]
fn doubles_are_rounded_to_the_nearest_and_other_types_refused() {
    let third = 1.0 / 3.0;
    let double = Draft::lstm("").map(Dtype::F64, |value| (f64::from(value) * third).to_le_bytes().to_vec());
    let single = Draft::lstm("").layer().unwrap();
    let weights = double.layer().unwrap();
    for (index, (found, exact)) in weights.weight_hh().iter().zip(single.weight_hh()).enumerate() {
        let expected = (f64::from(*exact) * third) as f32;
        assert_eq!(found.to_bits(), expected.to_bits(), "weight_hh, index {index}: {found} for {expected}");
    }
    let large = Draft::lstm("").map(Dtype::F64, |_| 1e300f64.to_le_bytes().to_vec());
    assert_error(large.layer(), &["weight_ih_l0", "inf", "index 0"]);
    let whole = Draft::lstm("").map(Dtype::I32, |_| vec![0; 4]);
    assert_error(whole.layer(), &["weight_ih_l0", "I32", "F32, F16, BF16 or F64"]);
}

/// An LSTM with I = 2, H = 3, `layers` layers, in both directions.
fn stack(layers: usize) -> Draft {
    let suffixes = (0..layers).flat_map(|layer| [format!("_l{layer}"), format!("_l{layer}_reverse")]);
    suffixes.enumerate().fold(Draft::default(), |draft, (index, suffix)| {
        draft.and_layer("rnn.", &suffix, if index < 2 { 2 } else { 6 })
    })
}

#[test]
fn every_layer_and_direction_is_read_into_its_place() {
    let file = SafetensorsFile::from_bytes(stack(2).bytes()).unwrap();
    let module = file.module(None, Cell::Lstm).unwrap();
    let first = |name: &str| stack(2).first_value(name);
    assert_eq!(module.layers.len(), 2);
    for (index, layer) in module.layers.iter().enumerate() {
        for (tensors, suffix) in layer.passes().zip(["", "_reverse"]) {
            let name = |stem: &str| format!("rnn.{stem}_l{index}{suffix}");
            assert_eq!(tensors.weight_ih[0], first(&name("weight_ih")), "{}", name("weight_ih"));
            assert_eq!(tensors.weight_hh[0], first(&name("weight_hh")), "{}", name("weight_hh"));
            let [ih, hh] = tensors.biases.as_ref().expect("biases");
            assert_eq!([ih[0], hh[0]], [first(&name("bias_ih")), first(&name("bias_hh"))], "layer {index}{suffix}");
            assert_eq!((tensors.input_size, tensors.hidden_size), (if index == 0 { 2 } else { 6 }, 3));
        }
        assert!(layer.reverse.is_some(), "layer {index}");
    }
    let model = file.model(Some("rnn"), Cell::Lstm).unwrap().build().unwrap();
    assert_eq!((model.input_size(), model.output_size(), model.layers(), model.passes()), (2, 6, 2, 4));
}

#[test]
fn a_stack_with_a_hole_or_a_tensor_too_many_is_refused_by_name() {
    let model = |draft: Draft| SafetensorsFile::from_bytes(draft.bytes())?.model(None, Cell::Lstm)?.build();
    let lacks = |name: &str| stack(3).without(name);
    let without_layer = |draft: Draft, suffix: &str| {
        let stems = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"];
        stems.into_iter().fold(draft, |draft, stem| draft.without(&format!("rnn.{stem}{suffix}")))
    };
    let forward_only = ["_l0_reverse", "_l1_reverse", "_l2_reverse"].into_iter().fold(stack(3), without_layer);
    let hole = without_layer(forward_only.clone(), "_l1");
    let one_way = without_layer(stack(2), "_l1_reverse");
    let missing = |name: &'static str, there: &'static str| [name, "missing", there];
    for (what, draft, says) in [
        ("no layer 1", hole, missing("tensor rnn.weight_ih_l1 ", "rnn.bias_hh_l2,")),
        ("no reverse in layer 1", one_way, missing("tensor rnn.weight_ih_l1_reverse ", "rnn.bias_hh_l0_reverse,")),
        (
            "a reverse in layer 2 only",
            without_layer(without_layer(stack(3), "_l0_reverse"), "_l1_reverse"),
            missing("tensor rnn.weight_ih_l0_reverse ", "rnn.bias_hh_l2_reverse,"),
        ),
        ("one matrix", lacks("rnn.weight_hh_l2"), missing("tensor rnn.weight_hh_l2 ", "rnn.bias_hh_l2,")),
        ("one bias", lacks("rnn.bias_ih_l1_reverse"), missing("tensor rnn.bias_ih_l1_reverse ", "rnn.bias_hh_l0,")),
        (
            "a projection in one layer",
            stack(2).with("rnn.weight_hr_l1", &[2, 3]),
            missing("tensor rnn.weight_hr_l0 ", "rnn.weight_hr_l1,"),
        ),
        ("other features", stack(2).with("rnn.weight_ih_l1", &[12, 3]), ["rnn.weight_ih_l1", "[12, 3]", "[12, 6]"]),
        (
            "other units",
            stack(2).with("rnn.weight_hh_l1_reverse", &[12, 4]),
            ["rnn.weight_hh_l1_reverse", "[12, 4]", "[12, 3]"],
        ),
        ("a short bias", stack(2).with("rnn.bias_hh_l1", &[11]), ["rnn.bias_hh_l1", "[11]", "[12]"]),
        ("a layer 00", stack(1).with("rnn.weight_ih_l00", &[12, 2]), ["rnn.weight_ih_l00", "no name", "weight_ih_l0"]),
        (
            "a third direction",
            stack(1).with("rnn.bias_ih_l0_up", &[12]),
            ["rnn.bias_ih_l0_up", "no name", "bias_ih_l0"],
        ),
        (
            "a layer beyond any number",
            stack(1).with("rnn.bias_ih_l99999999999999999999", &[12]),
            ["rnn.bias_ih_l99999999999999999999", "no name", "bias_ih_l0"],
        ),
        (
            "the last layer of a number",
            stack(1).with("rnn.bias_ih_l18446744073709551615", &[12]),
            missing("tensor rnn.weight_ih_l1_reverse ", "_reverse,"),
        ),
        ("a cell and a layer", stack(1).with("rnn.weight_hh", &[12, 3]), ["rnn.weight_hh:", "no name", "weight_hh_l0"]),
    ] {
        let message = model(draft).map(|_| ()).expect_err(what).to_string();
        for part in says {
            assert!(message.contains(part), "{what}: {message:?} does not say {part:?}");
        }
        assert!(!message.contains('\n'), "{what}: {message:?} is more than one line");
    }
}

#[test]
fn projections_that_do_not_fit_are_refused_by_name() {
    let lstm =
        |rows: usize, width: usize| Draft::lstm("").with("weight_hh_l0", &[12, width]).with("weight_hr_l0", &[rows, 3]);
    let read = |draft: Draft, cell: Cell| SafetensorsFile::from_bytes(draft.bytes())?.model(None, cell)?.build();
    assert_eq!(read(lstm(2, 2), Cell::Lstm).unwrap().output_size(), 2);
    let gru = |draft: Draft| draft.with("weight_hh_l0", &[9, 3]).with("weight_ih_l0", &[9, 2]);
    for (what, result, says) in [
        ("other rows", read(lstm(2, 1), Cell::Lstm), ["weight_hr_l0", "[2, 3]", "P = 1"]),
        ("no rows", read(lstm(0, 0), Cell::Lstm), ["weight_hr_l0", "[0, 3]", "from 1 to H"]),
        ("more than H", read(lstm(4, 4), Cell::Lstm), ["weight_hr_l0", "[4, 3]", "from 1 to H"]),
        ("one axis", read(lstm(2, 2).with("weight_hr_l0", &[6]), Cell::Lstm), ["weight_hr_l0", "[6]", "(P, H)"]),
        ("a GRU", read(gru(lstm(3, 3)), Cell::Gru), ["weight_hr_l0", "a GRU", "proj_size"]),
        ("an RNN", read(lstm(2, 2), TANH), ["weight_hr_l0", "a simple RNN", "proj_size"]),
    ] {
        let message = result.map(|_| ()).expect_err(what).to_string();
        for part in says {
            assert!(message.contains(part), "{what}: {message:?} does not say {part:?}");
        }
    }
}

#[test]
fn nan_and_infinity_in_a_tensor_are_named_by_tensor_and_index() {
    for (value, shown) in [(f32::NAN, "NaN"), (f32::INFINITY, "inf")] {
        let mut draft = Draft::lstm("");
        let bytes = &mut draft.0.get_mut("weight_hh_l0").unwrap().2;
        bytes[28..32].copy_from_slice(&value.to_le_bytes());
        assert_error(draft.layer(), &["weight_hh_l0", "index 7", shown]);
    }
    let weights = LstmWeights::new(1, 1, &[0.0; 4], &[0.0, f32::NAN, 0.0, 0.0], &[0.0; 4]);
    assert_error(weights, &["weight_hh", "index 1", "NaN"]);
}

#[test]
fn a_file_cut_anywhere_is_an_error_and_never_a_panic() {
    let bytes = Draft::lstm("").bytes();
    for length in 0..bytes.len() {
        let file = SafetensorsFile::from_bytes(bytes[..length].to_vec());
        assert!(matches!(file, Err(Error::Format { .. })), "cut to {length} of {} bytes", bytes.len());
    }
}

#[test]
fn a_file_with_any_header_byte_changed_is_read_or_refused_and_never_a_panic() {
    let bytes = Draft::lstm("").bytes();
    let header = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    for at in 0..header {
        for flip in [0x01, 0x10, 0x80, 0xff] {
            let mut broken = bytes.clone();
            broken[at] ^= flip;
            if let Ok(file) = SafetensorsFile::from_bytes(broken) {
                let _ = file.tensors();
                let _ = file.layer(None, 4);
                let _ = file.layer(Some("rnn"), 3);
                let _ = file.model(None, Cell::Lstm).map(|builder| builder.build());
            }
        }
    }
}

#[test]
fn headers_that_lie_are_refused() {
    let with_header = |header: &str| {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.extend([0; 64]);
        bytes
    };
    let huge = "18446744073709551615";
    for header in [
        r#"{"weight_ih_l0":{"dtype":"F32","shape":[4,4],"data_offsets":[0,9999]}}"#.to_owned(),
        r#"{"weight_ih_l0":{"dtype":"F32","shape":[4,4],"data_offsets":[64,0]}}"#.to_owned(),
        format!(r#"{{"weight_ih_l0":{{"dtype":"F32","shape":[{huge},{huge}],"data_offsets":[0,64]}}}}"#),
        r#"{"weight_ih_l0":{"dtype":"F99","shape":[16],"data_offsets":[0,64]}}"#.to_owned(),
        r#"{"weight_ih_l0":{"dtype":"F32","shape":[-4],"data_offsets":[0,64]}}"#.to_owned(),
        "[".repeat(100_000),
        "{\"a\":".repeat(10_000),
    ] {
        let file = SafetensorsFile::from_bytes(with_header(&header));
        assert!(matches!(file, Err(Error::Format { .. })), "{}", &header[..header.len().min(80)]);
    }
    let mut endless = u64::MAX.to_le_bytes().to_vec();
    endless.extend(b"{}");
    assert!(matches!(SafetensorsFile::from_bytes(endless), Err(Error::Format { .. })));
}

#[test]
fn an_error_names_the_file() {
    let missing = read_lstm("no/such/model.safetensors", None).unwrap_err().to_string();
    assert!(missing.starts_with("no/such/model.safetensors: "), "{missing}");
    let missing = read_model("no/such/model.safetensors", None, Cell::Gru).map(|_| ()).unwrap_err().to_string();
    assert!(missing.starts_with("no/such/model.safetensors: "), "{missing}");
    let path = fixture("torch_12_gru_num_layers-3").join("model.safetensors");
    let model = read_model(&path, None, Cell::Gru).unwrap();
    assert_eq!((model.layers(), model.passes()), (3, 3));
    let wrong = read_model(&path, None, Cell::Lstm).map(|_| ()).unwrap_err().to_string();
    assert!(wrong.contains("model.safetensors: ") && wrong.contains("a GRU"), "{wrong}");
    let stacked = fixture("torch_00_lstm").join("io.npz");
    let wrong = read_lstm(&stacked, None).unwrap_err().to_string();
    assert!(wrong.contains("io.npz: not a readable safetensors file"), "{wrong}");
}
