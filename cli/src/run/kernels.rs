//! A network by the kernels, f32.

use std::time::Instant;

use anyhow::{Context, Result};
use gatewise::Layout;
use gatewise::network::blueprint::Blueprint;
use gatewise::network::{Input, Network, NetworkSession};

use super::Arguments;
use super::chunks::{Chunk, chunks};
use super::engine::Engine;
use super::inputs::{Inputs, X, swap_first_axes};
use super::outputs::Computed;

/// Operations of a chunk: some tens of milliseconds.
const CHUNK: usize = 2_000_000_000;

/// Sequences of a chunk at least: fewer would leave the kernels' tiles low.
const SEQUENCES: usize = 64;

/// x in f32, one of its forms.
enum Narrow {
    Features(Vec<f32>),
    Ids(Vec<i64>),
}

pub fn run(
    arguments: &Arguments,
    engine: &Engine,
    blueprint: &Blueprint,
    x: X,
    inputs: &Inputs,
    layout: Layout,
) -> Result<Computed<f32>> {
    let network =
        Network::with_level(blueprint, engine.level).with_context(|| arguments.source.model.display().to_string())?;
    let run = Run { network: &network, engine, inputs, cells: arguments.cells };
    let wanted = if network.streams() || arguments.cells { Layout::TimeMajor } else { Layout::BatchFirst };
    let x = match x {
        X::Features(x) => Narrow::Features(run.ordered(x.values.into_f32()?, network.input().width(), layout, wanted)),
        X::Ids(ids) => Narrow::Ids(run.ordered(ids, 1, layout, wanted)),
    };
    let mut computed = if wanted == Layout::TimeMajor { run.steps(&x)? } else { run.sequences(&x)? };
    if network.output().each_step {
        let width = network.output().width();
        computed.y = run.ordered(computed.y, width, wanted, layout);
    }
    if let Some(cells) = &mut computed.cells {
        let width = cells.len() / (inputs.steps * inputs.batch);
        *cells = run.ordered(std::mem::take(cells), width, wanted, layout);
    }
    Ok(computed)
}

struct Run<'a> {
    network: &'a Network,
    engine: &'a Engine,
    inputs: &'a Inputs,
    cells: bool,
}

impl Run<'_> {
    /// The rows in another order of the first two axes.
    fn ordered<T: Copy>(&self, values: Vec<T>, width: usize, from: Layout, to: Layout) -> Vec<T> {
        let Inputs { steps, batch, .. } = *self.inputs;
        match (from, to) {
            _ if from == to || steps == 1 || batch == 1 => values,
            (Layout::TimeMajor, _) => swap_first_axes(&values, steps, batch, width),
            (Layout::BatchFirst, _) => swap_first_axes(&values, batch, steps, width),
        }
    }

    /// Some steps of all sequences at a time, the states kept between: all steps at once where a layer reads backwards.
    fn steps(&self, x: &Narrow) -> Result<Computed<f32>> {
        let Inputs { steps, batch, .. } = *self.inputs;
        let mut session = NetworkSession::new(self.network, batch)?.with_threads(self.engine.threads);
        self.begin(&mut session, 0..batch)?;
        let cost = self.network.flops_per_step() * batch;
        let each = if self.network.streams() { (CHUNK / cost.max(1)).max(1) } else { steps };
        let mut computed = Computed::empty(self.cells, self.engine.describe());
        for chunk in chunks(steps, each, "steps") {
            let lengths = self.inputs.lengths.as_deref().map(|lengths| chunk.lengths(lengths));
            let input = self.input(x, &chunk, batch);
            let start = Instant::now();
            let (y, cells) = self.engine.pool.install(|| match input {
                Input::Features(x) if self.cells => {
                    session.forward_with_cells(x, Layout::TimeMajor, lengths.as_deref())
                }
                input => Ok((session.forward(input, Layout::TimeMajor, lengths.as_deref())?, Vec::new())),
            })?;
            computed.took += start.elapsed();
            computed.y.extend(y);
            if let Some(all) = &mut computed.cells {
                all.extend(cells);
            }
        }
        computed.hidden = vec![session.hidden_states()];
        computed.cell = vec![session.cell_states()];
        computed.parts = vec![batch];
        Ok(computed)
    }

    /// All steps of some sequences at a time.
    fn sequences(&self, x: &Narrow) -> Result<Computed<f32>> {
        let Inputs { steps, batch, .. } = *self.inputs;
        let cost = self.network.flops_per_step() * steps;
        let mut computed = Computed::empty(false, self.engine.describe());
        for chunk in chunks(batch, (CHUNK / cost.max(1)).max(SEQUENCES), "sequences") {
            let mut session = NetworkSession::new(self.network, chunk.count)?.with_threads(self.engine.threads);
            self.begin(&mut session, chunk.start..chunk.start + chunk.count)?;
            let lengths = self.inputs.lengths.as_deref().map(|lengths| chunk.of(lengths, 1));
            let input = self.input(x, &chunk, steps);
            let start = Instant::now();
            let y = self.engine.pool.install(|| session.forward(input, Layout::BatchFirst, lengths))?;
            computed.took += start.elapsed();
            computed.y.extend(y);
            computed.hidden.push(session.hidden_states());
            computed.cell.push(session.cell_states());
            computed.parts.push(chunk.count);
        }
        Ok(computed)
    }

    /// The part of x that is a chunk's; `rows` rows stand for each of its steps or sequences.
    fn input<'a>(&self, x: &'a Narrow, chunk: &Chunk, rows: usize) -> Input<'a> {
        match x {
            Narrow::Features(x) => Input::Features(chunk.of(x, rows * self.network.input().width())),
            Narrow::Ids(ids) => Input::Ids(chunk.of(ids, rows)),
        }
    }

    /// The states that the input file gives to some sequences; where it gives none, the network's own stay.
    fn begin(&self, session: &mut NetworkSession<&Network>, sequences: std::ops::Range<usize>) -> Result<()> {
        let passes = self.network.passes();
        let part = |states: &Option<Vec<f64>>, own: Vec<f32>, widths: Vec<usize>| match states {
            None => own,
            Some(states) => {
                let (mut rest, mut part) = (&states[..], Vec::new());
                for width in widths {
                    let (pass, others) = rest.split_at(self.inputs.batch * width);
                    part.extend(pass[sequences.start * width..sequences.end * width].iter().map(|value| *value as f32));
                    rest = others;
                }
                part
            }
        };
        let hidden =
            part(&self.inputs.hidden, session.hidden_states(), passes.iter().map(|pass| pass.hidden).collect());
        let cell = part(&self.inputs.cell, session.cell_states(), passes.iter().map(|pass| pass.cell).collect());
        Ok(session.set_state(&hidden, &cell)?)
    }
}
