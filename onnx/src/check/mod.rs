//! What a file says is checked before the engine sees it: the engine trusts sizes, names and texts.

mod memory;
mod names;
mod order;
mod tensor;

use std::collections::{HashMap, HashSet};

use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::tensor_shape_proto::dimension::Value;
use tract_onnx::pb::{AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, type_proto};
use tract_onnx::prelude::TypedModel;

use crate::bounded;
use crate::error::{Error, Result};
use crate::graph::output_element;
use crate::port::{self, Dimension, Port};

pub(crate) use memory::memory;

/// Checks a decoded file, and returns it as the engine shall see it, with the graph's inputs.
///
/// Nodes get names of their own, sizes that are free get symbols, and what is only a hint is left out.
pub(crate) fn model(mut model: ModelProto) -> Result<(ModelProto, Vec<Port>)> {
    model.functions.clear();
    model.training_info.clear();
    let Some(graph) = &mut model.graph else { return Err(Error::graph("the file holds no graph")) };
    let mut names = names::Names::default();
    check_graph(graph, &mut Vec::new(), &mut names)?;
    let constants: HashSet<&str> = graph.initializer.iter().map(|tensor| tensor.name.as_str()).collect();
    let mut symbols = Symbols::default();
    let mut ports = Vec::new();
    for info in graph.input.iter_mut().filter(|info| !constants.contains(info.name.as_str())) {
        let port = port::input(info)?;
        symbols.name(info, &port);
        ports.push(port);
    }
    Ok((model, ports))
}

/// Bodies of If and Scan inside each other; the decoder stops at about 30.
const DEPTH: usize = 8;

/// What graphs define, the outermost first.
type Scopes = Vec<HashSet<String>>;

/// Checks a graph inside others; returns the names that it takes from them.
fn check_graph(graph: &mut GraphProto, scopes: &mut Scopes, names: &mut names::Names) -> Result<HashSet<String>> {
    if scopes.len() > DEPTH {
        return Err(Error::graph(format!("more than {DEPTH} graphs inside each other")));
    }
    if !graph.sparse_initializer.is_empty() {
        return Err(Error::graph("sparse initializers are not supported"));
    }
    if graph.output.is_empty() {
        return Err(Error::graph("the graph has no output"));
    }
    graph.value_info.clear();
    graph.quantization_annotation.clear();
    for constant in &mut graph.initializer {
        let name = constant.name.clone();
        tensor::check(constant, &name)?;
    }
    if !scopes.is_empty() {
        graph.input.iter_mut().for_each(unname);
    }
    let own = names::defined(graph)?;
    for name in &own.given {
        names.take(name);
    }
    scopes.push(own.all);
    let mut needs: Vec<HashSet<String>> = Vec::with_capacity(graph.node.len());
    for (index, node) in graph.node.iter_mut().enumerate() {
        names.name(node, index);
        supported(node)?;
        check_permutation(node)?;
        complete(node);
        let mut need: HashSet<String> = node.input.iter().filter(|input| !input.is_empty()).cloned().collect();
        for attribute in &mut node.attribute {
            need.extend(check_attribute(attribute, &node.name, scopes, names)?);
        }
        if let Some(missing) = need.iter().find(|name| !scopes.iter().any(|scope| scope.contains(*name))) {
            let message = format!("it needs {missing:?}, which nothing in the graph computes");
            return Err(fail(node, message));
        }
        needs.push(need);
    }
    order::acyclic(graph, &needs)?;
    let own = scopes.pop().unwrap_or_default();
    for output in &graph.output {
        if !own.contains(&output.name) {
            return Err(Error::graph(format!("nothing in the graph computes its output {:?}", output.name)));
        }
    }
    Ok(needs.into_iter().flatten().filter(|name| !own.contains(name)).collect())
}

fn fail(node: &NodeProto, message: String) -> Error {
    Error::Node { node: node.name.clone(), operator: node.op_type.clone(), message }
}

/// Refuses what nobody computes. tract knows the operators of these domains by their type alone.
fn supported(node: &NodeProto) -> Result<()> {
    let known = ["", "ai.onnx", "ai.onnx.ml", "com.microsoft"].contains(&node.domain.as_str());
    if known && bounded::supports(&node.op_type) {
        return Ok(());
    }
    let domain = if node.domain.is_empty() { String::new() } else { format!("{}.", node.domain) };
    Err(Error::Operator { node: node.name.clone(), operator: format!("{domain}{}", node.op_type) })
}

