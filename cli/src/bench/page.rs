//! The page of a run: what the terminal shows, and plots.

use std::io::Write;
use std::path::Path;

use anyhow::Result;

use super::history::Run;
use super::{plots, report};
use crate::files::write_whole;

const STYLE: &str = "\
body { font: 15px/1.5 system-ui, sans-serif; max-width: 960px; margin: 2em auto; padding: 0 1em; color: #222 }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
td, th { padding: .15em .7em; text-align: right; border-bottom: 1px solid #ddd }
td:first-child, th:first-child { text-align: left }
tr.slower { background: #fbe3d6 } tr.faster { background: #d9ecf7 }
svg { max-width: 100%; height: auto } figcaption { color: #555; font-size: 14px }";

/// Writes the page, whole or not at all; `earlier` are the runs of the history, oldest first.
pub fn write(path: &Path, run: &Run, earlier: &[Run], limit: f64) -> Result<()> {
    let page = html(run, earlier, limit)?;
    write_whole(path, |file| Ok(file.write_all(page.as_bytes())?))
}

fn html(run: &Run, earlier: &[Run], limit: f64) -> Result<String> {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>gatewise bench</title>\n<style>{STYLE}</style>\n\
         <h1>gatewise bench</h1>\n<p>{}, version {}, {}; {}, {} cores; {}, {} of threads at most.<br>\n\
         Limits of a thread: {:.0} GFLOP/s of multiply-adds; reading {}.</p>\n",
        escape(&run.time),
        escape(&run.version),
        run.commit.as_deref().map_or("no commit".to_owned(), |commit| format!("commit {}", escape(commit))),
        escape(&run.machine.processor),
        run.machine.cores,
        escape(&run.isa),
        run.threads,
        run.fma_gflops,
        report::reads(run),
    );
    if let Some(against) = &run.against {
        let slower = report::slower(run, limit);
        let against = escape(against);
        page += &match slower.len() {
            0 => format!("<p>No case takes longer than {against} by more than {} %.</p>\n", limit * 100.0),
            1 => format!("<p><b>One case takes longer than {against} by more than {} %.</b></p>\n", limit * 100.0),
            many => {
                format!("<p><b>{many} cases take longer than {against} by more than {} %.</b></p>\n", limit * 100.0)
            }
        };
    }
    page += &table(run);
    if let Some(plot) = plots::speedups(run)? {
        page += &figure(&plot, "How many times as fast as the scalar reference in double precision.");
    }
    let words = "Operations for each byte of recurrent weights that a step must read, and what is reached; the lines are \
                 the limits measured in this run, at the sizes that these weights have. One sequence is far left, a \
                 batch far right.";
    page += &figure(&plots::roofline(run)?, words);
    match plots::history(run, earlier)? {
        Some(plot) => {
            let words = "The share of the limit that binds, run by run, on this machine and instruction set. Shares stay \
                         when a machine's clock does not.";
            page += &figure(&plot, words);
        }
        None => page += "<p>A plot of the history appears with the second run that is kept (--save).</p>\n",
    }
    page += "</html>\n";
    Ok(page)
}

fn figure(plot: &str, words: &str) -> String {
    format!("<figure>{plot}<figcaption>{words}</figcaption></figure>\n")
}

fn table(run: &Run) -> String {
    let cells = |tag: &str, cells: Vec<String>| -> String {
        cells.iter().map(|cell| format!("<{tag}>{}</{tag}>", escape(cell))).collect()
    };
    let header = report::header(run).into_iter().map(str::to_owned).collect();
    let mut table = format!("<table>\n<tr>{}</tr>\n", cells("th", header));
    for measured in &run.cases {
        let class = match &measured.change {
            Some(change) if change.marked && change.time > 0.0 => " class=\"slower\"",
            Some(change) if change.marked => " class=\"faster\"",
            _ => "",
        };
        table += &format!("<tr{class}>{}</tr>\n", cells("td", report::row(run, measured)));
    }
    table + "</table>\n"
}

/// Names come from files.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
