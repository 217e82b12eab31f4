//! Sigmoid, tanh and their product from one exponential, at full vector speed and within 2 ulp.
//!
//! `e^y = 2ⁿ·e^r` with `n = round(y/ln 2)` and `|r| ≤ ln 2 / 2`; `e^r − 1` is a polynomial of degree six. Working with
//! `e^r − 1` (not `e^r`) keeps tanh exact near zero, where `e^y − 1` would cancel. The division is exact on every level,
//! so AVX2, AVX-512 and NEON give the same bits; levels without FMA may differ in the last one or two.

use crate::simd::{Isa, Vector};

/// Adding it to a value below 2²² leaves the nearest integer in the low mantissa bits (1.5·2²³; portable rounding).
const ROUND: f32 = 12_582_912.0;

/// ln 2 in two parts; the first has nine bits, so that `n · LN2_HIGH` is exact for every `n` that occurs, without FMA too.
const LN2_HIGH: f32 = 355.0 / 512.0;
/// ln 2 − `LN2_HIGH`.
const LN2_LOW: f32 = -2.121_944_4e-4;

/// `(e^r − 1 − r)/r²` on |r| ≤ ln 2 / 2: minimax for the relative error of `e^r − 1` (Lawson's iteration, coefficients
/// rounded to f32 one after the other); 1.4e-8 relative, a quarter of half an ulp.
const EXPM1: [f32; 5] = [0.499_999_97, 0.166_665_45, 0.041_667_435, 0.008_366_453, 0.001_387_089_6];

/// `e^y` as `s·(1 + p)`: `s = 2^(n + shift)` and `p = e^r − 1`.
#[inline(always)]
fn exp_parts<I: Isa>(isa: I, y: I::Vector, shift: f32) -> (I::Vector, I::Vector) {
    let round = isa.splat(ROUND);
    let rounded = y.mul_add(isa.splat(std::f32::consts::LOG2_E), round);
    let n = rounded - round;
    let r = n.mul_add(isa.splat(-LN2_LOW), n.mul_add(isa.splat(-LN2_HIGH), y));
    let [a, b, c, d, e] = EXPM1;
    let (a, b, c, d, e) = (isa.splat(a), isa.splat(b), isa.splat(c), isa.splat(d), isa.splat(e));
    // r² is needed for p anyway: with it the chain is one multiply-add shorter than Horner's, at the same count.
    let square = r * r;
    let q = e.mul_add(r, d).mul_add(r, c).mul_add(square, b.mul_add(r, a));
    let p = q.mul_add(square, r);
    // 127 is the exponent's bias. ROUND's own low bits are zero, and so is what the sum adds above the nine that are kept.
    let s = (n + isa.splat(ROUND + 127.0 + shift)).low_bits_to_exponent();
    (p, s)
}

/// `e^y − 1` for |y| < 60, with full relative accuracy near zero.
#[inline(always)]
fn expm1<I: Isa>(isa: I, y: I::Vector) -> I::Vector {
    let (p, s) = exp_parts(isa, y, 0.0);
    p.mul_add(s, s - isa.splat(1.0))
}

/// `e^y` for y ≤ 0: what a softmax is made of. Zero from −87 downwards, before the result would be subnormal.
///
/// # Accuracy
/// Within 2 ulp of the correctly rounded result for −86.999 ≤ y ≤ 0 (the tests of this file).
#[inline(always)]
pub(crate) fn exp_negative<I: Isa>(isa: I, y: I::Vector) -> I::Vector {
    /// Just above e^−87 = 1.6458e-38.
    const LEAST: f32 = 1.646e-38;
    let (p, s) = exp_parts(isa, y.clamp(isa.splat(-87.0), isa.splat(0.0)), 0.0);
    p.mul_add(s, s).flush(isa.splat(LEAST))
}

/// `1/(1 + e^−x)` of every lane.
///
/// # Accuracy
/// Within 2 ulp of the correctly rounded result for every `f32` (tests/activations.rs), subnormal results included:
/// both sides of the fraction are scaled by 2⁻⁶⁴, so that `e^104` does not overflow and no second path is needed.
#[inline(always)]
pub(crate) fn sigmoid<I: Isa>(isa: I, x: I::Vector) -> I::Vector {
    const SCALE: f32 = 1.0 / ((1u128 << 64) as f32);
    // Below −104 the result rounds to 0, above 20 to 1.
    let y = isa.splat(0.0) - x.clamp(isa.splat(-104.0), isa.splat(20.0));
    let (p, s) = exp_parts(isa, y, -64.0);
    let scale = isa.splat(SCALE);
    scale / (p.mul_add(s, s) + scale)
}

