//! The papers' claims, checked numerically and honestly.
//!
//! Each claim is a function of a scale and a seed that returns a [`Report`]: what the paper says, in which settings
//! it was checked, what was expected and found, and whether it holds. A claim that fails comes with the smallest
//! counterexample found. 001 is the ICML text, 003 the ICLR text.

mod gradients;
mod lemma1;
mod lemma2;
mod lemma3;
mod lemma4;
mod reverse;
mod statistics;
mod stubs;
mod theorem1;

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::error::MetricError;

/// A claim of the papers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Claim {
    /// 001, lemma 1: the narrowest fully connected network maximises the path kernel's trace.
    Lemma1,
    /// 001, lemma 2: equal widths maximise the number of paths.
    Lemma2,
    /// 001, lemma 3: every unit of a layer of N expects W/N of W walks.
    Lemma3,
    /// 001, lemma 4 and 003, eq. (4): biased walks are worth `2^L` and `(π/2)^L` times uniform ones.
    Lemma4,
    /// 001, theorem 1: eigenvalues of the tangent kernel are bounded by products.
    Theorem1,
    /// 003, eq. (5) to (8): stub units under random pruning.
    Stubs,
    /// 003, section 3: paths of higher edge-weight product have higher gradients.
    Gradients,
}

/// How large a check is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Hash)]
pub enum Scale {
    /// Under a few seconds: for tests.
    Small,
    /// All claims in under two minutes.
    #[default]
    Default,
    /// The papers' sizes, or as near as an exact check can come.
    Paper,
}

/// Whether a claim holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As stated, within the certainty given.
    Holds,
    /// Up to a deviation that is measured.
    Approximate,
    /// Not as stated: there is a counterexample.
    Fails,
}

/// One setting of a claim.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Check {
    /// What was looked at.
    pub setting: String,
    /// What the claim says.
    pub expected: String,
    /// What was found.
    pub found: String,
    /// Whether they agree.
    pub verdict: Verdict,
    /// How sure that is: exhaustive, exact, or a sample's size and error.
    pub certainty: String,
}

/// A claim and how it fared.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Name of the claim, as [`Claim`] parses it.
    pub claim: &'static str,
    /// Where it stands.
    pub source: &'static str,
    /// What it says.
    pub statement: &'static str,
    /// Whether it holds, all settings considered.
    pub verdict: Verdict,
    /// The whole truth in a sentence or two.
    pub summary: String,
    /// The settings.
    pub checks: Vec<Check>,
}

impl Claim {
    /// All claims, in the order of the papers.
    pub const ALL: [Self; 7] = [
        Self::Lemma1,
        Self::Lemma2,
        Self::Lemma3,
        Self::Lemma4,
        Self::Theorem1,
        Self::Stubs,
        Self::Gradients,
    ];

    /// Name on the command line and in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Lemma1 => "lemma1",
            Self::Lemma2 => "lemma2",
            Self::Lemma3 => "lemma3",
            Self::Lemma4 => "lemma4",
            Self::Theorem1 => "theorem1",
            Self::Stubs => "stubs",
            Self::Gradients => "gradients",
        }
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Claim {
    type Err = MetricError;

    fn from_str(text: &str) -> Result<Self, MetricError> {
        let found = Self::ALL.into_iter().find(|c| c.name() == text);
        found.ok_or_else(|| MetricError::Parameter {
            name: "claim",
            found: format!("`{text}`"),
            expected: "lemma1, lemma2, lemma3, lemma4, theorem1, stubs or gradients",
        })
    }
}

impl FromStr for Scale {
    type Err = MetricError;

    fn from_str(text: &str) -> Result<Self, MetricError> {
        match text {
            "small" => Ok(Self::Small),
            "default" => Ok(Self::Default),
            "paper" => Ok(Self::Paper),
            _ => Err(MetricError::Parameter {
                name: "scale",
                found: format!("`{text}`"),
                expected: "small, default or paper",
            }),
        }
    }
}

impl Scale {
    /// One of three values.
    fn pick<T>(self, small: T, default: T, paper: T) -> T {
        match self {
            Self::Small => small,
            Self::Default => default,
            Self::Paper => paper,
        }
    }
}

impl Check {
    fn new(
        setting: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
        verdict: Verdict,
        certainty: impl Into<String>,
    ) -> Self {
        let (setting, expected, found) = (setting.into(), expected.into(), found.into());
        Self { setting, expected, found, verdict, certainty: certainty.into() }
    }
}

/// Checks one claim.
///
/// The same claim, scale and seed give the same report on any number of threads.
///
/// ```
/// use phew_metrics::{Claim, Scale, Verdict, verify};
/// let report = verify(Claim::Lemma2, Scale::Small, 0)?;
/// assert_eq!(report.verdict, Verdict::Fails);
/// # Ok::<(), phew_metrics::MetricError>(())
/// ```
///
/// # Errors
/// [`MetricError`] if a decomposition does not converge or a network cannot be built.
pub fn verify(claim: Claim, scale: Scale, seed: u64) -> Result<Report, MetricError> {
    match claim {
        Claim::Lemma1 => lemma1::check(scale, seed),
        Claim::Lemma2 => lemma2::check(scale),
        Claim::Lemma3 => lemma3::check(scale, seed),
        Claim::Lemma4 => lemma4::check(scale, seed),
        Claim::Theorem1 => theorem1::check(scale, seed),
        Claim::Stubs => stubs::check(scale, seed),
        Claim::Gradients => gradients::check(scale, seed),
    }
}
