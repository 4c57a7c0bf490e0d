//! Schedules: at which densities the scores are taken.

use crate::error::BaselineError;

/// Steps at most: a list of them must fit into memory.
const MOST: usize = 1_000_000;

/// The densities that a method passes through on its way to the one that was asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    steps: Steps,
    revives: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Steps {
    Linear(usize),
    Exponential(usize),
    Given(Vec<f64>),
}

impl Schedule {
    /// Score once, prune once.
    #[must_use]
    pub fn one_shot() -> Self {
        Self { steps: Steps::Linear(1), revives: false }
    }

    /// The density falls by the same amount in each of `iterations` steps.
    #[must_use]
    pub fn linear(iterations: usize) -> Self {
        Self { steps: Steps::Linear(iterations), revives: false }
    }

    /// The density falls by the same factor in each of `iterations` steps: `d^(n/N)` after step n of N.
    ///
    /// # References
    /// Tanaka et al. 2020: N = 100 for SynFlow.
    #[must_use]
    pub fn exponential(iterations: usize) -> Self {
        Self { steps: Steps::Exponential(iterations), revives: false }
    }

    /// These densities, one for each step; the plan's own density follows as a last step if it is another.
    #[must_use]
    pub fn given(densities: Vec<f64>) -> Self {
        Self { steps: Steps::Given(densities), revives: false }
    }

    /// Lets pruned weights compete again at the next step.
    ///
    /// # References
    /// de Jorge et al. 2021 (FORCE).
    #[must_use]
    pub fn reviving(self) -> Self {
        Self { revives: true, ..self }
    }

    /// Whether pruned weights may come back.
    #[must_use]
    pub fn revives(&self) -> bool {
        self.revives
    }

    /// Shape, number of iterations, and densities if these are given instead.
    pub(crate) fn name(&self) -> (&'static str, Option<usize>, &[f64]) {
        match &self.steps {
            Steps::Linear(n) => ("linear", Some(*n), &[]),
            Steps::Exponential(n) => ("exponential", Some(*n), &[]),
            Steps::Given(densities) => ("given", None, densities),
        }
    }

    /// The densities, the last of which is `density`.
    ///
    /// # Errors
    /// [`BaselineError::Parameter`] if there are no steps or more than a million, or a given density is not in
    /// (0, 1], or is below a later one although nothing revives.
    pub fn densities(&self, density: f64) -> Result<Vec<f64>, BaselineError> {
        let iterations = match &self.steps {
            Steps::Linear(n) | Steps::Exponential(n) => *n,
            Steps::Given(given) => return self.check(given, density),
        };
        if !(1..=MOST).contains(&iterations) {
            let expected = format!("a number from 1 to {MOST}");
            return Err(BaselineError::parameter("iterations", iterations, expected));
        }
        let at = |step: usize| {
            let share = step as f64 / iterations as f64;
            match self.steps {
                _ if step == iterations => density,
                Steps::Exponential(_) => density.powf(share),
                _ => 1.0 - (1.0 - density) * share,
            }
        };
        Ok((1..=iterations).map(at).collect())
    }

    fn check(&self, given: &[f64], density: f64) -> Result<Vec<f64>, BaselineError> {
        let mut all = given.to_vec();
        if all.last().is_none_or(|last| last.total_cmp(&density).is_ne()) {
            all.push(density);
        }
        let range = all.iter().find(|&&d| !(d > 0.0 && d <= 1.0));
        if let Some(found) = range {
            return Err(BaselineError::parameter(
                "a step's density",
                found,
                "more than 0, at most 1",
            ));
        }
        if let Some(pair) = all.windows(2).find(|w| !self.revives && w[0] < w[1]) {
            let found = format!("{} after {}", pair[1], pair[0]);
            return Err(BaselineError::parameter(
                "a step's density",
                found,
                "at most the one before",
            ));
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn densities_are_those_of_the_formulas_and_end_at_the_target() {
        assert_eq!(Schedule::one_shot().densities(0.1).unwrap(), [0.1]);
        assert_eq!(
            Schedule::linear(4).densities(0.2).unwrap(),
            [0.8, 0.6, 0.3999999999999999, 0.2]
        );
        let exponential = Schedule::exponential(3).densities(0.008).unwrap();
        for (found, want) in exponential.iter().zip([0.2, 0.04, 0.008]) {
            assert!((found / want - 1.0).abs() < 1e-15, "{found} {want}");
        }
        assert_eq!(Schedule::given(vec![0.5]).densities(0.25).unwrap(), [0.5, 0.25]);
    }

    #[test]
    fn steps_that_make_no_sense_are_refused() {
        assert!(Schedule::linear(0).densities(0.5).is_err());
        assert!(Schedule::exponential(usize::MAX).densities(0.5).is_err());
        assert_eq!(Schedule::linear(MOST).densities(0.5).unwrap().len(), MOST);
        assert!(Schedule::given(vec![0.1, 0.3]).densities(0.05).is_err());
        assert!(Schedule::given(vec![0.1, 0.3]).reviving().densities(0.05).is_ok());
        assert!(Schedule::given(vec![f64::NAN]).densities(0.05).is_err());
    }
}
