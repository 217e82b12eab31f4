//! A graph: read once, run on any sizes that its file allows.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use prost::Message;
use tract_onnx::pb::ModelProto;
use tract_onnx::prelude::*;
use tract_onnx::tract_hir::internal::SimpleState;
use tract_onnx::tract_hir::tract_core::plan;

use crate::array::{Array, Element};
use crate::bounded;
use crate::check;
use crate::error::{Error, Result};
use crate::guard::guarded;
use crate::node::{self, Node};
use crate::options::Options;
use crate::port::{Dimension, Port};
use crate::tensor;

/// An ONNX graph, ready to run: immutable, `Send + Sync`.
///
/// LSTM, GRU and RNN are gatewise's, every other operator is tract's. Only self-contained files are read.
///
/// ```
/// use gatewise_onnx::{Array, Graph, Options};
///
/// // An LSTM in both directions and a classifier; batch and time are free.
/// # let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/export_classifier_torchscript");
/// let graph = Graph::read(format!("{folder}/model.onnx"), Options::default())?;
/// assert_eq!(graph.inputs()[0].to_string(), "x: int64 [B, T]");
/// let words = Array::new(&[1, 3], vec![4i64, 7, 40])?;
/// let outputs = graph.run(vec![("x".to_owned(), words)])?;
/// assert_eq!(outputs[0].1.shape, [1, 5]);
/// # Ok::<(), gatewise_onnx::Error>(())
/// ```
pub struct Graph {
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    nodes: Vec<Node>,
    plan: Arc<TypedSimplePlan>,
    largest: usize,
}

impl std::fmt::Debug for Graph {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Graph { inputs, outputs, nodes, .. } = self;
        f.debug_struct("Graph").field("inputs", inputs).field("outputs", outputs).field("nodes", nodes).finish()
    }
}

/// The largest file: what a protobuf message may be.
const LARGEST_FILE: u64 = 1 << 31;

