//! Schedules: at which densities the scores are taken.

use std::fmt;
use std::str::FromStr;

use crate::error::BaselineError;
use crate::text::{join, numbers};

/// Steps at most: a list of them must fit into memory.
const MOST: usize = 1_000_000;

/// The densities that a method passes through on its way to the one that was asked for.
///
/// Its text is `one-shot`, `linear:N`, `exponential:N` or `given:0.5,0.2,…`, with `+revive` at the end where pruned
/// weights may come back.
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
        Self::of(Steps::Linear(1))
    }

    /// The density falls by the same amount in each of `iterations` steps.
    ///
    /// # Errors
    /// [`BaselineError::Parameter`] if there are no steps or more than a million.
    pub fn linear(iterations: usize) -> Result<Self, BaselineError> {
        Ok(Self::of(Steps::Linear(number_of_steps(iterations)?)))
    }

    /// The density falls by the same factor in each of `iterations` steps: `d^(n/N)` after step n of N.
    ///
    /// # Errors
    /// As [`Schedule::linear`].
    ///
    /// # References
    /// Tanaka et al. 2020: N = 100 for SynFlow.
    pub fn exponential(iterations: usize) -> Result<Self, BaselineError> {
        Ok(Self::of(Steps::Exponential(number_of_steps(iterations)?)))
    }

    /// These densities, one for each step; the plan's own density follows as a last step if it is another.
    ///
    /// # Errors
    /// [`BaselineError::Parameter`] if a density is not in (0, 1], or if there are more than a million.
    pub fn given(densities: Vec<f64>) -> Result<Self, BaselineError> {
        number_of_steps(densities.len().max(1))?;
        match densities.iter().find(|&&d| !(d > 0.0 && d <= 1.0)) {
            None => Ok(Self::of(Steps::Given(densities))),
            Some(found) => {
                Err(BaselineError::parameter("a step's density", found, "more than 0, at most 1"))
            }
        }
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

    fn of(steps: Steps) -> Self {
        Self { steps, revives: false }
    }

    /// The densities, the last of which is `density`, in (0, 1].
    pub(crate) fn densities(&self, density: f64) -> Result<Vec<f64>, BaselineError> {
        let evenly = |iterations: usize, at: &dyn Fn(f64) -> f64| {
            let at = |step| {
                if step == iterations { density } else { at(step as f64 / iterations as f64) }
            };
            (1..=iterations).map(at).collect()
        };
        match &self.steps {
            Steps::Linear(n) => Ok(evenly(*n, &|share| 1.0 - (1.0 - density) * share)),
            Steps::Exponential(n) => Ok(evenly(*n, &|share| libm::pow(density, share))),
            Steps::Given(given) => self.ending_at(given, density),
        }
    }

    fn ending_at(&self, given: &[f64], density: f64) -> Result<Vec<f64>, BaselineError> {
        let mut all = given.to_vec();
        if all.last().is_none_or(|last| last.total_cmp(&density).is_ne()) {
            all.push(density);
        }
        match all.windows(2).find(|w| !self.revives && w[0] < w[1]) {
            None => Ok(all),
            Some(pair) => {
                let found = format!("{} after {}", pair[1], pair[0]);
                let expected = "at most the one before";
                Err(BaselineError::parameter("a step's density", found, expected))
            }
        }
    }
}

fn number_of_steps(iterations: usize) -> Result<usize, BaselineError> {
    if (1..=MOST).contains(&iterations) {
        return Ok(iterations);
    }
    let expected = format!("a number from 1 to {MOST}");
    Err(BaselineError::parameter("iterations", iterations, expected))
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.steps {
            Steps::Linear(1) => f.write_str("one-shot")?,
            Steps::Linear(n) => write!(f, "linear:{n}")?,
            Steps::Exponential(n) => write!(f, "exponential:{n}")?,
            Steps::Given(densities) => write!(f, "given:{}", join(densities))?,
        }
        f.write_str(if self.revives { "+revive" } else { "" })
    }
}

impl FromStr for Schedule {
    type Err = BaselineError;

    fn from_str(text: &str) -> Result<Self, BaselineError> {
        let wrong = || {
            let expected = "one-shot, linear:N, exponential:N or given:DENSITY,DENSITY,…, and +revive \
                            after it if pruned weights may come back";
            BaselineError::parameter("schedule", format!("`{text}`"), expected)
        };
        let (steps, revives) = match text.strip_suffix("+revive") {
            Some(steps) => (steps, true),
            None => (text, false),
        };
        let count = |n: &str| n.parse().ok().filter(|&n: &usize| n > 0).ok_or_else(wrong);
        let schedule = match steps.split_once(':') {
            None if steps == "one-shot" => Self::one_shot(),
            Some(("linear", n)) => Self::linear(count(n)?)?,
            Some(("exponential", n)) => Self::exponential(count(n)?)?,
            Some(("given", densities)) => Self::given(numbers(densities).ok_or_else(wrong)?)?,
            _ => return Err(wrong()),
        };
        Ok(if revives { schedule.reviving() } else { schedule })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn densities(schedule: Result<Schedule, BaselineError>, density: f64) -> Vec<f64> {
        schedule.unwrap().densities(density).unwrap()
    }

    #[test]
    fn densities_are_those_of_the_formulas_and_end_at_the_target() {
        assert_eq!(densities(Ok(Schedule::one_shot()), 0.1), [0.1]);
        assert_eq!(densities(Schedule::linear(4), 0.2), [0.8, 0.6, 0.3999999999999999, 0.2]);
        let exponential = densities(Schedule::exponential(3), 0.008);
        for (found, want) in exponential.iter().zip([0.2, 0.04, 0.008]) {
            assert!((found / want - 1.0).abs() < 1e-15, "{found} {want}");
        }
        assert_eq!(densities(Schedule::given(vec![0.5]), 0.25), [0.5, 0.25]);
    }

    #[test]
    fn exponential_densities_are_the_same_bits_on_any_machine() {
        let found: Vec<u64> =
            densities(Schedule::exponential(5), 0.05).iter().map(|d| d.to_bits()).collect();
        assert_eq!(
            found,
            [
                4603122696398753777,
                4599106722778056452,
                4595138809841507028,
                4591223694476246782,
                4587366580439587226,
            ]
        );
    }

    #[test]
    fn steps_that_make_no_sense_are_refused() {
        assert!(Schedule::linear(0).is_err());
        assert!(Schedule::exponential(usize::MAX).is_err());
        assert_eq!(densities(Schedule::linear(MOST), 0.5).len(), MOST);
        assert!(Schedule::given(vec![f64::NAN]).is_err());
        let rising = Schedule::given(vec![0.1, 0.3]).unwrap();
        assert!(rising.densities(0.05).is_err());
        assert!(rising.reviving().densities(0.05).is_ok());
    }

    #[test]
    fn names_come_back_and_wrong_ones_are_refused() {
        for text in ["one-shot", "linear:7", "exponential:100+revive", "given:0.5,0.25"] {
            assert_eq!(text.parse::<Schedule>().unwrap().to_string(), text);
        }
        let bad = ["linear", "linear:0", "exponential:-1", "one-shot:3", "+revive", "given:"];
        assert!(bad.iter().all(|t| t.parse::<Schedule>().is_err()));
    }
}
