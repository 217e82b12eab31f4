//! Learns how English words are pronounced: a GRU reads the letters, a GRU says the phonemes (Cho et al. 2014).
//!
//! `cargo run --release --features train --example g2p_train` asks espeak-ng for the phonemes of a list of words, learns
//! from nine words in ten, and judges by the others. Ctrl-C stops it; `-- --resume` goes on to the same bits. docs/g2p.md
//! tells more.

mod arguments;
mod judge;
mod pair;
mod run;
mod words;

use std::fs;
use std::ops::ControlFlow;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use gatewise::load::own;
use gatewise::network::Network;

use arguments::Arguments;
use judge::Judged;
use pair::{Manner, Pair, Sizes, Word};
use run::Run;
use words::Symbols;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Held-out words that each epoch is judged by.
const JUDGES: usize = 2000;

/// Held-out words that are kept beside the weights, as a sample.
const SAMPLES: usize = 200;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let Some(arguments) = Arguments::read(std::env::args().skip(1))? else {
        print!("{}", arguments::HELP);
        return Ok(());
    };
    fs::create_dir_all(&arguments.output)?;
    let entries = words::entries(&arguments.output)?;
    let symbols = Symbols::of(&entries);
    let (mut learnt, held_out) = words::split(symbols.words(&entries), arguments.seed);
    learnt.truncate(arguments.words);
    let sizes = Sizes {
        letters: symbols.letters.len(),
        phonemes: symbols.phonemes.len() + 1,
        embedding: arguments.embedding,
        hidden: arguments.hidden,
    };
    let manner = Manner { seed: arguments.seed, threads: arguments.threads, dropout: arguments.dropout };
    let pair = Pair::new(sizes, manner)?;
    let weights: usize = pair.blueprints().iter().map(|blueprint| blueprint.parameters()).sum();
    println!(
        "{} words to learn from, {} held out; {} phonemes; {weights} weights",
        learnt.len(),
        held_out.len(),
        symbols.phonemes.len()
    );
    let mut run = Run::new(&arguments, &learnt, pair)?;
    if learn(&mut run, &symbols, &held_out)?.is_break() {
        println!("stopped: --resume goes on from {}", run.checkpoint_path().display());
        return Ok(());
    }
    finish(&arguments, &symbols, run.pair(), [&learnt, &held_out])
}

/// Epochs until the last one or Ctrl-C.
fn learn(run: &mut Run<'_>, symbols: &Symbols, held_out: &[Word]) -> Result<ControlFlow<()>> {
    let stop = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&stop);
    ctrlc::set_handler(move || seen.store(true, Ordering::Relaxed))?;
    while !run.is_over() {
        let begun = Instant::now();
        let ControlFlow::Continue(loss) = run.epoch(&stop)? else { return Ok(ControlFlow::Break(())) };
        let took = begun.elapsed().as_secs_f64();
        let judged = Judged::new(&run.pair().networks()?, symbols, &held_out[..held_out.len().min(JUDGES)])?;
        println!("epoch {}: {took:.0} s, loss {:.4}; {judged}", run.epochs_done(), loss.mean());
    }
    Ok(ControlFlow::Continue(()))
}

/// Writes the model, and judges what was written.
fn finish(arguments: &Arguments, symbols: &Symbols, pair: &Pair, [learnt, held_out]: [&[Word]; 2]) -> Result<()> {
    let [encoder, decoder] = ["encoder", "decoder"].map(|name| arguments.output.join(format!("{name}.safetensors")));
    for (path, blueprint) in [&encoder, &decoder].into_iter().zip(pair.blueprints()) {
        own::write(blueprint, path)?;
    }
    fs::write(arguments.output.join("symbols.json"), format!("{:#}\n", symbols.json()))?;
    let written = [Network::new(&own::read(&encoder)?)?, Network::new(&own::read(&decoder)?)?];
    let samples = judge::samples(&written, symbols, &held_out[..held_out.len().min(SAMPLES)])?;
    fs::write(arguments.output.join("held_out.tsv"), samples)?;
    println!("{}: {}", arguments.output.display(), Judged::new(&written, symbols, held_out)?);
    let strangers = words::strangers(held_out, learnt);
    println!("of those without a relative that was learnt: {}", Judged::new(&written, symbols, &strangers)?);
    Ok(())
}
