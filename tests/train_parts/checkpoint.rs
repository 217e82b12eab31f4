//! A run in a file: what is written comes back with the same bits, and what is broken is refused by name.

use std::borrow::Cow;
use std::fs;

use gatewise::load::safetensors::SafetensorsFile;
use gatewise::train::checkpoint::{Checkpoint, Progress, Tensor};
use gatewise::train::early::EarlyStopping;
use gatewise::train::optimizer::{Adam, Lookahead, Optimizer, Rule, Sgd, Shrinks, Slot};
use gatewise::train::random::Random;
use gatewise::train::schedule::Plateau;
use proptest::prelude::*;

use crate::message;

fn optimizer(rule: Rule) -> Optimizer {
    let slots = vec![Slot { values: 6, shrinks: Shrinks::Yes }, Slot { values: 2, shrinks: Shrinks::No }];
    let mut optimizer = Optimizer::new(rule, slots).unwrap();
    optimizer.step(&mut [&mut [1.0; 6], &mut [2.0; 2]], &[&[0.1; 6], &[0.3, -7e-12]], 0.1).unwrap();
    optimizer
}

fn progress() -> Progress {
    let mut random = Random::keyed([1, 2, 3, u64::MAX]);
    random.bits32();
    let (mut early, mut plateau) = (EarlyStopping::new(5, 1e-4), Plateau::new(0.1, 3));
    for (epoch, loss) in [(0, 0.7), (1, 0.1 + 0.2), (2, 0.5)] {
        early.observe(epoch, loss).unwrap();
        plateau.observe(epoch, loss).unwrap();
    }
    let (early_stopping, plateau) = (Some(early), Some(plateau));
    Progress { epoch: 3, batch: 7, step: u64::MAX, seed: (1 << 53) + 1, random, early_stopping, plateau }
}

/// Values whose bits are easily lost.
const VALUES: [f32; 6] = [0.1, -0.0, f32::MAX, f32::MIN_POSITIVE, 1e-45, -1.0 / 3.0];

fn checkpoint(rule: Rule) -> Checkpoint<'static> {
    let tensor = |name: &str, shape: &[usize], values: &'static [f32]| Tensor {
        name: name.to_owned(),
        shape: shape.to_vec(),
        values: Cow::Borrowed(values),
    };
    let tensors = vec![
        tensor("lstm.weight", &[2, 3], &VALUES),
        tensor("bias", &[2], &[1.0, 2.0]),
        tensor("best.bias", &[0], &[]),
    ];
    let text = "epochs = 3\n\"quoted\" \\ ü \u{1}".to_owned();
    Checkpoint { progress: progress(), tensors, optimizer: Cow::Owned(optimizer(rule)), text }
}

fn read(bytes: Vec<u8>) -> gatewise::Result<Checkpoint<'static>> {
    Checkpoint::from_file(&SafetensorsFile::from_bytes(bytes)?)
}

fn adam() -> Checkpoint<'static> {
    checkpoint(Rule::Adam(Adam { decay: 0.1, ..Adam::default() }))
}

#[test]
fn what_is_written_comes_back_with_the_same_bits() {
    let nesterov = Sgd { momentum: 0.9, lookahead: Lookahead::Nesterov, decay: 1e-4 };
    for rule in [Rule::Adam(Adam::decoupled(0.01)), Rule::Sgd(nesterov), Rule::Sgd(Sgd::default())] {
        let written = checkpoint(rule);
        let bytes = written.to_bytes().unwrap();
        assert_eq!(bytes, written.to_bytes().unwrap(), "the same bytes for the same checkpoint");
        let again = read(bytes).unwrap();
        assert_eq!(again, written);
        // −0 is equal to 0.
        let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&again.tensors[0].values), bits(&VALUES));
        let moments = |checkpoint: &Checkpoint<'_>| {
            checkpoint.optimizer.moments().iter().flatten().flat_map(|values| bits(values)).collect::<Vec<_>>()
        };
        assert_eq!(moments(&again), moments(&written));
    }
    let mut bare = adam();
    (bare.progress.early_stopping, bare.progress.plateau, bare.text) = (None, None, String::new());
    assert_eq!(read(bare.to_bytes().unwrap()).unwrap(), bare);
}

#[test]
fn a_file_is_replaced_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.safetensors");
    let good = adam();
    good.write(&path).unwrap();
    assert_eq!(Checkpoint::read(&path).unwrap(), good);
    let mut broken = good.clone();
    broken.tensors[1].values = Cow::Borrowed(&[1.0, f32::NAN]);
    let refused = message(broken.write(&path));
    assert!(refused.contains("run.safetensors") && refused.contains("tensor bias holds NaN at index 1"), "{refused}");
    assert_eq!(Checkpoint::read(&path).unwrap(), good);
    let mut later = good.clone();
    later.progress.epoch = 4;
    later.write(&path).unwrap();
    assert_eq!(Checkpoint::read(&path).unwrap(), later);
    let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["run.safetensors"], "nothing is left beside it");
    let nowhere = message(good.write(folder.path().join("none").join("run.safetensors")));
    assert!(nowhere.contains("cannot write"), "{nowhere}");
}

