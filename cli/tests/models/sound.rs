//! `--wav`: sound through a model, channel by channel.

use hound::{SampleFormat, WavReader, WavSpec, WavWriter};

use crate::common::{Folder, Model, Npz, Ran, array, fixture, run};
use crate::made;

const RATE: u32 = 48_000;

/// More than two of the blocks that a run takes.
const FRAMES: usize = 20_000;

fn spec(channels: u16, bits_per_sample: u16, sample_format: SampleFormat) -> WavSpec {
    WavSpec { channels, sample_rate: RATE, bits_per_sample, sample_format }
}

const INTEGERS: fn(u16) -> WavSpec = |channels| spec(channels, 16, SampleFormat::Int);
const FLOATS: fn(u16) -> WavSpec = |channels| spec(channels, 32, SampleFormat::Float);

/// A tone of so many Hz in 16 bits.
fn sine(hertz: f64) -> Vec<i16> {
    let sample = |frame: usize| (frame as f64 * hertz / f64::from(RATE) * std::f64::consts::TAU).sin() * 0.6;
    (0..FRAMES).map(|frame| (sample(frame) * 32768.0) as i16).collect()
}

fn scaled(samples: &[i16]) -> Vec<f32> {
    samples.iter().map(|sample| f32::from(*sample) / 32768.0).collect()
}

fn write<S: hound::Sample + Copy>(folder: &Folder, name: &str, spec: WavSpec, samples: &[S]) -> String {
    let path = folder.path(name);
    let mut writer = WavWriter::create(&path, spec).expect("a WAV file");
    samples.iter().for_each(|sample| writer.write_sample(*sample).expect("a sample"));
    writer.finalize().expect("a WAV file");
    path
}

