//! `gatewise convert`: any sequential model as a file of gatewise's own form.

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use gatewise::load::own;

use crate::files::check_target;
use crate::source::{Loaded, Source};
use crate::text::{self, count};

#[derive(clap::Args)]
#[command(after_help = "\
The result holds layers, options and weights (float32), and loads without any other reader; docs/formats.md describes it.
A file of weights alone needs the same options as for `gatewise run`. A graph (.onnx) stays with its engine.

Examples:
  gatewise convert model.keras model.safetensors
  gatewise convert amp.nam amp.safetensors
  gatewise convert state_dict.safetensors model.safetensors --layers \"lstm:rnn, relu, dense:head sigmoid\"")]
pub struct Arguments {
    #[command(flatten)]
    source: Source,
    /// Where the result goes, .safetensors
    output: PathBuf,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let Arguments { source, output } = arguments;
    let (model, shown) = (source.model.display(), output.display());
    let extension = output.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    ensure!(extension.eq_ignore_ascii_case("safetensors"), "{shown}: expected a name that ends in .safetensors");
    check_target(output)?;
    let Loaded::Network(blueprint, _) = source.open(gatewise_onnx::Options::default())? else {
        bail!("{model}: a graph of operators is no sequence of layers: run it as it is");
    };
    let flows = blueprint.flow().with_context(|| model.to_string())?;
    own::write(&blueprint, output)?;
    // What cannot be read back is no conversion.
    let again = own::read(output)?;
    ensure!(again == blueprint, "{shown}: what was written reads back differently");
    let (input, last) = (blueprint.input()?, flows.last().map(ToString::to_string).unwrap_or_default());
    text::print(&format!(
        "{shown}: {} layers, {} parameters, {input} to {last}\n",
        blueprint.layers.len(),
        count(blueprint.parameters())
    ))
}
