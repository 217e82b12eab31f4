//! What cannot be learnt from: one line that says what and where, and nothing on the disk that was not good.

use gatewise::train::Checkpoint;

use crate::common::{Npz, run};
use crate::data::{COUNT, STEPS, TASKS, Training};

#[test]
fn a_configuration_that_makes_no_sense_is_refused_by_line() {
    let training = Training::new(&TASKS[0], "epochs = 1\n");
    let good = std::fs::read_to_string(&training.config).expect("the configuration");
    for (what, from, to, says) in [
        ("no TOML", "cell =", "cell", "line 2: "),
        ("a key", "hidden", "hiden", "line 3: unknown field `hiden`"),
        ("a cell", "\"lstm\"", "\"lstn\"", "line 2: unknown variant `lstn`, expected one of `lstm`, `gru`, `rnn`"),
        ("no units", "[8]", "[0]", "line 3: invalid value: integer `0`, expected a nonzero usize"),
        ("no layer", "[8]", "[]", "model.hidden: expected the units of at least one layer"),
        ("no epochs", "epochs = 1", "epochs = 0", "line 8: "),
        ("a rate", "epochs = 1", "epochs = 1\nrate = 0", "line 9: 0: expected a number above 0"),
        ("dropout", "[8]", "[8, 8]\ndropout = 1", "line 4: 1: expected at least 0 and less than 1"),
        ("dropout of one layer", "[8]", "[8]\ndropout = 0.5", "expected at least two in hidden"),
        ("a rule", "epochs = 1", "epochs = 1\n[learning.optimizer.adagrad]", "unknown variant `adagrad`"),
        (
            "its key",
            "epochs = 1",
            "epochs = 1\n[learning.optimizer.sgd]\nbetas = [0, 0]",
            "line 10: unexpected keys in table: betas",
        ),
        ("its value", "epochs = 1", "epochs = 1\n[learning.optimizer.sgd]\nmomentum = 2", "momentum is 2"),
        ("both bounds", "epochs = 1", "epochs = 1\nclip_norm = 1\nclip_value = 1", "either clip_norm or clip_value"),
        ("both inputs", "[8]", "[8]\none_hot = true\nembedding = 2", "either embedding or one_hot"),
        ("ids of features", "[8]", "[8]\nids = 2", "model.ids: only beside embedding or one_hot"),
        ("seeds", "epochs = 1", "epochs = 1\nseeds = [1, 1]", "learning.seeds: 1 is there twice"),
        ("truncation", "epochs = 1", "epochs = 1\ntruncate = 2", "learning.truncate: only for models that"),
        ("nonlinearity", "[8]", "[8]\nnonlinearity = \"relu\"", "only for cell = \"rnn\""),
        ("no epochs at all", "epochs = 1", "", "missing field `epochs`"),
    ] {
        assert!(good.contains(from), "{what}: the configuration has {from}");
        training.folder.put("config.toml", good.replacen(from, to, 1).as_bytes());
        training.train("model.safetensors", &[]).refused(what, &[&training.config, says]);
    }
    assert_eq!(training.folder.names(), ["config.toml", "train.npz", "validation.npz"], "nothing was written");
}

