//! ONNX graphs with gatewise's recurrent operators.

mod array;
mod error;
mod options;
mod recurrent;

pub use array::{Array, Element, Values};
pub use error::{Error, Result};
pub use options::Options;
pub use recurrent::register;
