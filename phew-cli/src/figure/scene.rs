//! What a figure is made of, before it is SVG or pixels. Lengths are points, a 72nd of an inch; y goes down.

use super::style::{Color, INK};

/// A drawing of some size.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scene {
    pub(crate) width: f64,
    pub(crate) height: f64,
    pub(crate) shapes: Vec<Shape>,
}

/// A part of a drawing.
#[derive(Clone, Debug)]
pub(crate) enum Shape {
    /// Straight lines from point to point.
    Path {
        points: Vec<[f64; 2]>,
        closed: bool,
        fill: Option<(Color, f64)>,
        stroke: Option<Stroke>,
    },
    Circle {
        center: [f64; 2],
        radius: f64,
        fill: Color,
        stroke: Option<Stroke>,
    },
    Text(Text),
    /// Pixels in rows from the top, without smoothing.
    Image {
        at: [f64; 2],
        size: [f64; 2],
        pixels: Pixels,
    },
    /// What of other shapes lies within a rectangle.
    Within {
        at: [f64; 2],
        size: [f64; 2],
        shapes: Vec<Shape>,
    },
}

/// A line's look.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stroke {
    pub(crate) color: Color,
    pub(crate) width: f64,
    /// Lengths of line and gap.
    pub(crate) dash: &'static [f64],
}

/// A line of text.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    pub(crate) text: String,
    /// On the base line.
    pub(crate) at: [f64; 2],
    pub(crate) size: f64,
    pub(crate) anchor: Anchor,
    /// Degrees, against the clock.
    pub(crate) angle: f64,
    pub(crate) color: Color,
}

/// Which part of a text lies at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// A picture: red, green, blue of each pixel.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pixels {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) rgb: Vec<u8>,
}

/// A solid line's look.
pub(crate) fn stroke(color: Color, width: f64) -> Stroke {
    Stroke { color, width, dash: &[] }
}

impl Scene {
    pub(crate) fn line(&mut self, from: [f64; 2], to: [f64; 2], stroke: Stroke) {
        self.shapes.push(line(from, to, stroke));
    }

    pub(crate) fn text(&mut self, text: &str, at: [f64; 2], size: f64, anchor: Anchor) {
        self.shapes.push(self::text(text, at, size, anchor));
    }
}

/// A line between two points.
pub(crate) fn line(from: [f64; 2], to: [f64; 2], stroke: Stroke) -> Shape {
    Shape::Path { points: vec![from, to], closed: false, fill: None, stroke: Some(stroke) }
}

/// A filled rectangle.
pub(crate) fn rectangle(at: [f64; 2], size: [f64; 2], fill: Color) -> Shape {
    let ([x, y], [w, h]) = (at, size);
    let points = vec![[x, y], [x + w, y], [x + w, y + h], [x, y + h]];
    Shape::Path { points, closed: true, fill: Some((fill, 1.0)), stroke: None }
}

/// A line of text in ink.
pub(crate) fn text(text: &str, at: [f64; 2], size: f64, anchor: Anchor) -> Shape {
    Shape::Text(Text { text: text.to_owned(), at, size, anchor, angle: 0.0, color: INK })
}
