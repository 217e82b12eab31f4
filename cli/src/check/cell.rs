//! The cell of a sheet, with the weights that the sheet gives it.

use anyhow::Result;
use gatewise_reference::{
    Cell as _, Coupling, Function, Gate, Gru, Lstm, LstmOptions, Matrix, Moment, Reset, SimpleRnn, State, Trace, Update,
};

use super::reader::{Entry, Table};

/// A cell of one of the three kinds.
pub enum Cell {
    Lstm(Lstm<f64>),
    Gru(Gru<f64>),
    Rnn(SimpleRnn<f64>),
}

/// The sizes that the first weights of the sheet set for all others.
#[derive(Clone, Copy)]
pub struct Sizes {
    pub hidden: usize,
    pub inputs: usize,
}

const KINDS: [&str; 3] = ["lstm", "gru", "rnn"];
const COUPLINGS: [&str; 2] = ["forget-is-one-minus-input", "input-is-one-minus-forget"];

impl Cell {
    /// Reads the kind, the options and the weights.
    pub fn read(sheet: &Table) -> Result<(Self, Sizes)> {
        let kind = sheet.require("cell", "cell = \"lstm\", \"gru\" or \"rnn\"")?.choice(&KINDS)?;
        let mut keys = vec!["title", "cell", "weights", "start", "step"];
        keys.extend([&["coupling"][..], &["reset", "update"], &["nonlinearity"]][kind]);
        sheet.allow_only(&keys)?;
        let weights = sheet.require("weights", "the weights, such as [weights.forget]")?.table()?;
        match kind {
            0 => read_lstm(sheet, &weights),
            1 => read_gru(sheet, &weights),
            _ => read_rnn(sheet, &weights),
        }
    }

    pub fn name(&self) -> &'static str {
        match self {
            Cell::Lstm(cell) => cell.name(),
            Cell::Gru(cell) => cell.name(),
            Cell::Rnn(cell) => cell.name(),
        }
    }

    pub fn has_cell_state(&self) -> bool {
        matches!(self, Cell::Lstm(_))
    }

    pub fn step(&self, now: &Moment<f64>, trace: &mut Trace<f64>) -> State<f64> {
        match self {
            Cell::Lstm(cell) => cell.step(now, trace),
            Cell::Gru(cell) => cell.step(now, trace),
            Cell::Rnn(cell) => cell.step(now, trace),
        }
    }
}

fn read_lstm(sheet: &Table, weights: &Table) -> Result<(Cell, Sizes)> {
    let coupling = match choice(sheet, "coupling", &COUPLINGS)? {
        None => Coupling::Independent,
        Some(0) => Coupling::ForgetIsOneMinusInput,
        Some(_) => Coupling::InputIsOneMinusForget,
    };
    let (coupled, gates) = match coupling {
        Coupling::Independent => (None, vec!["forget", "input", "candidate", "output"]),
        Coupling::ForgetIsOneMinusInput => (Some("forget"), vec!["input", "candidate", "output"]),
        Coupling::InputIsOneMinusForget => (Some("input"), vec!["forget", "candidate", "output"]),
    };
    if let Some((key, entry)) = weights.entries().find(|&(key, _)| Some(key) == coupled) {
        return Err(entry.error(&format!("the {key} gate is coupled to the other and has no weights of its own")));
    }
    weights.allow_only(&gates)?;
    let candidate = gate_table(weights, "candidate")?;
    candidate.allow_only(&["h", "x", "b"])?;
    let sizes = sizes(&candidate)?;
    let gate = |name: &str| match coupled {
        Some(coupled) if coupled == name => Ok(Gate::zeros(sizes.inputs, sizes.hidden)),
        _ if name == "candidate" => read_gate(&gate_table(weights, name)?, sizes, &["h", "x", "b"]),
        _ => read_gate(&gate_table(weights, name)?, sizes, &["h", "x", "b", "p"]),
    };
    let cell = Lstm {
        forget_gate: gate("forget")?,
        input_gate: gate("input")?,
        candidate: gate("candidate")?,
        output_gate: gate("output")?,
        options: LstmOptions { coupling, ..LstmOptions::default() },
        projection: None,
    };
    Ok((Cell::Lstm(cell), sizes))
}

fn read_gru(sheet: &Table, weights: &Table) -> Result<(Cell, Sizes)> {
    weights.allow_only(&["reset", "update", "candidate"])?;
    let candidate = gate_table(weights, "candidate")?;
    candidate.allow_only(&["h", "x", "b", "bh"])?;
    let sizes = sizes(&candidate)?;
    let cell = Gru {
        reset_gate: read_gate(&gate_table(weights, "reset")?, sizes, &["h", "x", "b"])?,
        update_gate: read_gate(&gate_table(weights, "update")?, sizes, &["h", "x", "b"])?,
        recurrent_bias: candidate.get("bh").map(|entry| vector(&entry, sizes.hidden)).transpose()?,
        candidate: read_gate(&candidate, sizes, &["h", "x", "b", "bh"])?,
        reset: match choice(sheet, "reset", &["after", "before"])? {
            Some(1) => Reset::Before,
            _ => Reset::After,
        },
        update: match choice(sheet, "update", &["keeps-old", "writes-new"])? {
            Some(1) => Update::WritesNew,
            _ => Update::KeepsOld,
        },
        options: Default::default(),
    };
    Ok((Cell::Gru(cell), sizes))
}

