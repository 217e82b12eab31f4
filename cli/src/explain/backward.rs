//! The way back: every gradient of the chosen steps with its formula, and at the end those of all that was given.

use anyhow::{Context, Result};
use gatewise_reference::{AnyCell, Cell, Gradients, Learned, number};
use serde_json::{Value, json};

use super::loss::Loss;
use super::subject::Subject;
use super::{Arguments, OneSequence, Pick, tables};
use crate::text;

/// Values of a row of a matrix that are printed, the first and the last ones, unless all are asked for.
const PRINTED: [usize; 2] = [5, 2];

pub fn run(arguments: &Arguments, subject: &Subject, mut recorder: OneSequence) -> Result<()> {
    let loss = Loss::read(arguments, subject)?;
    let (cell, sequence) = (&subject.cell, subject.sequence(subject.steps));
    let mut gradients = gatewise_reference::backward(cell, &sequence, &loss.gradients(), &mut recorder)
        .with_context(|| subject.source.clone())?;
    if arguments.json {
        return text::print(&(to_json(&recorder, subject, &loss, &mut gradients) + "\n"));
    }
    let value = loss.value.map(|value| format!(" = {}", number(value, usize::from(arguments.digits))));
    let mut page = format!("{}\nloss: {}{}\n", subject.heading, loss.words, value.unwrap_or_default());
    page += &tables(&recorder.trace, arguments);
    page += &format!("\nall {} steps of sequence {}\n", subject.steps, subject.row);
    page += &table(arguments, subject, &mut gradients);
    text::print(&page)
}

/// The gradients of what was given, row by row.
fn table(arguments: &Arguments, subject: &Subject, gradients: &mut Gradients<f64, AnyCell<f64>>) -> String {
    let digits = usize::from(arguments.digits);
    let list = |values: &[f64]| list(values, digits, arguments.all_terms);
    let mut rows = Vec::new();
    for weight in gradients.weights.weights() {
        let lines = weight.values.chunks_exact(weight.columns);
        let alone = lines.len() == 1;
        for (unit, values) in lines.enumerate().filter(|(unit, _)| wanted(arguments.unit, *unit)) {
            let symbol =
                if alone { format!("Σ d {}", weight.letter) } else { format!("Σ d {}[{unit}]", weight.letter) };
            rows.push(vec![symbol, list(values), weight.name.to_owned()]);
        }
    }
    let features = gradients.x.chunks_exact(subject.cell.input_size());
    for (step, values) in features.enumerate().filter(|(step, _)| wanted(arguments.step, *step)) {
        rows.push(vec![format!("d x({step})"), list(values), format!("features of step {step}")]);
    }
    for (letter, values, name) in [("h0", &gradients.h0, "first h⁻"), ("c0", &gradients.c0, "first c⁻")] {
        for (unit, value) in values.iter().enumerate().filter(|(unit, _)| wanted(arguments.unit, *unit)) {
            let symbol = if values.len() == 1 { format!("d {letter}") } else { format!("d {letter}[{unit}]") };
            rows.push(vec![symbol, number(*value, digits), name.to_owned()]);
        }
    }
    text::table(&["", "gradient", ""], &[], rows)
}

fn wanted(pick: Pick, index: usize) -> bool {
    pick.filter().is_none_or(|only| only == index)
}

fn list(values: &[f64], digits: usize, all: bool) -> String {
    let [first, last] = PRINTED;
    let mut texts: Vec<String> = values.iter().map(|value| number(*value, digits)).collect();
    if !all && values.len() > first + last + 1 {
        let left_out = first..values.len() - last;
        let words = format!("… {} values …", left_out.len());
        texts.splice(left_out, [words]);
    }
    texts.join(", ")
}

/// The trace as the way there writes it, with `loss` and `gradients` beside the steps.
fn to_json(
    recorder: &OneSequence,
    subject: &Subject,
    loss: &Loss,
    gradients: &mut Gradients<f64, AnyCell<f64>>,
) -> String {
    let array = |shape: [usize; 2], values: &[f64]| json!({"shape": shape, "values": values});
    let weights: Vec<Value> = gradients
        .weights
        .weights()
        .into_iter()
        .map(|weight| {
            let shape = [weight.values.len() / weight.columns.max(1), weight.columns];
            json!({"letter": weight.letter, "name": weight.name, "shape": shape, "values": &*weight.values})
        })
        .collect();
    let all = json!({
        "weights": weights,
        "x": array([subject.steps, subject.cell.input_size()], &gradients.x),
        "h0": array([1, gradients.h0.len()], &gradients.h0),
        "c0": array([1, gradients.c0.len()], &gradients.c0),
    });
    let trace = recorder.trace.to_json();
    let open = trace.strip_suffix('}').unwrap_or(&trace);
    let loss = json!({"words": loss.words, "value": loss.value});
    format!("{open},\"loss\":{loss},\"gradients\":{all}}}")
}
