//! Stacks, directions, projections and lengths: what comes out on request, and what is refused.

use crate::common::{Array, Folder, Model, Npz, Ran, array, array_names, assert_close, levels, noise, run};

const STEPS: usize = 4;
const BATCH: usize = 3;
const LENGTHS: [i64; BATCH] = [2, 4, 0];

/// Two layers in both directions with I = 2, H = 3, P = 2.
fn stack() -> Model {
    [(0, 2), (1, 4)].into_iter().flat_map(|(layer, input)| ["", "_reverse"].map(|way| (layer, input, way))).fold(
        Model::default(),
        |model, (layer, input, way)| {
            let name = |stem: &str| format!("{stem}_l{layer}{way}");
            model
                .with(&name("weight_ih"), &[12, input])
                .with(&name("weight_hh"), &[12, 2])
                .with(&name("weight_hr"), &[2, 3])
                .with(&name("bias_ih"), &[12])
                .with(&name("bias_hh"), &[12])
        },
    )
}

fn x() -> Npz {
    Npz::new().with("x", &[STEPS as u64, BATCH as u64, 2], &noise(STEPS * BATCH * 2, 1.0, 1))
}

/// Adds an array of integers of `width` bytes each.
fn with_integers(npz: Npz, name: &str, [descr, shape]: [&str; 2], values: &[i64], width: usize) -> Npz {
    let bytes = values.iter().flat_map(|value| {
        let mut bytes = value.to_le_bytes()[..width].to_vec();
        if descr.contains('>') {
            bytes.reverse();
        }
        bytes
    });
    npz.with_raw(name, [descr, "False", shape], &bytes.collect::<Vec<u8>>())
}

fn lengths(npz: Npz) -> Npz {
    with_integers(npz, "lengths", ["'<i8'", "(3,)"], &LENGTHS, 8)
}

/// A folder in which the stack, or another model, is run.
struct Place(Folder);

impl Place {
    fn run(&self, model: &Model, input: &[u8], options: &[&str]) -> Ran {
        let (model, input) = (self.0.put("model.safetensors", &model.bytes()), self.0.put("in.npz", input));
        let output = self.0.path("out.npz");
        let mut arguments = vec!["run", &model, "--cell", "lstm", "--input", &input, "--output", &output];
        arguments.extend(options);
        run(&arguments)
    }

    /// The arrays of a run that succeeds.
    #[track_caller]
    fn outputs<const N: usize>(model: &Model, input: &[u8], options: &[&str], names: [&str; N]) -> [Array; N] {
        let place = Place(Folder::new());
        place.run(model, input, options).done(&options.join(" "));
        let output = place.0.path("out.npz");
        assert_eq!(array_names(&output), names, "{options:?}: arrays");
        names.map(|name| array(&output, name).expect("listed above"))
    }
}

const ALL: [&str; 4] = ["c", "c_n", "h_n", "y"];

#[test]
fn every_cell_state_of_the_last_layer_is_written_on_request() {
    let input = lengths(x()).bytes();
    let exact = Place::outputs(&stack(), &input, &["--cells", "--reference"], ALL);
    assert_eq!(exact[0].shape, [STEPS, BATCH, 6], "c: both directions of H = 3");
    // c_n: layer 1 forward is the third pass, its reverse the fourth.
    let c = |step: usize, row: usize, unit: usize| exact[0].values[(step * BATCH + row) * 6 + unit];
    let c_n = |pass: usize, row: usize, unit: usize| exact[1].values[(pass * BATCH + row) * 3 + unit];
    for (row, length) in LENGTHS.map(|length| length as usize).into_iter().enumerate() {
        for unit in 0..3 {
            if length > 0 {
                assert_eq!(c(length - 1, row, unit), c_n(2, row, unit), "sequence {row}, unit {unit}, forward");
                assert_eq!(c(0, row, 3 + unit), c_n(3, row, unit), "sequence {row}, unit {unit}, reverse");
                assert_ne!(c_n(2, row, unit), 0.0, "sequence {row}, unit {unit}: something was computed");
            }
            for step in length..STEPS {
                assert_eq!([c(step, row, unit), c(step, row, 3 + unit)], [0.0; 2], "padding: {row}, {step}, {unit}");
            }
        }
    }
    for level in levels() {
        let found = Place::outputs(&stack(), &input, &["--cells", "--isa", level.name()], ALL);
        for ((found, exact), name) in found.iter().zip(&exact).zip(ALL) {
            assert_close(found, exact, 2e-6, || format!("{level}, {name}"));
        }
    }
    Place::outputs(&stack(), &input, &[], ["c_n", "h_n", "y"]);
}

