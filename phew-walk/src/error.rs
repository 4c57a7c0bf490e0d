//! What can be wrong with a request for walks.

use phew_graph::GraphError;

/// A density in four digits that is not above it: one that can be had.
fn rounded_down(density: f64) -> f64 {
    const DIGITS: f64 = 1e4;
    let down = (density * DIGITS).floor() / DIGITS;
    if down > 0.0 { down } else { density }
}

/// Why no mask was made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WalkError {
    /// A parameter or a network that is not valid.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// All paths from the inputs to the outputs pass a weight that is worth nothing.
    #[error("no input-output path: no weight other than 0 leads on to layer `{layer}`")]
    NoPath {
        /// The first layer that no path reaches.
        layer: String,
    },
    /// No number of walks or paths reaches the density.
    #[error(
        "density {density} asks for {target} weights, but paths reach only {reachable} of {prunable}{reason}"
    )]
    Unreachable {
        /// Density asked for.
        density: f64,
        /// Weights asked for.
        target: usize,
        /// Weights that some path passes.
        reachable: usize,
        /// All prunable weights.
        prunable: usize,
        /// What keeps paths away, or empty.
        reason: &'static str,
    },
    /// Paths reach the density, but only after more walks than are made.
    #[error(
        "density {density} is expected to take {walks:.0e} more walks, since some weights lie on paths that hardly any \
         walk takes; {most} more walks are the most that are made, and they come to a density of about {}",
        rounded_down(*within)
    )]
    TooManyWalks {
        /// Density asked for.
        density: f64,
        /// Walks that it is expected to take beyond those that were made.
        walks: f64,
        /// Walks that are made at most.
        most: u64,
        /// Density that so many are expected to come to.
        within: f64,
    },
    /// The overshoot cannot be dropped.
    #[error(
        "exactly {target} weights cannot be kept: of those that the last walk added, all but {over} too many are \
         needed, since dropping any would leave another kept weight without a path"
    )]
    Inexact {
        /// Weights asked for.
        target: usize,
        /// Weights that remain beyond them.
        over: usize,
    },
    /// The caller's progress function asked to stop.
    #[error("stopped after {walks} walks")]
    Stopped {
        /// Walks made so far.
        walks: u64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_density_that_is_named_is_below_the_one_that_cannot_be_had() {
        let named = |density, within| {
            let error = WalkError::TooManyWalks { density, walks: 6e9, most: 1 << 30, within };
            error.to_string().rsplit(' ').next().map(str::to_owned)
        };
        assert_eq!(named(1.0, 0.999_98).as_deref(), Some("0.9999"));
        assert_eq!(named(0.6, 0.512_38).as_deref(), Some("0.5123"));
        assert_eq!(named(0.1, 0.000_05).as_deref(), Some("0.00005"));
    }
}
