//! `gatewise train`: a model learnt from arrays, by a configuration.

mod attempt;
mod config;
mod curve;
mod data;
mod files;
mod interrupt;
mod model;
mod plot;
mod progress;
mod saved;
pub mod toml_file;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail, ensure};
use gatewise::load::own;
use gatewise::network::blueprint::Blueprint;
use gatewise::train::Checkpoint;

use crate::text::count;
use crate::{Outcome, text};
use attempt::{Ended, Task};
use config::Config;
use data::Widths;
use files::Files;
use saved::{Best, Saved};

pub use interrupt::STATUS as INTERRUPTED;

/// A configuration that says what each key means.
const EXAMPLE: &str = include_str!("example.toml");

#[derive(clap::Args)]
#[command(after_help = "\
N sequences, T steps, I features, O values of a row of y. The data is batch first, .npz:
  x        (N, T, I) floats, (N, T) floats of one feature, or (N, T) ids, which are integers
  y        classes, integers from 0 (below 0: not looked at): (N), or (N, T) where every step has one;
           values: (N, O) or (N), or (N, T, O) or (N, T) where every step has them
  lengths  (N) integers from 0 to T, if the sequences are of different lengths; what stands past them is not looked at

Written beside the model, which `gatewise run` takes: MODEL.csv and MODEL.svg, the curve; MODEL.checkpoint.safetensors after
every epoch, for --resume; MODEL.start.safetensors, the weights that the best run began with. Ctrl-C finishes the batch and
says how to go on (exit status 130).

Examples:
  gatewise train --example > config.toml
  gatewise train config.toml --data train.npz --validation validation.npz --output model.safetensors
  gatewise train config.toml --data train.npz --validation validation.npz --output model.safetensors --resume
  gatewise run model.safetensors --input new.npz --output y.npz")]
pub struct Arguments {
    /// The model, and how it learns
    #[arg(value_name = "CONFIG.toml", required_unless_present = "example")]
    config: Option<PathBuf>,
    /// What is learnt from, .npz
    #[arg(long, value_name = "TRAIN.npz", required_unless_present = "example")]
    data: Option<PathBuf>,
    /// What it is judged by, .npz [default: by the training loss]
    #[arg(long, value_name = "V.npz")]
    validation: Option<PathBuf>,
    /// Where the model goes, .safetensors [default: the configuration's name with that ending, in this folder]
    #[arg(long, value_name = "MODEL")]
    output: Option<PathBuf>,
    /// Go on where the checkpoint is, to the same bits as without the interruption
    #[arg(long)]
    resume: bool,
    /// Print a configuration with every key explained
    #[arg(long, exclusive = true)]
    example: bool,
}

pub fn run(arguments: &Arguments) -> Result<Outcome> {
    let (Some(path), Some(data)) = (&arguments.config, &arguments.data) else {
        text::print(EXAMPLE)?;
        return Ok(Outcome::Done);
    };
    let config: Config = toml_file::read(path)?;
    config.check().with_context(|| path.display().to_string())?;
    let seeds = config.seeds();
    let output = arguments.output.clone().unwrap_or_else(|| files::default_model(path));
    ensure!(
        output.extension().is_some_and(|extension| extension == "safetensors"),
        "{}: expected a name that ends in .safetensors",
        output.display()
    );
    let files = Files::new(output, &seeds)?;
    let (training, widths) = data::read(data, &config)?;
    let validation = arguments.validation.as_deref().map(|path| read_validation(path, &config, widths)).transpose()?;
    let fingerprint = data::fingerprint([&training].into_iter().chain(&validation));
    let resumed = if arguments.resume { Some(read_checkpoint(&files, &config, fingerprint)?) } else { None };
    interrupt::listen()?;
    let task = Task {
        config: &config,
        files: &files,
        training: &training,
        validation: validation.as_ref(),
        widths,
        fingerprint,
    };
    all_seeds(&task, &seeds, resumed)
}

/// Its widths are those of the training data, whatever it holds itself.
fn read_validation(path: &Path, config: &Config, widths: Widths) -> Result<gatewise::train::Dataset> {
    let (data, own) = data::read(path, config)?;
    let alike = config.takes_ids() || own.input == widths.input;
    ensure!(alike, "{}: array x has {} features, the training data {}", path.display(), own.input, widths.input);
    Ok(data)
}

fn read_checkpoint(files: &Files, config: &Config, fingerprint: u64) -> Result<(Checkpoint<'static>, Saved)> {
    let shown = files.checkpoint.display();
    let checkpoint = Checkpoint::read(&files.checkpoint)?;
    let saved = Saved::read(&checkpoint.text).with_context(|| shown.to_string())?;
    saved.check(config, fingerprint).with_context(|| shown.to_string())?;
    Ok((checkpoint, saved))
}

/// Learns with each seed, and keeps the best.
fn all_seeds(task: &Task<'_>, seeds: &[u64], mut resumed: Option<(Checkpoint<'static>, Saved)>) -> Result<Outcome> {
    let first = resumed.as_ref().map_or(0, |(_, saved)| saved.seed_index);
    let mut best = resumed.as_ref().and_then(|(_, saved)| saved.best);
    let mut parameters = 0;
    for (index, seed) in seeds.iter().enumerate().skip(first) {
        if seeds.len() > 1 {
            text::print(&format!("seed {seed} ({} of {})\n", index + 1, seeds.len()))?;
        }
        match task.attempt(index, *seed, best, resumed.take())? {
            Ended::Stopped(words) => {
                eprintln!("{words}; go on with: {}", resume_command());
                return Ok(Outcome::Interrupted);
            }
            Ended::Diverged(words) if seeds.len() > 1 => eprintln!("seed {seed}: {}", text::printable(&words)),
            Ended::Diverged(words) => {
                bail!("{words}; {} holds what was before that epoch", task.files.checkpoint.display())
            }
            Ended::Over(this, model) => {
                parameters = model.parameters();
                if best.is_none_or(|best| this.loss < best.loss) {
                    put(task, &this, &model)?;
                    best = Some(this);
                }
            }
        }
    }
    let best = best.ok_or_else(|| anyhow!("none of {} seeds came to its end", seeds.len()))?;
    let Best { seed, epoch, loss } = best;
    let of_seed = if seeds.len() > 1 { format!(" of seed {seed}") } else { String::new() };
    let judged = if task.validation.is_some() { "validation loss" } else { "training loss" };
    text::print(&format!(
        "{}: {} parameters, of epoch {epoch}{of_seed}, {judged} {}\n",
        task.files.model.display(),
        count(parameters),
        progress::short(loss)
    ))?;
    Ok(Outcome::Done)
}

/// Writes the model, and the weights that it began with.
fn put(task: &Task<'_>, best: &Best, model: &Blueprint) -> Result<()> {
    own::write(model, &task.files.model)?;
    Ok(own::write(&model::draw(task.config, task.widths, best.seed)?, &task.files.start)?)
}

/// This command, to go on.
fn resume_command() -> String {
    let mut words: Vec<String> = std::env::args().collect();
    if !words.iter().any(|word| word == "--resume") {
        words.push("--resume".to_owned());
    }
    let quoted = |word: String| if word.contains(char::is_whitespace) { format!("'{word}'") } else { word };
    words.into_iter().map(quoted).collect::<Vec<_>>().join(" ")
}
