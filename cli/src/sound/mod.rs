//! Sound from WAV files, in blocks, and back into them in the same format.
//!
//! Integers of 8, 16, 24 and 32 bits are scaled to −1…1 by 2^(bits − 1), so that all but the last come back as they
//! were; f32 keeps 24 of 32 bits. Floats of 32 bits are taken as they are.

#[cfg(test)]
mod tests;
mod writer;

use std::fs::File;
use std::io::{BufReader, Seek};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail, ensure};
use hound::{SampleFormat, WavReader, WavSpec};

pub(crate) use writer::SoundWriter;

/// A WAV file that is read from its begin to its end.
pub struct Sound {
    reader: WavReader<BufReader<File>>,
    path: PathBuf,
    frames: usize,
    /// Frames that were read.
    position: usize,
}

impl Sound {
    /// Opens a file and checks its header.
    pub fn open(path: &Path) -> Result<Self> {
        Sound::open_file(path).with_context(|| path.display().to_string())
    }

    fn open_file(path: &Path) -> Result<Self> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        ensure!(metadata.is_file(), "not a regular file");
        let mut file = BufReader::new(file);
        // Once for where the sound begins, which hound's reader does not say.
        WavReader::new(&mut file).map_err(unreadable)?;
        let held = metadata.len().saturating_sub(file.stream_position()?);
        file.rewind()?;
        let reader = WavReader::new(file).map_err(unreadable)?;
        let (spec, samples) = (reader.spec(), reader.len());
        let WavSpec { channels, sample_rate, bits_per_sample: bits, .. } = spec;
        ensure!(
            channels > 0 && sample_rate > 0,
            "{channels} channels of {sample_rate} Hz: expected at least one of each"
        );
        match (spec.sample_format, bits) {
            (SampleFormat::Int, 8 | 16 | 24 | 32) | (SampleFormat::Float, 32) => {}
            _ => bail!("samples of {bits} bits: expected integers of 8, 16, 24 or 32 bits, or floats of 32"),
        }
        let promised = u64::from(samples) * u64::from(bits / 8);
        ensure!(promised <= held, "its header promises {promised} bytes of sound, but {held} are there");
        ensure!(samples % u32::from(channels) == 0, "{samples} samples are no whole frames of {channels} channels");
        let frames = usize::try_from(samples / u32::from(channels))?;
        Ok(Sound { reader, path: path.to_owned(), frames, position: 0 })
    }

    /// Samples a second and channel.
    pub fn sample_rate(&self) -> u32 {
        self.reader.spec().sample_rate
    }

    /// Samples of a frame.
    pub fn channels(&self) -> usize {
        usize::from(self.reader.spec().channels)
    }

    /// Samples a channel.
    pub fn frames(&self) -> usize {
        self.frames
    }

    /// The next frames, at most so many, channels side by side; `None` behind the last.
    pub fn read(&mut self, frames: usize) -> Result<Option<Vec<f32>>> {
        let count = frames.min(self.frames - self.position);
        if count == 0 {
            return Ok(None);
        }
        let (samples, spec, first) = (count * self.channels(), self.reader.spec(), self.position);
        let block = match spec.sample_format {
            SampleFormat::Int => {
                let scale = full_scale(spec).recip();
                let read = self.reader.samples::<i32>().take(samples);
                read.map(|sample| sample.map(|sample| (f64::from(sample) * scale) as f32)).collect()
            }
            SampleFormat::Float => self.reader.samples::<f32>().take(samples).collect::<hound::Result<Vec<f32>>>(),
        };
        let place = || format!("{}: behind frame {first}", self.path.display());
        let block: Vec<f32> = block.map_err(unreadable).with_context(place)?;
        ensure!(block.len() == samples, "{}: ends in the midst of its frames", self.path.display());
        if let Some(at) = block.iter().position(|sample| !sample.is_finite()) {
            bail!("{}: frame {} is {}", self.path.display(), first + at / self.channels(), block[at]);
        }
        self.position += count;
        Ok(Some(block))
    }
}

/// The integer that 1.0 would be.
fn full_scale(spec: WavSpec) -> f64 {
    f64::from(spec.bits_per_sample - 1).exp2()
}

/// Says of what is no WAV that it is none.
fn unreadable(error: hound::Error) -> anyhow::Error {
    match error {
        // hound's own error of a short read, not the operating system's.
        hound::Error::IoError(error) if error.raw_os_error().is_none() => {
            anyhow!("no whole WAV file: it ends too early")
        }
        error => anyhow!("not a readable WAV file: {error}"),
    }
}
