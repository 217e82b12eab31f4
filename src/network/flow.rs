//! What goes from layer to layer, and whether it fits.

use std::fmt;

use super::blueprint::{Layer, Masked, Operation, Output, Passes, Recurrent};
use crate::error::{Error, Result};
use crate::model::Merge;
use crate::sequence::share::Way;
use crate::weights::{DepthGatedWeights, Weights, check_finite};

/// What stands before or behind a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    /// What a row is.
    pub rows: Rows,
    /// Whether every step has a row, or only every sequence.
    pub each_step: bool,
    /// Whether steps may be left out.
    pub masked: bool,
}

/// What a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// One id, from 0 to one less than this.
    Ids(usize),
    /// So many features.
    Features(usize),
}

impl Flow {
    pub(super) fn ids(count: usize) -> Self {
        Flow { rows: Rows::Ids(count), each_step: true, masked: false }
    }

    pub(super) fn steps(features: usize) -> Self {
        Flow { rows: Rows::Features(features), each_step: true, masked: false }
    }

    /// Values of a row.
    pub fn width(&self) -> usize {
        match self.rows {
            Rows::Ids(_) => 1,
            Rows::Features(features) => features,
        }
    }
}

/// Such as `(T, B, 8)` without the layout: `a step: 8 features`.
impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rows {
            Rows::Ids(count) => write!(f, "an id below {count}")?,
            Rows::Features(1) => write!(f, "1 feature")?,
            Rows::Features(features) => write!(f, "{features} features")?,
        }
        f.write_str(if self.each_step { " a step" } else { " a sequence" })
    }
}

/// A layer and what stands before it.
pub(super) struct Step<'a> {
    pub index: usize,
    pub layer: &'a Layer,
    /// The layer below.
    pub below: Option<&'a Layer>,
    pub before: Flow,
    /// What the model takes.
    pub input: Flow,
}

/// Far above any alphabet: no weights vouch for these rows' size.
const MOST_CLASSES: usize = 1 << 24;

