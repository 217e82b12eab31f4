//! `gatewise inspect`: what a model file holds, what it costs to run, and which kernel this machine takes.

mod graph;
mod network;
mod torch;

use std::path::Path;

use anyhow::Result;
use gatewise::load::own;
use gatewise::load::safetensors::SafetensorsFile;

use crate::model;
use crate::source::{Loaded, Source, is_safetensors};
use crate::text;

#[derive(clap::Args)]
#[command(after_help = "\
Of a PyTorch file without --layers all tensors are listed, and each recurrent module that can be run; of every other model its
layers or nodes are drawn with the shapes between them.

Examples:
  gatewise inspect model.safetensors
  gatewise inspect model.keras
  gatewise inspect model.safetensors --layers \"embedding:emb, gru:rnn last, dense:head softmax\"")]
pub struct Arguments {
    #[command(flatten)]
    source: Source,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let source = &arguments.source;
    let path = &source.model;
    if is_safetensors(path)? && !source.says_layers() {
        let file = SafetensorsFile::read(path)?;
        if !own::is_own(&file) {
            return text::print(&torch::page(path, &file)?);
        }
    }
    let level = model::level(None)?;
    let page = match source.open(gatewise_onnx::Options::default().level(level))? {
        Loaded::Network(blueprint, _) => network::page(&title(path), &blueprint, level)?,
        Loaded::Graph(graph) => graph::page(&title(path), &graph),
    };
    text::print(&page)
}

fn title(path: &Path) -> String {
    path.display().to_string()
}
