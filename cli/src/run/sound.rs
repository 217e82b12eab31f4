//! Sound through a network, block by block as an audio thread would.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use gatewise::Layout;
use gatewise::network::blueprint::Blueprint;
use gatewise::network::{Network, NetworkSession, Rows};

use super::Arguments;
use super::chunks::progress;
use super::engine::Engine;
use crate::sound::{Sound, SoundWriter};

/// Frames of a block: a fifth of a second, so that the progress bar moves.
const BLOCK: usize = 8192;

pub fn run(arguments: &Arguments, engine: &Engine, blueprint: &Blueprint, wav: &Path) -> Result<()> {
    let model = arguments.source.model.display();
    let network = Network::with_level(blueprint, engine.level).with_context(|| model.to_string())?;
    let (input, output) = (network.input(), network.output());
    ensure!(
        input.rows == Rows::Features(1) && output.rows == Rows::Features(1),
        "--wav: expected a model of one feature and one output, {model} goes from {input} to {output}"
    );
    ensure!(network.streams(), "--wav: {model} does not run step by step: a layer reads backwards or leaves steps out");

    let mut sound = Sound::open(wav)?;
    let (rate, channels) = (sound.sample_rate(), sound.channels());
    if let Some(own) = blueprint.sample_rate.filter(|own| *own != f64::from(rate)) {
        eprintln!("warning: {} has {rate} samples a second, {model} was made for {own}", wav.display());
    }
    let mut session = NetworkSession::new(&network, channels)?.with_threads(engine.threads);
    let mut writer = SoundWriter::create(&arguments.output, &sound)?;
    let bar = progress(sound.frames() as u64, sound.frames() > 20 * BLOCK, "samples");
    let (mut took, mut frames) = (Duration::ZERO, 0);
    // Frame by frame, the channels side by side: time-major sequences of one feature.
    while let Some(block) = sound.read(BLOCK)? {
        let start = Instant::now();
        let y = engine.pool.install(|| session.forward(block.as_slice(), Layout::TimeMajor, None))?;
        took += start.elapsed();
        frames += block.len() / channels;
        writer.write(&y)?;
        bar.set_position(frames as u64);
    }
    bar.finish_and_clear();
    let clipped = writer.finish()?;
    if clipped > 0 {
        eprintln!(
            "warning: {clipped} samples were louder than {} can hold, and were clipped",
            arguments.output.display()
        );
    }
    let (seconds, took) = (frames as f64 / f64::from(rate), took.as_secs_f64());
    let sides = if channels == 1 { "mono".to_owned() } else { format!("{channels} channels") };
    crate::text::print(&format!(
        "{}: {}, {seconds:.2} s of sound ({rate} Hz, {sides}) by {} in {:.1} ms, {:.0} times faster than real time\n",
        arguments.output.display(),
        super::describe(blueprint),
        engine.describe(),
        took * 1e3,
        seconds / took.max(1e-9),
    ))
}
