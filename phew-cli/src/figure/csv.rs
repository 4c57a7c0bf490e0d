//! The numbers of a figure as CSV.

use super::chart::Chart;
use crate::collect::{Statistics, csv_line as line};

/// A line for each point: panel, series, x, quantity, mean, standard deviation (nothing for one number), n; then for each
/// horizontal line, without x.
pub(crate) fn csv(chart: &Chart) -> String {
    let x = if chart.x.label.is_empty() { "x" } else { &chart.x.label };
    let head = ["panel", "series", x, "quantity", "mean", "deviation", "n"];
    let mut out = line(&head.map(str::to_owned));
    for panel in &chart.panels {
        let quantity = chart.quantities[panel.quantity].column();
        let mut add = |series: &str, x: String, y: Statistics| {
            let deviation =
                if y.deviation.is_nan() { String::new() } else { y.deviation.to_string() };
            out += &line(&[
                panel.name.clone(),
                series.to_owned(),
                x,
                quantity.clone(),
                y.mean.to_string(),
                deviation,
                y.n.to_string(),
            ]);
        };
        for (points, series) in panel.points.iter().zip(&chart.series) {
            for point in points {
                add(&series.key, point.label.clone(), point.y);
            }
        }
        for (y, line) in panel.lines.iter().zip(&chart.lines) {
            if let Some(y) = y {
                add(&line.name, String::new(), *y);
            }
        }
    }
    out
}
