//! AVX2+FMA and AVX-512 F through `std::arch`: the only file of the kernels with `unsafe`.
#![allow(unsafe_code, reason = "intrinsics; each block says what makes it sound")]

use std::arch::x86_64::*;
use std::ops::{Add, Div, Mul, Sub};

use super::{Isa, Level, Vector};

/// Makes a token and its vector: everything that is the same but for the names of the intrinsics.
macro_rules! isa {
    (
        $(#[$doc:meta])* $token:ident, $vector:ident($register:ty), level $level:ident,
        features $features:literal, detected by ($($feature:tt),+), integers $integers:ty,
        $add:ident $sub:ident $mul:ident $div:ident $fma:ident $min:ident $max:ident
        $splat:ident $load:ident $store:ident
        $splat_bits:ident $and:ident $or:ident $and_not:ident $shift:ident $to_bits:ident $from_bits:ident
    ) => {
        $(#[$doc])*
        /// A token exists only after `detect` saw the features.
        #[derive(Clone, Copy)]
        pub(crate) struct $token(());

        /// A register; it exists only through its token.
        #[derive(Clone, Copy)]
        pub(crate) struct $vector($register);

        impl $token {
            /// The token, where this machine has the features.
            pub(crate) fn detect() -> Option<Self> {
                ($(is_x86_feature_detected!($feature))&&+).then_some(Self(()))
            }

            #[inline(always)]
            fn splat_bits(self, bits: u32) -> $integers {
                // SAFETY: `self` exists, so the machine has the features.
                unsafe { $splat_bits(bits.cast_signed()) }
            }
        }

        isa!(@operator $vector $features Add add $add);
        isa!(@operator $vector $features Sub sub $sub);
        isa!(@operator $vector $features Mul mul $mul);
        isa!(@operator $vector $features Div div $div);

        impl $vector {
            #[inline(always)]
            fn bits(self) -> $integers {
                // SAFETY: `self` exists, so a token did, so the machine has the features.
                unsafe { $to_bits(self.0) }
            }

            #[inline(always)]
            fn token(self) -> $token {
                // A vector exists only through a token: the proof is passed on.
                $token(())
            }
        }

        impl Vector for $vector {
            #[inline(always)]
            fn mul_add(self, factor: Self, addend: Self) -> Self {
                // SAFETY: `self` exists, so a token did, so the machine has the features.
                Self(unsafe { $fma(self.0, factor.0, addend.0) })
            }

            #[inline(always)]
            fn clamp(self, low: Self, high: Self) -> Self {
                // The instruction returns its second operand when one is NaN: `self` goes there.
                // SAFETY: `self` exists, so a token did, so the machine has the features.
                Self(unsafe { $max(low.0, $min(high.0, self.0)) })
            }

            #[inline(always)]
            fn limit(self, bound: Self) -> Self {
                // Two cycles less in a chain than a minimum and a maximum.
                // SAFETY: `self` exists, so a token did, so the machine has the features.
                Self(unsafe { $min(bound.0, self.abs().0) }).with_sign_of(self)
            }

            #[inline(always)]
            fn abs(self) -> Self {
                let sign = self.token().splat_bits(0x8000_0000);
                // SAFETY: `self` exists, so a token did, so the machine has the features.
                Self(unsafe { $from_bits($and_not(sign, self.bits())) })
            }

            #[inline(always)]
            fn with_sign_of(self, sign: Self) -> Self {
                let mask = self.token().splat_bits(0x8000_0000);
                // SAFETY: `self` exists, so a token did, so the machine has the features.
                Self(unsafe { $from_bits($or($and_not(mask, self.bits()), $and(mask, sign.bits()))) })
            }

            #[inline(always)]
            fn choose(self, open: Self, closed: Self) -> Self {
                // SAFETY: `self` exists, so a token did, so the machine has the features.
                Self(unsafe { $token::by_sign(self.0, open.0, closed.0) })
            }

            #[inline(always)]
            fn flush(self, threshold: Self) -> Self {
                // "Not less than" holds for NaN too, which so stays.
                // SAFETY: `self` exists, so a token did, so the machine has the features.
                Self(unsafe { $token::flush_masked(self.abs().0, threshold.0, self.0) })
            }

            #[inline(always)]
            fn low_bits_to_exponent(self) -> Self {
                // SAFETY: `self` exists, so a token did, so the machine has the features.
                Self(unsafe { $from_bits($shift::<23>(self.bits())) })
            }
        }

        impl Isa for $token {
            type Vector = $vector;
            const LANES: usize = Level::$level.lanes();
            const TILE_ROWS: usize = Level::$level.tile_rows();
            const FUSED: bool = true;

            #[inline(always)]
            fn enable<R>(self, work: impl FnOnce() -> R) -> R {
                #[target_feature(enable = $features)]
                fn enabled<R>(work: impl FnOnce() -> R) -> R {
                    work()
                }
                // SAFETY: `self` exists, so `detect` found every feature of the list on this machine.
                unsafe { enabled(work) }
            }

            #[inline(always)]
            fn prefetch(self, data: &[f32], index: usize) {
                let line = data.as_ptr().wrapping_add(index);
                // SAFETY: a prefetch reads nothing and cannot fault, whatever the address; SSE is part of x86-64.
                unsafe { _mm_prefetch::<_MM_HINT_T0>(line.cast()) }
            }

            #[inline(always)]
            fn splat(self, value: f32) -> $vector {
                // SAFETY: `self` exists, so the machine has the features.
                $vector(unsafe { $splat(value) })
            }

            #[inline(always)]
            fn load(self, source: &[f32]) -> $vector {
                let source: &[f32] = &source[..Self::LANES];
                // SAFETY: `source` holds LANES readable values (sliced above); the load asks for no alignment.
                $vector(unsafe { $load(source.as_ptr()) })
            }

            #[inline(always)]
            fn load_part(self, source: &[f32]) -> $vector {
                let mask = self.mask(source.len());
                // SAFETY: the mask has a lane only for indices below `source.len()`; masked lanes are not read.
                $vector(unsafe { self.load_masked(mask, source.as_ptr()) })
            }

            #[inline(always)]
            fn store(self, vector: $vector, target: &mut [f32]) {
                let target: &mut [f32] = &mut target[..Self::LANES];
                // SAFETY: `target` has room for LANES values (sliced above); the store asks for no alignment.
                unsafe { $store(target.as_mut_ptr(), vector.0) }
            }

            #[inline(always)]
            fn store_part(self, vector: $vector, target: &mut [f32]) {
                let mask = self.mask(target.len());
                // SAFETY: the mask has a lane only for indices below `target.len()`; masked lanes are not written.
                unsafe { self.store_masked(mask, target.as_mut_ptr(), vector.0) }
            }
        }
    };

    (@operator $vector:ident $features:literal $name:ident $method:ident $intrinsic:ident) => {
        impl $name for $vector {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                // SAFETY: `self` exists, so a token did, so the machine has the features.
                Self(unsafe { $intrinsic(self.0, other.0) })
            }
        }
    };
}

isa!(
    /// AVX2 and FMA: 16 registers of 8 lanes.
    Avx2, Octet(__m256), level Avx2,
    features "avx2,fma", detected by ("avx2", "fma"), integers __m256i,
    _mm256_add_ps _mm256_sub_ps _mm256_mul_ps _mm256_div_ps _mm256_fmadd_ps _mm256_min_ps _mm256_max_ps
    _mm256_set1_ps _mm256_loadu_ps _mm256_storeu_ps
    _mm256_set1_epi32 _mm256_and_si256 _mm256_or_si256 _mm256_andnot_si256 _mm256_slli_epi32
    _mm256_castps_si256 _mm256_castsi256_ps
);

isa!(
    /// AVX-512 F: 32 registers of 16 lanes.
    Avx512, Sixteen(__m512), level Avx512,
    features "avx512f,avx2,fma", detected by ("avx512f", "avx2", "fma"), integers __m512i,
    _mm512_add_ps _mm512_sub_ps _mm512_mul_ps _mm512_div_ps _mm512_fmadd_ps _mm512_min_ps _mm512_max_ps
    _mm512_set1_ps _mm512_loadu_ps _mm512_storeu_ps
    _mm512_set1_epi32 _mm512_and_si512 _mm512_or_si512 _mm512_andnot_si512 _mm512_slli_epi32
    _mm512_castps_si512 _mm512_castsi512_ps
);

impl Avx2 {
    /// `closed` where the sign of `by` is set, else `open`.
    ///
    /// # Safety
    /// The machine has AVX2.
    #[inline(always)]
    unsafe fn by_sign(by: __m256, open: __m256, closed: __m256) -> __m256 {
        // SAFETY: the caller's promise.
        unsafe { _mm256_blendv_ps(open, closed, by) }
    }

    /// `value` where `magnitude` is not below `threshold`, zero elsewhere.
    ///
    /// # Safety
    /// The machine has AVX2.
    #[inline(always)]
    unsafe fn flush_masked(magnitude: __m256, threshold: __m256, value: __m256) -> __m256 {
        // SAFETY: the caller's promise.
        unsafe { _mm256_and_ps(_mm256_cmp_ps::<_CMP_NLT_UQ>(magnitude, threshold), value) }
    }

    /// The first `count` lanes on, the others off.
    #[inline(always)]
    fn mask(self, count: usize) -> __m256i {
        // A window of eight over eight ones and eight zeros.
        const WINDOW: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];
        let window = &WINDOW[8 - count.min(8)..][..8];
        // SAFETY: `window` holds eight values (sliced above); `self` exists, so the machine has AVX2.
        unsafe { _mm256_loadu_si256(window.as_ptr().cast()) }
    }

    /// Loads the lanes of `mask`, zeros elsewhere.
    ///
    /// # Safety
    /// `source` must be readable at every lane of `mask`.
    #[inline(always)]
    unsafe fn load_masked(self, mask: __m256i, source: *const f32) -> __m256 {
        // SAFETY: the caller's promise; `self` exists, so the machine has AVX2.
        unsafe { _mm256_maskload_ps(source, mask) }
    }

    /// Stores the lanes of `mask`.
    ///
    /// # Safety
    /// `target` must be writable at every lane of `mask`.
    #[inline(always)]
    unsafe fn store_masked(self, mask: __m256i, target: *mut f32, vector: __m256) {
        // SAFETY: the caller's promise; `self` exists, so the machine has AVX2.
        unsafe { _mm256_maskstore_ps(target, mask, vector) }
    }
}

