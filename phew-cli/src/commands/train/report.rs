//! What came out of a training.

use std::path::{Path, PathBuf};

use phew_train::{Recipe, RunResult};
use serde::Serialize;

use crate::command::Report;
use crate::output::{grouped, percent};

/// What came out of a training.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum TrainReport {
    /// Nothing was trained: the recipe with every default.
    Recipe(Box<Recipe>),
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
            TrainReport::Recipe(recipe) => recipe.to_toml(),
            TrainReport::Run { result, folder } => summary(result, folder),
            TrainReport::Runs { results, folder } => results.text(folder),
        }
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
        out += &format!("{} runs: {what} {}", self.runs.len(), show(self.mean));
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
        "{} on {}: {quality} after {} epochs; {kept} of {prunable} weights kept ({density})\n\
         {:.1} s, {} images/s on {} with {} threads\n\
         run {}\n",
        result.arch,
        result.data,
        result.epochs,
        result.seconds,
        grouped(result.images_per_second as u64),
        result.device,
        result.threads,
        dir.display(),
    )
}
