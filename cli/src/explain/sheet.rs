//! The cell and the steps of a sheet of `gatewise check`; somebody's own numbers in it are passed over.

use std::path::Path;

use anyhow::{Context, Result, anyhow, bail, ensure};
use gatewise_reference::{
    AnyCell, Cell, Coupling, Function, Gate, Gru, Lstm, LstmOptions, Matrix, Reset, SimpleRnn, Update,
};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::subject::{Sizes, Subject};
use crate::train::toml_file;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sheet {
    title: Option<String>,
    cell: Kind,
    coupling: Option<Coupled>,
    reset: Option<ResetAt>,
    update: Option<Keeps>,
    nonlinearity: Option<Nonlinearity>,
    weights: Weights,
    #[serde(default)]
    start: Start,
    step: Vec<Step>,
}

#[derive(Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Lstm,
    Gru,
    Rnn,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Coupled {
    ForgetIsOneMinusInput,
    InputIsOneMinusForget,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum ResetAt {
    After,
    Before,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Keeps {
    KeepsOld,
    WritesNew,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Nonlinearity {
    Tanh,
    Relu,
}

/// The gates' tables of any cell; those of a simple network itself.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Weights {
    forget: Option<Table>,
    input: Option<Table>,
    candidate: Option<Table>,
    output: Option<Table>,
    reset: Option<Table>,
    update: Option<Table>,
    h: Option<Numbers>,
    x: Option<Numbers>,
    b: Option<Numbers>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    h: Numbers,
    x: Numbers,
    b: Option<Numbers>,
    p: Option<Numbers>,
    bh: Option<Numbers>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Start {
    h: Option<Numbers>,
    c: Option<Numbers>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    x: Numbers,
    #[serde(rename = "values")]
    _values: Option<IgnoredAny>,
}

#[derive(Clone, Deserialize)]
#[serde(untagged, expecting = "expected a number, a list of numbers or lists of them")]
enum Numbers {
    One(Number),
    List(Vec<Number>),
    Rows(Vec<Vec<Number>>),
}

#[derive(Clone, Deserialize)]
#[serde(untagged)]
enum Number {
    Plain(f64),
    Text(String),
}

/// H and I.
#[derive(Clone, Copy)]
struct Widths {
    hidden: usize,
    features: usize,
}

/// Reads the sheet as something to explain; errors name the file.
pub fn read(path: &Path) -> Result<Subject> {
    let shown = path.display().to_string();
    let sheet: Sheet = toml_file::read(path)?;
    let subject = sheet.subject(&shown);
    subject.with_context(|| shown)
}

impl Sheet {
    fn subject(self, source: &str) -> Result<Subject> {
        let (cell, widths) = self.cell()?;
        ensure!(!self.step.is_empty(), "no steps: expected at least one [[step]]");
        let mut x = Vec::new();
        for (index, step) in self.step.iter().enumerate() {
            x.extend(step.x.flat(&format!("x of step {index}"), widths.features)?);
        }
        let state = |given: &Option<Numbers>, what: &str| {
            given.as_ref().map(|values| values.flat(what, widths.hidden)).transpose()
        };
        let (h0, c0) = (state(&self.start.h, "start.h")?, state(&self.start.c, "start.c")?);
        ensure!(c0.is_none() || cell.has_cell_state(), "start.c: a {} has no cell state", cell.name());
        let steps = self.step.len();
        let title = self.title.map_or(String::new(), |title| format!(" {title:?},"));
        let Widths { hidden, features } = widths;
        Ok(Subject {
            source: source.to_owned(),
            heading: format!(
                "{source}:{title} {}, {hidden} units, {features} features, {steps} steps (--step N or all)",
                cell.name()
            ),
            cell,
            row: 0,
            sizes: Sizes { batch: 1, steps, batch_first: false },
            steps,
            x,
            h0,
            c0,
        })
    }

    fn cell(&self) -> Result<(AnyCell<f64>, Widths)> {
        let refused = [
            ("coupling", self.coupling.is_some() && self.cell != Kind::Lstm),
            ("reset", self.reset.is_some() && self.cell != Kind::Gru),
            ("update", self.update.is_some() && self.cell != Kind::Gru),
            ("nonlinearity", self.nonlinearity.is_some() && self.cell != Kind::Rnn),
        ];
        if let Some((key, _)) = refused.into_iter().find(|(_, refused)| *refused) {
            bail!("{key}: this cell has no such option");
        }
        self.weights.check(self.cell)?;
        match self.cell {
            Kind::Lstm => self.lstm(),
            Kind::Gru => self.gru(),
            Kind::Rnn => self.rnn(),
        }
    }

    fn lstm(&self) -> Result<(AnyCell<f64>, Widths)> {
        let Weights { forget, input, candidate, output, .. } = &self.weights;
        let candidate = required("candidate", candidate)?;
        let widths = candidate.widths();
        let coupling = match self.coupling {
            None => Coupling::Independent,
            Some(Coupled::ForgetIsOneMinusInput) => Coupling::ForgetIsOneMinusInput,
            Some(Coupled::InputIsOneMinusForget) => Coupling::InputIsOneMinusForget,
        };
        // A gate that is one minus another reads no weights of its own.
        let gate = |name: &str, table: &Option<Table>, coupled: bool| match (table, coupled) {
            (None, true) => Table::zeros(widths).gate(name, widths),
            _ => required(name, table)?.gate(name, widths),
        };
        let cell = Lstm {
            forget_gate: gate("forget", forget, coupling == Coupling::ForgetIsOneMinusInput)?,
            input_gate: gate("input", input, coupling == Coupling::InputIsOneMinusForget)?,
            candidate: candidate.gate("candidate", widths)?,
            output_gate: gate("output", output, false)?,
            options: LstmOptions { coupling, ..LstmOptions::default() },
            projection: None,
        };
        Ok((cell.into(), widths))
    }

    fn gru(&self) -> Result<(AnyCell<f64>, Widths)> {
        let Weights { reset, update, candidate, .. } = &self.weights;
        let candidate = required("candidate", candidate)?;
        let widths = candidate.widths();
        let bias = |bias: &Numbers| bias.flat("weights.candidate.bh", widths.hidden);
        let cell = Gru {
            reset_gate: required("reset", reset)?.gate("reset", widths)?,
            update_gate: required("update", update)?.gate("update", widths)?,
            candidate: candidate.gate("candidate", widths)?,
            recurrent_bias: candidate.bh.as_ref().map(bias).transpose()?,
            reset: if matches!(self.reset, Some(ResetAt::Before)) { Reset::Before } else { Reset::After },
            update: if matches!(self.update, Some(Keeps::WritesNew)) { Update::WritesNew } else { Update::KeepsOld },
            options: Default::default(),
        };
        Ok((cell.into(), widths))
    }

    fn rnn(&self) -> Result<(AnyCell<f64>, Widths)> {
        let Weights { h, x, b, .. } = &self.weights;
        let (Some(h), Some(x)) = (h.clone(), x.clone()) else { bail!("[weights] lacks h or x") };
        let table = Table { h, x, b: b.clone(), p: None, bh: None };
        let widths = table.widths();
        let Gate { input_weights, recurrent_weights, bias, .. } = table.gate("", widths)?;
        let relu = matches!(self.nonlinearity, Some(Nonlinearity::Relu));
        let activation = if relu { Function::Relu } else { Function::Tanh };
        Ok((SimpleRnn { input_weights, recurrent_weights, bias, activation, clip: None }.into(), widths))
    }
}

impl Weights {
    /// Refuses what the cell does not have.
    fn check(&self, cell: Kind) -> Result<()> {
        let Weights { forget, input, candidate, output, reset, update, h, x, b } = self;
        let gates = [
            ("forget", forget, cell == Kind::Lstm),
            ("input", input, cell == Kind::Lstm),
            ("candidate", candidate, cell != Kind::Rnn),
            ("output", output, cell == Kind::Lstm),
            ("reset", reset, cell == Kind::Gru),
            ("update", update, cell == Kind::Gru),
        ];
        for (name, table, known) in gates {
            let Some(table) = table else { continue };
            ensure!(known, "[weights.{name}]: this cell has no such gate");
            let candidate = name == "candidate";
            ensure!(
                table.p.is_none() || cell == Kind::Lstm && !candidate,
                "weights.{name}.p: only an LSTM's gates have it"
            );
            ensure!(
                table.bh.is_none() || cell == Kind::Gru && candidate,
                "weights.{name}.bh: only a GRU's candidate has it"
            );
        }
        let own = [h, x, b].into_iter().any(Option::is_some);
        ensure!(!own || cell == Kind::Rnn, "[weights]: h, x and b stand in the gates' tables");
        Ok(())
    }
}

fn required<'a>(name: &str, table: &'a Option<Table>) -> Result<&'a Table> {
    table.as_ref().ok_or_else(|| anyhow!("expected [weights.{name}]"))
}

impl Table {
    fn zeros(Widths { hidden, features }: Widths) -> Self {
        let matrix = |columns: usize| Numbers::Rows(vec![vec![Number::Plain(0.0); columns]; hidden]);
        Table { h: matrix(hidden), x: matrix(features), b: None, p: None, bh: None }
    }

    /// H from the recurrent weights, I from the input weights.
    fn widths(&self) -> Widths {
        let hidden = match &self.h {
            Numbers::One(_) => 1,
            Numbers::List(values) => values.len(),
            Numbers::Rows(rows) => rows.len(),
        };
        let features = match &self.x {
            Numbers::Rows(rows) => rows.first().map_or(0, Vec::len),
            // A flat list: one unit's features, or one feature for every unit.
            Numbers::List(values) if hidden == 1 => values.len(),
            _ => 1,
        };
        Widths { hidden, features }
    }

    fn gate(&self, name: &str, Widths { hidden, features }: Widths) -> Result<Gate<f64>> {
        let named =
            |key: &str| if name.is_empty() { format!("weights.{key}") } else { format!("weights.{name}.{key}") };
        let matrix = |key: &str, values: &Numbers, columns: usize| -> Result<Matrix<f64>> {
            Ok(Matrix::from_flat(hidden, columns, &values.flat(&named(key), hidden * columns)?)?)
        };
        let bias = self.b.as_ref().map(|bias| bias.flat(&named("b"), hidden)).transpose()?;
        Ok(Gate {
            input_weights: matrix("x", &self.x, features)?,
            recurrent_weights: matrix("h", &self.h, hidden)?,
            bias: bias.unwrap_or_else(|| vec![0.0; hidden]),
            peephole: self.p.as_ref().map(|peephole| peephole.flat(&named("p"), hidden)).transpose()?,
        })
    }
}

impl Numbers {
    /// All of them, row after row, if there are so many.
    fn flat(&self, what: &str, expected: usize) -> Result<Vec<f64>> {
        let all: Vec<&Number> = match self {
            Numbers::One(number) => vec![number],
            Numbers::List(numbers) => numbers.iter().collect(),
            Numbers::Rows(rows) => rows.iter().flatten().collect(),
        };
        ensure!(all.len() == expected && expected > 0, "{what}: {} numbers, expected {expected}", all.len());
        let number = |number: &&Number| number.value().with_context(|| format!("{what}: expected a number"));
        all.iter().map(number).collect()
    }
}

impl Number {
    fn value(&self) -> Option<f64> {
        let value = match self {
            Number::Plain(value) => *value,
            // In quotes a true minus sign may stand.
            Number::Text(text) => text.trim().replace('−', "-").parse().ok()?,
        };
        value.is_finite().then_some(value)
    }
}
