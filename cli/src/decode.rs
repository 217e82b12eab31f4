//! `gatewise decode`: an encoder and a decoder that is fed its own most likely symbol.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result, anyhow, bail, ensure};
use gatewise::load::chain;
use gatewise::load::outline::Outline;
use gatewise::load::safetensors::SafetensorsFile;
use gatewise::network::{Greedy, Network, NetworkSession, Rows};
use gatewise::{Layout, Level};

use crate::arrays::{Tensor, Values, write_tensors};
use crate::files::check_target;
use crate::run::inputs::{self, Expected, X};
use crate::{model, text};

#[derive(clap::Args)]
#[command(after_help = "\
The encoder reads each sequence of ids; its last states become the decoder's first ones. The decoder is fed START, then always
the symbol that it finds most likely, until STOP or STEPS symbols.

IN.npz holds x (B, T), ids, and lengths (B) where the sequences are of different lengths. OUT.npz gets y (B, S), the symbols
without START and STOP, −1 behind each sequence's end, and lengths (B).

Example, a speller (letters to phonemes):
  gatewise decode g2p.safetensors --encoder \"embedding:encoder_embedding, gru:encoder\" \\
    --decoder \"embedding:decoder_embedding, gru:decoder, dense:head\" --start 2 --stop 3 --steps 20 --input words.npz --output said.npz")]
pub struct Arguments {
    /// PyTorch weights, .safetensors
    model: PathBuf,
    /// The encoder's layers, from ids to a recurrent layer
    #[arg(long, value_name = "LAYERS")]
    encoder: Outline,
    /// The decoder's layers, from ids to a score for each symbol
    #[arg(long, value_name = "LAYERS")]
    decoder: Outline,
    /// The symbol that the decoder is fed first
    #[arg(long)]
    start: i64,
    /// The symbol that ends a sequence
    #[arg(long)]
    stop: i64,
    /// The most symbols of a sequence
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    steps: u32,
    /// The input arrays, .npz
    #[arg(long, value_name = "IN.npz")]
    input: PathBuf,
    /// Where the result goes, .npz
    #[arg(long, value_name = "OUT.npz")]
    output: PathBuf,
    /// Force an instruction set: avx512, avx2 or portable [default: the best of this machine]
    #[arg(long, value_name = "NAME")]
    isa: Option<Level>,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    check_target(&arguments.output)?;
    let level = model::level(arguments.isa)?;
    let shown = arguments.model.display();
    let file = SafetensorsFile::read(&arguments.model)?;
    let network = |what: &str, outline: &Outline| -> Result<Network> {
        let of_file = |error: gatewise::Error| anyhow!("{shown}: {what}: {error}");
        let blueprint = chain::read(&file, outline).map_err(of_file)?;
        Network::with_level(&blueprint, level).map_err(of_file)
    };
    let encoder = network("--encoder", &arguments.encoder)?;
    let decoder = network("--decoder", &arguments.decoder)?;
    ensure!(matches!(encoder.input().rows, Rows::Ids(_)), "--encoder: expected ids, found {}", encoder.input());
    check_symbols(arguments, &decoder)?;
    let sizes = |network: &Network| network.passes().iter().map(|pass| (pass.hidden, pass.cell)).collect::<Vec<_>>();
    ensure!(
        sizes(&encoder) == sizes(&decoder),
        "{shown}: the encoder's states (h, c) are {:?}, the decoder's {:?}: expected the same",
        sizes(&encoder),
        sizes(&decoder)
    );

    let expected = Expected { input: encoder.input(), passes: &[], layout: Layout::BatchFirst };
    let (x, inputs) = inputs::read(&arguments.input, &expected)?;
    let X::Ids(ids) = &x else { return Err(anyhow!("{}: expected ids", arguments.input.display())) };
    let begun = Instant::now();
    let mut reading = NetworkSession::new(&encoder, inputs.batch)?;
    let mut speaking = NetworkSession::new(&decoder, inputs.batch)?;
    reading
        .forward(ids, Layout::BatchFirst, inputs.lengths.as_deref())
        .with_context(|| arguments.input.display().to_string())?;
    speaking.set_state(&reading.hidden_states(), &reading.cell_states())?;
    let greedy = Greedy { start: arguments.start, stop: arguments.stop, most: arguments.steps as usize };
    let said = greedy.decode(&mut speaking).with_context(|| shown.to_string())?;
    let took = begun.elapsed();

    let longest = said.iter().map(Vec::len).max().unwrap_or(0);
    let padded =
        |symbols: &Vec<i64>| symbols.iter().copied().chain(std::iter::repeat(-1)).take(longest).collect::<Vec<_>>();
    let y = Tensor { shape: vec![said.len(), longest], values: Values::I64(said.iter().flat_map(padded).collect()) };
    let lengths = said.iter().map(|symbols| symbols.len() as i64).collect();
    let lengths = Tensor { shape: vec![said.len()], values: Values::I64(lengths) };
    write_tensors(&arguments.output, &[("y".to_owned(), y), ("lengths".to_owned(), lengths)])?;
    text::print(&format!(
        "{}: {} sequences, {} symbols by {level} in {:.1} ms\n",
        arguments.output.display(),
        said.len(),
        said.iter().map(Vec::len).sum::<usize>(),
        took.as_secs_f64() * 1e3
    ))
}

/// Refuses a decoder that takes no symbols, and symbols that it does not know.
fn check_symbols(arguments: &Arguments, decoder: &Network) -> Result<()> {
    let (Rows::Ids(known), said) = (decoder.input().rows, decoder.output().width()) else {
        bail!("--decoder: expected ids, found {}", decoder.input());
    };
    for (option, symbol, count) in [("--start", arguments.start, known), ("--stop", arguments.stop, said)] {
        let known = usize::try_from(symbol).is_ok_and(|symbol| symbol < count);
        ensure!(known, "{option}: symbol {symbol}: expected 0 to {}", count - 1);
    }
    Ok(())
}
