//! Bars in groups, with whiskers.

use super::lines::horizontal;
use super::range::{axes, places};
use crate::figure::chart::{Chart, Panel};
use crate::figure::description::Figure;
use crate::figure::page::{Entry, Page, Sign, across};
use crate::figure::panels::{Frame, Grid, draw};
use crate::figure::scene::{Scene, Shape, line, rectangle, stroke};
use crate::figure::style::INK;

/// The part of a category's room that its bars take.
const FILLED: f64 = 0.8;

/// Means as bars from 0, or on an axis of decades from its start, with whiskers of one standard deviation.
pub(crate) fn bars(figure: &Figure, chart: &Chart, notes: &[String]) -> Scene {
    let mut page = Page::new(figure, Grid::columns(figure, chart));
    let grid = Grid::new(figure, chart, &page);
    let axes = axes(figure, chart, grid, true);
    draw(&mut page, chart, grid, &axes, |panel, frame| inside(chart, &chart.panels[panel], frame));
    let series = chart.series.iter().map(|series| (&series.name, Sign::Area(series.style.color)));
    let lines = chart.lines.iter().enumerate();
    let lines = lines.map(|(number, line)| (&line.name, Sign::Across(across(number))));
    let entry = |(name, sign): (&String, Sign)| Entry { name: name.clone(), sign };
    page.legend(&series.chain(lines).map(entry).collect::<Vec<_>>());
    page.notes(notes);
    page.finish()
}

fn inside(chart: &Chart, panel: &Panel, frame: &Frame<'_>) -> Vec<Shape> {
    let measure = &chart.quantities[panel.quantity];
    // Only series that are in some panel have a bar: a place that is empty in one panel is another's.
    let wide = FILLED / chart.series.len().max(1) as f64;
    let mut shapes = Vec::new();
    for (number, (points, series)) in panel.points.iter().zip(&chart.series).enumerate() {
        for point in points {
            let [y, low, high] = places(measure, point).map(|place| frame.y.clamp(place));
            let left = point.x - 0.5 * FILLED + wide * number as f64;
            // From 0, or where it is not on the axis, from the end that is nearest.
            let [x0, y0] = frame.place(left, frame.y.clamp(0.0));
            let [x1, y1] = frame.place(left + wide, y);
            let bottom = match measure.scale {
                crate::figure::axis::Scale::Log => frame.at[1] + frame.size[1],
                _ => y0,
            };
            let (x, width) = (x0.min(x1), (x1 - x0).abs());
            let size = [(width - 0.4).max(0.3), (bottom - y1).abs()];
            shapes.push(rectangle([x + 0.2, y1.min(bottom)], size, series.style.color));
            if point.y.deviation > 0.0 {
                let middle = x + 0.5 * width;
                let [low, high] = [low, high].map(|place| frame.place(0.0, place)[1]);
                let half = (0.25 * width).min(2.0);
                let ink = stroke(INK, 0.6);
                shapes.push(line([middle, low], [middle, high], ink));
                for end in [low, high] {
                    shapes.push(line([middle - half, end], [middle + half, end], ink));
                }
            }
        }
    }
    shapes.extend(horizontal(chart, panel, frame));
    shapes
}
