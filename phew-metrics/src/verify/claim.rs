//! The claims of the papers, and how large a check of one is.

use std::fmt;
use std::str::FromStr;

use crate::error::MetricError;

/// A claim of the papers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Claim {
    /// Patil & Dovrolis 2021, lemma 1: the narrowest fully connected network maximises the path kernel's trace.
    Lemma1,
    /// Patil & Dovrolis 2021, lemma 2: equal widths maximise the number of paths.
    Lemma2,
    /// Patil & Dovrolis 2021, lemma 3: every unit of a layer of N expects W/N of W walks.
    Lemma3,
    /// Patil & Dovrolis 2021, lemma 4, and Patil & Dovrolis, ICLR 2021 submission, eq. (4): biased walks through L
    /// hidden layers are worth `2^L` times uniform ones by Π(p, p), and `(π/2)^(L+1)` times by edge-weight product.
    Lemma4,
    /// Patil & Dovrolis 2021, theorem 1: eigenvalues of the tangent kernel are bounded by products.
    Theorem1,
    /// Patil & Dovrolis, ICLR 2021 submission, eq. (5) to (8): stub units under random pruning.
    Stubs,
    /// Patil & Dovrolis, ICLR 2021 submission, section 3: paths of higher edge-weight product have higher gradients.
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
    pub(super) fn pick<T>(self, small: T, default: T, paper: T) -> T {
        match self {
            Self::Small => small,
            Self::Default => default,
            Self::Paper => paper,
        }
    }
}
