//! Tensors that are not as the configuration asks for, and every type of number.

use gatewise::network::blueprint::Operation;
use hdf5_pure::FileBuilder;
use serde_json::json;

use super::draft::Draft;

/// A model of one dense layer, two inputs and one output, with these tensors.
fn dense(build: impl FnOnce(&mut hdf5_pure::GroupBuilder)) -> Draft {
    let mut draft = Draft::of("keras_00_lstm_last");
    let layer = json!({"class_name": "Dense", "config": {"name": "d", "units": 1, "activation": "linear"}});
    draft.config["config"]["layers"][1] = layer;
    let mut file = FileBuilder::new();
    let (mut layers, mut own) = (file.create_group("layers"), hdf5_pure_group());
    build(&mut own.1);
    own.0.add_group(own.1.finish());
    layers.add_group(own.0.finish());
    file.add_group(layers.finish());
    draft.weights = file.finish().unwrap();
    draft
}

/// A layer's group and the one inside it.
fn hdf5_pure_group() -> (hdf5_pure::GroupBuilder, hdf5_pure::GroupBuilder) {
    let mut file = FileBuilder::new();
    (file.create_group("dense"), file.create_group("vars"))
}
