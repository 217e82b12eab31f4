//! `gatewise check`: verifies a hand calculation line by line and names the likely mistake.

mod cell;
mod chain;
mod diagnosis;
mod help;
mod misprint;
mod names;
mod reader;
mod report;
mod rerun;
mod reset;
mod sheet;
mod slip;
mod suspects;
mod verdict;
mod words;
mod written;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::{Outcome, text};
use reader::Source;
use sheet::Sheet;
use verdict::Verdict;

#[derive(clap::Args)]
#[command(after_long_help = help::HELP, after_help = "gatewise check --help shows a sheet and the names of the quantities.")]
pub struct Arguments {
    /// The sheet: a TOML file with weights, inputs and your own numbers.
    #[arg(value_name = "SHEET.toml")]
    sheet: PathBuf,
    /// Decimals of the exact values; two more than the sheet's if not given.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=15))]
    digits: Option<u8>,
}

pub fn run(arguments: &Arguments) -> Result<Outcome> {
    let file = arguments.sheet.display().to_string();
    let text = fs::read_to_string(&arguments.sheet).with_context(|| format!("{file}: cannot read the sheet"))?;
    let sheet = Sheet::read(Source { file: &file, text: &text })?;
    let mut verdicts = verdict::judge(&sheet);

    let first_wrong = verdicts.iter().position(|verdict| *verdict == Verdict::Wrong);
    let findings = first_wrong.map_or(Vec::new(), |line| diagnosis::diagnose(&sheet, &verdicts, line));
    for &line in findings.first().map_or(&[][..], |finding| &finding.explains) {
        verdicts[line] = Verdict::SameMistake;
    }

    let digits = arguments.digits.map_or(sheet.digits(), usize::from);
    let mut page = report::tables(&sheet, &verdicts, digits);
    if let Some(line) = first_wrong {
        page += &report::explanation(&sheet, line, &findings, digits);
    }
    page += &report::summary(&verdicts);
    text::print(&page)?;
    Ok(if first_wrong.is_some() { Outcome::FoundMistake } else { Outcome::Done })
}
