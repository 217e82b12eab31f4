//! From `.npy` to `.npy`: what a run from `.npz` gives, a part at a time.

use crate::common::{
    Array, Folder, Model, Npz, Ran, array, assert_same, fixture, noise, npy, npy_array, npy_floats, run,
};
use crate::made;

fn stream(folder: &Folder, model: &str, input: &[u8], options: &[&str]) -> Ran {
    let (input, output) = (folder.put("in.npy", input), folder.path("out.npy"));
    run(&[&["run", model, "--input", &input, "--output", &output][..], options].concat())
}

/// The streamed y, and y of the same x from `.npz`.
#[track_caller]
fn both(folder: &Folder, model: &str, npy: &[u8], npz: Npz, options: &[&str]) -> [Array; 2] {
    stream(folder, model, npy, options).done(model);
    let (input, output) = (folder.put("in.npz", &npz.bytes()), folder.path("out.npz"));
    run(&[&["run", model, "--input", &input, "--output", &output][..], options].concat()).done(model);
    [npy_array(&folder.path("out.npy")), array(&output, "y").expect("y")]
}

#[test]
fn features_give_the_same_bits_as_from_npz() {
    let folder = Folder::new();
    let torch = |case: &str| fixture(case, "model.safetensors");
    let amp = folder.put("amp.nam", &made::nam(5, 2, 1.0));
    let keras = |case: &str| fixture(case, "model.keras");
    for (model, shape, options) in [
        // Networks that stream, along the steps and along the sequences.
        (torch("torch_02_lstm_num_layers-3"), [70, 3, 4], &[][..]),
        (torch("torch_02_lstm_num_layers-3"), [70, 3, 4], &["--batch-first"]),
        (torch("torch_31_lstm_proj_size-3"), [9, 5, 1], &[]),
        (amp, [300, 2, 1], &[]),
        (keras("keras_01_lstm_seq"), [6, 5, 7], &[]),
        // Networks that need whole sequences.
        (torch("torch_14_gru_num_layers-2_bidirectional"), [70, 3, 8], &["--batch-first"]),
        (keras("keras_12_stack_softmax"), [70, 4, 3], &[]),
        (keras("keras_04_lstm_backwards"), [3, 6, 3], &[]),
        (torch("torch_10_gru"), [5, 4, 8], &["--batch-first", "--layers", "gru last"]),
    ] {
        let x = noise(shape.iter().product::<u64>() as usize, 1.0, 3);
        let npz = Npz::new().with("x", &shape, &x);
        let [found, expected] = both(&folder, &model, &npy_floats(&shape, &x), npz, options);
        assert_same(&found, &expected, || format!("{model} {options:?}"));
        assert_eq!(found.dtype, "'<f4'");
    }
}

#[test]
fn ids_and_other_numbers_give_the_same_bits_as_from_npz() {
    let folder = Folder::new();
    let model = fixture("keras_extra_mask_stack", "model.keras");
    let ids = [1i64, 2, 3, 0, 3, 3, 3, 0, 0, 2, 1, 0];
    let small: Vec<u8> = ids.iter().map(|id| *id as u8).collect();
    let wide: Vec<u8> = ids.iter().flat_map(|id| id.to_le_bytes()).collect();
    for (descr, data) in [("'|u1'", &small), ("'<i8'", &wide)] {
        let npz = Npz::new().with_ids("x", &[2, 6], &ids);
        let [found, expected] = both(&folder, &model, &npy([descr, "False", "(2, 6)"], data), npz, &[]);
        assert_same(&found, &expected, || descr.to_owned());
        assert_eq!(found.shape, [2, 3]);
    }
    let model = fixture("torch_10_gru", "model.safetensors");
    let (x, shape) = (noise(6 * 8, 1.0, 1), [3, 2, 8]);
    let doubles: Vec<u8> = x.iter().flat_map(|value| f64::from(*value).to_be_bytes()).collect();
    let npz = Npz::new().with("x", &shape, &x);
    let [found, expected] = both(&folder, &model, &npy(["'>f8'", "False", "(3, 2, 8)"], &doubles), npz, &[]);
    assert_same(&found, &expected, || "doubles, big-endian".to_owned());
}

