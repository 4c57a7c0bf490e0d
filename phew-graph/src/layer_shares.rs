//! Layers that are to keep a share of their own, whatever the others keep.

use std::fmt;

use crate::arch::Arch;
use crate::by_id::ByTensor;
use crate::error::GraphError;

/// Layers, by patterns of their names, that are to keep a share of their own.
///
/// The density that is asked for stays that of the whole network: what these layers keep counts, and the others share
/// what is left. A pattern is the name of a weight or of its layer (`fc1.weight`, `fc1`), with `*` for any letters and
/// `?` for one. Of several patterns that match a layer the first one given counts.
///
/// # Examples
/// ```
/// use phew_graph::{LayerShares, zoo};
///
/// let arch = zoo::mlp(&[10, 8, 6, 4]).build()?;
/// let shares = LayerShares::default().keep_whole("fc3")?.share("fc1", 0.25)?;
/// let budgets = shares.budgets(&arch, 60)?;
/// assert_eq!((budgets.fixed.as_slice(), budgets.free), (&[Some(20), None, Some(24)][..], 16));
/// # Ok::<(), phew_graph::GraphError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LayerShares(Vec<(String, f64)>);

/// How many weights each layer may keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerBudgets {
    /// Weights of each layer that has a share of its own.
    pub fixed: ByTensor<Option<usize>>,
    /// Weights of all other layers together.
    pub free: usize,
}

impl LayerShares {
    /// Adds layers that are kept whole.
    ///
    /// # Errors
    /// As [`LayerShares::share`].
    pub fn keep_whole(self, pattern: &str) -> Result<Self, GraphError> {
        self.share(pattern, 1.0)
    }

    /// Adds layers that keep this share of their weights, rounded down.
    ///
    /// # Errors
    /// [`GraphError::Parameter`] unless `0 ≤ share ≤ 1`.
    pub fn share(mut self, pattern: &str, share: f64) -> Result<Self, GraphError> {
        if !(0.0..=1.0).contains(&share) {
            let (name, expected) = ("share of a layer", "a number of at least 0 and at most 1");
            return Err(GraphError::Parameter { name, found: share.to_string(), expected });
        }
        self.0.push((pattern.to_owned(), share));
        Ok(self)
    }

    /// Whether no layer has a share of its own.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether some layer is to keep a part of its weights: more than none and not all.
    #[must_use]
    pub fn has_parts(&self) -> bool {
        self.0.iter().any(|(_, share)| *share < 1.0)
    }

    /// What each layer may keep of `kept` weights in all.
    ///
    /// # Errors
    /// [`GraphError::Layers`] if a pattern matches no layer, if the layers with a share of their own keep more than
    /// `kept`, or if the others have no room for the rest.
    pub fn budgets(&self, arch: &Arch, kept: usize) -> Result<LayerBudgets, GraphError> {
        let matches = |pattern: &str, name: &str| {
            let layer = name.strip_suffix(".weight").unwrap_or(name);
            glob(pattern.as_bytes(), name.as_bytes()) || glob(pattern.as_bytes(), layer.as_bytes())
        };
        let names = || arch.prunable().iter().map(|spec| spec.name.as_str());
        if let Some((pattern, _)) = self.0.iter().find(|(p, _)| !names().any(|n| matches(p, n))) {
            let layers: Vec<&str> = names().collect();
            let layers = crate::error::list(&layers);
            let reason = format!("no layer is called `{pattern}`: there are {layers}");
            return Err(GraphError::Layers { reason });
        }
        let share = |name: &str| self.0.iter().find(|(pattern, _)| matches(pattern, name));
        // A product that is whole up to rounding counts as whole, as in `kept_at`.
        let count = |share: f64, len: usize| {
            ((share * len as f64 * (1.0 + 4.0 * f64::EPSILON)).floor() as usize).min(len)
        };
        let fixed: ByTensor<Option<usize>> = arch
            .prunable()
            .iter()
            .map(|spec| Some(count(share(&spec.name)?.1, spec.len())))
            .collect();
        let taken: usize = fixed.iter().flatten().sum();
        let open = arch.prunable().iter().zip(&fixed).filter(|(_, fixed)| fixed.is_none());
        let room: usize = open.map(|(spec, _)| spec.len()).sum();
        let len = arch.prunable_len() as f64;
        match kept.checked_sub(taken) {
            None => {
                let reason = format!(
                    "those with a share of their own keep {taken} weights, and all together are to keep {kept}: \
                     expected a density of at least {:.6}",
                    taken as f64 / len
                );
                Err(GraphError::Layers { reason })
            }
            Some(free) if free > room => {
                let reason = format!(
                    "those with a share of their own keep {taken} weights and the others have {room}, and all together \
                     are to keep {kept}: expected a density of at most {:.6}",
                    (taken + room) as f64 / len
                );
                Err(GraphError::Layers { reason })
            }
            Some(free) => Ok(LayerBudgets { fixed, free }),
        }
    }
}

