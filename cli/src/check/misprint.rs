//! Mistakes of the pen: a right number written down wrong, or in the wrong line.

use gatewise_reference::Formula;

use super::chain::{Chain, Place};
use super::words::plain;
use super::written::{Written, round};

/// A mistake of the pen that gives what was written.
pub struct Misprint {
    pub text: String,
    /// On the scale of the suspects.
    pub cost: f64,
}

/// Lists the mistakes of the pen that give what was written.
pub fn misprints(chain: &Chain, place: Place, written: &Written) -> Vec<Misprint> {
    let exact = chain.exact(place);
    let quantity = chain.quantity(place);
    let symbol = &quantity.symbol;
    let mut found = Vec::new();
    let mut add = |cost: f64, text: String| found.push(Misprint { text, cost });
    let right = rounded_text(exact, written.decimals);

    if written.value != 0.0 && written.is_rounded_from(-exact) {
        add(1.5, format!("the sign is the wrong way round: {right}"));
    }
    if is_transposed(&written.text, &right) {
        add(1.3, format!("two digits changed places: {} for {right}", written.text));
    }
    for (power, way) in [(-1, "left"), (1, "right"), (-2, "left"), (2, "right")] {
        let moved = exact * 10f64.powi(power);
        if significant(&written.text) > 1 && written.is_rounded_from(moved) {
            let places = if power.abs() == 1 { "one place" } else { "two places" };
            add(1.5, format!("the decimal point is {places} too far to the {way}: {right}"));
        }
    }
    if (written.value - exact).abs() < written.unit() {
        let exact = plain(exact, usize::try_from(written.decimals + 2).unwrap_or(0));
        add(2.0, format!("{exact} was rounded the wrong way: {right} is nearer than {}", written.text));
    }
    if let Some((cost, text)) = other_line(chain, place, written) {
        add(cost, format!("{} is {text}, not {symbol}: a number from another line", written.text));
    }
    found
}

/// The likeliest other quantity that what was written is the value of.
fn other_line(chain: &Chain, place: Place, written: &Written) -> Option<(f64, String)> {
    let own = chain.quantity(place);
    let sources = chain.sources(place);
    let mut best: Option<(f64, String)> = None;
    let mut offer = |cost: f64, value: f64, text: String| {
        if written.is_rounded_from(value) && best.as_ref().is_none_or(|(least, _)| cost < *least) {
            best = Some((cost, text));
        }
    };
    for other in chain.places(place.step).filter(|&other| other != place) {
        let quantity = chain.quantity(other);
        let text = format!("{} ({})", quantity.symbol, quantity.name);
        // A function of the number, or the number that it is a function of, stands one line away.
        let applied = |to: Place, of: Place| {
            matches!(chain.quantity(to).formula, Formula::Apply { .. }) && chain.sources(to).contains(&Some(of))
        };
        let cost = match () {
            () if applied(other, place) || applied(place, other) => 1.3,
            () if quantity.unit != own.unit && quantity.letter == own.letter => 2.2,
            () if sources.contains(&Some(other)) || chain.sources(other).contains(&Some(place)) => 2.2,
            () if quantity.unit == own.unit => 2.6,
            () => continue,
        };
        offer(cost, quantity.value, text);
    }
    if let Some(step) = place.step.checked_sub(1) {
        let before = Place { step, at: place.at };
        offer(2.2, chain.exact(before), format!("{} of step {step}", own.symbol));
    }
    for state in ["c⁻", "h⁻"] {
        if let Some(symbol) = chain.with_letter(place.step, &own.symbol, state)
            && let Some(value) = chain.value(place.step, &symbol)
        {
            offer(2.2, value, format!("{symbol}, the state before this step"));
        }
    }
    best
}

/// The value rounded to so many decimals, as one would write it.
pub fn rounded_text(value: f64, decimals: i32) -> String {
    let shown = usize::try_from(decimals).unwrap_or(0);
    let rounded = round(value, decimals);
    // No minus sign before zero.
    let rounded = if rounded == 0.0 { 0.0 } else { rounded };
    format!("{rounded:.shown$}").replace('-', "−")
}

/// Whether two neighbouring digits changed places between the texts.
fn is_transposed(written: &str, right: &str) -> bool {
    let digits = |text: &str| text.trim_start_matches('+').chars().collect::<Vec<char>>();
    let (written, right) = (digits(written), digits(right));
    if written.len() != right.len() {
        return false;
    }
    let different: Vec<usize> = (0..right.len()).filter(|&at| written[at] != right[at]).collect();
    match different[..] {
        [first, second] => {
            // Only the decimal point may stand between them.
            let neighbours = second == first + 1 || (second == first + 2 && right[first + 1] == '.');
            neighbours && written[first] == right[second] && written[second] == right[first]
        }
        _ => false,
    }
}

fn significant(text: &str) -> usize {
    let mantissa = text.split(['e', 'E']).next().unwrap_or("");
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    digits.trim_start_matches('0').len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_digits_may_change_places_across_the_point() {
        assert!(is_transposed("0.98", "0.89"));
        assert!(is_transposed("9.20", "2.90"));
        assert!(is_transposed("−0.12", "−0.21"));
        assert!(!is_transposed("0.98", "0.98"));
        assert!(is_transposed("0.809", "0.890"));
        assert!(!is_transposed("0.198", "0.891"));
    }

    #[test]
    fn the_rounded_text_has_the_written_decimals() {
        assert_eq!(rounded_text(0.9974, 2), "1.00");
        assert_eq!(rounded_text(-0.004, 2), "0.00");
        assert_eq!(rounded_text(-0.32, 3), "−0.320");
    }
}
