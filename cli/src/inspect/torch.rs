//! A PyTorch file: all its tensors, and the recurrent modules among them.

use std::path::Path;

use anyhow::Result;
use gatewise::load::safetensors::{ModuleName, SafetensorsFile, TensorInfo};

use crate::model::{self, Module, Nonlinearity, guess_cell};
use crate::text::{self, count};

pub fn page(path: &Path, file: &SafetensorsFile) -> Result<String> {
    let tensors = file.tensors();
    let mut page = format!("{}\n\n", path.display());
    let rows = tensors.iter().map(|tensor| {
        vec![tensor.name.clone(), tensor.dtype.clone(), format!("{:?}", tensor.shape), count(values(tensor))]
    });
    page += &text::table(&["tensor", "type", "shape", "values"], &[3], rows);
    page += &format!("\n  {} parameters in all\n", count(tensors.iter().map(values).sum()));

    let modules = file.modules();
    if modules.is_empty() {
        page += "\nNo recurrent layer: none of the tensors is a weight_ih_l0 or weight_ih.\n";
    }
    for name in &modules {
        page += &describe(file, &tensors, name)?;
    }
    Ok(page)
}

fn values(tensor: &TensorInfo) -> usize {
    tensor.shape.iter().product()
}

fn describe(file: &SafetensorsFile, tensors: &[TensorInfo], name: &ModuleName) -> Result<String> {
    let ModuleName { prefix, suffix } = name;
    let heading = format!("\nModule {prefix}weight_*{suffix}\n");
    let Some(cell) = guess_cell(tensors, name) else {
        return Ok(heading + "  not one of LSTM, GRU, simple RNN: weight_hh must be (G·H, H) with G = 4, 3 or 1\n");
    };
    // The activation changes neither sizes nor costs.
    let module = match file.module(Some(prefix), cell.cell(Nonlinearity::Tanh)?) {
        Ok(tensors) => Module::new(tensors),
        Err(error) => return Ok(format!("{heading}  {}: {error}\n", cell.name())),
    };
    let level = model::level(None)?;
    let packed = module.tensors.builder()?.level(level).build()?;
    let projection =
        if module.state == module.hidden { String::new() } else { format!(", projected to {} (P)", module.state) };
    let directions = if module.directions == 1 { "forward" } else { "both directions, side by side" };
    let row = |what: &str, text: String| vec![what.to_owned(), text];
    let rows = [
        row("cell", format!("{} (--cell {})", cell.name(), cell.option())),
        row("sizes", format!("{} features (I), {} hidden units (H){projection}", module.input, module.hidden)),
        row("layers", format!("{}, {directions}", module.layers)),
        row("output", format!("{} values a step", packed.output_size())),
        row("parameters", count(parameters(&module))),
        row("operations", format!("{} FLOPs a step and sequence", count(packed.flops_per_step()))),
        row("packed", format!("{} bytes for {level}", count(packed.packed_bytes()))),
        row(
            "kernel",
            format!(
                "{level}: {} hidden units a register, tiles of up to {} rows × 3 registers",
                level.lanes(),
                level.tile_rows()
            ),
        ),
    ];
    Ok(heading + &text::table(&[], &[], rows))
}

fn parameters(module: &Module) -> usize {
    let passes = module.tensors.layers.iter().flat_map(|layer| layer.passes());
    let values = passes.map(|pass| {
        let biases = pass.biases.iter().flatten().map(Vec::len).sum::<usize>();
        pass.weight_ih.len() + pass.weight_hh.len() + biases + pass.projection.as_ref().map_or(0, Vec::len)
    });
    values.sum()
}
