//! N of each M: as many weights in each group of neighbours along the input.

use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;

use crate::error::BaselineError;

/// N of each M consecutive weights along the input dimension: 2:4 is what sparse tensor cores multiply by.
///
/// The weights of a group lead to one output unit from M consecutive input units; those of a convolution stand at one
/// place of the kernel besides. Where a layer's inputs are no multiple of M, the last group is smaller and keeps at
/// most N.
///
/// # Examples
/// ```
/// use phew_baselines::Pattern;
///
/// let pattern: Pattern = "2:4".parse()?;
/// assert_eq!((pattern.density(), pattern.to_string()), (0.5, "2:4".to_owned()));
/// assert!("4:4".parse::<Pattern>().is_err());
/// # Ok::<(), phew_baselines::BaselineError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pattern {
    keep: NonZeroUsize,
    of: NonZeroUsize,
}

impl Pattern {
    /// Keeps `keep` of each `of`.
    ///
    /// # Errors
    /// [`BaselineError::Parameter`] unless `0 < keep < of`.
    pub fn new(keep: usize, of: usize) -> Result<Self, BaselineError> {
        match (NonZeroUsize::new(keep), NonZeroUsize::new(of)) {
            (Some(keep), Some(of)) if keep < of => Ok(Self { keep, of }),
            _ => Err(wrong(&format!("{keep}:{of}"))),
        }
    }

    /// Weights kept of each group.
    #[must_use]
    pub fn keep(&self) -> usize {
        self.keep.get()
    }

    /// Weights of a group.
    #[must_use]
    pub fn of(&self) -> usize {
        self.of.get()
    }

    /// N over M.
    #[must_use]
    pub fn density(&self) -> f64 {
        self.keep() as f64 / self.of() as f64
    }

    /// Weights kept of each group at a step of a schedule that has come to `density`: rounded up, and N at the end.
    pub(crate) fn keep_at(&self, density: f64) -> usize {
        // A product that is whole up to rounding counts as whole.
        let keep = (density * self.of() as f64 * (1.0 - 4.0 * f64::EPSILON)).ceil() as usize;
        keep.clamp(self.keep(), self.of())
    }
}

fn wrong(text: &str) -> BaselineError {
    let expected = "N:M with 0 < N < M, as in 2:4";
    BaselineError::parameter("pattern", format!("`{text}`"), expected)
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.keep, self.of)
    }
}

impl FromStr for Pattern {
    type Err = BaselineError;

    fn from_str(text: &str) -> Result<Self, BaselineError> {
        let numbers =
            text.split_once(':').and_then(|(n, m)| Some((n.parse().ok()?, m.parse().ok()?)));
        let (keep, of) = numbers.ok_or_else(|| wrong(text))?;
        Self::new(keep, of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_read_as_it_is_written_and_nonsense_is_refused() {
        for text in ["1:2", "2:4", "3:16"] {
            assert_eq!(text.parse::<Pattern>().unwrap().to_string(), text);
        }
        for text in ["0:4", "4:4", "5:4", "2", "2:", "a:b", "-1:4", ""] {
            assert!(text.parse::<Pattern>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_schedule_takes_groups_down_one_by_one() {
        let pattern = Pattern::new(2, 4).unwrap();
        let densities = [1.0, 0.9, 0.75, 0.7, 0.500_000_000_1, 0.5];
        assert_eq!(densities.map(|d| pattern.keep_at(d)), [4, 4, 3, 3, 3, 2]);
        assert_eq!(Pattern::new(1, 3).unwrap().keep_at(1.0 / 3.0), 1);
    }
}
