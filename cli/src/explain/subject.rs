//! What is explained: a cell and one sequence, of the documents, of files or of a sheet.

use std::path::Path;

use anyhow::{Result, bail, ensure};
use gatewise::network::{Flow, PassInfo, Rows};
use gatewise_reference::{AnyCell, Cell, Layout, Sequence, example};

use super::{Arguments, Pick, sheet};
use crate::model::{self, CellKind};
use crate::run::inputs::{self, Expected, X, swap_first_axes};

/// A cell and one sequence that it reads.
pub struct Subject {
    /// The cell, in double precision.
    pub cell: AnyCell<f64>,
    /// The file of the sequence, for errors.
    pub source: String,
    /// The first line of what is printed.
    pub heading: String,
    /// The number of the sequence in its file.
    pub row: usize,
    /// Sequences and steps of the file.
    pub sizes: Sizes,
    /// The valid steps of the sequence.
    pub steps: usize,
    /// Their features.
    pub x: Vec<f64>,
    /// The state before the first step; zeros if there is none.
    pub h0: Option<Vec<f64>>,
    /// Likewise.
    pub c0: Option<Vec<f64>>,
}

/// The first axes of a file's arrays.
#[derive(Clone, Copy)]
pub struct Sizes {
    /// B
    pub batch: usize,
    /// T
    pub steps: usize,
    /// Whether B comes first.
    pub batch_first: bool,
}

impl Subject {
    /// Reads what the arguments name.
    pub fn read(arguments: &Arguments) -> Result<Self> {
        match (&arguments.weights, arguments.cell, &arguments.input, &arguments.sheet) {
            (Some(weights), Some(cell), Some(input), _) => of_files(arguments, weights, cell, input),
            (_, _, _, Some(sheet)) => {
                Pick::One(arguments.batch).check("batch", 1)?;
                sheet::read(sheet)
            }
            _ => {
                Pick::One(arguments.batch).check("batch", 1)?;
                Ok(worked_example())
            }
        }
    }

    /// Its first steps.
    pub fn sequence(&self, steps: usize) -> Sequence<'_, f64> {
        let x = &self.x[..steps * self.cell.input_size()];
        Sequence { layout: Layout::BatchFirst, batch: 1, steps, x, h0: self.h0.as_deref(), c0: self.c0.as_deref() }
    }
}

fn worked_example() -> Subject {
    let cell = AnyCell::from(example::worked_example::<f64>());
    Subject {
        source: "the worked example".to_owned(),
        heading: format!("The worked example: {}, one unit, one feature, x = 1, h⁻ = 1, c⁻ = 2", cell.name()),
        cell,
        row: 0,
        sizes: Sizes { batch: 1, steps: 1, batch_first: false },
        steps: 1,
        x: vec![example::X],
        h0: Some(vec![example::H_PREVIOUS]),
        c0: Some(vec![example::C_PREVIOUS]),
    }
}

fn of_files(arguments: &Arguments, weights: &Path, kind: CellKind, input: &Path) -> Result<Subject> {
    let known = kind.cell(arguments.nonlinearity)?;
    let cell = model::reference_cell(&model::read_layer(weights, arguments.prefix.as_deref(), known)?, known)?;
    let (features, hidden, state) = (cell.input_size(), cell.hidden_size(), cell.output_size());
    let pass = PassInfo { layer: String::new(), reverse: false, hidden: state, cell: cell.memory_size() };
    let layout = if arguments.batch_first { gatewise::Layout::BatchFirst } else { gatewise::Layout::TimeMajor };
    let rows = Flow { rows: Rows::Features(features), each_step: true, masked: false };
    let (given, inputs) = inputs::read(input, &Expected { input: rows, passes: &[pass], layout })?;
    let X::Features(given) = given else { bail!("{}: array x: expected features", input.display()) };
    let mut given = given.values.into_f64()?;
    if arguments.batch_first && !inputs.alone {
        given = swap_first_axes(&given, inputs.batch, inputs.steps, features);
    }
    let row = arguments.batch;
    Pick::One(row).check("batch", inputs.batch)?;
    // Padding is computed by nobody, and changes nothing before it.
    let steps = inputs.lengths.as_ref().map_or(inputs.steps, |lengths| lengths[row]);
    ensure!(steps > 0, "{}: array lengths: sequence {row} has no step to explain", input.display());
    let pick = |values: &Option<Vec<f64>>, width: usize| Some(values.as_ref()?.get(row * width..)?[..width].to_vec());
    let unit = match arguments.unit {
        Pick::One(unit) => format!("unit {unit} of {hidden} (--unit N or all)"),
        Pick::All => format!("all {hidden} units"),
    };
    Ok(Subject {
        source: input.display().to_string(),
        heading: format!(
            "{}: {}, {features} features, {unit}; {steps} steps (--step N or all), {} sequences (--batch N)",
            weights.display(),
            kind.name(),
            inputs.batch
        ),
        row,
        sizes: Sizes { batch: inputs.batch, steps: inputs.steps, batch_first: arguments.batch_first && !inputs.alone },
        steps,
        x: (0..steps).flat_map(|step| &given[(step * inputs.batch + row) * features..][..features]).copied().collect(),
        h0: pick(&inputs.hidden, state),
        c0: pick(&inputs.cell, hidden),
        cell,
    })
}
