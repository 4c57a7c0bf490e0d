//! How long a training would take, from a few seconds of it.

use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use phew_train::{Pruning, Trainer};

use super::Train;
use crate::{data_cache, interrupt};

/// Steps before the clock starts, in which libtorch finds its memory and its algorithms.
const WARM: u64 = 3;

/// How long steps are timed.
const TIMED: Duration = Duration::from_secs(2);

/// A test image costs a forward pass, a training image about two more in the way back.
const TEST: f64 = 1.0 / 3.0;

impl Train {
    /// Seconds that the run would take from its beginning, by the time of its first steps. Nothing is written.
    pub(crate) fn probe(&self) -> anyhow::Result<f64> {
        let recipe = self.checked_recipe()?;
        let images = data_cache::images(&recipe.data)?;
        let data = data_cache::on_device(&recipe.data, self.device())?;
        let (network, _) = self.network.network(&recipe, &images, self.runs.seed)?;
        let builder = Trainer::builder(&network, &*data, &recipe).seed(self.runs.seed);
        let (mut trainer, go) = (builder.build()?, AtomicBool::new(false));
        let last = trainer.last_step();
        trainer.advance(WARM.min(last), None, &mut (), &go)?;
        let (clock, first) = (Instant::now(), trainer.step());
        while clock.elapsed() < TIMED && trainer.step() < last {
            interrupt::check()?;
            trainer.advance(trainer.step() + 1, None, &mut (), &go)?;
        }
        let steps = (trainer.step() - first).max(1) as f64;
        let step = clock.elapsed().as_secs_f64() / steps;
        let tests = recipe.epochs as f64 * images.test.len() as f64 / recipe.batch as f64 * TEST;
        let epoch = trainer.steps_per_epoch() as f64;
        let further = match self.pruning.pruning(self.runs.seed)? {
            Pruning::Never | Pruning::At { .. } | Pruning::During { .. } => 0.0,
            Pruning::Restart { step, .. } => step as f64,
            Pruning::After { .. } => last as f64,
            Pruning::Gradual { rounds, trained, .. } => {
                let dense = if trained { 0.0 } else { last as f64 };
                dense + f64::from(rounds) * epoch
            }
            Pruning::Rewind { densities, .. } => (densities.len() as u64 * last) as f64,
        };
        Ok(step * (last as f64 + tests) * (1.0 + further / last as f64))
    }
}
