//! The page that the reader of a checked sheet sees.

use gatewise_reference::number;

use super::chain::Place;
use super::diagnosis::Finding;
use super::misprint::rounded_text;
use super::rerun::Shortening;
use super::sheet::Sheet;
use super::verdict::{Rounding, Verdict, count, nearest_written};
use super::words::{plain, with_numbers};
use crate::text::table;

/// Vectors longer than this are not written out.
const LONGEST_VECTOR: usize = 6;

/// The heading, and a table a step.
pub fn tables(sheet: &Sheet, verdicts: &[Verdict], digits: usize) -> String {
    let sizes = [
        sheet.cell.to_string(),
        several(sheet.chain.hidden, "unit"),
        several(sheet.inputs, "feature"),
        several(sheet.x.len(), "step"),
    ];
    let mut page = match &sheet.title {
        Some(title) => format!("{title}\n{}\n", sizes.join(", ")),
        None => format!("{}\n", sizes.join(", ")),
    };
    for step in 0..sheet.chain.steps() {
        page += &format!("\n{}\n", step_heading(sheet, step));
        let rows = sheet.chain.places(step).map(|place| row(sheet, verdicts, place, digits));
        page += &table(&["", "quantity", "how", "exact", "yours", ""], &[3, 4], rows);
    }
    page
}

/// What is wrong with the first wrong line, and the likely mistakes.
pub fn explanation(sheet: &Sheet, line: usize, findings: &[Finding], digits: usize) -> String {
    let line = &sheet.lines[line];
    let quantity = sheet.chain.quantity(line.place);
    let at_step = if sheet.chain.steps() > 1 { format!(" at step {}", line.place.step) } else { String::new() };
    let mut text = format!(
        "\nThe first mistake: {} ({}){at_step} is {}, not {}.\n",
        quantity.symbol,
        quantity.name,
        rounded_text(quantity.value, line.written.decimals),
        line.written.text
    );
    match findings {
        [] => {
            text += "None of the usual mistakes gives this number. The right computation:\n";
            text += &right_computation(sheet, line.place, digits);
        }
        [only] => text += &format!("Most likely: {}.\n", only.text),
        several => {
            text += "Any of these gives this number, the most likely first:\n";
            for (at, finding) in several.iter().enumerate() {
                text += &format!("  {}. {}.\n", at + 1, finding.text);
            }
        }
    }
    if let Some(first) = findings.first()
        && !first.explains.is_empty()
    {
        let others: Vec<String> =
            first.explains.iter().map(|&other| name(sheet, sheet.lines[other].place, line.place.step)).collect();
        let which = if findings.len() > 1 { "The first of them" } else { "It" };
        text += &format!("{which} explains {} as well.\n", listing(&others));
    }
    text
}

/// The last line: how many of each.
pub fn summary(verdicts: &[Verdict]) -> String {
    let counts = count(verdicts);
    let mut parts = vec![format!("{} right", counts.right)];
    if counts.rounded_early > 0 {
        parts.push(format!("{} rounded early", counts.rounded_early));
    }
    parts.push(format!("{} wrong", counts.wrong));
    match counts.follow {
        0 => {}
        1 => parts.push("1 follows from it".to_string()),
        follow => parts.push(format!("{follow} follow from it")),
    }
    let mut text = format!("\n{}\n", parts.join(", "));
    if counts.wrong > 1 {
        text += "Mend the first mistake and check again: the other wrong lines have reasons of their own.\n";
    }
    text
}

fn step_heading(sheet: &Sheet, step: usize) -> String {
    let vector = |values: &[f64]| match values {
        [only] => plain(*only, 6),
        few if few.len() <= LONGEST_VECTOR => {
            format!("[{}]", few.iter().map(|&value| plain(value, 6)).collect::<Vec<_>>().join(", "))
        }
        many => format!("{} numbers", many.len()),
    };
    let mut parts = vec![format!("x = {}", vector(&sheet.x[step]))];
    if step == 0 {
        parts.push(format!("h⁻ = {}", vector(&sheet.start.0)));
        if !sheet.start.1.is_empty() {
            parts.push(format!("c⁻ = {}", vector(&sheet.start.1)));
        }
    }
    format!("Step {step}: {}", parts.join(", "))
}

