//! What the loss hears of every number of one step: for each a sum that grows by one product a use.

use crate::expression::{Expression, Term};
use crate::operand::{Operand, Symbol};
use crate::recorder::{Label, Recorder, Sum};
use crate::scalar::Scalar;

/// The sums of one step, by letter.
#[derive(Debug, Clone)]
pub(super) struct Shares<S> {
    letters: Vec<Letter<S>>,
    /// Whether somebody wants to know the terms.
    kept: bool,
}

/// The sums of all numbers of one letter, row after row.
#[derive(Debug, Clone)]
struct Letter<S> {
    letter: &'static str,
    columns: usize,
    shares: Vec<Share<S>>,
}

/// The sum of one number.
#[derive(Debug, Clone)]
pub(super) struct Share<S> {
    /// The number's own symbol; `None` as long as nothing uses it.
    symbol: Option<Symbol>,
    sum: Sum<S>,
}

impl<S: Scalar> Shares<S> {
    pub(super) fn new(kept: bool) -> Self {
        Shares { letters: Vec::new(), kept }
    }

    /// Makes room for `count` numbers of a letter, in rows of so many columns.
    pub(super) fn begin(&mut self, letter: &'static str, columns: usize, count: usize) {
        self.letters.push(Letter { letter, columns, shares: vec![Share::nothing(self.kept); count] });
    }

    /// Adds a product to d of a number; constants have none.
    pub(super) fn add(&mut self, of: Symbol, negative: bool, factors: &[Operand<S>]) {
        let kept = self.kept;
        let letter = self.of_letter(of.letter());
        let Some(position) = of.position(letter.columns) else { return };
        // Quantities have no room yet: there are as many as come.
        if position >= letter.shares.len() {
            letter.shares.resize(position + 1, Share::nothing(kept));
        }
        let share = &mut letter.shares[position];
        share.symbol = Some(of);
        share.sum.add_signed(negative, factors);
    }

    /// Takes d of a number, to which nothing is added any more.
    pub(super) fn take(&mut self, of: Symbol) -> Share<S> {
        let nothing = Share::nothing(self.kept);
        let letter = self.of_letter(of.letter());
        let share = of.position(letter.columns).and_then(|position| letter.shares.get_mut(position));
        share.map_or(nothing.clone(), |share| std::mem::replace(share, nothing))
    }

    /// All numbers of a letter, in their order.
    pub(super) fn of(&self, letter: &str) -> &[Share<S>] {
        self.letters.iter().find(|found| found.letter == letter).map_or(&[], |found| &found.shares)
    }

    fn of_letter(&mut self, letter: &'static str) -> &mut Letter<S> {
        let at = match self.letters.iter().position(|found| found.letter == letter) {
            Some(at) => at,
            None => {
                self.letters.push(Letter { letter, columns: 1, shares: Vec::new() });
                self.letters.len() - 1
            }
        };
        &mut self.letters[at]
    }
}

impl<S: Scalar> Share<S> {
    fn nothing(kept: bool) -> Self {
        Share { symbol: None, sum: Sum::new(kept) }
    }

    /// d of the number; 0 if nothing uses it.
    pub(super) fn value(&self) -> S {
        if self.symbol.is_some() { self.sum.value } else { S::ZERO }
    }

    /// Tells the recorder how d of a computed number came about.
    pub(super) fn record(self, label: Label, recorder: &mut impl Recorder<S>) {
        let (value, mut terms) = (self.value(), self.sum.terms.unwrap_or_default());
        if terms.is_empty() {
            terms.push(Term { negative: false, factors: vec![Operand::zero()] });
        }
        let label = Label { symbol: label.symbol.gradient(), ..label };
        recorder.record(label.quantity(&Expression::Sum(terms), value));
    }

    /// Tells the recorder how d of a given number came about, if anything uses it.
    pub(super) fn record_given(&self, name: &'static str, unit: usize, recorder: &mut impl Recorder<S>) {
        if let Some(symbol) = self.symbol {
            self.clone().record(Label { symbol, unit, name }, recorder);
        }
    }
}
