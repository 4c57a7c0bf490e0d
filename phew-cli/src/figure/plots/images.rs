//! Pictures in rows.

use crate::figure::description::Figure;
use crate::figure::font::{width, wrapped};
use crate::figure::page::{MARGIN, Page, SMALL};
use crate::figure::scene::{Anchor, Pixels, Scene, Shape, Text};
use crate::figure::style::{INK, PALE};

/// A row of pictures with what stands beside it; each picture with what stands above it.
#[derive(Clone, Debug)]
pub(crate) struct Gallery {
    pub(crate) label: String,
    pub(crate) pictures: Vec<(String, Pixels)>,
}

/// Between pictures.
const GAP: f64 = 3.0;
/// A picture is no larger, however few there are.
const LARGEST: f64 = 90.0;

/// The pictures in rows, as large as the width allows.
pub(crate) fn images(figure: &Figure, rows: &[Gallery], notes: &[String]) -> Scene {
    let count = rows.iter().map(|row| row.pictures.len()).max().unwrap_or(0);
    // As many as a column holds, or a page.
    let mut page = Page::new(figure, if count > 10 { 3 } else { 1 });
    let columns = figure.columns.unwrap_or(count).clamp(1, count.max(1));
    let beside = rows.iter().map(|row| width(&row.label, SMALL)).fold(0.0, f64::max).min(80.0);
    let beside = if beside > 0.0 { beside + 5.0 } else { 0.0 };
    let room = page.inner() - beside;
    let cell = ((room - GAP * (columns - 1) as f64) / columns as f64).min(LARGEST);
    let mut above: &[String] = &[];
    let titles: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.pictures.iter().map(|picture| picture.0.clone()).collect())
        .collect();
    for (row, titles) in rows.iter().zip(&titles) {
        for (first, pictures) in row.pictures.chunks(columns).enumerate() {
            let titles = &titles[first * columns..first * columns + pictures.len()];
            // What stands above the row before stands above this one too.
            if above != titles {
                self::titles(&mut page, titles, MARGIN + beside, cell);
                above = titles;
            }
            let tallest = pictures.iter().map(|(_, pixels)| high(pixels, cell)).fold(0.0, f64::max);
            for (place, (_, pixels)) in pictures.iter().enumerate() {
                let at = [MARGIN + beside + place as f64 * (cell + GAP), page.top];
                let size = [cell, high(pixels, cell)];
                page.scene.shapes.push(Shape::Image { at, size, pixels: pixels.clone() });
                page.scene.shapes.push(border(at, size));
            }
            if first == 0 {
                let lines = wrapped(&row.label, SMALL, beside);
                let start = page.top + 0.5 * (tallest - lines.len() as f64 * (SMALL + 1.0));
                for (number, line) in lines.iter().enumerate() {
                    let base = start + number as f64 * (SMALL + 1.0) + 0.85 * SMALL;
                    page.scene.text(line, [MARGIN, base], SMALL, Anchor::Start);
                }
            }
            page.top += tallest + GAP;
        }
    }
    page.notes(notes);
    page.finish()
}

/// The height of a picture of this width: as it is, but no more than twice as high and no less than a quarter.
fn high(pixels: &Pixels, width: f64) -> f64 {
    let ratio = pixels.height as f64 / pixels.width.max(1) as f64;
    width * ratio.clamp(0.25, 2.0)
}

fn border([x, y]: [f64; 2], [w, h]: [f64; 2]) -> Shape {
    let points = vec![[x, y], [x + w, y], [x + w, y + h], [x, y + h]];
    let stroke = Some(crate::figure::scene::stroke(PALE, 0.5));
    Shape::Path { points, closed: true, fill: None, stroke }
}

/// What stands above pictures, upright where it has room.
fn titles(page: &mut Page, titles: &[String], left: f64, cell: f64) {
    let longest = titles.iter().map(|title| width(title, SMALL)).fold(0.0, f64::max);
    if longest == 0.0 {
        return;
    }
    let upright = longest <= cell + GAP;
    page.top += if upright { SMALL } else { longest * 40f64.to_radians().sin() + SMALL };
    for (place, title) in titles.iter().enumerate() {
        let start = left + place as f64 * (cell + GAP);
        let (x, anchor, angle) = match upright {
            true => (start + 0.5 * cell, Anchor::Middle, 0.0),
            false => (start + 0.3 * cell, Anchor::Start, 40.0),
        };
        let at = [x, page.top];
        let text = title.clone();
        page.scene.shapes.push(Shape::Text(Text {
            text,
            at,
            size: SMALL,
            anchor,
            angle,
            color: INK,
        }));
    }
    page.top += 3.0;
}
