//! ONNX files made in a test: from nothing, or from a fixture by a change.

#![allow(dead_code, reason = "every test file uses a part")]

use gatewise_onnx::{Error, Graph, Options};
use prost::Message;
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::tensor_shape_proto::{Dimension, dimension};
use tract_onnx::pb::*;

use super::Fixture;

/// The fixture's file, decoded.
pub fn decode(fixture: &Fixture) -> ModelProto {
    ModelProto::decode(&*fixture.bytes()).unwrap()
}

/// Reads the model as a file.
pub fn read(model: &ModelProto) -> Result<Graph, Error> {
    Graph::from_bytes(&model.encode_to_vec(), Options::default().largest(64 << 20))
}

/// The message with which the model is refused.
pub fn refusal(model: &ModelProto) -> String {
    read(model).expect_err("a refusal").to_string()
}

/// The model's graph.
pub fn graph(model: &mut ModelProto) -> &mut GraphProto {
    model.graph.as_mut().unwrap()
}

/// A model of operator set 17.
pub fn model(
    nodes: Vec<NodeProto>,
    inputs: &[(&str, &[i64])],
    outputs: &[&str],
    constants: Vec<TensorProto>,
) -> ModelProto {
    let graph = GraphProto {
        node: nodes,
        name: "made".to_owned(),
        initializer: constants,
        input: inputs.iter().map(|(name, shape)| info(name, DataType::Float, shape)).collect(),
        output: outputs.iter().map(|name| ValueInfoProto { name: (*name).to_owned(), ..Default::default() }).collect(),
        ..Default::default()
    };
    let opset = OperatorSetIdProto { domain: String::new(), version: 17 };
    ModelProto { ir_version: 8, opset_import: vec![opset], graph: Some(graph), ..Default::default() }
}

/// A node named as its first output.
pub fn node(operator: &str, inputs: &[&str], outputs: &[&str], attributes: Vec<AttributeProto>) -> NodeProto {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    NodeProto {
        input: owned(inputs),
        output: owned(outputs),
        op_type: operator.to_owned(),
        attribute: attributes,
        ..Default::default()
    }
}

/// A tensor's name, type and sizes; negative sizes are free.
pub fn info(name: &str, kind: DataType, shape: &[i64]) -> ValueInfoProto {
    let dim = |size: &i64| Dimension { value: Some(dimension::Value::DimValue(*size)), ..Default::default() };
    let shape = Some(TensorShapeProto { dim: shape.iter().map(dim).collect() });
    let value = Some(type_proto::Value::TensorType(type_proto::Tensor { elem_type: kind as i32, shape }));
    ValueInfoProto {
        name: name.to_owned(),
        r#type: Some(TypeProto { value, ..Default::default() }),
        ..Default::default()
    }
}

pub fn int64s(name: &str, shape: &[i64], values: &[i64]) -> TensorProto {
    TensorProto {
        name: name.to_owned(),
        dims: shape.to_vec(),
        data_type: DataType::Int64 as i32,
        int64_data: values.to_vec(),
        ..Default::default()
    }
}

pub fn floats(name: &str, shape: &[i64], values: &[f32]) -> TensorProto {
    TensorProto {
        name: name.to_owned(),
        dims: shape.to_vec(),
        data_type: DataType::Float as i32,
        float_data: values.to_vec(),
        ..Default::default()
    }
}

fn attribute(name: &str, kind: AttributeType) -> AttributeProto {
    AttributeProto { name: name.to_owned(), r#type: kind as i32, ..Default::default() }
}

pub fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto { i: value, ..attribute(name, AttributeType::Int) }
}

pub fn float(name: &str, value: f32) -> AttributeProto {
    AttributeProto { f: value, ..attribute(name, AttributeType::Float) }
}

pub fn float_list(name: &str, values: &[f32]) -> AttributeProto {
    AttributeProto { floats: values.to_vec(), ..attribute(name, AttributeType::Floats) }
}

pub fn text(name: &str, value: &str) -> AttributeProto {
    AttributeProto { s: value.as_bytes().to_vec(), ..attribute(name, AttributeType::String) }
}

pub fn texts(name: &str, values: &[&str]) -> AttributeProto {
    let strings = values.iter().map(|value| value.as_bytes().to_vec()).collect();
    AttributeProto { strings, ..attribute(name, AttributeType::Strings) }
}

pub fn body(name: &str, graph: GraphProto) -> AttributeProto {
    AttributeProto { g: Some(graph), ..attribute(name, AttributeType::Graph) }
}
