//! Options, the environment, and where the output goes.

use std::fs;
use std::path::Path;
use std::process::Command;

use gatewise::Level;

use crate::common::{Folder, Model, Npz, Ran, array, assert_close, fixture, gatewise, noise, ran, run};

/// A good model and input; `out.npz` is where the output goes.
struct Good {
    folder: Folder,
    model: String,
    input: String,
}

impl Good {
    fn new() -> Self {
        let folder = Folder::new();
        let model = folder.put("model.safetensors", &Model::layer(4, 2, 3).bytes());
        let input = folder.put("in.npz", &Npz::new().with("x", &[4, 2, 2], &noise(16, 1.0, 1)).bytes());
        Good { folder, model, input }
    }

    fn command(&self, output: &str, options: &[&str]) -> Command {
        let mut command = gatewise();
        command.args(["run", &self.model, "--input", &self.input, "--output", output]).args(options);
        command
    }

    fn run(&self, output: &str, options: &[&str]) -> Ran {
        ran(&mut self.command(output, options))
    }

    #[track_caller]
    fn is_untouched(&self, what: &str) {
        assert_eq!(self.folder.names(), ["in.npz", "model.safetensors"], "{what}: what is left in the folder");
    }
}

#[test]
fn unknown_and_conflicting_options_are_refused() {
    let good = Good::new();
    let output = good.folder.path("out.npz");
    for (options, says) in [
        (&["--cell", "lstm", "--isa", "sse9"][..], &["--isa", "sse9", "avx512, avx2 or portable"][..]),
        (&["--cell", "lstm", "--threads", "0"], &["--threads", "0"]),
        (&["--cell", "lstm", "--threads", "many"], &["--threads", "many"]),
        (&["--cell", "lstm", "--threads", "2", "--reference"], &["--threads", "--reference"]),
        (&["--cell", "lstm", "--isa", "portable", "--reference"], &["--isa", "--reference"]),
        (&["--cell", "cnn"], &["cnn", "lstm, gru, rnn"]),
        (&["--cell", "rnn", "--nonlinearity", "sigmoid"], &["sigmoid", "tanh, relu"]),
        (&["--cell", "lstm", "--layers", "lstm"], &["--cell", "--layers"]),
    ] {
        let what = options.join(" ");
        good.run(&output, options).misused(&what, says);
        good.is_untouched(&what);
    }
}

#[test]
fn without_a_cell_the_shapes_say_which_one_it_is() {
    let good = Good::new();
    let [said, guessed] = ["said.npz", "guessed.npz"].map(|name| good.folder.path(name));
    good.run(&said, &["--cell", "lstm"]).done("--cell lstm");
    good.run(&guessed, &[]).done("no --cell");
    assert!(fs::read(&said).unwrap() == fs::read(&guessed).unwrap(), "other results than with --cell lstm");

    let five = good.folder.put("five.safetensors", &Model::layer(5, 2, 3).bytes());
    let found = run(&["run", &five, "--input", &good.input, "--output", &said]);
    found.refused("five gates", &[&five, "no LSTM, GRU or simple RNN by its shapes"]);
}

#[test]
fn an_unknown_prefix_is_refused_and_the_known_ones_are_named() {
    let good = Good::new();
    let options = ["--cell", "lstm", "--prefix", "encoder"];
    good.run(&good.folder.path("out.npz"), &options).refused("no such prefix", &[&good.model, "\"encoder\"", "\"\""]);
    good.is_untouched("no such prefix");
}

#[test]
fn an_unknown_instruction_set_in_the_environment_is_refused() {
    let good = Good::new();
    let output = good.folder.path("out.npz");
    let variable = |options: &[&str]| ran(good.command(&output, options).env(Level::VARIABLE, "sse9"));
    variable(&["--cell", "lstm"]).refused("sse9", &[Level::VARIABLE, "\"sse9\"", "expected avx512, avx2 or portable"]);
    good.is_untouched("sse9");
    variable(&["--cell", "lstm", "--isa", "portable"]).done("the option wins over the environment");
    ran(good.command(&output, &["--cell", "lstm"]).env(Level::VARIABLE, "")).done("an empty variable is none");
}

#[test]
fn an_activation_that_the_cell_cannot_have_is_refused() {
    let good = Good::new();
    let options = ["--cell", "lstm", "--nonlinearity", "relu"];
    good.run(&good.folder.path("out.npz"), &options).refused("relu", &["--nonlinearity relu", "--cell rnn", "lstm"]);
    good.is_untouched("relu");
    good.run(&good.folder.path("out.npz"), &["--cell", "lstm", "--nonlinearity", "tanh"]).done("tanh is what it has");
}

