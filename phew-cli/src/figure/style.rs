//! One look for all figures: colours, markers and names, the same for a method wherever it is drawn.

/// A colour, red green blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Color(pub(crate) [u8; 3]);

pub(crate) const INK: Color = Color([0x22, 0x22, 0x22]);
pub(crate) const GREY: Color = Color([0x66, 0x66, 0x66]);
pub(crate) const PALE: Color = Color([0xe4, 0xe4, 0xe4]);
pub(crate) const WHITE: Color = Color([0xff, 0xff, 0xff]);

// Okabe & Ito, "Color universal design" (2008): told apart by colour-blind readers. Their yellow is too pale for a line on
// white; a grey stands for it.
const BLUE: Color = Color([0x00, 0x72, 0xb2]);
const ORANGE: Color = Color([0xe6, 0x9f, 0x00]);
const GREEN: Color = Color([0x00, 0x9e, 0x73]);
const VERMILLION: Color = Color([0xd5, 0x5e, 0x00]);
const PURPLE: Color = Color([0xcc, 0x79, 0xa7]);
const SKY: Color = Color([0x56, 0xb4, 0xe9]);
const BLACK: Color = Color([0x00, 0x00, 0x00]);
const SILVER: Color = Color([0x8c, 0x8c, 0x8c]);

/// The shape of a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Marker {
    Circle,
    Square,
    Diamond,
    Up,
    Down,
    Cross,
    Plus,
    Star,
    Pentagon,
    Left,
    Right,
}

/// How a line is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dash {
    Solid,
    Dashed,
    Dotted,
}

impl Dash {
    /// Lengths of line and gap, in points.
    pub(crate) fn pattern(self) -> &'static [f64] {
        match self {
            Self::Solid => &[],
            Self::Dashed => &[4.0, 2.0],
            Self::Dotted => &[1.2, 1.8],
        }
    }
}

/// How a series looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Style {
    pub(crate) color: Color,
    pub(crate) marker: Marker,
    pub(crate) dash: Dash,
}

/// A method in a figure: key, name, look. Their order is that of the legend.
type Method = (&'static str, &'static str, Color, Marker, Dash);

#[rustfmt::skip]
const METHODS: &[Method] = &[
    ("dense", "dense", BLACK, Marker::Plus, Dash::Dashed),
    ("after", "magnitude after training", BLACK, Marker::Star, Dash::Solid),
    ("tickets", "lottery tickets", SILVER, Marker::Star, Dash::Solid),
    ("imp", "lottery tickets (IMP)", SILVER, Marker::Pentagon, Dash::Solid),
    ("rewind", "lottery tickets, rewound", SILVER, Marker::Star, Dash::Dashed),
    ("phew", "PHEW", BLUE, Marker::Circle, Dash::Solid),
    ("phew-kernel", "PHEW, whole kernels", BLUE, Marker::Circle, Dash::Dashed),
    ("phew-dense", "PHEW, new weights", BLUE, Marker::Diamond, Dash::Dashed),
    ("phew-layerwise", "PHEW, new weights by layer", BLUE, Marker::Square, Dash::Dotted),
    ("phew-neuronwise", "PHEW, new weights by unit", BLUE, Marker::Down, Dash::Dotted),
    ("uniform", "uniform walks", SKY, Marker::Right, Dash::Solid),
    ("inverse", "inverse walks", SKY, Marker::Left, Dash::Dashed),
    ("synflow", "SynFlow", ORANGE, Marker::Square, Dash::Solid),
    ("synflow-l2", "SynFlow-L2", VERMILLION, Marker::Diamond, Dash::Solid),
    ("snip", "SNIP", GREEN, Marker::Up, Dash::Solid),
    ("snip-iterative", "iterative SNIP", GREEN, Marker::Up, Dash::Dashed),
    ("force", "FORCE", GREEN, Marker::Right, Dash::Dotted),
    ("grasp", "GraSP", PURPLE, Marker::Down, Dash::Solid),
    ("grasp-magnitude", "GraSP, |score|", PURPLE, Marker::Down, Dash::Dashed),
    ("ntk-sap", "NTK-SAP", ORANGE, Marker::Pentagon, Dash::Dashed),
    ("px", "PX", VERMILLION, Marker::Pentagon, Dash::Dashed),
    ("magnitude", "magnitude", SKY, Marker::Cross, Dash::Solid),
    ("random", "random", SILVER, Marker::Plus, Dash::Solid),
    ("random-uniform", "random, uniform", SILVER, Marker::Plus, Dash::Dashed),
    ("random-erk", "random, ERK", SILVER, Marker::Cross, Dash::Dotted),
    ("random-layerwise", "random, new weights by layer", SILVER, Marker::Square, Dash::Dotted),
    ("random-neuronwise", "random, new weights by unit", SILVER, Marker::Down, Dash::Dotted),
    ("top-paths", "greatest paths", BLUE, Marker::Up, Dash::Dashed),
    ("bottom-paths", "least paths", VERMILLION, Marker::Down, Dash::Dashed),
    ("gradient-paths", "paths of greatest gradient", GREEN, Marker::Diamond, Dash::Dashed),
];

