//! tract's operators, with a bound on what they allocate: a few bytes of a file can ask for more than a machine has.

mod operator;

use std::cell::Cell;
use std::sync::LazyLock;

use tract_onnx::Onnx;
use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::prelude::TractResult;
use tract_onnx::tract_hir::internal::InferenceOp;

use crate::error::{Error, Result};
use crate::options::Engine;
use crate::recurrent::register;

/// Bytes that one constant may take which is computed while the graph is read: a mask of 2896 × 2896 values.
const CONSTANT: usize = 32 << 20;
/// Bytes that all of them may take together.
const CONSTANTS: usize = 128 << 20;

/// tract's operators and ours.
static OPERATORS: LazyLock<Onnx> = LazyLock::new(|| {
    let mut onnx = tract_onnx::onnx();
    register(&mut onnx);
    onnx
});

thread_local! {
    /// Bytes of constants that the graph being read has computed.
    static COMPUTED: Cell<usize> = const { Cell::new(0) };
}

/// The operators, each within bounds; begins the count for one graph.
pub(crate) fn operators() -> Onnx {
    COMPUTED.set(0);
    let mut onnx = OPERATORS.clone();
    for builder in onnx.op_register.0.values_mut() {
        *builder = build;
    }
    // Hints that nobody needs and a hostile file could lie in.
    onnx.with_ignore_value_info(true).with_ignore_output_shapes(true).with_ignore_output_types(true)
}

/// Whether somebody computes that operator.
pub(crate) fn supports(operator: &str) -> bool {
    OPERATORS.op_register.0.contains_key(operator)
}

fn build(context: &ParsingContext, node: &NodeProto) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let builder = OPERATORS.op_register.0.get(&node.op_type);
    let unknown = || Error::Operator { node: node.name.clone(), operator: node.op_type.clone() };
    let builder = builder.ok_or_else(unknown)?;
    let (operator, closures) = builder(context, node)?;
    if node.op_type == "Constant" {
        return Ok((operator, closures));
    }
    let largest = Engine::of(&context.template.properties)?.largest;
    Ok((Box::new(operator::Bounded { operator, node: node.name.clone(), largest, counted: false }), closures))
}

/// The bytes of an array, if they are within the limit.
pub(crate) fn within(node: &str, sizes: &[usize], size: usize, limit: usize) -> Result<usize> {
    let bytes = crate::array::product(sizes).and_then(|values| values.checked_mul(size));
    bytes.filter(|bytes| *bytes <= limit).ok_or_else(|| Error::TooLarge {
        node: node.to_owned(),
        shape: format!("{sizes:?}"),
        limit,
    })
}
