//! The portable level: four lanes through the crate `wide` (SSE2, NEON, wasm simd128, plain arrays elsewhere).

use std::ops::{Add, Div, Mul, Sub};

use wide::{f32x4, u32x4};

use super::{Isa, Level, Vector};

/// The token of the portable level; every machine has it.
#[derive(Clone, Copy)]
pub(crate) struct Portable;

/// Four lanes.
#[derive(Clone, Copy)]
pub(crate) struct Quad(f32x4);

const LANES: usize = Level::Portable.lanes();

macro_rules! operator {
    ($($name:ident $method:ident)*) => {$(
        impl $name for Quad {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                Quad($name::$method(self.0, other.0))
            }
        }
    )*};
}
operator!(Add add Sub sub Mul mul Div div);

impl Quad {
    #[inline(always)]
    fn bits(self) -> u32x4 {
        bytemuck::cast(self.0)
    }

    #[inline(always)]
    fn from_bits(bits: u32x4) -> Self {
        Quad(bytemuck::cast(bits))
    }
}

impl Vector for Quad {
    #[inline(always)]
    fn mul_add(self, factor: Self, addend: Self) -> Self {
        Quad(self.0.mul_add(factor.0, addend.0))
    }

    #[inline(always)]
    fn clamp(self, low: Self, high: Self) -> Self {
        // `fast_clamp` keeps a NaN of `self` on every target as long as the bounds are none.
        Quad(self.0.fast_clamp(low.0, high.0))
    }

    #[inline(always)]
    fn limit(self, bound: Self) -> Self {
        self.clamp(Quad(-bound.0), bound)
    }

    #[inline(always)]
    fn abs(self) -> Self {
        Quad::from_bits(self.bits() & u32x4::splat(0x7fff_ffff))
    }

    #[inline(always)]
    fn with_sign_of(self, sign: Self) -> Self {
        let mask = u32x4::splat(0x8000_0000);
        Quad::from_bits((self.bits() & !mask) | (sign.bits() & mask))
    }

    #[inline(always)]
    fn choose(self, open: Self, closed: Self) -> Self {
        Quad(self.0.simd_lt(f32x4::splat(0.0)).select(closed.0, open.0))
    }

    #[inline(always)]
    fn flush(self, threshold: Self) -> Self {
        let kept = !self.abs().0.simd_lt(threshold.0);
        Quad(self.0 & kept)
    }

    #[inline(always)]
    fn low_bits_to_exponent(self) -> Self {
        Quad::from_bits(self.bits() << 23u32)
    }
}

impl Isa for Portable {
    type Vector = Quad;
    const LANES: usize = LANES;
    const TILE_ROWS: usize = Level::Portable.tile_rows();
    const FUSED: bool = cfg!(any(target_arch = "aarch64", target_feature = "fma"));

    // A function of its own, as the others' are.
    #[inline(never)]
    fn enable<R>(self, work: impl FnOnce() -> R) -> R {
        work()
    }

    #[inline(always)]
    fn prefetch(self, _data: &[f32], _index: usize) {
        // The portable level leaves it to the hardware.
    }

    #[inline(always)]
    fn splat(self, value: f32) -> Quad {
        Quad(f32x4::splat(value))
    }

    #[inline(always)]
    fn load(self, source: &[f32]) -> Quad {
        let [a, b, c, d] = source[..LANES] else { unreachable!("a slice of LANES values") };
        Quad(f32x4::new([a, b, c, d]))
    }

    #[inline(always)]
    fn load_part(self, source: &[f32]) -> Quad {
        let mut lanes = [0.0; LANES];
        for (lane, value) in lanes.iter_mut().zip(source) {
            *lane = *value;
        }
        Quad(f32x4::new(lanes))
    }

    #[inline(always)]
    fn store(self, vector: Quad, target: &mut [f32]) {
        target[..LANES].copy_from_slice(vector.0.as_array());
    }

    #[inline(always)]
    fn store_part(self, vector: Quad, target: &mut [f32]) {
        for (value, lane) in target.iter_mut().zip(vector.0.to_array()) {
            *value = lane;
        }
    }
}
