//! `gatewise run`: a trained layer on a batch of sequences, by the kernels or by the reference.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use gatewise::{Layout, Level, LstmWeights, Model, Session, TorchTensors};
use gatewise_reference::{NoTrace, Sequence};
use indicatif::{ProgressBar, ProgressStyle};

use crate::arrays::{Array, Precision, write};
use crate::files::check_target;
use crate::inputs::{self, Expected, Inputs, swap_first_axes};
use crate::model::{self, CellKind, Nonlinearity, ReferenceCell};

#[derive(clap::Args)]
#[command(after_help = "\
IN.npz holds x of shape (T, B, I) and, if the sequences do not start from zeros, h0 and c0 of shape (1, B, H).
OUT.npz gets y (T, B, H), h_n and c_n (1, B, H). With --batch-first x is (B, T, I) and y is (B, T, H).

Example:
  gatewise run model.safetensors --cell lstm --input in.npz --output out.npz
  gatewise run model.safetensors --cell lstm --input in.npz --output exact.npz --reference")]
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
    /// Which layer of the file, by what stands before weight_ih_l0 (needed only if there are several)
    #[arg(long)]
    prefix: Option<String>,
    /// x and y are (B, T, …) and not (T, B, …)
    #[arg(long)]
    batch_first: bool,
    /// Threads that share the batch [default: all cores; the result has the same bits for any number]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024), conflicts_with = "reference")]
    threads: Option<u16>,
    /// Force an instruction set: avx512, avx2 or portable [default: the best of this machine]
    #[arg(long, value_name = "NAME", conflicts_with = "reference")]
    isa: Option<Level>,
    /// Compute with the scalar reference in double precision (slow; y, h_n and c_n are then float64)
    #[arg(long)]
    reference: bool,
    /// A simple RNN's activation, which the file does not say
    #[arg(long, value_enum, default_value_t)]
    nonlinearity: Nonlinearity,
}

/// The final states and all hidden states, time-major.
struct Computed {
    y: Vec<f64>,
    h_n: Vec<f64>,
    c_n: Vec<f64>,
    /// How it was computed, for the closing line.
    how: String,
    took: Duration,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    check_target(&arguments.output)?;
    let tensors = model::read(&arguments.model, arguments.prefix.as_deref(), arguments.cell)?;
    let (input_size, hidden_size) = (tensors.input_size, tensors.hidden_size);
    let cell_state = arguments.cell == CellKind::Lstm;
    let expected = Expected { input_size, hidden_size, cell_state, batch_first: arguments.batch_first };
    let inputs = inputs::read(&arguments.input, expected)?;
    let (steps, batch) = (inputs.steps, inputs.batch);

    let computed = if arguments.reference {
        run_reference(arguments, &tensors, inputs)?
    } else {
        run_kernels(arguments, &tensors, inputs)?
    };

    let (y, y_shape) = if arguments.batch_first {
        (swap_first_axes(&computed.y, steps, batch, hidden_size), [batch, steps, hidden_size])
    } else {
        (computed.y, [steps, batch, hidden_size])
    };
    let state = |values| Array { shape: vec![1, batch, hidden_size], values };
    let mut arrays = vec![("y", Array { shape: y_shape.to_vec(), values: y }), ("h_n", state(computed.h_n))];
    if cell_state {
        arrays.push(("c_n", state(computed.c_n)));
    }
    let precision = if arguments.reference { Precision::Double } else { Precision::Single };
    write(&arguments.output, precision, &arrays)?;

    let micros = computed.took.as_secs_f64() * 1e6;
    crate::text::print(&format!(
        "{}: {} I={input_size} H={hidden_size}, T={steps} B={batch} by {} in {:.1} ms ({:.2} µs a step)\n",
        arguments.output.display(),
        arguments.cell.name(),
        computed.how,
        micros / 1e3,
        micros / steps as f64
    ))
}

