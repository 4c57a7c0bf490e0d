//! A run on disk: a folder that a killed run goes on in.

mod checkpoint;
mod events;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use phew_graph::{GraphError, Mask, Network, Overwrite, write_atomically};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::data::Dataset;
use crate::device::Device;
use crate::error::{Result, TrainError};
use crate::train::{EpochRecord, EpochTiming, Observer, Quality, Recipe, Trainer};
use events::EventFile;

/// What is to be trained, and how.
#[derive(Debug)]
pub struct RunSpec<'a> {
    /// The network with its initial weights.
    pub network: &'a Network,
    /// What to keep of it; everything by default.
    pub mask: Option<&'a Mask>,
    /// How the mask was made, for the record.
    pub method: Option<&'a str>,
    /// The data.
    pub data: &'a Dataset,
    /// How to train.
    pub recipe: &'a Recipe,
    /// Seed of the order of the images and of their augmentation.
    pub seed: u64,
    /// Where to train.
    pub device: Device,
    /// A checkpoint is written after so many epochs.
    pub checkpoint_every: u64,
}

/// `config.toml`: what makes two runs the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunConfig {
    /// Version of phew.
    pub phew: String,
    /// Name of the architecture.
    pub arch: String,
    /// Hash of the initial weights.
    pub weights: String,
    /// Hash of the mask; none for a dense run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mask: Option<String>,
    /// How the mask was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// What the data set calls itself.
    pub data: String,
    /// Seed.
    pub seed: u64,
    /// The recipe.
    pub recipe: Recipe,
}

/// `result.json`: what came out of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunResult {
    /// Name of the architecture.
    pub arch: String,
    /// How the mask was made; none for a dense run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The data set.
    pub data: String,
    /// Seed.
    pub seed: u64,
    /// Weights kept.
    pub kept: usize,
    /// Prunable weights.
    pub prunable: usize,
    /// Epochs done.
    pub epochs: u64,
    /// Steps done.
    pub steps: u64,
    /// Over the training images of the last epoch.
    pub train: Quality,
    /// Over the test images, at the end.
    pub test: Quality,
    /// Test accuracy of the best epoch, and which one that was; none for regression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best: Option<(f64, u64)>,
    /// Seconds of training and testing, over all parts of the run.
    pub seconds: f64,
    /// Training images a second.
    pub images_per_second: f64,
    /// Where it ran.
    pub device: String,
    /// Threads of an operation.
    pub threads: usize,
    /// Version of phew.
    pub phew: String,
    /// Version of libtorch.
    pub libtorch: Option<String>,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub enum RunOutcome {
    /// It is done.
    Done(Box<RunResult>),
    /// It was asked to stop, and a checkpoint lies there to go on from.
    Stopped {
        /// Steps done.
        step: u64,
    },
}

