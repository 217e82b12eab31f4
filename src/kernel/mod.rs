//! Packed weights, products, activations: what is the same for every cell.

pub mod activate;
pub mod chains;
pub mod dot;
pub mod finish;
pub mod linear;
pub mod math;
pub mod outer;
pub mod pack;
pub mod peak;
pub mod pointwise;
pub mod product;
pub mod slope;
pub mod step;
