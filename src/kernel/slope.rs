//! The way back through functions of rows.

use super::activate::activate_with_slope;
use crate::activation::Finish;
use crate::simd::{Isa, Kernel};

/// Turns the gradients of a function's values into those of its arguments, row by row.
pub(crate) struct FinishBack<'a> {
    /// The function.
    pub finish: Finish,
    /// Values of a row.
    pub width: usize,
    /// Values from one row to the next.
    pub stride: usize,
    /// The arguments.
    pub x: &'a [f32],
    /// The values.
    pub y: &'a [f32],
    /// The gradients.
    pub d: &'a mut [f32],
}

impl Kernel for FinishBack<'_> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) {
        let FinishBack { finish, width, stride, x, y, d } = self;
        for (row, d) in d.chunks_exact_mut(stride).enumerate() {
            let (x, y, d) = (&x[row * stride..][..width], &y[row * stride..][..width], &mut d[..width]);
            match finish {
                Finish::Each(activation) => {
                    for at in (0..width).step_by(I::LANES) {
                        let (_, slope) = activate_with_slope(isa, activation, isa.load_part(&x[at..]));
                        isa.store_part(slope * isa.load_part(&d[at..]), &mut d[at..]);
                    }
                }
                // dx = y·(dy − Σ y·dy)
                Finish::Softmax => {
                    let shared: f32 = y.iter().zip(&*d).map(|(y, d)| y * d).sum();
                    for (d, y) in d.iter_mut().zip(y) {
                        *d = y * (*d - shared);
                    }
                }
                // dx = dy − e^y·Σ dy
                Finish::LogSoftmax => {
                    let shared: f32 = d.iter().sum();
                    for (d, y) in d.iter_mut().zip(y) {
                        *d -= y.exp() * shared;
                    }
                }
            }
        }
    }
}
