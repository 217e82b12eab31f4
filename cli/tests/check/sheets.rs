//! Runs the binary on a sheet, and writes sheets.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a run of the binary gave.
pub struct Report {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Report {
    /// The first of the likely mistakes.
    pub fn likeliest(&self) -> &str {
        let found = self
            .out
            .lines()
            .find_map(|line| line.strip_prefix("Most likely: ").or_else(|| line.trim_start().strip_prefix("1. ")));
        found.unwrap_or_else(|| panic!("no likely mistake in\n{}", self.out))
    }

    /// The line of the table with this quantity, at the first step that has it.
    pub fn line(&self, quantity: &str) -> &str {
        let found = self.out.lines().find(|line| line.split_whitespace().take(2).any(|word| word == quantity));
        found.unwrap_or_else(|| panic!("no line for {quantity} in\n{}", self.out))
    }

    /// Asserts the verdict's mark of a quantity.
    pub fn assert_mark(&self, mark: &str, quantity: &str) {
        assert!(self.line(quantity).trim_start().starts_with(mark), "expected {mark} for {quantity}:\n{}", self.out);
    }

    /// Asserts that one number is wrong, and that this mistake is named first.
    pub fn assert_first(&self, words: &str) {
        assert_eq!(self.code, 1, "{}{}", self.out, self.err);
        assert!(self.likeliest().contains(words), "expected `{words}` first:\n{}", self.out);
    }
}

/// Checks a sheet in a file.
pub fn check_file(path: &Path) -> Report {
    let output = Command::new(env!("CARGO_BIN_EXE_gatewise")).arg("check").arg(path).output();
    let output = output.expect("the binary runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Report { code: output.status.code().expect("an exit code"), out: text(output.stdout), err: text(output.stderr) }
}

/// Checks the text of a sheet.
pub fn check(sheet: &str) -> Report {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("sheet-{}-{number}.toml", std::process::id()));
    std::fs::write(&path, sheet).expect("a sheet is written");
    let report = check_file(&path);
    std::fs::remove_file(&path).expect("the sheet is removed");
    report
}

/// A step with values, each with so many decimals.
pub fn step(x: &str, values: &[(&str, f64)], decimals: usize) -> String {
    let mut text = format!("[[step]]\nx = {x}\n[step.values]\n");
    for (name, value) in values {
        text += &format!("\"{name}\" = {value:.decimals$}\n");
    }
    text
}

pub fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

/// Numbers between −1.5 and 1.5 that look drawn at random, and are the same in every run.
pub struct Numbers(u64);

impl Numbers {
    pub fn new(seed: u64) -> Self {
        Numbers(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// The next number, with three decimals: what can be written in a sheet without loss.
    pub fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 % 3001) as f64 - 1500.0) / 1000.0
    }

    pub fn vector(&mut self, length: usize) -> Vec<f64> {
        (0..length).map(|_| self.next()).collect()
    }

    pub fn matrix(&mut self, rows: usize, columns: usize) -> Vec<Vec<f64>> {
        (0..rows).map(|_| self.vector(columns)).collect()
    }
}
