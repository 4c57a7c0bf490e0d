//! A run on disk: a folder that a killed run goes on in.

mod builder;
mod checkpoint;
mod config;
mod early;
mod events;
mod folder;
mod identity;
mod remaining;
mod result;

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use phew_graph::{FileLock, Overwrite};

use crate::error::{Result, TrainError};
use crate::train::{Event, Observer, PrunedTraining, Trainer};
use folder::{Folder, claim, to_json_pretty, write_text};
use identity::{WEIGHTS, check_claim, result_of};

pub use builder::{Run, RunBuilder};
pub use config::RunConfig;
pub use early::Early;
pub use remaining::Remaining;
pub use result::{RunOutcome, RunResult};

impl Run<'_> {
    /// Trains in a folder, from where an earlier call in it was cut off.
    ///
    /// A run that was killed at any moment and goes on ends with the same weights and metrics, to the byte, as one that
    /// was not, on the CPU with the same number of threads. A run that is done is not trained again, unless it is to
    /// [keep](RunBuilder::keep_steps) a step that its folder lacks: then once more up to that step.
    ///
    /// | file | what |
    /// |---|---|
    /// | `config.toml` | what the run was asked to do, every default spelt out |
    /// | `arch.toml` | the network |
    /// | `lock` | locked by the process that works there, which it names |
    /// | `checkpoint.safetensors` | where it is: weights, statistics, optimiser buffers, history |
    /// | `early.safetensors` | the network of the step that a method goes back to |
    /// | `early-STEP.safetensors` | the network of a step that it was asked to keep |
    /// | `mask-N.safetensors` | what the N-th pruning in the course of training kept |
    /// | `metrics.jsonl` | a line per epoch, each with its `phase`, the prunings before it; same run, same bytes |
    /// | `timings.jsonl` | how long each epoch took |
    /// | `events.out.tfevents.*` | the same curves for TensorBoard |
    /// | `weights.safetensors` | the trained network |
    /// | `result.json` | what came out ([`RunResult`]), written last: where it is, the run is done |
    ///
    /// Results, checkpoints, masks, early networks and lines of metrics bear the run's identity ([`RunConfig::id`]): what
    /// bears another is refused, not believed. Only one process at a time works in a folder.
    ///
    /// # Errors
    /// [`TrainError::OtherRun`] if another run lies in the folder, [`TrainError::Corrupt`] if a file in it is another
    /// run's; [`GraphError::Locked`](phew_graph::GraphError::Locked) if another process works there; [`TrainError::Io`] and [`TrainError::Graph`] if it
    /// cannot be written; what [`Trainer::run`] runs into.
    pub fn train_in(
        &self,
        dir: &Path,
        observer: &mut dyn Observer,
        stop: &AtomicBool,
    ) -> Result<RunOutcome> {
        if let Some(result) = self.done_in(dir)?
            && self.not_kept_in(dir)?.is_empty()
        {
            return Ok(RunOutcome::Done(Box::new(result)));
        }
        // A device without room shows before the folder is taken.
        let training = self.begin()?;
        std::fs::create_dir_all(dir).map_err(TrainError::io(dir))?;
        let _lock = FileLock::acquire(&dir.join("lock"))?;
        // Another process may have begun or ended a run meanwhile.
        let outcome = match self.done_in(dir)? {
            Some(result) => RunOutcome::Done(Box::new(result)),
            None => self.train(training, dir, observer, stop)?,
        };
        if let RunOutcome::Done(_) = outcome
            && let Some(step) = self.keep_passed(dir, observer, stop)?
        {
            return Ok(RunOutcome::Stopped { step });
        }
        Ok(outcome)
    }

    /// The training before its first step.
    fn begin(&self) -> Result<PrunedTraining> {
        let mut training = PrunedTraining::new(Trainer::start(&self.task)?, &self.config.pruning)?;
        if let Some(early) = self.from {
            training.begin_from(&early.snapshot)?;
        }
        Ok(training)
    }

    /// Trains from the last checkpoint to the result.
    fn train(
        &self,
        mut training: PrunedTraining,
        dir: &Path,
        observer: &mut dyn Observer,
        stop: &AtomicBool,
    ) -> Result<RunOutcome> {
        claim(dir, &self.config, self.task.network.arch())?;
        let mut folder = Folder::resume(dir, &self.config, &mut training)?;
        training.keep(self.not_kept_in(dir)?);
        let mut started = Instant::now();
        loop {
            match training.advance(self.pruner, observer, stop)? {
                Event::Epoch(record) => {
                    let seconds = started.elapsed().as_secs_f64();
                    started = Instant::now();
                    folder.note(&record, seconds, training.trainer().images_per_second())?;
                    let last = record.epoch == self.task.recipe.epochs;
                    if last || record.epoch.is_multiple_of(self.checkpoint_every) {
                        folder.checkpoint(&training)?;
                    }
                }
                Event::Kept(kept) => checkpoint::save_kept(dir, &kept, &self.config)?,
                Event::Remembered => folder.keep_early(&training)?,
                Event::Pruned(pruned) => {
                    let arch = self.task.network.arch();
                    folder.keep_mask(arch, training.mask(), &pruned, &self.pruner.info())?;
                    folder.checkpoint(&training)?;
                }
                Event::Stopped => {
                    folder.checkpoint(&training)?;
                    return Ok(RunOutcome::Stopped { step: training.trainer().step() });
                }
                Event::Done => break,
            }
        }
        training.trainer().model().save(&dir.join(WEIGHTS), Overwrite::Replace)?;
        let result = folder.result(&training, self)?;
        write_text(&dir.join("result.json"), &(to_json_pretty(&result) + "\n"))?;
        Ok(RunOutcome::Done(Box::new(result)))
    }

    /// The steps to be kept that a folder lacks.
    fn not_kept_in(&self, dir: &Path) -> Result<Vec<u64>> {
        let lacks = |&step: &u64| match checkpoint::has_kept(dir, step, &self.config) {
            Ok(true) => None,
            Ok(false) => Some(Ok(step)),
            Err(error) => Some(Err(error)),
        };
        self.kept_steps.iter().filter_map(lacks).collect()
    }

    /// Keeps the steps that were asked for after training had gone beyond them: trains anew up to the last of them. The
    /// step at which it was asked to stop, if it was.
    fn keep_passed(
        &self,
        dir: &Path,
        observer: &mut dyn Observer,
        stop: &AtomicBool,
    ) -> Result<Option<u64>> {
        let passed = self.not_kept_in(dir)?;
        let Some(&last) = passed.last() else { return Ok(None) };
        let mut training = self.begin()?;
        training.keep(passed);
        loop {
            match training.advance(self.pruner, observer, stop)? {
                Event::Kept(kept) => {
                    checkpoint::save_kept(dir, &kept, &self.config)?;
                    if kept.step() == last {
                        return Ok(None);
                    }
                }
                Event::Stopped => return Ok(Some(training.trainer().step())),
                _ => {}
            }
        }
    }

    /// The result that lies in a folder, if the run is done there.
    fn done_in(&self, dir: &Path) -> Result<Option<RunResult>> {
        check_claim(dir, &self.config, self.task.network.arch())?;
        result_of(dir, &self.config)
    }
}
