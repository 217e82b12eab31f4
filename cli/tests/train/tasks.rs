//! Each kind of task is learnt, and the written model gives what the learner gave.

use gatewise::Layout;
use gatewise::load::own;
use gatewise::network::Input;
use gatewise::train::{Batch, Learner, Options};

use crate::common::{array, run};
use crate::data::{COUNT, TASKS, Training};

const LEARNING: &str = "epochs = 40\nbatch = 16\nrate = 0.02\nclip_norm = 5.0\nseed = 3\n";

#[test]
fn every_kind_of_task_is_learnt() {
    for task in &TASKS {
        let training = Training::new(task, LEARNING);
        let page = training.train("model.safetensors", &["--validation", &training.validation]).done(task.name);
        let curve = training.curve("model.csv");
        assert_eq!(curve.len(), 40, "{}: epochs", task.name);
        assert_eq!(page.lines().filter(|line| line.starts_with("epoch ")).count(), 40, "{}: {page}", task.name);
        let (first, last) = (&curve[0], &curve[39]);
        assert!(last[1] < task.loss && last[1] < first[1] / 2.0, "{}: loss {} to {}", task.name, first[1], last[1]);
        let judges = !task.config.contains("squared_error");
        for accuracy in [last[2], last[4]] {
            assert_eq!(accuracy.is_nan(), !judges, "{}: accuracy {accuracy}", task.name);
            assert!(!judges || accuracy > 0.85, "{}: accuracy {accuracy}", task.name);
        }
        let svg = String::from_utf8(training.bytes("model.svg")).expect("text");
        assert!(svg.starts_with("<svg") && svg.contains("validation") && svg.contains("epoch"), "{}", task.name);
        assert_eq!(svg.contains("accuracy"), judges, "{}: the panel of the accuracy", task.name);
    }
}

#[test]
fn a_run_of_the_model_gives_what_the_learner_gives() {
    for task in &TASKS {
        let training = Training::new(task, "epochs = 3\nseed = 5\n");
        training.train("model.safetensors", &[]).done(task.name);
        let model = training.folder.path("model.safetensors");
        let output = training.folder.path("y.npz");
        run(&["run", &model, "--input", &training.data, "--output", &output]).done(task.name);
        let found = array(&output, "y").expect("y");

        let x = array(&training.data, "x").expect("x");
        let lengths: Option<Vec<usize>> = task.config.contains("embedding").then(|| {
            array(&training.data, "lengths").expect("lengths").values.iter().map(|length| *length as usize).collect()
        });
        let (features, ids): (Vec<f32>, Vec<i64>) = x.values.iter().map(|value| (*value as f32, *value as i64)).unzip();
        let input = if lengths.is_some() { Input::Ids(&ids) } else { Input::Features(&features) };
        let blueprint = own::read(&model).expect("a model");
        let mut learner = Learner::new(blueprint, Options::default()).expect("a learner");
        let batch = Batch { lengths: lengths.as_deref(), ..Batch::new(input, Layout::BatchFirst, COUNT) };
        let expected = &learner.forward(&batch).expect("a batch that fits").y;
        assert_eq!(found.values.len(), expected.len(), "{}: values", task.name);
        for (index, (found, expected)) in found.values.iter().zip(expected).enumerate() {
            let error = (found - f64::from(*expected)).abs();
            assert!(error < 2e-6, "{}: y at {index}: {found} for {expected}", task.name);
        }
    }
}