/// Looks for what is no known method, in this order.
const OTHERS: [Style; 8] = [
    Style { color: BLUE, marker: Marker::Circle, dash: Dash::Solid },
    Style { color: VERMILLION, marker: Marker::Diamond, dash: Dash::Solid },
    Style { color: GREEN, marker: Marker::Up, dash: Dash::Solid },
    Style { color: ORANGE, marker: Marker::Square, dash: Dash::Solid },
    Style { color: PURPLE, marker: Marker::Down, dash: Dash::Solid },
    Style { color: SKY, marker: Marker::Cross, dash: Dash::Solid },
    Style { color: BLACK, marker: Marker::Star, dash: Dash::Solid },
    Style { color: SILVER, marker: Marker::Pentagon, dash: Dash::Solid },
];

/// The name of a method in a figure, if it has one of its own.
pub(crate) fn method_name(key: &str) -> Option<&'static str> {
    METHODS.iter().find(|method| method.0 == key).map(|method| method.1)
}

/// The place of a method in a legend; those that nobody knows come last.
pub(crate) fn method_place(key: &str) -> usize {
    METHODS.iter().position(|method| method.0 == key).unwrap_or(METHODS.len())
}

/// A look for each of these series: a method's own, or the next that none has; after those the dashes change.
pub(crate) fn styles(keys: &[String]) -> Vec<Style> {
    let of_method = |key: &String| {
        let method = METHODS.iter().find(|method| method.0 == key)?;
        Some(Style { color: method.2, marker: method.3, dash: method.4 })
    };
    let mut found: Vec<Option<Style>> = keys.iter().map(of_method).collect();
    for place in 0..found.len() {
        if found[place].is_none() {
            found[place] = Some(next(&found));
        }
    }
    found.into_iter().map(|style| style.unwrap_or(OTHERS[0])).collect()
}

/// The first look that no series has; of colours taken already only if all are.
fn next(taken: &[Option<Style>]) -> Style {
    let taken = || taken.iter().flatten();
    let free = |style: &&Style| taken().all(|other| other.color != style.color);
    if let Some(style) = OTHERS.iter().find(free) {
        return *style;
    }
    let dashes = [Dash::Dashed, Dash::Dotted, Dash::Solid];
    let broken = dashes.iter().flat_map(|dash| OTHERS.map(|style| Style { dash: *dash, ..style }));
    broken.into_iter().find(|style| taken().all(|other| other != style)).unwrap_or(OTHERS[0])
}

/// From light to dark blue as a share goes from 0 to 1: dark ink is legible on all of it if `light`.
pub(crate) fn blues(share: f64, light: bool) -> Color {
    // The blues of ColorBrewer (Brewer 2003).
    const STOPS: [[f64; 3]; 5] = [
        [247.0, 251.0, 255.0],
        [198.0, 219.0, 239.0],
        [107.0, 174.0, 214.0],
        [33.0, 113.0, 181.0],
        [8.0, 48.0, 107.0],
    ];
    let last = (STOPS.len() - 1) as f64;
    let place = share.clamp(0.0, 1.0) * if light { 0.5 * last } else { last };
    let below = (place.floor() as usize).min(STOPS.len() - 2);
    let part = place - below as f64;
    let mixed = |c: usize| STOPS[below][c] + part * (STOPS[below + 1][c] - STOPS[below][c]);
    Color([0, 1, 2].map(|c| mixed(c).round() as u8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_keep_their_looks_and_others_get_colours_that_are_free() {
        let keys = ["phew", "mine", "snip"].map(str::to_owned);
        let found = styles(&keys);
        assert_eq!(found[0], styles(&keys[..1])[0]);
        assert_eq!((found[0].color, found[2].color), (BLUE, GREEN));
        assert_eq!(found[1].color, VERMILLION);
    }

    #[test]
    fn thirty_series_look_different_for_as_long_as_there_are_looks() {
        let keys: Vec<String> = (0..24).map(|key| key.to_string()).collect();
        let found = styles(&keys);
        for (place, style) in found.iter().enumerate() {
            assert!(!found[..place].contains(style), "{place}");
        }
    }

    #[test]
    fn no_two_methods_look_the_same() {
        for (place, a) in METHODS.iter().enumerate() {
            let same = |b: &&Method| (b.2, b.3, b.4) == (a.2, a.3, a.4) || b.0 == a.0 || b.1 == a.1;
            assert_eq!(METHODS[..place].iter().find(same), None, "{}", a.0);
        }
    }
}
