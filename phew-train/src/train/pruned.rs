//! Training with prunings on the way, one event at a time.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;

use phew_baselines::reinitialise;
use phew_graph::{Init, Mask, Network};

use super::observer::{Observer, Pruned, TrainingProgress};
use super::pruner::Pruner;
use super::pruning::{Act, Pruning, Redraw};
use super::record::EpochRecord;
use super::trainer::{Outcome, Snapshot, Trainer};
use crate::error::{Result, TrainError};

/// A trainer that is pruned on its way.
#[derive(Debug)]
pub struct PrunedTraining {
    trainer: Trainer,
    acts: Vec<Act>,
    /// The act that is under way.
    at: usize,
    /// Prunings done.
    phase: u64,
    early: Option<Snapshot>,
    /// Steps whose models are asked for.
    kept_steps: BTreeSet<u64>,
}

/// What happened last.
#[derive(Debug, Clone)]
pub enum Event {
    /// An epoch ended.
    Epoch(Box<EpochRecord>),
    /// A step came whose model was asked for: [`PrunedTraining::keep`].
    Kept(Box<Snapshot>),
    /// The model of this step is kept, to go back to.
    Remembered,
    /// The network was pruned.
    Pruned(Pruned),
    /// It was asked to stop.
    Stopped,
    /// All is done.
    Done,
}

impl PrunedTraining {
    /// Takes a trainer at step 0.
    ///
    /// # Errors
    /// [`TrainError::Parameter`] as [`Pruning::validate`].
    pub fn new(trainer: Trainer, pruning: &Pruning) -> Result<Self> {
        let acts = pruning.acts(trainer.recipe(), trainer.images())?;
        let kept_steps = BTreeSet::new();
        Ok(Self { trainer, acts, at: 0, phase: 0, early: None, kept_steps })
    }

    /// Asks for the models of these steps, each an [`Event::Kept`] when training comes to it. Steps that it has gone
    /// beyond do not come any more, and those of later trainings of the same run come in the first.
    pub fn keep(&mut self, steps: impl IntoIterator<Item = u64>) {
        self.kept_steps.extend(steps);
    }

    /// The next step whose model is asked for, on the way to another.
    fn next_kept(&mut self, to: u64) -> Option<u64> {
        self.kept_steps = self.kept_steps.split_off(&self.trainer.step());
        self.kept_steps.first().copied().filter(|&step| step <= to)
    }

    /// Begins from the network of another training's early step instead of step 0. What is pruned stays so.
    ///
    /// # Errors
    /// [`TrainError::Parameter`] if it is of another network.
    pub fn begin_from(&mut self, early: &Snapshot) -> Result<()> {
        self.trainer.rewind(early)
    }

    /// The trainer as it is now.
    #[must_use]
    pub fn trainer(&self) -> &Trainer {
        &self.trainer
    }

    /// What is kept now.
    #[must_use]
    pub fn mask(&self) -> &Mask {
        self.trainer.mask()
    }

    /// Prunings so far.
    #[must_use]
    pub fn phase(&self) -> u64 {
        self.phase
    }

    /// Trains to the end of everything.
    ///
    /// # Errors
    /// As [`PrunedTraining::advance`].
    pub fn run(
        &mut self,
        pruner: &dyn Pruner,
        observer: &mut dyn Observer,
    ) -> Result<Vec<EpochRecord>> {
        let (mut records, go) = (Vec::new(), AtomicBool::new(false));
        loop {
            match self.advance(pruner, observer, &go)? {
                Event::Epoch(record) => records.push(*record),
                Event::Done => return Ok(records),
                _ => {}
            }
        }
    }

