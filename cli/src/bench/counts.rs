//! Instructions of a call, counted by valgrind: they repeat to the last one, however busy the machine is.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use gatewise::Level;

use super::case::Case;
use super::worker::{self, Worker};

/// What counts, and only what the timed calls do: the rest of the process is not the same from run to run.
fn counted_by() -> Vec<String> {
    let timed = format!("--toggle-collect=*{}*", worker::COUNTED);
    ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", &timed].map(str::to_owned).to_vec()
}

/// Refuses machines that lack what is needed, before the work begins.
pub fn check() -> Result<()> {
    let there = std::process::Command::new("valgrind").arg("--version").output();
    ensure!(
        there.is_ok_and(|output| output.status.success()),
        "--counts: needs valgrind, which is not installed here (apt-get install valgrind)"
    );
    // It knows AVX2 and no AVX-512.
    ensure!(Level::Avx2.is_available(), "--counts: are taken on AVX2, which this machine lacks");
    Ok(())
}

/// Instructions of one call on AVX2 and one thread.
pub fn instructions(program: &Path, case: &Case) -> Result<u64> {
    let mut worker = Worker::start(program, &counted_by())?;
    worker.prepare(case, Level::Avx2, 1)?;
    worker.time(1)?;
    let words = worker.last_words();
    let collected = words.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok());
    let counted = collected.with_context(|| format!("no count by valgrind: {words}"))?;
    ensure!(counted > 0, "{}: nothing was counted: the build has no symbols", program.display());
    Ok(counted)
}
