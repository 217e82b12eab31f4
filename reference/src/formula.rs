//! How one number came about: a sum of products, or a function of another number.

use crate::function::Function;
use crate::scalar::Scalar;

/// How one quantity is computed from named numbers.
#[derive(Debug, Clone, PartialEq)]
pub enum Formula<S> {
    /// The sum of the products, added in their order.
    Sum(Vec<Product<S>>),
    /// A function of one number.
    Apply {
        /// Which function.
        function: Function,
        /// What it is a function of.
        argument: Named<S>,
    },
}

/// One summand: numbers multiplied in their order, added or subtracted.
#[derive(Debug, Clone, PartialEq)]
pub struct Product<S> {
    /// Whether the product is subtracted.
    pub negative: bool,
    /// The numbers that are multiplied; at least one.
    pub factors: Vec<Named<S>>,
}

/// A number and what the equations call it.
///
/// The symbol is that of something given (`W_f[0,1]`, `x[1]`, `h⁻[0]`, `c⁻`, `b_f`, the constant `1`) or of a quantity that
/// was recorded earlier in the same step.
#[derive(Debug, Clone, PartialEq)]
pub struct Named<S> {
    /// What the equations call it.
    pub symbol: String,
    /// The number.
    pub value: S,
}

impl<S: Scalar> Formula<S> {
    /// Computes the formula; `lookup` gives the numbers of the symbols that it knows, the others keep the number that the
    /// formula was recorded with.
    ///
    /// ```
    /// use gatewise_reference::{Formula, Named, Product};
    /// let c = Formula::Sum(vec![
    ///     Product { negative: false, factors: vec![Named::new("f", 0.5), Named::new("c⁻", 8.0)] },
    ///     Product { negative: false, factors: vec![Named::new("i", 1.0), Named::new("g", 0.25)] },
    /// ]);
    /// assert_eq!(c.evaluate(|_| None), 4.25);
    /// assert_eq!(c.evaluate(|symbol| (symbol == "f").then_some(1.0)), 8.25);
    /// ```
    pub fn evaluate(&self, lookup: impl Fn(&str) -> Option<S>) -> S {
        let number = |named: &Named<S>| lookup(&named.symbol).unwrap_or(named.value);
        match self {
            Formula::Sum(products) => {
                let mut sum = empty_sum();
                for product in products {
                    sum = sum + signed_product(product.negative, product.factors.iter().map(number));
                }
                sum
            }
            Formula::Apply { function, argument } => function.apply(number(argument)),
        }
    }

    /// Returns the formula with the numbers that `lookup` knows put in, and the others as they were.
    pub fn with_values(&self, lookup: impl Fn(&str) -> Option<S>) -> Self {
        let mut formula = self.clone();
        for named in formula.operands_mut() {
            if let Some(value) = lookup(&named.symbol) {
                named.value = value;
            }
        }
        formula
    }

    /// Lists every number that the formula uses, in its order.
    pub fn operands(&self) -> Vec<&Named<S>> {
        match self {
            Formula::Sum(products) => products.iter().flat_map(|product| &product.factors).collect(),
            Formula::Apply { argument, .. } => vec![argument],
        }
    }

    fn operands_mut(&mut self) -> Vec<&mut Named<S>> {
        match self {
            Formula::Sum(products) => products.iter_mut().flat_map(|product| &mut product.factors).collect(),
            Formula::Apply { argument, .. } => vec![argument],
        }
    }
}

impl<S: Scalar> Named<S> {
    /// Names a number.
    pub fn new(symbol: impl Into<String>, value: S) -> Self {
        Named { symbol: symbol.into(), value }
    }
}

/// The number that a sum starts from: −0, the only one that leaves every number as it is, +0 and −0 included.
pub(crate) fn empty_sum<S: Scalar>() -> S {
    -S::ZERO
}

/// Multiplies the factors in their order and applies the sign. The cells and [`Formula::evaluate`] both call it, so that a
/// recorded formula gives the recorded value to the bit.
pub(crate) fn signed_product<S: Scalar>(negative: bool, factors: impl Iterator<Item = S>) -> S {
    let mut product = S::ONE;
    for factor in factors {
        product = product * factor;
    }
    if negative { -product } else { product }
}
