use std::fs;
use std::path::{Path, PathBuf};

use hound::{SampleFormat, WavReader, WavSpec, WavWriter};
use tempfile::TempDir;

use super::{Sound, SoundWriter};

fn spec(channels: u16, bits_per_sample: u16, sample_format: SampleFormat) -> WavSpec {
    WavSpec { channels, sample_rate: 44_100, bits_per_sample, sample_format }
}

/// A file of these samples.
fn wav<S: hound::Sample + Copy>(folder: &TempDir, spec: WavSpec, samples: &[S]) -> PathBuf {
    let path = folder.path().join("in.wav");
    let mut writer = WavWriter::create(&path, spec).unwrap();
    samples.iter().for_each(|sample| writer.write_sample(*sample).unwrap());
    writer.finalize().unwrap();
    path
}

fn all(sound: &mut Sound, block: usize) -> Vec<f32> {
    std::iter::from_fn(|| sound.read(block).unwrap()).flatten().collect()
}

/// Copies a file through blocks of three frames, each sample through `change`; says how many were clipped.
fn copied(path: &Path, to: &Path, change: fn(f32) -> f32) -> usize {
    let mut sound = Sound::open(path).unwrap();
    let mut writer = SoundWriter::create(to, &sound).unwrap();
    while let Some(block) = sound.read(3).unwrap() {
        writer.write(&block.into_iter().map(change).collect::<Vec<_>>()).unwrap();
    }
    writer.finish().unwrap()
}

#[test]
fn integers_of_every_width_come_back_as_they_were() {
    let folder = TempDir::new().unwrap();
    for (bits, channels) in [(8, 1), (16, 1), (16, 2), (24, 1), (24, 5), (32, 2)] {
        let spec = spec(channels, bits, SampleFormat::Int);
        let largest = i32::MAX >> (32 - bits);
        // f32 keeps the upper 24 bits, so the largest of 32 bits has no place in it.
        let last = if bits == 32 { largest & !0xff } else { largest };
        let samples = [-largest - 1, -100 << (bits - 8), -1 << (bits / 2), 0, 1 << (bits / 4), last, 0, 0, 0, 0];
        let path = wav(&folder, spec, &samples);
        let mut sound = Sound::open(&path).unwrap();
        assert_eq!((sound.channels(), sound.sample_rate()), (usize::from(channels), 44_100));
        assert_eq!(sound.frames() * sound.channels(), samples.len());
        let read = all(&mut sound, 4);
        assert_eq!(read[0], -1.0, "{bits} bits");
        assert_eq!(read[3], 0.0, "{bits} bits");
        assert!((0.99..=1.0).contains(&read[5]), "{bits} bits: {}", read[5]);

        let to = folder.path().join("out.wav");
        assert_eq!(copied(&path, &to, |sample| sample), 0, "{bits} bits");
        let mut reader = WavReader::open(&to).unwrap();
        assert_eq!(reader.spec(), spec);
        let found: Vec<i32> = reader.samples().map(Result::unwrap).collect();
        assert_eq!(found, samples, "{bits} bits");
    }
}

#[test]
fn floats_are_neither_scaled_nor_clipped() {
    let folder = TempDir::new().unwrap();
    let path = wav(&folder, spec(1, 32, SampleFormat::Float), &[0.25f32, -1.5, 1e-20]);
    let to = folder.path().join("out.wav");
    assert_eq!(copied(&path, &to, |sample| 4.0 * sample), 0);
    assert_eq!(all(&mut Sound::open(&to).unwrap(), 100), [1.0, -6.0, 4e-20]);
}

#[test]
fn what_is_too_loud_for_integers_is_clipped_and_counted() {
    let folder = TempDir::new().unwrap();
    let path = wav(&folder, spec(1, 16, SampleFormat::Int), &[0i32, 16_384, -16_384, 8192]);
    let to = folder.path().join("out.wav");
    assert_eq!(copied(&path, &to, |sample| 3.0 * sample), 2);
    let found: Vec<i32> = WavReader::open(&to).unwrap().samples().map(Result::unwrap).collect();
    assert_eq!(found, [0, 32_767, -32_768, 24_576]);
}

