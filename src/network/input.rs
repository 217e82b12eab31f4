//! What a network is fed.

use super::flow::{Flow, Rows};
use crate::error::{Error, Result};

/// The rows of a call: one for each step of each sequence, in the order of its layout.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// One id a row.
    Ids(&'a [i64]),
    /// A network's input features a row.
    Features(&'a [f32]),
}

impl<'a> From<&'a [f32]> for Input<'a> {
    fn from(features: &'a [f32]) -> Self {
        Input::Features(features)
    }
}

impl<'a> From<&'a Vec<f32>> for Input<'a> {
    fn from(features: &'a Vec<f32>) -> Self {
        Input::Features(features)
    }
}

impl<'a, const N: usize> From<&'a [f32; N]> for Input<'a> {
    fn from(features: &'a [f32; N]) -> Self {
        Input::Features(features)
    }
}

impl<'a> From<&'a [i64]> for Input<'a> {
    fn from(ids: &'a [i64]) -> Self {
        Input::Ids(ids)
    }
}

impl<'a> From<&'a Vec<i64>> for Input<'a> {
    fn from(ids: &'a Vec<i64>) -> Self {
        Input::Ids(ids)
    }
}

impl<'a, const N: usize> From<&'a [i64; N]> for Input<'a> {
    fn from(ids: &'a [i64; N]) -> Self {
        Input::Ids(ids)
    }
}

impl Input<'_> {
    /// Steps of each of `batch` sequences, if this is what `expected` takes.
    pub(crate) fn steps(self, expected: Flow, batch: usize) -> Result<usize> {
        match (self, expected.rows) {
            (Input::Ids(ids), Rows::Ids(count)) => {
                let steps = ids.len() / batch;
                Error::check_length("ids", ids.len(), "T·B", &[steps, batch])?;
                let outside = |id: &i64| !usize::try_from(*id).is_ok_and(|id| id < count);
                match ids.iter().position(outside) {
                    None => Ok(steps),
                    Some(place) => {
                        let message = format!("id {} at row {place}: expected 0 to {}", ids[place], count - 1);
                        Err(Error::Model { message })
                    }
                }
            }
            (Input::Features(x), Rows::Features(width)) => {
                let steps = x.len() / batch / width;
                Error::check_length("x", x.len(), "T·B·I", &[steps, batch, width])?;
                Ok(steps)
            }
            (Input::Ids(_), Rows::Features(width)) => {
                Err(Error::Model { message: format!("ids came, but the network takes {width} features a step") })
            }
            (Input::Features(_), Rows::Ids(count)) => Err(Error::Model {
                message: format!("features came, but the network takes an id below {count} a step"),
            }),
        }
    }
}