/// tanh of every lane as `−w/(2 + w)` with `w = e^(−2|x|) − 1`, and the sign of `x`.
///
/// The exponent is negative because both roundings are then half as large where an ulp of the result is smallest: with
/// `e^(2|x|)` the level without FMA was 3 ulp off near 2⁻⁵.
///
/// # Accuracy
/// Within 2 ulp of the correctly rounded result for every `f32` (tests/activations.rs); odd to the bit.
#[inline(always)]
pub(crate) fn tanh<I: Isa>(isa: I, x: I::Vector) -> I::Vector {
    let magnitude = x.abs().clamp(isa.splat(0.0), isa.splat(TANH_IS_ONE));
    let w = expm1(isa, magnitude * isa.splat(-2.0));
    (w / (w + isa.splat(2.0))).with_sign_of(x)
}

/// From here on tanh rounds to 1 in `f32`.
const TANH_IS_ONE: f32 = 9.1;

/// What tanh and its derivative are made of, with `e = e^(−2|x|)`: `tanh = −w/(1 + e)` with the sign of x, and the derivative
/// `4·e/(1 + e)²`, which stays exact where `1 − tanh²` cancels.
#[derive(Clone, Copy)]
pub(crate) struct TanhParts<V> {
    /// `e − 1` with the sign of x turned: above the line.
    pub numerator: V,
    /// `e`.
    pub exponential: V,
    /// `1 + e`, between 1 and 2.
    pub denominator: V,
}

impl<V: Vector> TanhParts<V> {
    /// The derivative, given the inverse of the denominator.
    #[inline(always)]
    pub fn slope<I: Isa<Vector = V>>(self, isa: I, inverse: V) -> V {
        isa.splat(4.0) * self.exponential * (inverse * inverse)
    }
}

/// The parts for |x| ≤ 20; beyond that they no longer change.
#[inline(always)]
pub(crate) fn tanh_parts<I: Isa>(isa: I, x: I::Vector) -> TanhParts<I::Vector> {
    let one = isa.splat(1.0);
    let magnitude = x.abs().clamp(isa.splat(0.0), isa.splat(20.0));
    let (p, s) = exp_parts(isa, magnitude * isa.splat(-2.0), 0.0);
    let exponential = p.mul_add(s, s);
    let numerator = p.mul_add(s, s - one).with_sign_of(x);
    TanhParts { numerator, exponential, denominator: exponential + one }
}

/// Gates are open or closed to within 1e-13 from here on: a bound that keeps every product below far from overflow and
/// from subnormal numbers.
const GATE_BOUND: f32 = 30.0;

/// Smaller numbers become zero: the state, what is read of the input, tanh.
pub(crate) const NEGLIGIBLE: f32 = 1e-20;

/// Added to squares, so that the square of a tiny number is no subnormal one, which would be slow; it changes no result.
const TINY: f32 = 1e-10;

/// Where a multiply-add rounds its product, the square of a tiny number would be subnormal before [`TINY`] is added.
#[inline(always)]
fn fused_or_flushed<I: Isa>(isa: I, x: I::Vector) -> I::Vector {
    if I::FUSED { x } else { x.flush(isa.splat(1e-18)) }
}

/// What `e^±x` is made of: `scale·mantissa`, `scale` a power of two.
#[derive(Clone, Copy)]
pub(crate) struct Exponential<V> {
    scale: V,
    mantissa: V,
}

impl<V: Vector> Exponential<V> {
    /// The value.
    #[inline(always)]
    pub fn value(self) -> V {
        self.mantissa * self.scale
    }

    /// The value plus one, rounded once.
    #[inline(always)]
    pub fn plus(self, one: V) -> V {
        self.mantissa.mul_add(self.scale, one)
    }
}

