//! gatewise's own form: the same bits come back for any model; what is not understood is refused by name.
#![cfg(feature = "safetensors")]

mod common;
#[path = "own_form/random.rs"]
mod random;
#[path = "own_form/refused.rs"]
mod refused;

use std::fs;

use gatewise::load::own;
use gatewise::load::safetensors::SafetensorsFile;
use gatewise::network::blueprint::{Blueprint, Dense, Finish, Layer, Operation, Output, Passes, Recurrent};
use gatewise::{
    Activation, ClockworkWeights, GateUse, GruOptions, GruWeights, Layout, LstmOptions, LstmWeights, Merge,
    MutantWeights, Mutation, Reset, Weights,
};
use proptest::prelude::*;
use safetensors::SafeTensors;
use serde_json::Value;

/// A bidirectional GRU of one unit and a dense layer, its weights small exact fractions.
fn small() -> Blueprint {
    let options = GruOptions {
        reset: Reset::Before,
        gate: Activation::HardSigmoid { alpha: 0.2, beta: 0.5 },
        clip: Some(3.5),
        ..GruOptions::default()
    };
    let gru = |scale: f32| {
        let values = |count: u8| (1..=count).map(|n| f32::from(n) * scale).collect::<Vec<_>>();
        GruWeights::new(2, 1, &values(6), &values(3), &values(3), &values(1)).unwrap().with_options(options).into()
    };
    let passes = Passes::Both { forward: gru(0.25), reverse: gru(-0.125), merge: Merge::Sum };
    let gru = Recurrent { output: Output::Last, ..Recurrent::new(passes) };
    let head = Dense { input: 1, output: 2, weight: vec![1.5, -2.0], bias: vec![], finish: Finish::Softmax };
    let layers =
        vec![Layer::new("encoder", Operation::Recurrent(Box::new(gru))), Layer::new("head", Operation::Dense(head))];
    Blueprint { name: "a \"small\" one".to_owned(), layout: Layout::BatchFirst, layers, sample_rate: Some(44_100.5) }
}

proptest! {
    #[test]
    fn any_model_comes_back_with_the_same_bits(seed in any::<u64>()) {
        let blueprint = random::blueprint(seed);
        let bytes = own::to_bytes(&blueprint).unwrap();
        let again = own::from_bytes(bytes.clone()).unwrap();
        // Unlike ==, the text tells −0 from 0.
        prop_assert_eq!(format!("{again:?}"), format!("{blueprint:?}"));
        prop_assert_eq!(own::to_bytes(&again).unwrap(), bytes);
    }
}

