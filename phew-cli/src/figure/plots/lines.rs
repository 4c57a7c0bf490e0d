//! Lines with bands, and points alone.

use super::range::{axes, places};
use crate::collect::Statistics;
use crate::figure::chart::{Chart, Panel, Point};
use crate::figure::description::Figure;
use crate::figure::marker::marker;
use crate::figure::page::{Entry, Page, Sign, across};
use crate::figure::panels::{Frame, Grid, draw};
use crate::figure::scene::{Scene, Shape, Stroke, line};

/// With more points than this, a line has markers on some of them only.
const MARKED: usize = 16;

/// Means over x with a band of one standard deviation; or, if `scatter`, a marker for each row.
pub(crate) fn lines(figure: &Figure, chart: &Chart, notes: &[String], scatter: bool) -> Scene {
    let mut page = Page::new(figure, Grid::columns(figure, chart));
    let grid = Grid::new(figure, chart, &page);
    let axes = axes(figure, chart, grid, false);
    draw(&mut page, chart, grid, &axes, |panel, frame| {
        inside(chart, &chart.panels[panel], frame, scatter)
    });
    let entry = |(name, sign): (&String, Sign)| Entry { name: name.clone(), sign };
    let sign = if scatter { Sign::Marker } else { Sign::Line };
    let series = chart.series.iter().map(|series| (&series.name, sign(series.style)));
    let lines = chart.lines.iter().enumerate();
    let lines = lines.map(|(number, line)| (&line.name, Sign::Across(across(number))));
    page.legend(&series.chain(lines).map(entry).collect::<Vec<_>>());
    page.notes(notes);
    page.finish()
}

fn inside(chart: &Chart, panel: &Panel, frame: &Frame<'_>, scatter: bool) -> Vec<Shape> {
    let measure = &chart.quantities[panel.quantity];
    let mut shapes = horizontal(chart, panel, frame);
    // The first series lies on top.
    let drawn = || {
        let series = panel.points.iter().zip(&chart.series).rev();
        series.filter(|(points, _)| !points.is_empty())
    };
    if scatter {
        for (points, series) in drawn() {
            for point in points {
                let [y, ..] = places(measure, point);
                if y.is_finite() {
                    let at = frame.place(point.x, y);
                    shapes.extend(marker(series.style.marker, at, 1.9, series.style.color));
                }
            }
        }
        return shapes;
    }
    // All bands lie below all lines.
    for (points, series) in drawn() {
        let edge = |edge: usize| {
            points
                .iter()
                .map(move |point| frame.place(point.x, frame.y.clamp(places(measure, point)[edge])))
        };
        if points.iter().any(|point| point.y.deviation > 0.0) {
            let points = edge(1).chain(edge(2).rev()).collect();
            let fill = Some((series.style.color, 0.18));
            shapes.push(Shape::Path { points, closed: true, fill, stroke: None });
        }
    }
    for (points, series) in drawn() {
        let style = series.style;
        let mean = |point: &Point| frame.place(point.x, frame.y.clamp(places(measure, point)[0]));
        let means: Vec<[f64; 2]> = points.iter().map(mean).collect();
        let dash = style.dash.pattern();
        let stroke = Some(Stroke { color: style.color, width: 1.2, dash });
        let every = means.len().div_ceil(MARKED);
        let marked: Vec<[f64; 2]> = means.iter().copied().step_by(every).collect();
        shapes.push(Shape::Path { points: means, closed: false, fill: None, stroke });
        let radius = if every > 1 || points.len() > 9 { 1.8 } else { 2.2 };
        shapes.extend(
            marked.into_iter().flat_map(|at| marker(style.marker, at, radius, style.color)),
        );
    }
    shapes
}

/// The lines across a panel.
pub(super) fn horizontal(chart: &Chart, panel: &Panel, frame: &Frame<'_>) -> Vec<Shape> {
    let measure = &chart.quantities[panel.quantity];
    let height = |(number, height): (usize, &Option<Statistics>)| {
        let place = measure.place(height.as_ref()?.mean);
        let [_, y] = frame.place(0.0, place);
        let [left, _] = frame.at;
        place.is_finite().then(|| line([left, y], [left + frame.size[0], y], across(number)))
    };
    panel.lines.iter().enumerate().filter_map(height).collect()
}