/// `e^x` or, with `NEGATED`, `e^−x`, with x limited to ±30: what gates are made of. Its chain is short (12 multiply-adds'
/// time from x), because a small cell's step waits for it twice.
#[inline(always)]
pub(crate) fn exponential<I: Isa, const NEGATED: bool>(isa: I, x: I::Vector) -> Exponential<I::Vector> {
    // 127 is the exponent's bias: the low bits of `rounded` are the representation's exponent field.
    const BIASED: f32 = ROUND + 127.0;
    let sign = if NEGATED { -1.0 } else { 1.0 };
    let x = fused_or_flushed(isa, x.limit(isa.splat(GATE_BOUND)));
    let rounded = x.mul_add(isa.splat(sign * std::f32::consts::LOG2_E), isa.splat(BIASED));
    let n = rounded - isa.splat(BIASED);
    // r with the sign of x, so that x is negated nowhere; the polynomial's odd coefficients take the sign.
    let r = if I::FUSED {
        n.mul_add(isa.splat(-sign * std::f32::consts::LN_2), x)
    } else {
        n.mul_add(isa.splat(-sign * LN2_LOW), n.mul_add(isa.splat(-sign * LN2_HIGH), x))
    };
    let [a, b, c, d, e] = EXPM1;
    let square = r.mul_add(r, isa.splat(TINY));
    let fourth = square * square;
    let low = r.mul_add(isa.splat(sign * b), isa.splat(a));
    let line = r.mul_add(isa.splat(sign), isa.splat(1.0));
    let high = square.mul_add(isa.splat(e), r.mul_add(isa.splat(sign * d), isa.splat(c)));
    let mantissa = high.mul_add(fourth, low.mul_add(square, line));
    Exponential { scale: rounded.low_bits_to_exponent(), mantissa }
}

/// `1/(1 + e^−x)` for a gate: between 1e-13 and 1.
///
/// # Accuracy
/// Within 2e-7 of the exact value, relatively, for |x| ≤ 30 (tests/agreement.rs): a nearly closed gate stays exact.
#[inline(always)]
pub(crate) fn gate<I: Isa>(isa: I, x: I::Vector) -> I::Vector {
    let one = isa.splat(1.0);
    one / exponential::<I, true>(isa, x).plus(one)
}

/// From here on tanh rounds to 1 in `f32`.
const TANH_BOUND: f32 = 9.02;

/// `tanh(x) = x·P(x²)/Q(x²)`: minimax for the relative error (2.2e-8; Lawson's iteration); all coefficients are positive,
/// so that nothing cancels, and both polynomials begin with 1, so that small signals pass unchanged.
const TANH_P: [f32; 4] = [0.133_826_85, 3.497_454_8e-3, 2.063_577_5e-5, 1.338_422_7e-8];
/// See [`TANH_P`].
const TANH_Q: [f32; 4] = [0.467_160_06, 2.588_435e-2, 3.288_512_6e-4, 7.790_222_5e-7];

/// A value as a fraction: the division is left to the caller, who mostly has another one to join it with.
#[derive(Clone, Copy)]
pub(crate) struct Fraction<V> {
    /// Above the line.
    pub numerator: V,
    /// Below.
    pub denominator: V,
}

/// tanh(x) as a fraction with a chain of 6 multiply-adds' time; zero for |x| < 1e-20, so that a decaying state ends there
/// and not in subnormal numbers, which are slow.
#[inline(always)]
pub(crate) fn tanh_fraction<I: Isa>(isa: I, x: I::Vector) -> Fraction<I::Vector> {
    let x = x.limit(isa.splat(TANH_BOUND));
    let near = fused_or_flushed(isa, x);
    let square = near.mul_add(near, isa.splat(TINY));
    let fourth = square * square;
    // Beside the series, not before it: the chain is no longer for it.
    let numerator = x.flush(isa.splat(NEGLIGIBLE)) * even_series(isa, square, fourth, TANH_P);
    Fraction { numerator, denominator: even_series(isa, square, fourth, TANH_Q) }
}

/// `1 + a·x² + b·x⁴ + c·x⁶ + d·x⁸`.
#[inline(always)]
fn even_series<I: Isa>(isa: I, square: I::Vector, fourth: I::Vector, [a, b, c, d]: [f32; 4]) -> I::Vector {
    let low = square.mul_add(isa.splat(a), isa.splat(1.0));
    let high = square.mul_add(isa.splat(c), isa.splat(b));
    fourth.mul_add(isa.splat(d), high).mul_add(fourth, low)
}

