//! The claims of the papers, and how large a check of one is.

use phew_walk::Bias;

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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Scale {
    /// Under a few seconds: for tests.
    Small,
    /// All claims in under two minutes.
    #[default]
    Default,
    /// The papers' sizes, or as near as an exact check can come.
    Paper,
}

phew_graph::choice! {
    Claim, "claim":
    Lemma1 => "lemma1", "The narrowest network maximises the path kernel's trace",
    Lemma2 => "lemma2", "Equal widths maximise the number of paths",
    Lemma3 => "lemma3", "Walks visit the units of a layer alike",
    Lemma4 => "lemma4", "What biased walks are worth over uniform ones",
    Theorem1 => "theorem1", "Eigenvalues of the tangent kernel are bounded by products",
    Stubs => "stubs", "Stub units under random pruning, and none under PHEW",
    Gradients => "gradients", "Paths of higher edge-weight product have higher gradients",
}

phew_graph::choice! {
    Scale, "scale":
    Small => "small", "Seconds",
    Default => "default", "Under two minutes",
    Paper => "paper", "The papers' sizes",
}

/// How a claim is checked.
///
/// ```
/// use phew_metrics::{ClaimParams, Scale};
/// use phew_walk::Bias;
/// let params = ClaimParams::new(Scale::Small).seed(7).bias(Bias::Square);
/// # let _ = params;
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ClaimParams {
    pub(super) scale: Scale,
    pub(super) seed: u64,
    pub(super) bias: Bias,
}

impl ClaimParams {
    /// Checks of this size; seed 0, and walks biased as PHEW's, by [`Bias::Magnitude`].
    #[must_use]
    pub fn new(scale: Scale) -> Self {
        Self { scale, ..Self::default() }
    }

    /// Sets the seed of weights, inputs and samples.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Sets the bias of the walks, for the claims that speak of walks: lemmas 3 and 4, and stub units. The papers speak
    /// of [`Bias::Magnitude`] alone.
    #[must_use]
    pub fn bias(self, bias: Bias) -> Self {
        Self { bias, ..self }
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
