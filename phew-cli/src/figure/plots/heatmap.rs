//! Means as colours.

use super::range::{extent, places, x};
use crate::figure::axis::Scale;
use crate::figure::chart::{Chart, Panel};
use crate::figure::description::Figure;
use crate::figure::font::width;
use crate::figure::measure::Measure;
use crate::figure::page::{LABEL, MARGIN, Page, SMALL};
use crate::figure::panels::{Axes, Frame, Grid, draw, fit_across};
use crate::figure::ruler::Ruler;
use crate::figure::scene::{Anchor, Scene, Shape, line, rectangle, stroke, text};
use crate::figure::style::{INK, blues};

/// x by columns, series by rows from the top; with the numbers in the cells where they have room.
pub(crate) fn heatmap(figure: &Figure, chart: &Chart, notes: &[String]) -> Scene {
    let mut page = Page::new(figure, Grid::columns(figure, chart));
    let usual = Grid::new(figure, chart, &page);
    let names: Vec<String> = chart.series.iter().map(|series| series.name.clone()).collect();
    let columns = chart.categories.as_ref().map_or(1, Vec::len).max(1);
    let longest = names.iter().map(|name| width(name, SMALL)).fold(0.0, f64::max);
    let wide = usual.width + 20.0 - longest / usual.columns as f64;
    let high = (0.8 * wide / columns as f64).clamp(11.0, 22.0);
    let grid = Grid { width: wide, height: high * names.len().max(1) as f64, ..usual };
    let (x, angle) = x(chart, grid);
    let rows = Ruler::categories(&names, &|_, _| true).reversed(true);
    let axes = Axes {
        x,
        angle,
        y: vec![rows; chart.panels.len()],
        y_labels: vec![String::new(); chart.quantities.len()],
        x_label: chart.x.label.clone(),
        grid: false,
    };
    let colors: Vec<Colors> = (0..chart.quantities.len()).map(|q| Colors::of(chart, q)).collect();
    let longest = chart.panels.iter().flat_map(|panel| {
        let colors = &colors[panel.quantity];
        panel.points.iter().flatten().map(|point| width(&colors.text(point.y.mean), SMALL))
    });
    let numbered = longest.fold(0.0, f64::max) + 3.0 <= wide / columns as f64;
    draw(&mut page, chart, grid, &axes, |panel, frame| {
        let panel = &chart.panels[panel];
        cells(chart, panel, frame, &colors[panel.quantity], numbered)
    });
    for (colors, measure) in colors.iter().zip(&chart.quantities) {
        bar(&mut page, colors, measure, numbered);
    }
    page.notes(notes);
    page.finish()
}

/// The colours of a quantity: over all its panels.
struct Colors {
    low: f64,
    high: f64,
    decimals: usize,
}

impl Colors {
    fn of(chart: &Chart, quantity: usize) -> Self {
        let measure = &chart.quantities[quantity];
        let panels = chart.panels.iter().filter(|panel| panel.quantity == quantity);
        let points: Vec<_> = panels.flat_map(|panel| panel.points.iter().flatten()).collect();
        let at: Vec<f64> = points.iter().map(|point| places(measure, point)[0]).collect();
        let (low, high) = extent(&at);
        let [low, high] = [measure.bounds[0].unwrap_or(low), measure.bounds[1].unwrap_or(high)];
        let greatest = points.iter().map(|point| point.y.mean.abs()).fold(0.0, f64::max);
        // Three digits of the greatest.
        let digits = if greatest > 0.0 { greatest.log10().floor() as i32 + 1 } else { 1 };
        Self { low, high, decimals: usize::try_from(3 - digits).unwrap_or(0).min(4) }
    }

    fn text(&self, number: f64) -> String {
        let text = format!("{:.*}", self.decimals, number);
        text.replace('-', "−")
    }

    fn share(&self, place: f64) -> f64 {
        if self.high > self.low { (place - self.low) / (self.high - self.low) } else { 0.5 }
    }
}

fn cells(
    chart: &Chart,
    panel: &Panel,
    frame: &Frame<'_>,
    colors: &Colors,
    numbered: bool,
) -> Vec<Shape> {
    let measure = &chart.quantities[panel.quantity];
    let mut shapes = Vec::new();
    for (row, points) in panel.points.iter().enumerate() {
        for point in points {
            let row = row as f64;
            let [x0, y0] = frame.place(point.x - 0.5, row - 0.5);
            let [x1, y1] = frame.place(point.x + 0.5, row + 0.5);
            let share = colors.share(places(measure, point)[0]);
            let size = [(x1 - x0).abs() + 0.05, (y1 - y0).abs() + 0.05];
            shapes.push(rectangle([x0.min(x1), y0.min(y1)], size, blues(share, numbered)));
            if numbered {
                let at = [0.5 * (x0 + x1), 0.5 * (y0 + y1) + 0.36 * SMALL];
                shapes.push(text(&colors.text(point.y.mean), at, SMALL, Anchor::Middle));
            }
        }
    }
    shapes
}

/// What the colours mean: a bar with its ticks, and its label.
fn bar(page: &mut Page, colors: &Colors, measure: &Measure, light: bool) {
    const LENGTH: f64 = 110.0;
    const STEPS: usize = 55;
    page.top += 4.0;
    let label = measure.column();
    let right = page.scene.width - MARGIN - 8.0;
    let left = right - LENGTH;
    let top = page.top;
    for step in 0..STEPS {
        let share = (step as f64 + 0.5) / STEPS as f64;
        let at = [left + LENGTH * step as f64 / STEPS as f64, top];
        let size = [LENGTH / STEPS as f64 + 0.05, 6.0];
        page.scene.shapes.push(rectangle(at, size, blues(share, light)));
    }
    page.scene.text(&label, [left - 5.0, top + 6.5], LABEL, Anchor::End);
    let bounds = [Some(colors.low), Some(colors.high)];
    let fits = fit_across(LENGTH);
    let range = [colors.low, colors.high];
    let ruler = match measure.scale {
        Scale::Log => Ruler::log(range, bounds, &fits),
        _ => Ruler::linear(range, bounds, &fits),
    };
    for (place, label) in &ruler.ticks {
        let x = left + LENGTH * ruler.share(*place);
        page.scene.line([x, top + 6.0], [x, top + 8.0], stroke(INK, 0.6));
        page.scene.text(label, [x, top + 9.0 + 0.8 * SMALL], SMALL, Anchor::Middle);
    }
    let corners = [[left, top], [left + LENGTH, top]];
    page.scene.shapes.push(line(corners[0], corners[1], stroke(INK, 0.3)));
    page.top += 10.0 + SMALL;
}
