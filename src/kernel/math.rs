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

/// `1/(1 + e^−x)` of every lane.
///
/// # Accuracy
/// Within 2 ulp of the correctly rounded result for every `f32` (tests/activations.rs), subnormal results included:
/// both sides of the fraction are scaled by 2⁻⁶⁴, so that `e^104` does not overflow and no second path is needed.
#[inline(always)]
pub(crate) fn sigmoid<I: Isa>(isa: I, x: I::Vector) -> I::Vector {
    // Below −104 the result rounds to 0, above 20 to 1.
    sigmoid_from(isa, x, -104.0)
}

/// [`sigmoid`] that stays above 1e-35, so that a closed gate is no subnormal number, which would be slow to compute with.
/// (A state that decays for long may still become one.)
#[inline(always)]
pub(crate) fn gate<I: Isa>(isa: I, x: I::Vector) -> I::Vector {
    sigmoid_from(isa, x, -80.0)
}

#[inline(always)]
fn sigmoid_from<I: Isa>(isa: I, x: I::Vector, low: f32) -> I::Vector {
    const SCALE: f32 = 1.0 / ((1u128 << 64) as f32);
    let y = isa.splat(0.0) - x.clamp(isa.splat(low), isa.splat(20.0));
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

/// `σ(s)·tanh(t)` with one division instead of two: an LSTM's i·g and o·tanh(c).
///
/// `e^s·v / ((1 + e^s)(v + 2))` with `v = e^(2t) − 1`; e^s and not e^−s, because no negation then stands in the chain of
/// a single step. With s ≤ 20 and |t| ≤ 9.1 the products cannot overflow.
///
/// # Accuracy
/// Within 5e-7 of the exact product, relatively, for s ≥ −60 (tests/agreement.rs): small signals stay exact.
#[inline(always)]
pub(crate) fn gated_tanh<I: Isa>(isa: I, s: I::Vector, t: I::Vector) -> I::Vector {
    let bound = isa.splat(TANH_IS_ONE);
    let t = t.clamp(isa.splat(-TANH_IS_ONE), bound);
    let v = expm1(isa, t + t);
    let (p, scale) = exp_parts(isa, s.clamp(isa.splat(-60.0), isa.splat(20.0)), 0.0);
    let e = p.mul_add(scale, scale);
    (e * v) / ((e + isa.splat(1.0)) * (v + isa.splat(2.0)))
}
