//! Loops of nothing but multiply-adds, and of nothing but reads: the limits that every figure is a share of.

use crate::simd::{Isa, Kernel, Vector};

/// Chains that run side by side: two units of four or five cycles' latency need eight to ten.
const CHAINS: usize = 12;

/// `rounds` multiply-adds on each of the chains.
pub(crate) struct FmaLoop {
    /// Multiply-adds a chain.
    pub rounds: u64,
}

impl Kernel for FmaLoop {
    /// Floating-point operations done, and a value that depends on all of them.
    type Output = (u64, f32);

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> (u64, f32) {
        // Values that stay near 1, so that no time is lost to subnormals or infinities; hidden from the optimiser.
        let factor = isa.splat(std::hint::black_box(0.999_999));
        let addend = isa.splat(std::hint::black_box(1e-6));
        let mut chains = [isa.splat(std::hint::black_box(1.0)); CHAINS];
        for _ in 0..self.rounds {
            for chain in &mut chains {
                *chain = chain.mul_add(factor, addend);
            }
        }
        let mut sum = chains[0];
        for chain in &chains[1..] {
            sum = sum + *chain;
        }
        let mut first = [0.0];
        isa.store_part(sum, &mut first);
        (self.rounds * (CHAINS * I::LANES * 2) as u64, first[0])
    }
}

/// Adds up `data`, `passes` times: as many loads as a core can have under way, and nothing that waits for them.
pub(crate) struct ReadLoop<'a> {
    /// A multiple of [`READ_TURN`] values.
    pub data: &'a [f32],
    /// How often.
    pub passes: usize,
}

/// Values that a turn of the loop reads, on the widest registers.
pub(crate) const READ_TURN: usize = CHAINS * 16;

impl Kernel for ReadLoop<'_> {
    /// A value that depends on all that was read.
    type Output = f32;

    #[inline(always)]
    fn run<I: Isa>(self, isa: I) -> f32 {
        let mut sums = [isa.splat(0.0); CHAINS];
        for _ in 0..self.passes {
            // Hidden from the optimiser: every pass reads anew.
            let data = std::hint::black_box(self.data);
            for turn in data.chunks_exact(CHAINS * I::LANES) {
                for chain in 0..CHAINS {
                    sums[chain] = sums[chain] + isa.load(&turn[chain * I::LANES..]);
                }
            }
        }
        let mut sum = sums[0];
        for other in &sums[1..] {
            sum = sum + *other;
        }
        let mut first = [0.0];
        isa.store_part(sum, &mut first);
        first[0]
    }
}
