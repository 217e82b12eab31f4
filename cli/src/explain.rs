//! `gatewise explain`: every quantity of a step with its formula, for any weights and input.

mod backward;
mod loss;
mod sheet;
mod subject;

use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context, Result, ensure};
use gatewise_reference::{Cell, Length, Quantity, Recorder, Step, Trace, TraceFilter, number};

use crate::model::{CellKind, Nonlinearity};
use crate::text;
use loss::Targets;
use subject::Subject;

#[derive(clap::Args)]
#[command(after_help = "\
Without --weights or --sheet it explains the worked example: one unit, one feature, one step.
The numbers are computed in double precision by the reference.

With --backward it shows the way back, from the last step to the first: d f is the loss's gradient with respect to f, d W_f a
step's share of the gradient of W_f; the sums over all steps stand at the end. The loss is the sum of the last h, unless
--loss or --gradients says another. --gradients reads d_y (T, B, P), d_h_n (1, B, P) and d_c_n (1, B, H), or those of them that
the file has: the loss's gradients with respect to every h, the last h and the last c.

Examples:
  gatewise explain --digits 12
  gatewise explain --weights model.safetensors --cell lstm --input in.npz --step 3 --unit 7
  gatewise explain --weights model.safetensors --cell gru --input in.npz --unit all --json > trace.json
  gatewise explain --sheet examples/worked.toml --backward --digits 12
  gatewise explain --sheet sheet.toml --step all --backward --loss half-squared:0.5,1.25
  gatewise explain --weights model.safetensors --cell lstm --input in.npz --backward --gradients d.npz --json")]
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
    /// A sheet of `gatewise check`, whose own numbers are not looked at
    #[arg(long, value_name = "SHEET.toml", conflicts_with = "weights")]
    sheet: Option<PathBuf>,
    /// Show the gradients: back-propagation from the last step to the first
    #[arg(long)]
    backward: bool,
    /// The loss: half-squared:TARGETS is ½(h − target)² of every unit at every step, step after step
    #[arg(long, value_name = "LOSS", requires = "backward", conflicts_with = "gradients")]
    loss: Option<Targets>,
    /// The loss's gradients d_y, d_h_n and d_c_n, .npz
    #[arg(long, value_name = "D.npz", requires = "backward")]
    gradients: Option<PathBuf>,
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
    let subject = Subject::read(arguments)?;
    arguments.step.check("step", subject.steps)?;
    arguments.unit.check("unit", subject.cell.hidden_size())?;
    let filter = TraceFilter { batch: None, step: arguments.step.filter(), unit: arguments.unit.filter() };
    let recorder = OneSequence { row: subject.row, trace: Trace::new(filter) };
    if arguments.backward {
        backward::run(arguments, &subject, recorder)
    } else {
        forward(arguments, &subject, recorder)
    }
}

fn forward(arguments: &Arguments, subject: &Subject, mut recorder: OneSequence) -> Result<()> {
    // No step behind the chosen one has to be computed.
    let steps = arguments.step.filter().map_or(subject.steps, |step| step + 1);
    gatewise_reference::forward(&subject.cell, &subject.sequence(steps), &mut recorder)
        .with_context(|| subject.source.clone())?;
    if arguments.json {
        return text::print(&(recorder.trace.to_json() + "\n"));
    }
    text::print(&(subject.heading.clone() + "\n" + &tables(&recorder.trace, arguments)))
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

/// Every recorded step under its heading.
fn tables(trace: &Trace<f64>, arguments: &Arguments) -> String {
    let table = |step: &Step<f64>| format!("\nsequence {}, step {}\n{}", step.batch, step.step, table(step, arguments));
    trace.steps().map(table).collect()
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
