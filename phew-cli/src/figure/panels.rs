//! Small multiples: panels in a grid that share their axes.

use super::chart::Chart;
use super::description::Figure;
use super::font::{width, wrapped};
use super::page::{LABEL, MARGIN, Page, SMALL};
use super::ruler::Ruler;
use super::scene::{Anchor, Shape, Text, line, stroke};
use super::style::{INK, PALE};

/// Between panels.
const GAP: f64 = 9.0;
/// Length of a tick, and from there to its label.
const TICK: f64 = 2.5;
const SPACE: f64 = 2.0;

/// A panel's place, and its axes.
#[derive(Clone, Debug)]
pub(crate) struct Frame<'r> {
    pub(crate) at: [f64; 2],
    pub(crate) size: [f64; 2],
    pub(crate) x: &'r Ruler,
    pub(crate) y: &'r Ruler,
}

impl Frame<'_> {
    /// Where a point lies.
    pub(crate) fn place(&self, x: f64, y: f64) -> [f64; 2] {
        let [left, top] = self.at;
        let [width, height] = self.size;
        [left + width * self.x.share(x), top + height * (1.0 - self.y.share(y))]
    }
}

/// The grid of a figure: how many panels beside each other, and about how large each is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grid {
    pub(crate) columns: usize,
    /// About the width of a panel, known before its labels are.
    pub(crate) width: f64,
    pub(crate) height: f64,
}

/// The axes of all panels, for each one from left to right and one from bottom to top.
#[derive(Clone, Debug)]
pub(crate) struct Axes {
    pub(crate) x: Vec<Ruler>,
    /// Degrees by which the labels below the panels are turned.
    pub(crate) angle: f64,
    pub(crate) y: Vec<Ruler>,
    /// What stands beside those of each quantity.
    pub(crate) y_labels: Vec<String>,
    pub(crate) x_label: String,
    /// Whether panels have lines across at the ticks.
    pub(crate) grid: bool,
}

impl Grid {
    /// How many panels stand beside each other: as the description says, or at most four.
    pub(crate) fn columns(figure: &Figure, chart: &Chart) -> usize {
        let panels = chart.panels.len();
        let of_one_quantity = chart.panels.iter().filter(|panel| panel.quantity == 0).count();
        let even = |most: usize| {
            let rows = panels.div_ceil(most);
            panels.div_ceil(rows.max(1))
        };
        let usual = match (chart.quantities.len(), of_one_quantity) {
            // A row for each quantity.
            (2.., 2..=4) => of_one_quantity,
            _ => even(4),
        };
        figure.columns.unwrap_or(usual).clamp(1, panels.max(1))
    }

    /// The panels that a page has room for.
    pub(crate) fn new(figure: &Figure, chart: &Chart, page: &Page) -> Self {
        let columns = Self::columns(figure, chart);
        let width = (page.inner() - 32.0 - GAP * (columns - 1) as f64) / columns as f64;
        let ratio = if columns == 1 { 0.64 } else { 0.85 };
        Self { columns, width, height: (ratio * width).clamp(60.0, 220.0) }
    }
}

/// Whether labels from left to right have room on an axis of this length.
pub(crate) fn fit_across(length: f64) -> impl Fn(&[(f64, String)], [f64; 2]) -> bool {
    move |ticks, [low, high]| {
        let at = |place: f64| length * (place - low) / (high - low);
        ticks.windows(2).all(|pair| {
            let half = |tick: &(f64, String)| 0.5 * width(&tick.1, SMALL);
            at(pair[1].0) - at(pair[0].0) >= half(&pair[0]) + half(&pair[1]) + 4.0
        })
    }
}

/// Whether labels one above the other have room on an axis of this length.
pub(crate) fn fit_upwards(length: f64) -> impl Fn(&[(f64, String)], [f64; 2]) -> bool {
    move |ticks, [low, high]| {
        let at = |place: f64| length * (place - low) / (high - low);
        ticks.windows(2).all(|pair| at(pair[1].0) - at(pair[0].0) >= 1.7 * SMALL)
    }
}