#[test]
fn batch_first_swaps_the_first_axes_of_x_y_and_c() {
    let time_major = Place::outputs(&stack(), &lengths(x()).bytes(), &["--cells"], ALL);
    let values = noise(STEPS * BATCH * 2, 1.0, 1);
    let rows = (0..BATCH).flat_map(|row| (0..STEPS).map(move |step| step * BATCH + row));
    let swapped: Vec<f32> = rows.clone().flat_map(|row| values[row * 2..][..2].to_vec()).collect();
    let input = lengths(Npz::new().with("x", &[BATCH as u64, STEPS as u64, 2], &swapped)).bytes();
    for options in [&["--cells", "--batch-first"][..], &["--cells", "--batch-first", "--reference"]] {
        let found = Place::outputs(&stack(), &input, options, ALL);
        for ((found, expected), name) in found.iter().zip(&time_major).zip(ALL) {
            let expected = match name {
                "c" | "y" => {
                    let width = expected.shape[2];
                    let values = rows.clone().flat_map(|row| expected.values[row * width..][..width].to_vec());
                    Array { shape: vec![BATCH, STEPS, width], values: values.collect(), ..expected.clone() }
                }
                _ => expected.clone(),
            };
            assert_close(found, &expected, 2e-6, || format!("{options:?}, {name}"));
        }
    }
}

#[test]
fn lengths_may_be_integers_of_any_type() {
    let expected = Place::outputs(&stack(), &lengths(x()).bytes(), &[], ["c_n", "h_n", "y"]);
    let whole = Place::outputs(&stack(), &x().bytes(), &[], ["c_n", "h_n", "y"]);
    assert_ne!(whole[2].values, expected[2].values, "lengths change y");
    for (descr, width) in [
        ("'|i1'", 1),
        ("'<i2'", 2),
        ("'>i2'", 2),
        ("'<i4'", 4),
        ("'>i4'", 4),
        ("'>i8'", 8),
        ("'|u1'", 1),
        ("'<u2'", 2),
        ("'<u4'", 4),
        ("'>u4'", 4),
        ("'<u8'", 8),
    ] {
        let input = with_integers(x(), "lengths", [descr, "(3,)"], &LENGTHS, width).bytes();
        assert_eq!(Place::outputs(&stack(), &input, &[], ["c_n", "h_n", "y"]), expected, "{descr}");
    }
    let full = with_integers(x(), "lengths", ["'<i8'", "(3,)"], &[4; 3], 8).bytes();
    assert_eq!(Place::outputs(&stack(), &full, &[], ["c_n", "h_n", "y"]), whole, "all steps valid");
}

/// The reference computes a long batch in chunks; the kernels take this one at once.
#[test]
fn lengths_hold_across_the_chunks_of_a_long_batch() {
    let (steps, valid) = (400, [400, 170, 3]);
    let model = Model::layer(4, 2, 32);
    let npz = Npz::new().with("x", &[steps, 3, 2], &noise(steps as usize * 6, 1.0, 5));
    let input = with_integers(npz, "lengths", ["'<i8'", "(3,)"], &valid, 8).bytes();
    let found = Place::outputs(&model, &input, &["--cells"], ALL);
    let exact = Place::outputs(&model, &input, &["--cells", "--reference"], ALL);
    for ((found, exact), name) in found.iter().zip(&exact).zip(ALL) {
        assert_close(found, exact, 5e-6, || name.to_owned());
    }
}

/// Refused by the kernels and by the reference, in one line, with nothing left behind.
#[track_caller]
fn refuses(what: &str, model: &Model, input: &[u8], says: &[&str]) {
    for options in [&[][..], &["--reference"]] {
        let place = Place(Folder::new());
        place.run(model, input, options).refused(what, says);
        assert_eq!(place.0.names(), ["in.npz", "model.safetensors"], "{what}: what is left in the folder");
    }
}

