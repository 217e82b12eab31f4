//! The simple RNN: one sum and an activation.

use super::learn::{Back, Learn, MOST_VALUES, Then, clipped_slope, tanh_slope};
use crate::activation::Activation;
use crate::kernel::activate::activate;
use crate::kernel::math::{NEGLIGIBLE, tanh_fraction};
use crate::kernel::step::{Cell, Half, Keep, Now, WHOLE};
use crate::simd::{Isa, Vector};

/// Gates of a unit: the one sum.
pub(crate) const GATES: usize = 1;

/// Which simple RNN it is; the default is PyTorch's, with tanh.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RnnOptions {
    /// The activation; PyTorch has tanh and ReLU.
    pub activation: Activation,
    /// Bounds the pre-activation to −clip ..= clip, as ONNX Runtime does.
    pub clip: Option<f32>,
}

impl Default for RnnOptions {
    fn default() -> Self {
        RnnOptions { activation: Activation::Tanh, clip: None }
    }
}

/// `h = tanh(W x + R h⁻ + b)` (Elman 1990).
#[derive(Clone, Copy)]
pub(crate) struct TanhRnn;

impl Cell<GATES> for TanhRnn {
    const MEMORY: bool = false;
    const KEEP: &'static [Keep] = WHOLE.split_at(GATES).0;

    #[inline(always)]
    fn begin<I: Isa>(self, _isa: I, now: Now<I::Vector, GATES>) -> Half<I::Vector> {
        let Now { input, recurrent, old, .. } = now;
        Half { value: input[0] + recurrent[0], memory: old.memory }
    }

    #[inline(always)]
    fn end<I: Isa>(self, isa: I, _now: Now<I::Vector, GATES>, z: I::Vector) -> I::Vector {
        let tanh = tanh_fraction(isa, z);
        tanh.numerator / tanh.denominator
    }
}

/// A simple RNN with any activation.
#[derive(Clone, Copy)]
pub(crate) struct AnyRnn {
    /// Which it is.
    pub options: RnnOptions,
}

impl Cell<GATES> for AnyRnn {
    const MEMORY: bool = false;
    const KEEP: &'static [Keep] = WHOLE.split_at(GATES).0;

    #[inline(always)]
    fn begin<I: Isa>(self, _isa: I, now: Now<I::Vector, GATES>) -> Half<I::Vector> {
        let Now { input, recurrent, old, .. } = now;
        Half { value: input[0] + recurrent[0], memory: old.memory }
    }

    #[inline(always)]
    fn end<I: Isa>(self, isa: I, _now: Now<I::Vector, GATES>, z: I::Vector) -> I::Vector {
        let RnnOptions { activation, clip } = self.options;
        let z = clip.map_or(
            z,
            #[inline(always)]
            |clip| z.limit(isa.splat(clip)),
        );
        let hidden = match activation {
            Activation::Relu => z.clamp(isa.splat(0.0), isa.splat(f32::INFINITY)),
            other => activate(isa, other, z),
        };
        hidden.flush(isa.splat(NEGLIGIBLE))
    }
}

/// `dz = dh·(1 − h²)`.
impl Learn<GATES, GATES> for TanhRnn {
    const VALUES: usize = 0;

    #[inline(always)]
    fn back<I: Isa>(self, isa: I, then: Then<I::Vector, GATES>) -> Back<I::Vector, GATES> {
        let (_, slope) = tanh_slope(isa, then.kept[0]);
        through(isa, then, slope)
    }
}

impl Learn<GATES, GATES> for AnyRnn {
    const VALUES: usize = 0;

    #[inline(always)]
    fn back<I: Isa>(self, isa: I, then: Then<I::Vector, GATES>) -> Back<I::Vector, GATES> {
        let (_, slope) = clipped_slope(isa, self.options.activation, self.options.clip, then.kept[0]);
        through(isa, then, slope)
    }
}

#[inline(always)]
fn through<I: Isa>(isa: I, then: Then<I::Vector, GATES>, slope: I::Vector) -> Back<I::Vector, GATES> {
    let zero = isa.splat(0.0);
    Back { sums: [then.d_hidden * slope], hidden: zero, memory: zero, below: zero, values: [zero; MOST_VALUES] }
}
