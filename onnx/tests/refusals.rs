//! What is not supported or not valid is refused, and the message names it.

mod support;

use support::build::*;
use support::{Fixture, fixture};
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::tensor_proto::{DataLocation, DataType};
use tract_onnx::pb::*;

fn lstm() -> Fixture {
    fixture("onnx_28_lstm_peep_direction-bidirectional_init_lens")
}

/// What is said of the LSTM with one more attribute.
fn with(attribute: AttributeProto) -> String {
    let mut model = decode(&lstm());
    let attributes = &mut graph(&mut model).node[0].attribute;
    attributes.retain(|other| other.name != attribute.name);
    attributes.push(attribute);
    refusal(&model)
}

/// What is said of the LSTM after a change of its graph.
fn after(change: impl FnOnce(&mut GraphProto)) -> String {
    let mut model = decode(&lstm());
    change(graph(&mut model));
    refusal(&model)
}

#[test]
fn attributes_are_refused_by_name() {
    let undefined = AttributeProto { name: "clip".to_owned(), ..Default::default() };
    let referring = AttributeProto { ref_attr_name: "outer".to_owned(), ..int("hidden_size", 7) };
    let activations = ["Sigmoid", "Tanh", "Relu", "Sigmoid", "Tanh", "Swish"];
    for (attribute, expected) in [
        (int("output_sequence", 1), "attribute \"output_sequence\": not an attribute of this operator"),
        (int("linear_before_reset", 1), "attribute \"linear_before_reset\": not an attribute of this operator"),
        (text("direction", "backward"), "expected forward, reverse or bidirectional, found \"backward\""),
        (int("direction", 1), "attribute \"direction\": expected a text, found the type INT"),
        (int("layout", 2), "attribute \"layout\": expected 0 or 1, found 2"),
        (int("input_forget", -1), "attribute \"input_forget\": expected 0 or 1, found -1"),
        (int("hidden_size", 0), "attribute \"hidden_size\": expected at least 1, found 0"),
        (int("hidden_size", 9), "input W has shape [2, 28, 2], expected [directions = 2, 4·H = 36, I = 2]"),
        (float("clip", 0.0), "attribute \"clip\": expected a number above 0, found 0"),
        (float("clip", f32::NAN), "attribute \"clip\": expected a number above 0, found NaN"),
        (undefined, "attribute \"clip\": expected a number, found the type UNDEFINED"),
        (referring, "attribute \"hidden_size\": refers to an attribute of a function"),
        (
            texts("activations", &["Sigmoid", "Tanh", "Tanh"]),
            "attribute \"activations\": expected 6 (every direction's), found 3",
        ),
        (texts("activations", &activations), "attribute \"activations\": unknown activation \"Swish\""),
        (
            float_list("activation_alpha", &[0.5]),
            "attribute \"activation_alpha\": 1 values, but the activations take 0",
        ),
        (
            float_list("activation_beta", &[f32::INFINITY]),
            "attribute \"activation_beta\": expected finite numbers, found inf",
        ),
    ] {
        let message = with(attribute);
        assert!(message.starts_with("node \"Y\" (LSTM): "), "{message}");
        assert!(message.contains(expected), "{message}\nexpected {expected}");
    }
}

