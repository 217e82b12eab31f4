//! Checks the book against the documents' numbers, against other programs' and against itself.

mod activations;
mod backward;
mod backward_trace;
mod cells;
mod clockwork;
mod depth_gated;
mod errors;
mod fixtures;
mod gradients;
mod json;
mod models;
mod network_errors;
mod network_trace;
mod networks;
mod notation;
mod onnx;
mod program;
mod properties;
mod protobuf;
mod pytorch;
mod trace;
mod worked_example;

/// Fails with place and both values if two numbers are further apart than the tolerance (or if one is NaN).
#[track_caller]
pub fn assert_near(found: f64, expected: f64, tolerance: f64, place: &str) {
    let distance = (found - expected).abs();
    assert!(distance <= tolerance, "{place}: found {found}, expected {expected} ± {tolerance:e}");
}

/// [`assert_near`] for every number of two lists of the same length.
#[track_caller]
pub fn assert_all_near(found: &[f64], expected: &[f64], tolerance: f64, place: &str) {
    assert_eq!(found.len(), expected.len(), "{place}: number of values");
    for (at, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        assert_near(found, expected, tolerance, &format!("{place}[{at}]"));
    }
}
