//! ONNX's LSTM, GRU and RNN as operators of tract.

mod attributes;
mod compute;
mod inference;
mod operator;
mod shapes;
mod slots;
mod weights;

use gatewise::{GruOptions, Layout, LstmOptions, RnnOptions};
use tract_onnx::Onnx;
use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::prelude::TractResult;
use tract_onnx::tract_hir::internal::{InferenceOp, expand};

use crate::error::{Error, Result};
use crate::options;

/// Puts the operators LSTM, GRU and RNN into `onnx`, in place of tract's own: complete, and what is not supported is an
/// error instead of a wrong number.
///
/// ```
/// use gatewise_onnx::register;
/// use tract_onnx::prelude::*;
///
/// let mut onnx = tract_onnx::onnx();
/// register(&mut onnx);
/// // A GRU in both directions.
/// let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/onnx_13_gru_direction-bidirectional/model.onnx");
/// let model = onnx.model_for_path(path)?.into_optimized()?;
/// let shape = model.input_fact(0)?.shape.as_concrete().expect("a file of fixed sizes").to_vec();
/// let x = Tensor::zero::<f32>(&shape)?;
/// let outputs = model.into_runnable()?.run(tvec![x.into()])?;
/// assert_eq!(outputs[0].shape()[1], 2);
/// # Ok::<(), TractError>(())
/// ```
pub fn register(onnx: &mut Onnx) {
    onnx.op_register.insert("LSTM", |context, node| build(context, node, Cell::Lstm));
    onnx.op_register.insert("GRU", |context, node| build(context, node, Cell::Gru));
    onnx.op_register.insert("RNN", |context, node| build(context, node, Cell::Rnn));
}

/// Which operator it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cell {
    Lstm,
    Gru,
    Rnn,
}

impl Cell {
    /// The cell of the operator of that name.
    pub fn named(operator: &str) -> Option<Cell> {
        match operator {
            "LSTM" => Some(Cell::Lstm),
            "GRU" => Some(Cell::Gru),
            "RNN" => Some(Cell::Rnn),
            _ => None,
        }
    }

    /// ONNX's name.
    pub fn name(self) -> &'static str {
        match self {
            Cell::Lstm => "LSTM",
            Cell::Gru => "GRU",
            Cell::Rnn => "RNN",
        }
    }

    /// Gates of a unit.
    pub fn gates(self) -> usize {
        match self {
            Cell::Lstm => 4,
            Cell::Gru => 3,
            Cell::Rnn => 1,
        }
    }

    /// One direction's activations where the file says nothing: f, g, h of ONNX.
    pub fn activations(self) -> &'static [&'static str] {
        match self {
            Cell::Lstm => &["Sigmoid", "Tanh", "Tanh"],
            Cell::Gru => &["Sigmoid", "Tanh"],
            Cell::Rnn => &["Tanh"],
        }
    }
}

/// In which order the steps are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Forward,
    Reverse,
    Both,
}

impl Direction {
    /// The size of the axis `num_directions`.
    pub fn count(self) -> usize {
        if self == Direction::Both { 2 } else { 1 }
    }
}

/// What one direction's step computes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Step {
    Lstm(LstmOptions),
    Gru(GruOptions),
    Rnn(RnnOptions),
}

/// What the node's attributes say.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Spec {
    /// The node's name, for errors.
    pub node: String,
    pub cell: Cell,
    pub direction: Direction,
    pub layout: Layout,
    /// Where the file says it; R's last axis has it too.
    pub hidden: Option<usize>,
    /// One for each direction.
    pub options: Vec<Step>,
}

impl Spec {
    /// An error about this node.
    pub fn error(&self, message: impl Into<String>) -> Error {
        Error::Node { node: self.node.clone(), operator: self.cell.name().to_owned(), message: message.into() }
    }
}

/// Reads a recurrent node's attributes.
pub(crate) fn specification(node: &NodeProto, name: &str, cell: Cell) -> Result<Spec> {
    attributes::read(node, name, cell)
}

type Built = TractResult<(Box<dyn InferenceOp>, Vec<String>)>;

fn build(context: &ParsingContext, node: &NodeProto, cell: Cell) -> Built {
    let name = if node.name.is_empty() {
        node.output.iter().find(|output| !output.is_empty()).map_or(cell.name(), |output| output)
    } else {
        &node.name
    };
    let spec = specification(node, name, cell)?;
    if !node.domain.is_empty() && node.domain != "ai.onnx" {
        Err(spec.error(format!("the domain {:?} is not ONNX's own", node.domain)))?;
    }
    let opset = context.onnx_operator_set_version;
    if (1..7).contains(&opset) {
        Err(spec.error(format!("operator set {opset}: the recurrent operators are supported from 7 on")))?;
    }
    let operator = inference::Unpacked {
        inputs: slots::Inputs::of(node, name, cell)?,
        outputs: slots::outputs(node, name, cell)?,
        engine: options::Engine::of(&context.template.properties)?,
        spec,
    };
    Ok((expand(operator), vec![]))
}
