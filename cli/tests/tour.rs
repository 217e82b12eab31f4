//! The tour, the command without arguments, and every subcommand's help.

mod common;

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use common::{gatewise, levels, run};

/// Where the part that takes time, and differs from run to run, begins.
const TIMED: &str = "Speed on one thread";

/// The worked example's rows: symbol, value, and what the document printed, right or wrong.
const ROWS: [(&str, &str, Option<[&str; 2]>); 14] = [
    ("z_f", "5.950000000000", None),
    ("f", "0.997400932238", Some(["1.00", "✓"])),
    ("f·c⁻", "1.994801864475", Some(["1.99", "✓"])),
    ("z_g", "2.030000000000", None),
    ("g", "0.966086928980", Some(["0.97", "✓"])),
    ("z_i", "4.270000000000", None),
    ("i", "0.986211011494", Some(["0.99", "✓"])),
    ("i·g", "0.952765567420", None),
    ("c", "2.947567431895", Some(["2.95", "✓"])),
    ("tanh(c)", "0.994509504136", Some(["0.99", "✓"])),
    ("z_o", "4.780000000000", None),
    ("o", "0.991673906902", Some(["0.99", "✓"])),
    ("h", "0.986229125417", Some(["0.99", "✓"])),
    ("c", "2.947567431895", Some(["0.99", "✗"])),
];

/// One test: the timed part is run once.
#[test]
fn the_tour_shows_the_worked_example_its_slips_and_the_speed_of_every_level() {
    let page = run(&["tour"]).done("tour");
    the_worked_example(&page);
    the_slips(&page);
    the_stories(&page);
    the_kernels(&page);
    the_speeds(&page);
}

fn cells(line: &str) -> Vec<&str> {
    line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect()
}

fn the_worked_example(page: &str) {
    let table: Vec<Vec<&str>> = page
        .lines()
        .skip_while(|line| !line.contains("formula"))
        .skip(1)
        .take_while(|line| !line.is_empty())
        .map(cells)
        .collect();
    assert_eq!(table.len(), ROWS.len(), "rows of the worked example in\n{page}");
    for (found, (symbol, value, printed)) in table.iter().zip(ROWS) {
        assert_eq!((found[0], found[3]), (symbol, value), "row {found:?}");
        if let Some(printed) = printed {
            assert_eq!(found[4..6], printed, "the document's number in row {found:?}");
        }
    }
    let last = table.last().expect("rows").last().expect("cells");
    assert!(last.contains("final cell state") && last.contains("tanh(c)"), "the mistake in {last:?}");
    assert_eq!(page.matches('✗').count(), 1, "only the last row is wrong");
}

fn the_slips(page: &str) {
    for slip in ["  1. a line of bare text", "  2. x1 is undefined", "  3. ht_1 is undefined"] {
        assert!(page.contains(slip), "no {slip:?} in\n{page}");
    }
}

fn the_stories(page: &str) {
    for h in ["-0.127755320764", "+0.006393158241", "+0.276438440414", "+0.969393461641", "+0.01 ≈ 0 ✓", "+0.97 ≈ 1 ✓"]
    {
        assert!(page.contains(h), "no {h:?} in\n{page}");
    }
}

/// h and c of the worked example by every level.
fn the_kernels(page: &str) {
    for level in levels() {
        let row = page.lines().map(cells).find(|cells| cells.first() == Some(&level.name()) && cells.len() == 5);
        let row = row.unwrap_or_else(|| panic!("no step by {level} in\n{page}"));
        for (shown, exact) in [(row[1], 0.986229125417), (row[3], 2.947567431895)] {
            let found: f64 = shown.parse().unwrap_or_else(|_| panic!("{level}: no number {shown:?}"));
            assert!((found - exact).abs() <= 1e-6, "{level}: {found} for {exact}");
        }
    }
}

