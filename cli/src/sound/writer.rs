//! A WAV file that appears whole or not at all.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use hound::{SampleFormat, WavSpec, WavWriter};

use super::{Sound, full_scale};
use crate::files::{Unfinished, check_target};

/// Bytes of the longest header that is written.
const HEADER: u64 = 68;

/// Writes sound beside its target and renames when all is written; dropped before, it leaves nothing.
pub struct SoundWriter {
    writer: WavWriter<BufWriter<File>>,
    unfinished: Unfinished,
    path: PathBuf,
    /// Bytes of sound.
    bytes: u64,
    clipped: usize,
}

impl SoundWriter {
    /// Begins a file of the same format as `like`.
    pub fn create(path: &Path, like: &Sound) -> Result<Self> {
        check_target(path)?;
        SoundWriter::begin(path, like.reader.spec()).with_context(|| format!("{}: cannot write", path.display()))
    }

    fn begin(path: &Path, spec: WavSpec) -> Result<Self> {
        let WavSpec { channels, sample_rate, .. } = spec;
        let frame = u64::from(channels) * u64::from(spec.bits_per_sample / 8);
        let fits = frame <= u64::from(u16::MAX) && u64::from(sample_rate) * frame <= u64::from(u32::MAX);
        ensure!(fits, "{channels} channels of {sample_rate} Hz are more than a WAV file can say");
        let mut unfinished = Unfinished::create(path)?;
        // hound owns what it writes to; of the two handles only this one is written.
        let file = unfinished.writer().get_ref().try_clone()?;
        let writer = WavWriter::new(BufWriter::new(file), spec)?;
        Ok(SoundWriter { writer, unfinished, path: path.to_owned(), bytes: 0, clipped: 0 })
    }

    /// Adds frames, channels side by side. What an integer cannot hold becomes the nearest that it can, and is counted.
    pub fn write(&mut self, samples: &[f32]) -> Result<()> {
        let spec = self.writer.spec();
        self.bytes += samples.len() as u64 * u64::from(spec.bits_per_sample / 8);
        let fits = self.bytes + HEADER <= u64::from(u32::MAX);
        ensure!(fits, "{}: cannot write: a WAV file holds less than 4 GiB", self.path.display());
        let written = samples.iter().try_for_each(|sample| match spec.sample_format {
            SampleFormat::Float => self.writer.write_sample(*sample),
            SampleFormat::Int => {
                let (held, clipped) = integer(*sample, spec);
                self.clipped += usize::from(clipped);
                self.writer.write_sample(held)
            }
        });
        written.with_context(|| format!("{}: cannot write", self.path.display()))
    }

    /// Puts the file in its place; says how many samples were clipped.
    pub fn finish(self) -> Result<usize> {
        let SoundWriter { writer, unfinished, path, clipped, .. } = self;
        let written = writer.finalize().map_err(anyhow::Error::from).and_then(|()| Ok(unfinished.finish()?));
        written.with_context(|| format!("{}: cannot write", path.display()))?;
        Ok(clipped)
    }
}

/// The nearest integer, and whether it is another than the sample asks for; NaN is 0.
fn integer(sample: f32, spec: WavSpec) -> (i32, bool) {
    let scale = full_scale(spec);
    let nearest = (f64::from(sample) * scale).round_ties_even();
    let held = nearest.clamp(-scale, scale - 1.0);
    (held as i32, held != nearest)
}
