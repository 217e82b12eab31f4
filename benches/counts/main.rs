//! How many instructions does a call take? Counted by callgrind, and so the same on every run: a change of a few per cent,
//! which no timing on a shared machine shows, fails here. `--help` says how.
//!
//! The harness is our own: those that exist compare with what an earlier run left behind, and not with figures that stand in
//! the repository with the compiler that made them; and they take a runner to be installed.

mod callgrind;
mod kernels;
mod record;
mod weights;

use std::env;
use std::process::ExitCode;

use gatewise::Level;
use kernels::KERNELS;
use rayon::prelude::*;
use record::{Counts, Record};

const HELP: &str = "\
Counts the instructions of a call of each kernel by valgrind's callgrind, at the portable level and AVX2 (valgrind has no
AVX-512). Fails where one takes over 3 % more than benches/counts.json says.

cargo bench --bench counts              compares
cargo bench --bench counts -- --save    writes benches/counts.json anew: to be committed with
                                                                     the change that it is due to, or a new compiler
cargo bench --bench counts -- lstm      only kernels with this in their names
cargo bench --bench counts -- --test    calls each once and counts nothing";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments[..] {
        [callgrind::CHILD, kernel, level] => call(kernel, level),
        ["--test"] => call_all(),
        ["--save"] => count("").and_then(record::save),
        [] => compare(""),
        [part] if !part.starts_with('-') => compare(part),
        ["--help" | "-h"] => {
            println!("{HELP}");
            Ok(())
        }
        // Such as are meant for criterion, when all benches are run with them.
        _ => {
            println!("SKIPPED: counts does not know {}\n\n{HELP}", arguments.join(" "));
            Ok(())
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// What valgrind knows and this machine has; the others are named.
fn levels() -> Vec<Level> {
    let (have, lacking): (Vec<_>, _) =
        [Level::Portable, Level::Avx2].into_iter().partition(|level| level.is_available());
    lacking.iter().for_each(|level| println!("SKIPPED: this machine has no {level}"));
    have
}

fn compare(part: &str) -> Result<(), String> {
    let record = Record::read()?;
    record.judge(&count(part)?)
}

/// The kernels with `part` in their names, each in a process of its own: what one leaves behind changes no other's count.
fn count(part: &str) -> Result<Counts, String> {
    let Some(valgrind) = callgrind::version() else {
        println!("SKIPPED: there is no valgrind here, so nothing was counted");
        return Ok(Counts::default());
    };
    let kernels = KERNELS.iter().filter(|kernel| kernel.name.contains(part));
    let levels = levels();
    let calls: Vec<_> = kernels.flat_map(|kernel| levels.iter().map(move |level| (kernel.name, *level))).collect();
    let counted = calls.into_par_iter().map(|(kernel, level)| {
        let instructions = callgrind::count(kernel, level)?;
        Ok((format!("{kernel} {level}"), instructions))
    });
    Ok(Counts { valgrind, each: counted.collect::<Result<_, String>>()? })
}

/// A process that is counted: the first call fills caches and detects the processor, the second one counts.
fn call(kernel: &str, level: &str) -> Result<(), String> {
    let unknown = || format!("there is no kernel {kernel}");
    let kernel = KERNELS.iter().find(|known| known.name == kernel).ok_or_else(unknown)?;
    let mut call = (kernel.make)(level.parse().map_err(|error| format!("{error}"))?);
    call();
    callgrind::counted_call(&mut *call);
    Ok(())
}

fn call_all() -> Result<(), String> {
    for kernel in &KERNELS {
        for level in levels() {
            (kernel.make)(level)();
        }
    }
    println!("Success: {} kernels of the counts were called", KERNELS.len());
    Ok(())
}
