//! Going on after an interruption: the same files as without.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::common::{gatewise, ran};
use crate::data::{TASKS, Training};

/// Without the seconds, which no two runs share.
fn numbers(training: &Training, name: &str) -> Vec<Vec<u64>> {
    training.curve(name).iter().map(|row| row[..7].iter().map(|value| value.to_bits()).collect()).collect()
}

#[track_caller]
fn assert_same_files(training: &Training, names: [&str; 2], what: &str) {
    for ending in ["safetensors", "start.safetensors", "checkpoint.safetensors"] {
        let [one, other] = names.map(|name| training.bytes(&format!("{name}.{ending}")));
        assert!(one == other, "{what}: {ending} of {names:?} differ");
    }
}

#[test]
fn more_epochs_go_on_to_the_same_bits() {
    for task in &TASKS {
        let learning = |epochs: u64| {
            format!("epochs = {epochs}\nbatch = 16\nseed = 9\n[learning.plateau]\nfactor = 0.5\npatience = 1\n")
        };
        let training = Training::new(task, &learning(5));
        for further in [&[][..], &["--validation", &training.validation]] {
            training.relearn(task, &learning(5));
            training.train("whole.safetensors", further).done(task.name);
            training.relearn(task, &learning(2));
            training.train("parts.safetensors", further).done(task.name);
            training.relearn(task, &learning(5));
            training.train("parts.safetensors", &[further, &["--resume"]].concat()).done(task.name);
            assert_same_files(&training, ["whole", "parts"], task.name);
            assert_eq!(numbers(&training, "whole.csv"), numbers(&training, "parts.csv"), "{}: curve", task.name);
        }
        // What is over is over: the same model again.
        training.train("parts.safetensors", &["--validation", &training.validation, "--resume"]).done(task.name);
        assert_same_files(&training, ["whole", "parts"], task.name);
    }
}

#[test]
fn threads_and_memory_change_no_bit() {
    let task = &TASKS[1];
    let learning = "epochs = 3\nseed = 2\n";
    let training = Training::new(task, &format!("{learning}[run]\nthreads = 1\n"));
    training.train("one.safetensors", &[]).done("one thread");
    training.relearn(task, &format!("{learning}[run]\nthreads = 3\nmemory = \"recompute\"\n"));
    training.train("three.safetensors", &[]).done("three threads");
    assert!(training.bytes("one.safetensors") == training.bytes("three.safetensors"), "the models differ");
}

/// Stops a run behind its second epoch, and says what it said on stderr.
fn interrupt(training: &Training, output: &str, further: &[&str]) -> String {
    let output = training.folder.path(output);
    let mut child = gatewise()
        .args(training.arguments(&output, further))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe"));
    for _ in 0..2 {
        lines.read_line(&mut String::new()).expect("a line of an epoch");
    }
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill");
    assert!(killed.success(), "the signal was sent");
    // Nobody may wait for a reader.
    std::io::copy(&mut lines, &mut std::io::sink()).expect("the rest");
    let ended = child.wait_with_output().expect("the command ends");
    let stderr = String::from_utf8(ended.stderr).expect("text");
    assert_eq!(ended.status.code(), Some(130), "{stderr}");
    stderr
}

#[test]
fn an_interrupted_run_goes_on_to_the_same_bits() {
    let task = &TASKS[1];
    let training = Training::new(task, "epochs = 150\nbatch = 4\nseed = 4\nrate = 1e-4\n[run]\nthreads = 1\n");
    for further in [&[][..], &["--validation", &training.validation]] {
        training.train("whole.safetensors", further).done("without an interruption");
        let said = interrupt(&training, "parts.safetensors", further);
        for part in ["stopped in epoch", "parts.checkpoint.safetensors holds", "go on with: ", "--resume"] {
            assert!(said.contains(part), "no {part:?} in {said:?}");
        }
        // The words themselves are the command.
        let command = said.trim().split_once("go on with: ").expect("a command").1;
        let words: Vec<&str> = command.split(' ').skip(1).collect();
        ran(gatewise().args(&words)).done(command);
        assert_same_files(&training, ["whole", "parts"], "interrupted");
        let curves = ["whole.csv", "parts.csv"].map(|name| training.curve(name));
        assert_eq!(curves[0].len(), curves[1].len(), "epochs");
        for (one, other) in curves[0].iter().zip(&curves[1]) {
            for (one, other) in one[..7].iter().zip(other) {
                // A sum that was interrupted is added up in another order.
                assert!(one.is_nan() && other.is_nan() || (one - other).abs() <= 1e-7 * one.abs(), "{one} and {other}");
            }
        }
    }
}

#[test]
fn a_checkpoint_of_something_else_is_refused() {
    let task = &TASKS[0];
    let training = Training::new(task, "epochs = 2\n");
    let resume = || training.train("model.safetensors", &["--resume"]);
    resume().refused("no checkpoint", &["model.checkpoint.safetensors"]);
    training.train("model.safetensors", &[]).done(task.name);
    let checkpoint = training.bytes("model.checkpoint.safetensors");

    training.relearn(task, "epochs = 3\nrate = 0.5\n");
    resume().refused("another rate", &["another configuration: learning.rate was 0.001 and is 0.5"]);
    training.relearn(task, "epochs = 3\n[learning.optimizer.sgd]\n");
    resume().refused("another rule", &["another configuration: learning.optimizer"]);
    training.relearn(task, "epochs = 2\n[learning.schedule.cosine]\n");
    resume().refused("another schedule", &["another configuration: learning.schedule"]);
    training.relearn(task, "epochs = 3\n");
    let config = std::fs::read_to_string(&training.config).expect("the configuration");
    assert!(config.contains("[8]"), "{config}");
    training.folder.put("config.toml", config.replace("[8]", "[10]").as_bytes());
    resume().refused("other sizes", &["another configuration: model.hidden was [8] and is [10]"]);

    training.relearn(task, "epochs = 3\n");
    training.folder.put("train.npz", &(task.data)(7).bytes());
    resume().refused("other data", &["model.checkpoint.safetensors", "other data"]);
    assert!(training.bytes("model.checkpoint.safetensors") == checkpoint, "the checkpoint is as it was");

    training.folder.put("model.checkpoint.safetensors", &training.bytes("model.safetensors"));
    resume().refused("a model", &["model.checkpoint.safetensors", "expected a checkpoint, not a model"]);
    training.folder.put("model.checkpoint.safetensors", &checkpoint[..checkpoint.len() / 2]);
    resume().refused("half a file", &["model.checkpoint.safetensors"]);
}
