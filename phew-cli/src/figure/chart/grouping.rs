//! Samples by panel, series and x, and the statistics of each group.

use std::collections::{BTreeMap, BTreeSet};

use super::relative::{Place, apply, counterpart, special};
use super::types::{Chart, Line, Panel, Point, Series};
use crate::collect::Row;
use crate::collect::Statistics;
use crate::failure::usage;
use crate::figure::axis::{Axis, Scale};
use crate::figure::cell::Cell;
use crate::figure::description::{Figure, Kind, Operation, Reference};
use crate::figure::measure::Measure;
use crate::figure::names::{Group, distinct, rounded};
use crate::figure::samples::{Sample, layer_names};
use crate::figure::style::styles;

/// A sample with its place among the panels and the series.
struct Placed<'r> {
    sample: Sample<'r>,
    panel: Group,
    series: Group,
    x: Option<Cell>,
    number: f64,
}

impl Placed<'_> {
    fn place(&self) -> Place {
        let (quantity, seed) = (self.sample.quantity, self.sample.cell("seed"));
        Place { quantity, panel: self.panel.key.clone(), x: self.x.clone(), seed }
    }
}

/// The chart of some samples.
pub(super) fn group(figure: &Figure, x: &Axis, samples: Vec<Sample<'_>>) -> anyhow::Result<Chart> {
    let mut quantities: Vec<Measure> = figure.y.iter().map(Measure::of).collect();
    let placed = samples.into_iter().map(|sample| Placed {
        panel: Group::of(sample.cells(&figure.panel)),
        series: Group::of(sample.cells(&figure.by)),
        x: sample.cell(&x.key),
        number: quantities[sample.quantity].number(sample.value),
        sample,
    });
    let mut placed: Vec<Placed<'_>> = placed.collect();
    let mut without = compare(figure, &mut quantities, &mut placed)?;
    let special = special(figure);
    let (across, mut placed): (Vec<_>, Vec<_>) =
        placed.into_iter().partition(|one| special.contains(&one.series.key));

    for series in figure.reference.iter().filter_map(|line| line.series.as_ref()) {
        if !across.iter().any(|one| one.series.key == *series) {
            let found = distinct(placed.iter().map(|one| one.series.clone()), figure);
            let found: Vec<String> = found.into_iter().map(|group| group.key).collect();
            let found = found.join(", ");
            return Err(usage(format!("reference: no series `{series}`, expected one of {found}")));
        }
    }

    let mut x_measure = Measure::of(x);
    let categorical = matches!(figure.kind, Kind::Bars | Kind::Heatmap | Kind::Table)
        || x_measure.scale == Scale::Category
        || x.named
        || placed.iter().any(|one| matches!(one.x, Some(Cell::Text(_))));
    let of_x = |one: &Placed<'_>| Group::of(one.x.iter().cloned().collect());
    let categories = categorical.then(|| distinct(placed.iter().map(of_x), figure));
    if categorical {
        x_measure.scale = Scale::Category;
    }
    // Where its place or its height is no number (the logarithm of 0), a sample cannot be drawn.
    let before = placed.len();
    placed.retain(|one| {
        let x = one.x.as_ref().and_then(Cell::number);
        let x = categorical || x.is_some_and(|x| place_of(&x_measure, x).is_finite());
        x && one.number.is_finite()
    });
    without += before - placed.len();

    let panel_groups = distinct(placed.iter().map(|one| one.panel.clone()), figure);
    let series_groups = distinct(placed.iter().map(|one| one.series.clone()), figure);
    let keys: Vec<String> = series_groups.iter().map(|group| group.key.clone()).collect();
    let series = series_groups.iter().zip(styles(&keys)).map(|(group, style)| Series {
        key: group.key.clone(),
        name: group.name(&figure.by, figure),
        style,
    });
    let mut panels = Vec::new();
    for (quantity, measure) in quantities.iter().enumerate() {
        for group in &panel_groups {
            let here = |one: &&Placed<'_>| one.sample.quantity == quantity && one.panel == *group;
            let placed: Vec<&Placed<'_>> = placed.iter().filter(here).collect();
            if placed.is_empty() {
                continue;
            }
            let across: Vec<&Placed<'_>> = across.iter().filter(here).collect();
            let own = (x.named && figure.own_axes)
                .then(|| distinct(placed.iter().map(|one| of_x(one)), figure));
            let of_series = |series: &Group| {
                let placed = placed.iter().copied().filter(|one| one.series == *series);
                points(figure, &x_measure, own.as_deref().or(categories.as_deref()), placed)
            };
            panels.push(Panel {
                name: group.name(&figure.panel, figure),
                quantity,
                categories: own.as_ref().map(|own| {
                    let rows: Vec<&Row> = placed.iter().map(|one| one.sample.row).collect();
                    names(figure, &x_measure, own, &layer_names(figure, &rows))
                }),
                points: series_groups.iter().map(of_series).collect(),
                lines: lines(figure, measure, &across),
            });
        }
    }
    let shown: Vec<&Row> = placed.iter().map(|one| one.sample.row).collect();
    let layers = if x.named { layer_names(figure, &shown) } else { BTreeMap::new() };
    let categories = categories.map(|groups| names(figure, &x_measure, &groups, &layers));
    let rows: BTreeSet<*const Row> =
        placed.iter().map(|one| std::ptr::from_ref(one.sample.row)).collect();
    Ok(Chart {
        x: x_measure,
        quantities,
        categories,
        series: series.collect(),
        lines: names_of_lines(figure),
        panels,
        rows: rows.len(),
        without,
        missing: 0,
        left_out: Vec::new(),
    })
}

