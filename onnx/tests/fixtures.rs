//! Every ONNX file of the fixtures gives what its framework gave: ONNX Runtime or PyTorch.

mod support;

use gatewise_onnx::{Graph, Options};
use support::{Fixture, assert_close, fixtures};

fn check(fixture: &Fixture, options: Options) {
    let graph = Graph::read(fixture.path(), options).unwrap();
    let inputs = graph.inputs().iter().map(|port| (port.name.clone(), fixture.array(&port.name))).collect();
    let outputs = graph.run(inputs).unwrap_or_else(|error| panic!("{}: {error}", fixture.name));
    assert_eq!(outputs.len(), graph.outputs().len());
    for (name, output) in &outputs {
        let what = format!("{}, output {name}", fixture.name);
        assert_close(output, &fixture.array(name), fixture.tolerance(), &what);
    }
}

#[test]
fn recurrent_operators_agree_with_onnx_runtime() {
    let all = fixtures("onnx_");
    assert_eq!(all.len(), 39);
    all.iter().for_each(|fixture| check(fixture, Options::default()));
}

#[test]
fn exported_models_agree_with_pytorch() {
    let all = fixtures("export_");
    assert_eq!(all.len(), 8);
    all.iter().for_each(|fixture| check(fixture, Options::default()));
}

#[test]
fn every_level_and_two_threads_agree_with_onnx_runtime() {
    for level in gatewise::Level::available() {
        for fixture in fixtures("onnx_").iter().chain(&fixtures("export_")) {
            check(fixture, Options::default().level(level).threads(2));
        }
    }
}
