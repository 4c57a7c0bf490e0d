//! What to walk, and until when.

pub(crate) mod bias;
mod options;

use phew_graph::{GraphError, LayerShares, SkipPolicy, kept_at};

pub use bias::Bias;
pub use options::{Engine, Granularity, Starts};

/// The law of a walk: everything but when to stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct WalkLaw {
    /// Seed; 0 by default. Walk `i` depends on the weights, this law and `i` alone.
    pub seed: u64,
    /// What draws a walk on; [`Bias::Magnitude`] by default.
    pub bias: Bias,
    /// Which connections a walk may take; [`SkipPolicy::Uniform`] by default.
    pub skips: SkipPolicy,
    /// Where walks start; [`Starts::Balanced`] by default.
    pub starts: Starts,
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
    /// In ascending order.
    pub(crate) densities: Vec<f64>,
    pub(crate) law: WalkLaw,
    pub(crate) granularity: Granularity,
    pub(crate) engine: Engine,
    pub(crate) exact: bool,
    pub(crate) layers: LayerShares,
}

impl WalkParams {
    /// Walks until this share of the prunable weights is kept; everything else at its default: that of
    /// [`WalkLaw`], [`Granularity::Weight`], [`Engine::Auto`], and not exact.
    ///
    /// # Errors
    /// [`GraphError::Parameter`] unless `0 < density ≤ 1`.
    pub fn new(density: f64) -> Result<Self, GraphError> {
        Self::nested(&[density])
    }

    /// Several densities in one run, each mask within the next.
    ///
    /// # Errors
    /// [`GraphError::Parameter`] unless there is at least one, and `0 < density ≤ 1` for each.
    pub fn nested(densities: &[f64]) -> Result<Self, GraphError> {
        let mut densities = densities.to_vec();
        for &density in &densities {
            // With this many weights every valid density keeps one: only the range is checked here.
            kept_at(density, usize::MAX)?;
        }
        if densities.is_empty() {
            let (found, expected) = ("empty".to_owned(), "at least one");
            return Err(GraphError::Parameter { name: "list of densities", found, expected });
        }
        densities.sort_by(f64::total_cmp);
        let (law, granularity) = (WalkLaw::default(), Granularity::default());
        let (engine, layers) = (Engine::default(), LayerShares::default());
        Ok(Self { densities, law, granularity, engine, exact: false, layers })
    }

    /// Sets the engine.
    #[must_use]
    pub fn engine(self, engine: Engine) -> Self {
        Self { engine, ..self }
    }

    /// Keeps exactly the target: of what the last walk added, weights are dropped that leave no other without a
    /// path.
    #[must_use]
    pub fn exact(self, exact: bool) -> Self {
        Self { exact, ..self }
    }

    /// Sets the layers that keep a share of their own; none by default. The density stays that of the whole network.
    ///
    /// A layer with all of its weights is kept from the start. Another one keeps what walks pass until it has its share,
    /// and all others together until they have what is left: then what walks pass there is no longer kept. Walks end
    /// when nothing is left to keep. The law of a walk does not change, so a kept weight may lie on no kept path.
    ///
    /// With parts of layers walks are drawn one by one, and densities of one call each on their own.
    #[must_use]
    pub fn layers(self, layers: LayerShares) -> Self {
        Self { layers, ..self }
    }

    /// Sets the law of the walks.
    #[must_use]
    pub fn law(self, law: WalkLaw) -> Self {
        Self { law, ..self }
    }

    /// Sets the seed. With [`Engine::Walk`] masks of one seed are nested as the density grows.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        self.with(|law| law.seed = seed)
    }

    /// Sets what draws the walks.
    #[must_use]
    pub fn bias(self, bias: Bias) -> Self {
        self.with(|law| law.bias = bias)
    }

    /// Sets which connections walks may take.
    #[must_use]
    pub fn skips(self, skips: SkipPolicy) -> Self {
        self.with(|law| law.skips = skips)
    }

    /// Sets where walks start.
    #[must_use]
    pub fn starts(self, starts: Starts) -> Self {
        self.with(|law| law.starts = starts)
    }

    /// Sets what is kept of a kernel.
    #[must_use]
    pub fn granularity(self, granularity: Granularity) -> Self {
        Self { granularity, ..self }
    }

    fn with(mut self, set: impl FnOnce(&mut WalkLaw)) -> Self {
        set(&mut self.law);
        self
    }
}