impl Avx512 {
    /// `closed` where the sign of `by` is set, else `open`.
    ///
    /// # Safety
    /// The machine has AVX-512 F.
    #[inline(always)]
    unsafe fn by_sign(by: __m512, open: __m512, closed: __m512) -> __m512 {
        // SAFETY: the caller's promise.
        unsafe {
            let negative = _mm512_cmplt_epi32_mask(_mm512_castps_si512(by), _mm512_setzero_si512());
            _mm512_mask_blend_ps(negative, open, closed)
        }
    }

    /// `value` where `magnitude` is not below `threshold`, zero elsewhere.
    ///
    /// # Safety
    /// The machine has AVX-512 F.
    #[inline(always)]
    unsafe fn flush_masked(magnitude: __m512, threshold: __m512, value: __m512) -> __m512 {
        // SAFETY: the caller's promise.
        unsafe { _mm512_maskz_mov_ps(_mm512_cmp_ps_mask::<_CMP_NLT_UQ>(magnitude, threshold), value) }
    }

    /// The first `count` lanes on, the others off.
    #[inline(always)]
    fn mask(self, count: usize) -> __mmask16 {
        if count >= 16 { u16::MAX } else { (1 << count) - 1 }
    }

    /// Loads the lanes of `mask`, zeros elsewhere.
    ///
    /// # Safety
    /// `source` must be readable at every lane of `mask`.
    #[inline(always)]
    unsafe fn load_masked(self, mask: __mmask16, source: *const f32) -> __m512 {
        // SAFETY: the caller's promise; `self` exists, so the machine has AVX-512 F.
        unsafe { _mm512_maskz_loadu_ps(mask, source) }
    }

    /// Stores the lanes of `mask`.
    ///
    /// # Safety
    /// `target` must be writable at every lane of `mask`.
    #[inline(always)]
    unsafe fn store_masked(self, mask: __mmask16, target: *mut f32, vector: __m512) {
        // SAFETY: the caller's promise; `self` exists, so the machine has AVX-512 F.
        unsafe { _mm512_mask_storeu_ps(target, mask, vector) }
    }
}
