//! What is seen while it learns: a bar on a terminal, and a line an epoch.

use anyhow::Result;
use gatewise::train::Moment;
use indicatif::{ProgressBar, ProgressStyle};

use super::curve::{Judged, Row};
use crate::text;

/// A bar that is drawn on a terminal only.
pub struct Bar(ProgressBar);

impl Bar {
    /// Nothing drawn yet.
    pub fn new() -> Self {
        let bar = ProgressBar::new(0);
        let style = ProgressStyle::with_template("{prefix} {bar:32} {pos}/{len} batches  {msg}  {eta} left");
        // The template is ours: with the default the bar would lack some words, no more.
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Bar(bar)
    }

    /// Shows how far an epoch is.
    pub fn show(&self, moment: &Moment, judged: Judged, epochs: u64) {
        if moment.batch == 1 {
            self.0.reset();
        }
        self.0.set_length(moment.batches as u64);
        self.0.set_prefix(format!("epoch {}/{epochs}", moment.epoch + 1));
        self.0.set_message(words("loss", judged));
        self.0.set_position(moment.batch as u64);
    }

    /// Prints the line of an epoch above the bar.
    pub fn finish(&self, row: &Row, epochs: u64, best: bool) -> Result<()> {
        let mut line = format!("epoch {}/{epochs}  {}", row.epoch, words("loss", row.training));
        if let Some(validation) = row.validation {
            line += &format!("  {}", words("validation loss", validation));
        }
        line += &format!("  rate {}  norm {}  {:.1} s", short(row.rate), short(row.norm), row.seconds);
        if best {
            line += "  best";
        }
        self.print(&line)
    }

    /// Prints a line above the bar.
    pub fn print(&self, line: &str) -> Result<()> {
        self.0.suspend(|| text::print(&format!("{line}\n")))
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn words(name: &str, judged: Judged) -> String {
    let accuracy = judged.accuracy.map(|share| format!(" accuracy {:.1} %", share * 100.0));
    format!("{name} {}{}", short(judged.loss), accuracy.unwrap_or_default())
}

/// Four digits.
pub fn short(value: f64) -> String {
    match value.abs() {
        size if size == 0.0 || (1e-3..1e5).contains(&size) => {
            let decimals = (3.0 - size.max(1e-3).log10().floor()).clamp(0.0, 6.0) as usize;
            let text = format!("{value:.decimals$}");
            if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
        }
        _ => format!("{value:.3e}"),
    }
}