impl fmt::Display for LayerShares {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let each = |(pattern, share): &(String, f64)| format!("{pattern}={share}");
        f.write_str(&self.0.iter().map(each).collect::<Vec<_>>().join(","))
    }
}

/// Whether a pattern with `*` and `?` is the name.
fn glob(pattern: &[u8], name: &[u8]) -> bool {
    // The last star, and what it has taken so far: where the rest does not fit it takes one more.
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(&c) if c == b'?' || c == name[n] => (p, n) = (p + 1, n + 1),
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    (p, n) = (at + 1, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&c| c == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zoo;

    #[test]
    fn stars_stand_for_any_letters_and_question_marks_for_one() {
        let names = |pattern: &str| {
            let all = ["fc1", "fc10", "layer1.0.conv1", "layer1.0.bn", ""];
            all.into_iter().filter(|n| glob(pattern.as_bytes(), n.as_bytes())).collect::<Vec<_>>()
        };
        assert_eq!(names("fc?"), ["fc1"]);
        assert_eq!(names("fc*"), ["fc1", "fc10"]);
        assert_eq!(names("layer*.conv*"), ["layer1.0.conv1"]);
        assert_eq!(names("*0*1"), ["layer1.0.conv1"]);
        assert_eq!(names("*"), ["fc1", "fc10", "layer1.0.conv1", "layer1.0.bn", ""]);
        assert_eq!(names(""), [""]);
        assert_eq!(names("fc"), [""; 0]);
    }

    #[test]
    fn the_others_share_what_is_left_and_what_cannot_be_is_refused_with_the_bound() {
        let arch = zoo::mlp(&[10, 8, 6, 4]).build().unwrap();
        let shares = LayerShares::default().keep_whole("fc1.weight").unwrap();
        let shares = shares.share("fc?", 0.5).unwrap().share("fc3", 0.1).unwrap();
        assert_eq!(shares.to_string(), "fc1.weight=1,fc?=0.5,fc3=0.1");
        // The first pattern that matches counts.
        let budgets = shares.budgets(&arch, 116).unwrap();
        assert_eq!(
            (budgets.fixed.as_slice(), budgets.free),
            (&[Some(80), Some(24), Some(12)][..], 0)
        );
        let one = LayerShares::default().share("fc2", 0.5).unwrap();
        let budgets = one.budgets(&arch, 100).unwrap();
        assert_eq!((budgets.fixed.as_slice(), budgets.free), (&[None, Some(24), None][..], 76));
        let error =
            |shares: &LayerShares, kept| shares.budgets(&arch, kept).unwrap_err().to_string();
        assert!(
            error(&one, 23).contains("keep 24 weights")
                && error(&one, 23).contains("at least 0.157895")
        );
        assert!(error(&one, 129).contains("at most 0.842105"), "{}", error(&one, 129));
        let wrong = LayerShares::default().keep_whole("conv*").unwrap();
        assert!(error(&wrong, 10).contains("no layer is called `conv*`: there are `fc1.weight`"));
        assert!(
            [-0.1, 1.1, f64::NAN].iter().all(|&s| LayerShares::default().share("a", s).is_err())
        );
    }
}
