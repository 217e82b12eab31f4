//! Sound through a network, block by block as an audio thread would.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use gatewise::Layout;
use gatewise::network::blueprint::Blueprint;
use gatewise::network::{Network, NetworkSession, Rows};
use rayon::iter::{IndexedParallelIterator, IntoParallelRefMutIterator, ParallelIterator};

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
    let mut streams = (0..channels).map(|_| Channel::new(&network)).collect::<Result<Vec<_>>>()?;
    let mut writer = SoundWriter::create(&arguments.output, &sound)?;
    let bar = progress(sound.frames() as u64, sound.frames() > 20 * BLOCK, "samples");
    let (mut took, mut frames) = (Duration::ZERO, 0);
    while let Some(mut block) = sound.read(BLOCK)? {
        let start = Instant::now();
        let of_channel = |(index, channel): (usize, &mut Channel<'_>)| channel.run(&block, index, channels);
        engine.pool.install(|| streams.par_iter_mut().enumerate().try_for_each(of_channel))?;
        for (index, channel) in streams.iter().enumerate() {
            for (frame, value) in block.chunks_exact_mut(channels).zip(&channel.samples) {
                frame[index] = *value;
            }
        }
        took += start.elapsed();
        frames += block.len() / channels;
        writer.write(&block)?;
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

/// A channel by itself: the kernels are at their best with one stream.
struct Channel<'a> {
    session: NetworkSession<&'a Network>,
    samples: Vec<f32>,
}

impl<'a> Channel<'a> {
    fn new(network: &'a Network) -> Result<Self> {
        Ok(Channel { session: NetworkSession::new(network, 1)?, samples: Vec::new() })
    }

    /// Takes its samples out of a block of frames and replaces them by the network's.
    fn run(&mut self, block: &[f32], index: usize, channels: usize) -> Result<()> {
        self.samples.clear();
        self.samples.extend(block.iter().skip(index).step_by(channels));
        self.samples = self.session.forward(&self.samples, Layout::TimeMajor, None)?;
        Ok(())
    }
}
