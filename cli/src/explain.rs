//! `gatewise explain`: every quantity of a step with its formula, for any weights and input.

use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context, Result, bail, ensure};
use gatewise::network::{Flow, PassInfo, Rows};
use gatewise_reference::{
    Cell, Layout, Length, Quantity, Recorder, Sequence, Step, Trace, TraceFilter, example, number,
};

use crate::model::{self, CellKind, Nonlinearity};
use crate::run::inputs::{self, Expected, X, swap_first_axes};
use crate::text;

#[derive(clap::Args)]
#[command(after_help = "\
Without --weights it explains the worked example: one unit, one feature, one step.
The numbers are computed in double precision by the reference.

Examples:
  gatewise explain --digits 12
  gatewise explain --weights model.safetensors --cell lstm --input in.npz --step 3 --unit 7
  gatewise explain --weights model.safetensors --cell gru --input in.npz --unit all --json > trace.json")]
pub struct Arguments {
    /// PyTorch weights, .safetensors
    #[arg(long, value_name = "FILE", requires = "cell", requires = "input")]
    weights: Option<PathBuf>,
    /// The cell whose weights they are
    #[arg(long, value_enum, requires = "weights")]
    cell: Option<CellKind>,
    /// Input arrays x and, if given, h0, c0 and lengths, .npz
    #[arg(long, value_name = "X.npz", requires = "weights")]
    input: Option<PathBuf>,
    /// Which time step, from 0, or all
    #[arg(long, value_name = "T|all", default_value = "0")]
    step: Pick,
    /// Which hidden unit, from 0, or all
    #[arg(long, value_name = "U|all", default_value = "0")]
    unit: Pick,
    /// Which sequence of the batch, from 0
    #[arg(long, value_name = "B", default_value_t = 0)]
    batch: usize,
    /// Decimals
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u8).range(0..=17))]
    digits: u8,
    /// Show every term of long sums
    #[arg(long)]
    all_terms: bool,
    /// Print the trace as JSON, every number in full
    #[arg(long)]
    json: bool,
    /// Which layer of the file, by what stands before weight_ih_l0
    #[arg(long, requires = "weights")]
    prefix: Option<String>,
    /// x is (B, T, I) and not (T, B, I)
    #[arg(long, requires = "weights")]
    batch_first: bool,
    /// A simple RNN's activation, which the file does not say
    #[arg(long, value_enum, default_value_t)]
    nonlinearity: Nonlinearity,
}

/// One, or all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pick {
    One(usize),
    All,
}

impl FromStr for Pick {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "all" => Ok(Pick::All),
            _ => text.parse().map(Pick::One).map_err(|_| "expected a number from 0, or all".to_owned()),
        }
    }
}

impl Pick {
    fn filter(self) -> Option<usize> {
        match self {
            Pick::One(index) => Some(index),
            Pick::All => None,
        }
    }

    fn check(self, what: &str, count: usize) -> Result<()> {
        if let Pick::One(index) = self {
            ensure!(index < count, "--{what} {index}: out of range, expected 0 to {}", count - 1);
        }
        Ok(())
    }
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let (trace, heading) = match (&arguments.weights, arguments.cell, &arguments.input) {
        (Some(weights), Some(cell), Some(input)) => trace_file(arguments, weights, cell, input)?,
        _ => trace_example(arguments)?,
    };
    if arguments.json {
        return text::print(&(trace.to_json() + "\n"));
    }
    let mut page = heading;
    for step in trace.steps() {
        page += &format!("\nsequence {}, step {}\n", step.batch, step.step);
        page += &table(step, arguments);
    }
    text::print(&page)
}

fn trace_example(arguments: &Arguments) -> Result<(Trace<f64>, String)> {
    arguments.step.check("step", 1)?;
    arguments.unit.check("unit", 1)?;
    Pick::One(arguments.batch).check("batch", 1)?;
    let mut trace = Trace::new(TraceFilter::default());
    let cell = example::worked_example::<f64>();
    let sequence = Sequence {
        layout: Layout::TimeMajor,
        batch: 1,
        steps: 1,
        x: &[example::X],
        h0: Some(&[example::H_PREVIOUS]),
        c0: Some(&[example::C_PREVIOUS]),
    };
    gatewise_reference::forward(&cell, &sequence, &mut trace)?;
    let heading = format!("The worked example: {}, one unit, one feature, x = 1, h⁻ = 1, c⁻ = 2\n", cell.name());
    Ok((trace, heading))
}

