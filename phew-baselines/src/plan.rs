//! How far to prune, how to share out what is kept, and in which steps.

use phew_graph::kept_at;

use crate::allocation::Allocation;
use crate::error::BaselineError;
use crate::schedule::Schedule;

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
        Ok(Self { density, allocation, schedule, densities: vec![density] })
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