/// What categories are called: layers by their names, if they have one.
fn names(
    figure: &Figure,
    x: &Measure,
    groups: &[Group],
    layers: &BTreeMap<String, String>,
) -> Vec<String> {
    let name = |group: &Group| match group.cells.first() {
        Some(Cell::Number(_)) if layers.contains_key(&group.key) => layers[&group.key].clone(),
        Some(Cell::Number(number)) if !figure.names.contains_key(&group.key) => {
            rounded(x.number(*number))
        }
        _ => group.name(&[], figure),
    };
    groups.iter().map(name).collect()
}

/// Puts numbers in relation to another series, if the figure asks for it; those that have none to compare with are
/// taken out: how many.
fn compare(
    figure: &Figure,
    quantities: &mut [Measure],
    placed: &mut Vec<Placed<'_>>,
) -> anyhow::Result<usize> {
    let Some(relative) = &figure.relative else { return Ok(0) };
    let is_other = |one: &&Placed<'_>| one.series.key == relative.to;
    let others = placed.iter().filter(is_other).map(|one| (one.place(), one.number));
    let others: Vec<(Place, f64)> = others.collect();
    let before = placed.len() - others.len();
    if others.is_empty() {
        return Err(usage(format!("relative.to: no series `{}` in the rows", relative.to)));
    }
    placed.retain_mut(|one| {
        let measure = &quantities[one.sample.quantity];
        let Some(other) = counterpart(&one.place(), &others) else { return false };
        one.number = apply(relative.operation, measure, one.number, other);
        one.series.key != relative.to
    });
    let other = Group::of(vec![Cell::of_text(&relative.to)]).name(&[], figure);
    for measure in quantities {
        *measure = relabelled(measure.clone(), relative.operation, &other)?;
    }
    Ok(before - placed.len())
}

fn place_of(x: &Measure, stored: f64) -> f64 {
    x.place(x.number(stored))
}

