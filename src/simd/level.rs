//! The levels of instruction sets by name, and the tokens that prove one is there.

use std::fmt;
use std::str::FromStr;

use super::Portable;
#[cfg(target_arch = "x86_64")]
use super::{Avx2, Avx512};
use crate::error::{Error, Result};

/// An instruction set that the kernels are compiled for, slowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// What the target always has (SSE2, NEON, wasm simd128), four lanes, through the crate `wide`.
    Portable,
    /// AVX2 with FMA, eight lanes.
    Avx2,
    /// AVX-512 F, sixteen lanes.
    Avx512,
}

/// A level that was found on this machine. Holding one is the right to run its kernels.
#[derive(Clone, Copy)]
pub(crate) enum Token {
    /// Always there.
    Portable(Portable),
    /// Detected.
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    /// Detected.
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
}

impl Level {
    /// The environment variable that forces a level: `avx512`, `avx2` or `portable`.
    pub const VARIABLE: &str = "GATEWISE_ISA";

    /// Every level that gatewise knows, slowest first.
    pub const ALL: [Level; 3] = [Level::Portable, Level::Avx2, Level::Avx512];

    /// The levels that this machine has, slowest first.
    pub fn available() -> impl Iterator<Item = Level> {
        Level::ALL.into_iter().filter(|level| level.is_available())
    }

    /// The fastest level that this machine has.
    pub fn best() -> Level {
        Level::available().last().unwrap_or(Level::Portable)
    }

    /// The level that the environment variable `GATEWISE_ISA` asks for, or the best one where it is not set or empty.
    ///
    /// # Errors
    /// [`Error::UnknownLevel`] for a name that is none of the three, [`Error::MissingLevel`] for one that this machine
    /// does not have.
    pub fn chosen() -> Result<Level> {
        match std::env::var_os(Level::VARIABLE).filter(|name| !name.is_empty()) {
            None => Ok(Level::best()),
            Some(name) => {
                let level: Level = name.to_string_lossy().parse()?;
                level.token().map(|_| level)
            }
        }
    }

    /// Whether this machine has it.
    pub fn is_available(self) -> bool {
        self.token().is_ok()
    }

    /// The name by which users call it: `portable`, `avx2` or `avx512`.
    pub fn name(self) -> &'static str {
        match self {
            Level::Portable => "portable",
            Level::Avx2 => "avx2",
            Level::Avx512 => "avx512",
        }
    }

    /// `f32` lanes of one register.
    pub const fn lanes(self) -> usize {
        match self {
            Level::Portable => 4,
            Level::Avx2 => 8,
            Level::Avx512 => 16,
        }
    }

    /// Rows of the largest register tile of rows × 3 vectors.
    pub const fn tile_rows(self) -> usize {
        match self {
            // 24 accumulators of 32 registers; of 16: 9 accumulators, 3 weights, a value and a product.
            Level::Portable => {
                if cfg!(target_arch = "aarch64") {
                    8
                } else {
                    3
                }
            }
            // 12 accumulators, 3 weights and a value fill the 16 registers.
            Level::Avx2 => 4,
            // 24 accumulators, 3 weights and a value of 32 registers. 6 × 4 is 5 to 10 % slower (10 loads, not 11, but
            // longer lines), 12 × 2 as well.
            Level::Avx512 => 8,
        }
    }

    /// The proof that this machine has the level, or [`Error::MissingLevel`].
    pub(crate) fn token(self) -> Result<Token> {
        match self {
            Level::Portable => Ok(Token::Portable(Portable)),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => Avx2::detect().map(Token::Avx2).ok_or(Error::MissingLevel { level: self }),
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => Avx512::detect().map(Token::Avx512).ok_or(Error::MissingLevel { level: self }),
            #[cfg(not(target_arch = "x86_64"))]
            Level::Avx2 | Level::Avx512 => Err(Error::MissingLevel { level: self }),
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Level {
    type Err = Error;

    fn from_str(name: &str) -> Result<Level> {
        Level::ALL
            .into_iter()
            .find(|level| level.name().eq_ignore_ascii_case(name))
            .ok_or_else(|| Error::UnknownLevel { name: name.to_owned() })
    }
}

impl Token {
    /// The level it proves.
    pub(crate) fn level(self) -> Level {
        match self {
            Token::Portable(_) => Level::Portable,
            #[cfg(target_arch = "x86_64")]
            Token::Avx2(_) => Level::Avx2,
            #[cfg(target_arch = "x86_64")]
            Token::Avx512(_) => Level::Avx512,
        }
    }
}