fn trace_file(
    arguments: &Arguments,
    weights: &std::path::Path,
    kind: CellKind,
    input: &std::path::Path,
) -> Result<(Trace<f64>, String)> {
    let known = kind.cell(arguments.nonlinearity)?;
    let cell = model::reference_cell(&model::read_layer(weights, arguments.prefix.as_deref(), known)?, known)?;
    let (input_size, hidden_size, state_size) = (cell.input_size(), cell.hidden_size(), cell.output_size());
    let memory = if cell.has_cell_state() { hidden_size } else { 0 };
    let pass = PassInfo { layer: String::new(), reverse: false, hidden: state_size, cell: memory };
    let layout = if arguments.batch_first { gatewise::Layout::BatchFirst } else { gatewise::Layout::TimeMajor };
    let rows = Flow { rows: Rows::Features(input_size), each_step: true, masked: false };
    let (given, inputs) = inputs::read(input, &Expected { input: rows, passes: &[pass], layout })?;
    let X::Features(given) = given else { bail!("{}: array x: expected features", input.display()) };
    let mut given = given.values.into_f64()?;
    if arguments.batch_first && !inputs.alone {
        given = swap_first_axes(&given, inputs.batch, inputs.steps, input_size);
    }
    let row = arguments.batch;
    Pick::One(row).check("batch", inputs.batch)?;
    // Padding is computed by nobody, and changes nothing before it.
    let valid = inputs.lengths.as_ref().map_or(inputs.steps, |lengths| lengths[row]);
    ensure!(valid > 0, "{}: array lengths: sequence {row} has no step to explain", input.display());
    arguments.step.check("step", valid)?;
    arguments.unit.check("unit", hidden_size)?;

    // Only the chosen sequence, and no step behind the chosen one, has to be computed.
    let steps = arguments.step.filter().map_or(valid, |step| step + 1);
    let pick = |values: &Option<Vec<f64>>, width: usize| Some(values.as_ref()?.get(row * width..)?[..width].to_vec());
    let x: Vec<f64> =
        (0..steps).flat_map(|step| &given[(step * inputs.batch + row) * input_size..][..input_size]).copied().collect();
    let (h0, c0) = (pick(&inputs.hidden, state_size), pick(&inputs.cell, hidden_size));
    let sequence =
        Sequence { layout: Layout::BatchFirst, batch: 1, steps, x: &x, h0: h0.as_deref(), c0: c0.as_deref() };

    let filter = TraceFilter { batch: None, step: arguments.step.filter(), unit: arguments.unit.filter() };
    let mut recorder = OneSequence { row, trace: Trace::new(filter) };
    gatewise_reference::forward(&cell, &sequence, &mut recorder).with_context(|| input.display().to_string())?;
    let unit = match arguments.unit {
        Pick::One(unit) => format!("unit {unit} of {hidden_size} (--unit N or all)"),
        Pick::All => format!("all {hidden_size} units"),
    };
    let heading = format!(
        "{}: {}, {input_size} features, {unit}; {} steps (--step N or all), {} sequences (--batch N)\n",
        weights.display(),
        kind.name(),
        valid,
        inputs.batch
    );
    Ok((recorder.trace, heading))
}

/// Records the only sequence that is computed under the number that it has in the file.
struct OneSequence {
    row: usize,
    trace: Trace<f64>,
}

impl Recorder<f64> for OneSequence {
    fn begin_sequence(&mut self, cell: &'static str) {
        self.trace.begin_sequence(cell);
    }

    fn begin_step(&mut self, _only: usize, step: usize) {
        self.trace.begin_step(self.row, step);
    }

    fn wants(&self, unit: usize) -> bool {
        self.trace.wants(unit)
    }

    fn record(&mut self, quantity: Quantity<f64>) {
        self.trace.record(quantity);
    }
}

fn table(step: &Step<f64>, arguments: &Arguments) -> String {
    let digits = usize::from(arguments.digits);
    let length = if arguments.all_terms { Length::Full } else { Length::Short };
    let rows = step.quantities.iter().map(|quantity| {
        vec![
            quantity.symbol.clone(),
            quantity.formula.with_symbols(length),
            quantity.formula.with_numbers(digits.min(4), length),
            number(quantity.value, digits),
            quantity.name.to_owned(),
        ]
    });
    text::table(&["", "formula", "with the numbers", "value", ""], &[3], rows)
}
