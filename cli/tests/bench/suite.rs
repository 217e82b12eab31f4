//! The suite: cases of a file, the line of JSON, the history, the page.

use std::fs;

use serde_json::Value;

use crate::common::{Folder, fixture, gatewise, ran};

/// Two small cases, of which one has a name that HTML must not take for its own, and a model with an embedding.
pub fn cases(folder: &Folder) -> String {
    let model = fixture("keras_13_embed_mask", "model.keras");
    let text = format!(
        "[[case]]\nname = \"a <small> & short one\"\nsteps = 20\ninput = 3\nhidden = 8\n\n\
         [[case]]\ncell = \"gru\"\nsteps = 5\nbatch = 4\nhidden = 16\nlayers = 2\nbidirectional = true\n\n\
         [[case]]\nmodel = '{model}'\nsteps = 7\nbatch = 2\n"
    );
    folder.put("cases.toml", text.as_bytes())
}

fn json(page: &str) -> Value {
    serde_json::from_str(page).unwrap_or_else(|error| panic!("{error} in {page:?}"))
}

#[test]
fn a_run_is_a_line_with_machine_limits_and_every_case() {
    let folder = Folder::new();
    let cases = cases(&folder);
    let history = folder.path("history");
    let arguments = ["bench", "--cases", &cases, "--json", "--history", &history];
    let run = json(&ran(gatewise().args(arguments)).done("the suite"));
    for field in ["time", "version", "machine", "isa", "threads", "fma_gflops", "reads_gbps", "cases"] {
        assert!(!run[field].is_null(), "no {field} in {run}");
    }
    assert!(run["machine"]["cores"].as_u64() > Some(0), "{run}");
    let all = run["cases"].as_array().expect("cases");
    let names: Vec<&str> = all.iter().filter_map(|case| case["case"].as_str()).collect();
    assert_eq!(names, ["a <small> & short one", "gru_T5_B4_I16_H16_L2_bidirectional", "model.keras_T7_B2"]);
    for case in all {
        for field in ["median_us", "operations", "traffic", "gflops", "share"] {
            assert!(case[field].as_f64() > Some(0.0), "{field} of {case}");
        }
        // Operations of a nanosecond, from the same line's time.
        let gflops = case["operations"].as_f64().unwrap() / case["median_us"].as_f64().unwrap() / 1e3;
        assert!((gflops / case["gflops"].as_f64().unwrap() - 1.0).abs() < 1e-9, "{case}");
    }
    let gru = &all[1];
    assert_eq!(gru["operations"].as_f64(), Some((6 * 16 * 2 * ((16 + 16) + (32 + 16)) * 5 * 4) as f64));
    assert_eq!(gru["traffic"].as_f64(), Some((4 * 3 * 16 * 16 * 4 * 5) as f64), "{gru}");
    // The scalar reference in double precision is slower than the kernels, whatever the machine; it knows no model's file.
    assert!(gru["speedup"].as_f64() > Some(1.0), "{gru}");
    assert!(all[2]["speedup"].is_null(), "{}", all[2]);
    assert!(!folder.names().contains(&"history".to_owned()), "no --save, no history");
}

#[test]
fn a_filter_takes_what_matches_and_the_table_is_for_people() {
    let folder = Folder::new();
    let cases = cases(&folder);
    let page = ran(gatewise().args(["bench", "--cases", &cases, "--filter", "^gru|none"])).done("a filter");
    assert!(page.contains("gru_T5_B4_I16_H16_L2_bidirectional") && !page.contains("small"), "{page}");
    for part in ["limits of a thread", "GFLOP/s", "of limit", "x reference", " cores"] {
        assert!(page.contains(part), "no {part:?} in {page}");
    }
}

