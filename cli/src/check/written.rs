//! A number as somebody wrote it: its value, and how many decimals it claims.

/// Relative slack for the last bits of the exact value, so that 0.125 may be written 0.13 or 0.12.
const HAIR: f64 = 1e-11;

/// A number with the decimals it was written with: `1.00` has two, `5.6e-5` has six.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// As in the sheet, without quotes and with a true minus sign.
    pub text: String,
    pub value: f64,
    pub decimals: i32,
}

impl Written {
    /// Reads `12`, `−0.50`, `1.5e-3`; nothing for anything else, NaN and infinities included.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = text.trim().replace('−', "-").replace('_', "");
        let (mantissa, exponent) = match plain.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (plain.as_str(), 0),
        };
        let digits = mantissa.strip_prefix(['+', '-']).unwrap_or(mantissa);
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = whole.chars().chain(fraction.chars()).all(|digit| digit.is_ascii_digit());
        if !all_digits || whole.len() + fraction.len() == 0 {
            return None;
        }
        let value = plain.parse::<f64>().ok().filter(|value| value.is_finite())?;
        let decimals = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
        Some(Written { text: text.trim().replace('-', "−"), value, decimals })
    }

    /// One unit of the last decimal.
    pub fn unit(&self) -> f64 {
        10f64.powi(-self.decimals)
    }

    /// Whether `exact`, rounded to the written decimals, is what was written; halfway, up and down both count.
    pub fn is_rounded_from(&self, exact: f64) -> bool {
        self.is_within(exact, 0.5 * self.unit())
    }

    /// Whether `exact`, cut after the written decimals, is what was written.
    pub fn is_cut_from(&self, exact: f64) -> bool {
        let toward_zero = self.value.abs() <= exact.abs() + hair(exact) && self.value * exact >= 0.0;
        toward_zero && (self.value - exact).abs() < self.unit()
    }

    /// Whether what was written is at most `distance` away from `exact`.
    pub fn is_within(&self, exact: f64, distance: f64) -> bool {
        (self.value - exact).abs() <= distance + hair(exact)
    }
}

/// Rounds to so many decimals, half away from zero.
pub fn round(value: f64, decimals: i32) -> f64 {
    let scale = 10f64.powi(decimals);
    let rounded = (value * scale).round() / scale;
    if rounded.is_finite() { rounded } else { value }
}

/// Cuts after so many decimals.
pub fn cut(value: f64, decimals: i32) -> f64 {
    let scale = 10f64.powi(decimals);
    let cut = (value * scale).trunc() / scale;
    if cut.is_finite() { cut } else { value }
}

fn hair(exact: f64) -> f64 {
    HAIR * exact.abs().max(1e-3)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> Written {
        Written::parse(text).unwrap_or_else(|| panic!("{text} is a number"))
    }

    #[test]
    fn the_decimals_are_those_that_were_written() {
        for (text, value, decimals) in [
            ("1.00", 1.0, 2),
            ("1", 1.0, 0),
            ("-0.320", -0.32, 3),
            ("−0.32", -0.32, 2),
            ("+.5", 0.5, 1),
            ("5.6e-5", 5.6e-5, 6),
            ("1.25e1", 12.5, 1),
            (" 2.0 ", 2.0, 1),
        ] {
            let found = written(text);
            assert_eq!((found.value, found.decimals), (value, decimals), "{text}");
        }
    }

    #[test]
    fn what_is_no_decimal_number_is_refused() {
        for text in ["", "?", ".", "nan", "inf", "0x10", "1,5", "1.2.3", "1e", "1e999", "--1", "one"] {
            assert_eq!(Written::parse(text), None, "{text}");
        }
    }

    #[test]
    fn halfway_both_neighbours_are_right() {
        assert!(written("0.13").is_rounded_from(0.125));
        assert!(written("0.12").is_rounded_from(0.125));
        assert!(!written("0.12").is_rounded_from(0.12501));
        // 1.005 is a little less in binary.
        assert!(written("1.01").is_rounded_from(1.005));
        assert!(written("-0.13").is_rounded_from(-0.125));
    }

    #[test]
    fn the_number_of_decimals_decides() {
        assert!(written("1").is_rounded_from(0.9974));
        assert!(written("1.00").is_rounded_from(0.9974));
        assert!(!written("1.000").is_rounded_from(0.9974));
        assert!(written("0.997").is_rounded_from(0.9974));
    }

    #[test]
    fn cutting_goes_toward_zero_by_less_than_a_unit() {
        assert!(written("0.99").is_cut_from(0.9974));
        assert!(written("-0.99").is_cut_from(-0.9974));
        assert!(!written("0.98").is_cut_from(0.9974));
        assert!(!written("1.00").is_cut_from(0.9974));
        assert!(!written("-0.00").is_cut_from(0.0174));
    }

    #[test]
    fn rounding_and_cutting_agree_with_the_written_digits() {
        assert_eq!(round(2.94756, 2), 2.95);
        assert_eq!(cut(2.94756, 2), 2.94);
        assert_eq!(cut(-2.94756, 1), -2.9);
        assert_eq!(round(123.4, -1), 120.0);
    }
}
