//! What can go wrong with a graph, said so that the caller knows what to change.

use crate::array::Element;

/// The result of everything here that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system could not read the file.
    #[error("{reason}")]
    Io {
        /// What the operating system said.
        reason: String,
    },
    /// What is wrong is in this file.
    #[error("{path}: {error}")]
    File {
        /// The file, as the caller named it.
        path: String,
        /// What is wrong.
        error: Box<Error>,
    },
    /// The bytes are not an ONNX model.
    #[error("not a readable ONNX file: {reason}")]
    Format {
        /// What the reader found.
        reason: String,
    },
    /// The graph as a whole is not valid, or asks for what is not supported.
    #[error("{message}")]
    Graph {
        /// What was expected, what is there.
        message: String,
    },
    /// A constant of the file is not valid, or of a kind that is not supported.
    #[error("tensor {name:?}: {message}")]
    Tensor {
        /// The tensor's name.
        name: String,
        /// What was expected, what is there.
        message: String,
    },
    /// An operator that nobody here computes.
    #[error("node {node:?}: the operator {operator} is not supported")]
    Operator {
        /// The node's name.
        node: String,
        /// The operator's type, with its domain where that is not ONNX's own.
        operator: String,
    },
    /// A node whose attributes or inputs are not valid, or ask for what is not supported.
    #[error("node {node:?} ({operator}): {message}")]
    Node {
        /// The node's name.
        node: String,
        /// The operator's type.
        operator: String,
        /// Which attribute or input, what was expected, what is there.
        message: String,
    },
    /// A value that was given to [`Graph::run`](crate::Graph::run) does not fit.
    #[error("input {name:?}: {message}")]
    Input {
        /// The input's name.
        name: String,
        /// What was expected, what came.
        message: String,
    },
    /// Fewer or more values than the shape says.
    #[error("an array of {element} has shape {shape:?}, but {found} values")]
    Values {
        /// The element type.
        element: Element,
        /// The shape.
        shape: Vec<usize>,
        /// How many values came.
        found: usize,
    },
    /// An array of the graph would be larger than allowed.
    #[error("node {node:?}: an array of shape {shape} would take more than {limit} bytes")]
    TooLarge {
        /// The node's name.
        node: String,
        /// The shape of the array.
        shape: String,
        /// The bytes allowed, see [`Options::largest`](crate::Options::largest).
        limit: usize,
    },
    /// The engine refused the graph or could not run it.
    #[error("the graph engine, {doing}: {message}")]
    Engine {
        /// What it was doing.
        doing: &'static str,
        /// What it said.
        message: String,
    },
    /// The engine panicked.
    #[error("the graph engine failed (a panic) {doing}: {message}")]
    Panic {
        /// What it was doing.
        doing: &'static str,
        /// The panic's message.
        message: String,
    },
}

impl Error {
    pub(crate) fn graph(message: impl Into<String>) -> Self {
        Error::Graph { message: message.into() }
    }

    pub(crate) fn tensor(name: &str, message: impl Into<String>) -> Self {
        Error::Tensor { name: name.to_owned(), message: message.into() }
    }

    pub(crate) fn input(name: &str, message: impl Into<String>) -> Self {
        Error::Input { name: name.to_owned(), message: message.into() }
    }

    /// Of what tract returned: one of ours where it came from us, else its whole chain of reasons.
    pub(crate) fn of_engine(error: &tract_onnx::prelude::TractError, doing: &'static str) -> Self {
        let own = error.chain().find_map(|cause| cause.downcast_ref::<Error>());
        own.cloned().unwrap_or_else(|| Error::Engine { doing, message: format!("{error:#}") })
    }
}