#[test]
fn the_page_has_the_table_and_the_plots_and_no_name_becomes_its_own() {
    let folder = Folder::new();
    let cases = cases(&folder);
    let (history, html) = (folder.path("history"), folder.path("report.html"));
    let options = ["bench", "--cases", &cases, "--filter", "small|gru", "--history", &history];
    ran(gatewise().args(options).args(["--save", "v1.0"])).done("saving");
    let page = ran(gatewise().args(options).args(["--html", &html])).done("a page");
    assert!(page.contains("report.html"), "{page}");
    let html = fs::read_to_string(&html).expect("the page");
    assert!(html.contains("a &lt;small&gt; &amp; short one") && !html.contains("<small>"), "{html}");
    assert_eq!(html.matches("<svg").count(), 3, "speedups, roofline, history");
    let lines = fs::read_to_string(folder.path("history/history.jsonl")).expect("the history");
    let runs: Vec<Value> = lines.lines().map(json).collect();
    assert_eq!(runs.len(), 2, "each run adds a line where there is a history");
    assert_eq!((&runs[0]["saved"], &runs[1]["saved"]), (&Value::from("v1.0"), &Value::Null));
}

#[test]
fn what_cannot_be_timed_is_refused_before_the_work() {
    let folder = Folder::new();
    let refused = |text: &str, says: &[&str]| {
        let path = folder.put("bad.toml", text.as_bytes());
        let says: Vec<&str> = says.iter().copied().chain(["bad.toml"]).collect();
        ran(gatewise().args(["bench", "--cases", &path])).refused(text, &says);
    };
    refused("", &["case"]);
    refused("case = []", &["no [[case]]"]);
    refused("[[case]]\nsteps = 0", &["steps: 0", "at least 1"]);
    refused("[[case]]\nhiden = 8", &["line 2", "hiden"]);
    refused("[[case]]\nfeeding = \"steps\"\nbidirectional = true", &["steps", "both directions"]);
    refused("[[case]]\nhidden = 8\n[[case]]\nhidden = 8", &["lstm_T100_B1_I8_H8", "two of this name"]);
    refused("[[case]]\nhidden = 1000000", &["values", "4 GiB"]);
    refused("[[case]]\ncell = \"gru\"\nnonlinearity = \"relu\"", &["relu", "gru"]);
    let other = folder.put("case.toml", b"[[case]]\nmodel = 'none.keras'");
    ran(gatewise().args(["bench", "--cases", &other])).refused("no such model", &["none.keras"]);
    let graph = folder.put("graph.onnx", b"");
    let path = folder.put("graph.toml", format!("[[case]]\nmodel = '{graph}'").as_bytes());
    ran(gatewise().args(["bench", "--cases", &path])).refused("an empty graph", &["graph.onnx"]);
    let arguments = ["bench", "--filter", "nothing_has_this_name"];
    ran(gatewise().args(arguments)).refused("a filter", &["nothing_has_this_name", "lstm_T50_B32_I256_H256"]);
    ran(gatewise().args(["bench", "--filter", "("])).misused("no expression", &["--filter"]);
    ran(gatewise().args(["bench", "--filter", "gru", "--hidden", "8"])).misused("both", &["--filter", "--hidden"]);
    ran(gatewise().args(["bench", "--save", "../out"])).misused("a path as a name", &["--save", "letters"]);
    let html = folder.path("none/report.html");
    ran(gatewise().args(["bench", "--filter", "H8", "--html", &html]))
        .refused("no folder", &["report.html", "no folder"]);
    fs::create_dir(folder.path("broken")).expect("a folder");
    folder.put("broken/history.jsonl", b"{\"time\": 1}\n");
    let arguments = ["bench", "--filter", "H8", "--history", &folder.path("broken")];
    ran(gatewise().args(arguments)).refused("a broken history", &["history.jsonl", "line 1"]);
}

#[test]
fn instructions_repeat_to_the_last_one() {
    let folder = Folder::new();
    let cases = cases(&folder);
    let count = || {
        let ran = ran(gatewise().args(["bench", "--cases", &cases, "--filter", "small|gru", "--counts", "--json"]));
        if ran.code == Some(2) && (ran.stderr.contains("valgrind") || ran.stderr.contains("AVX2")) {
            eprintln!("SKIPPED: {}", ran.stderr.trim_end());
            return None;
        }
        let run = json(&ran.done("counts"));
        let cases = run["cases"].as_array().expect("cases");
        Some(cases.iter().map(|case| case["instructions"].as_u64().expect("a count")).collect::<Vec<_>>())
    };
    let Some(first) = count() else { return };
    assert_eq!(Some(&first), count().as_ref());
    // 20 steps of 4·8·(3 + 8) multiply-adds on registers of 8 lanes are 880 instructions at least.
    assert!(first[0] > 880 && first[1] > first[0], "{first:?}");
}
