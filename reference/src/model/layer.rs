//! The layers of a sequential model: which there are, what each takes, and what it does with one sequence.

use super::error::ModelError;
use super::input::{Passage, Shape};
use super::recurrent::Recurrent;
use super::rows::{Dense, Embedding, RowFunction};
use crate::any_cell::AnyCell;
use crate::ends::one_hot;
use crate::error::Error;
use crate::gate::State;
use crate::recorder::Recorder;
use crate::scalar::Scalar;
use crate::sequence::Cell;

/// A layer of a [`SequentialModel`](super::SequentialModel).
#[derive(Debug, Clone, PartialEq)]
pub enum SequentialLayer<S, C = AnyCell<S>> {
    /// A row of a table for each id.
    Embedding(Embedding<S>),
    /// For each id a row of zeros with a one at the id's place.
    OneHot {
        /// Values of a row: ids are below.
        classes: usize,
    },
    /// A step is there if any of its features is not `value`; all features of one that is not become 0. What a mask below
    /// said is forgotten (Keras' `Masking`, <https://keras.io/api/layers/core_layers/masking/>).
    Masking {
        /// What says "nothing here".
        value: S,
    },
    /// A recurrent layer.
    Recurrent(Recurrent<S, C>),
    /// A linear layer, for every row by itself.
    Dense(Dense<S>),
    /// A function of every row.
    Activation(RowFunction),
    /// `y_k = x_k + u_k` with the model's own input u at the same step, or `x_k + u_0` for all k where `features` is 1
    /// (GuitarML's `skip`, <https://github.com/Alec-Wright/Automated-GuitarAmpModelling>).
    AddInput {
        /// 1, or as many as a row has.
        features: usize,
    },
}

/// Which layer of the model, and which row of the batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct At {
    pub layer: usize,
    pub row: usize,
}

impl<S: Scalar, C: Cell<S>> SequentialLayer<S, C> {
    /// What it gives if it hears `heard`; `input` is what the model hears.
    pub(super) fn check(&self, layer: usize, heard: Shape, input: Shape) -> Result<Shape, ModelError> {
        let refuse = |expected: String, found: Shape| ModelError::Place { layer, expected, found: found.to_string() };
        let fit = |error: Error| ModelError::Layer { layer, error };
        match (self, heard) {
            (SequentialLayer::Embedding(embedding), Shape::Ids) => Ok(Shape::Steps(embedding.weight.columns())),
            (SequentialLayer::OneHot { classes }, Shape::Ids) => Ok(Shape::Steps(*classes)),
            (SequentialLayer::Embedding(_) | SequentialLayer::OneHot { .. }, _) => Err(refuse("ids".into(), heard)),
            (_, Shape::Ids) => Err(refuse("features".into(), heard)),
            (SequentialLayer::Activation(_), _) => Ok(heard),
            (SequentialLayer::Dense(dense), Shape::Steps(features)) => {
                dense.check(features).map(|()| Shape::Steps(dense.weight.rows())).map_err(fit)
            }
            (SequentialLayer::Dense(dense), Shape::Sequence(features)) => {
                dense.check(features).map(|()| Shape::Sequence(dense.weight.rows())).map_err(fit)
            }
            (_, Shape::Sequence(_)) => Err(refuse("a row a step".into(), heard)),
            (SequentialLayer::Masking { .. }, _) => Ok(heard),
            (SequentialLayer::Recurrent(recurrent), Shape::Steps(features)) => recurrent.check(layer, features),
            (SequentialLayer::AddInput { features }, Shape::Steps(width)) => match input {
                Shape::Steps(given) if (*features == 1 || *features == width) && *features <= given => Ok(heard),
                _ => Err(refuse(format!("{features} features to add to {width}"), input)),
            },
        }
    }

    /// Replaces a sequence's rows by those behind the layer; returns the last state of each direction.
    pub(super) fn apply(
        &self,
        at: At,
        passage: &mut Passage<S>,
        recorder: &mut impl Recorder<S>,
    ) -> Result<Vec<State<S>>, ModelError> {
        let fit = |error: Error| ModelError::Layer { layer: at.layer, error };
        match self {
            SequentialLayer::Embedding(embedding) => embedding.look_up(at.layer, passage)?,
            SequentialLayer::OneHot { classes } => {
                for &id in &passage.ids {
                    let row = one_hot::<S>(&[id], *classes).map_err(fit)?;
                    passage.rows.push((0..*classes).map(|column| row.get(0, column)).collect());
                }
            }
            SequentialLayer::Masking { value } => mask(*value, passage),
            SequentialLayer::Recurrent(recurrent) => return Ok(recurrent.walk(at, passage, recorder)),
            SequentialLayer::Dense(dense) => dense.apply(at, &mut passage.rows, recorder),
            SequentialLayer::Activation(function) => {
                for row in &mut passage.rows {
                    *row = function.apply(row);
                }
            }
            SequentialLayer::AddInput { features } => {
                for (row, input) in passage.rows.iter_mut().zip(&passage.input) {
                    for k in 0..row.len() {
                        row[k] = row[k] + input[if *features == 1 { 0 } else { k }];
                    }
                }
            }
        }
        Ok(Vec::new())
    }
}

/// Says which steps are there, and clears the others.
fn mask<S: Scalar>(value: S, passage: &mut Passage<S>) {
    let mut there = Vec::new();
    for row in &mut passage.rows {
        let present = row.iter().any(|&x| x != value);
        if !present {
            row.fill(S::ZERO);
        }
        there.push(present);
    }
    passage.mask = Some(there);
}