    /// Goes on until something happens.
    ///
    /// # Errors
    /// What [`Trainer::advance`] and the pruner run into; [`TrainError::NotNested`] if the pruner keeps what was pruned
    /// before, which leaves the training as it was.
    pub fn advance(
        &mut self,
        pruner: &dyn Pruner,
        observer: &mut dyn Observer,
        stop: &AtomicBool,
    ) -> Result<Event> {
        while let Some(&act) = self.acts.get(self.at) {
            match act {
                Act::Train { to, rate } => {
                    let kept = self.next_kept(to);
                    let mut phased = Phased { phase: self.phase, observer };
                    match self.trainer.advance(kept.unwrap_or(to), rate, &mut phased, stop)? {
                        Outcome::Epoch(record) => {
                            let record = EpochRecord { phase: self.phase, ..*record };
                            return Ok(Event::Epoch(Box::new(record)));
                        }
                        Outcome::Stopped => return Ok(Event::Stopped),
                        Outcome::Reached if kept.is_some() => {
                            self.kept_steps.pop_first();
                            return Ok(Event::Kept(Box::new(self.trainer.snapshot()?)));
                        }
                        Outcome::Reached => self.at += 1,
                    }
                }
                Act::Skip { to } => {
                    self.trainer.skip_to(to)?;
                    self.at += 1;
                }
                Act::Remember => {
                    self.early = Some(self.trainer.snapshot()?);
                    self.at += 1;
                    return Ok(Event::Remembered);
                }
                Act::Prune { density } => {
                    let network = self.trainer.network()?;
                    let mask = pruner.prune(&network, self.mask(), density)?;
                    mask.check(network.arch(), "the pruner's mask")?;
                    self.check_nested(&mask, pruner)?;
                    self.trainer.prune(&mask)?;
                    self.phase += 1;
                    self.at += 1;
                    let (step, phase) = (self.trainer.step(), self.phase);
                    let (kept, prunable) = (mask.kept(), mask.len());
                    let weights = network.fingerprint();
                    let pruned = Pruned { phase, step, kept, prunable, weights };
                    observer.pruned(&pruned);
                    return Ok(Event::Pruned(pruned));
                }
                Act::Rewind => {
                    let Some(early) = &self.early else { unreachable!("remembered before") };
                    self.trainer.rewind(early)?;
                    self.at += 1;
                }
                Act::Restart => {
                    self.trainer.restart()?;
                    self.at += 1;
                }
                Act::Redraw(Redraw { variance, seed }) => {
                    let init: Init = self.trainer.recipe().init.parse()?;
                    let arch = self.trainer.model().arch().clone();
                    let fresh = Network::initialise(arch, init, seed)?
                        .with_norm_scale(self.trainer.recipe().norm_scale, seed);
                    let drawn = reinitialise(&fresh, self.mask(), variance.into(), init, seed)?;
                    self.trainer.restart_from(&drawn)?;
                    self.at += 1;
                }
            }
        }
        Ok(Event::Done)
    }

    /// Refuses a mask that keeps what is pruned: to cut it out here would miss the density.
    fn check_nested(&self, mask: &Mask, pruner: &dyn Pruner) -> Result<()> {
        let layers = mask.layers().iter().zip(self.mask().layers());
        let mut revived = layers.filter(|(new, old)| new.common(old) < new.kept());
        let Some((new, old)) = revived.next() else { return Ok(()) };
        Err(TrainError::NotNested {
            pruning: self.phase + 1,
            step: self.trainer.step(),
            method: pruner.info().method,
            tensor: new.name().to_owned(),
            index: new.iter().find(|&index| !old.get(index)).unwrap_or_default(),
        })
    }

    /// The act that is under way and the prunings so far, for a checkpoint.
    pub(crate) fn place(&self) -> (usize, u64) {
        (self.at, self.phase)
    }

    /// The model that was remembered.
    pub(crate) fn early(&self) -> Option<&Snapshot> {
        self.early.as_ref()
    }

    /// Goes where a checkpoint was: the mask of its last pruning, if there was any, and what it remembered.
    pub(crate) fn go_to(
        &mut self,
        (at, phase): (usize, u64),
        mask: Option<Mask>,
        early: Option<Snapshot>,
    ) -> Result<()> {
        if let Some(mask) = mask {
            self.trainer.prune(&mask)?;
        }
        (self.at, self.phase, self.early) = (at, phase, early);
        Ok(())
    }

    pub(crate) fn trainer_mut(&mut self) -> &mut Trainer {
        &mut self.trainer
    }

    /// Whether a model was remembered before act `at`.
    pub(crate) fn has_remembered(&self, at: usize) -> bool {
        self.acts[..at.min(self.acts.len())].contains(&Act::Remember)
    }
}

/// Tells an observer the phase of each epoch.
struct Phased<'a> {
    phase: u64,
    observer: &'a mut dyn Observer,
}

impl Observer for Phased<'_> {
    fn progress(&mut self, progress: &TrainingProgress) {
        self.observer.progress(progress);
    }

    fn epoch(&mut self, record: &EpochRecord) {
        self.observer.epoch(&EpochRecord { phase: self.phase, ..record.clone() });
    }
}
