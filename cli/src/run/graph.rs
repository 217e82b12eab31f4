//! A graph on the arrays that it names itself.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, anyhow, ensure};
use gatewise_onnx::{Array, Graph};

use super::Arguments;
use super::engine::Engine;
use crate::arrays::{Arrays, Tensor, Values, write_tensors};

pub fn run(arguments: &Arguments, engine: &Engine, graph: &Graph) -> Result<()> {
    let model = arguments.source.model.display();
    for (option, given) in [
        ("--wav", arguments.wav.is_some()),
        ("--batch-first", arguments.batch_first),
        ("--cells", arguments.cells),
        ("--reference", arguments.reference),
    ] {
        ensure!(!given, "{option}: {model} is a graph, which runs on its own inputs and gives its own outputs");
    }
    let input = arguments.input.as_deref().context("--input: expected a file")?;
    ensure!(!super::is_npy(input), "{}: a graph takes its inputs by name: expected .npz", input.display());
    super::refuse_npy(&arguments.output)?;
    let inputs = read(input, graph).with_context(|| input.display().to_string())?;

    let start = Instant::now();
    let outputs = engine.pool.install(|| graph.run(inputs)).map_err(|error| anyhow!("{model}: {error}"))?;
    let took = start.elapsed();

    let named: Vec<(String, Tensor)> =
        outputs.into_iter().map(|(name, array)| Ok((name, tensor(array)?))).collect::<Result<_>>()?;
    write_tensors(&arguments.output, &named)?;
    let shapes: Vec<String> = named.iter().map(|(name, tensor)| format!("{name} {:?}", tensor.shape)).collect();
    crate::text::print(&format!(
        "{}: {} by {} in {:.1} ms\n",
        arguments.output.display(),
        shapes.join(", "),
        engine.describe(),
        took.as_secs_f64() * 1e3
    ))
}

/// The graph's inputs by their names; what else the file holds is not read.
fn read(path: &Path, graph: &Graph) -> Result<Vec<(String, Array)>> {
    let mut arrays = Arrays::open(path)?;
    let input = |port: &gatewise_onnx::Port| {
        let Some(tensor) = arrays.read_any(&port.name)? else {
            let found = match arrays.names() {
                [] => "the file holds no arrays".to_owned(),
                names => format!("found {}", names.join(", ")),
            };
            return Err(anyhow!("no array {}: the graph takes {port}, {found}", port.name));
        };
        Ok((port.name.clone(), array(tensor)))
    };
    graph.inputs().iter().map(input).collect()
}

fn array(Tensor { shape, values }: Tensor) -> Array {
    let values = match values {
        Values::F32(values) => gatewise_onnx::Values::F32(values),
        Values::F64(values) => gatewise_onnx::Values::F64(values),
        Values::I64(values) => gatewise_onnx::Values::I64(values),
        Values::Bool(values) => gatewise_onnx::Values::Bool(values),
    };
    Array { shape, values }
}

fn tensor(Array { shape, values }: Array) -> Result<Tensor> {
    use gatewise_onnx::Values as Given;
    let values = match values {
        Given::F32(values) => Values::F32(values),
        Given::F64(values) => Values::F64(values),
        Given::I64(values) => Values::I64(values),
        Given::I32(values) => Values::I64(values.into_iter().map(i64::from).collect()),
        Given::Bool(values) => Values::Bool(values),
        other => return Err(anyhow!("an output of {} is not written to .npz", other.element())),
    };
    Ok(Tensor { shape, values })
}
