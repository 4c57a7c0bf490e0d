//! What a figure says of its own numbers: means of how many, and what is not there.

use super::cell::Cell;
use super::chart::Chart;
use super::description::{Figure, Kind};
use super::names::{Group, rounded};

/// The lines under a chart, the description's own note last.
pub(crate) fn notes(figure: &Figure, chart: &Chart) -> Vec<String> {
    let ns = || chart.points().map(|point| point.y.n);
    let (least, most) = (ns().min().unwrap_or(0), ns().max().unwrap_or(0));
    let n = if least == most { format!("n = {most}") } else { format!("n = {least} to {most}") };
    let logarithms = chart.quantities.iter().filter(|measure| measure.of_logarithms());
    let (mean, of) = match logarithms.count() {
        0 => ("Mean", ""),
        all if all == chart.quantities.len() => ("Geometric mean", " of the logarithm"),
        _ => ("Mean (geometric, where the axis is of decades)", ""),
    };
    let statistics = match figure.kind {
        Kind::Scatter => format!("A point for each of {} results.", chart.points().count()),
        _ if most <= 1 => format!("{n}."),
        Kind::Lines => format!("{mean} of {n}; band: ± one standard deviation{of}."),
        Kind::Bars => format!("{mean} of {n}; whiskers: ± one standard deviation{of}."),
        Kind::Table => format!("{mean} ± standard deviation{of} of {n}."),
        Kind::Heatmap | Kind::Images => format!("{mean} of {n}."),
    };
    let mut notes = statistics;
    if chart.without > 0 {
        notes += &format!(
            " Not drawn: {} without a place on the axes.",
            counted(chart.without, "number")
        );
    }
    if chart.missing > 0 {
        notes += &format!(" Missing: {}.", counted(chart.missing, "result"));
    }
    if let Some(least) = figure.least.as_ref().filter(|_| !chart.left_out.is_empty()) {
        let of = Group::of(vec![Cell::of_text(&least.of)]).name(&[], figure);
        notes += &format!(" Never as good as {of} less {}: ", rounded(least.within));
        notes += &(chart.left_out.join("; ") + ".");
    }
    [notes].into_iter().chain(figure.note.clone()).collect()
}

fn counted(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}
