//! `gatewise check`: verifies a hand calculation.

use anyhow::{Result, bail};

use crate::Outcome;

#[derive(clap::Args)]
pub struct Arguments {
    /// The sheet.
    sheet: std::path::PathBuf,
}

pub fn run(arguments: &Arguments) -> Result<Outcome> {
    bail!("{}: not yet", arguments.sheet.display())
}
