//! Batches larger than memory: from `.npy` to `.npy`, some of the first axis at a time.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use gatewise::Layout;
use gatewise::network::blueprint::Blueprint;
use gatewise::network::{Input, Network, NetworkSession, Rows};

use super::Arguments;
use super::chunks::chunks;
use super::engine::Engine;
use super::inputs::check_ids;
use crate::arrays::{NpyReader, NpyWriter};

/// Values of a chunk, of x or of y: 64 MiB.
const VALUES: usize = 1 << 24;

/// Operations of a chunk: some tenths of a second.
const OPERATIONS: usize = 20_000_000_000;

pub fn run(arguments: &Arguments, engine: &Engine, blueprint: &Blueprint, input: &Path) -> Result<()> {
    let (model, shown) = (arguments.source.model.display(), input.display());
    for (option, given) in [("--cells", arguments.cells), ("--reference", arguments.reference)] {
        ensure!(!given, "{option}: with .npy only y is written: expected .npz");
    }
    ensure!(super::is_npy(&arguments.output), "{}: expected .npy, as the input is", arguments.output.display());
    let network = Network::with_level(blueprint, engine.level).with_context(|| model.to_string())?;
    let layout = super::layout(arguments, blueprint);
    let mut reader = NpyReader::open(input)?;
    let shape = reader.shape().to_vec();
    let Axes { first, second, .. } = Axes::of(&network, layout, &shape).with_context(|| shown.to_string())?;
    let by_steps = layout == Layout::TimeMajor;
    ensure!(
        !by_steps || network.streams(),
        "{shown}: {model} cannot go along the steps, the first axis: a layer reads backwards, gives its last step only or leaves \
         steps out. Expected (B, T, …) and --batch-first, or .npz"
    );
    let (width, rows) = (network.input().width(), second);
    let every = network.output().each_step;
    let out = network.output().width() * if every { rows } else { 1 };
    let mut out_shape = if every { vec![first, second] } else { vec![first] };
    out_shape.push(network.output().width());
    let mut writer = NpyWriter::create(&arguments.output, &out_shape)?;

    let cost = network.flops_per_step() * rows;
    let each = (VALUES / (rows * width).max(out).max(1)).min(OPERATIONS / cost.max(1)).max(1);
    let (mut took, what) = (Duration::ZERO, if by_steps { "steps" } else { "sequences" });
    let mut session = None;
    for chunk in chunks(first, each, what) {
        let x = reader.read_rows(chunk.count)?;
        let batch = if by_steps { second } else { chunk.count };
        // Steps go on where the last chunk ended; sequences begin anew.
        let mut running = match session.take().filter(|_| by_steps) {
            Some(running) => running,
            None => NetworkSession::new(&network, batch)?.with_threads(engine.threads),
        };
        let start = Instant::now();
        let y = match network.input().rows {
            Rows::Features(_) => engine.pool.install(|| running.forward(Input::Features(&x), layout, None)),
            Rows::Ids(count) => {
                let ids = ids(&x, second, count);
                let ids = ids.with_context(|| format!("{shown}: from row {} on", chunk.start))?;
                engine.pool.install(|| running.forward(Input::Ids(&ids), layout, None))
            }
        };
        let y = y.with_context(|| shown.to_string())?;
        took += start.elapsed();
        writer.write(&y)?;
        session = Some(running);
    }
    writer.finish()?;
    crate::text::print(&format!(
        "{}: {}, {first} {what} by {} in {:.1} ms\n",
        arguments.output.display(),
        super::describe(blueprint),
        engine.describe(),
        took.as_secs_f64() * 1e3
    ))
}

/// The first two axes of an array.
struct Axes {
    first: usize,
    second: usize,
}

impl Axes {
    fn of(network: &Network, layout: Layout, shape: &[usize]) -> Result<Axes> {
        let order = if layout == Layout::BatchFirst { "B, T" } else { "T, B" };
        let found = format!("the array has shape {shape:?}");
        let (first, second) = match (network.input().rows, shape) {
            (Rows::Ids(_), [first, second]) => (*first, *second),
            (Rows::Ids(_), _) => anyhow::bail!("{found}, expected ids ({order})"),
            (Rows::Features(width), [first, second, features]) if width == *features => (*first, *second),
            (Rows::Features(width), _) => anyhow::bail!("{found}, expected ({order}, I) with I = {width}"),
        };
        ensure!(first > 0 && second > 0, "{found}: nothing to run");
        Ok(Axes { first, second })
    }
}

/// Ids below `count` from whole numbers, rows of `columns`.
fn ids(x: &[f32], columns: usize, count: usize) -> Result<Vec<i64>> {
    let id = |value: &f32| {
        let whole = value.fract() == 0.0 && value.abs() < 16_777_216.0;
        ensure!(whole, "expected ids, whole numbers below 2^24, found {value}");
        Ok(*value as i64)
    };
    let ids: Vec<i64> = x.iter().map(id).collect::<Result<_>>()?;
    check_ids(&ids, &[x.len() / columns, columns], count)?;
    Ok(ids)
}
