//! What to walk, and until when.

use phew_graph::{GraphError, SkipPolicy, kept_at};

/// What draws a walk from unit to unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Hash)]
#[non_exhaustive]
pub enum Bias {
    /// `Q ∝ |θ|`: PHEW.
    #[default]
    Magnitude,
    /// `Q ∝ θ²`.
    Square,
    /// Every weight alike.
    Uniform,
    /// `Q ∝ 1 / max(|θ|, 10⁻³⁰)`: towards small weights.
    Inverse,
}

/// What a walk keeps of a kernel that it passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Hash)]
pub enum Granularity {
    /// The one scalar weight drawn.
    #[default]
    Weight,
    /// All scalars of the kernel.
    Kernel,
}

/// Where walks start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Hash)]
pub enum Starts {
    /// Forward and reverse walks in turn, round robin over the input and over the output units.
    #[default]
    Balanced,
    /// Forward walks only, round robin over the input units.
    Forward,
    /// Reverse walks only, round robin over the output units.
    Reverse,
    /// Forward and reverse walks in turn, each from a unit drawn uniformly.
    Random,
}

/// Parameters of the sampler.
///
/// ```
/// use phew_walk::{Starts, WalkParams};
/// let params = WalkParams::new(0.05)?.seed(3).starts(Starts::Forward);
/// assert!(WalkParams::new(f64::NAN).is_err());
/// # Ok::<(), phew_walk::WalkError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct WalkParams {
    pub(crate) density: f64,
    pub(crate) seed: u64,
    pub(crate) bias: Bias,
    pub(crate) skips: SkipPolicy,
    pub(crate) starts: Starts,
    pub(crate) granularity: Granularity,
}

impl WalkParams {
    /// Walks until this share of the prunable weights is kept; everything else at its default: seed 0,
    /// [`Bias::Magnitude`], [`SkipPolicy::Uniform`], [`Starts::Balanced`], [`Granularity::Weight`].
    ///
    /// # Errors
    /// [`GraphError::Parameter`] unless `0 < density ≤ 1`.
    pub fn new(density: f64) -> Result<Self, GraphError> {
        // With this many weights every valid density keeps one: only the range is checked here.
        kept_at(density, usize::MAX)?;
        Ok(Self {
            density,
            seed: 0,
            bias: Bias::default(),
            skips: SkipPolicy::default(),
            starts: Starts::default(),
            granularity: Granularity::default(),
        })
    }

    /// Sets the seed. Masks of one seed are nested as the density grows.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Sets what draws the walks.
    #[must_use]
    pub fn bias(self, bias: Bias) -> Self {
        Self { bias, ..self }
    }

    /// Sets which connections walks may take.
    #[must_use]
    pub fn skips(self, skips: SkipPolicy) -> Self {
        Self { skips, ..self }
    }

    /// Sets where walks start.
    #[must_use]
    pub fn starts(self, starts: Starts) -> Self {
        Self { starts, ..self }
    }

    /// Sets what is kept of a kernel.
    #[must_use]
    pub fn granularity(self, granularity: Granularity) -> Self {
        Self { granularity, ..self }
    }
}
