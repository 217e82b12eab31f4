//! The order of summation, which the layer's shape alone decides.

/// Terms that are summed in one chain.
///
/// Short chains are more exact (`docs/performance.md`): one chain of 128 terms is 2.5e-6 off on a voice detector after 1,875
/// steps, chains of 64 1.5e-6 (with an earlier update of c; 1.2e-6 with today's). A chain of 64 lines of three vectors
/// (12 KiB) also stays in the L1 cache for all rows.
pub(crate) const CHAIN: usize = 64;

/// How the terms of a sum are divided into chains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chains {
    /// Of [`CHAIN`] terms, one after the other.
    InOrder,
    /// Two, of half the terms each: for a cell so small that one step waits for its chains.
    Halves,
    /// Of [`LONG`] terms: for gradients, which are sums over many rows anyway.
    Long,
}

/// Terms of a long chain. They come from the L2 cache for every tile, and nothing is waited for: 97 % of the multiply-adds'
/// limit, where chains of 64 have 87 % because each of them begins and ends (docs/performance.md).
const LONG: usize = 512;

impl Chains {
    /// For the recurrent sums of `gates` gates of `units` units: up to 64 sums are two registers or fewer a chain port.
    pub fn recurrent(gates: usize, units: usize) -> Self {
        if gates * units <= 64 { Chains::Halves } else { Chains::InOrder }
    }

    /// Terms of the first chain of `depth`, and of those that follow.
    #[inline(always)]
    pub fn first(self, depth: usize) -> usize {
        match self {
            Chains::InOrder => depth.min(CHAIN),
            Chains::Halves => depth.div_ceil(2),
            Chains::Long => depth.min(LONG),
        }
    }

    /// Terms of the others at most.
    #[inline(always)]
    pub fn next(self) -> usize {
        if self == Chains::Long { LONG } else { CHAIN }
    }
}
