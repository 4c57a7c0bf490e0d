//! The strokes of the ten digits, as polylines in the square from −1 to 1, x to the right and y down.

/// A point of a stroke.
pub(super) type Point = [f32; 2];

/// Cosines of the multiples of a sixteenth of a turn, so that no platform's library decides on a bit.
#[rustfmt::skip]
const COSINES: [f32; 16] = [
    1.0, 0.923_879_5, 0.707_106_77, 0.382_683_43, 0.0, -0.382_683_43, -0.707_106_77, -0.923_879_5,
    -1.0, -0.923_879_5, -0.707_106_77, -0.382_683_43, 0.0, 0.382_683_43, 0.707_106_77, 0.923_879_5,
];

/// Part of an ellipse in sixteenths of a turn: 0 is right, 4 is down, 8 is left, 12 is up.
fn arc(centre: Point, radii: Point, sixteenths: std::ops::RangeInclusive<usize>) -> Vec<Point> {
    sixteenths
        .map(|t| {
            let (cos, sin) = (COSINES[t % 16], COSINES[(t + 12) % 16]);
            [centre[0] + radii[0] * cos, centre[1] + radii[1] * sin]
        })
        .collect()
}

/// The strokes of a digit.
///
/// # Panics
/// If `digit` is above 9.
pub(super) fn strokes(digit: u16) -> Vec<Vec<Point>> {
    match digit {
        0 => vec![arc([0.0, 0.0], [0.62, 0.95], 0..=16)],
        1 => vec![vec![[-0.35, -0.6], [0.05, -0.95], [0.05, 0.95]]],
        2 => {
            let mut stroke = arc([0.0, -0.45], [0.6, 0.5], 8..=18);
            stroke.extend([[-0.6, 0.95], [0.65, 0.95]]);
            vec![stroke]
        }
        3 => vec![arc([0.0, -0.48], [0.55, 0.47], 9..=20), arc([0.0, 0.47], [0.62, 0.48], 12..=23)],
        4 => vec![vec![[0.25, 0.95], [0.25, -0.95], [-0.65, 0.35], [0.7, 0.35]]],
        5 => {
            let mut stroke = vec![[0.55, -0.95], [-0.5, -0.95], [-0.55, -0.1]];
            stroke.extend(arc([-0.02, 0.35], [0.6, 0.58], 10..=23));
            vec![stroke]
        }
        6 => vec![
            vec![[0.4, -0.95], [-0.3, -0.35], [-0.58, 0.42]],
            arc([0.0, 0.42], [0.58, 0.52], 0..=16),
        ],
        7 => vec![vec![[-0.6, -0.95], [0.62, -0.95], [-0.15, 0.95]]],
        8 => vec![arc([0.0, -0.47], [0.48, 0.46], 0..=16), arc([0.0, 0.47], [0.6, 0.48], 0..=16)],
        9 => vec![
            arc([0.0, -0.42], [0.58, 0.52], 0..=16),
            vec![[0.58, -0.42], [0.5, 0.3], [0.2, 0.95]],
        ],
        _ => panic!("a digit is 0 to 9, not {digit}"),
    }
}