#[test]
fn the_file_is_what_the_documentation_says() {
    let bytes = own::to_bytes(&small()).unwrap();
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let about = header.metadata().as_ref().unwrap();
    assert_eq!((about["format"].as_str(), about["version"].as_str(), about.len()), ("gatewise", "1", 3));
    let gate = r#"{"function":"hard_sigmoid","alpha":0.2,"beta":0.5}"#;
    let options = format!(r#""reset":"before","gate":{gate},"candidate":{{"function":"tanh"}},"clip":3.5"#);
    let tensors = r#""tensors":["weight_ih","weight_hh","bias","recurrent_bias"]"#;
    let pass = |way: &str| format!(r#"{{"direction":"{way}","cell":"gru",{options},{tensors}}}"#);
    let expected = format!(
        "{}{}{}{}",
        r#"{"name":"a \"small\" one","layout":"batch_first","layers":[{"kind":"recurrent","name":"encoder","#,
        r#""output":"last","go_backwards":false,"masked":"zeros","merge":"sum","passes":["#,
        [pass("forward"), pass("reverse")].join(","),
        r#"]},{"kind":"dense","name":"head","finish":{"function":"softmax"},"tensors":["weight"]}],"sample_rate":44100.5}"#
    );
    assert_eq!(about["model"], expected);
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let mut found: Vec<(String, Vec<usize>, f32)> = file
        .iter()
        .map(|(name, view)| {
            let first = f32::from_le_bytes(view.data()[..4].try_into().unwrap());
            (name.to_owned(), view.shape().to_vec(), first)
        })
        .collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    let expected = [
        ("layers.0.forward.bias", vec![3], 0.25),
        ("layers.0.forward.recurrent_bias", vec![1], 0.25),
        ("layers.0.forward.weight_hh", vec![3, 1], 0.25),
        ("layers.0.forward.weight_ih", vec![3, 2], 0.25),
        ("layers.0.reverse.bias", vec![3], -0.125),
        ("layers.0.reverse.recurrent_bias", vec![1], -0.125),
        ("layers.0.reverse.weight_hh", vec![3, 1], -0.125),
        ("layers.0.reverse.weight_ih", vec![3, 2], -0.125),
        ("layers.1.weight", vec![2, 1], 1.5),
    ];
    assert_eq!(found, expected.map(|(name, shape, first)| (name.to_owned(), shape, first)));
}

/// The first layer's pass as the file describes it.
fn described(weights: impl Into<Weights>) -> String {
    let layers = vec![Layer::new("", Operation::Recurrent(Box::new(Recurrent::forward(weights))))];
    let blueprint = Blueprint { layers, ..Blueprint::default() };
    let bytes = own::to_bytes(&blueprint).unwrap();
    assert_eq!(own::from_bytes(bytes.clone()).unwrap(), blueprint);
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let model: Value = serde_json::from_str(&header.metadata().as_ref().unwrap()["model"]).unwrap();
    let mut pass = model["layers"][0]["passes"][0].clone();
    pass["tensors"] = Value::Null;
    pass.to_string()
}

#[test]
fn the_cells_options_are_what_the_documentation_says_and_ordinary_ones_are_not_written() {
    let zeros = [0.0; 64];
    let lstm = LstmWeights::new(1, 2, &zeros[..8], &zeros[..16], &zeros[..8]).unwrap();
    let [sigmoid, tanh] = [r#"{"function":"sigmoid"}"#, r#"{"function":"tanh"}"#];
    let options = format!(r#""coupling":"none","gate":{sigmoid},"input":{tanh},"output":{tanh}"#);
    let plain = format!(r#"{{"direction":"forward","cell":"lstm",{options},"tensors":null}}"#);
    assert_eq!(described(&lstm), plain);
    let without = LstmOptions { forget_gate: GateUse::AlwaysOne, ..LstmOptions::default() };
    let expected = plain.replace(r#","tensors""#, r#","forget_gate":"always_one","tensors""#);
    assert_eq!(described(lstm.with_options(without)), expected);

    let clock = ClockworkWeights::new(1, 4, &zeros[..4], &zeros[..16], &zeros[..4], &[1, 3]).unwrap();
    let options = format!(r#""activation":{tanh},"periods":[1,3],"units":[2,2],"first_t":1"#);
    let expected = format!(r#"{{"direction":"forward","cell":"clockwork",{options},"tensors":null}}"#);
    assert_eq!(described(clock.with_first_t(1)), expected);

    let mutant = MutantWeights::new(Mutation::Mut2, 1, 2, &zeros[..6], &zeros[..12], &zeros[..6]).unwrap();
    assert_eq!(described(mutant), r#"{"direction":"forward","cell":"mut2","tensors":null}"#);
}

#[test]
fn parameters_of_every_kind_of_bits_come_back() {
    let odd = [-0.0, f32::MIN_POSITIVE, 1e-45, f32::MAX, 1.0 / 3.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, 0.1];
    for alpha in odd {
        let mut blueprint = small();
        let finish = Finish::Each(Activation::LeakyRelu { alpha });
        blueprint.layers.push(Layer::new("", Operation::Activation(finish)));
        let again = own::from_bytes(own::to_bytes(&blueprint).unwrap()).unwrap();
        assert_eq!(format!("{again:?}"), format!("{blueprint:?}"));
    }
}

#[test]
fn a_file_is_written_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let names = || -> Vec<_> {
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    let path = folder.path().join("model.safetensors");
    own::write(&small(), &path).unwrap();
    assert_eq!(own::read(&path).unwrap(), small());
    assert_eq!(fs::read(&path).unwrap(), own::to_bytes(&small()).unwrap());
    assert!(own::is_own(&SafetensorsFile::read(&path).unwrap()));
    assert_eq!(names(), ["model.safetensors"]);

    let before = fs::read(&path).unwrap();
    let error = own::write(&Blueprint::default(), &path).unwrap_err().to_string();
    assert!(error.contains("model.safetensors: a model has at least one layer"), "{error}");
    assert_eq!((names(), fs::read(&path).unwrap()), (vec!["model.safetensors".to_owned()], before));
    let taken = folder.path().join("taken");
    fs::create_dir(&taken).unwrap();
    for (target, says) in [(taken.clone(), "taken: cannot write"), (taken.join("no/model"), "no/model: cannot write")] {
        let error = own::write(&small(), &target).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
    assert_eq!(fs::read_dir(&taken).unwrap().count(), 0);
    assert_eq!(names().len(), 2);
    let missing = own::read(folder.path().join("none.safetensors")).unwrap_err().to_string();
    assert!(missing.contains("none.safetensors: "), "{missing}");
}
