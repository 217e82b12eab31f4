//! The `gatewise` command.

use std::process::ExitCode;

use clap::Parser;
use gatewise_cli::Arguments;

fn main() -> ExitCode {
    Arguments::parse().run()
}
