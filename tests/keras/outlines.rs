//! Files of weights alone, with the layers in words.

use gatewise::load::keras::{read, read_weights};
use gatewise::load::outline::Outline;

use super::common::fixture;
use super::golden::check;

fn outline(text: &str) -> Outline {
    text.parse().unwrap()
}

#[track_caller]
fn refused(file: &str, text: &str) -> String {
    read_weights(fixture(file), &outline(text)).unwrap_err().to_string()
}

const STACK: &str = "embedding, gru bidirectional=sum, lstm, lstm, dense, gru reset_before, dense";

#[test]
fn weights_with_an_outline_give_what_keras_gave() {
    let old = "lstm, gru bidirectional, dense";
    for (name, file, text) in [
        ("keras_00_lstm_last", "model.weights.h5", "lstm last"),
        ("keras_04_lstm_backwards", "model.weights.h5", "lstm backwards"),
        ("keras_08_rnn_relu", "model.weights.h5", "rnn last activation=relu"),
        ("keras_12_stack_softmax", "model.weights.h5", "lstm bidirectional, gru last, dense relu, dense softmax"),
        ("keras_extra_weights_stack", "model.weights.h5", STACK),
        ("keras_extra_two_weights", "model.weights.h5", old),
        ("keras_extra_two_old_weights", "weights.h5", old),
        // A whole model's file has weights too.
        ("keras_09_bi_concat", "model.keras", "lstm bidirectional"),
        ("keras_extra_legacy_sequential", "model.h5", "masking=0, gru, rnn last, dense"),
    ] {
        let path = fixture(name).join(file);
        let blueprint = read_weights(path, &outline(text)).unwrap_or_else(|error| panic!("{error}"));
        check(name, &blueprint);
    }
}

#[test]
fn names_take_their_own_tensors() {
    let file = fixture("keras_extra_weights_stack/model.weights.h5");
    let by_order = read_weights(&file, &outline(STACK)).unwrap();
    let names: Vec<&str> = by_order.layers.iter().map(|layer| layer.name.as_str()).collect();
    assert_eq!(names[2..4], ["encoder", "decoder"]);
    // By the group, and by the author's name.
    let named = "embedding, gru bidirectional=sum, lstm:lstm, lstm:decoder, dense:dense, gru reset_before, dense:head";
    let by_name = read_weights(&file, &outline(named)).unwrap();
    let operations = |blueprint: gatewise::network::blueprint::Blueprint| {
        blueprint.layers.into_iter().map(|layer| layer.operation).collect::<Vec<_>>()
    };
    assert_eq!(operations(by_name), operations(by_order));
}

#[test]
fn an_outline_that_does_not_fit_is_refused_by_name() {
    let stack = "keras_extra_weights_stack/model.weights.h5";
    let lstm = "keras_00_lstm_last/model.weights.h5";
    let message = refused(stack, "embedding, gru bidirectional=sum, lstm, lstm, dense, gru reset_before");
    assert!(
        message.contains("the outline has no layer for dense_1 of the file (tensor layers/dense_1/vars/0)"),
        "{message}"
    );
    let message = refused(lstm, "gru last");
    assert!(
        message.contains("no tensors for the outline's layer gru: of the file's layers are left: lstm"),
        "{message}"
    );
    let message = refused(lstm, "gru:lstm last");
    assert!(
        message.contains("tensor layers/lstm/cell/vars/1 has shape [11, 44], expected [11, 33] (3 gates of 11 units)"),
        "{message}"
    );
    let message = refused("keras_extra_weights_stack/model.weights.h5", &STACK.replace(" reset_before", ""));
    assert!(message.contains("layers/gru/cell/vars/2 has shape [6], expected [2, 6] (reset_after)"), "{message}");
    let message = refused(lstm, "lstm:other last");
    assert!(message.contains("no tensors for the outline's layer other"), "{message}");
    let message = refused(lstm, "lstm last, dense");
    assert!(message.contains("outline's layer dense: of the file's layers are left: none"), "{message}");
    let message = refused(lstm, "lstm bidirectional=sum");
    assert!(message.contains("outline's layer bidirectional"), "{message}");
    let message = refused("keras_extra_two_old_weights/weights.h5", "gru, gru bidirectional, dense");
    assert!(message.contains("[3, 12], expected [3, 9]"), "{message}");
    let message = refused("keras_extra_two_old_weights/weights.h5", "embedding, gru bidirectional, dense");
    assert!(message.contains("layer lstm has"), "{message}");
}

#[test]
fn weights_alone_are_no_model() {
    let message = read(fixture("keras_00_lstm_last/model.weights.h5")).unwrap_err().to_string();
    assert!(message.contains("it has weights, but not the layers: read_weights reads it with an outline"), "{message}");
}
