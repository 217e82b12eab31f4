//! One sequence alone: x without an axis of sequences, results without one.

use crate::common::{Array, Folder, Model, Npz, array, array_names, assert_same, fixture, noise, run};
use crate::made;

/// The arrays of a run, in the order of their names.
#[track_caller]
fn outputs(folder: &Folder, model: &str, npz: Npz, options: &[&str]) -> Vec<(String, Array)> {
    let (input, output) = (folder.put("in.npz", &npz.bytes()), folder.path("out.npz"));
    run(&[&["run", model, "--input", &input, "--output", &output][..], options].concat()).done(&options.join(" "));
    let named = |name: String| (name.clone(), array(&output, &name).expect("listed"));
    array_names(&output).into_iter().map(named).collect()
}

/// `alone` is `batch` without its axes of length one, and has `shapes`.
#[track_caller]
fn agrees(alone: &[(String, Array)], batch: &[(String, Array)], shapes: &[(&str, &[usize])], what: &str) {
    let found: Vec<(&str, &[usize])> = alone.iter().map(|(name, array)| (name.as_str(), &array.shape[..])).collect();
    assert_eq!(found, shapes, "{what}");
    for ((name, alone), (other, batch)) in alone.iter().zip(batch) {
        assert_eq!(name, other, "{what}: names");
        let batch = Array { shape: alone.shape.clone(), ..batch.clone() };
        assert_same(alone, &batch, || format!("{what}, {name}"));
    }
}

#[test]
fn a_module_gives_steps_of_features_for_steps_of_features() {
    let folder = Folder::new();
    let model = fixture("torch_32_lstm_proj_size-2_num_layers-2_bidirectional_state", "model.safetensors");
    let (x, h0, c0) = (noise(15, 1.0, 1), noise(8, 1.0, 2), noise(76, 1.0, 3));
    let shapes: [(&str, &[usize]); 4] = [("c", &[5, 38]), ("c_n", &[4, 19]), ("h_n", &[4, 2]), ("y", &[5, 4])];
    for options in [&[][..], &["--reference"], &["--batch-first"], &["--batch-first", "--reference"]] {
        let options = [options, &["--cells"]].concat();
        let batch_shape = if options.contains(&"--batch-first") { [1, 5, 3] } else { [5, 1, 3] };
        let batch = Npz::new().with("x", &batch_shape, &x).with("h0", &[4, 1, 2], &h0).with("c0", &[4, 1, 19], &c0);
        let batch = outputs(&folder, &model, batch, &options);
        for states in [[&[4, 1, 2][..], &[4, 1, 19]], [&[4, 2], &[4, 19]]] {
            let alone = Npz::new().with("x", &[5, 3], &x).with("h0", states[0], &h0).with("c0", states[1], &c0);
            let alone = outputs(&folder, &model, alone, &options);
            agrees(&alone, &batch, &shapes, &format!("{options:?} {states:?}"));
        }
    }
}

#[test]
fn a_length_is_still_one_of_each_sequence() {
    let folder = Folder::new();
    let model = folder.put("model.safetensors", &Model::layer(3, 2, 3).bytes());
    let x = || Npz::new().with("x", &[6, 2], &noise(12, 1.0, 1));
    let found = outputs(&folder, &model, x().with_ids("lengths", &[1], &[4]), &[]);
    let short = outputs(&folder, &model, Npz::new().with("x", &[4, 2], &noise(12, 1.0, 1)[..8]), &[]);
    assert_eq!(found[0], short[0], "h_n after the fourth step");
    assert_eq!(found[1].1.shape, [6, 3]);
    assert_eq!(found[1].1.values[12..], [0.0; 6], "y past the length");
}

#[test]
fn a_model_of_the_last_step_gives_one_row() {
    let folder = Folder::new();
    let model = fixture("keras_12_stack_softmax", "model.keras");
    let shapes: [(&str, &[usize]); 4] =
        [("c_n.bidirectional_2", &[2, 11]), ("h_n.bidirectional_2", &[2, 11]), ("h_n.gru_3", &[1, 11]), ("y", &[5])];
    let x = noise(12, 1.0, 1);
    for options in [&[][..], &["--reference"]] {
        let alone = outputs(&folder, &model, Npz::new().with("x", &[4, 3], &x), options);
        let batch = outputs(&folder, &model, Npz::new().with("x", &[1, 4, 3], &x), options);
        agrees(&alone, &batch, &shapes, &options.join(" "));
    }
}

#[test]
fn ids_may_be_one_sequence_alone() {
    let folder = Folder::new();
    let model = fixture("keras_extra_mask_lstm_seq", "model.keras");
    let ids = [3, 0, 1, 2, 0];
    for options in [&[][..], &["--reference"]] {
        let alone = outputs(&folder, &model, Npz::new().with_ids("x", &[5], &ids), options);
        let batch = outputs(&folder, &model, Npz::new().with_ids("x", &[1, 5], &ids), options);
        agrees(&alone, &batch, &[("c_n", &[1, 3]), ("h_n", &[1, 3]), ("y", &[5, 3])], &options.join(" "));
    }
}

#[test]
fn values_of_one_feature_need_no_axis_for_it() {
    let folder = Folder::new();
    let x = noise(9, 1.0, 1);
    let two = folder.put("two.json", made::rtneural().to_string().as_bytes());
    let one = folder.put("one.nam", &made::nam(3, 2, 1.0));
    for (model, alone_shapes, flat_shapes) in [
        // Two outputs keep their axis, one loses it as x did.
        (&two, &[("h_n", &[1, 3][..]), ("y", &[9, 2])][..], &[("h_n", &[1, 3][..]), ("y", &[9, 2])][..]),
        (
            &one,
            &[("c_n", &[2, 3]), ("h_n", &[2, 3]), ("y", &[9, 1])],
            &[("c_n", &[2, 3]), ("h_n", &[2, 3]), ("y", &[9])],
        ),
    ] {
        for options in [&[][..], &["--reference"]] {
            let batch = outputs(&folder, model, Npz::new().with("x", &[9, 1, 1], &x), options);
            let alone = outputs(&folder, model, Npz::new().with("x", &[9, 1], &x), options);
            let flat = outputs(&folder, model, Npz::new().with("x", &[9], &x), options);
            agrees(&alone, &batch, alone_shapes, &format!("{model} {options:?}"));
            agrees(&flat, &batch, flat_shapes, &format!("{model} {options:?}, flat"));
        }
    }
}
