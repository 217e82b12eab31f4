//! Activations over whole slices.

use super::finish::each;
use super::math;
use crate::simd::{Isa, Kernel};

/// Which function.
#[derive(Clone, Copy)]
pub(crate) enum Function {
    /// σ.
    Sigmoid,
    /// tanh.
    Tanh,
}

/// Replaces every value by the function of it.
pub(crate) struct Pointwise<'a> {
    /// The function.
    pub function: Function,
    /// Arguments, then results.
    pub values: &'a mut [f32],
}

impl Kernel for Pointwise<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        match self.function {
            Function::Sigmoid => each(
                isa,
                self.values,
                #[inline(always)]
                |x| math::sigmoid(isa, x),
            ),
            Function::Tanh => each(
                isa,
                self.values,
                #[inline(always)]
                |x| math::tanh(isa, x),
            ),
        }
    }
}