#[test]
fn a_writer_that_is_not_finished_leaves_what_was_there() {
    let folder = TempDir::new().unwrap();
    let path = wav(&folder, spec(1, 16, SampleFormat::Int), &[1i32, 2, 3]);
    let before = fs::read(&path).unwrap();
    let mut sound = Sound::open(&path).unwrap();
    let mut writer = SoundWriter::create(&path, &sound).unwrap();
    writer.write(&sound.read(3).unwrap().unwrap()).unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "the file and the one beside it");
    drop(writer);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    assert_eq!(fs::read(&path).unwrap(), before);
    // A file may replace the one that it is read from.
    assert_eq!(copied(&path, &path, |sample| sample), 0);
    assert_eq!(fs::read(&path).unwrap(), before);
    assert!(SoundWriter::create(folder.path(), &sound).is_err());
}

#[test]
fn a_file_cut_or_damaged_anywhere_is_an_error_or_sound_and_never_a_panic() {
    let folder = TempDir::new().unwrap();
    for spec in [spec(2, 16, SampleFormat::Int), spec(1, 24, SampleFormat::Int), spec(1, 32, SampleFormat::Float)] {
        let path = match spec.sample_format {
            SampleFormat::Int => wav(&folder, spec, &[5i32, -6, 7, -8, 9, -10]),
            SampleFormat::Float => wav(&folder, spec, &[0.5f32, -0.6, 0.7, -0.8]),
        };
        let bytes = fs::read(&path).unwrap();
        for length in 0..bytes.len() {
            fs::write(&path, &bytes[..length]).unwrap();
            assert!(Sound::open(&path).is_err(), "cut to {length} of {} bytes", bytes.len());
        }
        for at in 0..bytes.len() {
            for flip in [0x01, 0x10, 0x80, 0xff] {
                let mut broken = bytes.clone();
                broken[at] ^= flip;
                fs::write(&path, &broken).unwrap();
                let Ok(mut sound) = Sound::open(&path) else { continue };
                let writer = SoundWriter::create(&folder.path().join("out.wav"), &sound);
                while let Ok(Some(_)) = sound.read(2) {}
                drop(writer);
            }
        }
    }
}

#[test]
fn errors_say_what_is_wrong_with_a_file() {
    let folder = TempDir::new().unwrap();
    let path = wav(&folder, spec(1, 16, SampleFormat::Int), &[1i32, 2, 3, 4]);
    let bytes = fs::read(&path).unwrap();
    let with = |at: usize, new: &[u8]| {
        let mut bytes = bytes.clone();
        bytes[at..at + new.len()].copy_from_slice(new);
        fs::write(&path, bytes).unwrap();
        format!("{:#}", Sound::open(&path).err().expect("an error"))
    };
    for (at, new, expected) in [
        (22, &[0, 0][..], "zero channels"),
        (24, &[0, 0, 0, 0, 0, 0, 0, 0], "0 Hz"),
        (40, &[8, 0, 0, 1], "promises 16777224 bytes of sound, but 8 are there"),
        (40, &[7, 0, 0, 0], "not a multiple of sample size"),
        (20, &[2, 0], "not supported"),
        (0, b"RIFX", "no RIFF tag"),
    ] {
        let error = with(at, new);
        assert!(error.contains(expected) && error.contains("in.wav"), "{error:?} for {expected:?}");
    }
    fs::write(&path, &bytes[..20]).unwrap();
    let error = format!("{:#}", Sound::open(&path).err().expect("an error"));
    assert!(error.contains("ends too early"), "{error}");

    let path = wav(&folder, spec(2, 32, SampleFormat::Float), &[0.0f32, 1.0, 2.0, f32::NAN]);
    let error = format!("{:#}", Sound::open(&path).unwrap().read(10).unwrap_err());
    assert!(error.contains("frame 1 is NaN"), "{error}");
    assert!(Sound::open(folder.path()).is_err());
    assert!(Sound::open(Path::new("/no/such/file.wav")).is_err());
}