#[test]
fn data_that_does_not_fit_is_refused() {
    let (n, t) = (COUNT as u64, STEPS as u64);
    let x = || Npz::new().with("x", &[n, t, 1], &[0.5; COUNT * STEPS]);
    let labels = |value: i64| vec![value; COUNT];
    let ids = [TASKS[0].config, "size = 3\n"].concat();
    let ids = ids.as_str();
    let values = TASKS[2].config;
    let every = TASKS[3].config;
    let table = TASKS[1].config;
    let not_finite = [&[f32::NAN][..], &[0.0; COUNT * STEPS - 1]].concat();
    let cases = [
        ("no y", ids, x(), "no array y, found x"),
        (
            "no sequence",
            ids,
            Npz::new().with("x", &[0, t, 1], &[]).with_ids("y", &[0], &[]),
            "no sequence to learn from",
        ),
        ("no step", ids, Npz::new().with("x", &[n, 0, 1], &[]).with_ids("y", &[n], &labels(0)), "no steps"),
        (
            "x of an axis",
            ids,
            Npz::new().with("x", &[2], &[0.0; 2]).with_ids("y", &[2], &[0; 2]),
            "array x has shape [2]",
        ),
        ("NaN", ids, Npz::new().with("x", &[n, t, 1], &not_finite).with_ids("y", &[n], &labels(0)), "NaN"),
        (
            "a label",
            ids,
            x().with_ids("y", &[n], &labels(3)),
            "label 3 of sequence 0, row 0: the model gives 3 classes, 0 to 2",
        ),
        ("no label", ids, x().with_ids("y", &[n], &labels(-1)), "array y: expected classes from 0"),
        (
            "labels of steps",
            ids,
            x().with_ids("y", &[n, t], &[0; COUNT * STEPS]),
            "array y has shape [96, 6], expected [96]",
        ),
        ("values", ids, x().with("y", &[n], &[0.0; COUNT]), "array y holds float32, expected classes"),
        ("values of steps", values, x().with("y", &[n, t, 1], &[0.0; COUNT * STEPS]), "array y has shape [96, 6, 1]"),
        (
            "a probability",
            every,
            x().with("y", &[n, t], &[2.0; COUNT * STEPS]),
            "array y holds 2: binary_cross_entropy",
        ),
        (
            "features",
            table,
            x().with_ids("y", &[n, t], &[0; COUNT * STEPS]),
            "array x has shape [96, 6, 1], expected [N, T] of ids",
        ),
        (
            "a length",
            ids,
            x().with_ids("y", &[n], &labels(0)).with_ids("lengths", &[n], &labels(7)),
            "sequence 0 has length 7",
        ),
        (
            "lengths",
            ids,
            x().with_ids("y", &[n], &labels(0)).with_ids("lengths", &[1], &[1]),
            "array lengths has shape [1]",
        ),
    ];
    for (what, config, data, says) in cases {
        let training = Training::new(&TASKS[0], "");
        training.folder.put("config.toml", format!("{config}[learning]\nepochs = 1\n").as_bytes());
        training.folder.put("train.npz", &data.bytes());
        training.train("model.safetensors", &[]).refused(what, &[says]);
        assert_eq!(
            training.folder.names(),
            ["config.toml", "train.npz", "validation.npz"],
            "{what}: nothing was written"
        );
    }
}

#[test]
fn validation_data_of_another_kind_is_refused() {
    let training = Training::new(&TASKS[0], "epochs = 1\n");
    let validation = training.folder.path("validation.npz");
    let other = Npz::new().with("x", &[1, 1, 3], &[0.0; 3]).with_ids("y", &[1], &[0]);
    training.folder.put("validation.npz", &other.bytes());
    let judge = || training.train("model.safetensors", &["--validation", &validation]);
    judge().refused("features", &[&validation, "array x has 3 features, the training data 2"]);
    let other = Npz::new().with("x", &[1, 1, 2], &[0.0; 2]).with_ids("y", &[1], &[4]);
    training.folder.put("validation.npz", &other.bytes());
    judge().refused("a label", &["validation data: label 4 of sequence 0", "0 to 1"]);
}

#[test]
fn a_loss_that_explodes_leaves_the_last_good_checkpoint() {
    let task = &TASKS[2];
    let training = Training::new(task, "epochs = 3\nrate = 1e30\n[learning.optimizer.sgd]\n");
    let checkpoint = training.folder.path("model.checkpoint.safetensors");
    training.train("model.safetensors", &[]).refused("exploding", &["epoch 0, batch ", &checkpoint]);
    let left = Checkpoint::read(&checkpoint).expect("a checkpoint");
    assert_eq!(left.progress.step, 0, "it is of the beginning");
    assert!(!training.folder.names().contains(&"model.safetensors".to_owned()), "no model was written");
}

#[test]
fn targets_that_cannot_be_written_are_refused_first() {
    let training = Training::new(&TASKS[0], "epochs = 1\n");
    let nowhere = training.folder.path("no/folder/model.safetensors");
    run(&training.arguments(&nowhere, &[])).refused("no folder", &["no/folder"]);
    let odd = training.folder.path("model.npz");
    run(&training.arguments(&odd, &[])).refused("an ending", &["expected a name that ends in .safetensors"]);
    run(&["train"]).misused("nothing", &["CONFIG.toml"]);
    run(&["train", "--example", "--resume"]).misused("both", &["--example"]);
}