fn row(sheet: &Sheet, verdicts: &[Verdict], place: Place, digits: usize) -> Vec<String> {
    let quantity = sheet.chain.quantity(place);
    let (mark, yours, note) = match sheet.line_at(place) {
        None => ("", "–".to_string(), String::new()),
        Some(line) => {
            let written = &sheet.lines[line].written;
            let right = rounded_text(quantity.value, written.decimals);
            let (mark, note) = match &verdicts[line] {
                Verdict::Right => ("✓", String::new()),
                Verdict::Cut => ("✓", format!("cut, not rounded: {right} is nearer")),
                Verdict::RoundedEarly(rounding) => ("~", format!("{right}, {}", early(sheet, rounding, place))),
                Verdict::Follows(from) => {
                    ("↳", format!("{right}; follows from your {}", listing(&sources(sheet, from, place.step))))
                }
                Verdict::SameMistake => ("↳", format!("{right}; the same mistake")),
                Verdict::Wrong => ("✗", format!("wrong: {right}")),
            };
            (mark, written.text.clone(), note)
        }
    };
    vec![
        mark.to_string(),
        quantity.symbol.clone(),
        with_numbers(&quantity.formula, digits),
        fixed(quantity.value, digits),
        yours,
        note,
    ]
}

fn early(sheet: &Sheet, rounding: &Rounding, place: Place) -> String {
    match rounding {
        Rounding::Of(places) => {
            let own = |&from: &Place| {
                let text = sheet.line_at(from).map_or("", |line| &sheet.lines[line].written.text);
                format!("{} = {text}", name(sheet, from, place.step))
            };
            format!("but this comes of your rounded {}", listing(&places.iter().map(own).collect::<Vec<_>>()))
        }
        Rounding::OfAll => "but this comes of your rounded numbers above".to_string(),
        Rounding::Everywhere(Shortening::Rounded(decimals)) => {
            format!("but this comes of rounding every number to {}", several_decimals(*decimals))
        }
        Rounding::Everywhere(Shortening::Cut(decimals)) => {
            format!("but this comes of cutting every number after {}", several_decimals(*decimals))
        }
    }
}

/// The formulas from the numbers above to the quantity, with the numbers put in.
fn right_computation(sheet: &Sheet, place: Place, digits: usize) -> String {
    let nearest = nearest_written(sheet, place);
    let (mut needed, mut next) = (vec![place], 0);
    while let Some(&at) = needed.get(next) {
        for &source in sheet.chain.sources(at).iter().flatten() {
            if source.step == place.step && !nearest.contains(&source) && !needed.contains(&source) {
                needed.push(source);
            }
        }
        next += 1;
    }
    needed.sort();
    let rows = needed.into_iter().map(|place| {
        let quantity = sheet.chain.quantity(place);
        let symbols = quantity.formula.with_symbols(gatewise_reference::Length::Short);
        let numbers = with_numbers(&quantity.formula, digits);
        vec![
            quantity.symbol.clone(),
            format!("= {symbols}"),
            format!("= {numbers}"),
            format!("= {}", plain(quantity.value, digits)),
        ]
    });
    table(&[], &[], rows)
}

/// The names of wrong numbers above; the state of an earlier step is named once for all its units.
fn sources(sheet: &Sheet, from: &[Place], here: usize) -> Vec<String> {
    let mut names = Vec::new();
    for &place in from {
        let name = match place.step == here {
            true => name(sheet, place, here),
            false => format!("{} of step {}", sheet.chain.quantity(place).letter, place.step),
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The symbol, with its step if that is another one.
fn name(sheet: &Sheet, place: Place, here: usize) -> String {
    let symbol = &sheet.chain.quantity(place).symbol;
    if place.step == here { symbol.clone() } else { format!("{symbol} of step {}", place.step) }
}

fn fixed(value: f64, digits: usize) -> String {
    if value == value.trunc() && value.abs() < 1e9 {
        return format!("{value:.digits$}").replace('-', "−");
    }
    number(value, digits)
}

fn several(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

fn several_decimals(decimals: i32) -> String {
    if decimals == 1 { "1 decimal".to_string() } else { format!("{decimals} decimals") }
}

/// `a`, `a and b`, `a, b and c`; of more than five the first three.
fn listing(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [only] => only.clone(),
        [most @ .., last] if names.len() <= 5 => format!("{} and {last}", most.join(", ")),
        _ => format!("{} and {} more", names[..3].join(", "), names.len() - 3),
    }
}
