//! A module by the scalar reference, f64.

use std::time::Instant;

use anyhow::Result;
use gatewise_reference::{AnyCell, Cell, Keep, Layout, NetworkInput, NoTrace, Sequence};

use super::chunks::{Cost, chunks};
use super::{Arguments, Computed};
use crate::inputs::Inputs;
use crate::model::Module;

/// Products of a chunk: some tens of milliseconds.
const CHUNK: usize = 2_000_000;

pub fn run(arguments: &Arguments, module: &Module, inputs: Inputs) -> Result<Computed> {
    let network = module.network()?;
    let Inputs { steps, batch, x, h0: mut h_n, c0: mut c_n, lengths } = inputs;
    let products = |cell: &AnyCell<f64>| cell.hidden_size() * (cell.input_size() + cell.output_size());
    let step: usize = network.cells().iter().map(|(_, cell)| products(cell)).sum();
    let cost =
        Cost { step: step * module.tensors.cell.gates() * batch, chunk: (module.directions == 1).then_some(CHUNK) };
    let mut y = Vec::with_capacity(steps * batch * module.output());
    let mut cells = arguments.cells.then(Vec::new);
    let start = Instant::now();
    for chunk in chunks(&x, lengths.as_deref(), steps, &cost) {
        let sequence = Sequence {
            layout: Layout::TimeMajor,
            batch,
            steps: chunk.steps,
            x: chunk.x,
            h0: Some(&h_n),
            c0: (!c_n.is_empty()).then_some(&c_n[..]),
        };
        let keep = if arguments.cells { Keep::EveryCellState } else { Keep::LastStates };
        let input = NetworkInput { sequence, lengths: chunk.lengths.as_deref(), keep };
        let output = network.forward(&input, &mut NoTrace)?;
        y.extend(output.y);
        if let Some(cells) = &mut cells {
            let last = &output.c_all[output.c_all.len() - module.directions..];
            cells.extend(side_by_side(last, module.hidden));
        }
        (h_n, c_n) = (output.h_n, output.c_n);
    }
    Ok(Computed { y, cells, h_n, c_n, how: "the reference (f64)".to_owned(), took: start.elapsed() })
}

/// The directions' rows of `width` values, one behind the other.
fn side_by_side(directions: &[Vec<f64>], width: usize) -> Vec<f64> {
    let rows = directions[0].len() / width;
    (0..rows).flat_map(|row| directions.iter().flat_map(move |c| &c[row * width..][..width])).copied().collect()
}
