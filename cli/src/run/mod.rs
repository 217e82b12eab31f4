//! `gatewise run`: a trained model on its input, by the kernels or by the reference.

mod chunks;
mod engine;
mod graph;
pub mod inputs;
mod kernels;
mod outputs;
mod reference;
mod sound;
mod stream;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use gatewise::network::Flow;
use gatewise::network::blueprint::{Blueprint, Operation, Output, Passes};
use gatewise::{Layout, Level, Weights};

use crate::arrays::{Values, write_tensors};
use crate::files::check_target;
use crate::model::Module;
use crate::source::{Loaded, Source};
use inputs::{Expected, Inputs};
use outputs::Shape;

#[derive(clap::Args)]
#[command(after_help = "\
T steps, B sequences, I features, H hidden units, P values of h (H without a projection), N recurrent layers · directions,
O values of the last layer.

Layers: IN.npz holds x, (T, B, I) in PyTorch's order or (B, T, I) for Keras' files and with --batch-first; ids (T, B) where
the model begins with an embedding; (T, I) or (T) for one sequence alone. If the sequences do not start from the model's own
states, h0 (N, B, P) and c0 (N, B, H), the layers from the input up, forward before reverse; if they are of different lengths,
lengths (B), integers from 0 to T. OUT.npz gets y (T, B, O), or (B, O) of a model that gives only its last step, h_n (N, B, P),
c_n (N, B, H), and with --cells c (T, B, D·H), every cell state of the last layer. Past a sequence's length y and c are 0, and
h_n and c_n are those of its last valid step. Where the recurrent layers differ in size the states have their names: h_n.LAYER.

Graphs (.onnx): IN.npz and OUT.npz hold the graph's own inputs and outputs by their names; `gatewise inspect` lists them.

Large batches: from IN.npy to OUT.npy along the first axis, a part at a time.

Sound: --wav IN.wav --output OUT.wav through a model of one feature and one output; each channel by itself.

Examples:
  gatewise run model.safetensors --input in.npz --output out.npz
  gatewise run model.safetensors --nonlinearity relu --input in.npz --output out.npz --threads 1
  gatewise run model.safetensors --layers \"embedding:emb, gru:rnn last, dense:head softmax\" --input in.npz --output out.npz
  gatewise run model.onnx --input in.npz --output out.npz
  gatewise run model.weights.h5 --layers \"lstm bidirectional, gru last, dense relu, dense softmax\" --input in.npz --output out.npz
  gatewise run amp.nam --wav guitar.wav --output amp.wav
  gatewise run model.keras --input in.npz --output exact.npz --reference")]
pub struct Arguments {
    #[command(flatten)]
    source: Source,
    /// The input arrays, .npz, or one array as .npy
    #[arg(long, value_name = "IN", required_unless_present = "wav")]
    input: Option<PathBuf>,
    /// Sound to send through the model
    #[arg(long, value_name = "IN.wav", conflicts_with_all = ["input", "reference", "cells", "batch_first"])]
    wav: Option<PathBuf>,
    /// Where the result goes: .npz, .npy or .wav, as the input is
    #[arg(long, value_name = "OUT")]
    output: PathBuf,
    /// x, y and c are (B, T, …) and not (T, B, …)
    #[arg(long)]
    batch_first: bool,
    /// Write every cell state of the last layer as well
    #[arg(long)]
    cells: bool,
    /// Threads to use at most [default: all cores; the result has the same bits for any number]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024), conflicts_with = "reference")]
    threads: Option<u16>,
    /// Force an instruction set: avx512, avx2 or portable [default: the best of this machine]
    #[arg(long, value_name = "NAME", conflicts_with = "reference")]
    isa: Option<Level>,
    /// Compute with the scalar reference in double precision (slow; the arrays are then float64)
    #[arg(long)]
    reference: bool,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    check_target(&arguments.output)?;
    let engine = engine::Engine::new(arguments)?;
    match arguments.source.open(engine.for_graphs())? {
        Loaded::Graph(graph) => graph::run(arguments, &engine, &graph),
        Loaded::Network(blueprint, module) => {
            let shown = arguments.source.model.display();
            let flows = blueprint.flow().with_context(|| shown.to_string())?;
            let Some(output) = flows.last().copied() else { bail!("{shown}: a model has at least one layer") };
            match (&arguments.wav, &arguments.input) {
                (Some(wav), _) => sound::run(arguments, &engine, &blueprint, wav),
                (None, Some(input)) if is_npy(input) => stream::run(arguments, &engine, &blueprint, input),
                (None, Some(input)) => network(arguments, &engine, &blueprint, output, module.as_ref(), input),
                (None, None) => bail!("--input: expected a file"),
            }
        }
    }
}

/// Whether a file is a single array by its name.
fn is_npy(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("npy"))
}

