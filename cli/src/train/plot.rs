//! The curve as a picture: loss, and accuracy where there is one, over the epochs.

use std::io::Write;
use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

use super::curve::{Judged, Row};
use crate::files::write_whole;

const PANEL: (u32, u32) = (460, 320);

/// Of Okabe & Ito's colours, which the colour-blind tell apart: blue for the training, vermilion for the validation.
const COLOURS: [RGBColor; 2] = [RGBColor(0, 114, 178), RGBColor(213, 94, 0)];

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Points of the training and of the validation.
type Lines = [Vec<(f64, f64)>; 2];

/// Writes the picture, whole or not at all.
pub fn write(path: &Path, rows: &[Row]) -> Result<()> {
    let loss = lines(rows, |judged| Some(judged.loss));
    let accuracy = lines(rows, |judged| judged.accuracy);
    let mut panels = vec![("loss", loss)];
    if accuracy.iter().any(|line| !line.is_empty()) {
        panels.push(("accuracy", accuracy));
    }
    let mut picture = String::new();
    let drawn = (|| -> Result<(), Box<dyn std::error::Error>> {
        let size = (PANEL.0 * panels.len() as u32, PANEL.1);
        let whole = SVGBackend::with_string(&mut picture, size).into_drawing_area();
        whole.fill(&WHITE)?;
        for (area, (title, lines)) in whole.split_evenly((1, panels.len())).iter().zip(&panels) {
            draw(area, title, lines)?;
        }
        whole.present()?;
        Ok(())
    })();
    drawn.map_err(|error| anyhow!("{}: cannot draw: {error}", path.display()))?;
    write_whole(path, |file| Ok(file.write_all(picture.as_bytes())?))
}

fn lines(rows: &[Row], of: impl Fn(&Judged) -> Option<f64>) -> Lines {
    let line = |judged: &dyn Fn(&Row) -> Option<Judged>| {
        rows.iter().filter_map(|row| Some((row.epoch as f64, of(&judged(row)?)?))).collect()
    };
    [line(&|row| Some(row.training)), line(&|row| row.validation)]
}

fn draw(area: &Area<'_>, title: &str, lines: &Lines) -> Result<(), Box<dyn std::error::Error>> {
    let points = || lines.iter().flatten();
    let last = points().map(|(epoch, _)| *epoch).fold(2.0, f64::max);
    let highest = points().map(|(_, value)| *value).fold(0.0, f64::max);
    let top = if highest > 0.0 { highest * 1.05 } else { 1.0 };
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 15))
        .margin(10)
        .x_label_area_size(42)
        .y_label_area_size(62)
        .build_cartesian_2d::<RangedCoordf64, RangedCoordf64>((1.0..last).into(), (0.0..top).into())?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(0.12))
        .x_desc("epoch")
        .x_label_formatter(&|epoch| if epoch.fract() == 0.0 { format!("{epoch:.0}") } else { String::new() })
        .label_style(("sans-serif", 12))
        .axis_desc_style(("sans-serif", 13))
        .draw()?;
    for ((line, name), colour) in lines.iter().zip(["training", "validation"]).zip(COLOURS) {
        if line.is_empty() {
            continue;
        }
        let style = colour.stroke_width(2);
        chart
            .draw_series(LineSeries::new(line.iter().copied(), style).point_size(2))?
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style));
    }
    chart
        .configure_series_labels()
        .border_style(BLACK.mix(0.2))
        .background_style(WHITE)
        .label_font(("sans-serif", 12))
        .draw()?;
    Ok(())
}
