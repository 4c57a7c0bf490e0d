//! The figures of the folder.

use std::path::Path;

use anyhow::Context;

use super::files::text_of;
use super::html::{escaped, folded};
use super::tables::{limited, parse};
use crate::figure::without_font;

/// A figure and the numbers in it.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    name: String,
    svg: String,
    csv: Option<String>,
}

/// What is wider, in millimetres, is not shrunk to the width of a phone: it scrolls.
const WIDE: f64 = 100.0;

/// All `*.svg` of a folder by name, each with its `*.csv`.
pub(super) fn figures(folder: &Path) -> anyhow::Result<Vec<Shown>> {
    let mut found = Vec::new();
    let entries = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    for entry in entries {
        let path = entry.with_context(|| folder.display().to_string())?.path();
        if path.extension().is_some_and(|ending| ending == "svg") && path.is_file() {
            let svg = phew_graph::read_text(&path).with_context(|| path.display().to_string())?;
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            found.push(Shown { name, svg, csv: text_of(&path.with_extension("csv"))? });
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// The figures inline, without what only a file of its own needs: the font stands in the page.
pub(super) fn shown(figures: &[Shown]) -> String {
    let figure = |figure: &Shown| {
        let svg = without_font(&figure.svg);
        let svg = svg.find("<svg").map_or("", |start| &svg[start..]);
        let numbers = figure.csv.as_deref().map(|csv| {
            let mut lines = parse(csv).into_iter();
            let head = lines.next().unwrap_or_default();
            let file = format!("{}.csv", figure.name);
            folded("numbers", &limited(&head, &lines.collect::<Vec<_>>(), &file))
        });
        let numbers = numbers.unwrap_or_default();
        let class = if width(svg) > Some(WIDE) { " class=\"wide\"" } else { "" };
        let id = escaped(&figure.name);
        format!(
            "<figure id=\"{id}\"{class}>\n<div class=\"scroll\">{svg}</div>\n{numbers}</figure>\n"
        )
    };
    figures.iter().map(figure).collect()
}

/// The width of an SVG, in millimetres, if it says one.
fn width(svg: &str) -> Option<f64> {
    let tag = &svg[..svg.find('>')?];
    tag.split_once(" width=\"")?.1.split_once("mm\"")?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_width_is_that_of_the_figure_not_of_what_is_in_it() {
        assert_eq!(width("<svg a=\"b\" width=\"178mm\" height=\"9mm\">"), Some(178.0));
        assert_eq!(width("<svg viewBox=\"0 0 1 1\"><rect width=\"5mm\"/>"), None);
    }
}
