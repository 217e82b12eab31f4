//! Where a GRU's reset gate is applied: the candidate's sum with the reset in another place.

use gatewise_reference::{Formula, Named, Product};

use super::chain::{Chain, Place};
use super::slip::Part;

/// z_n with the reset applied the other way: before the recurrent weights instead of after, or the reverse.
pub fn other_way(chain: &Chain, place: Place, products: &[Product<f64>]) -> Option<Vec<Product<f64>>> {
    if chain.quantity(place).letter != "z_n" {
        return None;
    }
    let resets_before = chain.letters().any(|letter| letter == "r·h⁻");
    let reset = gate(chain, place, "")?;
    let mut changed = Vec::new();
    for product in products {
        match (resets_before, Part::of(product)) {
            // R·(r·h⁻) becomes r·R·h⁻ with the listening unit's own r.
            (true, Some(Part::Hidden)) => {
                let (weight, heard) = (&product.factors[0], &product.factors[1]);
                let symbol = chain.with_letter(place.step, &heard.symbol, "h⁻")?;
                let value = chain.value(place.step, &symbol)?;
                changed.push(multiply(&[reset.clone(), weight.clone(), Named::new(symbol, value)]));
            }
            (true, Some(Part::RecurrentBias)) => {
                changed.push(multiply(&[reset.clone(), product.factors[0].clone()]));
            }
            // r·(R·h⁻ + b_rn) becomes R·(r·h⁻) + b_rn with the heard unit's r.
            (false, None) => {
                for term in heard(chain, place, product)? {
                    changed.push(match term.factors.as_slice() {
                        [weight, state] => {
                            let of_heard = gate(chain, place, &state.symbol)?;
                            multiply(&[weight.clone(), of_heard, state.clone()])
                        }
                        _ => term,
                    });
                }
            }
            _ => changed.push(product.clone()),
        }
    }
    Some(changed)
}

/// r·(R·h⁻ + b_rn) as r·R·h⁻ + b_rn, in the product itself and in z_n.
pub fn bias_outside(chain: &Chain, place: Place, products: &[Product<f64>]) -> Option<Vec<Product<f64>>> {
    let reset = gate(chain, place, "")?;
    let mut changed = Vec::new();
    for product in products {
        // In the product itself the factors are r and the sum; in z_n the product is one quantity.
        let inner = match product.factors.as_slice() {
            [_, sum] if Part::of(product).is_none() => sum_of(chain, place, sum),
            [_] if Part::of(product).is_none() => heard(chain, place, product),
            _ => None,
        };
        match inner {
            Some(terms) if terms.iter().any(|term| Part::of(term) == Some(Part::RecurrentBias)) => {
                for term in terms {
                    changed.push(match Part::of(&term) {
                        Some(Part::RecurrentBias) => term,
                        _ => {
                            let factors: Vec<_> = std::iter::once(reset.clone()).chain(term.factors).collect();
                            multiply(&factors)
                        }
                    });
                }
            }
            _ => changed.push(product.clone()),
        }
    }
    (changed != products).then_some(changed)
}

/// The terms of R·h⁻ + b_rn, from the term of z_n that stands for r·(R·h⁻ + b_rn).
fn heard(chain: &Chain, place: Place, product: &Product<f64>) -> Option<Vec<Product<f64>>> {
    let reset = chain.source(place.step, &product.factors.first()?.symbol)?;
    match &chain.quantity(reset).formula {
        Formula::Sum(products) => sum_of(chain, place, products.first()?.factors.get(1)?),
        Formula::Apply { .. } => None,
    }
}

fn sum_of(chain: &Chain, place: Place, sum: &Named<f64>) -> Option<Vec<Product<f64>>> {
    match &chain.quantity(chain.source(place.step, &sum.symbol)?).formula {
        Formula::Sum(products) => Some(products.clone()),
        Formula::Apply { .. } => None,
    }
}

/// The reset gate of the unit that a symbol belongs to; of the unit of the place itself for no symbol.
fn gate(chain: &Chain, place: Place, symbol: &str) -> Option<Named<f64>> {
    let symbol = if symbol.is_empty() { &chain.quantity(place).symbol } else { symbol };
    let symbol = chain.with_letter(place.step, symbol, "r")?;
    let value = chain.value(place.step, &symbol)?;
    Some(Named::new(symbol, value))
}

fn multiply(factors: &[Named<f64>]) -> Product<f64> {
    Product { negative: false, factors: factors.to_vec() }
}
