//! Means and standard deviations as numbers.

use crate::figure::chart::{Chart, Panel, Point};
use crate::figure::description::Figure;
use crate::figure::font::width;
use crate::figure::page::{MARGIN, Page, SMALL};
use crate::figure::samples::NOTHING;
use crate::figure::scene::{Anchor, Scene, stroke};
use crate::figure::style::{GREY, INK};

/// The height of a line.
const LINE: f64 = 11.0;
/// Between columns.
const GAP: f64 = 9.0;

/// A column: what stands above it, an entry for each series, and how wide they are.
struct Column {
    name: String,
    entries: Vec<String>,
    width: f64,
}

/// The columns of a panel under its name.
struct Head {
    name: String,
    columns: Vec<Column>,
}

impl Head {
    /// Only what a panel has is a column of it.
    fn of(chart: &Chart, panel: &Panel) -> Self {
        let decimals = decimals(panel.points.iter().flatten());
        let quantity = &chart.quantities[panel.quantity];
        let name = match (chart.quantities.len() > 1, panel.name.is_empty()) {
            (true, true) => quantity.column(),
            (true, false) => format!("{}: {}", panel.name, quantity.column()),
            (false, _) => panel.name.clone(),
        };
        // Where nothing is told apart from left to right, what the panel is called stands above its only column.
        let alone = chart.x.key == NOTHING;
        let names = chart.categories.iter().flatten();
        let names = names.map(|category| if alone { &name } else { category });
        let mut names: Vec<(usize, &String)> = names.enumerate().collect();
        if chart.x.reversed {
            names.reverse();
        }
        let mut columns = Vec::new();
        for (place, name) in names {
            let here = |point: &&Point| (point.x - place as f64).abs() < 0.5;
            let at = |points: &Vec<Point>| {
                points.iter().find(here).map_or_else(String::new, |point| entry(point, decimals))
            };
            let entries: Vec<String> = panel.points.iter().map(at).collect();
            if entries.iter().any(|entry| !entry.is_empty()) {
                let widths = entries.iter().chain([name]).map(|text| width(text, SMALL));
                let width = widths.fold(0.0, f64::max);
                columns.push(Column { name: name.clone(), entries, width });
            }
        }
        Self { name: if alone { String::new() } else { name }, columns }
    }

    /// The width of its columns, and of all with its name.
    fn widths(&self) -> [f64; 2] {
        let columns = self.columns.iter().map(|column| column.width + GAP).sum::<f64>();
        [columns, columns.max(width(&self.name, SMALL) + GAP)]
    }
}

/// Panels and x by columns, series by rows. As wide as it must be.
pub(crate) fn table(figure: &Figure, chart: &Chart, notes: &[String]) -> Scene {
    let heads: Vec<Head> = chart.panels.iter().map(|panel| Head::of(chart, panel)).collect();
    let first = chart.series.iter().map(|series| width(&series.name, SMALL));
    let first = first.fold(width(&chart.x.label, SMALL), f64::max) + GAP;
    let whole = 2.0 * MARGIN + first + heads.iter().map(|head| head.widths()[1]).sum::<f64>() - GAP;
    let mut page = Page::new(figure, heads.len());
    page.scene.width = page.scene.width.max(whole);
    // What is left of the width goes between the columns.
    let count: usize = heads.iter().map(|head| head.columns.len()).sum();
    let more = (page.scene.width - whole) / count.max(1) as f64;
    let (left, right) = (MARGIN, MARGIN + page.inner());
    let rule = |page: &mut Page, thick: f64| {
        page.scene.line([left, page.top], [right, page.top], stroke(INK, thick));
    };
    rule(&mut page, 0.9);
    let named = heads.iter().any(|head| !head.name.is_empty());
    let above = if named { LINE } else { 0.0 };
    let base = page.top + above + 8.5;
    page.scene.text(&chart.x.label, [left, base], SMALL, Anchor::Start);
    // The rows begin below a rule.
    let row = |row: usize| base + 4.0 + LINE * (row + 1) as f64;
    for (place, series) in chart.series.iter().enumerate() {
        page.scene.text(&series.name, [left, row(place)], SMALL, Anchor::Start);
    }
    let mut x = left + first;
    for head in &heads {
        let [columns, wide] = head.widths();
        let spare = more + (wide - columns) / head.columns.len().max(1) as f64;
        let end = x + wide + more * head.columns.len() as f64 - GAP;
        if named {
            let at = [0.5 * (x + end), page.top + 8.5];
            page.scene.text(&head.name, at, SMALL, Anchor::Middle);
            let under = page.top + LINE;
            page.scene.line([x, under], [end, under], stroke(GREY, 0.4));
        }
        for column in &head.columns {
            let right = x + column.width + spare;
            page.scene.text(&column.name, [right, base], SMALL, Anchor::End);
            for (place, entry) in column.entries.iter().enumerate() {
                page.scene.text(entry, [right, row(place)], SMALL, Anchor::End);
            }
            x = right + GAP;
        }
    }
    page.top = base + 3.5;
    rule(&mut page, 0.5);
    page.top = row(chart.series.len()) - LINE + 4.0;
    rule(&mut page, 0.9);
    page.notes(notes);
    page.finish()
}

/// `93.56 ± 0.04`.
fn entry(point: &Point, decimals: usize) -> String {
    let mean = format!("{:.decimals$}", point.y.mean).replace('-', "−");
    match point.y.deviation {
        deviation if deviation.is_finite() => format!("{mean} ± {deviation:.decimals$}"),
        _ => mean,
    }
}

/// Decimals that show two digits of the deviations, or four of the means less what is 0 in all of them.
fn decimals<'p>(points: impl Iterator<Item = &'p Point>) -> usize {
    let means: Vec<(f64, f64)> = points.map(|point| (point.y.mean, point.y.deviation)).collect();
    let deviation = means.iter().fold(0.0, |most, point| f64::max(most, point.1));
    let mean = means.iter().fold(0.0, |most, point| f64::max(most, point.0.abs()));
    let digits = |number: f64, digits: i32| match number > 0.0 {
        true => usize::try_from(digits - 1 - number.log10().floor() as i32).unwrap_or(0).min(5),
        false => 0,
    };
    if deviation > 0.0 {
        return digits(deviation, 2);
    }
    let most = digits(mean, 4);
    let ends_in_zero = |decimals: &usize| {
        means.iter().all(|point| format!("{:.*}", *decimals, point.0).ends_with('0'))
    };
    most - (1..=most).rev().take_while(ends_in_zero).count()
}
