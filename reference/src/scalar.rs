//! The two number types that the book computes with, `f32` and `f64`, behind one small trait.

use std::fmt::{Debug, Display};
use std::ops::{Add, Div, Mul, Neg, Sub};

/// A real number as the equations use it: the four operations, `e^x` and `tanh`, and the two functions that
/// keep `e^x − 1` and `log(1 + x)` exact near 0.
pub trait Scalar:
    Copy
    + PartialOrd
    + Debug
    + Display
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
{
    /// 0
    const ZERO: Self;
    /// 1
    const ONE: Self;

    /// Converts from `f64`, rounding to the nearest.
    fn from_f64(value: f64) -> Self;
    /// Converts to `f64`; exact for both types.
    fn to_f64(self) -> f64;
    /// Computes `e^self`.
    fn exp(self) -> Self;
    /// Computes the hyperbolic tangent.
    fn tanh(self) -> Self;
    /// Computes `e^self − 1`.
    fn exp_m1(self) -> Self;
    /// Computes `log(1 + self)`.
    fn ln_1p(self) -> Self;
}

impl Scalar for f32 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;

    fn from_f64(value: f64) -> Self {
        value as f32
    }
    fn to_f64(self) -> f64 {
        f64::from(self)
    }
    fn exp(self) -> Self {
        f32::exp(self)
    }
    fn tanh(self) -> Self {
        f32::tanh(self)
    }
    fn exp_m1(self) -> Self {
        f32::exp_m1(self)
    }
    fn ln_1p(self) -> Self {
        f32::ln_1p(self)
    }
}

impl Scalar for f64 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;

    fn from_f64(value: f64) -> Self {
        value
    }
    fn to_f64(self) -> f64 {
        self
    }
    fn exp(self) -> Self {
        f64::exp(self)
    }
    fn tanh(self) -> Self {
        f64::tanh(self)
    }
    fn exp_m1(self) -> Self {
        f64::exp_m1(self)
    }
    fn ln_1p(self) -> Self {
        f64::ln_1p(self)
    }
}