/// The losses of the best epoch's weights are those that its line says.
#[test]
fn the_best_epochs_weights_are_written() {
    let task = &TASKS[2];
    let training = Training::new(task, "epochs = 12\nrate = 0.3\nseed = 1\n[learning.optimizer.sgd]\nmomentum = 0.8\n");
    let page = training.train("model.safetensors", &["--validation", &training.validation]).done(task.name);
    let curve = training.curve("model.csv");
    let best = curve.iter().min_by(|a, b| a[3].total_cmp(&b[3])).expect("epochs");
    assert!(page.contains(&format!("of epoch {}, validation loss", best[0])), "{page}");
    let output = training.folder.path("y.npz");
    let model = training.folder.path("model.safetensors");
    run(&["run", &model, "--input", &training.validation, "--output", &output]).done(task.name);
    let (found, wanted) = (array(&output, "y").expect("y"), array(&training.validation, "y").expect("y"));
    let squares: f64 = found.values.iter().zip(&wanted.values).map(|(y, t)| (y - t) * (y - t)).sum();
    let loss = squares / COUNT as f64;
    assert!((loss - best[3]).abs() < 1e-5 * best[3], "{loss} for {}", best[3]);
}

#[test]
fn every_option_is_taken() {
    let task = &TASKS[1];
    let learning = "epochs = 4\nwarmup = 3\ntruncate = 2\nclip_value = 0.1\n\
        [learning.schedule.cosine]\nfloor = 1e-4\n[learning.optimizer.adamw]\ndecay = 0.1\n\
        [learning.plateau]\nfactor = 0.5\npatience = 0\n[learning.early_stopping]\npatience = 4\n\
        [run]\nthreads = 2\nmemory = \"recompute\"\n";
    let training = Training::new(task, learning);
    let config = std::fs::read_to_string(&training.config).expect("the configuration");
    let config = config.replace("embedding = 4", "one_hot = true\nids = 7\ndropout = 0.25\ninitial = \"keras\"");
    std::fs::write(&training.config, config.replace("loss =", "size = 5\nloss =")).expect("the configuration");
    training.train("model.safetensors", &[]).done(task.name);
    let page = run(&["inspect", &training.folder.path("model.safetensors")]).done("inspect");
    for part in ["one-hot", "GRU, 8 units", "GRU, 6 units", "dense, softmax", "ids from 0 to 6"] {
        assert!(page.contains(part), "no {part:?} in\n{page}");
    }
}

/// Stopped by a loss that cannot fall: nothing is learnt from zeros at a rate of next to nothing.
#[test]
fn it_stops_when_the_loss_no_longer_falls() {
    let task = &TASKS[0];
    let training =
        Training::new(task, "epochs = 50\nrate = 1e-30\n[learning.early_stopping]\npatience = 3\nmin_delta = 1e-3\n");
    training.train("model.safetensors", &["--validation", &training.validation]).done(task.name);
    assert_eq!(training.curve("model.csv").len(), 4, "the first epoch, and three that were no better");
}

#[test]
fn the_example_is_a_configuration() {
    let example = run(&["train", "--example"]).done("example");
    let training = Training::new(&TASKS[0], "");
    training.folder.put("config.toml", example.replace("epochs = 20", "epochs = 1").as_bytes());
    training.train("model.safetensors", &[]).done("the example");
    // What is commented out is as good: all that does not exclude something else.
    let excluded = ["embedding", "one_hot", "ids", "nonlinearity", "clip_value", "truncate", "seeds", "dropout"];
    let mut all = String::new();
    let mut skipping = false;
    for line in example.replace("epochs = 20", "epochs = 1").lines() {
        let bare = line.strip_prefix("# ").unwrap_or(line);
        let is_key = bare
            .split_once(" = ")
            .is_some_and(|(key, _)| key.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_'));
        let is_table = bare.starts_with('[');
        if is_table {
            // Of the rules and of the schedules, one.
            skipping =
                ["schedule.exponential", "schedule.cosine", "schedule.linear", "optimizer.adamw", "optimizer.sgd"]
                    .iter()
                    .any(|table| bare.contains(table));
        }
        let out = excluded.iter().any(|key| bare.starts_with(&format!("{key} ")));
        if (is_table || is_key) && !skipping && !out {
            all += &format!("{bare}\n");
        }
    }
    training.folder.put("config.toml", all.replace("size = 10", "size = 2").as_bytes());
    training.train("all.safetensors", &[]).done(&all);
}
