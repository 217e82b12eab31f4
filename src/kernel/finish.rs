//! Functions of whole rows and of every value of a buffer: what stands behind a linear layer.

use super::activate::{MOST_LANES, activate};
use super::math;
use crate::activation::{Activation, Finish};
use crate::simd::{Isa, Kernel, Vector};

/// Applies a function to rows in place.
pub(crate) struct FinishRows<'a> {
    /// The function.
    pub finish: Finish,
    /// Values of a row.
    pub width: usize,
    /// A whole number of rows.
    pub values: &'a mut [f32],
}

impl Kernel for FinishRows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        finish_rows(isa, self.finish, self.width, self.values);
    }
}

/// Applies `finish` to rows of `width` values. Compiled once an instruction set.
#[inline(never)]
pub(crate) fn finish_rows<I: Isa>(isa: I, finish: Finish, width: usize, values: &mut [f32]) {
    isa.enable(
        #[inline(always)]
        || match finish {
            Finish::Each(Activation::Identity) => {}
            Finish::Each(Activation::Sigmoid) => each(
                isa,
                values,
                #[inline(always)]
                |x| math::sigmoid(isa, x),
            ),
            Finish::Each(Activation::Tanh) => each(
                isa,
                values,
                #[inline(always)]
                |x| math::tanh(isa, x),
            ),
            Finish::Each(activation) => each(
                isa,
                values,
                #[inline(always)]
                |x| activate(isa, activation, x),
            ),
            Finish::Softmax => {
                for row in values.chunks_exact_mut(width) {
                    let (_, sum) = exponentials(isa, row);
                    let sum = isa.splat(sum);
                    each(
                        isa,
                        row,
                        #[inline(always)]
                        |e| e / sum,
                    );
                }
            }
            Finish::LogSoftmax => {
                let mut scratch = [0.0; PART];
                for row in values.chunks_exact_mut(width) {
                    log_softmax(isa, row, &mut scratch);
                }
            }
        },
    );
}

/// Replaces every value by the function of it.
#[inline(always)]
pub(crate) fn each<I: Isa>(isa: I, values: &mut [f32], function: impl Fn(I::Vector) -> I::Vector) {
    let mut chunks = values.chunks_exact_mut(I::LANES);
    for chunk in chunks.by_ref() {
        isa.store(function(isa.load(chunk)), chunk);
    }
    let rest = chunks.into_remainder();
    isa.store_part(function(isa.load_part(rest)), rest);
}

/// Replaces a row by `e^(x − max)`; returns the maximum and the sum.
///
/// The sum is of sixteen partial sums on every level, so that its bits do not depend on the registers' width.
#[inline(always)]
fn exponentials<I: Isa>(isa: I, row: &mut [f32]) -> (f32, f32) {
    let most = maximum(isa, row);
    let shift = isa.splat(most);
    each(
        isa,
        row,
        #[inline(always)]
        |x| math::exp_negative(isa, x - shift),
    );
    (most, sum(row))
}

/// Values of a row that are worked on at once where the row itself must stay.
const PART: usize = 64;

/// `x − max − ln Σ e^(x − max)`.
#[inline(always)]
fn log_softmax<I: Isa>(isa: I, row: &mut [f32], scratch: &mut [f32; PART]) {
    let most = maximum(isa, row);
    let (shift, mut total) = (isa.splat(most), 0.0f64);
    for part in row.chunks(PART) {
        let scratch = &mut scratch[..part.len()];
        scratch.copy_from_slice(part);
        each(
            isa,
            scratch,
            #[inline(always)]
            |x| math::exp_negative(isa, x - shift),
        );
        total += f64::from(sum(scratch));
    }
    let logarithm = isa.splat(total.ln() as f32);
    each(
        isa,
        row,
        #[inline(always)]
        |x| (x - shift) - logarithm,
    );
}

/// The largest value of a row.
#[inline(always)]
fn maximum<I: Isa>(isa: I, row: &[f32]) -> f32 {
    let (mut most, top) = (isa.splat(f32::NEG_INFINITY), isa.splat(f32::INFINITY));
    let chunks = row.chunks_exact(I::LANES);
    let mut result = chunks.remainder().iter().copied().fold(f32::NEG_INFINITY, f32::max);
    for chunk in chunks {
        most = isa.load(chunk).clamp(most, top);
    }
    let mut lanes = [f32::NEG_INFINITY; MOST_LANES];
    isa.store(most, &mut lanes);
    for lane in lanes {
        result = result.max(lane);
    }
    result
}

/// The sum of a row, in sixteen partial sums.
#[inline(always)]
fn sum(row: &[f32]) -> f32 {
    let mut lanes = [0.0f32; MOST_LANES];
    let (chunks, rest) = row.as_chunks::<MOST_LANES>();
    for chunk in chunks {
        for lane in 0..MOST_LANES {
            lanes[lane] += chunk[lane];
        }
    }
    for (lane, value) in lanes.iter_mut().zip(rest) {
        *lane += value;
    }
    let mut half = MOST_LANES / 2;
    while half > 0 {
        for lane in 0..half {
            lanes[lane] += lanes[lane + half];
        }
        half /= 2;
    }
    lanes[0]
}
