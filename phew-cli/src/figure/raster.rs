//! A drawing as pixels: PNG.

use tiny_skia::{
    Color as SkiaColor, FillRule, FilterQuality, Mask, Paint, Path, PathBuilder, Pixmap,
    PixmapPaint, Rect, Stroke as SkiaStroke, StrokeDash, Transform,
};
use ttf_parser::OutlineBuilder;

use super::font::{FACE, glyphs};
use super::scene::{Anchor, Pixels, Scene, Shape, Stroke, Text};
use super::style::Color;

/// Pixels an inch.
const DPI: f64 = 300.0;

/// The drawing as PNG on white.
///
/// # Errors
/// If it is larger than a picture can be.
pub(crate) fn png(scene: &Scene) -> anyhow::Result<Vec<u8>> {
    let scale = DPI / 72.0;
    let pixels = |points: f64| (points * scale).ceil() as u32;
    let (width, height) = (pixels(scene.width), pixels(scene.height));
    let too_large = || anyhow::anyhow!("a picture of {width}×{height} pixels is too large");
    let mut canvas = Pixmap::new(width, height).ok_or_else(too_large)?;
    canvas.fill(SkiaColor::WHITE);
    let transform = Transform::from_scale(scale as f32, scale as f32);
    draw(&mut canvas, &scene.shapes, transform, None);
    Ok(canvas.encode_png()?)
}

/// A small picture as PNG; empty where it has no pixel.
pub(crate) fn image_png(pixels: &Pixels) -> Vec<u8> {
    pixmap(pixels).and_then(|pixmap| pixmap.encode_png().ok()).unwrap_or_default()
}

fn pixmap(pixels: &Pixels) -> Option<Pixmap> {
    let size = |n: usize| u32::try_from(n).ok();
    let mut pixmap = Pixmap::new(size(pixels.width)?, size(pixels.height)?)?;
    for (to, from) in pixmap.data_mut().chunks_exact_mut(4).zip(pixels.rgb.chunks_exact(3)) {
        to.copy_from_slice(&[from[0], from[1], from[2], 255]);
    }
    Some(pixmap)
}

/// Draws what has a shape; a path without extent has none.
fn draw(canvas: &mut Pixmap, shapes: &[Shape], transform: Transform, mask: Option<&Mask>) {
    for shape in shapes {
        match shape {
            Shape::Path { points, closed, fill, stroke } => {
                let Some(path) = path(points, *closed) else { continue };
                if let Some((color, opacity)) = fill {
                    let paint = paint(*color, *opacity);
                    canvas.fill_path(&path, &paint, FillRule::Winding, transform, mask);
                }
                stroke_path(canvas, &path, stroke.as_ref(), transform, mask);
            }
            Shape::Circle { center: [x, y], radius, fill, stroke } => {
                let (x, y, radius) = (*x as f32, *y as f32, *radius as f32);
                let Some(path) = PathBuilder::from_circle(x, y, radius) else { continue };
                canvas.fill_path(&path, &paint(*fill, 1.0), FillRule::Winding, transform, mask);
                stroke_path(canvas, &path, stroke.as_ref(), transform, mask);
            }
            Shape::Text(text) => {
                if let Some(path) = outlines(text) {
                    let paint = paint(text.color, 1.0);
                    canvas.fill_path(&path, &paint, FillRule::Winding, transform, mask);
                }
            }
            Shape::Image { at, size, pixels } => {
                let Some(picture) = pixmap(pixels) else { continue };
                let scale = [size[0] / pixels.width as f64, size[1] / pixels.height as f64];
                let placed = transform
                    .pre_translate(at[0] as f32, at[1] as f32)
                    .pre_scale(scale[0] as f32, scale[1] as f32);
                let paint =
                    PixmapPaint { quality: FilterQuality::Nearest, ..PixmapPaint::default() };
                canvas.draw_pixmap(0, 0, picture.as_ref(), &paint, placed, mask);
            }
            Shape::Within { at, size, shapes } => {
                let [x, y] = at.map(|at| at as f32);
                let rect = Rect::from_xywh(x, y, size[0] as f32, size[1] as f32);
                let Some(mut inner) = Mask::new(canvas.width(), canvas.height()) else { continue };
                let Some(rect) = rect else { continue };
                let path = PathBuilder::from_rect(rect);
                inner.fill_path(&path, FillRule::Winding, true, transform);
                draw(canvas, shapes, transform, Some(&inner));
            }
        }
    }
}

fn path(points: &[[f64; 2]], closed: bool) -> Option<Path> {
    let mut path = PathBuilder::new();
    let mut points = points.iter().map(|point| point.map(|at| at as f32));
    let [x, y] = points.next()?;
    path.move_to(x, y);
    points.for_each(|[x, y]| path.line_to(x, y));
    if closed {
        path.close();
    }
    path.finish()
}

fn paint(Color([r, g, b]): Color, opacity: f64) -> Paint<'static> {
    let mut paint = Paint::default();
    paint.set_color_rgba8(r, g, b, (opacity * 255.0).round() as u8);
    paint.anti_alias = true;
    paint
}

fn stroke_path(
    canvas: &mut Pixmap,
    path: &Path,
    stroke: Option<&Stroke>,
    transform: Transform,
    mask: Option<&Mask>,
) {
    let Some(Stroke { color, width, dash }) = stroke else { return };
    let dash = dash.iter().map(|length| *length as f32).collect();
    let stroke = SkiaStroke {
        width: *width as f32,
        line_join: tiny_skia::LineJoin::Round,
        dash: StrokeDash::new(dash, 0.0),
        ..SkiaStroke::default()
    };
    canvas.stroke_path(path, &paint(*color, 1.0), &stroke, transform, mask);
}

/// The outlines of a text's glyphs, in place.
fn outlines(text: &Text) -> Option<Path> {
    let face = FACE.as_ref()?;
    let (glyphs, width) = glyphs(&text.text);
    let start = match text.anchor {
        Anchor::Start => 0.0,
        Anchor::Middle => -0.5 * width,
        Anchor::End => -width,
    };
    let unit = text.size / f64::from(face.units_per_em());
    let (sin, cos) = (-text.angle.to_radians()).sin_cos();
    let mut outlines = Outlines { path: PathBuilder::new(), text, unit, along: 0.0, sin, cos };
    for (glyph, at) in glyphs {
        outlines.along = (start + at) * text.size;
        // A space has no outline.
        let _ = face.outline_glyph(glyph, &mut outlines);
    }
    outlines.path.finish()
}

/// Brings a glyph's outline, in units of the font with y up, to its place.
struct Outlines<'t> {
    path: PathBuilder,
    text: &'t Text,
    unit: f64,
    /// From the text's place to the glyph.
    along: f64,
    sin: f64,
    cos: f64,
}

impl Outlines<'_> {
    fn at(&self, x: f32, y: f32) -> (f32, f32) {
        let (x, y) = (self.along + f64::from(x) * self.unit, -f64::from(y) * self.unit);
        let [left, top] = self.text.at;
        let (x, y) = (left + self.cos * x - self.sin * y, top + self.sin * x + self.cos * y);
        (x as f32, y as f32)
    }
}

impl OutlineBuilder for Outlines<'_> {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.line_to(x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let ((x1, y1), (x, y)) = (self.at(x1, y1), self.at(x, y));
        self.path.quad_to(x1, y1, x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let ((x1, y1), (x2, y2), (x, y)) = (self.at(x1, y1), self.at(x2, y2), self.at(x, y));
        self.path.cubic_to(x1, y1, x2, y2, x, y);
    }

    fn close(&mut self) {
        self.path.close();
    }
}
