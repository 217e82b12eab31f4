//! The parts of the `gatewise` command: worked examples, hand-calculation checks, and trained recurrent models on the CPU.
//!
//! A library for the command itself and for the fuzzing of what reads files: NumPy's arrays and sound.

pub mod arrays;
mod bench;
mod book;
mod check;
mod convert;
mod decode;
mod explain;
mod files;
mod inspect;
mod layers;
mod model;
mod run;
pub mod sound;
mod source;
mod text;
mod tour;
mod train;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Recurrent networks on the CPU, every number explainable.
///
/// Without a command it takes the tour: a published LSTM example recomputed by hand, gate by gate, beside the SIMD kernel.
#[derive(Parser)]
#[command(
    name = "gatewise",
    version,
    after_help = "\
Start here:
  gatewise                                the worked example, gate by gate, and the speed of this machine
  gatewise check examples/worked.toml     verify a hand calculation
  gatewise explain --step 0               every number of a step, with its formula
  gatewise inspect model.keras            the layers of a trained model
  gatewise bench                          the speed of this machine; with --against, what a change of the code did to it

Exit status: 0 done; 1 a checked sheet has a wrong line, or a bench is slower than it may be; 2 bad input or usage; 130 training was stopped.
The environment variable GATEWISE_ISA (avx512, avx2, portable) forces an instruction set."
)]
pub struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Walk through the worked example, the same step by the SIMD kernel, and a timed batch.
    Tour,
    /// Show every quantity of a step with its formula and the numbers put in.
    Explain(explain::Arguments),
    /// Verify a hand calculation and name the likely mistake.
    Check(check::Arguments),
    /// Run a trained model: PyTorch, ONNX, Keras, RTNeural, GuitarML, NAM.
    Run(run::Arguments),
    /// Run an encoder and a decoder that is fed its own symbols.
    Decode(decode::Arguments),
    /// Show what a model file holds and what it costs to run.
    Inspect(inspect::Arguments),
    /// Write a model in gatewise's own form.
    Convert(convert::Arguments),
    /// Train a model from arrays: classes or values, of sequences or of every step.
    Train(train::Arguments),
    /// Measure this machine, what a change of the code did, or one case.
    Bench(bench::Arguments),
}

/// How a command that did its work ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// All well.
    Done,
    /// A checked sheet has a wrong line.
    FoundMistake,
    /// A build is slower than it may be.
    Slower,
    /// Ctrl-C stopped it where it can go on.
    Interrupted,
}

impl Arguments {
    /// Does what was asked for; prints results and errors, and says how the process ends.
    pub fn run(self) -> ExitCode {
        let result = match self.command.unwrap_or(Command::Tour) {
            Command::Tour => tour::run().map(|()| Outcome::Done),
            Command::Explain(arguments) => explain::run(&arguments).map(|()| Outcome::Done),
            Command::Check(arguments) => check::run(&arguments),
            Command::Run(arguments) => run::run(&arguments).map(|()| Outcome::Done),
            Command::Decode(arguments) => decode::run(&arguments).map(|()| Outcome::Done),
            Command::Convert(arguments) => convert::run(&arguments).map(|()| Outcome::Done),
            Command::Inspect(arguments) => inspect::run(&arguments).map(|()| Outcome::Done),
            Command::Train(arguments) => train::run(&arguments),
            Command::Bench(arguments) => bench::run(&arguments),
        };
        match result {
            Ok(Outcome::Done) => ExitCode::SUCCESS,
            Ok(Outcome::FoundMistake | Outcome::Slower) => ExitCode::from(1),
            Ok(Outcome::Interrupted) => ExitCode::from(train::INTERRUPTED),
            Err(error) if text::is_broken_pipe(&error) => ExitCode::SUCCESS,
            Err(error) => {
                let red = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
                let (on, off) = if red { ("\x1b[1;31m", "\x1b[0m") } else { ("", "") };
                // One line, outermost context first: file, tensor, what was expected.
                eprintln!("{on}error:{off} {}", text::printable(&format!("{error:#}")));
                ExitCode::from(2)
            }
        }
    }
}
