//! Files of the own form that were changed by hand, each refused by the name of what is wrong.

use gatewise::load::own;
use gatewise::load::safetensors::SafetensorsFile;
use serde_json::{Value, json};

use crate::small;

/// The file of [`small`], its header and its description changed.
fn changed(change: impl FnOnce(&mut Value, &mut Value)) -> Vec<u8> {
    let bytes = own::to_bytes(&small()).unwrap();
    let (length, rest) = bytes.split_first_chunk::<8>().unwrap();
    let (header, data) = rest.split_at(u64::from_le_bytes(*length) as usize);
    let mut header: Value = serde_json::from_slice(header).unwrap();
    let text = header["__metadata__"]["model"].as_str().unwrap();
    let mut model: Value = serde_json::from_str(text).unwrap();
    change(&mut header, &mut model);
    if header["__metadata__"]["model"].is_string() {
        header["__metadata__"]["model"] = json!(model.to_string());
    }
    file_of(&header, data)
}

fn file_of(header: &Value, data: &[u8]) -> Vec<u8> {
    let header = header.to_string().into_bytes();
    [&(header.len() as u64).to_le_bytes()[..], &header, data].concat()
}

#[track_caller]
fn refused(bytes: Vec<u8>, says: &[&str]) {
    let message = own::from_bytes(bytes).map(|_| ()).expect_err("must be refused").to_string();
    for part in says {
        assert!(message.contains(part), "{message:?} does not say {part:?}");
    }
    assert!(!message.contains('\n'), "{message:?} is more than one line");
}

fn remove(value: &mut Value, key: &str) {
    value.as_object_mut().unwrap().remove(key).expect("the key is there");
}

#[test]
fn an_unchanged_file_is_read() {
    assert_eq!(own::from_bytes(changed(|_, _| {})).unwrap(), small());
}

#[test]
fn files_of_another_form_or_version_are_refused() {
    let about = |key: &'static str, value: Value| changed(move |header, _| header["__metadata__"][key] = value);
    refused(about("format", json!("pt")), &["\"pt\"", "\"gatewise\""]);
    refused(about("version", json!("2")), &["version \"2\"", "\"1\""]);
    refused(changed(|header, _| remove(&mut header["__metadata__"], "version")), &["no version"]);
    refused(changed(|header, _| remove(&mut header["__metadata__"], "model")), &["describes no model"]);
    let other = changed(|header, _| remove(header, "__metadata__"));
    assert!(!own::is_own(&SafetensorsFile::from_bytes(other.clone()).unwrap()));
    refused(other, &["the format none"]);
}

#[test]
fn descriptions_that_are_not_understood_are_refused_by_name() {
    let model = |change: fn(&mut Value)| changed(|_, model| change(model));
    let gru = |change: fn(&mut Value)| changed(|_, model| change(&mut model["layers"][0]));
    let forward = |change: fn(&mut Value)| changed(|_, model| change(&mut model["layers"][0]["passes"][0]));
    let head = |change: fn(&mut Value)| changed(|_, model| change(&mut model["layers"][1]));

    refused(model(|m| m["author"] = json!("x")), &["the model", "unknown key \"author\""]);
    refused(model(|m| remove(m, "layout")), &["the model", "\"layout\" is missing"]);
    refused(model(|m| m["layout"] = json!("columns")), &["\"layout\" is \"columns\"", "time_major, batch_first"]);
    refused(model(|m| m["name"] = json!(3)), &["\"name\" is 3", "a text"]);
    refused(model(|m| m["sample_rate"] = json!("fast")), &["\"sample_rate\" is no number"]);
    refused(model(|m| m["layers"] = json!({})), &["\"layers\" is {}", "a list"]);
    refused(model(|m| *m = json!([])), &["the model is no object"]);
    refused(model(|m| m["layers"] = json!([])), &["tensor layers.0.forward.bias belongs to no layer"]);

    refused(gru(|l| l["kind"] = json!("transformer")), &["layers.0", "unknown kind \"transformer\"", "embedding"]);
    refused(gru(|l| l["dropout"] = json!(0.5)), &["layers.0", "unknown key \"dropout\""]);
    refused(gru(|l| remove(l, "masked")), &["layers.0", "\"masked\" is missing"]);
    refused(gru(|l| l["go_backwards"] = json!("no")), &["layers.0", "\"go_backwards\"", "true or false"]);
    refused(gru(|l| l["go_backwards"] = json!(true)), &["layer encoder goes backwards"]);
    refused(gru(|l| l["merge"] = json!("none")), &["layers.0", "\"merge\" is \"none\"", "average"]);
    refused(gru(|l| remove(l, "merge")), &["layers.0", "\"merge\" is missing"]);
    refused(gru(|l| l["passes"] = json!([])), &["layers.0", "\"passes\"", "forward and reverse"]);
    refused(
        gru(|l| l["passes"] = json!([l["passes"][1], l["passes"][0]])),
        &["layers.0", "\"passes\"", "forward and reverse"],
    );

    refused(forward(|p| p["cell"] = json!("qrnn")), &["layers.0, a pass", "\"cell\" is \"qrnn\"", "lstm, gru, rnn"]);
    refused(forward(|p| p["cell"] = json!("rnn")), &["layers.0, a pass", "\"activation\" is missing"]);
    refused(forward(|p| p["zoneout"] = json!(0.1)), &["layers.0, a pass", "unknown key \"zoneout\""]);
    refused(forward(|p| p["clip"] = json!(true)), &["layers.0, a pass", "\"clip\" is true", "a number"]);
    refused(forward(|p| p["clip"] = json!(1e39)), &["layers.0, a pass", "\"clip\" is 1e+39", "a number of f32"]);
    refused(forward(|p| p["gate"] = json!("sigmoid")), &["layers.0, a pass, \"gate\" is no object"]);
    refused(forward(|p| p["gate"]["function"] = json!("swish")), &["\"gate\"", "\"swish\"", "hard_sigmoid"]);
    refused(forward(|p| p["gate"]["gamma"] = json!(1)), &["\"gate\"", "unknown key \"gamma\""]);
    refused(forward(|p| remove(&mut p["gate"], "alpha")), &["\"gate\"", "\"alpha\" is missing"]);
    refused(forward(|p| p["gate"] = json!({ "function": "softmax" })), &["\"gate\" is a function of a row"]);
    refused(
        head(|l| l["finish"] = json!({ "function": "softmax", "alpha": 1 })),
        &["layers.1", "unknown key \"alpha\""],
    );
}

