//! ONNX's weights in our order, packed.
//!
//! ONNX keeps an LSTM's rows as i o f c (its peepholes as i o f), a GRU's as z r h, and the two biases side by side.

use gatewise::{GruWeights, Level, LstmWeights, Merge, Model, RnnWeights, Weights};

use super::{Direction, Spec, Step};
use crate::error::Result;

/// A constant's values, all directions; the shapes are checked.
pub(super) struct Tensors<'a> {
    pub w: &'a [f32],
    pub r: &'a [f32],
    pub b: Option<&'a [f32]>,
    pub p: Option<&'a [f32]>,
    /// I.
    pub input: usize,
    /// H.
    pub hidden: usize,
}

/// Packs the weights of all directions.
pub(super) fn pack(spec: &Spec, tensors: &Tensors<'_>, level: Option<Level>) -> Result<Model> {
    let one = |index: usize| direction(spec, tensors, index).map_err(|error| spec.error(error.to_string()));
    let builder = match spec.direction {
        Direction::Forward => Model::builder().layer(one(0)?),
        Direction::Reverse => Model::builder().reverse(one(0)?),
        Direction::Both => {
            // Y's directions stand apart time-major, side by side batch-first.
            let merge = match spec.layout {
                gatewise::Layout::TimeMajor => Merge::None,
                gatewise::Layout::BatchFirst => Merge::Concat,
            };
            Model::builder().bidirectional(one(0)?, one(1)?, merge)
        }
    };
    let builder = if let Some(level) = level { builder.level(level) } else { builder };
    builder.build().map_err(|error| spec.error(error.to_string()))
}

fn direction(spec: &Spec, tensors: &Tensors<'_>, index: usize) -> gatewise::Result<Weights> {
    let (input, hidden) = (tensors.input, tensors.hidden);
    let count = spec.direction.count();
    let part = |values: &'_ [f32]| -> Vec<f32> {
        let length = values.len() / count;
        values.iter().skip(index * length).take(length).copied().collect()
    };
    let order: &[usize] = match spec.cell {
        super::Cell::Lstm => &[0, 2, 3, 1],
        super::Cell::Gru => &[1, 0, 2],
        super::Cell::Rnn => &[0],
    };
    let w = gates(&part(tensors.w), order, hidden.saturating_mul(input));
    let r = gates(&part(tensors.r), order, hidden.saturating_mul(hidden));
    let rows = order.len() * hidden;
    let biases = tensors.b.map_or(vec![0.0; 2 * rows], part);
    let (wb, rb) = biases.split_at(rows.min(biases.len()));
    let (wb, rb) = (gates(wb, order, hidden), gates(rb, order, hidden));
    let summed: Vec<f32> = wb.iter().zip(&rb).map(|(wb, rb)| wb + rb).collect();
    let step = spec.options.get(index).copied();
    Ok(match step {
        Some(Step::Lstm(options)) => {
            let weights = LstmWeights::new(input, hidden, &w, &r, &summed)?;
            let weights = match tensors.p.map(|p| gates(&part(p), &[0, 2, 1], hidden)) {
                None => weights,
                Some(p) => {
                    let mut each = p.chunks(hidden);
                    weights.with_peepholes([each.next(), each.next(), each.next()])?
                }
            };
            weights.with_options(options).into()
        }
        Some(Step::Gru(options)) => {
            // The candidate's recurrent bias stays inside r·(…); those of r and z are added.
            let (summed, (own, recurrent)) = (&summed[..2 * hidden], (&wb[2 * hidden..], &rb[2 * hidden..]));
            let bias = [summed, own].concat();
            GruWeights::new(input, hidden, &w, &r, &bias, recurrent)?.with_options(options).into()
        }
        Some(Step::Rnn(options)) => RnnWeights::new(input, hidden, &w, &r, &summed)?.with_options(options).into(),
        None => {
            let message = format!("there is no direction {index}");
            return Err(gatewise::Error::Model { message });
        }
    })
}

/// The gates' rows in another order: `size` values each, gate `order[k]` becomes gate k.
fn gates(values: &[f32], order: &[usize], size: usize) -> Vec<f32> {
    order.iter().flat_map(|gate| values.iter().skip(gate * size).take(size)).copied().collect()
}