#[test]
fn an_attribute_given_twice_and_an_unknown_type_are_refused() {
    let message = after(|graph| graph.node[0].attribute.push(int("hidden_size", 7)));
    assert!(message.ends_with("attribute \"hidden_size\": given twice"), "{message}");
    let message = with(AttributeProto { r#type: 77, ..int("layout", 0) });
    assert!(message.ends_with("attribute \"layout\": unknown attribute type 77"), "{message}");
}

#[test]
fn what_exporters_leave_empty_counts_as_left_out() {
    let mut model = decode(&lstm());
    let empty = [
        text("activations", ""),
        float_list("activation_alpha", &[]),
        AttributeProto { name: "clip".to_owned(), r#type: AttributeType::Ints as i32, ..Default::default() },
        int("layout", 0),
        int("input_forget", 0),
    ];
    graph(&mut model).node[0].attribute.extend(empty);
    read(&model).unwrap();
}

#[test]
fn inputs_and_outputs_that_do_not_fit_are_refused_by_name() {
    let shape = |name: &'static str, shape: &'static [i64], kind: DataType| {
        move |graph: &mut GraphProto| {
            let input = graph.input.iter_mut().find(|input| input.name == name).unwrap();
            *input = info(name, kind, shape);
        }
    };
    let cases: Vec<(String, &str)> = vec![
        (after(shape("X", &[4, 3], DataType::Float)), "input X has shape [4, 3], expected [T = 4, B = 3, I = 2]"),
        (after(shape("X", &[4, 3, 5], DataType::Float)), "input X has shape [4, 3, 5], expected [T = 4, B = 3, I = 2]"),
        (
            after(shape("h0", &[1, 3, 7], DataType::Float)),
            "initial_h has shape [1, 3, 7], expected [directions = 2, B = 3, H = 7]",
        ),
        (after(shape("lengths", &[4], DataType::Int32)), "input sequence_lens has shape [4], expected [B = 3]"),
        (
            after(shape("lengths", &[3], DataType::Int64)),
            "input sequence_lens has elements of type I64, expected int32",
        ),
        (after(shape("X", &[4, 3, 2], DataType::Double)), "input X has elements of type F64, expected float32"),
        (after(|graph| graph.node[0].input[2] = String::new()), "the input R is missing"),
        (after(|graph| graph.node[0].input.push("X".to_owned())), "the operator has at most 8 inputs"),
        (after(|graph| graph.node[0].output.push("more".to_owned())), "the operator has at most 3"),
    ];
    for (message, expected) in cases {
        assert!(message.starts_with("node \"Y\" (LSTM): "), "{message}");
        assert!(message.contains(expected), "{message}\nexpected {expected}");
    }
    let message = after(shape("X", &[4, 3, 2], DataType::Float16));
    assert_eq!(message, "input \"X\": elements of type FLOAT16 are not supported");
    let message = after(|graph| graph.input[0].r#type = None);
    assert_eq!(message, "input \"X\": only tensors are supported, the file has no tensor type");
}

#[test]
fn weights_that_are_not_finite_are_refused() {
    let message = after(|graph| {
        let w = &mut graph.initializer.iter_mut().find(|tensor| tensor.name == "W").unwrap().raw_data;
        w[..4].copy_from_slice(&f32::NAN.to_le_bytes());
    });
    assert!(message.starts_with("node \"Y\" (LSTM): ") && message.contains("NaN"), "{message}");
}

#[test]
fn an_operator_that_nobody_computes_is_named() {
    let unique = model(vec![node("Unique", &["x"], &["y"], vec![])], &[("x", &[3])], &["y"], vec![]);
    assert_eq!(refusal(&unique), "node \"y\": the operator Unique is not supported");
    let mut other = node("LSTM", &["x"], &["y"], vec![]);
    other.domain = "com.example".to_owned();
    other.name = "mine".to_owned();
    let other = model(vec![other], &[("x", &[3])], &["y"], vec![]);
    assert_eq!(refusal(&other), "node \"mine\": the operator com.example.LSTM is not supported");
    let mut old = decode(&lstm());
    old.opset_import[0].version = 6;
    assert!(refusal(&old).contains("operator set 6: the recurrent operators are supported from 7 on"));
}

#[test]
fn constants_that_do_not_fit_their_sizes_are_refused_by_name() {
    let with = |constant: TensorProto| {
        let add = node("Add", &["x", "c"], &["y"], vec![]);
        refusal(&model(vec![add], &[("x", &[2])], &["y"], vec![constant]))
    };
    let raw = |bytes: usize| TensorProto { raw_data: vec![0; bytes], float_data: vec![], ..floats("c", &[2], &[]) };
    let entry = StringStringEntryProto { key: "location".to_owned(), value: "/etc/hostname".to_owned() };
    let external = TensorProto {
        data_location: Some(DataLocation::External as i32),
        external_data: vec![entry],
        ..floats("c", &[2], &[])
    };
    let half = TensorProto { data_type: DataType::Bfloat16 as i32, ..floats("c", &[2], &[]) };
    for (constant, expected) in [
        (floats("c", &[2], &[1.0]), "sizes [2]: expected 2 values in float_data, found 1"),
        (floats("c", &[-2], &[1.0, 2.0]), "no array has the sizes [-2]"),
        (floats("c", &[1 << 40, 1 << 40], &[1.0]), "no array has the sizes [1099511627776, 1099511627776]"),
        (floats("c", &[1 << 62], &[1.0]), "no array has the sizes [4611686018427387904]"),
        (raw(7), "sizes [2] of FLOAT take 8 bytes, found 7"),
        (external, "its data is in another file; only self-contained files are read"),
        (half, "elements of type BFLOAT16 are not supported"),
    ] {
        assert_eq!(with(constant), format!("tensor \"c\": {expected}"));
    }
}

#[test]
fn graphs_that_hang_together_wrongly_are_refused() {
    let relu = |input: &str, output: &str| node("Relu", &[input], &[output], vec![]);
    let made = |nodes: Vec<NodeProto>| refusal(&model(nodes, &[("x", &[2])], &["y"], vec![]));
    assert_eq!(made(vec![relu("z", "y"), relu("y", "z")]), "the value of node \"y\" depends on itself");
    assert_eq!(
        made(vec![relu("nothing", "y")]),
        "node \"y\" (Relu): it needs \"nothing\", which nothing in the graph computes"
    );
    assert_eq!(made(vec![relu("x", "z")]), "nothing in the graph computes its output \"y\"");
    assert_eq!(made(vec![relu("x", "y"), relu("x", "y")]), "the value \"y\" is defined twice");
    assert_eq!(refusal(&ModelProto::default()), "the file holds no graph");
    // Nodes may come in any order and share a name.
    let mut nodes = vec![relu("z", "y"), relu("x", "z")];
    nodes.iter_mut().for_each(|node| node.name = "same".to_owned());
    let graph = read(&model(nodes, &[("x", &[2])], &["y"], vec![])).unwrap();
    assert_eq!(graph.nodes()[1].name, "same_2");
}

#[test]
fn an_order_of_axes_that_is_none_is_refused() {
    for axes in [[0, 0], [1, 1], [0, 2], [-1, 0]] {
        let perm = AttributeProto { ints: axes.to_vec(), r#type: AttributeType::Ints as i32, ..int("perm", 0) };
        let found =
            refusal(&model(vec![node("Transpose", &["x"], &["y"], vec![perm])], &[("x", &[2, 3])], &["y"], vec![]));
        assert_eq!(found, format!("node \"y\" (Transpose): perm {axes:?}: expected each axis once"));
    }
}