/// The points of a series in a panel: one for each x, or of a scatter one for each sample.
fn points<'p, 'r: 'p>(
    figure: &Figure,
    x: &Measure,
    categories: Option<&[Group]>,
    placed: impl Iterator<Item = &'p Placed<'r>>,
) -> Vec<Point> {
    // By x, or by the column that makes the points: what tells them apart, and what is in them.
    let mut groups: BTreeMap<String, Vec<(f64, String, f64)>> = BTreeMap::new();
    for (number, one) in placed.enumerate() {
        let Some(cell) = &one.x else { continue };
        let at = match (&categories, cell.number()) {
            (Some(groups), _) => groups.iter().position(|g| g.cells[0] == *cell).map(|p| p as f64),
            (None, stored) => stored.map(|stored| place_of(x, stored)),
        };
        let Some(at) = at else { continue };
        let key = match (&figure.at, figure.kind) {
            (_, Kind::Scatter) => number.to_string(),
            (Some(key), _) => one.sample.cell(key).map_or_else(String::new, |cell| cell.text()),
            (None, _) => cell.text(),
        };
        let label = cell.number().map_or_else(|| cell.text(), |stored| rounded(x.number(stored)));
        groups.entry(key).or_default().push((at, label, one.number));
    }
    let point = |group: Vec<(f64, String, f64)>| {
        let at = group.iter().map(|entry| entry.0).sum::<f64>() / group.len() as f64;
        let same = group.iter().all(|entry| entry.1 == group[0].1);
        let label = if same { group[0].1.clone() } else { rounded(at) };
        let numbers: Vec<f64> = group.iter().map(|entry| entry.2).collect();
        Point { x: at, label, y: Statistics::of(&numbers) }
    };
    let mut points: Vec<Point> = groups.into_values().map(point).collect();
    points.sort_by(|a, b| a.x.total_cmp(&b.x));
    points
}

/// The heights of the horizontal lines in a panel.
fn lines(figure: &Figure, measure: &Measure, across: &[&Placed<'_>]) -> Vec<Option<Statistics>> {
    let height = |line: &Reference| {
        let numbers: Vec<f64> = match (&line.series, line.value) {
            (Some(series), _) => {
                // A dense network stands in a row for each density of the plan: it counts once for each seed.
                let mut counted = BTreeSet::new();
                let of_it = across.iter().filter(|one| one.series.key == *series);
                let of_it = of_it.filter(|one| one.number.is_finite());
                let of_it = of_it.filter(|one| {
                    let seed = one.sample.cell("seed").map(|seed| seed.text());
                    counted.insert((seed, one.number.to_bits()))
                });
                of_it.map(|one| one.number).collect()
            }
            (None, value) => value.map(|value| given(measure, value)).into_iter().collect(),
        };
        (!numbers.is_empty()).then(|| Statistics::of(&numbers))
    };
    let even = figure.relative.as_ref().map(|relative| match relative.operation {
        Operation::Ratio => Some(Statistics::of(&[given(measure, 1.0)])),
        Operation::Difference => Some(Statistics::of(&[0.0])),
    });
    figure.reference.iter().map(height).chain(even).collect()
}

/// A value of a description, which is never a logarithm, as the numbers of a measure are.
fn given(measure: &Measure, value: f64) -> f64 {
    if measure.of_logarithms() { libm::log10(value) } else { measure.number(value) }
}

fn names_of_lines(figure: &Figure) -> Vec<Line> {
    let name = |line: &Reference| {
        let of_series = |key: &String| Group::of(vec![Cell::of_text(key)]).name(&[], figure);
        let value = || line.value.map(rounded);
        let label = line.label.clone().or_else(|| line.series.as_ref().map(of_series));
        Line { name: label.or_else(value).unwrap_or_default() }
    };
    let even = figure.relative.iter().map(|relative| Line {
        name: Group::of(vec![Cell::of_text(&relative.to)]).name(&[], figure),
    });
    figure.reference.iter().map(name).chain(even).collect()
}

/// The label of a measure that is relative to another series.
fn relabelled(measure: Measure, operation: Operation, other: &str) -> anyhow::Result<Measure> {
    let mut measure = match operation {
        Operation::Ratio => measure.without_percent(),
        Operation::Difference if measure.of_logarithms() => {
            return Err(usage("relative.as: \"difference\" of logarithms, expected \"ratio\""));
        }
        Operation::Difference => measure,
    };
    match operation {
        Operation::Ratio => measure.label += &format!(" over that of {other}"),
        Operation::Difference => {
            measure.label += &format!(" minus that of {other}");
            measure.scale = Scale::Linear;
        }
    }
    Ok(measure)
}
