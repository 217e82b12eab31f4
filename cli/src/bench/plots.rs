//! Plots of runs, as SVG.

use std::error::Error;

use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::prelude::*;

use super::history::{Measured, Run};

/// Of Okabe & Ito's colours, which the colour-blind tell apart.
const COLOURS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(0, 0, 0),
];

const WIDTH: u32 = 900;

/// Room for the names of the roofline's cases.
const LEGEND: i32 = 280;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), Box<dyn Error>>;

fn picture(height: u32, draw: impl FnOnce(&Area<'_>) -> Drawn) -> Result<String> {
    let mut picture = String::new();
    let drawn = (|| -> Drawn {
        let area = SVGBackend::with_string(&mut picture, (WIDTH, height)).into_drawing_area();
        area.fill(&WHITE)?;
        draw(&area)?;
        Ok(area.present()?)
    })();
    drawn.map_err(|error| anyhow!("cannot draw: {error}"))?;
    Ok(picture)
}

/// Bars of the speedups over the reference; `None` where no case has one.
pub fn speedups(run: &Run) -> Result<Option<String>> {
    let bars: Vec<(&str, f64)> =
        run.cases.iter().filter_map(|measured| Some((&*measured.case, measured.speedup?))).collect();
    if bars.is_empty() {
        return Ok(None);
    }
    let most = bars.iter().map(|(_, times)| *times).fold(1.0, f64::max);
    let (line, names) = (22, 290);
    let height = line * bars.len() as i32 + 30;
    let scale = f64::from(WIDTH as i32 - names - 70) / most;
    let draw = |area: &Area<'_>| -> Drawn {
        let style = ("sans-serif", 13).into_font().color(&BLACK);
        area.draw(&Text::new("x reference", (names, 4), style.clone()))?;
        for (index, (name, times)) in bars.iter().enumerate() {
            let top = 24 + line * index as i32;
            let end = names + (times * scale).round() as i32;
            area.draw(&Text::new((*name).to_owned(), (6, top + 2), style.clone()))?;
            area.draw(&Rectangle::new([(names, top), (end, top + line - 5)], COLOURS[0].filled()))?;
            area.draw(&Text::new(format!("{times:.0}"), (end + 5, top + 2), style.clone()))?;
        }
        Ok(())
    };
    picture(height as u32, draw).map(Some)
}

/// Where the cases are under the limits of the run.
pub fn roofline(run: &Run) -> Result<String> {
    let points: Vec<(f64, &Measured)> = run
        .cases
        .iter()
        .filter(|measured| measured.traffic > 0.0)
        .map(|measured| (measured.operations / measured.traffic, measured))
        .collect();
    let low = points.iter().map(|(x, _)| *x).fold(0.5, f64::min) / 2.0;
    let high = points.iter().map(|(x, _)| *x).fold(64.0, f64::max) * 2.0;
    let least = points.iter().map(|(_, measured)| measured.gflops).fold(10.0, f64::min) / 2.0;
    let roof = run.fma_gflops * run.threads as f64;
    // A line for each size that is read slower than the one before by a quarter: a cache less.
    let mut lines: Vec<(usize, f64)> = Vec::new();
    for (bytes, gbps) in run.reads_gbps.iter().skip(1) {
        if lines.last().is_none_or(|(_, last)| *gbps < last / 1.25) {
            lines.push((*bytes, *gbps));
        }
    }
    let draw = |area: &Area<'_>| -> Drawn {
        let mut chart = ChartBuilder::on(area)
            .margin(12)
            .margin_right(LEGEND)
            .x_label_area_size(42)
            .y_label_area_size(60)
            .build_cartesian_2d((low..high).log_scale(), (least..roof * 1.6).log_scale())?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(BLACK.mix(0.1))
            .x_desc("operations a byte of recurrent weights read")
            .y_desc("GFLOP/s")
            .label_style(("sans-serif", 12))
            .axis_desc_style(("sans-serif", 13))
            .draw()?;
        let small = ("sans-serif", 12).into_font().color(&BLACK.mix(0.7));
        chart.draw_series(LineSeries::new([(low, roof), (high, roof)], BLACK.stroke_width(2)))?;
        chart.draw_series([Text::new(format!("multiply-adds {roof:.0}"), (low * 1.1, roof * 1.35), small.clone())])?;
        for (bytes, gbps) in lines {
            let gbps = gbps * run.threads as f64;
            let corner = (roof / gbps).clamp(low, high);
            let from = low.max(least / gbps);
            chart.draw_series(LineSeries::new([(from, from * gbps), (corner, corner * gbps)], BLACK.mix(0.4)))?;
            let at = (from * 1.05, from * 1.05 * gbps);
            chart.draw_series([Text::new(format!("{} KiB", bytes >> 10), at, small.clone())])?;
        }
        for (index, (x, measured)) in points.iter().enumerate() {
            let colour = COLOURS[index % COLOURS.len()];
            let number = (index + 1).to_string();
            let font = ("sans-serif", 12).into_font().color(&colour);
            chart.draw_series([Circle::new((*x, measured.gflops), 4, colour.filled())])?;
            // To the right and to the left by turns: cases of one intensity stand above each other.
            let beside = if index % 2 == 0 { 1.07 } else { 0.84 };
            chart.draw_series([Text::new(number.clone(), (x * beside, measured.gflops * 1.06), font.clone())])?;
            let place = (WIDTH as i32 - LEGEND + 6, 20 + 20 * index as i32);
            area.draw(&Text::new(format!("{number}  {}", measured.case), place, font))?;
        }
        Ok(())
    };
    picture((20 * points.len() as u32 + 40).max(520), draw)
}

