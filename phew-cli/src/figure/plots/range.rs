//! The axes of a chart: as far as its points reach, with ticks as there is room.

use crate::figure::axis::Scale;
use crate::figure::chart::{Chart, Panel, Point};
use crate::figure::description::Figure;
use crate::figure::font::width;
use crate::figure::measure::Measure;
use crate::figure::page::SMALL;
use crate::figure::panels::{Axes, Grid, fit_across, fit_upwards};
use crate::figure::ruler::{Fits, Ruler};

/// The places of a point: its mean, and one standard deviation below and above. What lies below every place of an axis
/// of decades is −∞.
pub(super) fn places(measure: &Measure, point: &Point) -> [f64; 3] {
    let deviation = if point.y.deviation.is_finite() { point.y.deviation } else { 0.0 };
    let at = |number: f64| {
        let place = measure.place(number);
        if place.is_nan() { f64::NEG_INFINITY } else { place }
    };
    [at(point.y.mean), at(point.y.mean - deviation), at(point.y.mean + deviation)]
}

/// The axes of a chart; `zero` takes in 0 where an axis is proportional.
pub(super) fn axes(figure: &Figure, chart: &Chart, grid: Grid, zero: bool) -> Axes {
    let (x, angle) = x(chart, grid);
    let x = x.into_iter().map(|x| x.reversed(chart.x.reversed));
    let y = |panel: &Panel| {
        let shared = chart.panels.iter().filter(|other| match figure.own_axes {
            true => std::ptr::eq(*other, panel),
            false => other.quantity == panel.quantity,
        });
        y(&chart.quantities[panel.quantity], shared, grid, zero)
    };
    Axes {
        x: x.collect(),
        angle,
        y: chart.panels.iter().map(y).collect(),
        y_labels: chart.quantities.iter().map(|measure| measure.label.clone()).collect(),
        x_label: chart.x.label.clone(),
        grid: true,
    }
}

/// The axis that some panels share.
fn y<'p>(
    measure: &Measure,
    panels: impl Iterator<Item = &'p Panel>,
    grid: Grid,
    zero: bool,
) -> Ruler {
    let mut found = Vec::new();
    for panel in panels {
        let points = panel.points.iter().flatten();
        found.extend(points.flat_map(|point| places(measure, point)));
        found.extend(panel.lines.iter().flatten().map(|line| measure.place(line.mean)));
    }
    let mut bounds = measure.bounds;
    if zero && measure.scale != Scale::Log {
        found.push(0.0);
        let (low, high) = extent(&found);
        // Bars stand on the axis.
        bounds[0] = bounds[0].or((low >= 0.0).then_some(0.0));
        bounds[1] = bounds[1].or((high <= 0.0).then_some(0.0));
    }
    ruler(measure, extent(&found), bounds, &fit_upwards(grid.height))
}

/// The axis of each panel from left to right, and by how many degrees their labels are turned.
pub(super) fn x(chart: &Chart, grid: Grid) -> (Vec<Ruler>, f64) {
    let fits = fit_across(grid.width);
    let of_panel = |panel: &Panel| panel.categories.clone().or_else(|| chart.categories.clone());
    let all: Option<Vec<Vec<String>>> = chart.panels.iter().map(of_panel).collect();
    let Some(all) = all else {
        let places: Vec<f64> = chart.points().map(|point| point.x).collect();
        let shared = ruler(&chart.x, extent(&places), chart.x.bounds, &fits);
        return (vec![shared; chart.panels.len()], 0.0);
    };
    let slot = |names: &[String]| grid.width / names.len().max(1) as f64;
    let stands = |names: &Vec<String>| {
        let slot = slot(names);
        names.iter().all(|name| width(name, SMALL) + 4.0 <= slot)
            || names.iter().all(|name| name.parse::<f64>().is_ok())
    };
    if all.iter().all(stands) {
        return (all.iter().map(|names| Ruler::categories(names, &fits)).collect(), 0.0);
    }
    let turned = |names: &Vec<String>| {
        let slot = slot(names);
        let fits = move |ticks: &[(f64, String)], _: [f64; 2]| {
            ticks.windows(2).all(|pair| (pair[1].0 - pair[0].0) * slot >= 1.3 * SMALL)
        };
        Ruler::categories(names, &fits)
    };
    // The closer they stand, the steeper.
    let close = all.iter().any(|names| slot(names) < 1.8 * SMALL);
    (all.iter().map(turned).collect(), if close { 60.0 } else { 40.0 })
}

/// An axis of the measure's scale.
fn ruler(
    measure: &Measure,
    (low, high): (f64, f64),
    bounds: [Option<f64>; 2],
    fits: Fits<'_>,
) -> Ruler {
    let ruler = match measure.scale {
        Scale::Log => Ruler::log([low, high], bounds, fits),
        Scale::Linear | Scale::Category => Ruler::linear([low, high], bounds, fits),
    };
    ruler.reversed(measure.reversed)
}

/// The least and the greatest of the places that are numbers.
pub(super) fn extent(places: &[f64]) -> (f64, f64) {
    let finite = || places.iter().copied().filter(|place| place.is_finite());
    let (low, high) =
        (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
    if low <= high { (low, high) } else { (0.0, 1.0) }
}
