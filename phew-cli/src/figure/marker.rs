//! The shapes of points.

use super::scene::{Shape, Stroke, line, stroke};
use super::style::{Color, Marker, WHITE};

/// A marker around a point.
pub(crate) fn marker(marker: Marker, [x, y]: [f64; 2], radius: f64, color: Color) -> Vec<Shape> {
    let border = Stroke { color: WHITE, width: 0.4, dash: &[] };
    // Corners by their angles from the top, in turns, and their distances.
    let polygon = |corners: &[(f64, f64)]| {
        let corner = |(turn, distance): &(f64, f64)| {
            let (sin, cos) = (turn * std::f64::consts::TAU).sin_cos();
            [x + radius * distance * sin, y - radius * distance * cos]
        };
        let points = corners.iter().map(corner).collect();
        let fill = Some((color, 1.0));
        vec![Shape::Path { points, closed: true, fill, stroke: Some(border) }]
    };
    let regular = |n: usize, start: f64, distance: f64| {
        let corner = |k: usize| (start + k as f64 / n as f64, distance);
        polygon(&(0..n).map(corner).collect::<Vec<_>>())
    };
    let strokes = |turns: [f64; 2]| {
        let arm = |turn: f64| {
            let (sin, cos) = (turn * std::f64::consts::TAU).sin_cos();
            let (dx, dy) = (radius * 1.1 * sin, radius * 1.1 * cos);
            line([x - dx, y + dy], [x + dx, y - dy], stroke(color, 1.1))
        };
        turns.map(arm).to_vec()
    };
    match marker {
        Marker::Circle => {
            let (center, fill) = ([x, y], color);
            vec![Shape::Circle { center, radius, fill, stroke: Some(border) }]
        }
        Marker::Square => regular(4, 0.125, 1.25),
        Marker::Diamond => regular(4, 0.0, 1.3),
        Marker::Up => regular(3, 0.0, 1.35),
        Marker::Down => regular(3, 0.5, 1.35),
        Marker::Right => regular(3, 0.25, 1.35),
        Marker::Left => regular(3, 0.75, 1.35),
        Marker::Pentagon => regular(5, 0.0, 1.15),
        Marker::Star => {
            let corner = |k: usize| (k as f64 / 10.0, if k.is_multiple_of(2) { 1.5 } else { 0.65 });
            polygon(&(0..10).map(corner).collect::<Vec<_>>())
        }
        Marker::Plus => strokes([0.0, 0.25]),
        Marker::Cross => strokes([0.125, 0.375]),
    }
}
