//! The model of a command: which file, what the file does not say, and what comes of it.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail, ensure};
use gatewise::load::outline::Outline;
use gatewise::load::safetensors::SafetensorsFile;
use gatewise::load::{chain, json, keras, own};
use gatewise::network::blueprint::Blueprint;
use gatewise_onnx::Graph;

use crate::model::{CellKind, Module, Nonlinearity, guess_cell};

/// What every command that takes a model asks.
#[derive(clap::Args)]
pub struct Source {
    /// The model: .safetensors (PyTorch's or gatewise's own), .onnx, .keras, .h5, .json (RTNeural, GuitarML) or .nam
    pub model: PathBuf,
    /// The cell of a PyTorch file's weights [default: by their shapes]
    #[arg(long, value_enum)]
    pub cell: Option<CellKind>,
    /// Which recurrent module of a PyTorch file, by what stands before weight_ih_l0 (needed only if there are several)
    #[arg(long)]
    pub prefix: Option<String>,
    /// A simple RNN's activation, which a PyTorch file does not say
    #[arg(long, value_enum)]
    pub nonlinearity: Option<Nonlinearity>,
    /// The layers of a file that holds only weights, such as "embedding:emb, lstm:rnn last, dense:head softmax"
    #[arg(long, value_name = "LAYERS", conflicts_with_all = ["cell", "prefix", "nonlinearity"])]
    pub layers: Option<Outline>,
}

/// A model that was read.
pub enum Loaded {
    /// A sequence of layers, and the PyTorch module that they are, if they are nothing else.
    Network(Blueprint, Option<Module>),
    /// A graph of operators.
    Graph(Box<Graph>),
}

/// The formats that are told apart.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Safetensors,
    Onnx,
    Keras,
    Json,
}

/// Whether a file is to be read as .safetensors.
pub fn is_safetensors(path: &Path) -> Result<bool> {
    Ok(format_of(path)? == Format::Safetensors)
}

impl Source {
    /// Whether the arguments say which layers there are.
    pub fn says_layers(&self) -> bool {
        self.layers.is_some()
    }

    /// Reads the model; errors name the file.
    pub fn open(&self, options: gatewise_onnx::Options) -> Result<Loaded> {
        let path = &self.model;
        let format = format_of(path)?;
        if format != Format::Safetensors {
            self.refuse_torch_options()?;
        }
        ensure!(
            self.layers.is_none() || matches!(format, Format::Safetensors | Format::Keras),
            "--layers: {} says itself which layers it has",
            path.display()
        );
        let of_file = |error: gatewise::Error| anyhow!("{}: {error}", path.display());
        let blueprint = match format {
            Format::Onnx => return Ok(Loaded::Graph(Box::new(Graph::read(path, options)?))),
            Format::Json => json::read(path)?,
            Format::Keras => match &self.layers {
                Some(outline) => keras::read_weights(path, outline)?,
                None => keras::read(path)?,
            },
            Format::Safetensors => {
                let file = SafetensorsFile::read(path)?;
                match &self.layers {
                    _ if own::is_own(&file) => {
                        self.refuse_torch_options()?;
                        ensure!(self.layers.is_none(), "--layers: {} says itself which layers it has", path.display());
                        own::from_file(&file).map_err(of_file)?
                    }
                    Some(outline) => chain::read(&file, outline).map_err(of_file)?,
                    None => {
                        let module = self.module(&file).map_err(|error| anyhow!("{}: {error}", path.display()))?;
                        let layers = module.tensors.layers(self.prefix.as_deref().unwrap_or_default())?;
                        let blueprint = Blueprint { layers, ..Blueprint::default() };
                        return Ok(Loaded::Network(blueprint, Some(module)));
                    }
                }
            }
        };
        Ok(Loaded::Network(blueprint, None))
    }

    /// The recurrent module of a PyTorch file.
    fn module(&self, file: &SafetensorsFile) -> Result<Module> {
        let cell = match self.cell {
            Some(cell) => cell,
            None => {
                let name = file.find_module(self.prefix.as_deref())?;
                let guess = guess_cell(&file.tensors(), &name);
                guess.context("no LSTM, GRU or simple RNN by its shapes: weight_hh is (G·H, H) with G = 4, 3 or 1")?
            }
        };
        let nonlinearity = self.nonlinearity.unwrap_or_default();
        Ok(Module::new(file.module(self.prefix.as_deref(), cell.cell(nonlinearity)?)?))
    }

    /// Refuses options that only a PyTorch file needs.
    fn refuse_torch_options(&self) -> Result<()> {
        let given = [
            ("--cell", self.cell.is_some()),
            ("--prefix", self.prefix.is_some()),
            ("--nonlinearity", self.nonlinearity.is_some()),
        ];
        match given.into_iter().find(|(_, given)| *given) {
            None => Ok(()),
            Some((option, _)) => {
                bail!("{option}: only PyTorch's weights need it, {} says itself what it holds", self.model.display())
            }
        }
    }
}

/// By the name's end or, where that says nothing, by the first bytes.
fn format_of(path: &Path) -> Result<Format> {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    Ok(match extension.to_ascii_lowercase().as_str() {
        "safetensors" => Format::Safetensors,
        "onnx" => Format::Onnx,
        "keras" | "h5" | "hdf5" => Format::Keras,
        "json" | "nam" => Format::Json,
        _ => {
            let shown = path.display();
            let (mut first, mut file) = ([0; 9], File::open(path).with_context(|| shown.to_string())?);
            let read = file.read(&mut first).with_context(|| shown.to_string())?;
            match &first[..read] {
                [b'P', b'K', ..] | [0x89, b'H', b'D', b'F', ..] => Format::Keras,
                [b'{', ..] => Format::Json,
                [_, _, _, _, _, _, _, _, b'{'] => Format::Safetensors,
                // A graph's file begins with its version of the format.
                [0x08, ..] => Format::Onnx,
                _ => bail!("{shown}: no model that is known: expected .safetensors, .onnx, .keras, .h5, .json or .nam"),
            }
        }
    })
}