fn read<S: hound::Sample>(path: &str, expected: WavSpec) -> Vec<S> {
    let mut reader = WavReader::open(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    assert_eq!(reader.spec(), expected, "{path}: the format of the input");
    reader.samples().map(|sample| sample.expect("a sample")).collect()
}

fn through(model: &str, wav: &str, output: &str) -> Ran {
    run(&["run", model, "--wav", wav, "--output", output])
}

/// y of a run of the same samples from `.npz`.
fn by_npz(folder: &Folder, model: &str, x: &[f32]) -> Vec<f64> {
    let input = folder.put("x.npz", &Npz::new().with("x", &[x.len() as u64], x).bytes());
    let output = folder.path("y.npz");
    run(&["run", model, "--input", &input, "--output", &output]).done("from .npz");
    array(&output, "y").expect("y").values
}

#[test]
fn a_tone_comes_out_as_a_run_from_npz_gives_it() {
    let folder = Folder::new();
    let model = folder.put("amp.nam", &made::nam(3, 1, 0.5));
    let tone = sine(220.0);
    let expected = by_npz(&folder, &model, &scaled(&tone));
    assert!(expected.iter().any(|sample| sample.abs() > 0.05), "the model is not silent");

    let (wav, output) = (write(&folder, "in.wav", INTEGERS(1), &tone), folder.path("out.wav"));
    let line = through(&model, &wav, &output).done("integers");
    assert!(line.starts_with(&output) && line.contains("0.42 s of sound (48000 Hz, mono)"), "{line:?}");
    assert!(line.contains(" times faster than real time"), "{line:?}");
    let found: Vec<i16> = read(&output, INTEGERS(1));
    assert_eq!(found.len(), FRAMES);
    for (frame, (found, expected)) in found.iter().zip(&expected).enumerate() {
        // The nearest of the format's steps.
        let error = (f64::from(*found) - expected * 32768.0).abs();
        assert!(error <= 0.5, "frame {frame}: {found} for {}", expected * 32768.0);
    }

    let wav = write(&folder, "floats.wav", FLOATS(1), &scaled(&tone));
    through(&model, &wav, &output).done("floats");
    let found: Vec<f32> = read(&output, FLOATS(1));
    let expected: Vec<f32> = expected.iter().map(|sample| *sample as f32).collect();
    assert!(found == expected, "floats: block by block gives other bits than all at once");
}

#[test]
fn stereo_is_two_monos() {
    let folder = Folder::new();
    let model = folder.put("amp.nam", &made::nam(4, 2, 0.5));
    let sides = [sine(220.0), sine(517.0)];
    let mono = |side: &[i16]| {
        let (wav, output) = (write(&folder, "in.wav", INTEGERS(1), side), folder.path("out.wav"));
        through(&model, &wav, &output).done("mono");
        read::<i16>(&output, INTEGERS(1))
    };
    let [left, right] = [mono(&sides[0]), mono(&sides[1])];
    assert_ne!(left, right);
    let interleave = |left: &[i16], right: &[i16]| -> Vec<i16> {
        left.iter().zip(right).flat_map(|(left, right)| [*left, *right]).collect()
    };
    let wav = write(&folder, "stereo.wav", INTEGERS(2), &interleave(&sides[0], &sides[1]));
    let output = folder.path("both.wav");
    let line = through(&model, &wav, &output).done("stereo");
    assert!(line.contains("0.42 s of sound (48000 Hz, 2 channels)"), "{line:?}");
    assert!(read::<i16>(&output, INTEGERS(2)) == interleave(&left, &right), "other samples than two monos");
}

#[test]
fn any_format_of_one_feature_and_one_output_takes_sound() {
    let folder = Folder::new();
    let guitar = folder.put("guitar.json", made::guitarml().to_string().as_bytes());
    let torch = folder.put("torch.safetensors", &Model::layer(3, 1, 1).bytes());
    let own = folder.path("own.safetensors");
    run(&["convert", &guitar, &own]).done("convert");
    let tone = scaled(&sine(100.0)[..3000]);
    let wav = write(&folder, "in.wav", FLOATS(1), &tone);
    let output = folder.path("out.wav");
    for model in [&guitar, &torch, &own] {
        through(model, &wav, &output).done(model);
        let expected: Vec<f32> = by_npz(&folder, model, &tone).iter().map(|sample| *sample as f32).collect();
        assert!(read::<f32>(&output, FLOATS(1)) == expected, "{model}: other samples than from .npz");
    }
}

#[test]
fn another_sample_rate_and_clipped_samples_are_said() {
    let folder = Folder::new();
    let tone = sine(220.0);
    let slow = WavSpec { sample_rate: 44_100, ..INTEGERS(1) };
    let (wav, output) = (write(&folder, "slow.wav", slow, &tone), folder.path("out.wav"));
    let model = folder.put("amp.nam", &made::nam(3, 1, 0.5));
    let found = through(&model, &wav, &output);
    assert_eq!(found.code, Some(0), "{found:?}");
    let says = format!("warning: {wav} has 44100 samples a second, {model} was made for 48000\n");
    assert_eq!(found.stderr, says);

    let loud = folder.put("loud.nam", &made::nam(3, 1, 50.0));
    let found = through(&loud, &write(&folder, "in.wav", INTEGERS(1), &tone), &output);
    let samples: Vec<i16> = read(&output, INTEGERS(1));
    let beyond = by_npz(&folder, &loud, &scaled(&tone)).into_iter().map(|sample| (sample * 32768.0).round_ties_even());
    let clipped = beyond.filter(|sample| !(-32768.0..=32767.0).contains(sample)).count();
    assert!(clipped > 100 && samples.contains(&i16::MAX), "{clipped} samples are too loud");
    let says = format!("warning: {clipped} samples were louder than {output} can hold, and were clipped\n");
    assert_eq!((found.code, found.stderr), (Some(0), says));
}

#[test]
fn models_and_files_that_do_not_fit_are_refused() {
    let folder = Folder::new();
    let amp = folder.put("amp.nam", &made::nam(3, 1, 0.5));
    let two_outputs = folder.put("two.json", made::rtneural().to_string().as_bytes());
    let two_features = folder.put("features.safetensors", &Model::layer(4, 2, 1).bytes());
    let last = fixture("keras_08_rnn_relu", "model.keras");
    let one = folder.put("one.safetensors", &Model::layer(4, 1, 1).bytes());
    let words = fixture("keras_13_embed_mask", "model.keras");
    let graph = fixture("export_stream_lstm_dynamo", "model.onnx");
    let wav = write(&folder, "in.wav", INTEGERS(1), &sine(220.0)[..100]);
    let whole = std::fs::read(&wav).unwrap();
    let half = folder.put("half.wav", &whole[..whole.len() / 2]);
    let text = folder.put("text.wav", b"no sound, only a line of text");
    let nan = write(&folder, "nan.wav", FLOATS(1), &[0.0, f32::NAN]);
    let nowhere = folder.path("nowhere.wav");
    let before = folder.names();
    let streams = "does not run step by step";
    for (what, model, wav, options, says) in [
        ("two outputs", &two_outputs, &wav, &[][..], "goes from 1 feature a step to 2 features a step"),
        ("two features", &two_features, &wav, &[], "goes from 2 features a step to 1 feature a step"),
        ("four outputs", &last, &wav, &[], "goes from 1 feature a step to 4 features a sequence"),
        ("backwards", &one, &wav, &["--layers", "lstm backwards"], streams),
        ("the last step", &one, &wav, &["--layers", "lstm last"], streams),
        ("words", &words, &wav, &[], "goes from an id below 23 a step"),
        ("a graph", &graph, &wav, &[], "is a graph"),
        ("no WAV", &amp, &nowhere, &[], "nowhere.wav: No such file"),
        ("half a WAV", &amp, &half, &[], "half.wav: its header promises 200 bytes of sound"),
        ("a text", &amp, &text, &[], "text.wav: not a readable WAV file"),
        ("NaN", &amp, &nan, &[], "nan.wav: frame 1 is NaN"),
    ] {
        let output = folder.path("out.wav");
        run(&[&["run", model, "--wav", wav, "--output", &output][..], options].concat()).refused(what, &[says]);
        assert_eq!(folder.names(), before, "{what}: what is left in the folder");
    }
    let place = folder.path("no/such/out.wav");
    through(&amp, &wav, &place).refused("no folder", &[&place, "cannot write"]);
    for option in ["--reference", "--cells", "--batch-first"] {
        let found = run(&["run", &amp, "--wav", &wav, "--output", &folder.path("out.wav"), option]);
        found.misused(option, &["--wav", option]);
    }
    let found = run(&["run", &amp, "--wav", &wav, "--input", &wav, "--output", &folder.path("out.wav")]);
    found.misused("two inputs", &["--wav", "--input"]);
    assert_eq!(folder.names(), before, "what is left in the folder");
}