/// A panel for every case: the share of its limit, run by run. `None` with fewer than two runs.
pub fn history(run: &Run, earlier: &[Run]) -> Result<Option<String>> {
    let alike = |other: &&Run| (&other.machine, &other.isa, other.threads) == (&run.machine, &run.isa, run.threads);
    let runs: Vec<&Run> = earlier.iter().filter(alike).chain([run]).collect();
    if runs.len() < 2 {
        return Ok(None);
    }
    let columns = 3;
    let rows = run.cases.len().div_ceil(columns);
    let draw = |area: &Area<'_>| -> Drawn {
        for (panel, measured) in area.split_evenly((rows, columns)).iter().zip(&run.cases) {
            let shares = runs.iter().enumerate().filter_map(|(at, run)| {
                let found = run.cases.iter().find(|other| other.case == measured.case)?;
                Some((at as f64, found.share * 100.0))
            });
            panel_of(panel, &measured.case, &shares.collect::<Vec<_>>(), &runs)?;
        }
        Ok(())
    };
    picture(170 * rows as u32, draw).map(Some)
}

fn panel_of(area: &Area<'_>, name: &str, shares: &[(f64, f64)], runs: &[&Run]) -> Drawn {
    let top = shares.iter().map(|(_, share)| *share).fold(1.0, f64::max) * 1.25;
    let last = (runs.len() - 1) as f64;
    let commit = |at: &f64| -> String {
        let run = runs.get(at.round() as usize).filter(|_| at.fract() == 0.0);
        run.map_or(String::new(), |run| match (&run.saved, &run.commit) {
            (Some(name), _) => name.clone(),
            (None, Some(commit)) => commit.chars().take(7).collect(),
            (None, None) => String::new(),
        })
    };
    let mut chart = ChartBuilder::on(area)
        .caption(name, ("sans-serif", 12))
        .margin(6)
        .margin_right(16)
        .x_label_area_size(22)
        .y_label_area_size(38)
        .build_cartesian_2d(-0.2..last + 0.2, 0.0..top)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(0.1))
        .x_labels(runs.len().min(5))
        .y_labels(4)
        .x_label_formatter(&commit)
        .y_label_formatter(&|share| format!("{share:.0} %"))
        .label_style(("sans-serif", 11))
        .draw()?;
    chart.draw_series(LineSeries::new(shares.iter().copied(), COLOURS[0].stroke_width(2)).point_size(3))?;
    Ok(())
}
