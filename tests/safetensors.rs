//! PyTorch's safetensors: fixtures made by PyTorch, every element type, and files that are broken or hostile.
#![cfg(feature = "safetensors")]

mod common;
#[path = "safetensors/golden.rs"]
mod golden;
#[path = "safetensors/hostile.rs"]
mod hostile;
#[path = "safetensors/stacks.rs"]
mod stacks;

use std::collections::BTreeMap;

use common::fixture;
use gatewise::LstmWeights;
use gatewise::load::Cell;
use gatewise::load::safetensors::{SafetensorsFile, read_lstm, read_model};
use safetensors::tensor::{Dtype, TensorView, serialize};

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
