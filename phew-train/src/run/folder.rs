//! The files of a run.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use phew_graph::{
    Arch, GraphError, Mask, Overwrite, Provenance, SCHEMA, content_hash, read_file,
    write_atomically,
};
use serde::Serialize;

use super::builder::Run;
use super::checkpoint;
use super::config::RunConfig;
use super::early::Early;
use super::events::EventFile;
use super::identity::WEIGHTS;
use super::remaining::Remaining;
use super::result::RunResult;
use crate::doctor::Libtorch;
use crate::error::{Result, TrainError};
use crate::train::{EpochRecord, EpochTiming, Pruned, PrunedTraining, PrunerInfo};

/// The parameter of a mask's file that says at which step a pruning took place.
const PRUNED_AT: &str = "pruned_at_step";

/// Makes the folder this run's, if it is not yet.
pub(super) fn claim(dir: &Path, config: &RunConfig, arch: &Arch) -> Result<()> {
    let files = [("arch.toml", arch.to_toml()), ("config.toml", config.to_toml())];
    for (name, text) in files {
        let path = dir.join(name);
        if !path.exists() || name == "arch.toml" && !dir.join("config.toml").exists() {
            write_text(&path, &text)?;
        }
    }
    Ok(())
}

/// A line of `metrics.jsonl`.
#[derive(Serialize)]
struct Line<'a> {
    run: &'a str,
    #[serde(flatten)]
    record: &'a EpochRecord,
}

/// The files of a run that is under way.
pub(super) struct Folder<'a> {
    dir: PathBuf,
    config: &'a RunConfig,
    pub(super) history: Vec<EpochRecord>,
    timings: Vec<EpochTiming>,
    events: EventFile,
}

impl<'a> Folder<'a> {
    /// Opens the folder's files, and brings the training to the last checkpoint if there is one.
    pub(super) fn resume(
        dir: &Path,
        config: &'a RunConfig,
        training: &mut PrunedTraining,
    ) -> Result<Self> {
        let path = dir.join("checkpoint.safetensors");
        let (mut history, mut timings) = (Vec::new(), Vec::new());
        if path.exists() {
            let note = checkpoint::load(&path, training, config)?;
            (history, timings) = (note.history, note.timings);
        }
        let wall = timings.first().map_or_else(now, |timing: &EpochTiming| timing.ended);
        let events = EventFile::create(&dir.join("events.out.tfevents.0.phew"), wall)?;
        let mut folder = Self { dir: dir.to_owned(), config, history: Vec::new(), timings, events };
        for record in history {
            let number = folder.history.len();
            let ended = folder.timings.get(number).map_or(wall, |timing| timing.ended);
            folder.add_events(&record, ended)?;
            folder.history.push(record);
        }
        folder.write_lines()?;
        Ok(folder)
    }

    /// Notes an epoch in all files.
    pub(super) fn note(
        &mut self,
        record: &EpochRecord,
        seconds: f64,
        images_per_second: f64,
    ) -> Result<()> {
        let ended = now();
        self.add_events(record, ended)?;
        self.history.push(record.clone());
        let epoch = record.epoch;
        self.timings.push(EpochTiming { epoch, seconds, images_per_second, ended });
        self.write_lines()
    }

    /// Adds an epoch, the next of the history, to the curves. Epochs of all trainings of a run are counted on.
    fn add_events(&mut self, record: &EpochRecord, wall: f64) -> Result<()> {
        let number = self.history.len() as u64 + 1;
        let mut scalars = vec![
            ("loss/train", record.train.loss),
            ("loss/test", record.test.loss),
            ("learning rate", record.rate),
            ("gradient norm", record.gradient_norm),
        ];
        let accuracies = [
            ("top1/train", record.train.top1),
            ("top1/test", record.test.top1),
            ("top5/train", record.train.top5),
            ("top5/test", record.test.top5),
        ];
        scalars.extend(accuracies.into_iter().filter_map(|(tag, value)| Some((tag, value?))));
        for (tag, value) in scalars {
            self.events.scalar(tag, number, value, wall)?;
        }
        Ok(())
    }

    /// Rewrites the files of lines, so that they hold whole lines and each epoch once.
    fn write_lines(&self) -> Result<()> {
        let run = &*self.config.id();
        let lines: Vec<Line<'_>> = self.history.iter().map(|record| Line { run, record }).collect();
        write_text(&self.dir.join("metrics.jsonl"), &to_lines(&lines))?;
        write_text(&self.dir.join("timings.jsonl"), &to_lines(&self.timings))
    }

    /// Keeps the mask of a pruning, named by its number.
    pub(super) fn keep_mask(
        &self,
        arch: &Arch,
        mask: &Mask,
        pruned: &Pruned,
        pruner: &PrunerInfo,
    ) -> Result<()> {
        let mut parameters = values(pruner);
        parameters.insert(PRUNED_AT.to_owned(), pruned.step.into());
        parameters.insert(checkpoint::RUN.to_owned(), self.config.id().into());
        let from = Provenance {
            arch: arch.name().to_owned(),
            arch_hash: Some(arch.fingerprint()),
            density: Some(mask.density()),
            kept: Some(mask.kept()),
            method: Some(pruner.method.clone()),
            parameters,
            prunable: Some(mask.len()),
            run_seed: Some(self.config.seed),
            schema: SCHEMA,
            seed: Some(pruner.seed),
            version: self.config.phew.clone(),
            weights: pruned.weights.clone(),
            ..Provenance::default()
        };
        mask.save(&checkpoint::mask_path(&self.dir, pruned.phase), &from, Overwrite::Replace)?;
        Ok(())
    }

