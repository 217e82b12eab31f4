//! What does not fit in a sequential model.

use std::fmt;

use crate::error::Error;

/// A layer or an input that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelError {
    /// What the caller handed over.
    Input(Error),
    /// Something that says itself where it is.
    Stack(Error),
    /// Weights of a layer that do not fit each other or what the layer hears.
    Layer {
        /// The layer, from 0.
        layer: usize,
        /// What does not fit.
        error: Error,
    },
    /// A layer that cannot stand where it stands.
    Place {
        /// The layer, from 0.
        layer: usize,
        /// What would fit.
        expected: String,
        /// What was found.
        found: String,
    },
}

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ModelError::Input(error) | ModelError::Stack(error) => write!(f, "{error}"),
            ModelError::Layer { layer, error } => write!(f, "layer {layer}: {error}"),
            ModelError::Place { layer, expected, found } => {
                write!(f, "layer {layer}: expected {expected}, found {found}")
            }
        }
    }
}

impl std::error::Error for ModelError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            ModelError::Input(error) | ModelError::Stack(error) | ModelError::Layer { error, .. } => Some(error),
            ModelError::Place { .. } => None,
        }
    }
}
