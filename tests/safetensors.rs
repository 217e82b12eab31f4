//! PyTorch's safetensors: fixtures made by PyTorch, every element type, and files that are broken or hostile.
#![cfg(feature = "safetensors")]

mod common;

use std::collections::BTreeMap;

use common::{array, assert_close, fixture, levels};
use gatewise::load::safetensors::{SafetensorsFile, read_lstm};
use gatewise::{Error, Layout, LstmWeights, Model, Session};
use safetensors::tensor::{Dtype, TensorView, serialize};

#[test]
fn pytorch_layers_come_out_on_every_level() {
    for (name, layout) in [
        ("torch_00_lstm", Layout::TimeMajor),
        ("torch_01_lstm_bias-False", Layout::TimeMajor),
        ("torch_05_lstm_batch_first", Layout::BatchFirst),
        ("torch_08_lstm_state", Layout::TimeMajor),
    ] {
        let folder = fixture(name);
        let io = |name: &str| array(&folder.join("io.npz"), name);
        let narrow = |values: Vec<f64>| values.into_iter().map(|value| value as f32).collect::<Vec<f32>>();
        let weights = read_lstm(folder.join("model.safetensors"), None).unwrap();
        let (y, h_n, c_n) = (io("y").unwrap(), io("h_n").unwrap(), io("c_n").unwrap());
        for level in levels() {
            let model = Model::with_level(&weights, level).unwrap();
            let mut session = Session::new(&model, h_n.len() / weights.hidden_size()).unwrap();
            if let (Some(h0), Some(c0)) = (io("h0"), io("c0")) {
                session.set_state(&narrow(h0), &narrow(c0)).unwrap();
            }
            let mut found = vec![f32::NAN; y.len()];
            session.run(&narrow(io("x").unwrap()), layout, &mut found).unwrap();
            assert_close(&found, &y, 1e-6, || format!("{name} y, {level}"));
            assert_close(session.hidden_state(), &h_n, 1e-6, || format!("{name} h_n, {level}"));
            assert_close(session.cell_state(), &c_n, 1e-6, || format!("{name} c_n, {level}"));
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
fn what_one_layer_does_not_compute_is_refused_and_not_ignored() {
    let lstm = || Draft::lstm("rnn.");
    assert_error(lstm().with("rnn.weight_ih_l1", &[12, 3]).layer(), &["rnn.weight_ih_l1", "stacked"]);
    assert_error(lstm().with("rnn.weight_ih_l0_reverse", &[12, 2]).layer(), &["_reverse", "bidirectional"]);
    assert_error(lstm().with("rnn.weight_hr_l0", &[2, 3]).layer(), &["weight_hr_l0", "proj_size"]);
    let double = Draft::lstm("").map(Dtype::F64, |value| f64::from(value).to_le_bytes().to_vec());
    assert_error(double.layer(), &["F64", "F32, F16 or BF16"]);
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
    let stacked = fixture("torch_00_lstm").join("io.npz");
    let wrong = read_lstm(&stacked, None).unwrap_err().to_string();
    assert!(wrong.contains("io.npz: not a readable safetensors file"), "{wrong}");
}