#[test]
fn tensors_that_do_not_fit_the_description_are_refused_by_name() {
    let forward = |change: fn(&mut Value)| changed(|_, model| change(&mut model["layers"][0]["passes"][0]["tensors"]));
    refused(forward(|t| remove_role(t, "bias")), &["layers.0, a pass", "does not have \"bias\""]);
    refused(forward(|t| add_role(t, "bias")), &["layers.0, a pass", "\"bias\"", "at most once"]);
    refused(forward(|t| add_role(t, "projection")), &["layers.0, a pass", "\"projection\"", "recurrent_bias"]);
    refused(forward(|t| add_role(t, "initial_hidden")), &["tensor layers.0.forward.initial_hidden is missing"]);
    let head = changed(|_, model| add_role(&mut model["layers"][1]["tensors"], "bias"));
    refused(head, &["tensor layers.1.bias is missing"]);

    let tensor = |name: &'static str, change: fn(&mut Value)| changed(move |header, _| change(&mut header[name]));
    let shape = |name, change| refused(tensor(name, change), &[name]);
    shape("layers.0.forward.weight_ih", |t| t["shape"] = json!([6]));
    shape("layers.0.forward.weight_ih", |t| t["shape"] = json!([2, 3]));
    shape("layers.0.forward.weight_hh", |t| t["shape"] = json!([1, 3]));
    shape("layers.0.reverse.bias", |t| t["shape"] = json!([3, 1]));
    shape("layers.1.weight", |t| t["dtype"] = json!("I32"));
    refused(tensor("layers.1.weight", |t| t["shape"] = json!([1, 2])), &["layer head takes 2 features, but 1 stand"]);
    let renamed = changed(|header, _| {
        let line = header.as_object_mut().unwrap().remove("layers.1.weight").unwrap();
        header["layers.1.kernel"] = line;
    });
    refused(renamed, &["tensor layers.1.weight is missing"]);

    let mut infinite = own::to_bytes(&small()).unwrap();
    let last = infinite.len() - 4;
    infinite[last..].copy_from_slice(&f32::INFINITY.to_le_bytes());
    refused(infinite, &["tensor layers.1.weight holds inf at index 1"]);
}

fn remove_role(tensors: &mut Value, role: &str) {
    tensors.as_array_mut().unwrap().retain(|known| known != role);
}

fn add_role(tensors: &mut Value, role: &str) {
    tensors.as_array_mut().unwrap().push(json!(role));
}

#[test]
fn broken_files_are_refused_and_never_a_panic() {
    let bytes = own::to_bytes(&small()).unwrap();
    for length in 0..bytes.len() {
        assert!(own::from_bytes(bytes[..length].to_vec()).is_err(), "cut to {length} of {} bytes", bytes.len());
    }
    for at in 0..bytes.len() {
        for flip in [0x01, 0x10, 0x80] {
            let mut broken = bytes.clone();
            broken[at] ^= flip;
            let _ = own::from_bytes(broken);
        }
    }
    let nested = |header: &mut Value, text: String| header["__metadata__"]["model"] = json!(text);
    let bytes = own::to_bytes(&small()).unwrap();
    let (length, rest) = bytes.split_first_chunk::<8>().unwrap();
    let (header, data) = rest.split_at(u64::from_le_bytes(*length) as usize);
    for text in ["[".repeat(100_000), "{\"a\":".repeat(100_000), String::new(), "null".to_owned()] {
        let mut header: Value = serde_json::from_slice(header).unwrap();
        nested(&mut header, text);
        refused(file_of(&header, data), &["the model"]);
    }
}
