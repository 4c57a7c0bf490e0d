//! A drawing as SVG.

use std::fmt::Write;

use base64::Engine;

use super::font::{BYTES, FAMILY};
use super::raster;
use super::scene::{Anchor, Pixels, Scene, Shape, Stroke};
use super::style::Color;

/// Around the font in an SVG of ours: a page that has the font takes it out.
const FONT_START: &str = "<style class=\"font\">";
const FONT_END: &str = "</style>";

/// The rule that brings the font, for a style sheet.
pub(crate) fn font_face() -> String {
    let font = base64::engine::general_purpose::STANDARD.encode(BYTES);
    format!("@font-face{{font-family:{FAMILY};src:url(data:font/otf;base64,{font})}}")
}

/// An SVG of ours without its font, for a page that has it.
pub(crate) fn without_font(svg: &str) -> String {
    let Some((before, rest)) = svg.split_once(FONT_START) else { return svg.to_owned() };
    match rest.split_once(FONT_END) {
        Some((_, after)) => format!("{before}{after}"),
        None => svg.to_owned(),
    }
}

/// The drawing with its font, `title` for those who hear it.
pub(crate) fn svg(scene: &Scene, title: &str) -> String {
    let [width, height] = [scene.width, scene.height].map(number);
    let [mm_wide, mm_high] = [scene.width, scene.height].map(|points| number(points * 25.4 / 72.0));
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{mm_wide}mm\" height=\"{mm_high}mm\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"{FAMILY}, sans-serif\" role=\"img\">\n\
         <title>{}</title>\n{FONT_START}{}{FONT_END}\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n",
        escaped(title),
        font_face(),
    );
    let mut inner = String::new();
    shapes(&mut inner, &scene.shapes, &mut 0);
    // Several figures may stand on one page: an id is of one alone.
    out += &inner.replace(OWN, &fingerprint(&inner));
    out + "</svg>\n"
}

/// Stands in ids for what tells the figure from others, while it is not known. No text holds it: its sign is escaped.
const OWN: &str = "<own>";

fn shapes(out: &mut String, shapes: &[Shape], clips: &mut usize) {
    for shape in shapes {
        // Writing to a string cannot fail.
        let _ = self::shape(out, shape, clips);
    }
}

fn shape(out: &mut String, shape: &Shape, clips: &mut usize) -> std::fmt::Result {
    match shape {
        Shape::Path { points, closed, fill, stroke } => {
            let name = if *closed { "polygon" } else { "polyline" };
            write!(out, "<{name} points=\"")?;
            for (place, [x, y]) in points.iter().enumerate() {
                let space = if place == 0 { "" } else { " " };
                write!(out, "{space}{},{}", number(*x), number(*y))?;
            }
            match fill {
                Some((color, opacity)) => {
                    write!(out, "\" fill=\"{}\"", hex(*color))?;
                    if *opacity < 1.0 {
                        write!(out, " fill-opacity=\"{}\"", number(*opacity))?;
                    }
                }
                None => write!(out, "\" fill=\"none\"")?,
            }
            writeln!(out, "{}/>", stroked(stroke.as_ref()))
        }
        Shape::Circle { center: [x, y], radius, fill, stroke } => writeln!(
            out,
            "<circle cx=\"{}\" cy=\"{}\" r=\"{}\" fill=\"{}\"{}/>",
            number(*x),
            number(*y),
            number(*radius),
            hex(*fill),
            stroked(stroke.as_ref()),
        ),
        Shape::Text(text) if text.text.is_empty() => Ok(()),
        Shape::Text(text) => {
            let [x, y] = text.at.map(number);
            write!(out, "<text x=\"{x}\" y=\"{y}\" font-size=\"{}\"", number(text.size))?;
            match text.anchor {
                Anchor::Start => {}
                Anchor::Middle => write!(out, " text-anchor=\"middle\"")?,
                Anchor::End => write!(out, " text-anchor=\"end\"")?,
            }
            if text.angle != 0.0 {
                write!(out, " transform=\"rotate({} {x} {y})\"", number(-text.angle))?;
            }
            writeln!(out, " fill=\"{}\">{}</text>", hex(text.color), escaped(&text.text))
        }
        Shape::Image { at, size, pixels } => {
            let ([x, y], [w, h]) = (at.map(number), size.map(number));
            writeln!(
                out,
                "<image x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" preserveAspectRatio=\"none\" \
                 style=\"image-rendering:pixelated\" href=\"data:image/png;base64,{}\"/>",
                encoded(pixels),
            )
        }
        Shape::Within { at, size, shapes: inner } => {
            *clips += 1;
            let id = format!("clip{clips}-{OWN}");
            let ([x, y], [w, h]) = (at.map(number), size.map(number));
            writeln!(
                out,
                "<clipPath id=\"{id}\"><rect x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\"/>\
                 </clipPath>\n<g clip-path=\"url(#{id})\">"
            )?;
            shapes(out, inner, clips);
            writeln!(out, "</g>")
        }
    }
}

fn encoded(pixels: &Pixels) -> String {
    base64::engine::general_purpose::STANDARD.encode(raster::image_png(pixels))
}

fn stroked(stroke: Option<&Stroke>) -> String {
    let Some(Stroke { color, width, dash }) = stroke else { return String::new() };
    let mut out = format!(" stroke=\"{}\" stroke-width=\"{}\"", hex(*color), number(*width));
    if !dash.is_empty() {
        let dash: Vec<String> = dash.iter().map(|length| number(*length)).collect();
        out += &format!(" stroke-dasharray=\"{}\"", dash.join(" "));
    }
    out + " stroke-linejoin=\"round\""
}

/// A hundredth of a point is finer than any printer.
fn number(value: f64) -> String {
    let text = format!("{:.2}", value + 0.0);
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".into() } else { text.to_owned() }
}

fn hex(Color([r, g, b]): Color) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// Text between tags or in quotes.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            c => out.push(c),
        }
    }
    out
}

/// A short name for a text (FNV-1a).
fn fingerprint(text: &str) -> String {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_font_can_be_taken_out_again() {
        let svg = svg(&Scene { width: 72.0, height: 36.0, shapes: Vec::new() }, "a < b");
        assert!(svg.contains("width=\"25.4mm\"") && svg.contains("<title>a &lt; b</title>"));
        let bare = without_font(&svg);
        assert!(svg.len() > 20_000 && bare.len() < 500, "{} {}", svg.len(), bare.len());
        assert_eq!(without_font(&bare), bare);
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!([1.0, 0.125, -0.001, 33.333].map(number), ["1", "0.12", "0", "33.33"]);
    }
}
