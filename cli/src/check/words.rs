//! A slip in words, with the numbers put in.

use gatewise_reference::{Formula, Function, Length, number};

use super::chain::{Chain, Place};
use super::slip::{Made, Part, Slip};

/// A number without idle zeros at the end: `2.70` is `2.7`.
pub fn plain(value: f64, digits: usize) -> String {
    shorten(&number(value, digits))
}

/// A formula with the numbers put in, without idle zeros.
pub fn with_numbers(formula: &Formula<f64>, digits: usize) -> String {
    shorten(&formula.with_numbers(digits, Length::Short))
}

/// What was done, without numbers: `the bias b_f was forgotten`.
pub fn what(made: &Made, chain: &Chain, place: Place) -> String {
    let Made { slip, scope, .. } = made;
    let mut text = of_slip(slip, chain, place);
    if scope.everywhere {
        text += ", everywhere";
    }
    if scope.unit.is_none() && chain.hidden > 1 {
        text += ", for every unit";
    }
    if scope.step.is_none() && chain.steps() > 1 {
        text += ", at every step";
    }
    text
}

/// The arithmetic: `1.63·1 + 2.7·1 = 4.33, where 1.63·1 + 2.7·1 + 1.62 = 5.95 belongs`.
pub fn arithmetic(slipped: &Formula<f64>, chain: &Chain, place: Place, digits: usize) -> String {
    let quantity = chain.quantity(place);
    let equation = |formula: &Formula<f64>, value: f64| {
        let formula = with_numbers(formula, digits);
        let value = plain(value, digits);
        if formula == value { value } else { format!("{formula} = {value}") }
    };
    let slipped = equation(slipped, slipped.evaluate(|_| None));
    let right = equation(&quantity.formula, quantity.value);
    format!("{} = {slipped}, where {right} belongs", quantity.symbol)
}

fn of_slip(slip: &Slip, chain: &Chain, place: Place) -> String {
    let quantity = chain.quantity(place);
    let symbol = &quantity.symbol;
    let gate = quantity.name.trim_end_matches("'s sum");
    match *slip {
        Slip::Forgotten(part) => format!("{} forgotten", of_part(part, &quantity.formula)),
        Slip::Negated(Part::All) => format!("{symbol} got the wrong sign"),
        Slip::Negated(part) => format!("{} taken with the wrong sign", of_part(part, &quantity.formula)),
        Slip::Squashed { by: Function::Identity, instead_of } => {
            format!("{} was forgotten in {symbol}", instead_of.symbol())
        }
        Slip::Squashed { by, instead_of } => {
            format!("{} was applied where {} belongs", by.symbol(), instead_of.symbol())
        }
        Slip::Exponent(Function::Sigmoid) => {
            "σ got the wrong sign in its exponent: 1/(1+e^z) for 1/(1+e^−z)".to_string()
        }
        Slip::Exponent(function) => format!("the argument of {} got the wrong sign", function.symbol()),
        Slip::WeightsExchanged => format!("x and h⁻ changed places in the {gate}, or their weights did"),
        Slip::OtherGate { of, part } => {
            let other = match chain.of_unit(0, 0, of) {
                Some(place) => chain.quantity(place).name,
                None => of,
            };
            format!("{} of the {other} used for the {gate}", weights(part))
        }
        Slip::OtherUnit { unit, part } => {
            format!("{} of unit {unit} used for unit {}", weights(part), quantity.unit)
        }
        Slip::Transposed(Part::Inputs) => "the matrix W was read by columns: a unit's weights are a row".to_string(),
        Slip::Transposed(_) => "the matrix R was read by columns: a unit's weights are a row".to_string(),
        Slip::OtherInput { step } => format!("x of step {step} was used where x of step {} belongs", place.step),
        Slip::OlderState(state) => {
            format!("an older {} was used: {state} is that of the step just before", state.trim_end_matches('⁻'))
        }
        Slip::FactorForgotten(which) => match &quantity.formula {
            Formula::Sum(products) => {
                let factor = &products[0].factors[which].symbol;
                let name = chain.source(place.step, factor).map(|source| chain.quantity(source).name);
                let letter = chain.letter(factor);
                match name {
                    Some(name) if !letter.ends_with('⁻') => {
                        format!("{factor} was forgotten: nothing was multiplied by the {name}")
                    }
                    _ => format!("{factor} was forgotten as a factor"),
                }
            }
            Formula::Apply { .. } => "a factor was forgotten".to_string(),
        },
        Slip::Instead { used, of } => match (used, of) {
            ("c⁻", "c") => "the old cell state c⁻ was used where the new c belongs".to_string(),
            ("c", "c⁻") => "the new cell state c was used where the old c⁻ belongs".to_string(),
            _ => match forgotten_function(chain, used, of) {
                Some(function) => {
                    format!("{} was forgotten: {used} itself was used where {of} belongs", function.symbol())
                }
                None => format!("{used} was used where {of} belongs"),
            },
        },
        Slip::Exchanged("1−z", "z") => "z and 1−z changed places, which is the other convention".to_string(),
        Slip::Exchanged(a, b) => format!("{a} and {b} changed places"),
        Slip::Complement(of) => format!("1 − {of} was used where {of} belongs"),
        Slip::Coupled { of } => format!("{symbol} was taken as 1 − {of}, but the gates of this cell are not coupled"),
        Slip::Added => format!("{symbol} was added up, not multiplied"),
        Slip::Multiplied => format!("the parts of {symbol} were multiplied, not added"),
        Slip::ResetOtherWay if chain.letters().any(|letter| letter == "r·h⁻") => {
            "r was applied after the recurrent weights, but this cell resets h⁻ before them".to_string()
        }
        Slip::ResetOtherWay => {
            "r was applied to h⁻ before the recurrent weights, but this cell resets after them".to_string()
        }
        Slip::RecurrentBiasOutside => {
            "the recurrent bias b_rn was added outside of r·(…), but it belongs inside".to_string()
        }
    }
}