#[test]
fn outputs_that_cannot_be_written_are_refused() {
    let good = Good::new();
    let nowhere = good.folder.path("no/such/folder/out.npz");
    good.run(&nowhere, &["--cell", "lstm"]).refused("no such folder", &[&nowhere, "cannot write"]);
    let below_a_file = format!("{}/out.npz", good.input);
    good.run(&below_a_file, &["--cell", "lstm"]).refused("a file for a folder", &[&below_a_file, "cannot write"]);
    good.is_untouched("no such folder");

    let place = good.folder.path("place");
    fs::create_dir(&place).unwrap();
    good.run(&place, &["--cell", "lstm"]).refused("a folder", &[&place, "cannot write", "folder"]);
    assert_eq!(good.folder.names(), ["in.npz", "model.safetensors", "place"], "a folder");
    assert_eq!(fs::read_dir(&place).unwrap().count(), 0, "the folder is as it was");
}

#[test]
#[cfg(unix)]
fn a_device_or_a_pipe_is_not_replaced_by_a_file() {
    let good = Good::new();
    let socket = good.folder.path("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    good.run(&socket, &["--cell", "lstm"]).refused("a socket", &[&socket, "not a regular file"]);
    assert!(!fs::metadata(&socket).unwrap().is_file(), "the socket is still one");
    assert_eq!(good.folder.names(), ["in.npz", "model.safetensors", "socket"], "a socket");
}

#[test]
#[cfg(unix)]
fn a_linked_output_stays_a_link() {
    let good = Good::new();
    let (real, link) = (good.folder.put("real.npz", b"old"), good.folder.path("link.npz"));
    std::os::unix::fs::symlink(&real, &link).unwrap();
    good.run(&link, &["--cell", "lstm"]).done("a link");
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink(), "the link is still one");
    assert_eq!(array(&real, "y").expect("the new y behind the link").shape, [4, 2, 3]);
}

#[test]
fn an_existing_output_is_kept_when_the_run_fails_and_replaced_when_it_succeeds() {
    let good = Good::new();
    let output = good.folder.put("out.npz", b"precious");
    let names = ["in.npz", "model.safetensors", "out.npz"];
    let broken = good.folder.path("in.npz");
    let whole = fs::read(&broken).unwrap();
    fs::write(&broken, &whole[..whole.len() / 2]).unwrap();
    good.run(&output, &["--cell", "lstm"]).refused("half an input", &[&broken]);
    assert_eq!(fs::read(&output).unwrap(), b"precious", "the file after a run that failed");
    assert_eq!(good.folder.names(), names, "after a run that failed");

    fs::write(&broken, &whole).unwrap();
    good.run(&output, &["--cell", "lstm"]).done("a whole input");
    assert_eq!(array(&output, "y").expect("a new y").shape, [4, 2, 3]);
    assert_eq!(good.folder.names(), names, "after a run that succeeded");
}

#[test]
fn the_output_may_replace_the_input() {
    let good = Good::new();
    good.run(&good.input, &["--cell", "lstm"]).done("out over in");
    assert_eq!(array(&good.input, "y").expect("y in the place of x").shape, [4, 2, 3]);
    good.is_untouched("out over in");
}

#[test]
fn a_name_without_a_folder_is_written_where_the_command_runs() {
    let good = Good::new();
    let place = good.folder.path("");
    ran(good.command("here.npz", &["--cell", "lstm"]).current_dir(place)).done("a bare name");
    assert_eq!(good.folder.names(), ["here.npz", "in.npz", "model.safetensors"]);
}

/// A machine without AVX, by emulation.
#[test]
#[cfg(target_arch = "x86_64")]
fn a_machine_without_avx_runs_portably_and_says_what_it_lacks() {
    let emulator = "/usr/bin/qemu-x86_64";
    if !Path::new(emulator).exists() {
        eprintln!("SKIPPED: no {emulator}");
        return;
    }
    let folder = Folder::new();
    let case = |file| fixture("torch_08_lstm_state", file);
    let (model, input, output) = (case("model.safetensors"), case("io.npz"), folder.path("out.npz"));
    let nehalem = |options: &[&str]| {
        let mut command = Command::new(emulator);
        command.env_remove(Level::VARIABLE).args(["-cpu", "Nehalem", env!("CARGO_BIN_EXE_gatewise"), "run", &model]);
        command.args(["--cell", "lstm", "--input", &input, "--output", &output]).args(options);
        command
    };
    for level in ["avx512", "avx2"] {
        let lacks = format!("this machine does not have {level}: it has portable");
        ran(&mut nehalem(&["--isa", level])).refused(level, &["--isa", &lacks]);
        ran(nehalem(&[]).env(Level::VARIABLE, level)).refused(level, &[Level::VARIABLE, &lacks]);
        assert!(folder.names().is_empty(), "{level}: {:?} is left in the folder", folder.names());
    }
    let line = ran(&mut nehalem(&[])).done("no option");
    assert!(line.contains("by portable, "), "the level that was taken: {line:?}");
    for name in ["y", "h_n", "c_n"] {
        let (found, expected) = (array(&output, name).expect("written"), array(&input, name).expect("given"));
        assert_close(&found, &expected, 2e-6, || format!("{name}, emulated"));
    }
}
