//! `phew prune` with a method of paths: sets of paths without chance.

use std::collections::BTreeMap;
use std::time::Instant;

use phew_baselines::{BaselineError, Oracle, Point};
use phew_graph::{Mask, Network, PathGraph, SkipPolicy};
use phew_walk::{BestPaths, Order, WalkError, best_paths, greedy_paths, mask_of, ranked_paths};
use serde_json::Value;

use super::job::Job;
use super::report::{How, PrunedMask};
use crate::failure::{of_baseline, usage};
use crate::interrupt;
use crate::layers::Layers;
use crate::methods::{PathSet, RankedBy};

/// Which paths are wanted.
enum Wanted {
    First(usize, Order),
    UntilDensity(f64, Order),
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

impl Job {
    pub(super) fn paths(&self, set: PathSet) -> anyhow::Result<PrunedMask> {
        let wanted = self.wanted(set)?;
        self.output.check()?;
        let clock = Instant::now();
        let (network, source) = self.weights.load(self.arch.load()?, self.seed)?;
        let by_gradient = match set.ranked_by() {
            RankedBy::Weight => None,
            RankedBy::Gradient => Some(self.by_gradient(&network)?),
        };
        let load = clock.elapsed().as_secs_f64();

        let clock = Instant::now();
        let ranked = by_gradient.as_ref().unwrap_or(&network);
        let found = interrupt::at_once(|| select(ranked, &wanted))??;
        let BestPaths { mask, paths, ln_first, ln_last } = found;
        let select = clock.elapsed().as_secs_f64();

        let clock = Instant::now();
        let density = match wanted {
            Wanted::UntilDensity(density, _) => density,
            Wanted::First(..) | Wanted::Greedy => mask.density(),
        };
        let parameters = BTreeMap::from([("paths".into(), Value::from(paths))]);
        let info = self.info(&network, &source, density, parameters);
        mask.save(&self.output.output, &info, self.output.overwrite())?;
        let layers = Layers::new(&PathGraph::new(network.arch()), &mask);
        let write = clock.elapsed().as_secs_f64();
        let of = match set.ranked_by() {
            RankedBy::Weight => "|w|",
            RankedBy::Gradient => "|∂L/∂w|",
        };
        let how = How::Paths { paths, ln_product_first: ln_first, ln_product_last: ln_last, of };
        let phases = vec![("load", load), ("paths", select), ("write", write)];
        let output = self.output.output.clone();
        Ok(PrunedMask::new(info, source.to_string(), (layers, &mask), how, phases, output))
    }

    /// What was asked for.
    fn wanted(&self, set: PathSet) -> anyhow::Result<Wanted> {
        let method = self.method.name;
        match (set, self.path.paths, &self.density[..]) {
            (PathSet::Greedy, None, []) => Ok(Wanted::Greedy),
            (PathSet::Greedy, ..) => Err(usage(format!(
                "method `{method}` has one path for each input and output, and takes neither --paths nor --density",
            ))),
            (PathSet::Ranked(order, _), Some(count), _) => Ok(Wanted::First(count.get(), order)),
            (PathSet::Ranked(order, _), None, &[density]) => {
                Ok(Wanted::UntilDensity(density, order))
            }
            _ => Err(usage(format!("method `{method}` needs --density or --paths"))),
        }
    }

    /// The network whose products rank the paths by the gradient.
    fn by_gradient(&self, network: &Network) -> anyhow::Result<Network> {
        let (method, needs) = (self.method.name, self.method.needs);
        let missing = || of_baseline(BaselineError::NeedsOracle { method, needs });
        let mut oracle = self.oracle(network)?.ok_or_else(missing)?;
        let dense = Mask::dense(network.arch());
        by_gradient(network, &dense, &mut *oracle).map_err(of_baseline)
    }
}

fn select(network: &Network, wanted: &Wanted) -> Result<BestPaths, WalkError> {
    let skips = SkipPolicy::Uniform;
    let paths = match *wanted {
        Wanted::UntilDensity(density, order) => return best_paths(network, order, skips, density),
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
