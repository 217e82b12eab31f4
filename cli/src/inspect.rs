//! `gatewise inspect`: what a model file holds, what it costs to run, and which kernel this machine takes.

use std::path::PathBuf;

use anyhow::{Context, Result};
use gatewise::load::safetensors::{LayerName, SafetensorsFile, TensorInfo};
use gatewise::{Level, LstmWeights, Model};

use crate::model::CellKind;
use crate::text::{self, count};

#[derive(clap::Args)]
pub struct Arguments {
    /// PyTorch weights, .safetensors
    model: PathBuf,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let file = SafetensorsFile::read(&arguments.model)?;
    let tensors = file.tensors();
    let mut page = format!("{}\n\n", arguments.model.display());
    let rows = tensors.iter().map(|tensor| {
        vec![tensor.name.clone(), tensor.dtype.clone(), format!("{:?}", tensor.shape), count(values(tensor))]
    });
    page += &text::table(&["tensor", "type", "shape", "values"], &[3], rows);
    page += &format!("\n  {} parameters in all\n", count(tensors.iter().map(values).sum()));

    let layers = file.layers();
    if layers.is_empty() {
        page += "\nNo recurrent layer: none of the tensors is a weight_ih_l0 or weight_ih.\n";
    }
    for layer in &layers {
        page += &describe(&file, &tensors, layer)?;
    }
    text::print(&page)
}

fn values(tensor: &TensorInfo) -> usize {
    tensor.shape.iter().product()
}

fn describe(file: &SafetensorsFile, tensors: &[TensorInfo], layer: &LayerName) -> Result<String> {
    let LayerName { prefix, suffix } = layer;
    let heading = format!("\nLayer {prefix}weight_*{suffix}\n");
    let Some(cell) = guess_cell(tensors, layer) else {
        return Ok(heading + "  not one of LSTM, GRU, simple RNN: weight_hh must be (G·H, H) with G = 4, 3 or 1\n");
    };
    let layer = match file.layer(Some(prefix), cell.gates()) {
        Ok(layer) => layer,
        Err(error) => return Ok(format!("{heading}  {}: {error}\n", cell.name())),
    };
    let (input, hidden, gates) = (layer.input_size, layer.hidden_size, cell.gates());
    let bias = if layer.biases.is_some() { 2 * gates * hidden } else { 0 };
    let mut rows = vec![
        vec!["cell".to_owned(), format!("{} (--cell {})", cell.name(), format!("{cell:?}").to_lowercase())],
        vec!["sizes".to_owned(), format!("{input} features (I), {hidden} hidden units (H)")],
        vec!["parameters".to_owned(), count(gates * hidden * (input + hidden) + bias)],
        vec![
            "operations".to_owned(),
            format!("{} FLOPs a step and sequence", count(2 * gates * hidden * (input + hidden))),
        ],
    ];
    if cell == CellKind::Lstm {
        let level = Level::chosen().with_context(|| format!("environment variable {}", Level::VARIABLE))?;
        let model = Model::with_level(&LstmWeights::from_torch(&layer)?, level)?;
        rows.push(vec!["packed".to_owned(), format!("{} bytes for {level}", count(model.packed_bytes()))]);
        rows.push(vec![
            "kernel".to_owned(),
            format!(
                "{level}: {} hidden units a register, tiles of up to {} rows × 4 gates",
                level.lanes(),
                level.tile_rows()
            ),
        ]);
    } else {
        rows.push(vec!["kernel".to_owned(), "none yet; run and explain use the reference".to_owned()]);
    }
    Ok(heading + &text::table(&[], &[], rows))
}

/// PyTorch stacks the G gates' rows: weight_hh is (G·H, H).
fn guess_cell(tensors: &[TensorInfo], layer: &LayerName) -> Option<CellKind> {
    let name = format!("{}weight_hh{}", layer.prefix, layer.suffix);
    let shape = &tensors.iter().find(|tensor| tensor.name == name)?.shape;
    let &[rows, hidden] = &shape[..] else { return None };
    let fits = |cell: &CellKind| hidden > 0 && cell.gates().checked_mul(hidden) == Some(rows);
    [CellKind::Lstm, CellKind::Gru, CellKind::Rnn].into_iter().find(fits)
}
