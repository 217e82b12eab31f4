//! Formulas as text: with symbols, `W_f·x + R_f·h⁻ + b_f`, or with the numbers put in, `1.63·1 + 2.70·1 + 1.62`.

use crate::formula::{Formula, Named, Product};
use crate::function::Function;
use crate::operand::has_open_operator;
use crate::scalar::Scalar;

/// How much of a long sum is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Length {
    /// Of more than six terms the first three, the last two and how many were left out between them.
    #[default]
    Short,
    /// Every term.
    Full,
}

const LONGEST: usize = 6;
const FIRST: usize = 3;
const LAST: usize = 2;

/// Writes a number with so many decimals, and a true minus sign; whole numbers without decimals. What would be all zeros,
/// or longer than nine digits before the point, is written with a power of ten.
///
/// ```
/// use gatewise_reference::number;
/// assert_eq!(number(2.7, 2), "2.70");
/// assert_eq!(number(-0.32, 2), "−0.32");
/// assert_eq!(number(1.0, 2), "1");
/// assert_eq!(number(0.997400932238, 2), "1.00");
/// assert_eq!(number(-5.63e-5, 2), "−5.63e-5");
/// assert_eq!(number(2.5e12, 2), "2.50e12");
/// assert_eq!(number(f64::NEG_INFINITY, 2), "−∞");
/// ```
pub fn number<S: Scalar>(value: S, digits: usize) -> String {
    let value = value.to_f64();
    if value.is_nan() {
        return "NaN".to_string();
    }
    let sign = if value < 0.0 { "−" } else { "" };
    let size = value.abs();
    let decimals = format!("{size:.digits$}");
    let vanishes = size > 0.0 && decimals.chars().all(|digit| digit == '0' || digit == '.');
    if size.is_infinite() {
        format!("{sign}∞")
    } else if size >= 1e9 || vanishes {
        format!("{sign}{size:.digits$e}")
    } else if size == size.trunc() {
        format!("{sign}{size:.0}")
    } else {
        format!("{sign}{decimals}")
    }
}

impl<S: Scalar> Formula<S> {
    /// Writes the formula as the equations have it.
    ///
    /// ```
    /// use gatewise_reference::{Cell, Length, Trace, TraceFilter, example};
    ///
    /// let mut trace = Trace::new(TraceFilter::default());
    /// example::worked_example::<f64>().step(&example::moment(), &mut trace);
    /// let formula = |letter| &trace.get(0, 0, letter).expect("a quantity of the LSTM").formula;
    /// assert_eq!(formula("z_f").with_symbols(Length::Short), "W_f·x + R_f·h⁻ + b_f");
    /// assert_eq!(formula("f").with_symbols(Length::Short), "σ(z_f)");
    /// assert_eq!(formula("c").with_symbols(Length::Short), "f·c⁻ + i·g");
    /// ```
    pub fn with_symbols(&self, length: Length) -> String {
        self.write(length, |named| Factor {
            negative: false,
            open: has_open_operator(&named.symbol),
            text: named.symbol.clone(),
        })
    }

    /// Writes the formula with the numbers put in, each with so many decimals ([`number`]).
    ///
    /// ```
    /// use gatewise_reference::{Cell, Length, Trace, TraceFilter, example};
    ///
    /// let mut trace = Trace::new(TraceFilter::default());
    /// example::worked_example::<f64>().step(&example::moment(), &mut trace);
    /// let formula = |letter| &trace.get(0, 0, letter).expect("a quantity of the LSTM").formula;
    /// assert_eq!(formula("z_f").with_numbers(2, Length::Short), "1.63·1 + 2.70·1 + 1.62");
    /// assert_eq!(formula("z_g").with_numbers(2, Length::Short), "0.94·1 + 1.41·1 − 0.32");
    /// assert_eq!(formula("z_o").with_numbers(2, Length::Short), "(−0.19)·1 + 4.38·1 + 0.59");
    /// assert_eq!(formula("f").with_numbers(2, Length::Short), "σ(5.95)");
    /// ```
    pub fn with_numbers(&self, digits: usize, length: Length) -> String {
        self.write(length, |named| {
            let negative = named.value < S::ZERO;
            let size = if negative { -named.value } else { named.value };
            Factor { negative, open: false, text: number(size, digits) }
        })
    }

    fn write(&self, length: Length, factor: impl Fn(&Named<S>) -> Factor) -> String {
        match self {
            Formula::Sum(products) => write_sum(products, length, factor),
            Formula::Apply { function, argument } => {
                let Factor { negative, text, .. } = factor(argument);
                let sign = if negative { "−" } else { "" };
                match function {
                    Function::Identity => format!("{sign}{text}"),
                    _ => format!("{}({sign}{text}{})", function.symbol(), write_parameters(*function)),
                }
            }
        }
    }
}

/// Writes α and β after the argument: `hardsigmoid(z; 0.2, 0.5)`.
fn write_parameters(function: Function) -> String {
    let parameters: Vec<String> =
        function.parameters().into_iter().map(|parameter| parameter.to_string().replace('-', "−")).collect();
    if parameters.is_empty() { String::new() } else { format!("; {}", parameters.join(", ")) }
}

/// A number or a symbol on its way into a formula.
struct Factor {
    /// Whether a minus sign stands before it.
    negative: bool,
    /// Whether it needs brackets as one factor of several.
    open: bool,
    /// What is written, without the sign.
    text: String,
}

fn write_sum<S>(products: &[Product<S>], length: Length, factor: impl Fn(&Named<S>) -> Factor) -> String {
    let mut text = String::new();
    let left_out = match length {
        Length::Short if products.len() > LONGEST => FIRST..products.len() - LAST,
        _ => 0..0,
    };
    for (at, product) in products.iter().enumerate() {
        if left_out.contains(&at) {
            if at == left_out.start {
                text += &format!(" + … {} terms …", left_out.len());
            }
            continue;
        }
        let (negative, product) = write_product(product, &factor);
        text += match (at == 0, negative) {
            (true, false) => "",
            (true, true) => "−",
            (false, false) => " + ",
            (false, true) => " − ",
        };
        text += &product;
    }
    text
}

/// Writes one product; also says whether it is subtracted.
fn write_product<S>(product: &Product<S>, factor: impl Fn(&Named<S>) -> Factor) -> (bool, String) {
    let mut factors: Vec<Factor> = product.factors.iter().map(factor).collect();
    let mut negative = product.negative;
    // The sign of a number that stands alone becomes the sign of the term: … − 0.32.
    if let [only] = factors.as_mut_slice()
        && !negative
    {
        negative = only.negative;
        only.negative = false;
    }
    let alone = factors.len() == 1 && !negative;
    let mut texts = Vec::with_capacity(factors.len());
    for factor in factors {
        texts.push(match (factor.negative, factor.open && !alone) {
            (true, _) => format!("(−{})", factor.text),
            (false, true) => format!("({})", factor.text),
            (false, false) => factor.text,
        });
    }
    (negative, texts.join("·"))
}
