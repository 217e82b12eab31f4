//! A small matrix, stored row after row.

use crate::error::{Error, check_length};
use crate::scalar::Scalar;

/// `rows × columns` numbers, row after row.
///
/// ```
/// use gatewise_reference::Matrix;
/// let w = Matrix::from_rows(&[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
/// assert_eq!((w.rows(), w.columns()), (2, 3));
/// assert_eq!(w.get(1, 0), 4.0);
/// assert_eq!(w, Matrix::from_flat(2, 3, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])?);
/// # Ok::<(), gatewise_reference::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix<S> {
    rows: usize,
    columns: usize,
    values: Vec<S>,
}

impl<S: Scalar> Matrix<S> {
    /// Makes a matrix of zeros.
    pub fn zeros(rows: usize, columns: usize) -> Self {
        Matrix { rows, columns, values: vec![S::ZERO; rows * columns] }
    }

    /// Makes a matrix from its rows, written one below the other.
    pub fn from_rows<const COLUMNS: usize>(rows: &[[S; COLUMNS]]) -> Self {
        Matrix { rows: rows.len(), columns: COLUMNS, values: rows.concat() }
    }

    /// Makes a matrix from its numbers, row after row.
    ///
    /// # Errors
    /// [`Error::Length`] unless there are `rows · columns` numbers.
    pub fn from_flat(rows: usize, columns: usize, values: &[S]) -> Result<Self, Error> {
        check_length("matrix", rows.saturating_mul(columns), values.len())?;
        Ok(Matrix { rows, columns, values: values.to_vec() })
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Returns one number.
    ///
    /// # Panics
    /// If the row or the column does not exist.
    pub fn get(&self, row: usize, column: usize) -> S {
        assert!(column < self.columns, "column {column} of a matrix with {} columns", self.columns);
        self.values[row * self.columns + column]
    }

    /// Replaces one number.
    ///
    /// # Panics
    /// If the row or the column does not exist.
    pub fn set(&mut self, row: usize, column: usize, value: S) {
        assert!(column < self.columns, "column {column} of a matrix with {} columns", self.columns);
        self.values[row * self.columns + column] = value;
    }

    /// All numbers, row after row.
    pub(crate) fn values_mut(&mut self) -> &mut [S] {
        &mut self.values
    }

    /// Checks rows and columns; `buffer` is what the equations call this matrix.
    pub(crate) fn check_shape(&self, buffer: &'static str, rows: usize, columns: usize) -> Result<(), Error> {
        let (expected, found) = ((rows, columns), (self.rows, self.columns));
        if expected == found { Ok(()) } else { Err(Error::Shape { buffer, expected, found }) }
    }
}
