//! `phew compare`: masks against each other.

use std::path::PathBuf;

use clap::Args;
use phew_graph::{LayerMask, Mask, PathGraph, Provenance, Reach};
use phew_metrics::{Overlap, Similarity, similarity};
use serde::Serialize;

use crate::args::{ArchArgs, load_mask};
use crate::command::{Command, Example, Report};
use crate::failure::usage;
use crate::output::{grouped, percent, section, table};

/// Compare masks with each other.
///
/// Masks of one architecture, each with each: Jaccard similarity overall and by layer, beside what masks with the same
/// number of weights in every layer would have by chance, and effective densities.
#[derive(Debug, Args)]
pub struct Compare {
    #[command(flatten)]
    arch: ArchArgs,

    /// Masks: two or more
    #[arg(value_name = "MASK", required = true)]
    masks: Vec<PathBuf>,
}

/// Masks of one architecture, and what they have in common.
#[derive(Clone, Debug, Serialize)]
pub struct CompareReport {
    /// Name of the architecture.
    pub arch: String,
    /// Its prunable weights.
    pub prunable: usize,
    /// The masks, as they were named.
    pub masks: Vec<ComparedMask>,
    /// Each mask with each.
    pub pairs: Vec<ComparedPair>,
}

/// One mask.
#[derive(Clone, Debug, Serialize)]
pub struct ComparedMask {
    /// Its file.
    pub mask: PathBuf,
    /// The method that made it, where the file says so.
    pub method: Option<String>,
    /// All that the file says of it.
    pub made_by: Option<Provenance>,
    /// Weights kept.
    pub kept: usize,
    /// Their share of the prunable weights.
    pub density: f64,
    /// Weights kept on a surviving path.
    pub effective: usize,
    /// Their share of the prunable weights.
    pub effective_density: f64,
}

/// Two masks.
#[derive(Clone, Debug, Serialize)]
pub struct ComparedPair {
    /// Places in the list of masks.
    pub masks: [usize; 2],
    /// Weights that both keep.
    pub common: usize,
    /// Weights that both keep over those that either keeps.
    pub jaccard: f64,
    /// The Jaccard similarity expected of random masks with as many weights in every layer.
    pub by_chance: f64,
    /// 0 for what chance gives, 1 for equal masks.
    pub above_chance: f64,
    /// The prunable tensors.
    pub layers: Vec<ComparedLayer>,
}

/// One tensor in two masks.
#[derive(Clone, Debug, Serialize)]
pub struct ComparedLayer {
    /// What the two have in common.
    #[serde(flatten)]
    pub overlap: Overlap,
    /// Weights kept on a surviving path, of either mask.
    pub effective: [usize; 2],
}

impl Command for Compare {
    const NAME: &'static str = "compare";
    const EXAMPLES: &'static [Example] = &[
        (
            "what two masks have in common, layer by layer",
            "phew compare --arch lenet-5 m.safetensors other.safetensors",
        ),
        (
            "each with each, for a program",
            "phew compare --arch lenet-5 m.safetensors other.safetensors m.safetensors --json",
        ),
    ];
    type Report = CompareReport;

    fn run(&self) -> anyhow::Result<CompareReport> {
        if self.masks.len() < 2 {
            return Err(usage("one mask given, expected at least two to compare"));
        }
        let arch = self.arch.load()?;
        let graph = PathGraph::new(&arch);
        let mut masks = Vec::new();
        for path in &self.masks {
            let (mask, info) = load_mask(path, &arch)?;
            masks.push((mask, info));
        }
        let effective =
            |(mask, _): &(Mask, _)| Reach::of_mask(&graph, mask).effective(&graph, mask);
        let effective: Vec<Mask> = masks.iter().map(effective).collect();
        let mut pairs = Vec::new();
        for a in 0..masks.len() {
            for b in a + 1..masks.len() {
                let found = similarity(&masks[a].0, &masks[b].0)?;
                pairs.push(ComparedPair::new([a, b], found, &effective));
            }
        }
        let given = self.masks.iter().zip(masks).zip(&effective);
        let summaries = given.map(|((path, (mask, made_by)), effective)| ComparedMask {
            mask: path.clone(),
            method: made_by.as_ref().and_then(|from| from.method.clone()),
            made_by,
            kept: mask.kept(),
            density: mask.density(),
            effective: effective.kept(),
            effective_density: effective.density(),
        });
        let masks = summaries.collect();
        let (arch, prunable) = (arch.name().to_owned(), arch.prunable_len());
        Ok(CompareReport { arch, prunable, masks, pairs })
    }
}

impl ComparedPair {
    fn new(masks: [usize; 2], found: Similarity, effective: &[Mask]) -> Self {
        let [a, b] = masks.map(|m| effective[m].layers().iter().map(LayerMask::kept));
        let rows = a.zip(b).zip(found.layers);
        let row = |((a, b), overlap)| ComparedLayer { effective: [a, b], overlap };
        Self {
            masks,
            common: found.overall.common,
            jaccard: found.overall.jaccard,
            by_chance: found.overall.by_chance,
            above_chance: found.overall.above_chance(),
            layers: rows.map(row).collect(),
        }
    }
}

impl Report for CompareReport {
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
        if self.masks.len() > 2 {
            return out + &self.matrix();
        }
        for pair in &self.pairs {
            let [a, b] = pair.masks.map(label);
            let (kept_a, kept_b) = (format!("{a} kept"), format!("{b} kept"));
            let head = ["layer", &kept_a, &kept_b, "common", "Jaccard", "by chance"];
            let rows = pair.layers.iter().map(|ComparedLayer { overlap, .. }| {
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

impl CompareReport {
    /// Each with each: Jaccard similarity above the diagonal, what chance gives below it.
    fn matrix(&self) -> String {
        let count = self.masks.len();
        let labels: Vec<String> = (0..count).map(label).collect();
        let mut cells = vec![vec!["–".to_owned(); count]; count];
        for ComparedPair { masks: [a, b], jaccard, by_chance, .. } in &self.pairs {
            cells[*a][*b] = format!("{jaccard:.4}");
            cells[*b][*a] = format!("{by_chance:.4}");
        }
        let rows = labels.iter().zip(cells).map(|(name, row)| [vec![name.clone()], row].concat());
        let head: Vec<&str> =
            std::iter::once("").chain(labels.iter().map(String::as_str)).collect();
        let title = "Jaccard similarity";
        let legend = "above the diagonal: of the two masks; below it: of random ones with as many weights in every layer\n\
                      --json has the layers of every pair";
        section(title, legend, &table(&head, &rows.collect::<Vec<_>>(), 1))
    }
}

/// A, B, …, Z, then numbers.
fn label(mask: usize) -> String {
    match u8::try_from(mask) {
        Ok(m) if m < 26 => char::from(b'A' + m).to_string(),
        _ => (mask + 1).to_string(),
    }
}
