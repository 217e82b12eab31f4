//! The recorded counts, and what is said of a run beside them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Map, Value, json};

/// How far a count may lie from the recorded one.
const TOLERANCE: f64 = 0.03;

const RENEW: &str = "cargo bench --bench counts -- --save";

/// What a run found, in the order of the list; nothing where there is no valgrind.
#[derive(Default)]
pub struct Counts {
    pub valgrind: String,
    pub each: Vec<(String, u64)>,
}

/// Writes the file anew.
pub fn save(found: Counts) -> Result<(), String> {
    if found.each.is_empty() {
        return Err("nothing was counted, so nothing is written".to_owned());
    }
    let counts: Map<String, Value> = found.each.into_iter().map(|(name, count)| (name, count.into())).collect();
    let file = json!({
        "what": "Instructions of a call of each kernel under callgrind (benches/counts). A run fails 3 % above.",
        "renew": RENEW,
        "rustc": rustc(),
        "valgrind": found.valgrind,
        "counts": counts,
    });
    let text = serde_json::to_string_pretty(&file).map_err(|error| error.to_string())?;
    fs::write(path(), text + "\n").map_err(|error| format!("{}: {error}", path().display()))?;
    println!("written: {}, {} counts", path().display(), counts.len());
    Ok(())
}

/// What stands in the file.
pub struct Record {
    rustc: String,
    counts: Map<String, Value>,
}

impl Record {
    pub fn read() -> Result<Self, String> {
        let path = path();
        let told = |error: &dyn std::fmt::Display| format!("{}: {error}; {RENEW} writes it anew", path.display());
        let text = fs::read_to_string(&path).map_err(|error| told(&error))?;
        let file: Value = serde_json::from_str(&text).map_err(|error| told(&error))?;
        let missing = || told(&"expected a text `rustc` and a map `counts`");
        Ok(Record {
            rustc: file["rustc"].as_str().ok_or_else(missing)?.to_owned(),
            counts: file["counts"].as_object().ok_or_else(missing)?.clone(),
        })
    }

    /// Compares every count, and fails with all that are too high or not recorded.
    pub fn judge(&self, found: &Counts) -> Result<(), String> {
        let (mut more, mut fewer) = (Vec::new(), 0);
        for (name, count) in &found.each {
            let line = self.line(name, *count);
            println!("{line}");
            match self.change(name, *count) {
                Some(change) if change < -TOLERANCE => fewer += 1,
                Some(change) if change <= TOLERANCE => {}
                _ => more.push(line),
            }
        }
        if fewer > 0 {
            println!(
                "\n{fewer} counts are over 3 % below the recorded ones: write them anew, or they can creep back: {RENEW}"
            );
        }
        match more.is_empty() {
            true => Ok(()),
            false => Err(self.complaint(&more)),
        }
    }

    /// By what part it differs from the recorded one; `None` if there is none.
    fn change(&self, name: &str, count: u64) -> Option<f64> {
        let recorded = self.counts.get(name)?.as_u64()?;
        Some(count as f64 / recorded as f64 - 1.0)
    }

    fn line(&self, name: &str, count: u64) -> String {
        let change = self.change(name, count);
        let beside = change.map_or("not recorded".to_owned(), |change| format!("{:+.2} %", change * 100.0));
        format!("{name:<28}{count:>12}{beside:>14}")
    }

    fn complaint(&self, lines: &[String]) -> String {
        let (lines, now) = (lines.join("\n"), rustc());
        let compiler = match now == self.rustc {
            true => String::new(),
            false => format!("Recorded with {}, and this is {now}: it may be the compiler's doing.\n", self.rustc),
        };
        format!(
            "\nmore instructions than recorded, by over 3 %, or not recorded:\n{lines}\n{compiler}\
            Where a change makes a kernel slower, it is to be found out why (valgrind --tool=callgrind, callgrind_annotate).\n\
            What is meant to be is written anew and committed with the change: {RENEW}"
        )
    }
}

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/counts.json")
}

/// The compiler of this folder, which made this program: `rustc 1.95.0 (59807616e 2026-04-14)`.
fn rustc() -> String {
    let output = Command::new("rustc").arg("--version").current_dir(env!("CARGO_MANIFEST_DIR")).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    text.ok().filter(|text| !text.is_empty()).unwrap_or("an unknown rustc".to_owned())
}
