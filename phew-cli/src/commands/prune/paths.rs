//! `phew prune` with a method of paths: sets of paths without chance.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use clap::Args;
use phew_baselines::{BaselineError, Oracle, Point};
use phew_graph::{Mask, Network, PathGraph, SkipPolicy};
use phew_walk::{BestPaths, Order, WalkError, best_paths, greedy_paths, mask_of, ranked_paths};
use serde::Serialize;
use serde_json::Value;

use super::Job;
use crate::failure::{of_baseline, usage};
use crate::interrupt;
use crate::layers::{LayerRow, Layers};
use crate::methods::{PathSet, RankedBy};
use crate::output::{grouped, json, percent, text};

/// Options of the path methods.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of top-paths, bottom-paths and gradient-paths")]
pub(super) struct PathArgs {
    /// So many paths instead of a density
    #[arg(long, value_name = "N", conflicts_with = "density")]
    paths: Option<std::num::NonZeroUsize>,
}

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

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    method: &'a str,
    arch: &'a str,
    /// Asked for, or what so many paths came to.
    density: f64,
    parameters: &'a BTreeMap<String, Value>,
    weights: String,
    paths: usize,
    ln_product_first: f64,
    ln_product_last: f64,
    kept: usize,
    prunable: usize,
    seconds: f64,
    output: &'a Path,
    layers: &'a [LayerRow],
}

impl Job {
    pub(super) fn paths(&self, set: PathSet) -> anyhow::Result<()> {
        let wanted = self.wanted(set)?;
        self.output.check()?;
        let whole = Instant::now();
        let (network, source) = self.weights.load(self.arch.load()?, self.seed)?;
        let by_gradient = match set.ranked_by() {
            RankedBy::Weight => None,
            RankedBy::Gradient => Some(self.by_gradient(&network)?),
        };
        let ranked = by_gradient.as_ref().unwrap_or(&network);
        let found = interrupt::at_once(|| select(ranked, &wanted))??;
        let BestPaths { mask, paths, ln_first, ln_last } = found;
        let density = match wanted {
            Wanted::UntilDensity(density, _) => density,
            Wanted::First(..) | Wanted::Greedy => mask.density(),
        };
        let parameters = BTreeMap::from([("paths".into(), Value::from(paths))]);
        let info = self.info(&network, &source, density, parameters);
        mask.save(&self.output.output, &info, self.output.overwrite())?;
        let layers = Layers::new(&PathGraph::new(network.arch()), &mask);
        let report = Report {
            method: &info.method,
            arch: &info.arch,
            density: info.density,
            parameters: &info.parameters,
            weights: source.to_string(),
            paths,
            ln_product_first: ln_first,
            ln_product_last: ln_last,
            kept: mask.kept(),
            prunable: mask.len(),
            seconds: whole.elapsed().as_secs_f64(),
            output: &self.output.output,
            layers: &layers.rows,
        };
        if self.json { json(&report) } else { text(&report.text(&layers, set.ranked_by())) }
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

impl Report<'_> {
    fn text(&self, layers: &Layers, by: RankedBy) -> String {
        let (kept, prunable) = (grouped(self.kept), grouped(self.prunable));
        let what = match by {
            RankedBy::Weight => "|w|",
            RankedBy::Gradient => "|∂L/∂w|",
        };
        let mut out = layers.table();
        out += &format!(
            "\n{}: {kept} of {prunable} weights kept ({}) by {} paths, ln Π{what} from {:.3} to {:.3}; {} dead units\n",
            self.arch,
            percent(self.kept as f64 / self.prunable as f64),
            grouped(self.paths),
            self.ln_product_first,
            self.ln_product_last,
            grouped(layers.dead_units()),
        );
        out += &format!("weights {}; {:.2} s\n", self.weights, self.seconds);
        out + &format!("mask {}\n", self.output.display())
    }
}
