//! An array with its values as they came: single or double precision, whole numbers, truth values.

use anyhow::{Result, bail, ensure};

/// An array in C order.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Lengths of the axes.
    pub shape: Vec<usize>,
    /// The last axis moves fastest.
    pub values: Values,
}

/// The values of a [`Tensor`].
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// float32, and float16 widened.
    F32(Vec<f32>),
    /// float64
    F64(Vec<f64>),
    /// Integers of any width.
    I64(Vec<i64>),
    /// bool
    Bool(Vec<bool>),
}

impl Values {
    /// How many there are.
    pub fn count(&self) -> usize {
        match self {
            Values::F32(values) => values.len(),
            Values::F64(values) => values.len(),
            Values::I64(values) => values.len(),
            Values::Bool(values) => values.len(),
        }
    }

    /// NumPy's name of the type.
    pub fn kind(&self) -> &'static str {
        match self {
            Values::F32(_) => "float32",
            Values::F64(_) => "float64",
            Values::I64(_) => "int64",
            Values::Bool(_) => "bool",
        }
    }

    /// Whether they are floats.
    pub fn is_float(&self) -> bool {
        matches!(self, Values::F32(_) | Values::F64(_))
    }

    /// As single precision: doubles are rounded to the nearest, integers must be exact.
    ///
    /// # Errors
    /// The index of an integer that is not exact, or of a finite double that would be infinite.
    pub fn to_f32(&self) -> Result<Vec<f32>> {
        match self {
            Values::F32(values) => Ok(values.clone()),
            Values::F64(values) => each(values, "float32", |value| {
                let narrow = value as f32;
                (narrow.is_finite() || !value.is_finite()).then_some(narrow)
            }),
            Values::I64(values) => {
                each(values, "float32", |value| exact(value, value as f32 as i128).then_some(value as f32))
            }
            Values::Bool(values) => Ok(values.iter().map(|value| f32::from(*value)).collect()),
        }
    }

    /// As double precision, every value exact.
    ///
    /// # Errors
    /// The index of an integer that is not exact.
    pub fn to_f64(&self) -> Result<Vec<f64>> {
        match self {
            Values::F32(values) => Ok(values.iter().map(|value| f64::from(*value)).collect()),
            Values::F64(values) => Ok(values.clone()),
            Values::I64(values) => {
                each(values, "float64", |value| exact(value, value as f64 as i128).then_some(value as f64))
            }
            Values::Bool(values) => Ok(values.iter().map(|value| f64::from(*value)).collect()),
        }
    }

    /// As whole numbers, every value exact.
    ///
    /// # Errors
    /// The index of a value that is no whole number, or more than int64 holds.
    pub fn to_i64(&self) -> Result<Vec<i64>> {
        match self {
            Values::F32(values) => each(values, "int64", |value| whole(f64::from(value))),
            Values::F64(values) => each(values, "int64", whole),
            Values::I64(values) => Ok(values.clone()),
            Values::Bool(values) => Ok(values.iter().map(|value| i64::from(*value)).collect()),
        }
    }

    /// [`Values::to_f32`] without a copy of what is single already.
    pub fn into_f32(self) -> Result<Vec<f32>> {
        match self {
            Values::F32(values) => Ok(values),
            other => other.to_f32(),
        }
    }

    /// [`Values::to_f64`] without a copy of what is double already.
    pub fn into_f64(self) -> Result<Vec<f64>> {
        match self {
            Values::F64(values) => Ok(values),
            other => other.to_f64(),
        }
    }

    /// From the order with the first axis fastest to the one with the last axis fastest.
    pub(super) fn into_c_order(self, shape: &[usize]) -> Self {
        match self {
            Values::F32(values) => Values::F32(to_c_order(shape, &values)),
            Values::F64(values) => Values::F64(to_c_order(shape, &values)),
            Values::I64(values) => Values::I64(to_c_order(shape, &values)),
            Values::Bool(values) => Values::Bool(to_c_order(shape, &values)),
        }
    }
}

