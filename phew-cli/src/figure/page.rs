//! The frame of every figure: its width, the title above, legend and note below.

use super::description::Figure;
use super::font::{width, wrapped};
use super::marker::marker;
use super::scene::{Anchor, Scene, Shape, Stroke, Text, line, rectangle};
use super::style::{Color, GREY, INK, Style};

/// Sizes of the font, in points: none is below 7, at the width of a column.
pub(crate) const TITLE: f64 = 9.0;
pub(crate) const LABEL: f64 = 8.0;
pub(crate) const SMALL: f64 = 7.0;

/// The margin around everything.
pub(crate) const MARGIN: f64 = 4.0;

/// A column and a page, in millimetres.
const COLUMN: f64 = 85.0;
const WHOLE: f64 = 178.0;

/// An entry of the legend.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) sign: Sign,
}

/// What stands before a name in the legend.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Sign {
    /// A line with its marker.
    Line(Style),
    /// A marker alone.
    Marker(Style),
    Area(Color),
    /// A horizontal line across a panel.
    Across(Stroke),
}

/// A figure that grows from the top to the bottom.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    pub(crate) scene: Scene,
    /// Where the next part begins.
    pub(crate) top: f64,
}

impl Page {
    /// With the title; as wide as the description says, or as so many panels beside each other need.
    pub(crate) fn new(figure: &Figure, columns: usize) -> Self {
        let usual = if columns <= 2 { COLUMN } else { WHOLE };
        let width = figure.width.unwrap_or(usual) * 72.0 / 25.4;
        let scene = Scene { width, ..Scene::default() };
        let mut page = Self { scene, top: MARGIN };
        if let Some(title) = &figure.title {
            for line in wrapped(title, TITLE, page.inner()) {
                page.top += TITLE;
                page.scene.text(&line, [MARGIN, page.top], TITLE, Anchor::Start);
                page.top += 2.0;
            }
            page.top += 3.0;
        }
        page
    }

    /// The width between the margins.
    pub(crate) fn inner(&self) -> f64 {
        self.scene.width - 2.0 * MARGIN
    }

    /// Entries in lines, each line in the middle; nothing where there is only one without a name.
    pub(crate) fn legend(&mut self, entries: &[Entry]) {
        const GAP: f64 = 9.0;
        let entries: Vec<&Entry> = entries.iter().filter(|entry| !entry.name.is_empty()).collect();
        let before = |entry: &Entry| entry.sign.length() + 4.0;
        let length = |entry: &Entry| before(entry) + width(&entry.name, SMALL);
        let mut lines: Vec<(Vec<&Entry>, f64)> = Vec::new();
        for entry in entries {
            match lines.last_mut() {
                Some((line, used)) if *used + GAP + length(entry) <= self.inner() => {
                    *used += GAP + length(entry);
                    line.push(entry);
                }
                _ => lines.push((vec![entry], length(entry))),
            }
        }
        self.top += if lines.is_empty() { 0.0 } else { 3.0 };
        for (line, used) in lines {
            let mut left = MARGIN + 0.5 * (self.inner() - used).max(0.0);
            self.top += 10.0;
            for entry in line {
                let base = self.top;
                self.scene.shapes.extend(sign(entry.sign, [left, base - 0.36 * SMALL]));
                self.scene.text(&entry.name, [left + before(entry), base], SMALL, Anchor::Start);
                left += length(entry) + GAP;
            }
        }
        self.top += 2.0;
    }

    /// Small grey lines at the end: what the figure says of itself, then the note of the description.
    pub(crate) fn notes(&mut self, notes: &[String]) {
        self.top += 2.0;
        let inner = self.inner();
        for line in notes.iter().flat_map(|note| wrapped(note, SMALL, inner)) {
            self.top += SMALL + 1.5;
            self.scene.shapes.push(Shape::Text(Text {
                text: line,
                at: [MARGIN, self.top],
                size: SMALL,
                anchor: Anchor::Start,
                angle: 0.0,
                color: GREY,
            }));
        }
    }

    /// The whole figure.
    pub(crate) fn finish(mut self) -> Scene {
        self.scene.height = self.top + MARGIN;
        self.scene
    }
}

impl Sign {
    fn length(self) -> f64 {
        match self {
            Self::Line(_) | Self::Across(_) => 13.0,
            Self::Marker(_) | Self::Area(_) => 7.0,
        }
    }
}

/// The sign of an entry, from its left end.
fn sign(sign: Sign, [x, y]: [f64; 2]) -> Vec<Shape> {
    let length = sign.length();
    let middle = [x + 0.5 * length, y];
    match sign {
        Sign::Line(style) => {
            let stroke = Stroke { color: style.color, width: 1.2, dash: style.dash.pattern() };
            let mut shapes = vec![line([x, y], [x + length, y], stroke)];
            shapes.extend(marker(style.marker, middle, 2.2, style.color));
            shapes
        }
        Sign::Marker(style) => marker(style.marker, middle, 2.2, style.color),
        Sign::Area(color) => vec![rectangle([x, y - 3.5], [7.0, 7.0], color)],
        Sign::Across(stroke) => vec![line([x, y], [x + length, y], stroke)],
    }
}

/// The look of a horizontal line of this number.
pub(crate) fn across(number: usize) -> Stroke {
    const DASHES: [&[f64]; 4] = [&[4.0, 2.0], &[1.2, 1.8], &[6.0, 2.0, 1.2, 2.0], &[2.0, 1.0]];
    let color = if number.is_multiple_of(2) { INK } else { GREY };
    Stroke { color, width: 0.9, dash: DASHES[number % DASHES.len()] }
}