/// The function that makes `of` out of `used`.
fn forgotten_function(chain: &Chain, used: &str, of: &str) -> Option<Function> {
    let place = chain.of_unit(0, 0, of)?;
    match (&chain.quantity(place).formula, chain.function_of(place)) {
        (Formula::Apply { function, .. }, Some(argument)) if argument == used => Some(*function),
        _ => None,
    }
}

/// A part of a sum as a subject with its verb: `the bias b_f was`.
fn of_part(part: Part, formula: &Formula<f64>) -> String {
    let Formula::Sum(products) = formula else { return "a term was".to_string() };
    let terms: Vec<String> = products
        .iter()
        .enumerate()
        .filter(|&(at, product)| part.has(at, product))
        .map(|(_, product)| {
            let product = gatewise_reference::Product { negative: false, factors: product.factors.clone() };
            Formula::Sum(vec![product]).with_symbols(Length::Short)
        })
        .collect();
    let all = terms.join(" + ");
    match (part, terms.len()) {
        (Part::Bias, _) => format!("the bias {all} was"),
        (Part::RecurrentBias, _) => format!("the recurrent bias {all} was"),
        (Part::Peephole, _) => format!("the peephole {all} was"),
        (_, 1) => format!("the term {all} was"),
        (Part::Inputs, _) => "the terms with x were".to_string(),
        (Part::Hidden, _) => "the terms with h⁻ were".to_string(),
        _ => format!("the terms {all} were"),
    }
}

fn weights(part: Part) -> &'static str {
    match part {
        Part::Bias => "the bias was that",
        Part::Inputs => "the weights of x were those",
        Part::Hidden => "the weights of h⁻ were those",
        Part::Peephole => "the peephole was that",
        _ => "the weights were those",
    }
}

/// Takes the zeros off the end of every decimal fraction in a text.
fn shorten(text: &str) -> String {
    let mut short = String::new();
    let mut fraction: Option<String> = None;
    for sign in text.chars().chain(['\0']) {
        match (&mut fraction, sign) {
            (Some(digits), '0'..='9') => digits.push(sign),
            (None, '.') => fraction = Some(String::new()),
            _ => {
                if let Some(digits) = fraction.take() {
                    let digits = digits.trim_end_matches('0');
                    if !digits.is_empty() {
                        short.push('.');
                        short.push_str(digits);
                    }
                }
                short.push(sign);
            }
        }
    }
    short.pop();
    short
}

#[cfg(test)]
mod tests {
    use super::shorten;

    #[test]
    fn idle_zeros_go_and_all_others_stay() {
        assert_eq!(shorten("1.6300·1 + 2.7000·10 − 0.3200"), "1.63·1 + 2.7·10 − 0.32");
        assert_eq!(shorten("σ(5.9500)"), "σ(5.95)");
        assert_eq!(shorten("1.0000·100"), "1·100");
        assert_eq!(shorten("5.6300e-5"), "5.63e-5");
        assert_eq!(shorten("1.0203"), "1.0203");
    }
}
