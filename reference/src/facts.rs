//! Small facts that the documents use on the way.
//!
//! Gates work number by number. A forget gate of zeros wipes the memory, one of ones keeps it, and in between it keeps a part:
//!
//! ```
//! use gatewise_reference::facts::pointwise;
//! let memory = [6.0, 8.0, 9.0];
//! assert_eq!(pointwise(&[0.0, 0.0, 0.0], &memory), [0.0, 0.0, 0.0]);
//! assert_eq!(pointwise(&[1.0, 1.0, 1.0], &memory), memory);
//! assert_eq!(pointwise(&[0.5, 1.0, 0.5], &memory), [3.0, 8.0, 4.5]);
//! ```
//!
//! Drawings join h⁻ and x to one vector and show one weight matrix a gate. With 3 hidden units and 4 features that is
//! 1×7 times 7×3, and it gives what two matrices give:
//!
//! ```
//! use gatewise_reference::facts::{concatenated, row_times_matrix};
//! use gatewise_reference::{Cell, Gate, Lstm, LstmOptions, Matrix, Moment, Trace, TraceFilter};
//!
//! let (h_previous, x) = ([1.0, -2.0, 3.0], [4.0, 5.0, -6.0, 7.0]);
//! let mut forget_gate = Gate::zeros(4, 3);
//! let mut joined = Matrix::zeros(7, 3);
//! for unit in 0..3 {
//!     for other in 0..3 {
//!         let weight = (10 * unit + other) as f64;
//!         forget_gate.recurrent_weights.set(unit, other, weight);
//!         joined.set(other, unit, weight);
//!     }
//!     for feature in 0..4 {
//!         let weight = (100 * unit + feature) as f64;
//!         forget_gate.input_weights.set(unit, feature, weight);
//!         joined.set(3 + feature, unit, weight);
//!     }
//! }
//! let z_f = row_times_matrix(&concatenated(&h_previous, &x), &joined);
//!
//! let zeros = Gate::zeros(4, 3);
//! let lstm = Lstm {
//!     forget_gate,
//!     input_gate: zeros.clone(),
//!     candidate: zeros.clone(),
//!     output_gate: zeros,
//!     options: LstmOptions::default(),
//!     projection: None,
//! };
//! let now = Moment { x: &x, h_previous: &h_previous, c_previous: &[0.0; 3] };
//! let mut trace = Trace::new(TraceFilter::default());
//! lstm.step(&now, &mut trace);
//! for unit in 0..3 {
//!     assert_eq!(trace.get(0, unit, "z_f").map(|z_f| z_f.value), Some(z_f[unit]), "unit {unit}");
//! }
//! ```
//!
//! Words become vectors with [`one_hot`](crate::one_hot), and [`tanh`](crate::tanh) squashes 1, 2, 3 to 0.76, 0.96, 1.00.

use crate::matrix::Matrix;
use crate::scalar::Scalar;

/// Multiplies number by number.
///
/// # Panics
/// If the lengths differ.
pub fn pointwise<S: Scalar>(gate: &[S], memory: &[S]) -> Vec<S> {
    assert_eq!(gate.len(), memory.len(), "a gate and a memory of different lengths");
    let mut product = Vec::with_capacity(gate.len());
    for unit in 0..gate.len() {
        product.push(gate[unit] * memory[unit]);
    }
    product
}

/// Joins the previous hidden state and the features: `[h⁻, x]`.
pub fn concatenated<S: Scalar>(h_previous: &[S], x: &[S]) -> Vec<S> {
    [h_previous, x].concat()
}

/// Multiplies a row with a matrix: 1×7 · 7×3 gives 1×3.
///
/// # Panics
/// If the row has not as many numbers as the matrix has rows.
pub fn row_times_matrix<S: Scalar>(row: &[S], matrix: &Matrix<S>) -> Vec<S> {
    assert_eq!(row.len(), matrix.rows(), "a row and a matrix that do not fit");
    let mut product = Vec::with_capacity(matrix.columns());
    for column in 0..matrix.columns() {
        let mut sum = S::ZERO;
        for at in 0..row.len() {
            sum = sum + row[at] * matrix.get(at, column);
        }
        product.push(sum);
    }
    product
}
