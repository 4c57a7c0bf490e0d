//! A figure drawn: its files.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use phew_graph::{GraphError, Overwrite, write_atomically};

use super::chart::Chart;
use super::columns::{cell, taken};
use super::csv::csv;
use super::description::{Figure, ImageSource, Kind, Show};
use super::notes::notes;
use super::pictures::pictures;
use super::plots::{Gallery, bars, heatmap, images, lines, table};
use super::raster::png;
use super::scene::Scene;
use super::svg::svg;
use crate::collect::{Row, csv_line as line};
use crate::failure::usage;

/// A figure as the contents of its files, and what it shows.
#[derive(Clone, Debug, Default)]
pub struct Drawing {
    /// With its font; text is text.
    pub svg: String,
    /// 300 pixels an inch.
    pub png: Vec<u8>,
    /// The numbers drawn.
    pub csv: String,
    /// Panels, or rows of pictures.
    pub panels: usize,
    /// Series, or pictures in the longest row.
    pub series: usize,
    /// Points, or pictures.
    pub points: usize,
    /// Rows that are shown.
    pub rows: usize,
    /// Numbers that have no place on the axes.
    pub without: usize,
    /// Rows that should be there, and are not whole.
    pub missing: usize,
}

impl Figure {
    /// Draws the figure; `folder` is where its pictures lie.
    ///
    /// # Errors
    /// If the description's parts do not fit together, a column is in no row (the error lists those that are), no row is
    /// left to show, or a file of pictures cannot be read.
    pub fn draw(&self, rows: &[Row], folder: &Path) -> anyhow::Result<Drawing> {
        self.check()?;
        if self.kind == Kind::Images {
            return self.draw_images(rows, folder);
        }
        let chart = Chart::new(self, rows)?;
        let notes = notes(self, &chart);
        let scene = match self.kind {
            Kind::Bars => bars(self, &chart, &notes),
            Kind::Heatmap => heatmap(self, &chart, &notes),
            Kind::Table => table(self, &chart, &notes),
            Kind::Lines | Kind::Scatter | Kind::Images => {
                lines(self, &chart, &notes, self.kind == Kind::Scatter)
            }
        };
        Ok(Drawing {
            csv: csv(&chart),
            panels: chart.panels.len(),
            series: chart.series.len(),
            points: chart.points().count(),
            rows: chart.rows,
            without: chart.without,
            missing: chart.missing,
            ..self.drawing(&scene)?
        })
    }

    /// The scene as SVG and PNG.
    fn drawing(&self, scene: &Scene) -> anyhow::Result<Drawing> {
        let quantities = || self.y.iter().map(|y| y.key.as_str()).collect::<Vec<_>>().join(", ");
        let title = self.title.clone().unwrap_or_else(quantities);
        Ok(Drawing { svg: svg(scene, &title), png: png(scene)?, ..Drawing::default() })
    }

    fn draw_images(&self, rows: &[Row], folder: &Path) -> anyhow::Result<Drawing> {
        let mut galleries = Vec::new();
        let head = ["row", "file", "tensor", "height", "width", "mean"];
        let mut csv = line(&head.map(str::to_owned));
        for source in &self.images {
            for (file, label) in self.files(source, rows)? {
                let pictures = pictures(&folder.join(&file), source)?;
                // Several of one tensor need no name each.
                let one = source.show == Show::Pictures
                    && pictures.iter().all(|picture| picture.tensor == pictures[0].tensor);
                let mut gallery = Gallery { label: label.clone(), pictures: Vec::new() };
                for picture in pictures {
                    let numbers = picture.shape.map(|size| size.to_string());
                    let [height, width] = numbers;
                    let mean = picture.mean.to_string();
                    let tensor = picture.tensor.clone();
                    csv += &line(&[label.clone(), file.clone(), tensor, height, width, mean]);
                    let named = self.names.get(&picture.tensor).cloned();
                    let short = || picture.tensor.trim_end_matches(".weight").to_owned();
                    let title = named.unwrap_or_else(|| if one { String::new() } else { short() });
                    gallery.pictures.push((title, picture.pixels));
                }
                galleries.push(gallery);
            }
        }
        let notes: Vec<String> = self.note.iter().cloned().collect();
        Ok(Drawing {
            csv,
            panels: galleries.len(),
            series: galleries.iter().map(|gallery| gallery.pictures.len()).max().unwrap_or(0),
            points: galleries.iter().map(|gallery| gallery.pictures.len()).sum(),
            ..self.drawing(&images(self, &galleries, &notes))?
        })
    }