/// Draws the panels; what is in one comes from `inside`.
pub(crate) fn draw(
    page: &mut Page,
    chart: &Chart,
    grid: Grid,
    axes: &Axes,
    inside: impl Fn(usize, &Frame<'_>) -> Vec<Shape>,
) {
    let columns = grid.columns;
    let panels = &chart.panels;
    // Beside its left neighbour, a panel with the same axis needs no labels, and one of the same quantity no name for it.
    let called = |panel: usize| {
        panel.is_multiple_of(columns) || panels[panel - 1].quantity != panels[panel].quantity
    };
    let labelled = |panel: usize| called(panel) || axes.y[panel - 1] != axes.y[panel];
    let label = |panel: usize| match called(panel) {
        true => axes.y_labels[panels[panel].quantity].as_str(),
        false => "",
    };
    let longest = |panel: usize| {
        let ticks = axes.y[panel].ticks.iter();
        ticks.map(|tick| width(&tick.1, SMALL)).fold(0.0, f64::max)
    };
    let beside = |panel: usize| {
        let label = label(panel);
        let lines = label_lines(label, grid.height).len() as f64;
        longest(panel) + SPACE + TICK + lines * (LABEL + 1.0) + if lines > 0.0 { 3.0 } else { 0.0 }
    };
    let margin = |column: usize| {
        let of_column = (column..panels.len()).step_by(columns).filter(|panel| labelled(*panel));
        of_column.map(beside).fold(0.0, f64::max)
    };
    let mut margins: Vec<f64> = (0..columns).map(margin).collect();
    let last = axes.x.iter().filter_map(|x| x.ticks.last()).filter(|_| axes.angle == 0.0);
    let right = last.map(|tick| 0.25 * width(&tick.1, SMALL)).fold(0.0, f64::max);
    let gaps = GAP * (columns - 1) as f64 + right;
    let room =
        |margins: &[f64]| (page.inner() - margins.iter().sum::<f64>() - gaps) / columns as f64;
    // Slanted labels begin to the left of their ticks: the first of them must not begin beyond the page. What they take
    // narrows the panels, and that brings their ticks nearer.
    for _ in 0..4 {
        margins[0] = margins[0].max(overhang(axes, room(&margins)));
    }
    let width = room(&margins);
    // What stands above the panel above stands above this one too.
    let name = |panel: usize| match panel.checked_sub(columns).map(|above| &panels[above].name) {
        Some(above) if *above == panels[panel].name => "",
        _ => panels[panel].name.as_str(),
    };
    let below = below(axes);
    // Above a panel with the same axis, a panel needs no labels.
    let last = |panel: usize| axes.x.get(panel + columns) != Some(&axes.x[panel]);
    let mut row_top = page.top;
    for first in (0..panels.len()).step_by(columns) {
        let named =
            (first..(first + columns).min(panels.len())).any(|panel| !name(panel).is_empty());
        let top = row_top + if named { SMALL + 5.0 } else { 2.0 };
        let mut left = MARGIN;
        let mut lowest = top + grid.height;
        for panel in first..(first + columns).min(panels.len()) {
            left += margins[panel - first];
            let y = &axes.y[panel];
            let x = &axes.x[panel];
            let frame = Frame { at: [left, top], size: [width, grid.height], x, y };
            let bottom = last(panel);
            lowest = lowest.max(top + grid.height + if bottom { below } else { 0.0 });
            let shapes = &mut page.scene.shapes;
            shapes.extend(lines(&frame, axes));
            shapes.push(Shape::Within {
                at: [left - 3.0, top - 3.0],
                size: [width + 6.0, grid.height + 6.0],
                shapes: inside(panel, &frame),
            });
            shapes.extend(spines(&frame));
            if labelled(panel) {
                shapes.extend(upright(&frame, label(panel), longest(panel)));
            }
            shapes.extend(ticks_below(&frame, axes, bottom));
            let at = [left + 0.5 * width, top - 4.0];
            page.scene.text(name(panel), at, SMALL + 0.5, Anchor::Middle);
            left += width + GAP;
        }
        row_top = lowest + GAP;
    }
    page.top = row_top - GAP;
    if !axes.x_label.is_empty() {
        page.top += LABEL + 1.0;
        let start = MARGIN + margins[0];
        let middle = start + 0.5 * (page.scene.width - MARGIN - right - start);
        page.scene.text(&axes.x_label, [middle, page.top], LABEL, Anchor::Middle);
        page.top += 2.0;
    }
}

/// How far slanted labels begin to the left of a panel of this width.
fn overhang(axes: &Axes, panel: f64) -> f64 {
    if axes.angle == 0.0 {
        return 0.0;
    }
    let (sin, cos) = axes.angle.to_radians().sin_cos();
    let beyond = |x: &Ruler, (place, label): &(f64, String)| {
        width(label, SMALL) * cos + 0.75 * SMALL * sin - 0.3 * SMALL - panel * x.share(*place)
    };
    axes.x.iter().flat_map(|x| x.ticks.iter().map(move |tick| beyond(x, tick))).fold(0.0, f64::max)
}

/// The height of ticks and labels below a panel.
fn below(axes: &Axes) -> f64 {
    let ticks = axes.x.iter().flat_map(|x| &x.ticks);
    let longest = ticks.map(|tick| width(&tick.1, SMALL)).fold(0.0, f64::max);
    TICK + SPACE + SMALL + longest * axes.angle.to_radians().sin()
}

/// Lines across the panel at its ticks.
fn lines(frame: &Frame<'_>, axes: &Axes) -> Vec<Shape> {
    let [left, _] = frame.at;
    let ticks = frame.y.ticks.iter().filter(|_| axes.grid);
    let line = |(place, _): &(f64, String)| {
        let [_, y] = frame.place(0.0, *place);
        line([left, y], [left + frame.size[0], y], stroke(PALE, 0.5))
    };
    ticks.map(line).collect()
}

/// The axes themselves.
fn spines(frame: &Frame<'_>) -> [Shape; 2] {
    let ([left, top], [width, height]) = (frame.at, frame.size);
    let corner = [left, top + height];
    let ink = stroke(INK, 0.6);
    [line([left, top], corner, ink), line(corner, [left + width, top + height], ink)]
}

/// Ticks, their labels and the label of the axis to the left of a panel.
fn upright(frame: &Frame<'_>, label: &str, longest: f64) -> Vec<Shape> {
    let ([left, top], [_, height]) = (frame.at, frame.size);
    let mut shapes = Vec::new();
    let mut tick = |place: f64, length: f64| {
        let [_, y] = frame.place(0.0, place);
        shapes.push(line([left - length, y], [left, y], stroke(INK, 0.6)));
        y
    };
    frame.y.minor.iter().for_each(|place| _ = tick(*place, 0.5 * TICK));
    let labels: Vec<(f64, &String)> =
        frame.y.ticks.iter().map(|(place, label)| (tick(*place, TICK), label)).collect();
    for (y, label) in labels {
        let at = [left - TICK - SPACE, y + 0.36 * SMALL];
        shapes.push(super::scene::text(label, at, SMALL, Anchor::End));
    }
    for (back, text) in label_lines(label, height).into_iter().rev().enumerate() {
        let back = 4.0 + back as f64 * (LABEL + 1.0);
        shapes.push(Shape::Text(Text {
            text,
            at: [left - longest - TICK - SPACE - back, top + 0.5 * height],
            size: LABEL,
            anchor: Anchor::Middle,
            angle: 90.0,
            color: INK,
        }));
    }
    shapes
}

/// The label beside an axis of this length, which it may exceed a little.
fn label_lines(label: &str, length: f64) -> Vec<String> {
    wrapped(label, LABEL, length + 14.0)
}

/// Ticks below a panel, and their labels if it has them.
fn ticks_below(frame: &Frame<'_>, axes: &Axes, labelled: bool) -> Vec<Shape> {
    let bottom = frame.at[1] + frame.size[1];
    let mut shapes = Vec::new();
    let mut tick = |place: f64, length: f64| {
        let [x, _] = frame.place(place, 0.0);
        shapes.push(line([x, bottom], [x, bottom + length], stroke(INK, 0.6)));
        x
    };
    frame.x.minor.iter().for_each(|place| _ = tick(*place, 0.5 * TICK));
    let places: Vec<f64> = frame.x.ticks.iter().map(|(place, _)| tick(*place, TICK)).collect();
    for ((_, label), x) in frame.x.ticks.iter().zip(places).filter(|_| labelled) {
        let (anchor, x) = match axes.angle == 0.0 {
            true => (Anchor::Middle, x),
            false => (Anchor::End, x + 0.3 * SMALL),
        };
        let at = [x, bottom + TICK + SPACE + 0.75 * SMALL];
        let (text, angle) = (label.clone(), axes.angle);
        shapes.push(Shape::Text(Text { text, at, size: SMALL, anchor, angle, color: INK }));
    }
    shapes
}