impl Graph {
    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::File`] with the reason: what the operating system said, or what [`Graph::from_bytes`] returns.
    pub fn read(path: impl AsRef<Path>, options: Options) -> Result<Graph> {
        let path = path.as_ref();
        let read = || {
            let mut bytes = Vec::new();
            let read = File::open(path).and_then(|file| file.take(LARGEST_FILE).read_to_end(&mut bytes));
            match read {
                Ok(_) => Graph::from_bytes(&bytes, options),
                Err(error) => Err(Error::Io { reason: error.to_string() }),
            }
        };
        read().map_err(|error| Error::File { path: path.display().to_string(), error: Box::new(error) })
    }

    /// Reads a file's content.
    ///
    /// # Errors
    /// Any [`Error`] but those of [`Graph::run`]: bytes that are no ONNX model, a graph that is not valid, operators,
    /// attributes and element types that nobody here computes, constants larger than allowed.
    pub fn from_bytes(bytes: &[u8], options: Options) -> Result<Graph> {
        check::memory(bytes)?;
        let decoded = ModelProto::decode(bytes).map_err(|error| Error::Format { reason: error.to_string() })?;
        let (model, inputs) = check::model(decoded)?;
        guarded("reading the graph", || Graph::build(&model, inputs, options))
    }

    fn build(model: &ModelProto, inputs: Vec<Port>, options: Options) -> Result<Graph> {
        let engine = |error: TractError| Error::of_engine(&error, "reading the graph");
        let parsed = bounded::operators().model_for_proto_model_with_model_template(model, options.template());
        let typed = parsed.and_then(|parsed| parsed.into_typed()).map_err(engine)?;
        check::typed(&typed, options.largest)?;
        let typed = typed.into_decluttered().map_err(engine)?;
        let outputs = check::outputs(model, &typed)?;
        let nodes = node::of(model)?;
        let plan = typed.into_optimized().and_then(|typed| typed.into_runnable()).map_err(engine)?;
        Ok(Graph { inputs, outputs, nodes, plan, largest: options.largest })
    }

    /// What it takes, by the file's names and in its order; initializers are no inputs.
    pub fn inputs(&self) -> &[Port] {
        &self.inputs
    }

    /// What it gives, by the file's names and in its order.
    pub fn outputs(&self) -> &[Port] {
        &self.outputs
    }

    /// The file's nodes, in its order.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Runs the graph on a value for each input, in any order, and returns one for each output, in the file's order.
    ///
    /// Integers of another width are converted if each value is in range, and `float64` for `float32` is rounded to
    /// the nearest; everything else must have the input's element type.
    ///
    /// # Errors
    /// [`Error::Input`] for a name that is missing, unknown or given twice, an element type or shape that does not fit;
    /// [`Error::Values`]; [`Error::Node`] for values that a recurrent node refuses, such as a length of more than T;
    /// [`Error::TooLarge`], [`Error::Engine`], [`Error::Panic`] where another operator fails.
    pub fn run(&self, inputs: Vec<(String, Array)>) -> Result<Vec<(String, Array)>> {
        let arrays = self.in_order(inputs)?;
        guarded("running the graph", || {
            let engine = |error: TractError| Error::of_engine(&error, "running the graph");
            let tensor = |array: &Array| tensor::from_array(array).map(IntoTValue::into_tvalue);
            let tensors = arrays.iter().map(tensor).collect::<TractResult<TVec<_>>>().map_err(engine)?;
            drop(arrays);
            let results = self.evaluate(tensors).map_err(engine)?;
            let named = |(port, result): (&Port, &TValue)| Ok((port.name.clone(), tensor::to_array(result)?));
            self.outputs.iter().zip(&results).map(named).collect::<TractResult<_>>().map_err(engine)
        })
    }

    /// Runs node by node, and looks at the sizes of each before it is allocated.
    fn evaluate(&self, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let mut state = SimpleState::new(&self.plan)?;
        state.run_plan_with_eval(inputs, |context, state, node, inputs| {
            for output in &node.outputs {
                let shape = &output.fact.shape;
                if !shape.is_concrete()
                    && let Ok(sizes) = shape.eval_to_usize(context.symbols)
                {
                    bounded::within(&node.name, &sizes, output.fact.datum_type.size_of(), self.largest)?;
                }
            }
            plan::eval(context, state, node, inputs)
        })
    }

    /// The values in the order of the inputs, checked and converted.
    fn in_order(&self, given: Vec<(String, Array)>) -> Result<Vec<Array>> {
        let mut places: Vec<Option<Array>> = self.inputs.iter().map(|_| None).collect();
        for (name, array) in given {
            let place = self.inputs.iter().position(|port| port.name == name);
            match place.and_then(|place| places.get_mut(place)) {
                Some(place) if place.is_none() => *place = Some(array),
                Some(_) => return Err(Error::input(&name, "given twice")),
                None => {
                    return Err(Error::input(&name, format!("the graph has none of that name, but {}", self.names())));
                }
            }
        }
        let mut named: HashMap<&str, (usize, &str)> = HashMap::new();
        let mut arrays = Vec::with_capacity(places.len());
        for (port, place) in self.inputs.iter().zip(places) {
            let array =
                place.ok_or_else(|| Error::input(&port.name, format!("missing; the graph takes {}", self.names())))?;
            array.check()?;
            check_shape(port, &array, &mut named)?;
            arrays.push(tensor::converted(&port.name, array, port.element)?);
        }
        Ok(arrays)
    }

    fn names(&self) -> String {
        let names: Vec<String> = self.inputs.iter().map(Port::to_string).collect();
        names.join("; ")
    }
}

/// Checks the axes; those of one name must have one size.
fn check_shape<'a>(port: &'a Port, array: &Array, named: &mut HashMap<&'a str, (usize, &'a str)>) -> Result<()> {
    let fail = |reason: String| {
        Err(Error::input(&port.name, format!("its shape is {:?}, expected {port}{reason}", array.shape)))
    };
    if array.shape.len() != port.shape.len() {
        return fail(String::new());
    }
    for (size, dimension) in array.shape.iter().zip(&port.shape) {
        match dimension {
            Dimension::Known(expected) if expected != size => return fail(String::new()),
            Dimension::Named(name) => match named.get(name.as_str()) {
                Some((other, input)) if other != size => {
                    return fail(format!(", where {name} is {other} in input {input:?}"));
                }
                Some(_) => {}
                None => {
                    named.insert(name, (*size, &port.name));
                }
            },
            _ => {}
        }
    }
    Ok(())
}

/// The type of an output, where it is one that can be given back.
pub(crate) fn output_element(name: &str, datum: DatumType) -> Result<Element> {
    tensor::element(datum)
        .ok_or_else(|| Error::graph(format!("output {name:?} has elements of type {datum:?}, which is not supported")))
}