    /// The files of a source with their labels: one, or one for each row whose settings it names.
    fn files(&self, source: &ImageSource, rows: &[Row]) -> anyhow::Result<Vec<(String, String)>> {
        if !source.file.contains('{') {
            return Ok(vec![(source.file.clone(), source.label.clone())]);
        }
        let mut found = Vec::new();
        let mut seen = BTreeSet::new();
        for row in rows.iter().filter(|row| taken(row, &self.conditions)) {
            let file = filled(&source.file, row, |value| value)?;
            let named = |value: String| self.names.get(&value).cloned().unwrap_or(value);
            let label = filled(&source.label, row, named)?;
            if seen.insert(file.clone()) {
                found.push((file, label));
            }
        }
        match found.is_empty() {
            true => Err(usage("no row is left to show: what `where` asks for")),
            false => Ok(found),
        }
    }
}

/// A text with the row's settings, as they are to be called, and `{jobs.NAME}` for the identities of its jobs, in place of
/// their names.
fn filled(text: &str, row: &Row, called: impl Fn(String) -> String) -> anyhow::Result<String> {
    let mut parts = text.split('{');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let wrong = |reason: &str| usage(format!("images: `{text}`: {reason}"));
        let (key, rest) = part.split_once('}').ok_or_else(|| wrong("`{` without `}`"))?;
        let value = match key.strip_prefix("jobs.") {
            Some(job) => row.jobs.get(job).cloned(),
            None => cell(row, key).map(|cell| called(cell.text())),
        };
        out += &value.ok_or_else(|| wrong(&format!("a row has no `{key}`")))?;
        out += rest;
    }
    Ok(out)
}

impl Drawing {
    /// Writes NAME.svg, NAME.png and NAME.csv, each whole or not at all; gives their paths.
    ///
    /// # Errors
    /// If one cannot be written, or exists and is not to be replaced.
    pub fn write(&self, name: &Path, overwrite: Overwrite) -> anyhow::Result<[PathBuf; 3]> {
        let paths = Self::paths(name);
        let contents = [self.svg.as_bytes(), &self.png, self.csv.as_bytes()];
        for (path, content) in paths.iter().zip(contents) {
            write_atomically(path, overwrite, |out| {
                let written = out.write_all(content);
                written.map_err(|source| GraphError::Io { path: path.clone(), source })
            })?;
        }
        Ok(paths)
    }

    /// The files of a name.
    #[must_use]
    pub fn paths(name: &Path) -> [PathBuf; 3] {
        let base = base(name);
        ["svg", "png", "csv"].map(|ending| {
            let mut path = base.clone().into_os_string();
            path.push(".");
            path.push(ending);
            path.into()
        })
    }
}

/// A name without the ending of one of the files.
pub(crate) fn base(name: &Path) -> PathBuf {
    let ending = name.extension().and_then(std::ffi::OsStr::to_str);
    match ending {
        Some("svg" | "png" | "csv") => name.with_extension(""),
        _ => name.to_path_buf(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_rows_are_named_by_their_settings() {
        let text = r#"{"schema": 1, "settings": {"method": "snip", "density": 0.1},
            "jobs": {"prune": "ab12"}, "values": {}}"#;
        let row: Row = serde_json::from_str(text).unwrap();
        let plain = |text| filled(text, &row, |value| value);
        let found = plain("jobs/{jobs.prune}/{method}-{density}.mask").unwrap();
        assert_eq!(found, "jobs/ab12/snip-0.1.mask");
        assert!(plain("{seed}").unwrap_err().to_string().contains("no `seed`"));
        assert!(plain("{seed").unwrap_err().to_string().contains("without `}`"));
        let loud = filled("{method} at {density}", &row, |value| value.to_uppercase()).unwrap();
        assert_eq!(loud, "SNIP at 0.1");
    }

    #[test]
    fn a_name_may_have_the_ending_of_a_file_and_dots() {
        let [svg, _, csv] = Drawing::paths("a/b.c".as_ref());
        assert_eq!((svg, csv), ("a/b.c.svg".into(), "a/b.c.csv".into()));
        assert_eq!(Drawing::paths("x.svg".as_ref())[1], Path::new("x.png"));
    }
}
