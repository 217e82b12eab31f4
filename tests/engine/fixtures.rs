//! Every layer that PyTorch computed for tests/fixtures: stacks, directions, lengths, states, projections; on every level.

use std::fs;

use gatewise::{
    Activation, Batch, GruWeights, Layout, LstmWeights, Merge, Model, ModelBuilder, Outputs, RnnWeights, Session,
    TorchTensors, Weights,
};
use safetensors::SafeTensors;
use serde_json::Value;

use crate::common::variants::{case, input, names, size};
use crate::common::{array, assert_close, fixture, levels};

/// What the cases have in `options`.
const OPTIONS: [&str; 6] = ["num_layers", "bidirectional", "batch_first", "bias", "nonlinearity", "proj_size"];

/// A tensor of a file by PyTorch's name, as it is stored.
pub fn tensor(tensors: &SafeTensors<'_>, name: &str) -> Option<Vec<f32>> {
    let bytes = tensors.tensor(name).ok()?.data().chunks_exact(4);
    Some(bytes.map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect())
}

/// One layer and direction of a file.
pub fn torch(tensors: &SafeTensors<'_>, prefix: &str, suffix: &str, [input, hidden]: [usize; 2]) -> TorchTensors {
    let find = |own: &str| tensor(tensors, &format!("{prefix}{own}_{suffix}"));
    TorchTensors {
        input_size: input,
        hidden_size: hidden,
        weight_ih: find("weight_ih").unwrap(),
        weight_hh: find("weight_hh").unwrap(),
        biases: find("bias_ih").map(|bias| [bias, find("bias_hh").unwrap()]),
        projection: find("weight_hr"),
    }
}

fn builder(name: &str, case: &Value) -> ModelBuilder {
    let file = fs::read(fixture(name).join("model.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&file).unwrap();
    let both = case["options"]["bidirectional"] == true;
    let (mut builder, mut width, mut used) = (Model::builder(), size(case, "I"), 0);
    for layer in 0..case["options"]["num_layers"].as_u64().unwrap_or(1) {
        let input = width;
        let mut weights = |suffix: &str| -> Weights {
            let tensors = torch(&tensors, "", &format!("l{layer}{suffix}"), [input, size(case, "H")]);
            used += 2 + 2 * usize::from(tensors.biases.is_some()) + usize::from(tensors.projection.is_some());
            let relu = case["options"]["nonlinearity"] == "relu";
            let activation = if relu { Activation::Relu } else { Activation::Tanh };
            match case["cell"].as_str() {
                Some("LSTM") => LstmWeights::from_torch(&tensors).unwrap().into(),
                Some("GRU") => GruWeights::from_torch(&tensors).unwrap().into(),
                Some("RNN") => RnnWeights::from_torch(&tensors, activation).unwrap().into(),
                other => panic!("{name}: unknown cell {other:?}"),
            }
        };
        let forward = weights("");
        width = forward.output_size() * if both { 2 } else { 1 };
        builder = match both {
            true => builder.bidirectional(forward, weights("_reverse"), Merge::Concat),
            false => builder.layer(forward),
        };
    }
    assert_eq!(used, tensors.len(), "{name}: every tensor is used");
    builder
}

#[test]
fn every_pytorch_case_comes_out_on_every_level() {
    let names = names("torch_");
    assert_eq!(names.len(), 33, "all of PyTorch's cases");
    for name in &names {
        let case = case(name);
        for option in case["options"].as_object().unwrap().keys() {
            assert!(OPTIONS.contains(&option.as_str()), "{name}: unknown option {option}");
        }
        let builder = builder(name, &case);
        let layout = if case["options"]["batch_first"] == true { Layout::BatchFirst } else { Layout::TimeMajor };
        let lengths =
            input(name, "lengths").map(|all| all.into_iter().map(|length| length as usize).collect::<Vec<_>>());
        assert_eq!(lengths.is_some(), case["packed"] == true, "{name}: lengths");
        let x = input(name, "x").unwrap();
        let [y, h_n] = ["y", "h_n"].map(|name_of| array(&fixture(name).join("io.npz"), name_of).unwrap());
        let c_n = array(&fixture(name).join("io.npz"), "c_n").unwrap_or_default();
        assert_eq!(!c_n.is_empty(), case["cell"] == "LSTM", "{name}: c_n");
        for level in levels() {
            let model = builder.clone().level(level).build().unwrap();
            let mut session = Session::new(&model, size(&case, "B")).unwrap();
            if let Some(h0) = input(name, "h0") {
                session.set_state(&h0, &input(name, "c0").unwrap_or_default()).unwrap();
            }
            let mut batch = Batch::new(&x).layout(layout);
            if let Some(lengths) = &lengths {
                batch = batch.lengths(lengths);
            }
            let mut found = vec![f32::NAN; y.len()];
            session.forward(batch, Outputs::none().hidden(&mut found)).unwrap();
            assert_close(&found, &y, 2e-6, || format!("{name}, y, {level}"));
            assert_close(&session.hidden_states(), &h_n, 2e-6, || format!("{name}, h_n, {level}"));
            assert_close(&session.cell_states(), &c_n, 2e-6, || format!("{name}, c_n, {level}"));
        }
    }
}