#[test]
fn what_could_not_be_read_back_is_not_written() {
    let refused = |change: &dyn Fn(&mut Checkpoint<'static>)| {
        let mut checkpoint = adam();
        change(&mut checkpoint);
        message(checkpoint.to_bytes())
    };
    assert_eq!(refused(&|c| c.tensors[1].name = "lstm.weight".into()), "checkpoint: two tensors are named lstm.weight");
    assert!(refused(&|c| c.tensors[0].shape = vec![6, 2]).contains("lstm.weight has 6 values, expected 12"));
    assert!(refused(&|c| c.tensors.truncate(1)).contains("the optimizer has 2 tensors, the checkpoint 1"));
    assert!(refused(&|c| c.tensors.swap(0, 1)).contains("bias has 2 values, expected 6"));
    assert!(refused(&|c| c.text = "x".repeat(600 << 10)).contains("the text has 614400 bytes"));
    assert!(
        refused(&|c| c.progress.early_stopping = Some(EarlyStopping::new(1, f64::NAN))).contains("min_delta is NaN")
    );
    assert!(refused(&|c| c.progress.plateau = Some(Plateau::new(f64::INFINITY, 1))).contains("factor is inf"));
}

/// The file with its description changed.
fn changed(change: impl Fn(String) -> String) -> Vec<u8> {
    let bytes = adam().to_bytes().unwrap();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let mut header: serde_json::Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    let text = &mut header["__metadata__"]["gatewise_checkpoint"];
    let after = change(text.as_str().unwrap().to_owned());
    assert_ne!(text.as_str().unwrap(), after, "the change is to change something");
    *text = after.into();
    rebuilt(&header, &bytes[8 + length..])
}

fn rebuilt(header: &serde_json::Value, values: &[u8]) -> Vec<u8> {
    let mut header = header.to_string();
    header.push_str(&" ".repeat(header.len().next_multiple_of(8) - header.len()));
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), values].concat()
}

#[test]
fn a_description_that_is_not_understood_is_refused() {
    for (from, to, expected) in [
        ("\"version\":1", "\"version\":2", "it is of version 2: expected 1"),
        ("\"version\":1,", "", "missing field `version`"),
        ("\"epoch\":3", "\"epoch\":-3", "invalid value: integer `-3`, expected u64"),
        ("\"epoch\":3", "\"epoch\":3,\"age\":4", "unknown field `age`"),
        ("\"epoch\":3,", "", "missing field `epoch`"),
        ("chacha8 1 2", "chacha9 1 2", "random state \"chacha9 1 2"),
        ("\"adam\"", "\"lion\"", "unknown variant `lion`"),
        ("[0.9,", "[1.9,", "beta 1 is 1.9"),
        ("\"values\":2", "\"values\":3", "bias has 2 values, expected 3"),
        ("\"bias\",", "", "tensor tensors.bias belongs to nothing in it"),
        ("\"bias\",", "\"lstm.weight\",", "tensor tensors.lstm.weight is missing, or named twice"),
        ("\"bias\",", "\"bais\",", "tensor tensors.bais is missing"),
    ] {
        let refused = message(read(changed(|text| text.replacen(from, to, 1))));
        assert!(refused.contains(expected), "{from} to {to}: {refused}");
    }
    let not_json = message(read(changed(|text| text[1..].to_owned())));
    assert!(not_json.starts_with("not a readable gatewise checkpoint file"), "{not_json}");
}

#[test]
fn a_file_that_is_another_or_broken_is_refused() {
    let bytes = adam().to_bytes().unwrap();
    for length in (0..bytes.len()).step_by(7) {
        assert!(read(bytes[..length].to_vec()).is_err(), "cut at {length}");
    }
    let model = rebuilt(&serde_json::json!({ "__metadata__": { "format": "gatewise" } }), &[]);
    assert!(message(read(model)).contains("expected a checkpoint, not a model"));
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let mut header: serde_json::Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    let values = &bytes[8 + length..];
    let line = header.as_object_mut().unwrap().get_mut("optimizer.first.1").unwrap();
    (line["dtype"], line["shape"]) = ("F16".into(), serde_json::json!([4]));
    let refused = message(read(rebuilt(&header, values)));
    assert_eq!(refused, "tensor optimizer.first.1 is F16: expected F32");
    let missing = message(Checkpoint::read("no such file"));
    assert!(missing.starts_with("no such file: "), "{missing}");
}

#[test]
fn parameters_are_checked_against_the_model() {
    let checkpoint = adam();
    let check = |expected: &[(&str, &[usize])]| checkpoint.check_parameters(expected.iter().copied());
    check(&[("lstm.weight", &[2, 3]), ("bias", &[2])]).unwrap();
    let refused = message(check(&[("lstm.weight", &[3, 2]), ("bias", &[2])]));
    assert_eq!(refused, "tensor lstm.weight has shape [2, 3], expected [3, 2]");
    let refused = message(check(&[("gru.weight", &[2, 3]), ("bias", &[2])]));
    assert_eq!(refused, "tensor 0 of the checkpoint: expected gru.weight, found lstm.weight");
    assert!(message(check(&[("lstm.weight", &[2, 3])])).contains("the model has no such parameter"));
    // What follows the optimizer's slots is no parameter.
    let refused = message(check(&[("lstm.weight", &[2, 3]), ("bias", &[2]), ("best.bias", &[0])]));
    assert_eq!(refused, "tensor 2 of the checkpoint: expected best.bias, found none");
}

proptest! {
    #[test]
    fn numbers_of_f64_survive(numbers in prop::collection::vec(any::<f64>(), 1..20)) {
        for number in numbers.into_iter().filter(|number| number.is_finite()) {
            let mut checkpoint = adam();
            let mut early = EarlyStopping::new(1, number);
            early.observe(0, number).unwrap();
            checkpoint.progress.early_stopping = Some(early);
            let again = read(checkpoint.to_bytes().unwrap()).unwrap().progress.early_stopping.unwrap();
            prop_assert_eq!(again.min_delta.to_bits(), number.to_bits());
            prop_assert_eq!(again.best().unwrap().loss.to_bits(), number.to_bits());
        }
    }
}
