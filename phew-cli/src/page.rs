//! One self-contained page of what lies in a folder: figures, tables, settings, what is missing, and published numbers
//! beside ours.
//!
//! It shows what it finds of `rows.jsonl`, `summary.csv`, `pairs.csv`, `plan.toml`, `jobs/` and `*.svg`, each with its
//! `*.csv`, and of `reproduction.toml` with the plans that it names; nothing of it is needed.

mod comparison;
mod figures;
mod files;
mod html;
mod jobs;
mod published;
mod record;
mod settings;
mod tables;

use std::path::Path;

use crate::collect::Rows;
use crate::failure::usage;
use files::text_of;
use html::{document, escaped, section};

pub use comparison::{Compared, compare};
pub(crate) use published::published_of;
pub use published::{Published, read_published};
pub(crate) use record::Record;

/// A page, and what is on it.
#[derive(Clone, Debug)]
pub struct Page {
    /// The whole of it.
    pub html: String,
    /// Figures.
    pub figures: usize,
    /// Rows of the sweep.
    pub rows: usize,
    /// Rows that are not whole.
    pub missing: usize,
    /// Jobs that failed.
    pub failed: usize,
    /// Published numbers that ours stand beside.
    pub compared: usize,
}

impl Page {
    /// The page of a folder, with published numbers to compare with.
    ///
    /// # Errors
    /// If there is nothing to show, or something that is there cannot be read: the error names the file.
    pub fn of(folder: &Path, title: Option<&str>, published: &[Published]) -> anyhow::Result<Self> {
        let rows = match folder.join("rows.jsonl") {
            path if path.exists() => Rows::read(&path)?,
            _ => Rows::default(),
        };
        let record = Record::read(folder)?;
        let names = record.as_ref().map_or_else(|| vec!["plan".to_owned()], |r| r.plans.clone());
        let mut plans = Vec::new();
        for file in names.iter().map(|name| format!("{name}.toml")) {
            plans.extend(text_of(&folder.join(&file))?.map(|text| (file, text)));
        }
        let figures = figures::figures(folder)?;
        let jobs = jobs::Jobs::of(folder)?;
        let summary = text_of(&folder.join("summary.csv"))?;
        let pairs = text_of(&folder.join("pairs.csv"))?;
        let tables = [&summary, &pairs].into_iter().flatten().count();
        if rows.is_empty() && figures.is_empty() && tables == 0 {
            return Err(usage(format!(
                "{}: nothing to show, expected rows.jsonl, summary.csv, pairs.csv or *.svg",
                folder.display()
            )));
        }
        let compared = compare(&rows, published);
        let missing = rows.iter().filter(|row| !row.missing.is_empty()).count();
        let plan_table = plans.first().and_then(|(_, text)| text.parse::<toml::Table>().ok());
        let of_plan = |key: &str| plan_table.as_ref()?.get(key)?.as_str().map(str::to_owned);
        let named = || folder.file_name().map(|name| name.to_string_lossy().into_owned());
        let of_record = record.as_ref().map(|record| record.title.clone());
        let title = title.map(str::to_owned).or(of_record).or_else(|| of_plan("name"));
        let title = title.or_else(named).unwrap_or_else(|| "Results".to_owned());

        let mut body = format!("<h1>{}</h1>\n", escaped(&title));
        if let Some(record) = &record {
            let Record { id, paper, scale, note, .. } = record;
            let lines = [Some(format!("{paper}. {id}, scale {scale}.")), note.clone()];
            body += &lines
                .iter()
                .flatten()
                .map(|line| format!("<p>{}</p>\n", escaped(line)))
                .collect::<String>();
        }
        let about = record.as_ref().map(|record| record.about.clone()).or_else(|| of_plan("about"));
        for paragraph in about.unwrap_or_default().split("\n\n").filter(|text| !text.is_empty()) {
            body += &format!("<p>{}</p>\n", escaped(paragraph));
        }
        body += &settings::overview(&rows, missing, &jobs);
        body += &section("Missing and failed", &settings::missing(&rows, &jobs));
        body += &section("Figures", &figures::shown(&figures));
        body += &section("Published numbers beside ours", &comparison::shown(&compared));
        body += &section("Summary", &tables::summary(summary.as_deref()));
        body += &section("Differences between methods", &tables::pairs(pairs.as_deref()));
        body += &section("Settings", &settings::settings(&rows));
        body += &section("Versions", &settings::versions(&jobs));
        let shown = |(file, text): &(String, String)| {
            html::folded(file, &format!("<pre>{}</pre>\n", escaped(text)))
        };
        let heading = if plans.len() > 1 { "Plans" } else { "Plan" };
        body += &section(heading, &plans.iter().map(shown).collect::<String>());
        Ok(Self {
            html: document(&title, &body),
            figures: figures.len(),
            rows: rows.len(),
            missing,
            failed: jobs.failed.len(),
            compared: compared.len(),
        })
    }
}
