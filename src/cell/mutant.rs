//! MUT1, MUT2 and MUT3: gates r z and candidate n, as in a GRU that resets before (Jozefowicz et al. 2015).

use super::gru::GATES;
use super::learn::{Back, Learn, MOST_VALUES, Then, sigmoid_slope, tanh_slope};
use crate::kernel::math::{NEGLIGIBLE, gate, tanh_fraction};
use crate::kernel::step::{Cell, Half, Hears, Keep, Now, Terms};
use crate::simd::{Isa, Vector};

/// Which of the three cells that a search through ten thousand found beside the GRU.
///
/// `h = z·n + (1−z)·h⁻` with `r = σ(W_r x + R_r h⁻ + b_r)` and
///
/// ```text
///       z                             n
/// MUT1  σ(W_z x + b_z)                tanh(tanh(W_h x) + R_h (r·h⁻) + b_h)
/// MUT2  σ(W_z x + R_z h⁻ + b_z)       tanh(W_h x + R_h (r·h⁻) + b_h)
/// MUT3  σ(W_z x + R_z tanh(h⁻) + b_z) tanh(W_h x + R_h (r·h⁻) + b_h)
/// ```
///
/// The paper hears x bare in two places, in MUT1's candidate (`tanh(x)`) and in MUT2's r: W_h or W_r is then the identity, and
/// I = H.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mutation {
    /// The update gate hears only x, the candidate tanh(W_h x).
    Mut1,
    /// The GRU with the reset before, in which z writes the new.
    Mut2,
    /// The update gate hears tanh(h⁻).
    Mut3,
}

impl Mutation {
    /// The sums that learning keeps.
    pub(crate) fn keep(self) -> &'static [Keep] {
        match self {
            Mutation::Mut1 => FIRST,
            Mutation::Mut2 => super::gru::RESET,
            Mutation::Mut3 => THIRD,
        }
    }
}

/// Kept sums of MUT1: `W_h x` apart from what the candidate hears besides.
pub(crate) const KEPT: usize = 4;

const FIRST: &[Keep] = &[
    Keep { bias: false, ..Keep::of(2, Terms::Input) },
    Keep::of(1, Terms::Input),
    Keep::of(0, Terms::Both),
    Keep { bias: true, ..Keep::of(2, Terms::Recurrent) }.hearing(Hears::Reset),
];

const THIRD: &[Keep] = &[
    Keep::of(0, Terms::Both),
    Keep::of(1, Terms::Both).hearing(Hears::Squashed),
    Keep::of(2, Terms::Both).hearing(Hears::Reset),
];

/// MUT1. Its sums over the input have no b_h.
#[derive(Clone, Copy)]
pub(crate) struct FirstMutant<'a> {
    /// b_h, of a whole number of registers.
    pub bias: &'a [f32],
}

impl FirstMutant<'_> {
    /// `tanh(W_h x) + b_h + R_h (r·h⁻)`, from tanh(W_h x).
    #[inline(always)]
    fn candidate<I: Isa>(self, isa: I, squashed: I::Vector, heard: I::Vector, unit: usize) -> I::Vector {
        (squashed + isa.load(&self.bias[unit..])) + heard
    }
}

impl Cell<GATES> for FirstMutant<'_> {
    const MEMORY: bool = false;
    const RESETS: bool = true;
    const KEEP: &'static [Keep] = FIRST;

    #[inline(always)]
    fn begin<I: Isa>(self, isa: I, now: Now<I::Vector, GATES>) -> Half<I::Vector> {
        let tanh = tanh_fraction(isa, now.input[2]);
        let n = self.candidate(isa, tanh.numerator / tanh.denominator, now.recurrent[2], now.unit);
        Half { value: n, memory: now.old.memory }
    }

    #[inline(always)]
    fn end<I: Isa>(self, isa: I, now: Now<I::Vector, GATES>, n: I::Vector) -> I::Vector {
        write(isa, now.input[1] + now.recurrent[1], n, now.old.hidden)
    }
}

/// MUT2 and MUT3, which differ in what the sums are over.
#[derive(Clone, Copy)]
pub(crate) struct OtherMutant;

impl Cell<GATES> for OtherMutant {
    const MEMORY: bool = false;
    const RESETS: bool = true;
    const KEEP: &'static [Keep] = super::gru::RESET;

    #[inline(always)]
    fn begin<I: Isa>(self, _isa: I, now: Now<I::Vector, GATES>) -> Half<I::Vector> {
        Half { value: now.input[2] + now.recurrent[2], memory: now.old.memory }
    }

    #[inline(always)]
    fn end<I: Isa>(self, isa: I, now: Now<I::Vector, GATES>, n: I::Vector) -> I::Vector {
        write(isa, now.input[1] + now.recurrent[1], n, now.old.hidden)
    }
}

/// `h = z·n + (1−z)·h⁻` as `h⁻ + z·(n − h⁻)`.
#[inline(always)]
fn write<I: Isa>(isa: I, z: I::Vector, n: I::Vector, old: I::Vector) -> I::Vector {
    let n = tanh_fraction(isa, n);
    let moved = n.numerator / n.denominator - old;
    gate(isa, z).mul_add(moved, old).flush(isa.splat(NEGLIGIBLE))
}

/// `dz = dh·(n − h⁻)`, `dn = dh·z`. What of r goes through the candidate's recurrent weights first.
impl Learn<GATES, KEPT> for FirstMutant<'_> {
    const VALUES: usize = 0;

    #[inline(always)]
    fn back<I: Isa>(self, isa: I, then: Then<I::Vector, KEPT>) -> Back<I::Vector, KEPT> {
        let ([z_x, z_z, z_r, heard], zero) = (then.kept, isa.splat(0.0));
        let (squashed, slope) = tanh_slope(isa, z_x);
        let (d_z_z, d_z_n, hidden) = unwrite(isa, z_z, self.candidate(isa, squashed, heard, then.unit), then);
        let sums = [d_z_n * slope, d_z_z, z_r, d_z_n];
        Back { sums, hidden, memory: zero, below: zero, values: [zero; MOST_VALUES] }
    }
}

impl Learn<GATES, GATES> for OtherMutant {
    const VALUES: usize = 0;

    #[inline(always)]
    fn back<I: Isa>(self, isa: I, then: Then<I::Vector, GATES>) -> Back<I::Vector, GATES> {
        let ([z_r, z_z, z_n], zero) = (then.kept, isa.splat(0.0));
        let (d_z_z, d_z_n, hidden) = unwrite(isa, z_z, z_n, then);
        Back { sums: [z_r, d_z_z, d_z_n], hidden, memory: zero, below: zero, values: [zero; MOST_VALUES] }
    }
}

/// The gradients of the sums of z and n, and of h⁻ where it is kept.
#[inline(always)]
fn unwrite<I: Isa, const KEPT: usize>(
    isa: I,
    z_z: I::Vector,
    z_n: I::Vector,
    then: Then<I::Vector, KEPT>,
) -> (I::Vector, I::Vector, I::Vector) {
    let ((z, slope_z), (n, slope_n)) = (sigmoid_slope(isa, z_z), tanh_slope(isa, z_n));
    let d_z_z = then.d_hidden * (n - then.old.hidden) * slope_z;
    (d_z_z, then.d_hidden * z * slope_n, then.d_hidden * (isa.splat(1.0) - z))
}