impl Step<'_> {
    fn refuse<T>(&self, message: &str) -> Result<T> {
        let Layer { name, .. } = self.layer;
        let place = if name.is_empty() { format!("layer {}", self.index) } else { format!("layer {name}") };
        Err(Error::Model { message: format!("{place} {message}") })
    }

    /// What stands behind the layer.
    pub fn check(&self) -> Result<Flow> {
        let before = self.before;
        match &self.layer.operation {
            Operation::Embedding(embedding) => {
                let rows = self.ids("looks up ids")?;
                if rows > embedding.rows {
                    return self.refuse(&format!("has {} rows, too few for ids below {rows}", embedding.rows));
                }
                self.named(embedding.check())?;
                let masked = before.masked || embedding.mask_zero;
                Ok(Flow { rows: Rows::Features(embedding.width), masked, ..before })
            }
            Operation::OneHot { classes } => {
                let ids = self.ids("takes ids")?;
                if *classes > MOST_CLASSES {
                    return self.refuse(&format!("has {classes} classes: expected at most {MOST_CLASSES}"));
                }
                if *classes == 0 || ids > *classes {
                    return self.refuse(&format!("has {classes} classes, too few for ids below {ids}"));
                }
                Ok(Flow { rows: Rows::Features(*classes), ..before })
            }
            Operation::Masking { .. } => {
                self.features("masks features", None)?;
                self.every_step("masks steps")?;
                Ok(Flow { masked: true, ..before })
            }
            Operation::Recurrent(recurrent) => self.recurrent(recurrent),
            Operation::Dense(dense) => {
                self.features("takes", Some(dense.input))?;
                self.named(dense.check())?;
                Ok(Flow { rows: Rows::Features(dense.output), ..before })
            }
            Operation::Activation(_) => {
                self.features("takes features", None)?;
                Ok(before)
            }
            Operation::AddInput { features } => {
                let width = self.features("adds to features", None)?;
                self.every_step("adds the input's steps")?;
                let Rows::Features(input) = self.input.rows else {
                    return self.refuse("adds the model's input, which is ids");
                };
                if *features == 0 || (*features != 1 && *features != width) || *features > input {
                    let found = format!("adds {features} of {input} input features to {width}: expected 1 or {width}");
                    return self.refuse(&found);
                }
                Ok(before)
            }
        }
    }

    fn recurrent(&self, recurrent: &Recurrent) -> Result<Flow> {
        self.every_step("reads steps")?;
        if self.before.masked && recurrent.passes.each().any(|weights| matches!(weights, Weights::Clockwork(_))) {
            return self
                .refuse("counts its steps (a clockwork RNN), and a mask leaves some out: which fires is not defined");
        }
        let mut widths = recurrent.passes.each().map(|weights| weights.input_size());
        self.features("takes", widths.next())?;
        match &recurrent.passes {
            Passes::Forward(_) => {}
            _ if recurrent.go_backwards => return self.refuse("goes backwards, which only a forward layer can"),
            Passes::Reverse(_) => {}
            Passes::Both { forward, reverse, merge } => {
                let sizes = |weights: &Weights| (weights.input_size(), weights.output_size(), weights.gates());
                if sizes(forward) != sizes(reverse) {
                    return self.refuse("has two directions of different sizes or cells");
                }
                let gaps = self.before.masked && recurrent.output == Output::Every;
                if gaps && recurrent.masked == Masked::Repeat {
                    return self.refuse("reads in both directions and repeats what was masked: expected zeros there");
                }
                if *merge == Merge::None {
                    return self.refuse("keeps its two directions apart (merge None): nothing can follow it");
                }
            }
        }
        let below = match self.below.map(|below| &below.operation) {
            // What goes backwards is another model to those around it.
            Some(Operation::Recurrent(below)) if !below.go_backwards && !recurrent.go_backwards => {
                Some(directions(below))
            }
            _ => None,
        };
        if let Some(wrong) = DepthGatedWeights::refuses(&directions(recurrent), below.as_deref()) {
            return self.refuse(&wrong);
        }
        self.states(recurrent)?;
        let every = recurrent.output == Output::Every;
        let rows = Rows::Features(recurrent.output_size());
        Ok(Flow { rows, each_step: every, masked: every && self.before.masked })
    }

    fn states(&self, recurrent: &Recurrent) -> Result<()> {
        let passes = recurrent.passes.each().count();
        if !recurrent.initial.is_empty() && recurrent.initial.len() != passes {
            let found = recurrent.initial.len();
            return self.refuse(&format!("has {found} initial states, expected one for each of {passes} directions"));
        }
        for (state, weights) in recurrent.initial.iter().zip(recurrent.passes.each()) {
            self.named(Error::check_length("initial h", state.hidden.len(), "H", &[weights.output_size()]))?;
            self.named(Error::check_length("initial c", state.cell.len(), "H", &[weights.cell_size()]))?;
            self.named(check_finite("initial h", &state.hidden))?;
            self.named(check_finite("initial c", &state.cell))?;
        }
        Ok(())
    }

    /// An error of the layer's own numbers, with its name.
    fn named(&self, result: Result<()>) -> Result<()> {
        result.or_else(|error| self.refuse(&format!("is not whole: {error}")))
    }

    fn every_step(&self, does: &str) -> Result<()> {
        match self.before.each_step {
            true => Ok(()),
            false => self.refuse(&format!("{does}, but only the last step is left of the layer below")),
        }
    }

    fn ids(&self, does: &str) -> Result<usize> {
        match self.before.rows {
            Rows::Ids(count) => Ok(count),
            Rows::Features(features) => self.refuse(&format!("{does}, but {features} features stand before it")),
        }
    }

    fn features(&self, does: &str, expected: Option<usize>) -> Result<usize> {
        match (self.before.rows, expected) {
            (Rows::Features(found), Some(expected)) if found != expected => {
                self.refuse(&format!("{does} {expected} features, but {found} stand before it"))
            }
            (Rows::Features(found), _) => Ok(found),
            (Rows::Ids(_), _) => self.refuse(&format!("{does}, but ids stand before it")),
        }
    }
}

/// The cells of a layer, each with its direction.
fn directions(layer: &Recurrent) -> Vec<(Way, &Weights)> {
    let first = if matches!(layer.passes, Passes::Reverse(_)) { Way::Reverse } else { Way::Forward };
    [first, Way::Reverse].into_iter().zip(layer.passes.each()).collect()
}