#[test]
fn what_cannot_be_streamed_is_refused() {
    let folder = Folder::new();
    let gru = fixture("torch_10_gru", "model.safetensors");
    let both_ways = fixture("torch_13_gru_bidirectional", "model.safetensors");
    let words = fixture("keras_13_embed_mask", "model.keras");
    let graph = fixture("export_stream_lstm_dynamo", "model.onnx");
    let x = |shape: &[u64]| npy_floats(shape, &vec![0.5; shape.iter().product::<u64>() as usize]);
    let ids = |ids: [i64; 6]| {
        let data: Vec<u8> = ids.iter().flat_map(|id| id.to_le_bytes()).collect();
        npy(["'<i8'", "False", "(2, 3)"], &data)
    };
    let good = x(&[4, 2, 8]);
    let half = good[..good.len() - 4].to_vec();
    let fortran = npy(["'<f4'", "True", "(4, 2, 8)"], &[0; 256]);
    let texts = npy(["'<U1'", "False", "(4, 2, 8)"], &[0; 256]);
    for (what, model, input, options, says) in [
        ("--cells", &gru, &good, &["--cells"][..], "--cells: with .npy only y is written"),
        ("--reference", &gru, &good, &["--reference"], "--reference: with .npy only y is written"),
        (
            "another I",
            &gru,
            &x(&[4, 2, 7]),
            &[],
            "in.npy: the array has shape [4, 2, 7], expected (T, B, I) with I = 8",
        ),
        ("two axes", &gru, &x(&[4, 8]), &[], "in.npy: the array has shape [4, 8], expected (T, B, I) with I = 8"),
        ("T = 0", &gru, &x(&[0, 2, 8]), &[], "in.npy: the array has shape [0, 2, 8]: nothing to run"),
        ("batch first", &gru, &x(&[4, 8, 2]), &["--batch-first"], "expected (B, T, I) with I = 8"),
        ("half a file", &gru, &half, &[], "in.npy: its header speaks of shape [4, 2, 8]"),
        ("no file", &gru, &Vec::new(), &[], "in.npy: "),
        ("Fortran order", &gru, &fortran, &[], "in.npy: the array is in Fortran order: expected C order"),
        ("texts", &gru, &texts, &[], "in.npy: "),
        ("both directions", &both_ways, &x(&[3, 2, 6]), &[], "Expected (B, T, …) and --batch-first, or .npz"),
        ("a graph", &graph, &good, &[], "in.npy: a graph takes its inputs by name: expected .npz"),
        ("three axes of ids", &words, &x(&[2, 2, 2]), &[], "the array has shape [2, 2, 2], expected ids (B, T)"),
        ("half an id", &words, &x(&[2, 2]), &[], "expected ids, whole numbers below 2^24, found 0.5"),
        ("too large an id", &words, &ids([1, 2, 3, 4, 23, 6]), &[], "id 23 at [1, 1]: expected 0 to 22"),
        ("a negative id", &words, &ids([1, 2, -1, 4, 5, 6]), &[], "id -1 at [0, 2]: expected 0 to 22"),
    ] {
        stream(&folder, model, input, options).refused(what, &[says]);
        assert_eq!(folder.names(), ["in.npy"], "{what}: what is left in the folder");
    }
}

#[test]
fn one_array_and_several_do_not_share_a_name() {
    let folder = Folder::new();
    let model = fixture("torch_10_gru", "model.safetensors");
    let x = noise(16, 1.0, 1);
    let single = folder.put("in.npy", &npy_floats(&[1, 2, 8], &x));
    let several = folder.put("in.npz", &Npz::new().with("x", &[1, 2, 8], &x).bytes());
    let graph = fixture("onnx_00_lstm_direction-forward", "model.onnx");
    let io = fixture("onnx_00_lstm_direction-forward", "io.npz");
    for (model, input, output, says) in [
        (&model, &single, "out.npz", "out.npz: expected .npy, as the input is"),
        (&model, &several, "out.npy", "out.npy: expected .npz, as the input is"),
        (&graph, &io, "out.npy", "out.npy: expected .npz, as the input is"),
    ] {
        run(&["run", model, "--input", input, "--output", &folder.path(output)]).refused(output, &[says]);
        assert_eq!(folder.names(), ["in.npy", "in.npz"], "{output}");
    }
}

/// The most memory that a run ever had, in MiB.
#[cfg(target_os = "linux")]
fn peak_of(command: &mut std::process::Command) -> u64 {
    use std::process::Stdio;
    let mut child = command.stdout(Stdio::null()).spawn().expect("the command starts");
    let mut peak = 0;
    while child.try_wait().expect("the command runs").is_none() {
        // When it has just ended, there is no line.
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        peak = peak.max(kib.unwrap_or(0));
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    assert!(child.wait().expect("the command ends").success(), "{command:?}");
    peak / 1024
}

#[test]
#[cfg(target_os = "linux")]
fn a_file_larger_than_its_memory_is_run_a_part_at_a_time() {
    let folder = Folder::new();
    // 1 GiB of zeros, which a file system need not keep.
    let (steps, width) = (1u64 << 18, 1 << 10);
    let model = folder.put("model.safetensors", &Model::layer(1, width as usize, 1).bytes());
    let header = npy_floats(&[steps, 1, width], &[]);
    let input = folder.put("in.npy", &header);
    let file = std::fs::OpenOptions::new().write(true).open(&input).expect("the file");
    file.set_len(header.len() as u64 + steps * width * 4).expect("its length");
    let output = folder.path("out.npy");
    let mut command = crate::common::gatewise();
    command.args(["run", &model, "--input", &input, "--output", &output, "--threads", "1"]);
    let peak = peak_of(&mut command);
    assert!((10..256).contains(&peak), "{peak} MiB for a file of 1024");
    let y = npy_array(&output);
    assert_eq!(y.shape, [steps as usize, 1, 1]);
    // Nothing but the bias: the state settles, and does not begin anew at the next part.
    let (first, settled) = (y.values[0], y.values[1000]);
    assert!((first - settled).abs() > 1e-3, "{first} at first, {settled} at last");
    let begun = y.values.iter().skip(100).position(|value| (value - settled).abs() > 1e-7);
    assert_eq!(begun.map(|step| step + 100), None, "where the state began anew");
}
