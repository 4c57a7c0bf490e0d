//! What came out of a training.

use std::path::{Path, PathBuf};

use phew_graph::Provenance;
use phew_train::{PrunerInfo, Pruning, Recipe, RunResult};
use serde::Serialize;

use crate::command::Report;
use crate::output::{counted, grouped, percent};

/// What came out of a training.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum TrainReport {
    /// Nothing was trained: the recipe with every default, and what would be pruned.
    Recipe(Box<PlannedTraining>),
    /// One run.
    Run {
        /// Its result.
        #[serde(flatten)]
        result: Box<RunResult>,
        /// Its folder.
        #[serde(skip)]
        folder: PathBuf,
    },
    /// A run for each seed.
    Runs {
        /// Their results.
        #[serde(flatten)]
        results: Results,
        /// The folder of their folders.
        #[serde(skip)]
        folder: PathBuf,
    },
}

impl Report for TrainReport {
    fn text(&self) -> String {
        match self {
            TrainReport::Recipe(planned) => planned.text(),
            TrainReport::Run { result, folder } => summary(result, folder),
            TrainReport::Runs { results, folder } => results.text(folder),
        }
    }

    fn is_prose(&self) -> bool {
        !matches!(self, TrainReport::Recipe(_))
    }
}

/// What would be trained.
#[derive(Clone, Debug, Serialize)]
pub struct PlannedTraining {
    /// The recipe, every default spelt out.
    #[serde(flatten)]
    pub recipe: Recipe,
    /// Where the mask comes from, if its file says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mask: Option<Provenance>,
    /// When it would be pruned in the course of training.
    #[serde(skip_serializing_if = "Pruning::is_never")]
    pub pruning: Pruning,
    /// What such a pruning would keep.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pruner: Option<PrunerInfo>,
}

impl PlannedTraining {
    /// The recipe as TOML; what is no part of a recipe stands behind it, in comments.
    fn text(&self) -> String {
        let mut out = self.recipe.to_toml();
        let mut note = |what: &str, value: serde_json::Result<String>| {
            out += &value.map(|value| format!("# {what} = {value}\n")).unwrap_or_default();
        };
        if let Some(mask) = &self.mask {
            note("mask", serde_json::to_string(mask));
        }
        if let Some(pruner) = &self.pruner {
            note("pruning", serde_json::to_string(&self.pruning));
            note("pruner", serde_json::to_string(pruner));
        }
        out
    }
}

/// What came out of several runs.
#[derive(Clone, Debug, Serialize)]
pub struct Results {
    /// Their results, in the order of the seeds.
    pub runs: Vec<RunResult>,
    /// Over the runs: of test accuracy, or of test loss for regression.
    pub mean: f64,
    /// Their sample standard deviation; none of one run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deviation: Option<f64>,
}

impl Results {
    pub(super) fn new(runs: Vec<RunResult>) -> Self {
        let of = |run: &RunResult| run.test.top1.unwrap_or(run.test.loss);
        let count = runs.len() as f64;
        let mean = runs.iter().map(of).sum::<f64>() / count;
        let squares = runs.iter().map(|run| (of(run) - mean).powi(2)).sum::<f64>();
        let deviation = (runs.len() > 1).then(|| (squares / (count - 1.0)).sqrt());
        Self { runs, mean, deviation }
    }

    fn text(&self, dir: &Path) -> String {
        let mut out = String::new();
        for run in &self.runs {
            out += &summary(run, &dir.join(format!("seed-{}", run.seed)));
        }
        let accuracy = self.runs.iter().all(|run| run.test.top1.is_some());
        let show = |value: f64| if accuracy { percent(value) } else { format!("{value:.5}") };
        let what = if accuracy { "test accuracy" } else { "test loss" };
        out += &format!("{}: {what} {}", counted(self.runs.len(), "run"), show(self.mean));
        out += &self.deviation.map(|d| format!(" ± {}", show(d))).unwrap_or_default();
        out + "\n"
    }
}

/// What a person wants to know of a run that is done.
fn summary(result: &RunResult, dir: &Path) -> String {
    let density = percent(result.kept as f64 / result.prunable as f64);
    let (kept, prunable) = (grouped(result.kept), grouped(result.prunable));
    let quality = match result.test.top1 {
        Some(top1) => format!("test accuracy {}", percent(top1)),
        None => format!("test loss {:.5}", result.test.loss),
    };
    format!(
        "{} on {}: {quality} after {}; {kept} of {prunable} weights kept ({density})\n\
         {:.1} s, {} images/s on {} with {}\n\
         run {}\n",
        result.arch,
        result.data,
        counted(result.epochs as usize, "epoch"),
        result.seconds,
        grouped(result.images_per_second as u64),
        result.device,
        counted(result.threads, "thread"),
        dir.display(),
    )
}
