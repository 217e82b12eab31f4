//! Curves side by side, with one legend beside them.

use std::error::Error;
use std::ops::Range;
use std::path::Path;

use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

/// Panels next to each other.
pub struct Figure<'a> {
    /// The file's name without `.svg`, in `docs/plots`.
    pub name: &'a str,
    /// From the left.
    pub panels: Vec<Panel<'a>>,
}

/// A pair of axes and what is drawn in it.
pub struct Panel<'a> {
    /// Stands above.
    pub title: &'a str,
    /// To the right.
    pub x: Axis<'a>,
    /// Upwards.
    pub y: Axis<'a>,
    /// In the order of the legend; of the same names only the first is named there.
    pub curves: Vec<Curve<'a>>,
}

/// What an axis shows.
pub struct Axis<'a> {
    /// With the unit.
    pub label: &'a str,
    /// From its beginning to its end.
    pub range: Range<f64>,
    /// How a number on it is written.
    pub write: fn(&f64) -> String,
}

/// Some points.
pub struct Curve<'a> {
    /// As the legend calls it.
    pub name: &'a str,
    /// From the left.
    pub points: Vec<(f64, f64)>,
    /// Which of the colours, from 0.
    pub colour: usize,
    /// The line's width, 0 for none.
    pub line: u32,
    /// Each point's radius, 0 for none.
    pub dot: u32,
}

/// Okabe & Ito's, which the colour-blind tell apart: vermilion, bluish green, blue, reddish purple, grey.
const COLOURS: [RGBColor; 5] = [
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(0, 114, 178),
    RGBColor(204, 121, 167),
    RGBColor(110, 110, 110),
];

const PANEL: (u32, u32) = (380, 340);
const LEGEND: u32 = 190;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Writes `docs/plots/NAME.svg`.
pub fn draw(figure: &Figure<'_>) -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/plots");
    std::fs::create_dir_all(&folder)?;
    let path = folder.join(format!("{}.svg", figure.name));
    let width = PANEL.0 * figure.panels.len() as u32;
    let whole = SVGBackend::new(&path, (width + LEGEND, PANEL.1)).into_drawing_area();
    whole.fill(&WHITE)?;
    let (left, right) = whole.split_horizontally(width);
    for (area, panel) in left.split_evenly((1, figure.panels.len())).iter().zip(&figure.panels) {
        draw_panel(area, panel)?;
    }
    draw_legend(&right, figure)?;
    whole.present()?;
    println!("written: docs/plots/{}.svg", figure.name);
    Ok(())
}

fn draw_panel(area: &Area<'_>, panel: &Panel<'_>) -> Result<(), Box<dyn Error>> {
    let mut chart = ChartBuilder::on(area)
        .caption(panel.title, ("sans-serif", 15))
        .margin(10)
        .x_label_area_size(42)
        .y_label_area_size(62)
        .build_cartesian_2d::<RangedCoordf64, RangedCoordf64>(
            panel.x.range.clone().into(),
            panel.y.range.clone().into(),
        )?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(0.12))
        .x_labels(7)
        .y_labels(8)
        .x_desc(panel.x.label)
        .y_desc(panel.y.label)
        .x_label_formatter(&panel.x.write)
        .y_label_formatter(&panel.y.write)
        .label_style(("sans-serif", 12))
        .axis_desc_style(("sans-serif", 13))
        .draw()?;
    for curve in &panel.curves {
        let colour = COLOURS[curve.colour % COLOURS.len()];
        if curve.line > 0 {
            chart.draw_series(LineSeries::new(curve.points.iter().copied(), colour.stroke_width(curve.line)))?;
        }
        if curve.dot > 0 {
            chart.draw_series(curve.points.iter().map(|at| Circle::new(*at, curve.dot, colour.filled())))?;
        }
    }
    Ok(())
}

fn draw_legend(area: &Area<'_>, figure: &Figure<'_>) -> Result<(), Box<dyn Error>> {
    let mut named: Vec<&Curve<'_>> = Vec::new();
    for curve in figure.panels.iter().flat_map(|panel| &panel.curves) {
        if !named.iter().any(|other| other.name == curve.name) {
            named.push(curve);
        }
    }
    for (index, curve) in named.iter().enumerate() {
        let (colour, y) = (COLOURS[curve.colour % COLOURS.len()], 48 + 22 * index as i32);
        if curve.line > 0 {
            area.draw(&PathElement::new(vec![(6, y), (30, y)], colour.stroke_width(curve.line)))?;
        }
        if curve.dot > 0 {
            area.draw(&Circle::new((18, y), curve.dot, colour.filled()))?;
        }
        area.draw(&Text::new(curve.name.to_owned(), (37, y - 7), ("sans-serif", 13)))?;
    }
    Ok(())
}