/// Refuses to write several arrays under the name of a single one.
fn refuse_npy(output: &Path) -> Result<()> {
    ensure!(!is_npy(output), "{}: expected .npz, as the input is", output.display());
    Ok(())
}

/// The order of the axes: the model's own, or what the arguments say.
fn layout(arguments: &Arguments, blueprint: &Blueprint) -> Layout {
    if arguments.batch_first { Layout::BatchFirst } else { blueprint.layout }
}

/// From `.npz` to `.npz`.
fn network(
    arguments: &Arguments,
    engine: &engine::Engine,
    blueprint: &Blueprint,
    output: Flow,
    module: Option<&Module>,
    input: &Path,
) -> Result<()> {
    if arguments.cells {
        check_cells(blueprint)?;
    }
    let (layout, passes) = (layout(arguments, blueprint), blueprint.passes());
    refuse_npy(&arguments.output)?;
    let (x, inputs) = inputs::read(input, &Expected { input: blueprint.input()?, passes: &passes, layout })?;
    let Inputs { steps: count, batch, alone, .. } = inputs;
    let steps = match layout {
        _ if alone => vec![count],
        Layout::TimeMajor => vec![count, batch],
        Layout::BatchFirst => vec![batch, count],
    };
    let rows = match output.each_step {
        true => steps.clone(),
        false if alone => vec![],
        false => vec![batch],
    };
    let shape = Shape { rows, steps, width: output.width(), passes: &passes };
    let (arrays, how, took) = if arguments.reference {
        let computed = match module {
            Some(module) => reference::module(module, x, &inputs, layout, arguments.cells)?,
            None if arguments.cells => bail!("--cells --reference: only a PyTorch module has both"),
            None => reference::network(blueprint, x, &inputs, layout, output.each_step)?,
        };
        let (how, took) = (computed.how.clone(), computed.took);
        (computed.arrays(&shape, &inputs, Values::F64), how, took)
    } else {
        let computed = kernels::run(arguments, engine, blueprint, x, &inputs, layout)?;
        let (how, took) = (computed.how.clone(), computed.took);
        (computed.arrays(&shape, &inputs, Values::F32), how, took)
    };
    write_tensors(&arguments.output, &arrays)?;
    let micros = took.as_secs_f64() * 1e6;
    crate::text::print(&format!(
        "{}: {}, T={count} B={batch} by {how} in {:.1} ms ({:.2} µs a step)\n",
        arguments.output.display(),
        describe(blueprint),
        micros / 1e3,
        micros / count as f64
    ))
}

/// Refuses to write the cell states of cells that have none.
fn check_cells(blueprint: &Blueprint) -> Result<()> {
    for layer in &blueprint.layers {
        let Operation::Recurrent(recurrent) = &layer.operation else {
            bail!(
                "--cells: layer {} is not recurrent: only a stack of LSTMs has cell states at every step",
                layer.name
            );
        };
        for weights in recurrent.passes.each() {
            ensure!(weights.gates() == 4, "--cells: a {} has no cell state", crate::model::cell_name(weights));
        }
        ensure!(
            recurrent.output == Output::Every && !recurrent.go_backwards,
            "--cells: layer {} gives its last step only or reads backwards: expected layers that give every step, in order",
            layer.name
        );
    }
    Ok(())
}

/// Such as `LSTM I=8 H=16 P=4, 2 layers, both directions`, or `5 layers, an id below 29 a step to 74 features a step`.
fn describe(blueprint: &Blueprint) -> String {
    let recurrent = |operation: &Operation| match operation {
        Operation::Recurrent(recurrent) => Some(recurrent.passes.clone()),
        _ => None,
    };
    let all: Option<Vec<Passes>> = blueprint.layers.iter().map(|layer| recurrent(&layer.operation)).collect();
    let Some(passes) = all.as_deref().and_then(<[Passes]>::first) else {
        let flow = |flow: Option<Flow>| flow.map(|flow| flow.to_string()).unwrap_or_default();
        let last = blueprint.flow().ok().and_then(|flows| flows.last().copied());
        let layers = blueprint.layers.len();
        return format!("{layers} layers, {} to {}", flow(blueprint.input().ok()), flow(last));
    };
    let first: Option<&Weights> = passes.each().next();
    let Some(weights) = first else { return String::new() };
    let (hidden, state) = (weights.hidden_size(), weights.output_size());
    let projection = if state == hidden { String::new() } else { format!(" P={state}") };
    let layers = match blueprint.layers.len() {
        1 => String::new(),
        layers => format!(", {layers} layers"),
    };
    let directions = if passes.each().count() == 1 { "" } else { ", both directions" };
    let cell = crate::model::cell_name(weights);
    format!("{cell} I={} H={hidden}{projection}{layers}{directions}", weights.input_size())
}
