//! What the loss is: its gradients with respect to what the cell gives, where the way back begins.

use std::path::Path;
use std::str::FromStr;

use anyhow::{Context, Result, bail, ensure};
use gatewise_reference::{Cell, LossGradients, NoTrace, forward, number};

use super::Arguments;
use super::subject::{Sizes, Subject};
use crate::arrays::{Array, Arrays};

/// What h should have been, every unit at every step: the loss is ½(h − target)² of each.
#[derive(Clone, Debug, PartialEq)]
pub struct Targets(Vec<f64>);

impl FromStr for Targets {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || format!("{text:?}: expected half-squared: and numbers, such as half-squared:0.5,1.25");
        let targets = text.strip_prefix("half-squared:").ok_or_else(expected)?;
        let number = |text: &str| text.trim().parse().ok().filter(|value: &f64| value.is_finite());
        targets.split(',').map(number).collect::<Option<_>>().map(Targets).ok_or_else(expected)
    }
}

/// The loss's gradients, and the loss in words.
pub struct Loss {
    /// The line that is printed about it.
    pub words: String,
    /// Its value, where it is known.
    pub value: Option<f64>,
    y: Option<Vec<f64>>,
    h_n: Option<Vec<f64>>,
    c_n: Option<Vec<f64>>,
}

impl Loss {
    /// The loss that the arguments ask for.
    pub fn read(arguments: &Arguments, subject: &Subject) -> Result<Self> {
        let given = forward(&subject.cell, &subject.sequence(subject.steps), &mut NoTrace);
        let given = given.with_context(|| subject.source.clone())?;
        match (&arguments.loss, &arguments.gradients) {
            (Some(targets), _) => targets.loss(&given.y, subject, usize::from(arguments.digits)),
            (None, Some(file)) => from_file(file, subject).with_context(|| file.display().to_string()),
            (None, None) => Ok(Loss {
                words: "the sum of the last h".to_owned(),
                value: Some(given.h_n.iter().sum()),
                y: None,
                h_n: Some(vec![1.0; given.h_n.len()]),
                c_n: None,
            }),
        }
    }

    /// As the reference takes them.
    pub fn gradients(&self) -> LossGradients<'_, f64> {
        LossGradients { y: self.y.as_deref(), y_reverse: None, h_n: self.h_n.as_deref(), c_n: self.c_n.as_deref() }
    }
}

impl Targets {
    fn loss(&self, y: &[f64], subject: &Subject, digits: usize) -> Result<Loss> {
        let (steps, width) = (subject.steps, subject.cell.output_size());
        ensure!(
            self.0.len() == y.len(),
            "--loss: {} targets, expected {} (steps · values of h = {steps}·{width})",
            self.0.len(),
            y.len()
        );
        let away: Vec<f64> = y.iter().zip(&self.0).map(|(h, target)| h - target).collect();
        let value = away.iter().map(|away| 0.5 * away * away).sum();
        let shown: Vec<String> = self.0.iter().map(|target| number(*target, digits)).collect();
        let words = format!("½(h − target)², summed; targets {}", shown.join(", "));
        Ok(Loss { words, value: Some(value), y: Some(away), h_n: None, c_n: None })
    }
}

const NAMES: [&str; 3] = ["d_y", "d_h_n", "d_c_n"];

fn from_file(path: &Path, subject: &Subject) -> Result<Loss> {
    let mut arrays = Arrays::open(path)?;
    if let Some(odd) = arrays.names().iter().find(|name| !NAMES.contains(&&name[..])) {
        bail!("array {odd}: expected {}", NAMES.join(", "));
    }
    ensure!(!arrays.names().is_empty(), "no arrays: expected {}", NAMES.join(", "));
    let Sizes { batch, steps, batch_first } = subject.sizes;
    let (width, memory, row) = (subject.cell.output_size(), subject.cell.memory_size(), subject.row);
    let mut read = |name: &str, axes: &[usize]| -> Result<Option<Vec<f64>>> {
        let Some(Array { shape, values }) = arrays.read(name)? else { return Ok(None) };
        // Axes of one sequence, or of one layer and direction, may be left out.
        let long = |shape: &[usize]| shape.iter().copied().filter(|axis| *axis != 1).collect::<Vec<_>>();
        let fits = shape.len() <= axes.len() && long(&shape) == long(axes);
        ensure!(fits, "array {name} has shape {shape:?}, expected {axes:?}");
        let odd = values.iter().position(|value| !value.is_finite());
        ensure!(odd.is_none(), "array {name} holds {} at index {}", values[odd.unwrap_or(0)], odd.unwrap_or(0));
        Ok(Some(values))
    };
    let axes = if batch_first { [batch, steps, width] } else { [steps, batch, width] };
    let place = |step: usize| if batch_first { row * steps + step } else { step * batch + row };
    let y = read("d_y", &axes)?.map(|values| {
        (0..subject.steps).flat_map(|step| values[place(step) * width..][..width].to_vec()).collect::<Vec<f64>>()
    });
    let of_row = |values: Vec<f64>, width: usize| values[row * width..][..width].to_vec();
    let h_n = read("d_h_n", &[1, batch, width])?.map(|values| of_row(values, width));
    let c_n = read("d_c_n", &[1, batch, memory])?.map(|values| of_row(values, memory));
    let words = format!("its gradients are those of {}", path.display());
    Ok(Loss { words, value: None, y, h_n, c_n })
}