/// Trains in a folder, from where an earlier call in it was cut off.
///
/// A run that was killed at any moment and goes on ends with the same weights and metrics, to the byte, as one that
/// was not, on the CPU with the same number of threads. A run that is done is not trained again.
///
/// | file | what |
/// |---|---|
/// | `config.toml` | what the run was asked to do, every default spelt out |
/// | `arch.toml` | the network |
/// | `checkpoint.safetensors` | where it is: weights, statistics, optimiser buffers, history |
/// | `metrics.jsonl` | one line per epoch; the same run gives the same bytes |
/// | `timings.jsonl` | how long each epoch took |
/// | `events.out.tfevents.*` | the same curves for TensorBoard |
/// | `weights.safetensors` | the trained network |
/// | `result.json` | what came out, written last: where it is, the run is done |
///
/// # Errors
/// [`TrainError::OtherRun`] if another run lies in the folder; [`TrainError::Io`] and [`TrainError::Graph`] if it cannot be
/// written; what [`Trainer::new`] and [`Trainer::run`] run into.
pub fn train_in(
    dir: &Path,
    spec: &RunSpec<'_>,
    observer: &mut dyn Observer,
    stop: &AtomicBool,
) -> Result<RunOutcome> {
    std::fs::create_dir_all(dir).map_err(TrainError::io(dir))?;
    let config = spec.config();
    claim(dir, &config, spec)?;
    let result_path = dir.join("result.json");
    if result_path.exists() {
        let text = std::fs::read(&result_path).map_err(TrainError::io(&result_path))?;
        let result = serde_json::from_slice(&text)
            .map_err(|e| TrainError::corrupt(&result_path, e.to_string()))?;
        return Ok(RunOutcome::Done(Box::new(result)));
    }
    let mut trainer =
        Trainer::new(spec.network, spec.mask, spec.data, spec.recipe, spec.seed, spec.device)?;
    let mut run = Run::resume(dir, config, &mut trainer)?;
    let mut started = Instant::now();
    while let Some(record) = trainer.epoch(observer, stop)? {
        let seconds = started.elapsed().as_secs_f64();
        started = Instant::now();
        let speed = trainer.images_per_second();
        run.note(&record, seconds, speed)?;
        let last = record.epoch == spec.recipe.epochs;
        if last || record.epoch.is_multiple_of(spec.checkpoint_every.max(1)) {
            run.checkpoint(&trainer)?;
        }
    }
    if run.history.len() < spec.recipe.epochs as usize {
        run.checkpoint(&trainer)?;
        return Ok(RunOutcome::Stopped { step: trainer.step() });
    }
    trainer.model().save(&dir.join("weights.safetensors"), Overwrite::Replace)?;
    let result = run.result(spec, &trainer)?;
    write_text(&result_path, &(to_json_pretty(&result) + "\n"))?;
    Ok(RunOutcome::Done(Box::new(result)))
}

/// Makes the folder this run's, or finds out that it is another's.
fn claim(dir: &Path, config: &RunConfig, spec: &RunSpec<'_>) -> Result<()> {
    let path = dir.join("config.toml");
    let text = toml::to_string(config).unwrap_or_else(|e| unreachable!("plain data: {e}"));
    if !path.exists() {
        write_text(&dir.join("arch.toml"), &spec.network.arch().to_toml())?;
        return write_text(&path, &text);
    }
    let found = std::fs::read_to_string(&path).map_err(TrainError::io(&path))?;
    if found == text {
        return Ok(());
    }
    let lines = found.lines().map(Some).chain(std::iter::repeat(None));
    let difference = lines.zip(text.lines()).find(|(found, wanted)| *found != Some(*wanted));
    let (found, wanted) = difference.unwrap_or((None, ""));
    Err(TrainError::OtherRun {
        dir: dir.to_owned(),
        found: found.unwrap_or("nothing").to_owned(),
        wanted: wanted.to_owned(),
    })
}

impl RunSpec<'_> {
    fn config(&self) -> RunConfig {
        RunConfig {
            phew: env!("CARGO_PKG_VERSION").to_owned(),
            arch: self.network.arch().name().to_owned(),
            weights: self.network.fingerprint(),
            mask: self.mask.map(fingerprint),
            method: self.method.map(str::to_owned),
            data: self.data.name.clone(),
            seed: self.seed,
            recipe: self.recipe.clone(),
        }
    }
}

