//! Vectors of `f32` behind one trait, and the one place where an instruction set is chosen.
//!
//! A kernel is a struct that holds its arguments and implements [`Kernel`]: one generic method, written once. [`dispatch`]
//! runs it with the registers of a [`Token`], which only detection hands out. Everything between `dispatch` and an
//! intrinsic is `#[inline(always)]`, so the whole kernel is compiled inside the one function that has the features on.

mod level;
mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

use std::ops::{Add, Div, Mul, Sub};

pub use level::Level;
pub(crate) use level::Token;
use portable::Portable;
#[cfg(target_arch = "x86_64")]
use x86::{Avx2, Avx512};

/// A register of `f32` lanes. It can be made only through its [`Isa`], so owning one proves that the machine has it.
pub(crate) trait Vector:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self>
{
    /// `self · factor + addend`, rounded once where the machine has FMA.
    fn mul_add(self, factor: Self, addend: Self) -> Self;
    /// Limits every lane to `low ..= high`; NaN stays NaN.
    fn clamp(self, low: Self, high: Self) -> Self;
    /// Limits every lane's magnitude to `bound`; NaN stays NaN.
    fn limit(self, bound: Self) -> Self;
    /// The magnitude of every lane.
    fn abs(self) -> Self;
    /// The magnitude of `self` with the sign of `sign`.
    fn with_sign_of(self, sign: Self) -> Self;
    /// `open` where `self` is zero or positive, `closed` where it is negative.
    fn choose(self, open: Self, closed: Self) -> Self;
    /// Zero where the magnitude is below `threshold`; NaN stays NaN.
    fn flush(self, threshold: Self) -> Self;
    /// Moves the low nine bits of every lane's representation into the place of sign and exponent.
    ///
    /// After `1.5·2²³ + e` the low bits hold the integer `e`; with `e = n + 127` the result is `2ⁿ`.
    fn low_bits_to_exponent(self) -> Self;
}

/// An instruction set that this machine has: the token that makes vectors.
pub(crate) trait Isa: Copy + Send + Sync + 'static {
    /// Its register.
    type Vector: Vector;
    /// Lanes of a register.
    const LANES: usize;
    /// Rows of a register tile of rows × 3 vectors.
    const TILE_ROWS: usize;
    /// Whether `mul_add` rounds once.
    const FUSED: bool;

    /// Runs `work` with the instruction set switched on, so that all it inlines uses it.
    ///
    /// [`dispatch`] does so once a call; a part that many kernels share does so again, that it is compiled once.
    fn enable<R>(self, work: impl FnOnce() -> R) -> R;
    /// Asks for the cache line at `data[index]` ahead of its use; an index past the end is harmless.
    fn prefetch(self, data: &[f32], index: usize);

    /// All lanes equal.
    fn splat(self, value: f32) -> Self::Vector;
    /// The first `LANES` values of `source`, which must hold that many.
    fn load(self, source: &[f32]) -> Self::Vector;
    /// The first `LANES` values of `source`, zeros where it is shorter.
    fn load_part(self, source: &[f32]) -> Self::Vector;
    /// Writes all lanes to the start of `target`, which must have room for them.
    fn store(self, vector: Self::Vector, target: &mut [f32]);
    /// Writes as many lanes as `target` has room for.
    fn store_part(self, vector: Self::Vector, target: &mut [f32]);
}

/// A computation that runs on any instruction set: arguments in fields, the formula in one generic method.
pub(crate) trait Kernel {
    /// What it returns.
    type Output;
    /// Computes. Implementations are `#[inline(always)]`.
    fn run<I: Isa>(self, isa: I) -> Self::Output;
}

/// Runs `kernel` with the registers that `token` stands for. Once per public call, never per step.
#[inline]
pub(crate) fn dispatch<K: Kernel>(token: Token, kernel: K) -> K::Output {
    match token {
        #[cfg(target_arch = "x86_64")]
        Token::Avx512(isa) => Isa::enable(
            isa,
            #[inline(always)]
            || kernel.run(isa),
        ),
        #[cfg(target_arch = "x86_64")]
        Token::Avx2(isa) => Isa::enable(
            isa,
            #[inline(always)]
            || kernel.run(isa),
        ),
        Token::Portable(isa) => kernel.run(isa),
    }
}

/// [`dispatch`] as a function of its own on every level, as it is wherever features are switched on: for one kernel of many that
/// a caller chooses from. The compiler's time grows faster than a function's length: with all in one it took a third longer.
#[inline]
pub(crate) fn dispatch_apart<K: Kernel>(token: Token, kernel: K) -> K::Output {
    match token {
        Token::Portable(isa) => Isa::enable(
            isa,
            #[inline(always)]
            || kernel.run(isa),
        ),
        #[cfg(target_arch = "x86_64")]
        _ => dispatch(token, kernel),
    }
}