    /// Keeps the model that training goes back to.
    pub(super) fn keep_early(&self, training: &PrunedTraining) -> Result<()> {
        let Some(early) = training.early() else { return Ok(()) };
        checkpoint::save_early(&self.dir, early, self.config)
    }

    pub(super) fn checkpoint(&self, training: &PrunedTraining) -> Result<()> {
        let Self { dir, config, history, timings, .. } = self;
        checkpoint::save(dir, training, config, history, timings)
    }

    /// How much was left at which step, by the masks that the prunings left.
    fn remaining(&self, training: &PrunedTraining, run: &Run<'_>) -> Result<Remaining> {
        let mask = run.task.mask.map(Mask::density);
        let began = run.from.map_or(0, Early::step);
        // A network of an early step was dense until then.
        let before = mask.map(|density| (began, density));
        let pruned = |phase| {
            let path = checkpoint::mask_path(&self.dir, phase);
            let (mask, info) = checkpoint::load_mask(&path, self.config)?;
            let step = info.and_then(|info| info.parameters.get(PRUNED_AT)?.as_u64());
            let step = step.ok_or_else(|| TrainError::corrupt(&path, "does not say its step"))?;
            Ok((step, mask.density()))
        };
        let pruned = (1..=training.phase()).map(pruned).collect::<Result<Vec<_>>>()?;
        let effective = self.config.pruning.in_schedule(&self.config.recipe, pruned);
        let all: Vec<(u64, f64)> = before.into_iter().chain(effective).collect();
        Ok(Remaining::new(1.0, &all, training.trainer().last_step()))
    }

    /// What came out of a run that is done.
    pub(super) fn result(&self, training: &PrunedTraining, run: &Run<'_>) -> Result<RunResult> {
        let Some(last) = self.history.last() else { unreachable!("a run has an epoch") };
        let trainer = training.trainer();
        let images = trainer.images();
        let of_last = self.history.iter().filter(|record| record.phase == last.phase);
        let accuracies = of_last.filter_map(|r| Some((r.test.top1?, r.epoch)));
        let torch = crate::doctor::libtorch();
        let trained: f64 =
            self.timings.iter().map(|t| images as f64 / t.images_per_second.max(1e-9)).sum();
        let weights = self.dir.join(WEIGHTS);
        let weights = read_file(&weights).map_err(TrainError::io(&weights))?;
        Ok(RunResult {
            run: self.config.id(),
            weights: content_hash(&weights),
            arch: self.config.arch.clone(),
            method: self.config.method.clone(),
            data: self.config.data.clone(),
            seed: self.config.seed,
            pruning: self.config.pruning.clone(),
            kept: training.mask().kept(),
            prunable: training.mask().len(),
            remaining: Some(self.remaining(training, run)?),
            epochs: last.epoch,
            steps: trainer.step(),
            train: last.train,
            // Not the last record's: a pruning may have come after it.
            test: trainer.evaluate()?,
            // Of equals the first.
            best: accuracies.reduce(|best, next| if next.0 > best.0 { next } else { best }),
            seconds: self.timings.iter().map(|timing| timing.seconds).sum(),
            images_per_second: (images * self.timings.len()) as f64 / trained,
            device: run.task.device().to_string(),
            threads: torch.threads,
            phew: self.config.phew.clone(),
            provenance: Some(Box::new(self.provenance(training.mask(), run, &torch))),
            libtorch: torch.version,
        })
    }

    /// Where the result comes from: what is known of network and mask, and what the run knows itself.
    fn provenance(&self, mask: &Mask, run: &Run<'_>, torch: &Libtorch) -> Provenance {
        let known = run.provenance.cloned();
        let mut from = known.unwrap_or_else(|| Provenance::of(run.task.network));
        if let Some(pruner) = &self.config.pruner {
            from.method = Some(pruner.method.clone());
            (from.seed, from.parameters) = (Some(pruner.seed), values(pruner));
            from.density = self.config.pruning.densities().last().copied();
        }
        Provenance {
            data: Some(self.config.data.clone()),
            data_hash: Some(run.task.data.fingerprint().into_owned()),
            device: Some(run.task.device().to_string()),
            kept: Some(mask.kept()),
            libtorch: torch.version.clone(),
            mask: (mask.kept() < mask.len()).then(|| mask.fingerprint()),
            prunable: Some(mask.len()),
            run_seed: Some(self.config.seed),
            threads: Some(torch.threads),
            ..from
        }
    }
}

/// The parameters of a pruner, as a record has them.
fn values(pruner: &PrunerInfo) -> BTreeMap<String, serde_json::Value> {
    let parameters = pruner.parameters.iter();
    parameters.map(|(name, value)| (name.clone(), value.as_str().into())).collect()
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

fn to_lines<T: Serialize>(records: &[T]) -> String {
    records.iter().map(|record| to_json(record) + "\n").collect()
}

fn to_json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|e| unreachable!("plain data: {e}"))
}

pub(super) fn to_json_pretty<T: Serialize>(value: &T) -> String {
    serde_json::to_string_pretty(value).unwrap_or_else(|e| unreachable!("plain data: {e}"))
}

pub(super) fn write_text(path: &Path, text: &str) -> Result<()> {
    write_atomically(path, Overwrite::Replace, |writer| {
        let io = |source| GraphError::Io { path: path.to_owned(), source };
        writer.write_all(text.as_bytes()).map_err(io)
    })?;
    Ok(())
}
