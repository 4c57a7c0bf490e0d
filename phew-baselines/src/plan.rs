//! How far to prune, how to share out what is kept, and in which steps.

use phew_graph::{Arch, LayerBudgets, LayerShares, Mask, kept_at};

use crate::allocation::Allocation;
use crate::error::BaselineError;
use crate::pattern::Pattern;
use crate::schedule::Schedule;
use crate::select::Counts;

/// How far to prune, how to share out what is kept, and in which steps.
///
/// ```
/// use phew_baselines::{Allocation, Plan, Schedule};
///
/// let plan = Plan::new(0.05)?
///     .with_allocation(Allocation::ErdosRenyiKernel)
///     .with_schedule(Schedule::exponential(100)?)?;
/// assert_eq!(plan.counts(1_000_000)?[99], 50_000);
/// assert!(Plan::new(1.5).is_err());
/// # Ok::<(), phew_baselines::BaselineError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    density: f64,
    allocation: Allocation,
    schedule: Schedule,
    layers: LayerShares,
    pattern: Option<Pattern>,
    /// The densities after each step, the last of which is the plan's.
    densities: Vec<f64>,
}

impl Plan {
    /// One shot, all scores against each other, until `density` of the prunable weights are kept.
    ///
    /// # Errors
    /// [`BaselineError::Parameter`] if the density is not in (0, 1].
    pub fn new(density: f64) -> Result<Self, BaselineError> {
        if !(density > 0.0 && density <= 1.0) {
            let expected = "a number above 0 and at most 1";
            return Err(BaselineError::parameter("density", density, expected));
        }
        let (allocation, schedule) = (Allocation::Global, Schedule::one_shot());
        let (layers, pattern) = (LayerShares::default(), None);
        Ok(Self { density, allocation, schedule, layers, pattern, densities: vec![density] })
    }

    /// Sets the allocation; [`Allocation::Global`] by default.
    #[must_use]
    pub fn with_allocation(self, allocation: Allocation) -> Self {
        Self { allocation, ..self }
    }

    /// Sets the schedule; [`Schedule::one_shot`] by default.
    ///
    /// # Errors
    /// [`BaselineError::Parameter`] if a given density is below a later one although nothing revives.
    pub fn with_schedule(self, schedule: Schedule) -> Result<Self, BaselineError> {
        let densities = schedule.densities(self.density)?;
        Ok(Self { schedule, densities, ..self })
    }

    /// Sets the layers that keep a share of their own; none by default. The density stays that of the whole network.
    ///
    /// They come to their shares with the steps, in proportion to what is pruned in all.
    #[must_use]
    pub fn with_layers(self, layers: LayerShares) -> Self {
        Self { layers, ..self }
    }

    /// Keeps N of each M weights along the input, which is the density then. At a step of density d a group keeps
    /// ⌈d·M⌉. Layers that are kept whole stay out of it.
    ///
    /// # Errors
    /// As [`Plan::with_schedule`].
    pub fn with_pattern(self, pattern: Pattern) -> Result<Self, BaselineError> {
        let (density, schedule) = (pattern.density(), self.schedule.clone());
        Self { density, pattern: Some(pattern), ..self }.with_schedule(schedule)
    }

    /// The layers that keep a share of their own.
    #[must_use]
    pub fn layers(&self) -> &LayerShares {
        &self.layers
    }

    /// The pattern, if there is one.
    #[must_use]
    pub fn pattern(&self) -> Option<Pattern> {
        self.pattern
    }

    /// What each layer keeps after a step, of `candidates`.
    ///
    /// # Errors
    /// As [`Plan::counts`] and [`Allocation::counts`]; [`BaselineError::Graph`] if the layers cannot keep their shares.
    ///
    /// # Panics
    /// Unless `step` is below [`Plan::steps`].
    pub fn share_out(
        &self,
        arch: &Arch,
        candidates: &Mask,
        step: usize,
    ) -> Result<Counts, BaselineError> {
        let len = arch.prunable_len();
        if let Some(pattern) = self.pattern {
            let (keep, of) = (pattern.keep_at(self.densities[step]), pattern.of());
            // Whatever the others keep: all there are.
            let fixed = self.layers.budgets(arch, len)?.fixed.to_vec();
            return Ok(Counts::OfEach { keep, of, fixed });
        }
        let counts = self.counts(len)?;
        let (kept, last) = (counts[step], counts[counts.len() - 1]);
        if self.layers.is_empty() {
            return self.allocation.counts(arch, candidates, kept);
        }
        let LayerBudgets { fixed, .. } = self.layers.budgets(arch, last)?;
        // Of what is pruned in the end, the part that is not pruned yet.
        let open = if last < len { (kept - last) as f64 / (len - last) as f64 } else { 0.0 };
        let fixed = arch.prunable().iter().zip(&fixed).map(|(spec, &fixed)| {
            fixed.map(|kept| kept + (open * (spec.len() - kept) as f64).round() as usize)
        });
        let fixed: Vec<Option<usize>> = fixed.collect();
        let free = kept.saturating_sub(fixed.iter().flatten().sum());
        self.allocation.counts_beside(arch, candidates, &fixed, free)
    }

    /// Kept over prunable weights at the end.
    #[must_use]
    pub fn density(&self) -> f64 {
        self.density
    }

    /// How the kept weights are shared out.
    #[must_use]
    pub fn allocation(&self) -> &Allocation {
        &self.allocation
    }

    /// The steps.
    #[must_use]
    pub fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// Number of steps.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.densities.len()
    }

    /// How many of `len` weights are kept after each step: [`kept_at`] of each density.
    ///
    /// # Errors
    /// [`BaselineError::Graph`] if the density keeps none of so many weights.
    pub fn counts(&self, len: usize) -> Result<Vec<usize>, BaselineError> {
        let last = kept_at(self.density, len)?;
        // A step rounds down as the end does, and never below it.
        self.densities.iter().map(|&d| Ok(kept_at(d, len)?.max(last))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn densities_and_schedules_that_make_no_sense_are_refused_at_once() {
        assert!([0.0, -0.1, 1.1, f64::NAN].iter().all(|&d| Plan::new(d).is_err()));
        let rising = Schedule::given(vec![0.1, 0.3]).unwrap();
        let plan = Plan::new(0.05).unwrap();
        let error = plan.clone().with_schedule(rising.clone()).unwrap_err();
        assert!(error.to_string().contains("0.3 after 0.1"), "{error}");
        assert_eq!(plan.clone().with_schedule(rising.reviving()).unwrap().steps(), 3);
        assert!(plan.counts(10).is_err());
        assert_eq!(plan.counts(20).unwrap(), [1]);
    }
}