/// Two tables, a batch and a stream, with the speedup of every level over the reference.
fn the_speeds(page: &str) {
    let (_, timed) = page.split_once(TIMED).unwrap_or_else(|| panic!("no {TIMED:?} in\n{page}"));
    let (batch, stream) = timed.split_once("One step streamed").unwrap_or_else(|| panic!("no stream in\n{page}"));
    for (what, table, speedup) in [("batch", batch, 4), ("stream", stream, 2)] {
        assert!(table.contains("speedup"), "{what}: the header in\n{page}");
        for level in levels() {
            let row = table.lines().map(cells).find(|cells| cells.first() == Some(&level.name()));
            let row = row.unwrap_or_else(|| panic!("{what}: no line of {level} in\n{page}"));
            let number =
                |cell: &str| -> f64 { cell.parse().unwrap_or_else(|_| panic!("{what}, {level}: {cell:?} in {row:?}")) };
            assert!(number(row[1]) > 0.0, "{what}, {level}: the time in {row:?}");
            assert!(number(row[speedup]) >= 1.0, "{what}, {level}: the speedup in {row:?}");
            assert!(number(row[row.len() - 1]) < 1e-6, "{what}, {level}: the difference in {row:?}");
        }
    }
}

#[test]
fn without_a_command_it_takes_the_tour() {
    let start = |arguments: &[&str]| -> Vec<String> {
        let mut child = gatewise().args(arguments).stdout(Stdio::piped()).spawn().expect("the command starts");
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines().map(|line| line.expect("UTF-8"));
        let lines = lines.take_while(|line| !line.starts_with(TIMED)).collect();
        child.kill().expect("the timed part is not waited for");
        child.wait().expect("the command ends");
        lines
    };
    let tour = start(&["tour"]);
    assert!(tour.len() > 40, "the tour's start: {tour:?}");
    assert_eq!(start(&[]), tour);
}

#[test]
fn every_command_explains_itself() {
    let commands: [(&[&str], &[&str]); 9] = [
        (
            &["--help"],
            &[
                "tour",
                "explain",
                "check",
                "run",
                "decode",
                "inspect",
                "convert",
                "bench",
                "GATEWISE_ISA",
                "Exit status",
            ],
        ),
        (&["convert", "--help"], &["<MODEL>", "<OUTPUT>", "--layers", "Examples:"]),
        (
            &["decode", "--help"],
            &["--encoder", "--decoder", "--start", "--stop", "--steps", "--input", "--output", "--isa", "lengths"],
        ),
        (&["tour", "--help"], &["Usage: gatewise tour"]),
        (
            &["explain", "--help"],
            &[
                "--weights",
                "--cell",
                "--input",
                "--step",
                "--unit",
                "--batch",
                "--digits",
                "--all-terms",
                "--json",
                "--prefix",
                "--batch-first",
                "--nonlinearity",
                "Examples:",
            ],
        ),
        (&["check", "--help"], &["Usage: gatewise check"]),
        (
            &["run", "--help"],
            &[
                "<MODEL>",
                "--cell",
                "--input",
                "--output",
                "--prefix",
                "--batch-first",
                "--threads",
                "--isa",
                "--reference",
                "--nonlinearity",
                "--cells",
                "--layers",
                "--wav",
                "lengths",
                "IN.npz",
                "OUT.npz",
            ],
        ),
        (&["inspect", "--help"], &["<MODEL>", "--layers", "Examples:"]),
        (
            &["bench", "--help"],
            &[
                "--cell",
                "--steps",
                "--batch",
                "--input",
                "--hidden",
                "--layers",
                "--bidirectional",
                "--stream",
                "--threads",
                "--isa",
                "--json",
                "median_us",
                "fma_peak_gflops",
                "Examples:",
            ],
        ),
    ];
    for (arguments, options) in commands {
        let what = arguments.join(" ");
        let help = run(arguments).done(&what);
        for option in options {
            assert!(help.contains(option), "{what}: no {option:?} in\n{help}");
        }
        let mut short = arguments.to_vec();
        *short.last_mut().expect("--help") = "-h";
        let short = run(&short);
        assert_eq!(short.code, Some(0), "{what}, short");
    }
    let version = run(&["--version"]).done("--version");
    assert!(version.ends_with(concat!(" ", env!("CARGO_PKG_VERSION"), "\n")), "--version: {version:?}");
    run(&["train"]).misused("no such command", &["train"]);
}