fn read_rnn(sheet: &Table, weights: &Table) -> Result<(Cell, Sizes)> {
    weights.allow_only(&["h", "x", "b"])?;
    let sizes = sizes(weights)?;
    let gate = read_gate(weights, sizes, &["h", "x", "b"])?;
    let activation = match choice(sheet, "nonlinearity", &["tanh", "relu"])? {
        Some(1) => Function::Relu,
        _ => Function::Tanh,
    };
    let Gate { input_weights, recurrent_weights, bias, .. } = gate;
    Ok((Cell::Rnn(SimpleRnn { input_weights, recurrent_weights, bias, activation, clip: None }), sizes))
}

fn choice(sheet: &Table, key: &str, choices: &[&str]) -> Result<Option<usize>> {
    sheet.get(key).map(|entry| entry.choice(choices)).transpose()
}

fn gate_table<'a>(weights: &Table<'a>, gate: &str) -> Result<Table<'a>> {
    weights.require(gate, &format!("the weights of the {gate} gate, [weights.{gate}]"))?.table()
}

/// H from the recurrent weights, I from the input weights.
fn sizes(table: &Table) -> Result<Sizes> {
    let hidden = recurrent(table)?.list().map_or(1, |rows| rows.len());
    let inputs = match input(table)?.list() {
        None => 1,
        Some(rows) => match rows.first().map(Entry::list) {
            Some(Some(columns)) => columns.len(),
            // A flat list: one unit's features, or one feature for every unit.
            _ if hidden == 1 => rows.len(),
            _ => 1,
        },
    };
    if hidden == 0 || inputs == 0 {
        return Err(table.error("empty weights: expected at least one unit and one feature"));
    }
    Ok(Sizes { hidden, inputs })
}

fn recurrent<'a>(table: &Table<'a>) -> Result<Entry<'a>> {
    table.require("h", "the weights of the previous hidden state, a number or nested lists (units × units)")
}

fn input<'a>(table: &Table<'a>) -> Result<Entry<'a>> {
    table.require("x", "the weights of the input, a number or nested lists (units × features)")
}

fn read_gate(table: &Table, sizes: Sizes, keys: &[&str]) -> Result<Gate<f64>> {
    table.allow_only(keys)?;
    let Sizes { hidden, inputs } = sizes;
    Ok(Gate {
        input_weights: matrix(&input(table)?, hidden, inputs)?,
        recurrent_weights: matrix(&recurrent(table)?, hidden, hidden)?,
        bias: table.get("b").map_or(Ok(vec![0.0; hidden]), |entry| vector(&entry, hidden))?,
        peephole: table.get("p").map(|entry| vector(&entry, hidden)).transpose()?,
    })
}

fn matrix(entry: &Entry, rows: usize, columns: usize) -> Result<Matrix<f64>> {
    let wrong = |entry: &Entry| match rows * columns {
        1 => entry.error(&format!("{}: expected a number", entry.name)),
        _ => entry.error(&format!("{}: expected {rows} lists of {columns} numbers", entry.name)),
    };
    let values: Vec<f64> = match entry.list() {
        None => vec![entry.number().ok_or_else(|| wrong(entry))?.value],
        Some(list) => {
            let nested = list.iter().any(|inner| inner.list().is_some());
            if nested && list.len() != rows {
                return Err(wrong(entry));
            }
            let mut values = Vec::new();
            for inner in &list {
                match inner.list() {
                    Some(row) if row.len() != columns => return Err(wrong(inner)),
                    Some(row) => {
                        for number in row {
                            values.push(number.number().ok_or_else(|| wrong(&number))?.value);
                        }
                    }
                    None if nested || (rows > 1 && columns > 1) => return Err(wrong(inner)),
                    None => values.push(inner.number().ok_or_else(|| wrong(inner))?.value),
                }
            }
            values
        }
    };
    Matrix::from_flat(rows, columns, &values).map_err(|_| wrong(entry))
}

/// Reads so many numbers: a list, or a number alone where one is expected.
pub fn vector(entry: &Entry, length: usize) -> Result<Vec<f64>> {
    let expected = match length {
        1 => format!("{}: expected a number", entry.name),
        _ => format!("{}: expected a list of {length} numbers", entry.name),
    };
    let list = entry.list().unwrap_or_else(|| vec![entry.clone()]);
    if list.len() != length {
        return Err(entry.error(&expected));
    }
    list.iter().map(|inner| inner.number().map(|number| number.value).ok_or_else(|| inner.error(&expected))).collect()
}