/// Refuses a Transpose that names an axis twice: tract would follow its cycles without end, and keep each step.
fn check_permutation(node: &NodeProto) -> Result<()> {
    for attribute in node.attribute.iter().filter(|attribute| node.op_type == "Transpose" && attribute.name == "perm") {
        let mut axes = attribute.ints.clone();
        axes.sort_unstable();
        if axes.iter().enumerate().any(|(place, axis)| usize::try_from(*axis) != Ok(place)) {
            return Err(fail(node, format!("perm {:?}: expected each axis once", attribute.ints)));
        }
    }
    Ok(())
}

/// Says what ONNX's default is where tract takes another: ConstantOfShape's value is a `float32`, not a `float64`.
fn complete(node: &mut NodeProto) {
    if node.op_type == "ConstantOfShape" && node.attribute.iter().all(|attribute| attribute.name != "value") {
        let zero = TensorProto { data_type: DataType::Float as i32, float_data: vec![0.0], ..Default::default() };
        let (name, kind) = ("value".to_owned(), AttributeType::Tensor as i32);
        node.attribute.push(AttributeProto { name, r#type: kind, t: Some(zero), ..Default::default() });
    }
}

/// Checks tensors and graphs in an attribute; returns the names that the graphs take from around.
fn check_attribute(
    attribute: &mut AttributeProto,
    node: &str,
    scopes: &mut Scopes,
    names: &mut names::Names,
) -> Result<HashSet<String>> {
    let mut needs = HashSet::new();
    if attribute.sparse_tensor.is_some() || !attribute.sparse_tensors.is_empty() {
        return Err(Error::tensor(&format!("{node}.{}", attribute.name), "sparse tensors are not supported"));
    }
    for constant in attribute.t.iter_mut().chain(&mut attribute.tensors) {
        tensor::check(constant, &format!("{node}.{}", attribute.name))?;
    }
    for graph in attribute.g.iter_mut().chain(&mut attribute.graphs) {
        needs.extend(check_graph(graph, scopes, names)?);
    }
    Ok(needs)
}

/// The symbols of the inputs' free sizes. A size's name in a file is any text; the engine would parse it.
#[derive(Default)]
struct Symbols {
    named: HashMap<String, usize>,
    count: usize,
}

impl Symbols {
    fn name(&mut self, info: &mut ValueInfoProto, port: &Port) {
        let dims = shape(info).map(|shape| &mut shape.dim);
        for (dim, size) in dims.into_iter().flatten().zip(&port.shape) {
            let number = match size {
                Dimension::Known(_) => continue,
                Dimension::Unknown => None,
                Dimension::Named(name) => self.named.get(name).copied(),
            };
            let number = number.unwrap_or(self.count);
            self.count = self.count.max(number + 1);
            if let Dimension::Named(name) = size {
                self.named.insert(name.clone(), number);
            }
            dim.value = Some(Value::DimParam(format!("size{number}")));
        }
    }
}

/// Leaves out the names of sizes.
fn unname(info: &mut ValueInfoProto) {
    for dim in shape(info).into_iter().flat_map(|shape| &mut shape.dim) {
        if matches!(dim.value, Some(Value::DimParam(_))) {
            dim.value = None;
        }
    }
}

fn shape(info: &mut ValueInfoProto) -> Option<&mut tract_onnx::pb::TensorShapeProto> {
    let type_proto::Value::TensorType(tensor) = info.r#type.as_mut()?.value.as_mut()?;
    tensor.shape.as_mut()
}

/// Refuses arrays of known sizes that are larger than allowed.
pub(crate) fn typed(model: &TypedModel, largest: usize) -> Result<()> {
    for node in model.nodes() {
        for output in &node.outputs {
            if let Some(sizes) = output.fact.shape.as_concrete() {
                bounded::within(&node.name, sizes, output.fact.datum_type.size_of(), largest)?;
            }
        }
    }
    Ok(())
}

/// The outputs, with the element types that the engine found out.
pub(crate) fn outputs(model: &ModelProto, typed: &TypedModel) -> Result<Vec<Port>> {
    let infos = model.graph.iter().flat_map(|graph| &graph.output);
    let output = |(index, info): (usize, &ValueInfoProto)| {
        let fact = typed.output_fact(index).map_err(|error| Error::of_engine(&error, "reading the graph"))?;
        let element = output_element(&info.name, fact.datum_type)?;
        Ok(port::output(info, element, fact.rank()))
    };
    infos.enumerate().map(output).collect()
}
