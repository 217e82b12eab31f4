//! A call of a recurrent operator: from slices to slices.

use gatewise::{Batch, Layout, Model, Outputs, Session};

use super::shapes::has_memory;
use super::{Direction, Spec};
use crate::error::Result;

/// What a call reads.
pub(super) struct Call<'a> {
    pub x: &'a [f32],
    /// T.
    pub steps: usize,
    /// B.
    pub batch: usize,
    pub lengths: Option<&'a [i32]>,
    pub initial_h: Option<&'a [f32]>,
    pub initial_c: Option<&'a [f32]>,
}

/// The last states, as ONNX lays them out.
pub(super) struct Last {
    pub h: Vec<f32>,
    pub c: Vec<f32>,
}

/// Runs the operator, writes Y where it is asked for, and returns the last states.
pub(super) fn run(spec: &Spec, model: &Model, threads: usize, call: &Call<'_>, y: Option<&mut [f32]>) -> Result<Last> {
    let failed = |error: gatewise::Error| spec.error(error.to_string());
    let hidden = model.hidden_size();
    let lengths = call.lengths.map(|lengths| valid_lengths(spec, lengths, call.steps)).transpose()?;
    if call.batch == 0 {
        return Ok(Last { h: Vec::new(), c: Vec::new() });
    }
    let mut session = Session::new(model, call.batch).map_err(failed)?.with_threads(threads);
    let states = Transposed { spec, batch: call.batch, hidden };
    if call.initial_h.is_some() || call.initial_c.is_some() {
        let size = spec.direction.count() * call.batch * hidden;
        let h = call.initial_h.map_or_else(|| vec![0.0; size], |h| states.inwards(h));
        let size = if has_memory(spec.cell) { size } else { 0 };
        let c = call.initial_c.map_or_else(|| vec![0.0; size], |c| states.inwards(c));
        session.set_state(&h, &c).map_err(failed)?;
    }
    let mut batch = Batch::new(call.x).layout(spec.layout);
    if let Some(lengths) = &lengths {
        batch = batch.lengths(lengths);
    }
    match y {
        None => session.forward(batch, Outputs::none()).map_err(failed)?,
        Some(y) if spec.direction == Direction::Both && spec.layout == Layout::TimeMajor => {
            let mut forward = vec![0.0; call.steps * call.batch * hidden];
            let mut reverse = forward.clone();
            let outputs = Outputs::none().hidden(&mut forward).reverse(&mut reverse);
            session.forward(batch, outputs).map_err(failed)?;
            interleave(&forward, &reverse, call.batch * hidden, y);
        }
        Some(y) => session.forward(batch, Outputs::none().hidden(y)).map_err(failed)?,
    }
    Ok(Last { h: states.outwards(session.hidden_states()), c: states.outwards(session.cell_states()) })
}

fn valid_lengths(spec: &Spec, lengths: &[i32], steps: usize) -> Result<Vec<usize>> {
    let valid = |(row, length): (usize, &i32)| match usize::try_from(*length) {
        Ok(length) if length <= steps => Ok(length),
        _ => {
            Err(spec.error(format!("input sequence_lens: sequence {row} has length {length}, but X has {steps} steps")))
        }
    };
    lengths.iter().enumerate().map(valid).collect()
}

/// Two outputs T × B × H as one, T × 2 × B × H.
fn interleave(forward: &[f32], reverse: &[f32], step: usize, y: &mut [f32]) {
    if step == 0 {
        return;
    }
    let both = forward.chunks(step).zip(reverse.chunks(step));
    for (y, (forward, reverse)) in y.chunks_mut(2 * step).zip(both) {
        let (first, second) = y.split_at_mut(step);
        first.copy_from_slice(forward);
        second.copy_from_slice(reverse);
    }
}

/// States between ONNX's layout (B × D × H batch-first) and ours, which is D × B × H always.
struct Transposed<'a> {
    spec: &'a Spec,
    batch: usize,
    hidden: usize,
}

impl Transposed<'_> {
    fn inwards(&self, states: &[f32]) -> Vec<f32> {
        self.swapped(states, self.batch, self.spec.direction.count()).unwrap_or_else(|| states.to_vec())
    }

    fn outwards(&self, states: Vec<f32>) -> Vec<f32> {
        self.swapped(&states, self.spec.direction.count(), self.batch).unwrap_or(states)
    }

    /// `outer` × `inner` × H as `inner` × `outer` × H, where that makes a difference.
    fn swapped(&self, states: &[f32], outer: usize, inner: usize) -> Option<Vec<f32>> {
        if self.spec.layout == Layout::TimeMajor || outer == 1 || inner == 1 {
            return None;
        }
        let row = |index: usize| states.iter().skip(index * self.hidden).take(self.hidden);
        let order = (0..inner).flat_map(|i| (0..outer).map(move |o| o * inner + i));
        Some(order.flat_map(row).copied().collect())
    }
}
