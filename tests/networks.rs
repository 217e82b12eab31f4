//! Whole networks, every operation and every way to run them: against the reference, on numbers that can be checked by hand,
//! and each of their promises.

#[path = "networks/agreement.rs"]
mod agreement;
mod common;
#[path = "networks/hostile.rs"]
mod hostile;
#[path = "networks/masks.rs"]
mod masks;
#[path = "networks/refused.rs"]
mod refused;
#[path = "networks/same_bits.rs"]
mod same_bits;
#[path = "networks/states.rs"]
mod states;
