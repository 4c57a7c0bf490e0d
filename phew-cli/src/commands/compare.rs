//! `phew compare`: masks against each other.

use std::path::PathBuf;

use clap::Args;
use phew_graph::{Mask, PathGraph, Reach};
use phew_metrics::{Overlap, Similarity, similarity};
use serde::Serialize;

use crate::args::{ArchArgs, load_mask};
use crate::failure::usage;
use crate::output::{grouped, json, percent, table, text};

/// Compares masks of one architecture, each with each: Jaccard similarity overall and by layer, beside what masks
/// with the same number of weights in every layer would have by chance, and effective densities.
#[derive(Debug, Args)]
pub(crate) struct Compare {
    #[command(flatten)]
    arch: ArchArgs,

    /// Masks: two or more
    #[arg(value_name = "MASK", required = true)]
    masks: Vec<PathBuf>,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report<'a> {
    arch: &'a str,
    prunable: usize,
    masks: Vec<Summary>,
    pairs: Vec<Pair>,
}

#[derive(Serialize)]
struct Summary {
    mask: PathBuf,
    method: Option<String>,
    kept: usize,
    density: f64,
    effective: usize,
    /// Of the prunable weights, those kept on a surviving path.
    effective_density: f64,
}

#[derive(Serialize)]
struct Pair {
    /// Places in the list of masks.
    masks: [usize; 2],
    common: usize,
    jaccard: f64,
    by_chance: f64,
    /// 0 for what chance gives, 1 for equal masks.
    above_chance: f64,
    layers: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    #[serde(flatten)]
    overlap: Overlap,
    effective: [usize; 2],
}

impl Compare {
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        if self.masks.len() < 2 {
            return Err(usage("one mask given, expected at least two to compare"));
        }
        let arch = self.arch.load()?;
        let graph = PathGraph::new(&arch);
        let mut masks = Vec::new();
        for path in &self.masks {
            let (mask, info) = load_mask(path, &arch)?;
            masks.push((mask, info.map(|i| i.method)));
        }
        let effective =
            |(mask, _): &(Mask, _)| Reach::of_mask(&graph, mask).effective(&graph, mask);
        let effective: Vec<Mask> = masks.iter().map(effective).collect();
        let mut pairs = Vec::new();
        for a in 0..masks.len() {
            for b in a + 1..masks.len() {
                let found = similarity(&masks[a].0, &masks[b].0)?;
                pairs.push(Pair::new([a, b], found, &effective));
            }
        }
        let given = self.masks.iter().zip(masks).zip(&effective);
        let summaries = given.map(|((path, (mask, method)), effective)| Summary {
            mask: path.clone(),
            method,
            kept: mask.kept(),
            density: mask.density(),
            effective: effective.kept(),
            effective_density: effective.density(),
        });
        let masks = summaries.collect();
        let report = Report { arch: arch.name(), prunable: arch.prunable_len(), masks, pairs };
        if self.json { json(&report) } else { text(&report.text()) }
    }
}

impl Pair {
    fn new(masks: [usize; 2], found: Similarity, effective: &[Mask]) -> Self {
        let row = |(tensor, overlap): (usize, Overlap)| Row {
            effective: masks.map(|m| effective[m].layer(tensor).kept()),
            overlap,
        };
        Self {
            masks,
            common: found.overall.common,
            jaccard: found.overall.jaccard,
            by_chance: found.overall.by_chance,
            above_chance: found.overall.above_chance(),
            layers: found.layers.into_iter().enumerate().map(row).collect(),
        }
    }
}

impl Report<'_> {
    fn text(&self) -> String {
        let head = ["", "mask", "method", "kept", "density", "effective", "effective density"];
        let masks = self.masks.iter().enumerate().map(|(m, s)| {
            vec![
                label(m),
                s.mask.display().to_string(),
                s.method.clone().unwrap_or_else(|| "–".into()),
                grouped(s.kept),
                percent(s.density),
                grouped(s.effective),
                percent(s.effective_density),
            ]
        });
        let mut out = table(&head, &masks.collect::<Vec<_>>(), 3);
        for pair in &self.pairs {
            let [a, b] = pair.masks.map(label);
            let (kept_a, kept_b) = (format!("{a} kept"), format!("{b} kept"));
            let head = ["layer", &kept_a, &kept_b, "common", "Jaccard", "by chance"];
            let rows = pair.layers.iter().map(|Row { overlap, .. }| {
                vec![
                    overlap.name.clone(),
                    grouped(overlap.kept[0]),
                    grouped(overlap.kept[1]),
                    grouped(overlap.common),
                    format!("{:.4}", overlap.jaccard),
                    format!("{:.4}", overlap.by_chance),
                ]
            });
            out += "\n";
            out += &table(&head, &rows.collect::<Vec<_>>(), 1);
            out += &format!(
                "{a} and {b}: {} weights in common, Jaccard {:.4}, by chance {:.4}\n",
                grouped(pair.common),
                pair.jaccard,
                pair.by_chance,
            );
        }
        out
    }
}

/// A, B, …, Z, then numbers.
fn label(mask: usize) -> String {
    match u8::try_from(mask) {
        Ok(m) if m < 26 => char::from(b'A' + m).to_string(),
        _ => (mask + 1).to_string(),
    }
}
