//! The example of `docs/performance-tracking.md`: the cases that it prints are those of the file, and the commands do what it
//! says.

use std::fs;

use crate::common::{Folder, gatewise, ran};

/// A file of the repository.
fn of_repository(path: &str) -> String {
    format!("{}/../{path}", env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(of_repository(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn the_page_prints_the_cases_of_the_example() {
    let (page, cases) = (read("docs/performance-tracking.md"), read("examples/tracking/cases.toml"));
    let printed = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a block of TOML");
    assert!(cases.ends_with(printed), "the page prints other cases than examples/tracking/cases.toml:\n{printed}");
}

#[test]
fn a_model_of_ones_own_is_saved_and_compared() {
    let folder = Folder::new();
    let (history, cases) = (folder.path("history"), of_repository("examples/tracking/cases.toml"));
    let options = ["bench", "--cases", &cases, "--history", &history];
    let page = ran(gatewise().args(options).args(["--save", "v1"])).done("saving");
    for name in ["encoder, one word", "encoder, 64 words", "decoder, step by step", "a wider encoder"] {
        assert!(page.contains(name), "no {name} in {page}");
    }
    let page = ran(gatewise().args(options).args(["--against", "v1", "--limit", "50"])).done("comparing");
    assert!(page.contains("no case takes longer than v1 by more than 50 %"), "{page}");
}
