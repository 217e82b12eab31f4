//! Every tensor of a stack in its place, and stacks that do not add up refused by name.

use gatewise::Activation;
use gatewise::load::Cell;
use gatewise::load::safetensors::SafetensorsFile;

use crate::Draft;

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
            missing("tensor rnn.weight_ih_l1 ", "rnn.bias_ih_l18446744073709551615,"),
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
        ("an RNN", read(lstm(2, 2), Cell::Rnn(Activation::Tanh)), ["weight_hr_l0", "a simple RNN", "proj_size"]),
    ] {
        let message = result.map(|_| ()).expect_err(what).to_string();
        for part in says {
            assert!(message.contains(part), "{what}: {message:?} does not say {part:?}");
        }
    }
}
