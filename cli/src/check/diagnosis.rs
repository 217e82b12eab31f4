//! Finds the likely mistake behind the first wrong line: every usual slip is made, and those that give the number are kept.

use std::collections::HashSet;

use super::chain::Place;
use super::misprint::misprints;
use super::rerun::{Rerun, Shortening};
use super::sheet::Sheet;
use super::slip::{Made, Scope, Slip};
use super::suspects::suspects;
use super::verdict::{Verdict, nearest_written, with_written};
use super::words;

/// A mistake that gives what was written.
#[derive(Debug, Clone)]
pub struct Finding {
    /// What was done, with the numbers.
    pub text: String,
    /// The smaller, the likelier.
    score: f64,
    /// Other wrong lines that the same mistake gives, as indices of the sheet's lines.
    pub explains: Vec<usize>,
}

/// Findings that are hardly less likely than the first are told as well.
const ALSO_LIKELY: f64 = 0.8;
const MOST_TOLD: usize = 3;

/// Finds the likely mistakes behind a wrong line, likeliest first.
pub fn diagnose(sheet: &Sheet, verdicts: &[Verdict], line: usize) -> Vec<Finding> {
    let place = sheet.lines[line].place;
    let open = unwritten(sheet, place);
    let mut findings = slips(sheet, verdicts, line, &open, place.step);
    // Rarer: one slip at an earlier step whose numbers were not written down.
    let earlier = open.iter().map(|(place, _)| place.step).min().unwrap_or(place.step)..place.step;
    for step in earlier.rev() {
        if findings.is_empty() {
            findings = slips(sheet, verdicts, line, &open, step);
        }
    }
    for misprint in misprints(&sheet.chain, place, &sheet.lines[line].written) {
        findings.push(Finding { text: misprint.text, score: misprint.cost, explains: Vec::new() });
    }
    findings.sort_by(|a, b| a.score.total_cmp(&b.score));
    let likely = findings.first().map_or(0.0, |first| first.score) + ALSO_LIKELY;
    findings.retain(|finding| finding.score <= likely);
    findings.truncate(MOST_TOLD);
    findings
}

/// The quantity and all that it is computed from through quantities without a number in the sheet, each with its distance.
fn unwritten(sheet: &Sheet, place: Place) -> Vec<(Place, usize)> {
    let mut open = vec![(place, 0)];
    let mut next = 0;
    while let Some(&(place, distance)) = open.get(next) {
        for &source in sheet.chain.sources(place).iter().flatten() {
            if sheet.line_at(source).is_none() && open.iter().all(|(known, _)| *known != source) {
                open.push((source, distance + 1));
            }
        }
        next += 1;
    }
    open
}

fn slips(sheet: &Sheet, verdicts: &[Verdict], line: usize, open: &[(Place, usize)], step: usize) -> Vec<Finding> {
    let mut tried = HashSet::new();
    let nearest = Nearest::new(sheet, line);
    let mut findings: Vec<(Slip, Place, Finding)> = Vec::new();
    for &(place, distance) in open.iter().filter(|&&(place, _)| place.step == step) {
        for suspect in suspects(&sheet.chain, place) {
            let is_possible = suspect.slip.formula(&sheet.chain, place).is_some();
            if !is_possible || is_found_further_up(sheet, open, place, &suspect.slip) {
                continue;
            }
            for scope in scopes(sheet, sheet.lines[line].place.step, place, &suspect.slip) {
                let made = Made { slip: suspect.slip.clone(), letters: suspect.letters.clone(), scope };
                // A slip made everywhere is the same for all the quantities that it is thought of for.
                let is_new = !scope.everywhere || tried.insert(format!("{:?} {scope:?}", made.slip));
                if is_new && nearest.gives(sheet, &made) {
                    let mut finding = finding(sheet, verdicts, line, &made, place);
                    finding.score += suspect.cost + 0.3 * distance as f64;
                    keep_better(&mut findings, made.slip.clone(), place, finding);
                }
            }
        }
    }
    findings.into_iter().map(|(_, _, finding)| finding).collect()
}

