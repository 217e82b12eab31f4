//! A module by the kernels, f32.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use gatewise::{Batch, Outputs, Session};

use super::chunks::{Cost, chunks};
use super::{Arguments, Computed};
use crate::inputs::Inputs;
use crate::model::{self, Module};

/// Operations of a chunk: some tens of milliseconds.
const CHUNK: usize = 2_000_000_000;

pub fn run(arguments: &Arguments, module: &Module, inputs: Inputs) -> Result<Computed> {
    let level = model::level(arguments.isa)?;
    let model =
        module.tensors.builder()?.level(level).build().with_context(|| arguments.model.display().to_string())?;
    let threads = match arguments.threads {
        Some(threads) => usize::from(threads),
        None => std::thread::available_parallelism().map_or(1, usize::from),
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().context("--threads")?;

    let Inputs { steps, batch, x, h0, c0, lengths } = inputs;
    let mut session = Session::new(&model, batch)?.with_threads(threads);
    session.set_state(&narrow(&h0), &narrow(&c0))?;
    let (output, memory) = (module.output(), module.directions * module.hidden);
    let mut y = Vec::with_capacity(steps * batch * output);
    let mut cells = arguments.cells.then(Vec::new);
    let mut took = Duration::ZERO;
    let cost = Cost { step: model.flops_per_step() * batch, chunk: model.streams().then_some(CHUNK) };
    for chunk in chunks(&x, lengths.as_deref(), steps, &cost) {
        let x = narrow(chunk.x);
        let mut chunk_y = vec![0.0; chunk.steps * batch * output];
        let mut chunk_c = vec![0.0; if arguments.cells { chunk.steps * batch * memory } else { 0 }];
        let mut sequences = Batch::new(&x);
        if let Some(lengths) = &chunk.lengths {
            sequences = sequences.lengths(lengths);
        }
        let mut outputs = Outputs::none().hidden(&mut chunk_y);
        if arguments.cells {
            outputs = outputs.cells(&mut chunk_c);
        }
        let start = Instant::now();
        pool.install(|| session.forward(sequences, outputs))?;
        took += start.elapsed();
        y.extend(chunk_y.into_iter().map(f64::from));
        if let Some(cells) = &mut cells {
            cells.extend(chunk_c.into_iter().map(f64::from));
        }
    }
    ensure!(y.len() == steps * batch * output, "the chunks do not add up to the whole");
    let wide = |values: Vec<f32>| values.into_iter().map(f64::from).collect();
    let how = if threads == 1 { format!("{level}, 1 thread") } else { format!("{level}, up to {threads} threads") };
    Ok(Computed { y, cells, h_n: wide(session.hidden_states()), c_n: wide(session.cell_states()), how, took })
}

fn narrow(values: &[f64]) -> Vec<f32> {
    values.iter().map(|value| *value as f32).collect()
}