fn run_reference(arguments: &Arguments, tensors: &TorchTensors, inputs: Inputs) -> Result<Computed> {
    let cell = ReferenceCell::new(tensors, arguments.cell, arguments.nonlinearity)?;
    let Inputs { steps, batch, x, h0: mut h_n, c0: mut c_n } = inputs;
    let cost = x.len() / steps * tensors.hidden_size * arguments.cell.gates();
    let mut y = Vec::with_capacity(steps * batch * tensors.hidden_size);
    let start = Instant::now();
    for chunk in chunks(&x, steps, cost, 2_000_000) {
        let sequence = Sequence {
            layout: gatewise_reference::Layout::TimeMajor,
            batch,
            steps: chunk.len() / batch / tensors.input_size,
            x: chunk,
            h0: Some(&h_n),
            c0: (!c_n.is_empty()).then_some(&c_n[..]),
        };
        let output = cell.forward(&sequence, &mut NoTrace)?;
        y.extend(output.y);
        (h_n, c_n) = (output.h_n, output.c_n);
    }
    Ok(Computed { y, h_n, c_n, how: "the reference (f64)".to_owned(), took: start.elapsed() })
}

fn run_kernels(arguments: &Arguments, tensors: &TorchTensors, inputs: Inputs) -> Result<Computed> {
    if arguments.cell != CellKind::Lstm {
        bail!("--cell {}: only the LSTM has a kernel yet; --reference runs it", arguments.cell.name());
    }
    let level = match arguments.isa {
        Some(level) => level,
        None => Level::chosen().with_context(|| format!("environment variable {}", Level::VARIABLE))?,
    };
    let weights = LstmWeights::from_torch(tensors).with_context(|| arguments.model.display().to_string())?;
    let model = Model::with_level(&weights, level).context("--isa")?;
    let threads = match arguments.threads {
        Some(threads) => usize::from(threads),
        None => std::thread::available_parallelism().map_or(1, usize::from),
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().context("--threads")?;

    let Inputs { steps, batch, x, h0, c0 } = inputs;
    let narrow = |values: &[f64]| values.iter().map(|value| *value as f32).collect::<Vec<f32>>();
    let mut session = Session::new(&model, batch)?.with_threads(threads);
    session.set_state(&narrow(&h0), &narrow(&c0))?;
    let mut y = Vec::new();
    let mut computed = Vec::with_capacity(steps * batch * tensors.hidden_size);
    let mut took = Duration::ZERO;
    for chunk in chunks(&x, steps, model.flops_per_step() * batch, 2_000_000_000) {
        let x = narrow(chunk);
        y.resize(x.len() / tensors.input_size * tensors.hidden_size, 0.0);
        let start = Instant::now();
        pool.install(|| session.run(&x, Layout::TimeMajor, &mut y))?;
        took += start.elapsed();
        computed.extend(y.iter().copied().map(f64::from));
    }
    ensure!(computed.len() == steps * batch * tensors.hidden_size, "the chunks do not add up to the whole");
    let wide = |values: &[f32]| values.iter().copied().map(f64::from).collect();
    let threads = threads.min(batch);
    let how = format!("{level}, {threads} thread{}", if threads == 1 { "" } else { "s" });
    Ok(Computed { y: computed, h_n: wide(session.hidden_state()), c_n: wide(session.cell_state()), how, took })
}

/// Time-major x in chunks of steps that take a moment each, with a progress bar on a terminal.
fn chunks(x: &[f64], steps: usize, cost_a_step: usize, cost_a_chunk: usize) -> impl Iterator<Item = &[f64]> {
    let step = x.len() / steps;
    let chunk = (cost_a_chunk / cost_a_step.max(1)).clamp(1, steps);
    let bar = if chunk < steps { ProgressBar::new(steps as u64) } else { ProgressBar::hidden() };
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} steps, {eta} left") {
        bar.set_style(style);
    }
    let mut rest = x;
    std::iter::from_fn(move || {
        bar.set_position(((x.len() - rest.len()) / step) as u64);
        if rest.is_empty() {
            bar.finish_and_clear();
            return None;
        }
        let (first, others) = rest.split_at(rest.len().min(chunk * step));
        rest = others;
        Some(first)
    })
}
