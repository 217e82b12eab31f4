//! The parts of learning that stand alone: losses, clipping, optimizers, schedules, beginnings, order, checkpoints.
//!
//! Numbers that were computed elsewhere are from `expected.py` beside this file.

mod batches;
mod bounds;
mod checkpoint;
mod initial;
mod loss;
mod optimizer;
mod random;
mod schedule;

/// Fails unless the values are close; `what` is named in the failure.
fn assert_close(what: &str, found: &[f32], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        let off = (f64::from(*found) - expected).abs();
        assert!(off <= tolerance, "{what}, index {index}: {found}, expected {expected}, {off:e} apart");
    }
}

/// The message of an error, which must be one.
fn message<T: std::fmt::Debug>(result: gatewise::Result<T>) -> String {
    result.expect_err("this is to be refused").to_string()
}
