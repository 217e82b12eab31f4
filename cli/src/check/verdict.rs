//! What is said of each line of a sheet.

use super::chain::Place;
use super::rerun::{Rerun, Shortening};
use super::sheet::Sheet;

/// What is said of one line.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// What the exact value rounds to.
    Right,
    /// The exact value, cut after the written decimals instead of rounded.
    Cut,
    /// Not what the exact value rounds to, but what comes of numbers that were rounded before.
    RoundedEarly(Rounding),
    /// Correctly computed from wrong numbers above, which are named.
    Follows(Vec<Place>),
    /// What the mistake that was found further up gives here, too.
    SameMistake,
    /// Neither.
    Wrong,
}

/// Which early rounding gives the number.
#[derive(Debug, Clone, PartialEq)]
pub enum Rounding {
    /// That of these numbers of the sheet.
    Of(Vec<Place>),
    /// That of all numbers which it is computed from.
    OfAll,
    /// That of every intermediate number, to so many decimals.
    Everywhere(Shortening),
}

impl Verdict {
    /// Whether the number may be relied on in what follows.
    pub fn is_sound(&self) -> bool {
        matches!(self, Verdict::Right | Verdict::Cut | Verdict::RoundedEarly(_))
    }
}

/// Judges every line, in the order of computation.
pub fn judge(sheet: &Sheet) -> Vec<Verdict> {
    let mut verdicts = Vec::with_capacity(sheet.lines.len());
    for line in &sheet.lines {
        let exact = sheet.chain.exact(line.place);
        let verdict = if line.written.is_rounded_from(exact) {
            Verdict::Right
        } else {
            judge_deviation(sheet, line.place, &verdicts)
        };
        verdicts.push(verdict);
    }
    verdicts
}

/// The nearest quantities with a number in the sheet that a quantity is computed from, through those without one.
pub fn nearest_written(sheet: &Sheet, place: Place) -> Vec<Place> {
    let (mut found, mut seen, mut waiting) = (Vec::new(), vec![place], vec![place]);
    while let Some(next) = waiting.pop() {
        for &source in sheet.chain.sources(next).iter().flatten() {
            if seen.contains(&source) {
                continue;
            }
            seen.push(source);
            match sheet.line_at(source) {
                Some(_) => found.push(source),
                None => waiting.push(source),
            }
        }
    }
    found.sort();
    found
}

/// The computation with the sheet's own numbers put in at these places.
pub fn with_written<'a>(sheet: &'a Sheet, places: &[Place]) -> Rerun<'a> {
    let mut rerun = Rerun::new(&sheet.chain);
    for &place in places {
        if let Some(line) = sheet.line_at(place) {
            rerun = rerun.put(place, sheet.lines[line].written.value);
        }
    }
    rerun
}

fn judge_deviation(sheet: &Sheet, place: Place, above: &[Verdict]) -> Verdict {
    let Some(line) = sheet.line_at(place) else { return Verdict::Wrong };
    let written = &sheet.lines[line].written;
    let exact = sheet.chain.exact(place);
    let nearest = nearest_written(sheet, place);
    let is_sound = |place: &Place| sheet.line_at(*place).is_none_or(|line| above[line].is_sound());

    let wrong: Vec<Place> = nearest.iter().copied().filter(|place| !is_sound(place)).collect();
    if !wrong.is_empty() && follows(sheet, place, &nearest) {
        return Verdict::Follows(wrong);
    }
    let sound: Vec<Place> = nearest.into_iter().filter(is_sound).collect();
    let gives = |places: &[Place]| written.is_rounded_from(with_written(sheet, places).value(place));
    if gives(&sound) {
        return Verdict::RoundedEarly(match sound.iter().find(|&&one| gives(&[one])) {
            Some(&one) => Rounding::Of(vec![one]),
            None => Rounding::OfAll,
        });
    }
    if written.is_cut_from(exact) {
        return Verdict::Cut;
    }
    if let Some(places) = some_rounded(&sound).into_iter().find(|places| gives(places)) {
        return Verdict::RoundedEarly(Rounding::Of(places));
    }
    for shortening in [Shortening::Rounded(written.decimals), Shortening::Cut(written.decimals)] {
        let rerun = Rerun::new(&sheet.chain).shorten(shortening);
        let anchored = with_written(sheet, &sound).shorten(shortening);
        if written.is_rounded_from(rerun.value(place)) || written.is_rounded_from(anchored.value(place)) {
            return Verdict::RoundedEarly(Rounding::Everywhere(shortening));
        }
    }
    Verdict::Wrong
}

/// Whether the number comes of the numbers above, each of them known only to its last written decimal: whoever calculates
/// may have kept more decimals than were written down.
fn follows(sheet: &Sheet, place: Place, nearest: &[Place]) -> bool {
    let Some(line) = sheet.line_at(place) else { return false };
    let written = &sheet.lines[line].written;
    let value = with_written(sheet, nearest).value(place);
    let mut slack = 0.0;
    for &source in nearest {
        let Some(line) = sheet.line_at(source) else { continue };
        let own = &sheet.lines[line].written;
        let moved = |by: f64| {
            let rerun = with_written(sheet, nearest).put(source, own.value + by * own.unit());
            (rerun.value(place) - value).abs()
        };
        slack += moved(0.5).max(moved(-0.5));
    }
    let nearer = (written.value - value).abs() < (written.value - sheet.chain.exact(place)).abs();
    nearer && (written.is_cut_from(value) || written.is_within(value, 0.5 * written.unit() + slack))
}

/// One alone, two together, all but one.
fn some_rounded(places: &[Place]) -> Vec<Vec<Place>> {
    let mut choices: Vec<Vec<Place>> = places.iter().map(|&one| vec![one]).collect();
    for (at, &one) in places.iter().enumerate() {
        choices.extend(places[at + 1..].iter().map(|&other| vec![one, other]));
    }
    for &left_out in places {
        choices.push(places.iter().copied().filter(|&place| place != left_out).collect());
    }
    choices.retain(|choice| !choice.is_empty());
    choices
}

/// How many lines got each verdict.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub right: usize,
    pub rounded_early: usize,
    pub wrong: usize,
    pub follow: usize,
}

/// Counts the verdicts.
pub fn count(verdicts: &[Verdict]) -> Counts {
    let mut counts = Counts::default();
    for verdict in verdicts {
        match verdict {
            Verdict::Right | Verdict::Cut => counts.right += 1,
            Verdict::RoundedEarly(_) => counts.rounded_early += 1,
            Verdict::Follows(_) | Verdict::SameMistake => counts.follow += 1,
            Verdict::Wrong => counts.wrong += 1,
        }
    }
    counts
}