#[test]
fn lengths_that_do_not_fit_are_refused() {
    let integers = |kind: [&str; 2], values: &[i64]| with_integers(x(), "lengths", kind, values, 8).bytes();
    let of_three = |values: [i64; 3]| integers(["'<i8'", "(3,)"], &values);
    for (what, input, says) in [
        ("beyond T", of_three([4, 5, 1]), "array lengths: sequence 1 has length 5, expected 0 to T = 4"),
        ("negative", of_three([4, 4, -1]), "array lengths: sequence 2 has length -1, expected 0 to T = 4"),
        (
            "beyond any",
            integers(["'<u8'", "(3,)"], &[-1, 0, 0]),
            "array lengths: value 0 of 3: 18446744073709551615 is more than int64 holds",
        ),
        ("of two sequences", integers(["'<i8'", "(2,)"], &[1, 2]), "array lengths has shape [2], expected [3]"),
        ("of two axes", integers(["'<i8'", "(3, 1)"], &[1, 2, 3]), "array lengths has shape [3, 1], expected [3]"),
        ("of one value too few", integers(["'<i8'", "(3,)"], &[1, 2]), "array lengths: its header speaks of"),
        ("floats", x().with("lengths", &[3], &[1.0, 2.0, 3.0]).bytes(), "expected integers"),
        (
            "by ONNX's name",
            with_integers(x(), "sequence_lens", ["'<i8'", "(3,)"], &LENGTHS, 8).bytes(),
            "array sequence_lens: expected the sequences' lengths under the name lengths",
        ),
    ] {
        refuses(what, &stack(), &input, &["in.npz: ", says]);
    }
}

#[test]
fn states_are_of_every_layer_and_direction() {
    let state = |name: &str, shape: &[u64]| x().with(name, shape, &vec![0.5; shape.iter().product::<u64>() as usize]);
    for (what, input, says) in [
        ("h0 of one pass", state("h0", &[1, 3, 2]), "array h0 has shape [1, 3, 2], expected [4, 3, 2]"),
        ("h0 without passes", state("h0", &[3, 2]), "array h0 has shape [3, 2], expected [4, 3, 2]"),
        ("h0 of H values", state("h0", &[4, 3, 3]), "array h0 has shape [4, 3, 3], expected [4, 3, 2]"),
        ("c0 of P values", state("c0", &[4, 3, 2]), "array c0 has shape [4, 3, 2], expected [4, 3, 3]"),
    ] {
        refuses(what, &stack(), &input.bytes(), &["in.npz: ", says]);
    }
    let input = x().with("h0", &[4, 3, 2], &noise(24, 1.0, 2)).with("c0", &[4, 3, 3], &noise(36, 1.0, 3)).bytes();
    let [c_n, h_n, y] = Place::outputs(&stack(), &input, &[], ["c_n", "h_n", "y"]);
    assert_eq!([c_n.shape, h_n.shape, y.shape], [[4, 3, 3], [4, 3, 2], [4, 3, 4]]);
}

#[test]
fn modules_that_do_not_add_up_are_refused_by_tensor() {
    let all = |suffix: &str| {
        ["weight_ih", "weight_hh", "weight_hr", "bias_ih", "bias_hh"].map(|stem| format!("{stem}{suffix}"))
    };
    let without = |suffix: &str| all(suffix).iter().fold(stack(), |model, name| model.without(name));
    for (what, model, says) in [
        ("no first layer in reverse", without("_l0_reverse"), "weight_ih_l0_reverse is missing"),
        ("no second layer in reverse", without("_l1_reverse"), "weight_ih_l1_reverse is missing"),
        ("a fourth layer and no third", stack().with("weight_hh_l3", &[12, 2]), "weight_ih_l2 is missing"),
        ("one projection less", stack().without("weight_hr_l1"), "weight_hr_l1 is missing"),
        (
            "a second layer of other features",
            stack().with("weight_ih_l1", &[12, 2]),
            "weight_ih_l1 has shape [12, 2], expected [12, 4]",
        ),
        ("a tensor of no layer", stack().with("weight_ih_lx", &[12, 2]), "weight_ih_lx: no name of this module"),
    ] {
        refuses(what, &model, &x().bytes(), &["model.safetensors: tensor ", says]);
    }
}

#[test]
fn cells_without_a_cell_state_have_none_to_write() {
    for (cell, gates, name) in [("gru", 3, "a GRU"), ("rnn", 1, "a simple RNN")] {
        let folder = Folder::new();
        let model = folder.put("model.safetensors", &Model::layer(gates, 2, 3).bytes());
        let input = folder.put("in.npz", &x().bytes());
        let arguments = ["run", &model, "--cell", cell, "--input", &input, "--output", &folder.path("out.npz")];
        run(&[&arguments[..], &["--cells"]].concat()).refused(cell, &["--cells", name, "no cell state"]);
        assert_eq!(folder.names(), ["in.npz", "model.safetensors"], "{cell}: what is left in the folder");
        run(&arguments).done(cell);
    }
}
