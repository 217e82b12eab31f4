//! A graph's nodes, for those who look into a file.

use std::collections::HashMap;

use tract_onnx::pb::ModelProto;

use crate::error::Result;
use crate::recurrent::{Cell, specification};

/// A node of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Node {
    /// Its name; where the file gives none, its first output's.
    pub name: String,
    /// The operator's type, such as `MatMul`.
    pub operator: String,
    /// Of a recurrent node what it is in a few words, such as `LSTM I=7 H=11, both directions`; else `None`.
    pub description: Option<String>,
}

/// The nodes of a checked model.
pub(crate) fn of(model: &ModelProto) -> Result<Vec<Node>> {
    let Some(graph) = &model.graph else { return Ok(Vec::new()) };
    let shapes: HashMap<&str, &[i64]> =
        graph.initializer.iter().map(|tensor| (tensor.name.as_str(), &tensor.dims[..])).collect();
    graph
        .node
        .iter()
        .map(|node| {
            let size = |input: usize, axis: usize| -> Option<usize> {
                let shape = shapes.get(node.input.get(input)?.as_str())?;
                usize::try_from(*shape.get(axis)?).ok()
            };
            let description = match Cell::named(&node.op_type) {
                Some(cell) => Some(specification(node, &node.name, cell)?.describe(size(1, 2), size(2, 2))),
                None => None,
            };
            Ok(Node { name: node.name.clone(), operator: node.op_type.clone(), description })
        })
        .collect()
}
