//! How a run goes, on stderr.

use indicatif::ProgressBar;
use phew_train::{EpochRecord, Observer, Pruned, Run, TrainingProgress};

use crate::output::{grouped, percent};
use crate::{progress, stderr};

/// A bar on a terminal, a line for each epoch.
pub(super) struct Progress {
    bar: ProgressBar,
    /// What its lines begin with, where several runs go side by side.
    name: String,
}

impl Progress {
    pub(super) fn new(run: &Run<'_>, name: String) -> Self {
        let what = if name.is_empty() { "training" } else { name.trim_end() };
        let bar = progress::bar(run.last_step(), what, "steps");
        Self { bar, name }
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn line(&self, line: &str) {
        stderr::message(format_args!("{}{line}", self.name));
    }
}

impl Observer for Progress {
    fn progress(&mut self, progress: &TrainingProgress) {
        let TrainingProgress { epoch, epochs, step, steps, train, images_per_second } = progress;
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
