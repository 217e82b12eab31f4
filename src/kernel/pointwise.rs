//! Activations over whole slices.

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

#[inline(always)]
fn each<I: Isa>(isa: I, values: &mut [f32], function: impl Fn(I::Vector) -> I::Vector) {
    let mut chunks = values.chunks_exact_mut(I::LANES);
    for chunk in chunks.by_ref() {
        isa.store(function(isa.load(chunk)), chunk);
    }
    let rest = chunks.into_remainder();
    isa.store_part(function(isa.load_part(rest)), rest);
}
