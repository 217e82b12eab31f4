//! The stages that work on every row by itself.

use wide::f32x16;

use super::input::Input;
use super::mask::zeros;
use super::packed::Stage;
use crate::error::Result;
use crate::kernel::finish::FinishRows;
use crate::kernel::linear::Linear;
use crate::simd::{Token, dispatch};
use crate::team::each;

/// What such a stage needs beside the rows before it.
#[derive(Clone, Copy)]
pub(super) struct Rowwise<'a> {
    pub token: Token,
    /// The network's own input.
    pub input: Input<'a>,
    /// Its features.
    pub width: usize,
}

impl Rowwise<'_> {
    /// The rows behind a stage.
    pub fn rows(self, stage: &Stage, given: &[f32], count: usize, rooms: &mut [Vec<f32x16>]) -> Result<Vec<f32>> {
        let width = stage.width(given.len() / count.max(1));
        let mut rows = zeros("rows", count, width)?;
        self.write(stage, given, &mut rows, rooms);
        Ok(rows)
    }

    /// Writes the rows behind a stage; recurrent ones are none of these.
    pub fn write(self, stage: &Stage, given: &[f32], rows: &mut [f32], rooms: &mut [Vec<f32x16>]) {
        match stage {
            Stage::Lookup { table, width, .. } => {
                for (row, id) in rows.chunks_exact_mut(*width).zip(ids_of(self.input)) {
                    row.copy_from_slice(&table[*id as usize * width..][..*width]);
                }
            }
            Stage::OneHot { classes } => {
                rows.fill(0.0);
                for (row, id) in rows.chunks_exact_mut(*classes).zip(ids_of(self.input)) {
                    row[*id as usize] = 1.0;
                }
            }
            Stage::Mask { value, width } => {
                rows.copy_from_slice(given);
                for row in rows.chunks_exact_mut(*width).filter(|row| row.iter().all(|x| x == value)) {
                    row.fill(0.0);
                }
            }
            Stage::Linear(linear) => share_rows(linear, given, rows, rooms),
            Stage::Finish { finish, width } => {
                rows.copy_from_slice(given);
                dispatch(self.token, FinishRows { finish: *finish, width: *width, values: rows });
            }
            Stage::AddInput { features, width } => {
                rows.copy_from_slice(given);
                let input = features_of(self.input).chunks_exact(self.width);
                for (row, input) in rows.chunks_exact_mut(*width).zip(input) {
                    for (place, value) in row.iter_mut().enumerate() {
                        *value += input[if *features == 1 { 0 } else { place }];
                    }
                }
            }
            Stage::Recurrent(_) => {}
        }
    }
}

/// Operations from which a linear layer is worth several threads.
const SHARED: usize = 4_000_000;

fn share_rows(linear: &Linear, x: &[f32], y: &mut [f32], rooms: &mut [Vec<f32x16>]) {
    let rows = x.len() / linear.input;
    let shares = if rows * linear.flops() < SHARED { 1 } else { rooms.len().min(rows).max(1) };
    let part = rows.div_ceil(shares).max(1);
    let parts = x.chunks(part * linear.input).zip(y.chunks_mut(part * linear.output)).zip(rooms);
    each(parts, |((x, y), room)| linear.apply(x, y, room));
}

/// Which rows a stage says are there; `None` if it says nothing.
pub(super) fn mask_behind(stage: &Stage, input: Input<'_>, given: &[f32]) -> Option<Vec<bool>> {
    match stage {
        Stage::Lookup { mask_zero: true, .. } => Some(ids_of(input).iter().map(|id| *id != 0).collect()),
        Stage::Mask { value, width } => {
            Some(given.chunks_exact(*width).map(|row| row.iter().any(|x| x != value)).collect())
        }
        _ => None,
    }
}

/// The ids of an input that was found to be ids.
fn ids_of(input: Input<'_>) -> &[i64] {
    match input {
        Input::Ids(ids) => ids,
        Input::Features(_) => &[],
    }
}

/// The features of an input; none of ids.
pub(super) fn features_of(input: Input<'_>) -> &[f32] {
    match input {
        Input::Features(x) => x,
        Input::Ids(_) => &[],
    }
}
