//! Sequences with what should come out of them, and batches of some of them.

use super::loss::Targets;
use crate::error::{Error, Result};
use crate::network::Input;
use crate::network::Rows as Kind;
use crate::network::blueprint::Blueprint;
use crate::weights::check_finite;

/// The steps of all sequences, `[N, T, I]` or `[N, T]`, padded to the longest.
#[derive(Clone, Debug, PartialEq)]
pub enum Steps {
    /// Rows of features.
    Features(Vec<f32>),
    /// Ids.
    Ids(Vec<i64>),
}

/// What should come out, `[N, …]` of a model that gives one row a sequence, else `[N, T, …]`, padded likewise.
#[derive(Clone, Debug, PartialEq)]
pub enum Wanted {
    /// As many values as the model gives.
    Values(Vec<f32>),
    /// A class for each row; one below 0 is left out.
    Classes(Vec<i64>),
}

/// Sequences to learn from, or to judge by.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// The steps.
    pub x: Steps,
    /// What should come out.
    pub wanted: Wanted,
    /// How many steps of each sequence are valid, N of them.
    pub lengths: Vec<usize>,
    /// T.
    pub steps: usize,
}

impl Dataset {
    /// Sequences that all have `steps` steps.
    pub fn new(x: Steps, wanted: Wanted, steps: usize, sequences: usize) -> Self {
        Dataset { x, wanted, lengths: vec![steps; sequences], steps }
    }

    /// N.
    pub fn len(&self) -> usize {
        self.lengths.len()
    }

    /// Whether there is no sequence.
    pub fn is_empty(&self) -> bool {
        self.lengths.is_empty()
    }

    /// Checks that the data is what the model takes and gives; `name` is for the errors, such as `training data`.
    ///
    /// # Errors
    /// [`Error::Training`] for an empty set, a label or an id out of range; [`Error::Length`], [`Error::SequenceLength`];
    /// [`Error::NotFinite`] for NaN or ∞.
    pub fn check(&self, name: &str, model: &Blueprint) -> Result<()> {
        let (count, refuse) =
            (self.len(), |message: String| Err(Error::Training { message: format!("{name}: {message}") }));
        if self.is_empty() {
            return refuse("no sequence to learn from".to_owned());
        }
        if let Some(row) = self.lengths.iter().position(|length| *length > self.steps) {
            return Err(Error::SequenceLength { row, length: self.lengths[row], steps: self.steps });
        }
        let (takes, flows) = (model.input()?, model.flow()?);
        match (&self.x, takes.rows) {
            (Steps::Features(x), Kind::Features(width)) => {
                Error::check_length(&format!("{name}: x"), x.len(), "N·T·I", &[count, self.steps, width])?;
                check_finite(&format!("{name}: x"), x)?;
            }
            (Steps::Ids(ids), Kind::Ids(classes)) => {
                Error::check_length(&format!("{name}: x"), ids.len(), "N·T", &[count, self.steps])?;
                let outside = |id: &i64| !usize::try_from(*id).is_ok_and(|id| id < classes);
                for (sequence, length) in self.lengths.iter().enumerate() {
                    let ids = &ids[sequence * self.steps..][..*length];
                    if let Some(step) = ids.iter().position(outside) {
                        let (id, last) = (ids[step], classes - 1);
                        return refuse(format!("id {id} at step {step} of sequence {sequence}: expected 0 to {last}"));
                    }
                }
            }
            (Steps::Features(_), Kind::Ids(_)) => return refuse("x has features, the model takes ids".to_owned()),
            (Steps::Ids(_), Kind::Features(_)) => return refuse("x has ids, the model takes features".to_owned()),
        }
        let Some(gives) = flows.last() else { return Ok(()) };
        let (rows, width) = (if gives.each_step { self.steps } else { 1 }, gives.width());
        match &self.wanted {
            Wanted::Values(values) => {
                let what = format!("{name}: the wanted values");
                Error::check_length(&what, values.len(), "N·rows·O", &[count, rows, width])?;
                check_finite(&what, values)
            }
            Wanted::Classes(classes) => {
                Error::check_length(&format!("{name}: the labels"), classes.len(), "N·rows", &[count, rows])?;
                match classes.iter().position(|class| *class >= 0 && *class as u64 >= width as u64) {
                    None => Ok(()),
                    Some(at) => refuse(format!(
                        "label {} of sequence {}, row {}: the model gives {width} classes, 0 to {}",
                        classes[at],
                        at / rows.max(1),
                        at % rows.max(1),
                        width - 1
                    )),
                }
            }
        }
    }
}

