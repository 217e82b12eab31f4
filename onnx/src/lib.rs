#![doc = include_str!("../README.md")]

mod array;
mod bounded;
mod check;
mod error;
mod graph;
mod guard;
mod node;
mod options;
mod port;
mod recurrent;
mod tensor;

pub use array::{Array, Element, Values};
pub use error::{Error, Result};
pub use graph::Graph;
pub use node::Node;
pub use options::Options;
pub use port::{Dimension, Port};
pub use recurrent::register;