/// Hash of a mask's bits, in hexadecimal.
fn fingerprint(mask: &Mask) -> String {
    let mut hash = Sha256::new();
    for layer in mask.layers() {
        hash.update(layer.name());
        for word in layer.words() {
            hash.update(word.to_le_bytes());
        }
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The files of a run that is under way.
struct Run {
    dir: PathBuf,
    config: RunConfig,
    history: Vec<EpochRecord>,
    timings: Vec<EpochTiming>,
    events: EventFile,
}

impl Run {
    /// Opens the folder's files, and brings the trainer to the last checkpoint if there is one.
    fn resume(dir: &Path, config: RunConfig, trainer: &mut Trainer) -> Result<Self> {
        let path = dir.join("checkpoint.safetensors");
        let (mut history, mut timings) = (Vec::new(), Vec::new());
        if path.exists() {
            let note = checkpoint::load(&path, trainer)?;
            if note.config != config {
                return Err(TrainError::corrupt(&path, "belongs to another run"));
            }
            (history, timings) = (note.history, note.timings);
        }
        let wall = timings.first().map_or_else(now, |timing: &EpochTiming| timing.ended);
        let events = EventFile::create(&dir.join("events.out.tfevents.0.phew"), wall)?;
        let mut run = Self { dir: dir.to_owned(), config, history: Vec::new(), timings, events };
        for (index, record) in history.iter().enumerate() {
            let ended = run.timings.get(index).map_or(wall, |timing| timing.ended);
            run.add_events(record, ended)?;
        }
        run.history = history;
        run.write_lines()?;
        Ok(run)
    }

    /// Notes an epoch in all files.
    fn note(&mut self, record: &EpochRecord, seconds: f64, images_per_second: f64) -> Result<()> {
        let ended = now();
        self.add_events(record, ended)?;
        self.history.push(record.clone());
        let epoch = record.epoch;
        self.timings.push(EpochTiming { epoch, seconds, images_per_second, ended });
        self.write_lines()
    }

    fn add_events(&mut self, record: &EpochRecord, wall: f64) -> Result<()> {
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
            self.events.scalar(tag, record.epoch, value, wall)?;
        }
        Ok(())
    }

    /// Rewrites the files of lines, so that they hold whole lines and each epoch once.
    fn write_lines(&self) -> Result<()> {
        write_text(&self.dir.join("metrics.jsonl"), &to_lines(&self.history))?;
        write_text(&self.dir.join("timings.jsonl"), &to_lines(&self.timings))
    }

    fn checkpoint(&self, trainer: &Trainer) -> Result<()> {
        let path = self.dir.join("checkpoint.safetensors");
        checkpoint::save(&path, trainer, &self.config, &self.history, &self.timings)
    }

    fn result(&self, spec: &RunSpec<'_>, trainer: &Trainer) -> Result<RunResult> {
        let Some(last) = self.history.last() else { unreachable!("a run has an epoch") };
        let prunable = spec.network.arch().prunable_len();
        let accuracies = self.history.iter().filter_map(|r| Some((r.test.top1?, r.epoch)));
        let torch = crate::doctor::libtorch();
        let trained: f64 = self
            .timings
            .iter()
            .map(|t| spec.data.train.len() as f64 / t.images_per_second.max(1e-9))
            .sum();
        Ok(RunResult {
            arch: self.config.arch.clone(),
            method: self.config.method.clone(),
            data: self.config.data.clone(),
            seed: spec.seed,
            kept: spec.mask.map_or(prunable, Mask::kept),
            prunable,
            epochs: last.epoch,
            steps: trainer.step(),
            train: last.train,
            test: last.test,
            // Of equals the first.
            best: accuracies.reduce(|best, next| if next.0 > best.0 { next } else { best }),
            seconds: self.timings.iter().map(|timing| timing.seconds).sum(),
            images_per_second: (spec.data.train.len() * self.timings.len()) as f64 / trained,
            device: spec.device.to_string(),
            threads: torch.threads,
            phew: self.config.phew.clone(),
            libtorch: torch.version,
        })
    }
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

fn to_json_pretty<T: Serialize>(value: &T) -> String {
    serde_json::to_string_pretty(value).unwrap_or_else(|e| unreachable!("plain data: {e}"))
}

fn write_text(path: &Path, text: &str) -> Result<()> {
    write_atomically(path, Overwrite::Replace, |writer| {
        let io = |source| GraphError::Io { path: path.to_owned(), source };
        writer.write_all(text.as_bytes()).map_err(io)
    })?;
    Ok(())
}