/// `σ(s)·tanh(t)` as one fraction: an LSTM's i·g and o·tanh(c).
#[inline(always)]
fn gated_fraction<I: Isa>(isa: I, s: I::Vector, t: I::Vector) -> Fraction<I::Vector> {
    let e = exponential::<I, false>(isa, s);
    let tanh = tanh_fraction(isa, t);
    Fraction { numerator: e.value() * tanh.numerator, denominator: e.plus(isa.splat(1.0)) * tanh.denominator }
}

/// `σ(s)·tanh(t)` with one division instead of two.
///
/// # Accuracy
/// Within 6e-7 of the exact product, relatively, for |s| ≤ 30 (tests/agreement.rs): small signals stay exact.
#[inline(always)]
pub(crate) fn gated_tanh<I: Isa>(isa: I, s: I::Vector, t: I::Vector) -> I::Vector {
    let Fraction { numerator, denominator } = gated_fraction(isa, s, t);
    numerator / denominator
}

/// An LSTM's `σ(f)·c + σ(i)·tanh(g)` with one division instead of three, on the common denominator.
///
/// An open gate (f ≥ 0) takes from c what it does not keep, `c − c·e/(1 + e)` with `e = e^−f`: then c is rounded once a step
/// and not three times, which a memory of thousands of steps shows. A closed one computes `c/(1 + e)`, which is relatively
/// exact however little is kept.
///
/// # Accuracy
/// Each of the two terms as exact as [`gated_tanh`] (tests/agreement.rs). Nothing overflows up to |c| = 1e9.
#[inline(always)]
pub(crate) fn keep_and_write<I: Isa>(isa: I, f: I::Vector, c: I::Vector, i: I::Vector, g: I::Vector) -> I::Vector {
    let (zero, one) = (isa.splat(0.0), isa.splat(1.0));
    let e = exponential::<I, true>(isa, f);
    let kept = e.plus(one);
    let part = c * f.choose(zero - e.value(), one);
    let Fraction { numerator, denominator } = gated_fraction(isa, i, g);
    numerator.mul_add(kept, part * denominator) / (kept * denominator) + f.choose(c, zero)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::finish::each;
    use crate::simd::{Kernel, Level, dispatch};

    struct Exponentials<'a>(&'a mut [f32]);

    impl Kernel for Exponentials<'_> {
        type Output = ();

        #[inline(always)]
        fn run<I: Isa>(self, isa: I) {
            each(
                isa,
                self.0,
                #[inline(always)]
                |y| exp_negative(isa, y),
            );
        }
    }

    fn exponentials(level: Level, y: &[f32]) -> Vec<f32> {
        let mut values = y.to_vec();
        dispatch(level.token().unwrap(), Exponentials(&mut values));
        values
    }

    /// Steps between a result and the correctly rounded one; both are positive.
    fn ulp(found: f32, y: f32) -> i64 {
        (i64::from(found.to_bits()) - i64::from((f64::from(y).exp() as f32).to_bits())).abs()
    }

    #[test]
    fn an_exponential_is_within_two_ulp_on_a_dense_sample_of_the_floats_from_minus_87_to_0() {
        // Of negative floats the larger bits are the smaller number.
        let y: Vec<f32> = ((-0.0f32).to_bits()..=(-86.999f32).to_bits()).step_by(997).map(f32::from_bits).collect();
        for level in Level::available() {
            let found = exponentials(level, &y);
            let worst = found.iter().zip(&y).map(|(found, y)| (ulp(*found, *y), *y)).max_by_key(|(ulp, _)| *ulp);
            assert!(worst.is_some_and(|(ulp, _)| ulp <= 2), "{level}: {worst:?}");
        }
    }

    #[test]
    fn an_exponential_is_never_subnormal_and_keeps_nan() {
        for level in Level::available() {
            let found = exponentials(level, &[-87.0, -88.0, -100.0, -1e30, f32::NEG_INFINITY, f32::MIN, 0.0, -1e-30]);
            assert_eq!(found, [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0], "{level}");
            assert!(exponentials(level, &[f32::NAN])[0].is_nan(), "{level}");
        }
    }
}
