//! The trace as a plain table: symbol, formula with the numbers put in, value, name.

use std::fmt;

use crate::notation::{Length, number};
use crate::scalar::Scalar;
use crate::trace::{Step, Trace};

/// Decimals if the format string does not say how many.
const DIGITS: usize = 6;

/// Writes a line a quantity. `{:.2}` gives two decimals (six otherwise), `{:#}` every term of long sums.
///
/// ```
/// use gatewise_reference::{Cell, Trace, TraceFilter, example};
///
/// let mut trace = Trace::new(TraceFilter::default());
/// example::worked_example::<f64>().step(&example::moment(), &mut trace);
/// let step = trace.step(0, 0).expect("the only step");
/// assert!(format!("{step:.2}").starts_with("\
/// z_f     = 1.63·1 + 2.70·1 + 1.62    = 5.95  forget gate's sum
/// f       = σ(5.95)                   = 1.00  forget gate
/// f·c⁻    = 1.00·2                    = 1.99  kept memory
/// "), "{step:.2}");
/// ```
impl<S: Scalar> fmt::Display for Step<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = f.precision().unwrap_or(DIGITS);
        let length = if f.alternate() { Length::Full } else { Length::Short };
        let mut rows = Vec::with_capacity(self.quantities.len());
        for quantity in &self.quantities {
            rows.push([
                quantity.symbol.clone(),
                quantity.formula.with_numbers(digits, length),
                number(quantity.value, digits),
            ]);
        }
        let mut widths = [0; 3];
        for row in &rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let [first, second, third] = widths;
        for (row, quantity) in rows.iter().zip(&self.quantities) {
            let [symbol, formula, value] = row;
            let name = quantity.name;
            writeln!(f, "{symbol:first$} = {formula:second$} = {value:third$}  {name}")?;
        }
        Ok(())
    }
}

/// Writes every step under a heading; `{:.2}` and `{:#}` as for [`Step`].
impl<S: Scalar> fmt::Display for Trace<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.steps().enumerate() {
            if at > 0 {
                writeln!(f)?;
            }
            let cell = self.cell_of(step);
            if !cell.is_empty() {
                write!(f, "{cell}, ")?;
            }
            if let Some(place) = step.place {
                write!(f, "{place}, ")?;
            }
            writeln!(f, "batch row {}, step {}", step.batch, step.step)?;
            fmt::Display::fmt(step, f)?;
        }
        Ok(())
    }
}
