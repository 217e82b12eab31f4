//! `gatewise run`: a trained module on a batch of sequences, by the kernels or by the reference.

mod chunks;
mod kernels;
mod reference;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};
use gatewise::Level;

use crate::arrays::{Array, Precision, write};
use crate::files::check_target;
use crate::inputs::{self, Expected, swap_first_axes};
use crate::model::{self, CellKind, Nonlinearity};

#[derive(clap::Args)]
#[command(after_help = "\
T steps, B sequences, I features, H hidden units, P values of h (H without a projection), L layers, D directions (1 or 2).

IN.npz holds x (T, B, I); if the sequences do not start from zeros, h0 (L·D, B, P) and c0 (L·D, B, H), the layers from the
input up, forward before reverse; if they are of different lengths, lengths (B), integers from 0 to T.
OUT.npz gets y (T, B, D·P), h_n (L·D, B, P), c_n (L·D, B, H), and with --cells c (T, B, D·H), every cell state of the last
layer. Past a sequence's length y and c are 0, and h_n and c_n are those of its last valid step.
With --batch-first x, y and c begin with (B, T).

Layers, directions and the projection are those of the file.

Examples:
  gatewise run model.safetensors --cell lstm --input in.npz --output out.npz
  gatewise run model.safetensors --cell rnn --nonlinearity relu --input in.npz --output out.npz --threads 1
  gatewise run model.safetensors --cell lstm --input in.npz --output exact.npz --reference --cells")]
pub struct Arguments {
    /// PyTorch weights, .safetensors
    model: PathBuf,
    /// The cell whose weights they are
    #[arg(long, value_enum)]
    cell: CellKind,
    /// The input arrays, .npz
    #[arg(long, value_name = "IN.npz")]
    input: PathBuf,
    /// Where the output arrays go, .npz
    #[arg(long, value_name = "OUT.npz")]
    output: PathBuf,
    /// Which module of the file, by what stands before weight_ih_l0 (needed only if there are several)
    #[arg(long)]
    prefix: Option<String>,
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
    /// A simple RNN's activation, which the file does not say
    #[arg(long, value_enum, default_value_t)]
    nonlinearity: Nonlinearity,
}

/// What was computed, time-major.
struct Computed {
    /// T·B·D·P
    y: Vec<f64>,
    /// T·B·D·H where it was asked for.
    cells: Option<Vec<f64>>,
    /// N·B·P
    h_n: Vec<f64>,
    /// N·B·H; empty for a cell without cell state.
    c_n: Vec<f64>,
    /// How it was computed, for the closing line.
    how: String,
    took: Duration,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    check_target(&arguments.output)?;
    let cell_state = arguments.cell == CellKind::Lstm;
    ensure!(cell_state || !arguments.cells, "--cells: a {} has no cell state", arguments.cell.name());
    let cell = arguments.cell.cell(arguments.nonlinearity)?;
    let module = model::read(&arguments.model, arguments.prefix.as_deref(), cell)?;
    let expected = Expected {
        input: module.input,
        passes: module.passes(),
        state: module.state,
        memory: cell_state.then_some(module.hidden),
        batch_first: arguments.batch_first,
    };
    let inputs = inputs::read(&arguments.input, expected)?;
    let (steps, batch) = (inputs.steps, inputs.batch);

    let computed = if arguments.reference {
        reference::run(arguments, &module, inputs)?
    } else {
        kernels::run(arguments, &module, inputs)?
    };

    let sequence = |values: Vec<f64>, width: usize| {
        if arguments.batch_first {
            Array { shape: vec![batch, steps, width], values: swap_first_axes(&values, steps, batch, width) }
        } else {
            Array { shape: vec![steps, batch, width], values }
        }
    };
    let state = |values, width| Array { shape: vec![module.passes(), batch, width], values };
    let mut arrays = vec![("y", sequence(computed.y, module.output())), ("h_n", state(computed.h_n, module.state))];
    if cell_state {
        arrays.push(("c_n", state(computed.c_n, module.hidden)));
    }
    if let Some(cells) = computed.cells {
        arrays.push(("c", sequence(cells, module.directions * module.hidden)));
    }
    let precision = if arguments.reference { Precision::Double } else { Precision::Single };
    write(&arguments.output, precision, &arrays)?;

    let micros = computed.took.as_secs_f64() * 1e6;
    crate::text::print(&format!(
        "{}: {}, T={steps} B={batch} by {} in {:.1} ms ({:.2} µs a step)\n",
        arguments.output.display(),
        module.describe(arguments.cell),
        computed.how,
        micros / 1e3,
        micros / steps as f64
    ))
}
