//! The curve of a run: a line an epoch, as CSV.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};
use gatewise::train::{Epoch, Loss, Objective};

use crate::files::write_whole;

const HEADER: &str =
    "epoch,training_loss,training_accuracy,validation_loss,validation_accuracy,rate,gradient_norm,seconds";

/// An epoch; epochs count from 1 here, as people do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    pub epoch: u64,
    pub training: Judged,
    pub validation: Option<Judged>,
    pub rate: f64,
    /// The largest of the epoch, before it was bounded.
    pub norm: f64,
    pub seconds: f64,
}

/// A loss, and the share of what was right, where there is right and wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judged {
    pub loss: f64,
    pub accuracy: Option<f64>,
}

impl Judged {
    /// Of a loss of this kind.
    pub fn new(loss: Loss, objective: Objective) -> Self {
        let judges = objective != Objective::SquaredError;
        Judged { loss: loss.mean(), accuracy: judges.then(|| loss.accuracy()) }
    }
}

impl Row {
    /// The row of an epoch that took so long.
    pub fn new(epoch: &Epoch, objective: Objective, seconds: f64) -> Self {
        Row {
            epoch: epoch.epoch + 1,
            training: Judged::new(epoch.training, objective),
            validation: epoch.validation.map(|loss| Judged::new(loss, objective)),
            rate: epoch.rate,
            norm: epoch.norm,
            seconds,
        }
    }

    fn write(&self) -> String {
        let accuracy = |judged: Option<Judged>| judged.and_then(|judged| judged.accuracy);
        let cells = [
            Some(self.training.loss),
            accuracy(Some(self.training)),
            self.validation.map(|judged| judged.loss),
            accuracy(self.validation),
            Some(self.rate),
            Some(self.norm),
        ];
        let mut line = self.epoch.to_string();
        for cell in cells {
            line.push(',');
            // Nine digits, which single precision has at most.
            line += &cell.map_or(String::new(), |value| format!("{value:.8e}"));
        }
        format!("{line},{:.3}", self.seconds)
    }

    fn parse(line: &str) -> Option<Self> {
        let mut cells = line.split(',');
        let epoch = cells.next()?.parse().ok()?;
        let mut number = || -> Option<Option<f64>> {
            match cells.next()? {
                "" => Some(None),
                text => text.parse().ok().map(Some),
            }
        };
        let training = Judged { loss: number()??, accuracy: number()? };
        let (loss, accuracy) = (number()?, number()?);
        let validation = loss.map(|loss| Judged { loss, accuracy });
        let (rate, norm, seconds) = (number()??, number()??, number()??);
        cells.next().is_none().then_some(Row { epoch, training, validation, rate, norm, seconds })
    }
}

/// Writes all rows, whole or not at all.
pub fn write(path: &Path, rows: &[Row]) -> Result<()> {
    write_whole(path, |file| {
        writeln!(file, "{HEADER}")?;
        rows.iter().try_for_each(|row| writeln!(file, "{}", row.write()))?;
        Ok(())
    })
}

/// The first `epochs` rows of a file that [`write`] made; none if there is no such file.
pub fn read(path: &Path, epochs: u64) -> Result<Vec<Row>> {
    let shown = path.display();
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| shown.to_string()),
    };
    let mut lines = text.lines();
    ensure!(lines.next() == Some(HEADER), "{shown}: line 1: expected {HEADER}");
    let row = |(index, line): (usize, &str)| {
        Row::parse(line).ok_or_else(|| anyhow!("{shown}: line {}: expected the numbers of an epoch", index + 2))
    };
    let mut rows: Vec<Row> = lines.enumerate().map(row).collect::<Result<_>>()?;
    rows.retain(|row| row.epoch <= epochs);
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_reads_back() {
        let judged = |accuracy| Judged { loss: 0.125, accuracy };
        for (accuracy, validation) in [(None, None), (Some(0.5), Some(judged(Some(0.75)))), (None, Some(judged(None)))]
        {
            let row = Row { epoch: 3, training: judged(accuracy), validation, rate: 0.25, norm: 1.5, seconds: 0.375 };
            assert_eq!(Row::parse(&row.write()), Some(row), "{}", row.write());
        }
        for odd in ["", "1,2", "1,x,,,,1,1,1", "1,1,,,,1,1,1,1", "1,,,,,1,1,1"] {
            assert_eq!(Row::parse(odd), None, "{odd:?}");
        }
    }
}
