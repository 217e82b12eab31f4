//! A sheet: a cell with its weights, the steps' inputs, and somebody's own numbers.

use anyhow::Result;

use super::cell::{Cell, Sizes, vector};
use super::chain::{Chain, Place};
use super::names;
use super::reader::{Entry, Source, Table};
use super::written::Written;

/// A sheet that was read, together with the right computation.
pub struct Sheet {
    pub title: Option<String>,
    pub cell: &'static str,
    pub inputs: usize,
    /// x of every step.
    pub x: Vec<Vec<f64>>,
    /// The state before the first step; c is empty for a cell that has none.
    pub start: (Vec<f64>, Vec<f64>),
    pub chain: Chain,
    /// What was written, in the order of computation.
    pub lines: Vec<Line>,
}

/// One number to check.
#[derive(Debug, Clone)]
pub struct Line {
    pub place: Place,
    pub written: Written,
}

impl Sheet {
    pub fn read(source: Source) -> Result<Self> {
        let document = source.parse()?;
        let root = Table::root(source, &document);
        let (cell, sizes) = Cell::read(&root)?;
        let title = root.get("title").map(|entry| entry.text().map(str::to_string)).transpose()?;
        let start = read_start(&root, &cell, sizes)?;

        let steps = root.require("step", "[[step]] with x and your [step.values]")?;
        let tables = steps.tables()?;
        let mut x = Vec::new();
        for table in &tables {
            table.allow_only(&["x", "values"])?;
            x.push(vector(&table.require("x", "the input of this step")?, sizes.inputs)?);
        }
        if x.is_empty() {
            return Err(steps.error("no steps: expected at least one [[step]]"));
        }

        let chain = Chain::new(&cell, &start.0, &start.1, &x);
        if let Some(place) = chain.overflow() {
            let message = format!("{} overflows: expected smaller numbers", chain.quantity(place).symbol);
            return Err(tables[place.step].error(&message));
        }
        let mut lines = Vec::new();
        for (step, table) in tables.iter().enumerate() {
            if let Some(values) = table.get("values") {
                read_values(&values.table()?, step, &chain, &mut lines)?;
            }
        }
        if lines.is_empty() {
            return Err(steps.error("nothing to check: expected your own numbers under [step.values]"));
        }
        lines.sort_by_key(|line| line.place);
        Ok(Sheet { title, cell: cell.name(), inputs: sizes.inputs, x, start, chain, lines })
    }

    /// What was written for a quantity, as an index of `lines`.
    pub fn line_at(&self, place: Place) -> Option<usize> {
        self.lines.binary_search_by_key(&place, |line| line.place).ok()
    }

    /// The decimals that exact numbers are shown with: two more than anything was written with.
    pub fn digits(&self) -> usize {
        let most = self.lines.iter().map(|line| line.written.decimals).max();
        usize::try_from(most.unwrap_or(0)).map_or(4, |most| (most + 2).clamp(4, 12))
    }
}

fn read_start(root: &Table, cell: &Cell, sizes: Sizes) -> Result<(Vec<f64>, Vec<f64>)> {
    let memory = if cell.has_cell_state() { sizes.hidden } else { 0 };
    let (mut h, mut c) = (vec![0.0; sizes.hidden], vec![0.0; memory]);
    if let Some(entry) = root.get("start") {
        let start = entry.table()?;
        start.allow_only(if cell.has_cell_state() { &["h", "c"] } else { &["h"] })?;
        if let Some(entry) = start.get("h") {
            h = vector(&entry, sizes.hidden)?;
        }
        if let Some(entry) = start.get("c") {
            c = vector(&entry, sizes.hidden)?;
        }
    }
    Ok((h, c))
}

fn read_values(values: &Table, step: usize, chain: &Chain, lines: &mut Vec<Line>) -> Result<()> {
    for (name, entry) in values.entries() {
        let Some(letter) = names::letter(chain, name) else {
            let known: Vec<&str> = chain.letters().collect();
            return Err(entry.error(&format!("unknown quantity `{name}`; this cell has {}", known.join(", "))));
        };
        let written = entry.list().unwrap_or_else(|| vec![entry.clone()]);
        if written.len() != chain.hidden {
            return Err(entry.error(&expected_values(&entry, chain.hidden)));
        }
        for (unit, inner) in written.iter().enumerate() {
            if inner.is_gap() {
                continue;
            }
            let Some(written) = inner.number() else {
                return Err(inner.error(&expected_values(&entry, chain.hidden)));
            };
            let Some(place) = chain.of_unit(step, unit, letter) else { continue };
            if lines.iter().any(|line| line.place == place) {
                return Err(entry.error(&format!("`{name}` is {letter}, which this step already has")));
            }
            lines.push(Line { place, written });
        }
    }
    Ok(())
}

fn expected_values(entry: &Entry, hidden: usize) -> String {
    match hidden {
        1 => format!("{}: expected a number such as 0.97, or \"?\"", entry.name),
        _ => format!("{}: expected a list of {hidden} numbers (\"?\" for a gap)", entry.name),
    }
}
