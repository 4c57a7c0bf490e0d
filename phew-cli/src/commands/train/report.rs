//! How a run goes, on stderr, and what came out of it.

use std::path::Path;

use indicatif::{MultiProgress, ProgressBar};
use phew_train::{EpochRecord, Observer, Progress, Pruned, RunResult, RunSpec};

use crate::output::{grouped, percent};
use crate::progress;

/// A bar on a terminal, a line for each epoch.
pub(super) struct Report {
    bar: ProgressBar,
    all: MultiProgress,
    /// What its lines begin with, where several runs go side by side.
    name: String,
}

impl Report {
    pub(super) fn new(spec: &RunSpec<'_>, all: &MultiProgress, name: String) -> Self {
        let steps = spec.recipe.steps_per_epoch(spec.data.train.len());
        let what = if name.is_empty() { "training" } else { name.trim_end() };
        let bar = all.add(progress::bar(spec.recipe.epochs * steps, what, "steps"));
        Self { bar, all: all.clone(), name }
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn line(&self, line: &str) {
        self.all.suspend(|| eprintln!("{}{line}", self.name));
    }
}

impl Observer for Report {
    fn progress(&mut self, progress: &Progress) {
        let Progress { epoch, epochs, step, steps, train, images_per_second } = progress;
        // Fine-tuning goes on beyond the recipe's last epoch.
        self.bar.set_length((*epochs).max(epoch + 1) * steps);
        self.bar.set_position(epoch * steps + step);
        let accuracy = train.top1.map(|top1| format!(", {}", percent(top1))).unwrap_or_default();
        self.bar.set_message(format!(
            "· epoch {}/{epochs} · loss {:.4}{accuracy} · {} images/s",
            epoch + 1,
            train.loss,
            grouped(*images_per_second as u64),
        ));
    }

    fn epoch(&mut self, record: &EpochRecord) {
        let top1 = |top1: Option<f64>| top1.map(|t| format!(" {}", percent(t))).unwrap_or_default();
        let EpochRecord { epoch, train, test, rate, .. } = record;
        self.line(&format!(
            "epoch {epoch:>3}  train {:.4}{}  test {:.4}{}  rate {rate:.4}",
            train.loss,
            top1(train.top1),
            test.loss,
            top1(test.top1)
        ));
    }

    fn pruned(&mut self, pruned: &Pruned) {
        let Pruned { phase, step, kept, prunable, .. } = pruned;
        let density = percent(*kept as f64 / *prunable as f64);
        let (kept, prunable) = (grouped(*kept), grouped(*prunable));
        self.line(&format!(
            "pruning {phase} at step {step}: {kept} of {prunable} kept ({density})"
        ));
    }
}

/// What a person wants to know of a run that is done.
pub(super) fn summary(result: &RunResult, dir: &Path) -> String {
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