/// Whether the slip is to use z for σ(z) where σ(z) is open itself: there the same is found as a forgotten function.
fn is_found_further_up(sheet: &Sheet, open: &[(Place, usize)], place: Place, slip: &Slip) -> bool {
    let Slip::Instead { used, of } = *slip else { return false };
    let unit = sheet.chain.quantity(place).unit;
    sheet.chain.of_unit(place.step, unit, of).is_some_and(|source| {
        sheet.chain.function_of(source) == Some(used) && open.iter().any(|(known, _)| *known == source)
    })
}

/// From the narrowest to the widest; the wide ones only for the step of the wrong line itself, `now`.
fn scopes(sheet: &Sheet, now: usize, place: Place, slip: &Slip) -> Vec<Scope> {
    let unit = sheet.chain.quantity(place).unit;
    let units = [Some(Some(unit)), (sheet.chain.hidden > 1).then_some(None)];
    let is_now = place.step == now;
    let steps = [Some(Some(place.step)), (is_now && sheet.chain.steps() > 1).then_some(None)];
    let widths = [Some(false), (is_now && slip.is_general()).then_some(true)];
    let mut scopes = Vec::new();
    for everywhere in widths.into_iter().flatten() {
        for step in steps.into_iter().flatten() {
            for unit in units.into_iter().flatten() {
                scopes.push(Scope { step, unit, everywhere });
            }
        }
    }
    scopes
}

/// A line to explain, and the numbers of the sheet that it is computed from.
struct Nearest {
    line: usize,
    places: Vec<Place>,
}

impl Nearest {
    fn new(sheet: &Sheet, line: usize) -> Self {
        Nearest { line, places: nearest_written(sheet, sheet.lines[line].place) }
    }

    /// Whether the slip gives what was written: from exact numbers, from the sheet's own, or from rounded ones.
    fn gives(&self, sheet: &Sheet, made: &Made) -> bool {
        let line = &sheet.lines[self.line];
        let rounded = Shortening::Rounded(line.written.decimals);
        let matches = |rerun: Rerun| line.written.is_rounded_from(rerun.slip(made).value(line.place));
        let own = || with_written(sheet, &self.places);
        matches(Rerun::new(&sheet.chain))
            || (!self.places.is_empty() && matches(own()))
            || matches(own().shorten(rounded))
    }
}

/// Weighs what else the slip explains, and what it contradicts.
fn finding(sheet: &Sheet, verdicts: &[Verdict], line: usize, made: &Made, place: Place) -> Finding {
    let rerun = Rerun::new(&sheet.chain).slip(made);
    let (mut explains, mut contradicts) = (Vec::new(), 0);
    for (other, verdict) in verdicts.iter().enumerate().filter(|(other, _)| *other != line) {
        let written = &sheet.lines[other].written;
        match verdict {
            Verdict::Wrong if Nearest::new(sheet, other).gives(sheet, made) => explains.push(other),
            Verdict::Right if !written.is_within(rerun.value(sheet.lines[other].place), 1.5 * written.unit()) => {
                contradicts += 1;
            }
            _ => {}
        }
    }
    let Scope { step, unit, everywhere } = made.scope;
    let chain = &sheet.chain;
    let wide_steps = if step.is_none() && chain.steps() > 1 { 0.15 } else { 0.0 };
    let wide_units = if unit.is_none() && chain.hidden > 1 { 0.1 } else { 0.0 };
    let width = wide_steps + wide_units + if everywhere { 0.25 } else { 0.0 };
    let score = width + 1.5 * contradicts.min(3) as f64 - 0.7 * explains.len().min(4) as f64;

    let symbol = &chain.quantity(sheet.lines[line].place).symbol;
    let mut text = words::what(made, chain, place);
    text += ": ";
    text += &words::arithmetic(&rerun.formula(place), chain, place, sheet.digits());
    if sheet.lines[line].place != place {
        text += &format!("; so {symbol} came out as {}", sheet.lines[line].written.text);
    }
    Finding { text, score, explains }
}

/// Of the same slip in the same place with several scopes only the likeliest is kept.
fn keep_better(findings: &mut Vec<(Slip, Place, Finding)>, slip: Slip, place: Place, finding: Finding) {
    match findings.iter_mut().find(|(known, at, _)| *known == slip && *at == place) {
        Some((_, _, known)) if finding.score < known.score => *known = finding,
        Some(_) => {}
        None => findings.push((slip, place, finding)),
    }
}
