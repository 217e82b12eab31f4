//! A case whose weights are those of a model's file.

use std::hint::black_box;
use std::path::Path;

use anyhow::{Result, bail, ensure};
use gatewise::Layout;
use gatewise::network::blueprint::{Blueprint, Operation};
use gatewise::network::{Input, Network, NetworkSession, Rows};

use super::case::{Call, Case, Feeding, Recurrent};
use crate::source::{Loaded, Source};

/// Reads a model that is a sequence of layers.
pub fn read(path: &Path) -> Result<Blueprint> {
    let source = Source { model: path.to_owned(), cell: None, prefix: None, nonlinearity: None, layers: None };
    match source.open(gatewise_onnx::Options::default())? {
        Loaded::Network(blueprint, _) => Ok(blueprint),
        Loaded::Graph(_) => {
            bail!("{}: a graph of operators cannot be timed here, only a sequence of layers", path.display())
        }
    }
}

/// What its recurrent weights are.
pub fn recurrent(blueprint: &Blueprint) -> Recurrent {
    let mut found = Recurrent { all: 0, largest: 0, units: 0 };
    for layer in &blueprint.layers {
        let Operation::Recurrent(layer) = &layer.operation else { continue };
        for weights in layer.passes.each() {
            let bytes = size_of::<f32>() * weights.gates() * weights.hidden_size() * weights.output_size();
            (found.all, found.largest) = (found.all + bytes, found.largest.max(bytes));
            found.units += weights.hidden_size();
        }
    }
    found
}

/// Calls of the whole batch, or of its steps one by one.
pub fn with_calls<R>(
    network: &Network,
    case: &Case,
    feeding: Feeding,
    threads: usize,
    work: impl FnOnce(Call<'_>) -> Result<R>,
) -> Result<R> {
    ensure!(feeding != Feeding::Training, "a model's file is timed as it runs, not as it learns: expected no training");
    let mut session = NetworkSession::new(network, case.batch())?.with_threads(threads);
    let (rows, width) = (case.steps() * case.batch(), network.input().width());
    let (features, ids) = match network.input().rows {
        Rows::Features(_) => (case.input_values(width), Vec::new()),
        // Spread over the whole table, that its rows are not all in a near cache.
        Rows::Ids(count) => (Vec::new(), (0..rows).map(|row| (row * 7919 % count) as i64).collect()),
    };
    let part = |rows: std::ops::Range<usize>| -> Input<'_> {
        if ids.is_empty() { (&features[rows.start * width..rows.end * width]).into() } else { (&ids[rows]).into() }
    };
    if feeding == Feeding::Steps {
        return work(&mut || {
            for step in 0..case.steps() {
                black_box(session.step(black_box(part(step * case.batch()..(step + 1) * case.batch())))?);
            }
            Ok(())
        });
    }
    work(&mut || {
        black_box(session.forward(black_box(part(0..rows)), Layout::TimeMajor, None)?);
        Ok(())
    })
}
