//! From rows to what is drawn: panels, series, points.

mod grouping;
mod least;
mod relative;
mod types;

use super::columns;
use super::description::Figure;
use super::names::Group;
use super::samples::{Sample, measured, samples, x_of};
use crate::collect::Row;
use crate::failure::usage;

pub(crate) use types::{Chart, Panel, Point};

impl Chart {
    /// What the figure shows of the rows.
    ///
    /// # Errors
    /// If a column is in no row, or no row is left to show.
    pub(crate) fn new(figure: &Figure, rows: &[Row]) -> anyhow::Result<Self> {
        let x = x_of(figure, rows);
        let samples = samples(figure, &x.key, rows)?;
        let special = relative::special(figure);
        let least = figure.least.as_ref();
        let reached = least.map(|least| least::reached(figure, least, rows)).transpose()?;
        let taken = |sample: &Sample<'_>| {
            // What is drawn across, or compared with, need not be where the others are.
            let across = special.contains(&Group::of(sample.cells(&figure.by)).key);
            let holds = figure.conditions.iter().all(|condition| {
                (across && condition.name() == x.key)
                    || condition
                        .holds(sample.cell(condition.name()).map(|cell| cell.value()).as_ref())
            });
            let reaches = across || reached.as_ref().is_none_or(|found| found.has(sample.row));
            holds && reaches && (across || sample.cell(&x.key).is_some())
        };
        let samples: Vec<Sample<'_>> = samples.into_iter().filter(taken).collect();
        let mut chart = grouping::group(figure, &x, samples)?;
        let missing = |row: &&Row| {
            !row.missing.is_empty()
                && columns::taken(row, &figure.conditions)
                && figure.y.iter().any(|y| !measured(row, &y.key))
        };
        chart.missing = rows.iter().filter(missing).count();
        chart.left_out = reached.map(|found| found.left_out).unwrap_or_default();
        if chart.panels.iter().all(|panel| panel.points.iter().all(Vec::is_empty)) {
            return Err(usage("no row is left to show: what `where` asks for, and has numbers"));
        }
        if figure.normalise {
            chart.normalise();
        }
        Ok(chart)
    }

    /// All points.
    pub(crate) fn points(&self) -> impl Iterator<Item = &Point> {
        self.panels.iter().flat_map(|panel| panel.points.iter().flatten())
    }

    /// Divides by the greatest mean of each panel.
    fn normalise(&mut self) {
        for panel in &mut self.panels {
            let logarithms = self.quantities[panel.quantity].of_logarithms();
            let means = panel.points.iter().flatten().map(|point| point.y.mean);
            let greatest = match logarithms {
                true => means.fold(f64::NEG_INFINITY, f64::max),
                false => means.map(f64::abs).fold(0.0, f64::max),
            };
            let points = panel.points.iter_mut().flatten().map(|point| &mut point.y);
            for y in points.chain(panel.lines.iter_mut().flatten()) {
                if logarithms {
                    y.mean -= greatest;
                } else if greatest > 0.0 {
                    y.mean /= greatest;
                    y.deviation /= greatest;
                }
            }
        }
        for quantity in &mut self.quantities {
            *quantity = quantity.clone().without_percent();
            quantity.label += " (over the greatest)";
        }
    }
}
