//! `gatewise bench` as a process: one case, the suite, and what it says beside another build.

mod common;

#[path = "bench/against.rs"]
mod against;
#[path = "bench/one.rs"]
mod one;
#[path = "bench/suite.rs"]
mod suite;
#[path = "bench/tracking.rs"]
mod tracking;
