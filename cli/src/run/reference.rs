//! A network by the scalar reference, f64.

use std::time::Instant;

use anyhow::{Result, anyhow, ensure};
use gatewise::Layout;
use gatewise::network::blueprint::Blueprint;
use gatewise_reference as book;
use gatewise_reference::{
    AnyCell, Cell, Keep, ModelInput, ModelRows, Network, NetworkInput, NoTrace, Sequence, SequentialModel,
};

use super::chunks::chunks;
use super::inputs::{Inputs, X, swap_first_axes};
use super::outputs::Computed;
use crate::model::Module;

/// Products of a chunk: some tens of milliseconds.
const CHUNK: usize = 2_000_000;

/// How it was computed, for the closing line.
const HOW: &str = "the reference (f64)";

/// A PyTorch module, its two biases apart as the file has them, step by step.
pub fn module(module: &Module, x: X, inputs: &Inputs, layout: Layout, keep_cells: bool) -> Result<Computed<f64>> {
    let Inputs { steps, batch, lengths, .. } = inputs;
    let (steps, batch) = (*steps, *batch);
    let X::Features(x) = x else { return Err(anyhow!("a recurrent module takes features")) };
    let swapped = layout == Layout::BatchFirst && steps > 1 && batch > 1;
    let mut x = x.values.into_f64()?;
    if swapped {
        x = swap_first_axes(&x, batch, steps, module.input);
    }
    let network: Network<AnyCell<f64>> = module.network()?;
    let states = |given: &Option<Vec<f64>>, width: usize| {
        given.clone().unwrap_or_else(|| vec![0.0; module.passes() * batch * width])
    };
    let cell_size = if module.tensors.cell.gates() == 4 { module.hidden } else { 0 };
    let (mut h_n, mut c_n) = (states(&inputs.hidden, module.state), states(&inputs.cell, cell_size));
    let cost = products(network.cells().iter().map(|(_, cell)| *cell)) * module.tensors.cell.gates() * batch;
    let each = if module.directions == 1 { (CHUNK / cost.max(1)).max(1) } else { steps };
    let mut computed = Computed::empty(keep_cells, HOW.to_owned());
    let start = Instant::now();
    for chunk in chunks(steps, each, "steps") {
        let sequence = Sequence {
            layout: book::Layout::TimeMajor,
            batch,
            steps: chunk.count,
            x: chunk.of(&x, batch * module.input),
            h0: Some(&h_n),
            c0: (!c_n.is_empty()).then_some(&c_n[..]),
        };
        let keep = if keep_cells { Keep::EveryCellState } else { Keep::LastStates };
        let lengths = lengths.as_deref().map(|lengths| chunk.lengths(lengths));
        let input = NetworkInput { sequence, lengths: lengths.as_deref(), keep };
        let output = network.forward(&input, &mut NoTrace)?;
        computed.y.extend(output.y);
        if let Some(cells) = &mut computed.cells {
            let last = &output.c_all[output.c_all.len() - module.directions..];
            cells.extend(side_by_side(last, module.hidden));
        }
        (h_n, c_n) = (output.h_n, output.c_n);
    }
    computed.took = start.elapsed();
    if swapped {
        computed.y = swap_first_axes(&computed.y, steps, batch, module.output());
        let width = module.directions * module.hidden;
        computed.cells = computed.cells.map(|cells| swap_first_axes(&cells, steps, batch, width));
    }
    (computed.hidden, computed.cell, computed.parts) = (vec![h_n], vec![c_n], vec![batch]);
    Ok(computed)
}

/// Any sequence of layers, some sequences at a time.
pub fn network(blueprint: &Blueprint, x: X, inputs: &Inputs, layout: Layout, each_step: bool) -> Result<Computed<f64>> {
    let model = crate::book::model(blueprint)?;
    let Inputs { steps, batch, .. } = *inputs;
    let width = blueprint.input()?.width();
    let swapped = layout == Layout::TimeMajor && steps > 1 && batch > 1;
    let batch_first =
        |values: Vec<f64>, width| if swapped { swap_first_axes(&values, steps, batch, width) } else { values };
    let rows = match x {
        X::Features(x) => Rows::Features(batch_first(x.values.into_f64()?, width)),
        X::Ids(ids) => {
            let ids = if swapped { swap_first_axes(&ids, steps, batch, 1) } else { ids };
            let id = |id: &i64| usize::try_from(*id).map_err(|_| anyhow!("array x: id {id}: expected 0 or more"));
            Rows::Ids(ids.iter().map(id).collect::<Result<_>>()?)
        }
    };
    ensure!(
        inputs.hidden.is_none() && inputs.cell.is_none(),
        "--reference: h0 and c0 are read for a PyTorch module only, other models begin with their own states"
    );
    let cost = products(cells(&model)) * steps;
    let mut computed = Computed::empty(false, HOW.to_owned());
    let start = Instant::now();
    for chunk in chunks(batch, CHUNK / cost.max(1), "sequences") {
        let rows = match &rows {
            Rows::Features(x) => ModelRows::Features { features: width, x: chunk.of(x, steps * width) },
            Rows::Ids(ids) => ModelRows::Ids(chunk.of(ids, steps)),
        };
        let lengths = inputs.lengths.as_deref().map(|lengths| chunk.of(lengths, 1));
        let input = ModelInput { layout: book::Layout::BatchFirst, batch: chunk.count, steps, rows, lengths };
        let output = model.forward(&input, &mut NoTrace)?;
        computed.y.extend(output.y);
        computed.hidden.push(output.h_n);
        computed.cell.push(output.c_n);
        computed.parts.push(chunk.count);
    }
    computed.took = start.elapsed();
    if swapped && each_step {
        let width = computed.y.len() / (steps * batch);
        computed.y = swap_first_axes(&computed.y, batch, steps, width);
    }
    Ok(computed)
}

enum Rows {
    Features(Vec<f64>),
    Ids(Vec<usize>),
}

/// The cells of all recurrent layers.
fn cells(model: &SequentialModel<f64>) -> impl Iterator<Item = &AnyCell<f64>> {
    model.layers.iter().flat_map(|layer| match layer {
        book::SequentialLayer::Recurrent(recurrent) => {
            recurrent.cells.cells().into_iter().map(|(_, cell)| cell).collect()
        }
        _ => Vec::new(),
    })
}

/// Products of a step and gate.
fn products<'a>(cells: impl Iterator<Item = &'a AnyCell<f64>>) -> usize {
    cells.map(|cell| cell.hidden_size() * (cell.input_size() + cell.output_size())).sum()
}

/// The directions' rows of `width` values, one behind the other.
fn side_by_side(directions: &[Vec<f64>], width: usize) -> Vec<f64> {
    let rows = directions[0].len() / width;
    (0..rows).flat_map(|row| directions.iter().flat_map(move |c| &c[row * width..][..width])).copied().collect()
}