/// Some sequences side by side, as long as the longest of them.
#[derive(Clone, Debug)]
pub(crate) struct Gathered {
    x: Steps,
    wanted: Wanted,
    pub lengths: Vec<usize>,
    /// Of the longest.
    pub steps: usize,
    /// Which rows count.
    pub counted: Vec<bool>,
}

impl Gathered {
    /// Takes the sequences of these indices; `each_step` says whether a step has a row of its own in what is wanted.
    pub fn new(data: &Dataset, indices: &[usize], each_step: bool) -> Self {
        let lengths: Vec<usize> = indices.iter().map(|index| data.lengths[*index]).collect();
        let steps = lengths.iter().copied().max().unwrap_or(0);
        let rows = if each_step { steps } else { 1 };
        let whole = if each_step { data.steps } else { 1 };
        let x = match &data.x {
            Steps::Features(x) => Steps::Features(pick(x, data.len(), indices, data.steps, steps)),
            Steps::Ids(ids) => Steps::Ids(pick(ids, data.len(), indices, data.steps, steps)),
        };
        let wanted = match &data.wanted {
            Wanted::Values(values) => Wanted::Values(pick(values, data.len(), indices, whole, rows)),
            Wanted::Classes(classes) => Wanted::Classes(pick(classes, data.len(), indices, whole, rows)),
        };
        let counts = |length: &usize| (0..rows).map(|row| !each_step || row < *length).collect::<Vec<_>>();
        let counted = lengths.iter().flat_map(counts).collect();
        let mut gathered = Gathered { x, wanted, lengths, steps, counted };
        // Padding has a valid id: nobody looks at what comes of it.
        if let Steps::Ids(ids) = &mut gathered.x {
            for (row, length) in ids.chunks_exact_mut(steps.max(1)).zip(&gathered.lengths) {
                row[*length..].fill(0);
            }
        }
        gathered
    }

    /// The steps from `first` to `last` of all sequences; what is wanted only where there is a row for each step.
    pub fn window(&self, first: usize, last: usize) -> Self {
        let (count, steps) = (self.lengths.len(), last - first);
        let x = match &self.x {
            Steps::Features(x) => Steps::Features(cut(x, count, self.steps, first, last)),
            Steps::Ids(ids) => Steps::Ids(cut(ids, count, self.steps, first, last)),
        };
        let wanted = match &self.wanted {
            Wanted::Values(values) => Wanted::Values(cut(values, count, self.steps, first, last)),
            Wanted::Classes(classes) => Wanted::Classes(cut(classes, count, self.steps, first, last)),
        };
        let lengths = self.lengths.iter().map(|length| length.saturating_sub(first).min(steps)).collect();
        let counted = cut(&self.counted, count, self.steps, first, last);
        Gathered { x, wanted, lengths, steps, counted }
    }

    pub fn input(&self) -> Input<'_> {
        match &self.x {
            Steps::Features(x) => Input::Features(x),
            Steps::Ids(ids) => Input::Ids(ids),
        }
    }

    pub fn targets(&self) -> Targets<'_> {
        match &self.wanted {
            Wanted::Values(values) => Targets::Values(values),
            Wanted::Classes(classes) => Targets::Classes(classes),
        }
    }
}

/// Of some of `count` rows of `whole` equal parts each the first `kept` parts.
fn pick<T: Copy>(values: &[T], count: usize, indices: &[usize], whole: usize, kept: usize) -> Vec<T> {
    let row = values.len() / count.max(1);
    let part = row / whole.max(1);
    indices.iter().flat_map(|index| &values[index * row..][..kept * part]).copied().collect()
}

/// Of every row of `whole` equal parts those from `first` to `last`.
fn cut<T: Copy>(values: &[T], count: usize, whole: usize, first: usize, last: usize) -> Vec<T> {
    let row = values.len() / count.max(1);
    let part = row / whole.max(1);
    (0..count).flat_map(|index| &values[index * row + first * part..index * row + last * part]).copied().collect()
}
