//! Sets of paths without chance: their options, and masks made of them.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::time::Instant;

use clap::Args;
use phew_baselines::{BaselineError, Oracle, Point};
use phew_graph::{Mask, Network, SkipPolicy};
use phew_walk::{BestPaths, Order, WalkError, best_paths, greedy_paths, mask_of, ranked_paths};
use serde_json::Value;

use super::made::{How, Made};
use super::table::{PathSet, RankedBy};
use crate::failure::usage;
use crate::interrupt;

/// Options of the path methods.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of top-paths, bottom-paths and gradient-paths")]
pub(crate) struct PathArgs {
    /// So many paths instead of a density
    #[arg(long, value_name = "N", conflicts_with = "density")]
    paths: Option<NonZeroUsize>,
}

/// Which paths are wanted.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wanted {
    /// So many, in this order of products.
    First(usize, Order),
    /// In this order, until a density is reached.
    UntilDensity(f64, Order),
    /// One for each input and output.
    Greedy,
}

/// The network with the magnitudes of its loss gradient in the place of its weights: where paths are ranked by them
/// (Patil & Dovrolis, ICLR 2021 submission, section 4).
///
/// The text does not say what the gradient magnitude of a path is; here it is the product over its weights, as the
/// edge-weight product is.
pub(crate) fn by_gradient(
    network: &Network,
    mask: &Mask,
    oracle: &mut dyn Oracle,
) -> Result<Network, BaselineError> {
    let gradient = oracle.gradient(&Point { weights: &network.weights(), mask })?;
    let mut magnitudes: Vec<Vec<f32>> = Vec::new();
    for (values, layer) in gradient.iter().zip(mask.layers()) {
        let mut kept = vec![0.0; values.len()];
        layer.iter().for_each(|index| kept[index] = values[index].abs());
        magnitudes.push(kept);
    }
    Ok(network.with_weights(magnitudes)?)
}

impl PathArgs {
    /// The sets that are asked for: one of so many paths, or one for each density.
    pub(super) fn wanted(
        &self,
        method: &str,
        set: PathSet,
        densities: &[f64],
    ) -> anyhow::Result<Vec<Wanted>> {
        match (set, self.paths, densities) {
            (PathSet::Greedy, None, []) => Ok(vec![Wanted::Greedy]),
            (PathSet::Greedy, ..) => Err(usage(format!(
                "method `{method}` has one path for each input and output, and takes neither --paths nor --density",
            ))),
            (PathSet::Ranked(order, _), Some(count), _) => {
                Ok(vec![Wanted::First(count.get(), order)])
            }
            (PathSet::Ranked(..), None, []) => {
                Err(usage(format!("method `{method}` needs --density or --paths")))
            }
            (PathSet::Ranked(order, _), None, densities) => {
                Ok(densities.iter().map(|&density| Wanted::UntilDensity(density, order)).collect())
            }
        }
    }
}

impl Wanted {
    /// The mask of these paths, ranked by products over `ranked`.
    pub(super) fn make(self, ranked: &Network, by: RankedBy) -> anyhow::Result<Made> {
        let clock = Instant::now();
        let found = interrupt::at_once(|| self.select(ranked))??;
        let BestPaths { mask, paths, ln_first, ln_last } = found;
        let density = match self {
            Wanted::UntilDensity(density, _) => density,
            Wanted::First(..) | Wanted::Greedy => mask.density(),
        };
        let of = match by {
            RankedBy::Weight => "|w|",
            RankedBy::Gradient => "|∂L/∂w|",
        };
        Ok(Made {
            mask,
            density,
            parameters: BTreeMap::from([("paths".into(), Value::from(paths))]),
            how: How::Paths { paths, ln_product_first: ln_first, ln_product_last: ln_last, of },
            phases: vec![("paths", clock.elapsed().as_secs_f64())],
        })
    }

    fn select(self, network: &Network) -> Result<BestPaths, WalkError> {
        let skips = SkipPolicy::Uniform;
        let paths = match self {
            Wanted::UntilDensity(density, order) => {
                return best_paths(network, order, skips, density);
            }
            Wanted::First(count, order) => ranked_paths(network, order, skips, count)?,
            Wanted::Greedy => greedy_paths(network, skips)?,
        };
        let ln = |p: Option<&phew_walk::RankedPath>| p.map_or(f64::NAN, |p| p.ln_product);
        Ok(BestPaths {
            mask: mask_of(network, &paths),
            paths: paths.len(),
            ln_first: ln(paths.first()),
            ln_last: ln(paths.last()),
        })
    }
}
