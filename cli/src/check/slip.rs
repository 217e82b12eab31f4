//! The usual mistakes, each as a change of the formulas of a step.

use gatewise_reference::{Formula, Function, Named, Product};

use super::chain::{Chain, Place, split};

/// What the terms of a gate's sum are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// W x
    Inputs,
    /// R h⁻
    Hidden,
    /// p·c
    Peephole,
    /// b
    Bias,
    /// b_rn
    RecurrentBias,
    /// One term, from 0.
    Term(usize),
    /// Every term.
    All,
}

/// One kind of mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Slip {
    /// Terms were left out.
    Forgotten(Part),
    /// Terms got the wrong sign.
    Negated(Part),
    /// Another function was applied; the identity if none was.
    Squashed { by: Function, instead_of: Function },
    /// σ(−z), the exponent's sign.
    Exponent(Function),
    /// x and h⁻ of a gate changed places: W meets h⁻, R meets x.
    WeightsExchanged,
    /// Weights of another gate, named by its letter, were used for some terms.
    OtherGate { of: &'static str, part: Part },
    /// Weights of another unit were used for some terms.
    OtherUnit { unit: usize, part: Part },
    /// The matrix was read by columns.
    Transposed(Part),
    /// x of another step was used.
    OtherInput { step: usize },
    /// The state of an earlier step was used: `h⁻` or `c⁻`.
    OlderState(&'static str),
    /// One factor of a product was left out, from 0.
    FactorForgotten(usize),
    /// Another number of the same unit was used.
    Instead { used: &'static str, of: &'static str },
    /// Two quantities changed places wherever they are used.
    Exchanged(&'static str, &'static str),
    /// 1 − f was used where f belongs.
    Complement(&'static str),
    /// A gate was taken as 1 − another.
    Coupled { of: &'static str },
    /// Added instead of multiplied.
    Added,
    /// Multiplied instead of added.
    Multiplied,
    /// The reset gate was applied after the recurrent weights instead of before, or the reverse.
    ResetOtherWay,
    /// The recurrent bias was added outside of r·(…).
    RecurrentBiasOutside,
}

/// Where a slip was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope {
    /// Only at this step; at every step if there is none.
    pub step: Option<usize>,
    /// Only for this unit.
    pub unit: Option<usize>,
    /// In every quantity that it can be made in, not only in the ones named.
    pub everywhere: bool,
}

/// A slip that was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Made {
    pub slip: Slip,
    /// The quantities that it was made in.
    pub letters: Vec<&'static str>,
    pub scope: Scope,
}

impl Made {
    /// The changed formula of a quantity; nothing if the slip does not change it.
    pub fn formula(&self, chain: &Chain, place: Place) -> Option<Formula<f64>> {
        let quantity = chain.quantity(place);
        let Scope { step, unit, everywhere } = self.scope;
        let here = step.is_none_or(|step| step == place.step) && unit.is_none_or(|unit| unit == quantity.unit);
        if !here || !(everywhere || self.letters.contains(&quantity.letter)) {
            return None;
        }
        self.slip.formula(chain, place)
    }
}

impl Slip {
    /// Whether the slip makes sense in other quantities than the one that it was thought of for.
    pub fn is_general(&self) -> bool {
        match self {
            Slip::Forgotten(part) | Slip::Negated(part) => !matches!(part, Part::Term(_) | Part::All),
            Slip::Squashed { .. } | Slip::Exponent(_) | Slip::WeightsExchanged => true,
            Slip::OtherUnit { .. } | Slip::Transposed(_) | Slip::OtherInput { .. } | Slip::OlderState(_) => true,
            _ => false,
        }
    }

    /// The formula of a quantity with this slip made in it; nothing if it cannot be made there.
    pub fn formula(&self, chain: &Chain, place: Place) -> Option<Formula<f64>> {
        match &chain.quantity(place).formula {
            Formula::Apply { function, argument } => self.in_function(chain, place, *function, argument),
            Formula::Sum(products) => self.in_sum(chain, place, products).map(Formula::Sum),
        }
    }

    fn in_function(
        &self,
        chain: &Chain,
        place: Place,
        function: Function,
        argument: &Named<f64>,
    ) -> Option<Formula<f64>> {
        let (function, argument) = match *self {
            Slip::Squashed { by, instead_of } if instead_of == function => (by, argument.clone()),
            Slip::Exponent(of) if of == function => {
                (function, Named::new(format!("−{}", argument.symbol), -argument.value))
            }
            Slip::Instead { used, of } => (function, instead(chain, place.step, argument, used, of)?),
            Slip::Coupled { of } => {
                let unit = chain.quantity(place).unit;
                let other = chain.quantity(chain.of_unit(place.step, unit, of)?);
                let one = Product { negative: false, factors: vec![Named::new("1", 1.0)] };
                let other = Product { negative: true, factors: vec![Named::new(&other.symbol, other.value)] };
                return Some(Formula::Sum(vec![one, other]));
            }
            _ => return None,
        };
        Some(Formula::Apply { function, argument })
    }

    fn in_sum(&self, chain: &Chain, place: Place, products: &[Product<f64>]) -> Option<Vec<Product<f64>>> {
        match *self {
            Slip::Forgotten(part) => {
                let kept = products.iter().enumerate().filter(|&(at, product)| !part.has(at, product));
                changed(products, kept.map(|(_, product)| product.clone()).collect())
            }
            Slip::Negated(part) => in_part(products, part, |product| {
                Some(Product { negative: !product.negative, factors: product.factors.clone() })
            }),
            Slip::FactorForgotten(which) => match products {
                [product] if product.factors.len() > 1 => {
                    let mut product = product.clone();
                    product.factors.remove(which);
                    Some(vec![product])
                }
                _ => None,
            },
            Slip::Complement(of) => match products {
                [product] => {
                    let which = product.factors.iter().position(|factor| chain.letter(&factor.symbol) == of)?;
                    let mut without = product.clone();
                    without.factors.remove(which);
                    Some(vec![without, Product { negative: !product.negative, factors: product.factors.clone() }])
                }
                _ => None,
            },
            Slip::Added => match products {
                [product] => {
                    let alone = |factor: &Named<f64>| Product { negative: false, factors: vec![factor.clone()] };
                    Some(product.factors.iter().map(alone).collect())
                }
                _ => None,
            },
            Slip::Multiplied => {
                let factors = products.iter().flat_map(|product| product.factors.clone()).collect();
                Some(vec![Product { negative: false, factors }])
            }
            Slip::Exchanged(..) if products.iter().any(|product| product.factors[0].symbol == "1") => None,
            Slip::Exchanged(a, b) => rename(products, Part::All, |named| {
                instead(chain, place.step, named, b, a).or_else(|| instead(chain, place.step, named, a, b))
            }),
            Slip::Instead { used, of } => {
                rename(products, Part::All, |named| instead(chain, place.step, named, used, of))
            }
            Slip::ResetOtherWay => super::reset::other_way(chain, place, products),
            Slip::RecurrentBiasOutside => super::reset::bias_outside(chain, place, products),
            Slip::OtherGate { part, .. } | Slip::OtherUnit { part, .. } | Slip::Transposed(part) => {
                rename(products, part, |named| self.other_number(chain, place.step, named))
            }
            _ => rename(products, Part::All, |named| self.other_number(chain, place.step, named)),
        }
    }

    /// The number that this slip uses in the place of one that was given to the step.
    fn other_number(&self, chain: &Chain, step: usize, named: &Named<f64>) -> Option<Named<f64>> {
        let (letter, index) = split(&named.symbol);
        let is_weight = letter.starts_with(['W', 'R', 'b', 'p']) && chain.source(step, &named.symbol).is_none();
        let symbol = match *self {
            Slip::WeightsExchanged => match letter.as_bytes().first()? {
                b'W' => format!("R{}{index}", &letter[1..]),
                b'R' if is_weight => format!("W{}{index}", &letter[1..]),
                _ => return None,
            },
            Slip::OtherGate { of, .. } if is_weight => format!("{}_{of}{index}", letter.split('_').next()?),
            Slip::OtherUnit { unit, .. } if is_weight => match index.split_once(',') {
                Some((_, column)) => format!("{letter}[{unit},{column}"),
                None => format!("{letter}[{unit}]"),
            },
            Slip::Transposed(_) if is_weight => {
                let (row, column) = index.trim_matches(['[', ']']).split_once(',')?;
                format!("{letter}[{column},{row}]")
            }
            Slip::OtherInput { step: other } if letter == "x" => {
                let value = chain.given(other, &named.symbol)?;
                return Some(Named::new(format!("{} of step {other}", named.symbol), value));
            }
            Slip::OlderState(state) if letter == state => {
                // The state that this state was computed from.
                let value = chain.value(step.checked_sub(1)?, &named.symbol)?;
                return Some(Named::new(format!("older {}", named.symbol), value));
            }
            _ => return None,
        };
        let value = chain.given(step, &symbol)?;
        Some(Named::new(symbol, value))
    }
}

impl Part {
    /// Whether a term of a sum belongs to this part.
    pub fn has(self, at: usize, product: &Product<f64>) -> bool {
        match self {
            Part::All => true,
            Part::Term(term) => term == at,
            part => Part::of(product) == Some(part),
        }
    }

    /// What a term is for; nothing if it is made of other quantities.
    pub fn of(product: &Product<f64>) -> Option<Part> {
        let first = &product.factors.first()?.symbol;
        let letter = split(first).0;
        // R_n·h⁻ is a quantity, R_n a weight.
        let stem = if letter.contains(['·', '(']) { "" } else { letter.split('_').next()? };
        Some(match (stem, product.factors.len()) {
            ("W", _) => Part::Inputs,
            ("R", _) => Part::Hidden,
            ("p", _) => Part::Peephole,
            ("b", 1) if letter == "b_rn" => Part::RecurrentBias,
            ("b", 1) => Part::Bias,
            _ => return None,
        })
    }
}

fn instead(chain: &Chain, step: usize, named: &Named<f64>, used: &str, of: &str) -> Option<Named<f64>> {
    if chain.letter(&named.symbol) != of {
        return None;
    }
    let symbol = chain.with_letter(step, &named.symbol, used)?;
    let value = chain.value(step, &symbol)?;
    Some(Named::new(symbol, value))
}

/// Exchanges the numbers that `other` has another for.
fn rename(
    products: &[Product<f64>],
    part: Part,
    other: impl Fn(&Named<f64>) -> Option<Named<f64>>,
) -> Option<Vec<Product<f64>>> {
    in_part(products, part, |product| {
        let renamed: Vec<Option<Named<f64>>> = product.factors.iter().map(&other).collect();
        if renamed.iter().all(Option::is_none) {
            return None;
        }
        let factors = renamed.into_iter().zip(&product.factors);
        let factors = factors.map(|(renamed, factor)| renamed.unwrap_or_else(|| factor.clone())).collect();
        Some(Product { negative: product.negative, factors })
    })
}

/// Changes the products of a part; nothing if none changes.
fn in_part(
    products: &[Product<f64>],
    part: Part,
    change: impl Fn(&Product<f64>) -> Option<Product<f64>>,
) -> Option<Vec<Product<f64>>> {
    let each = products.iter().enumerate().map(|(at, product)| match part.has(at, product) {
        true => change(product).unwrap_or_else(|| product.clone()),
        false => product.clone(),
    });
    changed(products, each.collect())
}

fn changed(before: &[Product<f64>], after: Vec<Product<f64>>) -> Option<Vec<Product<f64>>> {
    (before != after.as_slice()).then_some(after)
}
