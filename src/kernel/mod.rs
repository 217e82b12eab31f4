//! What every cell shares: activations, packed weights, and the register tile.

pub(crate) mod math;
pub(crate) mod pack;
pub(crate) mod peak;
pub(crate) mod pointwise;
pub(crate) mod tile;
