//! What is said beside another build. The other one is a script that answers as a build does, with times that we choose: so it
//! is known which of the two is slower.

#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::suite::cases;
use crate::common::{Folder, gatewise, ran};

/// A program that takes `ns` for whatever it is asked.
fn build(folder: &Folder, name: &str, ns: &str) -> String {
    let cost = r#"{"operations":1.0,"traffic":1.0,"bytes":1,"cells":1.0}"#;
    let script = format!(
        "#!/bin/sh\nwhile read -r line; do case \"$line\" in\n\
         *prepare*) echo '{{\"ready\":{{\"call_ns\":1000000.0,\"cost\":{cost}}}}}' ;;\n\
         *) echo '{{\"took\":{{\"ns\":{ns}}}}}' ;;\nesac; done\n"
    );
    program(folder, name, &script)
}

fn program(folder: &Folder, name: &str, script: &str) -> String {
    let path = folder.put(name, script.as_bytes());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a program");
    path
}

#[test]
fn a_build_that_is_slower_than_the_other_ends_with_status_1() {
    let folder = Folder::new();
    let cases = cases(&folder);
    let fast = build(&folder, "fast", "1.0");
    let arguments = ["bench", "--cases", &cases, "--filter", "gru", "--against", &fast];
    let found = ran(gatewise().args(arguments));
    assert_eq!((found.code, found.stderr.as_str()), (Some(1), ""), "{found:?}");
    let says = format!("slower than {fast} by more than 3 %: gru_T5_B4_I16_H16_L2_bidirectional");
    assert!(found.stdout.contains(" % slower ± ") && found.stdout.contains(&says), "{found:?}");

    // A bare name is a file of the present folder, not a program of the PATH.
    let slow = build(&folder, "slow", "1e15");
    let there = std::path::Path::new(&slow).parent().expect("the folder");
    let arguments = ["bench", "--cases", &cases, "--filter", "gru", "--against", "slow"];
    let page = ran(gatewise().args(arguments).current_dir(there)).done("slower");
    assert!(page.contains(" % faster ± ") && page.contains("no case takes longer than"), "{page}");
}

#[test]
fn the_same_build_is_the_same() {
    let folder = Folder::new();
    let (cases, history) = (cases(&folder), folder.path("history"));
    let options = ["bench", "--cases", &cases, "--filter", "gru", "--history", &history];
    let page = ran(gatewise().args(options).args(["--save", "before"])).done("saving");
    assert!(page.contains("gatewise bench --against before"), "{page}");
    // The machine may be so busy that a difference is seen; but half of the time is beyond all noise.
    let page = ran(gatewise().args(options).args(["--against", "before", "--limit", "50"])).done("itself");
    assert!(page.contains("no case takes longer than before by more than 50 %"), "{page}");
}

#[test]
fn what_is_no_other_build_is_refused() {
    let folder = Folder::new();
    let (cases, history) = (cases(&folder), folder.path("history"));
    let options = ["bench", "--cases", &cases, "--filter", "gru", "--history", &history];
    let refused =
        |name: &str, says: &[&str]| ran(gatewise().args(options).args(["--against", name])).refused(name, says);
    refused("before", &["--against before", "history", "--save NAME"]);
    ran(gatewise().args(options).args(["--save", "one"])).done("saving");
    refused("before", &["there are one"]);
    refused(
        &program(&folder, "mute", "#!/bin/sh\necho out of order >&2\n"),
        &["gru_", "mute", "it ended", "out of order"],
    );
    refused(&program(&folder, "babbler", "#!/bin/sh\nwhile read -r l; do echo hello; done\n"), &["no answer", "hello"]);
    ran(gatewise().args(options).args(["--limit", "3"])).misused("a limit of nothing", &["--against"]);
    ran(gatewise().args(options).args(["--against", "one", "--limit", "many"]))
        .misused("no number", &["--limit", "per cent"]);
}