impl Tensor {
    /// Refuses a shape that speaks of another number of values.
    pub(super) fn check(&self) -> Result<()> {
        let count = self.shape.iter().try_fold(1usize, |product, axis| product.checked_mul(*axis));
        let found = self.values.count();
        ensure!(count == Some(found), "shape {:?}, but {found} values", self.shape);
        Ok(())
    }
}

fn each<S: Copy + std::fmt::Display, T>(values: &[S], kind: &str, convert: impl Fn(S) -> Option<T>) -> Result<Vec<T>> {
    let mut converted = Vec::with_capacity(values.len());
    for (index, value) in values.iter().enumerate() {
        match convert(*value) {
            Some(value) => converted.push(value),
            None => bail!("{value} at index {index} is no {kind}"),
        }
    }
    Ok(converted)
}

/// Whether a whole number came back from a float as it was.
fn exact(value: i64, back: i128) -> bool {
    i128::from(value) == back
}

fn whole(value: f64) -> Option<i64> {
    // 2^63 itself is the first float beyond.
    let fits = (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&value);
    (fits && value.fract() == 0.0).then_some(value as i64)
}

/// Fortran order has the first axis fastest.
fn to_c_order<T: Copy>(shape: &[usize], values: &[T]) -> Vec<T> {
    let mut strides = Vec::with_capacity(shape.len());
    let mut stride = 1;
    for axis in shape {
        strides.push(stride);
        stride *= axis;
    }
    let mut index = vec![0; shape.len()];
    let mut ordered = Vec::with_capacity(values.len());
    for _ in 0..values.len() {
        ordered.push(values[index.iter().zip(&strides).map(|(i, s)| i * s).sum::<usize>()]);
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            if index[axis] < shape[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fortran_order_is_turned_into_c_order() {
        // a[i][j][k] = 100 i + 10 j + k, written with i fastest.
        let shape = [2, 3, 4];
        let mut fortran = Vec::new();
        for k in 0..4 {
            for j in 0..3 {
                for i in 0..2 {
                    fortran.push(f64::from(100 * i + 10 * j + k));
                }
            }
        }
        let ordered = to_c_order(&shape, &fortran);
        let mut at = 0;
        for i in 0..2 {
            for j in 0..3 {
                for k in 0..4 {
                    assert_eq!(ordered[at], f64::from(100 * i + 10 * j + k), "at [{i}][{j}][{k}]");
                    at += 1;
                }
            }
        }
    }

    #[test]
    fn conversions_are_exact_or_name_the_index() {
        let message = |result: Result<()>| result.expect_err("must be refused").to_string();
        assert_eq!(Values::I64(vec![1 << 24, -(1 << 24)]).to_f32().unwrap(), [16_777_216.0, -16_777_216.0]);
        assert_eq!(
            message(Values::I64(vec![0, (1 << 24) + 1]).to_f32().map(drop)),
            "16777217 at index 1 is no float32"
        );
        assert_eq!(
            message(Values::I64(vec![i64::MAX]).to_f64().map(drop)),
            format!("{} at index 0 is no float64", i64::MAX)
        );
        assert_eq!(Values::I64(vec![i64::MIN]).to_f64().unwrap(), [-(2f64.powi(63))]);
        assert_eq!(Values::F64(vec![0.1, f64::INFINITY]).to_f32().unwrap(), [0.1, f32::INFINITY]);
        assert!(message(Values::F64(vec![0.0, 1e39]).to_f32().map(drop)).contains("at index 1 is no float32"));
        assert_eq!(Values::F64(vec![-(2f64.powi(63)), 3.0]).to_i64().unwrap(), [i64::MIN, 3]);
        for odd in [0.5, 2f64.powi(63), f64::NAN, f64::NEG_INFINITY] {
            assert!(message(Values::F64(vec![odd]).to_i64().map(drop)).contains("at index 0 is no int64"), "{odd}");
        }
        assert_eq!(Values::F32(vec![-2.0]).to_i64().unwrap(), [-2]);
        assert_eq!(Values::Bool(vec![true, false]).to_f32().unwrap(), [1.0, 0.0]);
        assert_eq!(Values::Bool(vec![true, false]).to_i64().unwrap(), [1, 0]);
    }
}
