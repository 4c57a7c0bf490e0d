//! The one font of all figures: Inter, reduced to the characters that figures use.

use std::sync::LazyLock;

use ttf_parser::{Face, GlyphId};

/// Its name in CSS.
pub(crate) const FAMILY: &str = "Inter";

/// The font as OpenType.
pub(crate) const BYTES: &[u8] = include_bytes!("font/inter.otf");

/// The font, read; nothing if the bytes were no font.
pub(crate) static FACE: LazyLock<Option<Face<'static>>> =
    LazyLock::new(|| Face::parse(BYTES, 0).ok());

/// The glyphs of a text, each with its place from the start, and the width of all, in sizes of the font.
pub(crate) fn glyphs(text: &str) -> (Vec<(GlyphId, f64)>, f64) {
    let Some(face) = FACE.as_ref() else { return (Vec::new(), 0.0) };
    let unit = f64::from(face.units_per_em());
    let mut width = 0.0;
    let glyph = |c: char| {
        // What the font lacks is drawn as its empty box.
        let glyph = face.glyph_index(c).unwrap_or(GlyphId(0));
        let at = width;
        width += f64::from(face.glyph_hor_advance(glyph).unwrap_or(0)) / unit;
        (glyph, at)
    };
    let glyphs = text.chars().map(glyph).collect();
    (glyphs, width)
}

/// The width of a text, in points.
pub(crate) fn width(text: &str, size: f64) -> f64 {
    size * glyphs(text).1
}

/// The text in lines of at most this width; a word that is longer has a line of its own.
pub(crate) fn wrapped(text: &str, size: f64, most: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if width(&format!("{line} {word}"), size) <= most => {
                *line += " ";
                *line += word;
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_font_has_what_figures_write() {
        let face = FACE.as_ref().unwrap();
        let text = "Az09 ⁻¹²³⁴⁵⁶⁷⁸⁹⁰ ±×−·–…≤≥ αβγΔΣΠθκλπσ Erdős–Rényi ‖→";
        let missing: String = text.chars().filter(|c| face.glyph_index(*c).is_none()).collect();
        assert_eq!(missing, "‖");
    }

    #[test]
    fn lines_are_broken_between_words() {
        let lines = wrapped("aa bb cc", 10.0, width("aa bb", 10.0) + 0.1);
        assert_eq!(lines, ["aa bb", "cc"]);
        assert!(width("iii", 7.0) < width("mmm", 7.0));
    }
}
